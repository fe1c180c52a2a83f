"""The second processor: the settled documents of a batch into its report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from workers.database.connection import read_transaction, write_transaction
from workers.database.models import Batch, Document
from workers.payloads import AggregateBatchResult
from workers.processing.clock import now_ms
from workers.processing.errors import BatchNotFound
from workers.processing.report import BatchReport
from workers.processing.transcript import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from workers.config import Config

NOT_PROCESSED = "was not processed"
"""Reason of a document that never got as far as an outcome of its own."""

_LONGEST_REASON = 500
_ROWS_AT_ONCE = 20  # each row may carry 100,000 characters


def aggregate_batch(
    session: Session, batch_id: str, config: Config, reasons: Mapping[str, str] | None = None
) -> AggregateBatchResult:
    """Write the report and the final status of the batch `batch_id`.

    Documents that are still ``pending`` become ``failed``, with the text that `reasons` has for their id, else with
    "was not processed". Idempotent: with the same documents it leaves the same row.

    Raises:
        BatchNotFound: no such batch.
    """
    del config  # the signature of every processor
    _settle(session, batch_id, reasons or {})
    report = BatchReport(batch_id)
    with read_transaction(session):
        # Row by row: all texts of a large batch together need not fit into memory.
        rows = session.execute(
            select(
                Document.id,
                Document.name,
                Document.status,
                Document.reason,
                Document.media_type,
                Document.bytes,
                Document.extracted,
            )
            .where(Document.batch_id == batch_id)
            .order_by(Document.name, Document.id)
            .execution_options(yield_per=_ROWS_AT_ONCE)
        )
        for row in rows:
            report.add(
                doc_id=row.id,
                name=row.name,
                status=row.status,
                reason=row.reason,
                media_type=row.media_type,
                size=row.bytes,
                extracted=json.loads(row.extracted) if row.extracted else None,
            )
    with write_transaction(session):
        batch = _batch(session, batch_id)
        batch.status = report.status
        batch.report = report.to_json()
        if report.status != "failed":
            batch.reason = None  # of an earlier try that failed
        if session.is_modified(batch):
            batch.updated_at = now_ms()
    return AggregateBatchResult(
        batch_id=batch_id,
        status=report.status,
        files=report.files,
        completed=report.completed,
        failed=report.failed,
    )


def _settle(session: Session, batch_id: str, reasons: Mapping[str, str]) -> None:
    with write_transaction(session):
        _batch(session, batch_id)
        pending = session.scalars(
            select(Document).where(Document.batch_id == batch_id, Document.status == "pending")
        ).all()
        for document in pending:
            document.status = "failed"
            document.reason = _first_line(reasons.get(document.id, "")) or NOT_PROCESSED
            document.updated_at = now_ms()


def _batch(session: Session, batch_id: str) -> Batch:
    batch = session.get(Batch, batch_id, populate_existing=True)
    if batch is None:
        raise BatchNotFound(f"there is no batch {batch_id!r}")
    return batch


def _first_line(reason: str) -> str:
    return next((line.strip() for line in clean_text(reason).split("\n") if line.strip()), "")[:_LONGEST_REASON]
