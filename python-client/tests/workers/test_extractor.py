from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workers.database.connection import get_session
from workers.processing import extractor
from workers.processing.errors import DocumentNotFound, DocumentUnreadable
from workers.processing.extractor import process_file

if TYPE_CHECKING:
    from conftest import Store

    from workers.config import Config
    from workers.payloads import ProcessFileResult

PYTHON_CLIENT = Path(__file__).resolve().parents[2]


def _process(config: Config, doc_id: str) -> ProcessFileResult:
    with get_session(config) as session:
        return process_file(session, doc_id, config)


def test_a_document_ends_completed_with_what_was_found(config: Config, store: Store, samples: dict[str, bytes]) -> None:
    content = samples["reports/annual-report.pdf"]
    doc_id = store.add_document("reports/annual-report.pdf", content)
    result = _process(config, doc_id)

    row = store.document(doc_id)
    assert (row["status"], row["reason"], row["media_type"]) == ("completed", None, "application/pdf")
    assert row["updated_at"] > 1_700_000_000_000
    extracted = json.loads(row["extracted"])
    assert list(extracted) == ["text", "characters", "pages", "sheets", "sha256", "fields", "counts"]
    assert list(extracted["fields"]) == ["dates", "amounts", "emails"]
    assert list(extracted["counts"]) == ["words", "lines"]
    assert extracted["fields"]["emails"] == ["investors@nordwind.example"]
    assert result == {
        "doc_id": doc_id,
        "media_type": "application/pdf",
        "bytes": len(content),
        "characters": extracted["characters"],
        "pages": 2,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_a_second_run_leaves_the_same_row_and_gives_the_same_result(
    config: Config, store: Store, samples: dict[str, bytes]
) -> None:
    for name, content in samples.items():
        if name.startswith("broken/"):
            continue
        doc_id = store.add_document(name, content)
        first_result, first_row = _process(config, doc_id), store.document(doc_id)
        assert _process(config, doc_id) == first_result
        assert store.document(doc_id) == first_row


def test_a_document_that_failed_before_can_complete(config: Config, store: Store) -> None:
    doc_id = store.add_document("a.txt", b"")
    with pytest.raises(DocumentUnreadable):
        _process(config, doc_id)
    Path(store.document(doc_id)["storage_path"]).write_bytes(b"text after all")
    _process(config, doc_id)
    assert (store.document(doc_id)["status"], store.document(doc_id)["reason"]) == ("completed", None)


@pytest.mark.parametrize(
    ("name", "media_type", "reason"),
    [
        ("broken/encrypted-contract.pdf", "application/pdf", "PDF is encrypted and needs a password"),
        ("broken/truncated-letter.docx", None, "DOCX is corrupt: File is not a zip file"),
    ],
)
def test_an_unreadable_document_ends_failed_with_the_reason(
    config: Config, store: Store, samples: dict[str, bytes], name: str, media_type: str | None, reason: str
) -> None:
    doc_id = store.add_document(name, samples[name])
    with pytest.raises(DocumentUnreadable) as caught:
        _process(config, doc_id)
    assert str(caught.value) == reason
    first_row = store.document(doc_id)
    assert {key: first_row[key] for key in ("status", "reason", "media_type", "extracted")} == {
        "status": "failed",
        "reason": reason,
        "media_type": media_type,
        "extracted": None,
    }
    with pytest.raises(DocumentUnreadable):
        _process(config, doc_id)
    assert store.document(doc_id) == first_row


def test_an_unknown_document_is_said_so(config: Config) -> None:
    with pytest.raises(DocumentNotFound, match=r"^there is no document 'nobody'$"):
        _process(config, "nobody")


def test_a_missing_file_is_no_fault_of_the_document(config: Config, store: Store) -> None:
    doc_id = store.add_document("a.txt", b"text")
    Path(store.document(doc_id)["storage_path"]).unlink()
    with pytest.raises(FileNotFoundError, match=f"^the stored file of document '{doc_id}' is missing$"):
        _process(config, doc_id)
    assert store.document(doc_id)["status"] == "pending"


def test_no_transaction_is_open_while_a_document_is_read(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    doc_id = store.add_document("a.txt", b"text")
    read_file = extractor.read_file
    looked = []

    with get_session(config) as session:

        def look(*args: object) -> object:
            looked.append(session.in_transaction())
            # Another writer gets the lock without waiting for anybody.
            other = sqlite3.connect(config.database_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
            other.execute("BEGIN EXCLUSIVE")
            other.execute("ROLLBACK")
            other.close()
            return read_file(*args)  # type: ignore[arg-type]

        monkeypatch.setattr(extractor, "read_file", look)
        process_file(session, doc_id, config)
        assert not session.in_transaction()
    assert looked == [False]


def test_a_document_deleted_meanwhile_is_not_brought_back(
    config: Config, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    doc_id = store.add_document("a.txt", b"text")
    read_file = extractor.read_file

    def delete_then_read(*args: object) -> object:
        other = sqlite3.connect(config.database_url.removeprefix("sqlite:///"))
        other.execute("DELETE FROM documents")
        other.commit()
        other.close()
        return read_file(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(extractor, "read_file", delete_then_read)
    with pytest.raises(DocumentNotFound, match="deleted while it was read"):
        _process(config, doc_id)


def test_four_threads_process_at_once_without_a_locked_database(config: Config, store: Store) -> None:
    doc_ids = store.add_batch("threads", {f"{number}.txt": f"text {number}".encode() for number in range(100)})
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda doc_id: _process(config, doc_id), doc_ids))
    assert [result["doc_id"] for result in results] == doc_ids
    assert {store.document(doc_id)["status"] for doc_id in doc_ids} == {"completed"}


def test_four_processes_and_a_busy_writer_never_find_the_database_locked(config: Config, store: Store) -> None:
    doc_ids = store.add_batch("processes", {f"{number}.txt": f"text {number}".encode() for number in range(100)})
    script = (
        "import sys\n"
        "from workers.config import Config\n"
        "from workers.database.connection import get_session\n"
        "from workers.processing.extractor import process_file\n"
        "config = Config.from_environment()\n"
        "for doc_id in sys.argv[1:]:\n"
        "    with get_session(config) as session:\n"
        "        process_file(session, doc_id, config)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, *doc_ids[slot::4]],
            cwd=PYTHON_CLIENT,
            env={**os.environ, "DATABASE_URL": config.database_url},
            stderr=subprocess.PIPE,
            text=True,
        )
        for slot in range(4)
    ]
    # Meanwhile somebody writes as the backend does: in transactions that hold the lock, one after the other.
    writer = sqlite3.connect(config.database_url.removeprefix("sqlite:///"), timeout=15, isolation_level=None)
    written = 0
    while any(process.poll() is None for process in processes):
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE batches SET updated_at = updated_at + 1")
        writer.execute("COMMIT")
        written += 1
        time.sleep(0.001)  # yields the processor; nothing depends on it
    writer.close()
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in processes] == [("", 0)] * 4
    assert written > 0
    assert {store.document(doc_id)["status"] for doc_id in doc_ids} == {"completed"}
