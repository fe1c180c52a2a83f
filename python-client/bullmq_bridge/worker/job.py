"""The job as a processor sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, NoReturn, Protocol, TypeVar

from bullmq_bridge.contract import portable_json
from bullmq_bridge.contract.limits import MAX_LOG_LINE_BYTES, MAX_PROGRESS_BYTES, cut
from bullmq_bridge.directive import ChildFailed, Departed, Snooze
from bullmq_bridge.outcome import well_formed
from bullmq_bridge.protocol.replies import FAILED_CHILDREN, NO_CHILD_PENDING
from bullmq_bridge.worker.question import Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Sequence

    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.new_job import ParentReference

Data = TypeVar("Data")
Port = TypeVar("Port")


class JobPort(Protocol):
    """What a running job can ask of the engine."""

    def progress(self, job_id: str, progress: bytes) -> None:
        """Stores and publishes progress, given as JSON text."""

    def log(self, job_id: str, row: str) -> None:
        """Appends a line to the job's log."""


class SyncJobPort(JobPort, Protocol):
    """The engine, from a process slot."""

    def ask(self, job_id: str, question: str, *values: Any) -> Any:
        """The answer to a ``Question`` about the job."""


class AsyncJobPort(JobPort, Protocol):
    """The engine, from its own event loop."""

    def ask(self, job_id: str, question: str, *values: Any) -> Awaitable[Any]:
        """The answer to a ``Question`` about the job."""


class ChildJobPort(AsyncJobPort, Protocol):
    """The engine, for what comes from a child process."""

    @property
    def is_congested(self) -> bool:
        """Whether Redis falls behind with what it is told."""


class _BaseJob(Generic[Data, Port]):
    """The part that both kinds of job share."""

    __slots__ = ("_port", "_record", "data")

    def __init__(self, record: JobRecord, data: Data, port: Port) -> None:
        self._record = record
        self.data = data
        """The payload, decoded and checked against the contract."""
        self._port = port

    @property
    def id(self) -> str:
        """The job's id."""
        return self._record.id

    @property
    def name(self) -> str:
        """The job's name."""
        return self._record.name or ""

    @property
    def opts(self) -> dict[str, Any]:
        """The job's options as they are in Redis (BullMQ's short keys)."""
        return self._record.opts

    @property
    def attempts_made(self) -> int:
        """Attempts that ended before this one: 0 at the first."""
        return self._record.attempts_made

    @property
    def attempts_started(self) -> int:
        """Times that the job was started, this one included; counts hand-backs too."""
        return self._record.attempts_started

    @property
    def priority(self) -> int:
        """1 is the highest; 0 means none, and goes before all."""
        return self._record.priority

    @property
    def timestamp(self) -> int:
        """When the job was added, in ms since the epoch."""
        return self._record.timestamp

    @property
    def processed_on(self) -> int:
        """When this attempt started, in ms since the epoch."""
        return self._record.processed_on

    @property
    def parent_key(self) -> str | None:
        """Redis key of the parent job (``prefix:queue:id``), if there is one."""
        return self._record.parent_key

    @property
    def parent(self) -> ParentReference | None:
        """The parent job and its queue, if there is one."""
        return self._record.parent

    @property
    def token(self) -> str:
        """Under which this worker holds the job's lock."""
        return self._record.token

    def move_to_delayed(self, delay_s: float) -> NoReturn:
        """Ends this run: the job runs again after the delay, and no attempt is charged.

        Raises:
            Snooze: always; that is how the run ends.
        """
        raise Snooze(delay_s)


@dataclass(frozen=True, slots=True)
class DependencyCounts:
    """How many children of a job are in which state."""

    processed: int
    unprocessed: int
    ignored: int
    failed: int


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The children of a job by state; each is named by its key (``prefix:queue:id``).

    Args:
        processed: completed, with their results.
        unprocessed: not finished.
        ignored: failed, and ignored by their option, with the reasons.
        failed: failed, and fail the parent.
    """

    processed: dict[str, Any]
    unprocessed: list[str]
    ignored: dict[str, str]
    failed: list[str]


class Job(_BaseJob[Data, SyncJobPort]):
    """A job in a process slot: its methods block, as synchronous code expects."""

    __slots__ = ()

    def update_progress(self, progress: Any) -> None:
        """Reports progress: a number or any JSON value. Node's ``Job.progress`` and QueueEvents see it.

        Raises:
            ValueError: the value is not JSON, or longer than 1 MiB.
        """
        self._port.progress(self.id, _progress(progress))

    def log(self, row: str) -> None:
        """Appends a line to the job's log, which dashboards and ``getJobLogs`` show; one of over 64 KiB is cut."""
        self._port.log(self.id, cut(well_formed(row), MAX_LOG_LINE_BYTES))

    def update_data(self, data: Any) -> None:
        """Replaces the job's payload: the next run of a job with steps goes on from it.

        Raises:
            ValueError: the value is not JSON.
            JobNotHeld: the job is not ours any more.
        """
        self._port.ask(self.id, Question.UPDATE_DATA, portable_json.dumps(data))
        self.data = data

    def extend_lock(self, duration_ms: int) -> None:
        """Makes the lock last so long from now; the worker's own renewal goes on all the same.

        Raises:
            JobNotHeld: the job is not ours any more.
        """
        self._port.ask(self.id, Question.EXTEND_LOCK, duration_ms)

    def get_children_values(self) -> dict[str, Any]:
        """Results of the children that completed, by child key (``prefix:queue:id``)."""
        return _values(self._port.ask(self.id, Question.CHILDREN_VALUES))

    def get_ignored_children_failures(self) -> dict[str, str]:
        """Reasons of the children whose failure was ignored, by child key (``prefix:queue:id``)."""
        return _reasons(self._port.ask(self.id, Question.IGNORED_FAILURES))

    def get_failed_children(self) -> list[str]:
        """Keys of the children whose failure fails this job."""
        return _names(self._port.ask(self.id, Question.FAILED_CHILDREN))

    def get_dependencies(self) -> Dependencies:
        """All children, by state."""
        return Dependencies(
            processed=self.get_children_values(),
            unprocessed=_names(self._port.ask(self.id, Question.PENDING_CHILDREN)),
            ignored=self.get_ignored_children_failures(),
            failed=self.get_failed_children(),
        )

    def get_dependencies_count(self) -> DependencyCounts:
        """How many children are in which state."""
        return DependencyCounts(*self._port.ask(self.id, Question.DEPENDENCY_COUNTS))

    def move_to_waiting_children(self) -> None:
        """Ends this run if children are pending: the job runs again when they have finished. Returns if none is.

        Raises:
            Departed: the job has moved; let it pass.
            ChildFailed: a child has failed that this job cannot do without.
            JobNotHeld: the job is not ours any more.
        """
        _leave(self.id, self._port.ask(self.id, Question.MOVE_TO_WAITING_CHILDREN))


