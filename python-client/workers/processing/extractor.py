"""The first processor: one document from its stored file into its row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from workers.database.connection import read_transaction, write_transaction
from workers.database.models import Document
from workers.payloads import ProcessFileResult
from workers.processing.clock import now_ms
from workers.processing.errors import DocumentNotFound, DocumentUnreadable
from workers.processing.extraction import read_file

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from workers.config import Config


def process_file(session: Session, doc_id: str, config: Config) -> ProcessFileResult:
    """Extract the document `doc_id` and store what was found.

    Idempotent: the same file leaves the same row and gives the same result, however often this runs. No transaction
    is open while the file is read.

    Raises:
        DocumentNotFound: no such document.
        DocumentUnreadable: the document itself is at fault; its row is ``failed`` with the reason, committed.
        FileNotFoundError: the stored file is missing; the row is left as it is.
    """
    with read_transaction(session):
        stored = session.execute(
            select(Document.name, Document.storage_path).where(Document.id == doc_id)
        ).one_or_none()
    if stored is None:
        raise DocumentNotFound(f"there is no document {doc_id!r}")

    try:
        read = read_file(Path(stored.storage_path), stored.name, config.limits)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"the stored file of document {doc_id!r} is missing") from error
    except DocumentUnreadable as error:
        _store(session, doc_id, status="failed", reason=str(error), media_type=error.media_type, extracted=None)
        raise

    extraction = read.extraction
    _store(
        session,
        doc_id,
        status="completed",
        reason=None,
        media_type=read.media_type,
        extracted=extraction.to_json(),
    )
    return ProcessFileResult(
        doc_id=doc_id,
        media_type=read.media_type,
        bytes=read.bytes,
        characters=extraction.characters,
        pages=extraction.pages,
        sha256=extraction.sha256,
    )


def _store(
    session: Session, doc_id: str, *, status: str, reason: str | None, media_type: str | None, extracted: str | None
) -> None:
    with write_transaction(session):
        document = session.get(Document, doc_id, populate_existing=True)
        if document is None:
            raise DocumentNotFound(f"the document {doc_id!r} was deleted while it was read")
        document.status = status
        document.reason = reason
        document.media_type = media_type
        document.extracted = extracted
        if session.is_modified(document):
            document.updated_at = now_ms()
