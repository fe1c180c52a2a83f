import json
from pathlib import Path
from typing import Any

import pytest

from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.protocol.new_job import ParentReference
from bullmq_bridge.queue.admission import Admission, Admitted, new_job
from bullmq_bridge.queue.refusal import JobRefused, Violation

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "n": {"type": "integer"}},
    "required": ["id", "n"],
}
OPTIONS = {"attempts": 3, "backoff": {"type": "exponential", "delay": 2000}, "priority": 10, "keepLogs": 5}


@pytest.fixture
def admission(tmp_path: Path) -> Admission:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    job = {"data": "schema.json", "result": "schema.json", "fingerprint": "1", "options": OPTIONS}
    document = {"version": 1, "queues": {"files": {"jobs": {"import": job}}}}
    (tmp_path / "contract.json").write_text(json.dumps(document))
    return Admission(QueueContract.load(tmp_path, "files"))


def admit(admission: Admission, data: Any, **options: Any) -> Admitted:
    violations: list[Violation] = []
    admitted = admission.examine("import", data, options, violations)
    assert violations == []
    assert admitted is not None
    return admitted


def test_the_contracts_options_and_its_fingerprint_travel(admission: Admission) -> None:
    admitted = admit(admission, {"id": "a", "n": 1})
    assert admitted.data == b'{"id":"a","n":1}'
    assert admitted.options == {**OPTIONS, "contractFingerprint": "1"}


def test_the_calls_options_win_and_none_does_not(admission: Admission) -> None:
    admitted = admit(admission, {"id": "a", "n": 1}, attempts=1, priority="high", keep_logs=None)
    assert admitted.options["attempts"] == 1
    assert admitted.options["priority"] == 1
    assert admitted.options["keepLogs"] == 5


def test_every_failing_path_is_named_with_queue_job_and_item(admission: Admission) -> None:
    violations: list[Violation] = []
    assert admission.examine("import", {"n": "secret"}, {}, violations, "[2]") is None
    error = JobRefused(violations)
    assert [violation.path for violation in error.violations] == ["/id", "/n"]
    assert "Job 'import' of queue 'files' at [2]: the data is refused: /id: " in str(error)
    assert "; /n: " in str(error)
    assert "secret" not in str(error)


def test_more_faults_than_a_message_of_the_gate_shows_are_all_there(tmp_path: Path) -> None:
    schema = {"type": "array", "items": {"type": "integer"}}
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    job = {"data": "schema.json", "result": "schema.json"}
    (tmp_path / "contract.json").write_text(json.dumps({"version": 1, "queues": {"q": {"jobs": {"sum": job}}}}))
    violations: list[Violation] = []
    Admission(QueueContract.load(tmp_path, "q")).examine("sum", ["x"] * 50, {}, violations)
    assert len(JobRefused(violations).violations) == 50


def test_a_job_that_the_contract_does_not_have_is_refused(admission: Admission) -> None:
    violations: list[Violation] = []
    assert admission.examine("export", {}, {}, violations) is None
    assert "no job 'export'" in violations[0].message


def test_data_that_is_no_json_is_refused_with_its_path() -> None:
    violations: list[Violation] = []
    Admission(QueueContract.open("q")).examine("any", {"list": [1, {2}]}, {}, violations)
    assert violations[0].path == "/list/1"


def test_without_a_contract_there_are_no_options_and_no_fingerprint() -> None:
    violations: list[Violation] = []
    admitted = Admission(QueueContract.open("q")).examine("any", [1], {}, violations)
    assert admitted == Admitted("any", b"[1]", {})


def test_wrong_options_are_told_with_queue_and_job(admission: Admission) -> None:
    with pytest.raises(ValueError, match=r"job 'import' of queue 'files' at \[1\]: option 'attempts'"):
        admission.examine("import", {}, {"attempts": 0}, [], "[1]")
    with pytest.raises(TypeError, match="job 'import' of queue 'files': unknown option 'tries'"):
        admission.examine("import", {}, {"tries": 1}, [])


def test_data_longer_than_its_limit_is_refused(admission: Admission) -> None:
    with pytest.raises(ValueError, match="more than its limit of 5"):
        admission.examine("import", {"id": "a", "n": 1}, {"size_limit_bytes": 5}, [])


def test_a_parent_given_by_the_flow_is_in_the_options_as_bullmq_puts_it_there() -> None:
    job = new_job(Admitted("any", b"{}", {"failParentOnFailure": True}), "child", ParentReference("p", "bull:q"))
    assert job.id == "child"
    assert job.options["parent"] == {"id": "p", "queue": "bull:q"}
    assert job.parent_map() == {"id": "p", "queueKey": "bull:q", "fpof": True}


def test_the_parent_of_the_options_is_the_parent() -> None:
    job = new_job(Admitted("any", b"{}", {"parent": {"id": "p", "queue": "bull:q"}, "jobId": "mine"}))
    assert job.parent == ParentReference("p", "bull:q")
    assert job.id == "mine"


def test_a_job_is_stamped_with_the_time_it_was_made_unless_it_brings_one() -> None:
    assert new_job(Admitted("any", b"{}", {})).timestamp_ms > 1_700_000_000_000
    assert new_job(Admitted("any", b"{}", {"timestamp": 5})).timestamp_ms == 5
