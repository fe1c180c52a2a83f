from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from workers.config import Config
from workers.database.connection import dispose_engines, get_session, open_engine, write_transaction
from workers.database.models import Base, Batch, Document
from workers.processing.extraction import ReadFile, read_file
from workers.processing.limits import Limits
from workers.samples import sample_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def samples() -> dict[str, bytes]:
    return sample_documents()


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Config]:
    """Settings with a new SQLite database that has the tables."""
    url = f"sqlite:///{tmp_path / 'test.db'}"
    engine = open_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    yield Config.from_environment({"DATABASE_URL": url, "USE_QUEUE": "false", "WORKER_HTTP_PORT": "0"})
    dispose_engines()


@dataclass(frozen=True)
class Store:
    """Puts batches and documents into the database, as the backend does, and reads them again."""

    config: Config
    folder: Path

    def add_batch(self, batch_id: str, files: dict[str, bytes]) -> list[str]:
        doc_ids = []
        with get_session(self.config) as session, write_transaction(session):
            session.add(
                Batch(
                    id=batch_id,
                    filename=f"{batch_id}.zip",
                    status="processing",
                    storage_path=str(self.folder / f"{batch_id}.zip"),
                    created_at=1_700_000_000_000,
                    updated_at=1_700_000_000_000,
                )
            )
            session.flush()
            for number, (name, content) in enumerate(files.items()):
                doc_id = f"{batch_id}-{number}"
                path = self.folder / doc_id
                path.write_bytes(content)
                session.add(
                    Document(
                        id=doc_id,
                        batch_id=batch_id,
                        name=name,
                        storage_path=str(path),
                        bytes=len(content),
                        status="pending",
                        updated_at=1_700_000_000_000,
                    )
                )
                doc_ids.append(doc_id)
        return doc_ids

    def add_document(self, name: str, content: bytes) -> str:
        return self.add_batch(f"batch-{uuid.uuid4()}", {name: content})[0]

    def document(self, doc_id: str) -> dict[str, Any]:
        return self._row(Document, doc_id)

    def batch(self, batch_id: str) -> dict[str, Any]:
        return self._row(Batch, batch_id)

    def _row(self, table: type[Base], row_id: str) -> dict[str, Any]:
        with get_session(self.config) as session:
            row = session.get(table, row_id)
            assert row is not None
            return {column.name: getattr(row, column.name) for column in table.__table__.columns}


@pytest.fixture
def store(config: Config, tmp_path: Path) -> Store:
    folder = tmp_path / "storage"
    folder.mkdir()
    return Store(config, folder)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., ReadFile]:
    """Read a document from its name and bytes; keyword arguments are limits."""

    def read_bytes(name: str, content: bytes, **limits: int) -> ReadFile:
        path = tmp_path / "stored"
        path.write_bytes(content)
        return read_file(path, name, replace(Limits(), **limits))

    return read_bytes
