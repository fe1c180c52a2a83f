from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge import Unrecoverable
from workers import queue_worker
from workers.jobs import document_of_job

if TYPE_CHECKING:
    from conftest import Store

    from workers.config import Config

PYTHON_CLIENT = Path(__file__).resolve().parents[2]


class JobInHand:
    """What the processors use of a job."""

    def __init__(self, data: dict[str, str], failures: dict[str, str] | None = None) -> None:
        self.data = data
        self.progress: list[Any] = []
        self.lines: list[str] = []
        self._failures = failures or {}

    def update_progress(self, progress: Any) -> None:
        self.progress.append(progress)

    def log(self, row: str) -> None:
        self.lines.append(row)

    def get_ignored_children_failures(self) -> dict[str, str]:
        return self._failures


@pytest.fixture(autouse=True)
def _own_database(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_worker, "config", config)


def _process_file(data: dict[str, str]) -> tuple[Any, JobInHand]:
    job = JobInHand(data)
    return queue_worker.process_file_job(job), job  # type: ignore[arg-type]


def test_every_job_of_the_contract_has_its_processor() -> None:
    worker = queue_worker.worker
    assert sorted(worker.processors) == worker.load_contract().names() == ["aggregate-batch", "process-file"]


def test_a_document_is_processed_with_progress_and_a_line_in_the_log(store: Store) -> None:
    doc_id = store.add_document("a.txt", b"some text")
    result, job = _process_file({"doc_id": doc_id})
    assert store.document(doc_id)["status"] == "completed"
    assert job.progress == [0, 100]
    assert job.lines == [f"document {doc_id}: text/plain, 9 characters"]
    queue_worker.worker.load_contract().job("process-file").result.encode(result)


def test_what_is_wrong_for_good_is_not_tried_again(store: Store) -> None:
    unreadable = store.add_document("a.txt", b"")
    with pytest.raises(Unrecoverable, match=r"^the file is empty$"):
        _process_file({"doc_id": unreadable})
    with pytest.raises(Unrecoverable, match=r"^there is no document 'x'$"):
        _process_file({"doc_id": "x"})
    with pytest.raises(Unrecoverable, match=r"^there is no batch 'x'$"):
        queue_worker.aggregate_batch_job(JobInHand({"batch_id": "x"}))  # type: ignore[arg-type]


def test_what_may_pass_is_tried_again(store: Store) -> None:
    doc_id = store.add_document("a.txt", b"text")
    Path(store.document(doc_id)["storage_path"]).unlink()
    with pytest.raises(FileNotFoundError):
        _process_file({"doc_id": doc_id})


def test_the_aggregate_gives_documents_the_reason_that_the_queue_recorded(store: Store) -> None:
    doc_ids = store.add_batch("b-1", {"a.txt": b"a", "b.txt": b"b", "c.txt": b"c"})
    _process_file({"doc_id": doc_ids[0]})
    job = JobInHand({"batch_id": "b-1"}, {f"bull:file-processing:file-{doc_ids[1]}-run-2": "job stalled too often"})
    result = queue_worker.aggregate_batch_job(job)  # type: ignore[arg-type]
    assert store.document(doc_ids[1])["reason"] == "job stalled too often"
    assert store.document(doc_ids[2])["reason"] == "was not processed"
    assert result["status"] == "completed_with_errors"
    assert job.progress == [0, 100]
    assert job.lines == ["batch b-1: completed_with_errors, 1 of 3 files"]
    queue_worker.worker.load_contract().job("aggregate-batch").result.encode(result)


@pytest.mark.parametrize(
    ("key", "document"),
    [
        ("bull:file-processing:file-abc-run-1", "abc"),
        ("a:b:file-processing:file-d-run-1-run-12", "d-run-1"),
        ("bull:file-processing:file-abc-run-1-0a1b2c3d", "abc"),
        ("bull:file-processing:17", "17"),
    ],
)
def test_a_childs_key_tells_its_document(key: str, document: str) -> None:
    assert document_of_job(key) == document


def test_a_bad_setting_is_said_in_one_line() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "workers.queue_worker"],
        cwd=PYTHON_CLIENT,
        env={**os.environ, "REDIS_PORT": "many"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr == "workers.queue_worker: REDIS_PORT must be a whole number from 1 to 65535, not 'many'\n"
