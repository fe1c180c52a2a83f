from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError

from workers.database.connection import (
    BUSY_TIMEOUT_MS,
    DatabaseMissing,
    get_engine,
    get_session,
    open_engine,
    read_transaction,
    write_transaction,
)
from workers.database.models import Document

if TYPE_CHECKING:
    from workers.config import Config

PYTHON_CLIENT = Path(__file__).resolve().parents[2]
_INSERT_BATCH = text("INSERT INTO batches VALUES ('b', 'f', 'queued', NULL, 0, '/', NULL, 0, 0)")


def test_sqlite_waits_for_writers_in_wal_mode_and_checks_foreign_keys(config: Config) -> None:
    with get_session(config) as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA busy_timeout")) == BUSY_TIMEOUT_MS >= 10_000
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
    with get_session(config) as session, pytest.raises(IntegrityError), write_transaction(session):
        session.add(
            Document(id="d", batch_id="none", name="n", storage_path="/", bytes=0, status="pending", updated_at=0)
        )


def test_processes_that_open_new_databases_together_all_get_them_in_wal_mode(tmp_path: Path) -> None:
    """Many databases: that two processes switch the same one at the same moment is a matter of luck."""
    script = (
        "import sys\n"
        "from sqlalchemy import text\n"
        "from workers.database.connection import open_engine\n"
        "print('ready', flush=True)\n"
        "for number in sys.stdin:\n"
        "    with open_engine(f'sqlite:///{sys.argv[1]}/{number.strip()}.db').connect() as connection:\n"
        "        print(connection.scalar(text('PRAGMA journal_mode')), flush=True)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            cwd=PYTHON_CLIENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]

    def answers() -> list[str]:
        return [process.stdout.readline() if process.stdout else "" for process in processes]

    assert answers() == ["ready\n"] * 4
    for number in range(100):
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(f"{number}\n")
            process.stdin.flush()
        assert answers() == ["wal\n"] * 4
    for process in processes:
        process.communicate(timeout=60)


def test_a_missing_sqlite_file_says_who_makes_it(config: Config, tmp_path: Path) -> None:
    elsewhere = replace(config, database_url=f"sqlite:///{tmp_path / 'none.db'}")
    with pytest.raises(DatabaseMissing, match=r"none\.db does not exist; start the backend"), get_session(elsewhere):
        pass
    assert not (tmp_path / "none.db").exists()


def test_nothing_is_left_open_after_a_read(config: Config) -> None:
    with get_session(config) as session:
        with read_transaction(session):
            session.execute(select(Document.id)).all()
            assert session.in_transaction()
        assert not session.in_transaction()


def test_a_write_transaction_holds_the_lock_from_its_start(config: Config) -> None:
    impatient = sqlite3.connect(config.database_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    with get_session(config) as session, write_transaction(session):
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            impatient.execute("BEGIN IMMEDIATE")
        assert impatient.execute("SELECT count(*) FROM batches").fetchone() == (0,)
    impatient.execute("BEGIN IMMEDIATE")
    impatient.close()


def test_a_write_transaction_rolls_back_when_its_block_raises(config: Config) -> None:
    with get_session(config) as session:
        with pytest.raises(ZeroDivisionError), write_transaction(session):  # noqa: PT012 - the second line raises
            session.execute(_INSERT_BATCH)
            raise ZeroDivisionError
        assert session.scalar(text("SELECT count(*) FROM batches")) == 0


def test_a_write_transaction_refuses_to_start_inside_another(config: Config) -> None:
    with get_session(config) as session:
        session.scalar(text("SELECT 1"))
        with pytest.raises(InvalidRequestError), write_transaction(session):
            pass


def test_reading_then_writing_from_four_threads_never_finds_the_database_locked(config: Config) -> None:
    """Every thread reads before it writes: with a lock taken at the first write, all but one would fail at once."""
    rounds = 50
    start = threading.Barrier(4)
    with get_session(config) as session, write_transaction(session):
        session.execute(_INSERT_BATCH)

    def count_up() -> None:
        start.wait(timeout=30)
        for _ in range(rounds):
            with get_session(config) as session, write_transaction(session):
                run = session.scalar(text("SELECT run FROM batches"))
                session.execute(text("UPDATE batches SET run = :run"), {"run": run + 1})

    with ThreadPoolExecutor(4) as threads:
        for future in [threads.submit(count_up) for _ in range(4)]:
            future.result(timeout=60)
    with get_session(config) as session:
        assert session.scalar(text("SELECT run FROM batches")) == 4 * rounds


def test_the_engine_is_made_once_a_process(config: Config) -> None:
    assert get_engine(config) is get_engine(config)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_an_engine_of_its_own(config: Config) -> None:
    script = (
        "import os, sys\n"
        "from workers.config import Config\n"
        "from workers.database.connection import get_engine\n"
        "config = Config.from_environment()\n"
        "engine = get_engine(config)\n"
        "connection = engine.connect()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if get_engine(config) is not engine and engine.pool.checkedout() == 0 else 1)\n"
        "status = os.waitpid(child, 0)[1]\n"
        "connection.exec_driver_sql('SELECT count(*) FROM batches')\n"
        "sys.exit(os.waitstatus_to_exitcode(status))\n"
    )
    finished = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=PYTHON_CLIENT,
        env={**os.environ, "DATABASE_URL": config.database_url},
        timeout=60,
        check=False,
    )
    assert finished.returncode == 0


def test_postgresql_urls_get_an_engine_without_connecting() -> None:
    engine = open_engine("postgresql+psycopg://u:p@h/d")
    assert engine.driver == "psycopg"