class AsyncJob(_BaseJob[Data, AsyncJobPort]):
    """A job on the event loop: what has an answer is awaited."""

    __slots__ = ()

    async def update_progress(self, progress: Any) -> None:
        """Reports progress: a number or any JSON value. Node's ``Job.progress`` and QueueEvents see it.

        Raises:
            ValueError: the value is not JSON, or longer than 1 MiB.
        """
        self._port.progress(self.id, _progress(progress))

    async def log(self, row: str) -> None:
        """Appends a line to the job's log, which dashboards and ``getJobLogs`` show; one of over 64 KiB is cut."""
        self._port.log(self.id, cut(well_formed(row), MAX_LOG_LINE_BYTES))

    async def update_data(self, data: Any) -> None:
        """Replaces the job's payload: the next run of a job with steps goes on from it.

        Raises:
            ValueError: the value is not JSON.
            JobNotHeld: the job is not ours any more.
        """
        await self._port.ask(self.id, Question.UPDATE_DATA, portable_json.dumps(data))
        self.data = data

    async def extend_lock(self, duration_ms: int) -> None:
        """Makes the lock last so long from now; the worker's own renewal goes on all the same.

        Raises:
            JobNotHeld: the job is not ours any more.
        """
        await self._port.ask(self.id, Question.EXTEND_LOCK, duration_ms)

    async def get_children_values(self) -> dict[str, Any]:
        """Results of the children that completed, by child key (``prefix:queue:id``)."""
        return _values(await self._port.ask(self.id, Question.CHILDREN_VALUES))

    async def get_ignored_children_failures(self) -> dict[str, str]:
        """Reasons of the children whose failure was ignored, by child key (``prefix:queue:id``)."""
        return _reasons(await self._port.ask(self.id, Question.IGNORED_FAILURES))

    async def get_failed_children(self) -> list[str]:
        """Keys of the children whose failure fails this job."""
        return _names(await self._port.ask(self.id, Question.FAILED_CHILDREN))

    async def get_dependencies(self) -> Dependencies:
        """All children, by state."""
        return Dependencies(
            processed=await self.get_children_values(),
            unprocessed=_names(await self._port.ask(self.id, Question.PENDING_CHILDREN)),
            ignored=await self.get_ignored_children_failures(),
            failed=await self.get_failed_children(),
        )

    async def get_dependencies_count(self) -> DependencyCounts:
        """How many children are in which state."""
        return DependencyCounts(*(await self._port.ask(self.id, Question.DEPENDENCY_COUNTS)))

    async def move_to_waiting_children(self) -> None:
        """Ends this run if children are pending: the job runs again when they have finished. Returns if none is.

        Raises:
            Departed: the job has moved; let it pass.
            ChildFailed: a child has failed that this job cannot do without.
            JobNotHeld: the job is not ours any more.
        """
        _leave(self.id, await self._port.ask(self.id, Question.MOVE_TO_WAITING_CHILDREN))


def _progress(progress: Any) -> bytes:
    text = portable_json.dumps(progress)
    if len(text) > MAX_PROGRESS_BYTES:
        raise ValueError(f"progress of {len(text)} bytes: more than the {MAX_PROGRESS_BYTES} that are allowed")
    return text


def _leave(job_id: str, reply: int) -> None:
    if reply == FAILED_CHILDREN:
        raise ChildFailed(job_id, "moveToWaitingChildren")
    if reply != NO_CHILD_PENDING:
        raise Departed


def _values(flat: Sequence[bytes]) -> dict[str, Any]:
    return {key: json.loads(value) for key, value in _pairs(flat)}


def _reasons(flat: Sequence[bytes]) -> dict[str, str]:
    return {key: value.decode("utf-8", "replace") for key, value in _pairs(flat)}


def _names(items: Sequence[bytes]) -> list[str]:
    return [item.decode("utf-8", "replace") for item in items]


def _pairs(flat: Sequence[bytes]) -> list[tuple[str, bytes]]:
    return [(key.decode("utf-8", "replace"), value) for key, value in zip(flat[::2], flat[1::2], strict=True)]
