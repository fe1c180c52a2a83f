"""Engines, sessions and the two kinds of transaction.

A write transaction takes the write lock when it begins. A transaction that reads first and writes later would have to
upgrade its lock, and SQLite refuses that at once, whatever the busy timeout, when another writer came in between
("database is locked").
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from workers.config import Config

BUSY_TIMEOUT_MS = 15_000
"""How long a SQLite statement waits for another writer before it fails."""
CONNECT_TIMEOUT_S = 10
"""How long opening a PostgreSQL connection may take."""

_BEGIN_OPTION = "workers_begin"

_engines: dict[str, Engine] = {}
_engines_lock = threading.Lock()


class DatabaseMissing(OSError):
    """Raised when the SQLite file does not exist: the backend, which owns the tables, has not made it yet."""


def get_engine(config: Config) -> Engine:
    """Return this process's engine for the configured database, making it on first use.

    No connection is opened yet. Engines are never shared with a forked child: it makes its own.
    """
    with _engines_lock:
        engine = _engines.get(config.database_url)
        if engine is None:
            engine = _engines[config.database_url] = open_engine(config.database_url)
        return engine


def open_engine(database_url: str) -> Engine:
    """Make a new engine for `database_url`, with the pragmas and transaction modes that this module promises."""
    if make_url(database_url).get_backend_name() == "sqlite":
        engine = create_engine(database_url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # A server may have closed an idle connection; pre-ping replaces it instead of failing the next document.
    return create_engine(database_url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_TIMEOUT_S})


def dispose_engines() -> None:
    """Close every connection of this process; the next `get_engine` starts afresh."""
    with _engines_lock:
        for engine in _engines.values():
            engine.dispose()
        _engines.clear()


@contextmanager
def get_session(config: Config) -> Iterator[Session]:
    """Open a session that is closed, and what is left uncommitted rolled back, at the end of the block.

    Raises:
        DatabaseMissing: the SQLite file is not there.
    """
    database = make_url(config.database_url)
    if database.get_backend_name() == "sqlite" and not Path(database.database or "").is_file():
        # SQLite would make an empty file and then complain of missing tables, which says nothing of the cause.
        raise DatabaseMissing(
            f"the database {database.database} does not exist; start the backend, which creates it,"
            " or set DATABASE_URL to the same value on both sides"
        )
    with Session(get_engine(config), expire_on_commit=False) as session:
        yield session


@contextmanager
def read_transaction(session: Session) -> Iterator[None]:
    """Read within one snapshot and end the transaction with the block, so that nothing stays open afterwards."""
    with session.begin():
        yield


@contextmanager
def write_transaction(session: Session) -> Iterator[None]:
    """Write in one transaction that holds the write lock from its start; commit, or roll back if the block raises.

    Raises:
        sqlalchemy.exc.InvalidRequestError: the session is already inside a transaction, which could not be turned
            into this kind.
    """
    with session.begin():
        session.connection(execution_options={_BEGIN_OPTION: "IMMEDIATE"})
        yield


def _begin_sqlite(connection: Connection) -> None:
    mode = connection.get_execution_options().get(_BEGIN_OPTION, "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {mode}")


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    assert isinstance(connection, sqlite3.Connection)
    # The driver begins no transaction by itself any more; _begin_sqlite does, and says which kind.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    _enter_wal(connection)


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Put the database into WAL mode; done once, the mode is kept in the file.

    The switch needs the file for itself, and SQLite does not wait for it with the busy handler: several processes
    that open a new database at the same moment have to try again.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    while True:
        try:
            # Where the file system cannot do WAL, SQLite keeps the old mode and says so: slower, but correct.
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _forget_engines() -> None:
    """In a forked child: drop the parent's engines without closing the connections that the parent still uses."""
    global _engines_lock
    _engines_lock = threading.Lock()
    for engine in _engines.values():
        engine.dispose(close=False)
    _engines.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_engines)
