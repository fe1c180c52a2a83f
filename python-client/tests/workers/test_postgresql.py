"""The same on PostgreSQL: runs where TEST_POSTGRES_URL names a database that may be filled and emptied."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from workers.config import Config
from workers.database.connection import dispose_engines, get_engine, get_session, open_engine
from workers.database.models import Base
from workers.processing.aggregator import aggregate_batch
from workers.processing.errors import DocumentUnreadable
from workers.processing.extractor import process_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Store

URL = os.environ.get("TEST_POSTGRES_URL", "")

pytestmark = pytest.mark.skipif(not URL, reason="needs TEST_POSTGRES_URL")


@pytest.fixture
def config() -> Iterator[Config]:
    config = Config.from_environment({"DATABASE_URL": URL})
    engine = open_engine(config.database_url)
    Base.metadata.drop_all(engine)
    Base.metadata.create_all(engine)
    engine.dispose()
    yield config
    dispose_engines()


def test_a_whole_batch_from_four_threads(config: Config, store: Store, samples: dict[str, bytes]) -> None:
    doc_ids = store.add_batch("b", {**samples, "control.txt": b"a\x00b " * 10 + b"text" * 200})

    def process(doc_id: str) -> str:
        try:
            with get_session(config) as session:
                process_file(session, doc_id, config)
        except DocumentUnreadable as error:
            return str(error)
        return ""

    with ThreadPoolExecutor(4) as threads:
        first = list(threads.map(process, doc_ids))
        rows = [store.document(doc_id) for doc_id in doc_ids]
        assert list(threads.map(process, doc_ids)) == first
    assert [store.document(doc_id) for doc_id in doc_ids] == rows

    with get_session(config) as session:
        result = aggregate_batch(session, "b", config)
    assert (result["status"], result["completed"], result["failed"]) == ("completed_with_errors", 11, 2)
    batch = store.batch("b")
    with get_session(config) as session:
        assert aggregate_batch(session, "b", config) == result
    assert store.batch("b") == batch


def test_a_connection_that_the_server_closed_is_replaced(config: Config) -> None:
    with get_session(config) as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    killer = open_engine(config.database_url)
    with killer.begin() as connection:
        assert connection.scalar(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": backend})
    killer.dispose()
    with get_session(config) as session:
        assert session.scalar(text("SELECT pg_backend_pid()")) != backend


def test_an_unreachable_server_is_an_error_not_a_wait_without_end(config: Config) -> None:
    nowhere = replace(config, database_url="postgresql+psycopg://u:secret@127.0.0.1:1/d")
    with get_session(nowhere) as session, pytest.raises(Exception, match="connection failed") as caught:
        session.scalar(text("SELECT 1"))
    assert "secret" not in str(caught.value)
    assert get_engine(nowhere) is not get_engine(config)
