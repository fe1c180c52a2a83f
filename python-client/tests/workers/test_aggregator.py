from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from workers.database.connection import get_session
from workers.processing.aggregator import aggregate_batch
from workers.processing.errors import BatchNotFound, DocumentUnreadable
from workers.processing.extractor import process_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from conftest import Store

    from workers.config import Config
    from workers.payloads import AggregateBatchResult


def _process(config: Config, doc_ids: list[str]) -> None:
    for doc_id in doc_ids:
        with get_session(config) as session:
            try:
                process_file(session, doc_id, config)
            except DocumentUnreadable:
                continue


def _aggregate(config: Config, batch_id: str, reasons: Mapping[str, str] | None = None) -> AggregateBatchResult:
    with get_session(config) as session:
        return aggregate_batch(session, batch_id, config, reasons)


def test_the_samples_as_a_batch(config: Config, store: Store, samples: dict[str, bytes]) -> None:
    _process(config, store.add_batch("b", samples))
    assert _aggregate(config, "b") == {
        "batch_id": "b",
        "status": "completed_with_errors",
        "files": 12,
        "completed": 10,
        "failed": 2,
    }
    row = store.batch("b")
    assert row["status"] == "completed_with_errors"
    assert row["updated_at"] > 1_700_000_000_000

    report = json.loads(row["report"])
    assert list(report) == ["batch_id", "status", "totals", "by_media_type", "documents", "fields"]
    assert report["status"] == "completed_with_errors"
    totals = report["totals"]
    assert (totals["files"], totals["completed"], totals["failed"]) == (12, 10, 2)
    assert (totals["pages"], totals["sheets"]) == (3, 3)
    assert totals["bytes"] == sum(map(len, samples.values()))
    assert totals["characters"] == sum(document["characters"] or 0 for document in report["documents"])
    assert report["by_media_type"]["application/pdf"]["files"] == 3
    assert report["by_media_type"]["application/pdf"]["failed"] == 1
    assert report["by_media_type"]["unknown"] == {
        "files": 1,
        "completed": 0,
        "failed": 1,
        "bytes": len(samples["broken/truncated-letter.docx"]),
        "characters": 0,
    }
    assert [document["name"] for document in report["documents"]] == sorted(samples)
    assert {document["name"]: document.get("reason") for document in report["documents"][:2]} == {
        "broken/encrypted-contract.pdf": "PDF is encrypted and needs a password",
        "broken/truncated-letter.docx": "DOCX is corrupt: File is not a zip file",
    }
    assert report["fields"]["dates"] == {"first": "2019-02-01", "last": "2024-09-01"}
    assert report["fields"]["amounts"]["CHF"] == {
        "count": 1,
        "smallest": "7900.00",
        "largest": "7900.00",
        "sum": "7900.00",
    }


def test_a_second_run_leaves_the_same_row_and_gives_the_same_result(
    config: Config, store: Store, samples: dict[str, bytes]
) -> None:
    _process(config, store.add_batch("b", samples))
    first_result, first_row = _aggregate(config, "b"), store.batch("b")
    assert _aggregate(config, "b") == first_result
    assert store.batch("b") == first_row


def test_addresses_come_by_the_number_of_documents_that_name_them(config: Config, store: Store) -> None:
    files = {"1.txt": b"z@b.org a@b.org z@b.org", "2.txt": b"z@b.org m@b.org"}
    _process(config, store.add_batch("b", files))
    _aggregate(config, "b")
    assert json.loads(store.batch("b")["report"])["fields"]["emails"] == [
        {"email": "z@b.org", "documents": 2},
        {"email": "a@b.org", "documents": 1},
        {"email": "m@b.org", "documents": 1},
    ]


def test_amounts_are_added_exactly_and_by_currency(config: Config, store: Store) -> None:
    files = {"1.txt": b"0.10 EUR, 0.20 EUR, $5", "2.txt": b"-1,000,000.05 EUR"}
    _process(config, store.add_batch("b", files))
    _aggregate(config, "b")
    assert json.loads(store.batch("b")["report"])["fields"]["amounts"] == {
        "EUR": {"count": 3, "smallest": "-1000000.05", "largest": "0.20", "sum": "-999999.75"},
        "USD": {"count": 1, "smallest": "5", "largest": "5", "sum": "5"},
    }


def test_only_good_documents_complete_the_batch(config: Config, store: Store) -> None:
    _process(config, store.add_batch("b", {"a.txt": b"a", "b.txt": b"b"}))
    assert _aggregate(config, "b")["status"] == "completed"
    assert store.batch("b")["status"] == "completed"


def test_a_batch_without_a_good_document_has_failed(config: Config, store: Store) -> None:
    _process(config, store.add_batch("b", {"a.txt": b""}))
    assert _aggregate(config, "b")["status"] == "failed"
    assert store.batch("b")["status"] == "failed"


def test_a_batch_without_documents_has_failed(config: Config, store: Store) -> None:
    store.add_batch("empty", {})
    assert _aggregate(config, "empty") == {
        "batch_id": "empty",
        "status": "failed",
        "files": 0,
        "completed": 0,
        "failed": 0,
    }


def test_documents_that_nobody_processed_fail_with_the_reason_that_the_caller_knows(
    config: Config, store: Store
) -> None:
    doc_ids = store.add_batch("b", {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c", "d.txt": b""})
    _process(config, [doc_ids[0], doc_ids[3]])
    reasons = {
        doc_ids[0]: "not used: it is completed",
        doc_ids[1]: "\nprocess died: signal 9\nTraceback…",
        doc_ids[3]: "not used: it has a reason of its own",
        "someone else's": "not used",
    }
    assert _aggregate(config, "b", reasons)["failed"] == 3
    assert [(store.document(doc_id)["status"], store.document(doc_id)["reason"]) for doc_id in doc_ids] == [
        ("completed", None),
        ("failed", "process died: signal 9"),
        ("failed", "was not processed"),
        ("failed", "the file is empty"),
    ]
    listed = json.loads(store.batch("b")["report"])["documents"]
    assert [document.get("reason") for document in listed] == [
        None,
        "process died: signal 9",
        "was not processed",
        "the file is empty",
    ]


def test_documents_of_other_batches_are_left_alone(config: Config, store: Store) -> None:
    store.add_batch("b", {})
    other = store.add_document("a.txt", b"a")
    _aggregate(config, "b")
    assert store.document(other)["status"] == "pending"


def test_an_unknown_batch_is_said_so(config: Config) -> None:
    with pytest.raises(BatchNotFound, match=r"^there is no batch 'nobody'$"):
        _aggregate(config, "nobody")
