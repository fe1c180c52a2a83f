import json
import logging
from pathlib import Path
from typing import Any

import pytest

from bullmq_bridge import Worker
from bullmq_bridge.contract.contract import ContractError, ContractViolation, JobContract, QueueContract
from bullmq_bridge.outcome import Completed, Failed, FailureKind
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.worker.execution import execute

OLD = "a1" * 5
OLDER = "a2" * 5
CURRENT = "c0" * 5


def schema(kind: str) -> dict[str, Any]:
    return {"type": "object", "properties": {"to": {"type": kind}}, "required": ["to"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """``to`` is a list by now; it was text, and before that a number."""
    for name, kind in (("data", "array"), ("result", "null")):
        (tmp_path / f"{name}.json").write_text(json.dumps(schema(kind) if name == "data" else {"type": kind}))
    job = {"data": "data.json", "result": "result.json", "fingerprint": CURRENT}
    contract = {"version": 1, "queues": {"mail": {"jobs": {"send": job}}}}
    (tmp_path / "contract.json").write_text(json.dumps(contract))
    (tmp_path / "history").mkdir()
    for fingerprint, kind, queue in ((OLD, "string", "mail"), (OLDER, "integer", "mail"), (OLD, "null", "other")):
        version = {"version": 1, "queue": queue, "job": "send", "fingerprint": fingerprint, "data": schema(kind)}
        (tmp_path / "history" / f"{queue}.send.{fingerprint[7:19]}.json").write_text(json.dumps(version))
    return tmp_path


@pytest.fixture
def send(folder: Path) -> JobContract:
    return QueueContract.load(folder, "mail").job("send")


def written_with(fingerprint: str | None) -> bytes:
    return b"{}" if fingerprint is None else json.dumps({"contractFingerprint": fingerprint}).encode()


@pytest.mark.parametrize("fingerprint", [None, CURRENT, "unheard-of"])
def test_data_of_the_current_version_of_none_and_of_one_that_is_not_known_is_checked_against_the_current_one(
    send: JobContract, fingerprint: str | None
) -> None:
    assert send.read(b'{"to":[]}', written_with(fingerprint)) == {"to": []}
    with pytest.raises(ContractViolation, match="/to"):
        send.read(b'{"to":"a"}', written_with(fingerprint))


def test_a_version_that_is_not_known_is_named(send: JobContract) -> None:
    with pytest.raises(ContractViolation, match="was written with version unheard-of, which the history lacks, and"):
        send.read(b"{}", written_with("unheard-of"))


def test_data_that_breaks_the_version_that_it_was_written_with_is_refused_by_that(send: JobContract) -> None:
    with pytest.raises(ContractViolation, match=r"by version a1a1a1a1a1 that it was written with.*/to.*\"string\""):
        send.read(b'{"to":[]}', written_with(OLD))


def test_data_that_is_good_by_its_own_version_only_is_refused_by_the_current_one(send: JobContract) -> None:
    with pytest.raises(
        ContractViolation, match=r"is good by version a1a1a1a1a1.*but breaks the contract: /to"
    ) as error:
        send.read(b'{"to":"ann"}', written_with(OLD))
    assert error.value.paths == ("/to",)
    assert "ann" not in str(error.value)


def test_an_upcaster_turns_the_data_of_its_version_into_the_current_form(send: JobContract) -> None:
    send.upcast("a1a1", lambda data: {"to": [data["to"]]})
    assert send.read(b'{"to":"ann"}', written_with(OLD)) == {"to": ["ann"]}
    with pytest.raises(ContractViolation, match="a2a2"):
        send.read(b'{"to":1}', written_with(OLDER))


def test_what_an_upcaster_makes_is_checked_against_the_current_version(send: JobContract) -> None:
    send.upcast(OLD, lambda data: {"to": len(data["to"])})
    with pytest.raises(ContractViolation, match="/to"):
        send.read(b'{"to":"ann"}', written_with(OLD))


def test_an_earlier_version_is_announced_once(send: JobContract, caplog: pytest.LogCaptureFixture) -> None:
    send.upcast("a1", lambda _: {"to": []})
    with caplog.at_level(logging.INFO, "bullmq_bridge.contract"):
        for _ in range(2):
            send.read(b'{"to":"ann"}', written_with(OLD))
    assert caplog.messages == ["job 'send': data of version a1a1a1a1a1 is read through its upcaster"]


@pytest.mark.parametrize(("version", "count"), [("a", "2 versions"), ("b", "no versions"), ("", "no versions")])
def test_an_upcaster_for_no_version_or_several_is_an_error_with_the_known_ones(
    send: JobContract, version: str, count: str
) -> None:
    with pytest.raises(ContractError, match=rf"{count}.*a1a1a1a1a1, a2a2a2a2a2.*current one is c0c0"):
        send.upcast(version, lambda data: data)


def test_a_damaged_file_of_the_history_is_an_error(folder: Path) -> None:
    (folder / "history" / "mail.send.0.json").write_text('{"queue": "mail"}')
    with pytest.raises(ContractError, match=r"mail\.send\.0\.json is no version of a job"):
        QueueContract.load(folder, "mail")


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"data": "text"}, {"data": {"type": "objekt"}}, {"data": {"$ref": "#/none"}}, {"fingerprint": 1}],
)
def test_a_version_that_cannot_be_read_is_an_error_before_any_job_comes(folder: Path, change: dict[str, Any]) -> None:
    (file, *_) = sorted((folder / "history").glob("mail*"))
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(ContractError, match=rf"{file.name} .*Restore it from version control"):
        QueueContract.load(folder, "mail")


