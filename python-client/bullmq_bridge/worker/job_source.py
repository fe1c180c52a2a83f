"""Jobs for a program that takes them one by one and says itself how each ended.

Node has this as a ``Worker`` without a processor: ``getNextJob``, ``moveToCompleted``, ``moveToFailed``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypedDict

from bullmq_bridge.contract.contract import ContractViolation, QueueContract
from bullmq_bridge.outcome import (
    AwaitingChildren,
    Completed,
    Failed,
    FailureKind,
    Outcome,
    Snoozed,
    outcome_of,
    refused,
    well_formed,
)
from bullmq_bridge.protocol.calls import ScriptCalls
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.protocol.mismatch import is_allowed
from bullmq_bridge.worker.bundle_choice import choose_bundles
from bullmq_bridge.worker.event_log import log_events
from bullmq_bridge.worker.events import Events
from bullmq_bridge.worker.job import AsyncJob
from bullmq_bridge.worker.link import Link
from bullmq_bridge.worker.manual_engine import ManualEngine
from bullmq_bridge.worker.question import JobNotHeld
from bullmq_bridge.worker.settings import DEFAULT_REDIS_URL, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from bullmq_bridge.protocol.backoff import Strategy
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.options import Limiter
    from bullmq_bridge.worker.events import Event, EventName


class JobSourceClosed(RuntimeError):
    """The source was closed while somebody waited for a job, or is not open."""


class JobSourceSettings(TypedDict, total=False):
    """The keyword arguments of ``JobSource``; see ``Settings``."""

    redis_url: str
    prefix: str
    name: str
    lock_duration_ms: int
    stalled_interval_ms: int
    max_stalled_count: int
    max_started_attempts: int
    drain_delay_s: float
    limiter: Limiter
    remove_on_complete: Any
    remove_on_fail: Any
    max_metrics_points: int
    allow_version_mismatch: bool


class JobSource:
    """Gives the jobs of a queue to a program that asks for them.

    ```python
    async with JobSource("mail") as source:
        while True:
            job = await source.next()
            try:
                await source.complete(job, send(job.data))
            except SmtpError as error:
                await source.fail(job, error)
    ```

    What a worker does around a job is done here too: the next job of a scheduler is written before a job is given out;
    jobs that a failed child or too many stalls have failed are failed, and so are those that break the contract; jobs
    of workers that vanished are put back. The lock of a job that was given out is renewed until it is settled. A job
    that is given out belongs to the caller until then, however long; those that are left when the source closes go
    back to the queue, charged no attempt.

    Args:
        queue: the queue's name.
        contract: folder that ``bullmq-bridge emit`` wrote; without one, any JSON under any job name is given out.
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.
        backoffs: strategies besides ``fixed`` and ``exponential``: from the number of the attempt that failed to a
            delay in ms, negative for no further attempt.
        settings: see ``Settings``; ``redis_url`` is by default ``REDIS_URL``, else ``redis://127.0.0.1:6379``.

    Raises:
        ValueError: a setting is out of its range.
    """

    def __init__(
        self,
        queue: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        bundle: str | os.PathLike[str] | None = None,
        backoffs: Mapping[str, Strategy] | None = None,
        **settings: Unpack[JobSourceSettings],
    ) -> None:
        self.queue = queue
        defaults: dict[str, Any] = {
            "redis_url": os.environ.get("REDIS_URL") or DEFAULT_REDIS_URL,
            "allow_version_mismatch": is_allowed(None),
        }
        self._settings = Settings(queue, **{**defaults, **settings})
        self._contract_folder = contract
        self._bundle_file = bundle
        self._backoffs = backoffs or {}
        self._listeners: list[tuple[EventName, Callable[[Event], object]]] = []
        self._contract: QueueContract | None = None
        self._link: Link | None = None
        self._engine: ManualEngine | None = None

    def on(self, event: EventName, listener: Callable[[Event], object]) -> None:
        """Calls the listener at each event of that name, on the event loop. To be said before the source opens."""
        self._listeners.append((event, listener))

    async def __aenter__(self) -> Self:
        """See ``open``."""
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See ``close``."""
        await self.close()

    async def open(self) -> None:
        """Connects, however long it takes.

        Raises:
            BundleError, ContractError: there are no scripts, or the contract cannot be read.
            UnsupportedPattern: the queue has a job scheduler that cannot be continued from here.
            VersionMismatch: the backend runs a BullMQ beside which these scripts must not be run.
        """
        folder = self._contract_folder
        self._contract = QueueContract.open(self.queue) if folder is None else QueueContract.load(folder, self.queue)
        settings = self._settings
        keys = QueueKeys(self.queue, settings.prefix)
        (bundle,) = await choose_bundles(self._bundle_file, settings.redis_url, [keys])
        calls = ScriptCalls(keys, bundle, settings.wire(self._backoffs))
        events = Events(self.queue)
        log_events(events)
        for name, listener in self._listeners:
            events.on(name, listener)
        self._link = Link(settings.redis_url)
        self._engine = ManualEngine(settings, calls, self._link, events, self._contract.names(), self._check)
        await self._link.open()
        await self._engine.begin()
        if self._engine.fault is not None:
            fault = self._engine.fault
            await self.close()
            raise fault

    async def close(self) -> None:
        """Gives the jobs back that are not settled, and ends the connections."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.give_no_more(JobSourceClosed(f"the source of queue {self.queue!r} was closed"))
            await engine.shut_down(0)
            await engine.finish()
        if self._link is not None:
            await self._link.close()
            self._link = None

    async def next(self, timeout_s: float | None = None) -> AsyncJob[Any] | None:
        """The next job, as soon as the queue has one; None if it has none within ``timeout_s`` (0: now).

        Several may be asked for at the same time, and held at the same time.

        Raises:
            JobSourceClosed: the source is not open, or was closed meanwhile.
            UnsupportedPattern: a job scheduler cannot be continued from here; its job went back to the queue.
        """
        engine = self._opened()
        record = await engine.next(timeout_s)
        return None if record is None else AsyncJob(record, self._decode(record), engine.requests)

    async def complete(self, job: AsyncJob[Any], result: Any = None) -> str:
        """The job has been done. Where it went: "completed", or "waiting-children" if it has got children meanwhile.

        Raises:
            ContractViolation: the result breaks the contract, or is no JSON; the job is held as before.
            JobNotHeld: the job was not held any more.
        """
        assert self._contract is not None
        return await self._settle(job, Completed(self._contract.job(job.name).result.encode(result)))

    async def fail(self, job: AsyncJob[Any], error: BaseException | str) -> str:
        """The attempt has failed. Where the job went: "wait" or "delayed" if it is tried again, else "failed".

        ``Unrecoverable``, ``Cancel``, ``Retry`` and the other directives mean what they mean in a worker.

        Raises:
            JobNotHeld: the job was not held any more.
        """
        if not isinstance(error, str):
            return await self._settle(job, outcome_of(error))
        text = well_formed(error)
        return await self._settle(job, Failed(FailureKind.RAISED, text, "Error", f"Error: {text}", retry=True))

    async def snooze(self, job: AsyncJob[Any], delay_s: float) -> str:
        """The job is to come again after a time; no attempt is charged. Answers "delayed".

        Raises:
            JobNotHeld: the job was not held any more.
        """
        return await self._settle(job, Snoozed(max(0, round(delay_s * 1000))))

    async def wait_for_children(self, job: AsyncJob[Any]) -> str:
        """The job is to come again when its children have ended; no attempt is charged.

        Answers "waiting-children", or "wait" when none is pending and the job comes again at once.

        Raises:
            JobNotHeld: the job was not held any more.
        """
        return await self._settle(job, AwaitingChildren())

    async def give_back(self, job: AsyncJob[Any]) -> str:
        """Puts the job back to the front of the queue, charged no attempt. Answers "wait".

        Raises:
            JobNotHeld: the job was not held any more.
        """
        return await self._opened().give_back(job.id, job.token)

    async def extend_lock(self, job: AsyncJob[Any], duration_ms: int) -> None:
        """Makes the job's lock last so long from now, should the event loop be blocked; it is renewed all the same.

        Raises:
            JobNotHeld: the job was not held any more.
        """
        await job.extend_lock(duration_ms)

    async def _settle(self, job: AsyncJob[Any], outcome: Outcome) -> str:
        return await self._opened().settle_held(job.id, job.token, outcome)

    def _opened(self) -> ManualEngine:
        if self._engine is None:
            raise JobSourceClosed(f"the source of queue {self.queue!r} is not open: use it with `async with`")
        return self._engine

    def _check(self, record: JobRecord) -> Outcome | None:
        """Why a job is failed instead of being given out, if it is."""
        try:
            self._decode(record)
        except ContractViolation as violation:
            return refused(FailureKind.CONTRACT_VIOLATION, str(violation), violation.paths)
        return None

    def _decode(self, record: JobRecord) -> Any:
        assert self._contract is not None
        return self._contract.job(record.name or "").read(record.data or b"", record.opts_text)


__all__ = ["JobNotHeld", "JobSource", "JobSourceClosed", "JobSourceSettings"]
