"""The job as a processor sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from bullmq_bridge.contract import portable_json
from bullmq_bridge.outcome import well_formed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from bullmq_bridge.protocol.job import JobRecord

Data = TypeVar("Data")

CHILDREN_VALUES = "children_values"
IGNORED_FAILURES = "ignored_failures"


class JobPort(Protocol):
    """What a running job can ask of the engine."""

    def progress(self, job_id: str, progress: bytes) -> None:
        """Stores and publishes progress, given as JSON text."""

    def log(self, job_id: str, row: str) -> None:
        """Appends a line to the job's log."""


class SyncJobPort(JobPort, Protocol):
    """The engine, from a process slot."""

    def ask(self, job_id: str, question: str) -> list[bytes]:
        """A flat field/value list about the job."""


class AsyncJobPort(JobPort, Protocol):
    """The engine, from its own event loop."""

    def ask(self, job_id: str, question: str) -> Awaitable[list[bytes]]:
        """A flat field/value list about the job."""


class _BaseJob(Generic[Data]):
    """The part that both kinds of job share."""

    def __init__(self, record: JobRecord, data: Data) -> None:
        self.id = record.id
        """The job's id."""
        self.name = record.name or ""
        """The job's name."""
        self.data = data
        """The payload, decoded and checked against the contract."""
        self.opts = record.opts
        """The job's options as they are in Redis (BullMQ's short keys)."""
        self.attempts_made = record.attempts_made
        """Attempts that ended before this one: 0 at the first."""
        self.attempts_started = record.attempts_started
        """Times that the job was started, this one included; counts hand-backs too."""
        self.priority = record.priority
        """1 is the highest; 0 means none, and goes before all."""
        self.timestamp = record.timestamp
        """When the job was added, in ms since the epoch."""
        self.processed_on = record.processed_on
        """When this attempt started, in ms since the epoch."""
        self.parent_key = record.parent_key
        """Redis key of the parent job, if there is one."""


class Job(_BaseJob[Data]):
    """A job in a process slot: its methods block, as synchronous code expects."""

    def __init__(self, record: JobRecord, data: Data, port: SyncJobPort) -> None:
        super().__init__(record, data)
        self._port = port

    def update_progress(self, progress: Any) -> None:
        """Reports progress: a number or any JSON value. Node's ``Job.progress`` and QueueEvents see it.

        Raises:
            ValueError: the value is not JSON.
        """
        self._port.progress(self.id, portable_json.dumps(progress))

    def log(self, row: str) -> None:
        """Appends a line to the job's log, which dashboards and ``Queue.getJobLogs`` show."""
        self._port.log(self.id, well_formed(row))

    def get_children_values(self) -> dict[str, Any]:
        """Results of the children that completed, by child key (``prefix:queue:id``)."""
        return _values(self._port.ask(self.id, CHILDREN_VALUES))

    def get_ignored_children_failures(self) -> dict[str, str]:
        """Reasons of the children whose failure was ignored, by child key (``prefix:queue:id``)."""
        return _reasons(self._port.ask(self.id, IGNORED_FAILURES))


class AsyncJob(_BaseJob[Data]):
    """A job on the event loop: what has an answer is awaited."""

    def __init__(self, record: JobRecord, data: Data, port: AsyncJobPort) -> None:
        super().__init__(record, data)
        self._port = port

    async def update_progress(self, progress: Any) -> None:
        """Reports progress: a number or any JSON value. Node's ``Job.progress`` and QueueEvents see it.

        Raises:
            ValueError: the value is not JSON.
        """
        self._port.progress(self.id, portable_json.dumps(progress))

    async def log(self, row: str) -> None:
        """Appends a line to the job's log, which dashboards and ``Queue.getJobLogs`` show."""
        self._port.log(self.id, well_formed(row))

    async def get_children_values(self) -> dict[str, Any]:
        """Results of the children that completed, by child key (``prefix:queue:id``)."""
        return _values(await self._port.ask(self.id, CHILDREN_VALUES))

    async def get_ignored_children_failures(self) -> dict[str, str]:
        """Reasons of the children whose failure was ignored, by child key (``prefix:queue:id``)."""
        return _reasons(await self._port.ask(self.id, IGNORED_FAILURES))


def _values(flat: Sequence[bytes]) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in _pairs(flat)}


def _reasons(flat: Sequence[bytes]) -> dict[str, str]:
    return {key: value.decode("utf-8", "replace") for key, value in _pairs(flat)}


def _pairs(flat: Sequence[bytes]) -> list[tuple[str, bytes]]:
    return [(key.decode("utf-8", "replace"), value) for key, value in zip(flat[::2], flat[1::2], strict=True)]