class TestWorker:
    """With upcasters, as users declare them."""

    def run(self, worker: Worker, to: object, fingerprint: str) -> object:
        contract = worker.load_contract().job("send")
        data = json.dumps({"to": to}).encode()
        record = JobRecord("1", {b"name": b"send", b"data": data, b"opts": written_with(fingerprint)})
        return execute(worker.processors["send"], contract, record, None)  # type: ignore[arg-type]

    def worker(self, folder: Path) -> Worker:
        worker = Worker("mail", contract=folder)

        @worker.job("send")
        def send(job: Any) -> None:
            assert isinstance(job.data["to"], list)

        return worker

    def test_the_processor_gets_the_current_form(self, folder: Path) -> None:
        worker = self.worker(folder)
        worker.upcaster("send", "a1a1")(lambda data: {"to": [data["to"]]})
        assert self.run(worker, "ann", OLD) == Completed(b"null")

    def test_what_an_upcaster_raises_fails_the_attempt(self, folder: Path) -> None:
        worker = self.worker(folder)
        worker.upcaster("send", "a1a1")(lambda data: data["nobody"])
        outcome = self.run(worker, "ann", OLD)
        assert isinstance(outcome, Failed)
        assert (outcome.kind, outcome.error, outcome.retry) == (FailureKind.RAISED, "KeyError", True)

    @pytest.mark.parametrize("marked_by", ["past", "current"])
    def test_what_an_upcaster_raises_does_not_tell_secrets(self, folder: Path, marked_by: str) -> None:
        worker = self.worker(folder)

        @worker.upcaster("send", "a1a1")
        def fail(data: dict[str, Any]) -> None:
            raise ValueError(f"cannot read {data.pop('to')}")

        for file in (folder / "history").iterdir() if marked_by == "past" else [folder / "data.json"]:
            document = json.loads(file.read_text())
            document.get("data", document)["properties"]["to"]["secret"] = True
            file.write_text(json.dumps(document))
        outcome = self.run(worker, "ann@example.org", OLD)
        assert isinstance(outcome, Failed)
        assert "ann@example.org" not in outcome.message + outcome.trace

    def test_without_an_upcaster_the_job_breaks_the_contract(self, folder: Path) -> None:
        outcome = self.run(self.worker(folder), "ann", OLD)
        assert isinstance(outcome, Failed)
        assert (outcome.kind, outcome.retry) == (FailureKind.CONTRACT_VIOLATION, False)

    def test_a_version_has_one_upcaster(self, folder: Path) -> None:
        worker = self.worker(folder)
        worker.upcaster("send", "a1")(lambda data: data)
        with pytest.raises(ValueError, match="two upcasters"):
            worker.upcaster("send", "a1")(lambda data: data)

    def test_a_worker_with_an_upcaster_for_no_version_does_not_start(self, folder: Path) -> None:
        worker = self.worker(folder)
        worker.upcaster("send", "ff")(lambda data: data)
        with pytest.raises(ContractError, match="'ff'"):
            worker.load_contract()

    def test_an_upcaster_needs_a_contract(self) -> None:
        worker = Worker("mail")
        worker.upcaster("send", "a1")(lambda data: data)
        with pytest.raises(ContractError, match="needs a contract"):
            worker.load_contract()
