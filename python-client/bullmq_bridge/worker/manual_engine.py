"""An engine whose slots are the hands of a program: it takes a job when somebody asks for one, and no sooner."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bullmq_bridge.outcome import Moved, Outcome
from bullmq_bridge.worker.connection import ReplyError
from bullmq_bridge.worker.engine import Engine
from bullmq_bridge.worker.pool import WithoutLines
from bullmq_bridge.worker.question import JobNotHeld

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.active_job import ActiveJob
    from bullmq_bridge.worker.events import Events
    from bullmq_bridge.worker.link import Link
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.settings import Settings
    from bullmq_bridge.worker.settlement import Answer, Settlement

#: Beyond the time that somebody waits for a job: for the answer to a fetch that is on its way.
ANSWER_TIMEOUT_S = 1.0
#: Every name, in the list of the jobs that a source without a contract gives out.
ANY_NAME = "*"


@dataclass(slots=True)
class _Ending:
    """What becomes of a job that is being settled: ``state`` is where it goes, ``problem`` why it is not ours."""

    ended: asyncio.Future[None]
    state: str = "wait"
    problem: str | None = None


class Hands(WithoutLines):
    """See ``Pool``: a slot is ready while somebody waits for a job in it.

    Args:
        check: why a job is failed instead of being given out, if it is.
    """

    can_interrupt = True

    def __init__(self, engine: ManualEngine, check: Callable[[JobRecord], Outcome | None]) -> None:
        self._engine = engine
        self._check = check
        self.waiting: dict[int, asyncio.Future[JobRecord]] = {}

    async def start(self) -> None:
        """See ``Pool``."""

    def is_ready(self, slot: int) -> bool:
        """See ``Pool``."""
        return slot in self.waiting

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome], None]) -> None:
        """See ``Pool``: gives the job to whoever waits for it."""
        if outcome := self._check(record):
            done(outcome)
            return
        waiting = self.waiting.pop(slot, None)
        # Nothing may be fetched for the slot before somebody asks again.
        self._engine.slot_lost(slot)
        if waiting is None or waiting.done():
            self._engine.hand_back(record.id)
        else:
            waiting.set_result(record)

    async def interrupt(self, slot: int) -> None:
        """See ``Pool``: whoever holds the job is told when it is settled."""

    def raise_time_limit(self, slot: int) -> None:
        """See ``Pool``: there is none."""

    async def resize(self, size: int) -> None:
        """See ``Pool``."""

    def dump_stacks(self) -> None:
        """See ``Pool``."""

    def retire(self) -> None:
        """See ``Pool``."""

    async def stop(self) -> None:
        """See ``Pool``."""


class _Anything(dict[str, "Pool"]):
    """The pools of an engine that takes jobs of every name."""

    def __init__(self, pool: Pool) -> None:
        super().__init__({ANY_NAME: pool})
        self._pool = pool

    def get(self, name: str, default: object = None) -> Pool:
        """The pool, whatever the name."""
        return self._pool


class ManualEngine(Engine):
    """See the module.

    Args:
        names: of the jobs that are given out; empty for all.
        check: why a job is failed instead of being given out, if it is.
    """

    def __init__(
        self,
        settings: Settings,
        calls: ScriptCalls,
        link: Link,
        events: Events,
        names: list[str],
        check: Callable[[JobRecord], Outcome | None],
    ) -> None:
        super().__init__(settings, calls, link, events)
        self._hands = Hands(self, check)
        self.pools = dict.fromkeys(names, self._hands) if names else _Anything(self._hands)
        self._endings: dict[ActiveJob, _Ending] = {}
        self._news = asyncio.Event()
        self._closed: Exception | None = None

    # Giving jobs out

    async def next(self, timeout_s: float | None) -> JobRecord | None:
        """The next job, or None if there is none within the time."""
        self._refuse_when_closed()
        slot = self._unused_slot()
        self.concurrency = max(self.concurrency, slot + 1)
        waiting: asyncio.Future[JobRecord] = self._loop.create_future()
        self._hands.waiting[slot] = waiting
        stopping = asyncio.ensure_future(self.stopping.wait())
        try:
            self.slot_ready(slot)
            signs: list[asyncio.Future[Any]] = [waiting, stopping]
            await asyncio.wait(signs, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            await self._last_answer(slot, waiting)
        except asyncio.CancelledError:
            if waiting.done() and not waiting.exception():
                self.hand_back(waiting.result().id)
            raise
        finally:
            stopping.cancel()
            if self._hands.waiting.get(slot) is waiting:
                del self._hands.waiting[slot]
                self.slot_lost(slot)
        if waiting.done():
            return waiting.result()
        self._refuse_when_closed()
        return None

    def give_no_more(self, reason: Exception) -> None:
        """Lets everybody who waits for a job, or will ask for one, have this exception."""
        self._closed = reason
        for waiting in self._hands.waiting.values():
            if not waiting.done():
                waiting.set_exception(reason)

    def _refuse_when_closed(self) -> None:
        if reason := self._closed or self.fault:
            raise reason

    def _unused_slot(self) -> int:
        used = {job.slot for job in self._active.values()} | set(self._hands.waiting)
        return next(slot for slot in range(len(used) + 1) if slot not in used)

    async def _last_answer(self, slot: int, waiting: asyncio.Future[JobRecord]) -> None:
        """Waits for what is on its way: a job that came now would be started in vain."""
        end = self._loop.time() + ANSWER_TIMEOUT_S
        while not waiting.done() and not self.stopping.is_set() and self._is_coming(slot):
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), end - self._loop.time())
            except asyncio.TimeoutError:
                return

    def _is_coming(self, slot: int) -> bool:
        return self._fetcher.is_fetching or any(job.slot == slot for job in self._active.values())

    def _check_idle(self) -> None:
        super()._check_idle()
        self._news.set()

    # Taking them back

    async def settle_held(self, job_id: str, token: str, outcome: Outcome) -> str:
        """Tells Redis how a job ended, and returns where it went.

        Raises:
            JobNotHeld: it was not held any more.
        """
        job, ending = self._end(job_id, token)
        self._settle(job, outcome)
        return await _wait(ending)

    async def give_back(self, job_id: str, token: str) -> str:
        """Puts a job back; returns where it went.

        Raises:
            JobNotHeld: it was not held any more.
        """
        job, ending = self._end(job_id, token)
        self._put_back(job)
        return await _wait(ending)

    def hand_back(self, job_id: str) -> None:
        """Puts a job back that nobody asked for any more."""
        job = self._active.get(job_id)
        if job is not None and not job.settling:
            self._hand_back(job)

    def _end(self, job_id: str, token: str) -> tuple[ActiveJob, _Ending]:
        job = self._active.get(job_id)
        if job is None or job.settling or job.token != token:
            raise JobNotHeld(f"job {job_id} of queue {self.settings.queue!r} is not held from here any more")
        ending = self._endings[job] = _Ending(self._loop.create_future())
        return job, ending

    def _settled(self, job: ActiveJob, outcome: Outcome, settlement: Settlement, reply: Any) -> None:
        self._note_error(job, reply)
        super()._settled(job, outcome, settlement, reply)

    def _was_put_back(self, job: ActiveJob, reply: Any) -> None:
        self._note_error(job, reply)
        super()._was_put_back(job, reply)

    def _note_error(self, job: ActiveJob, reply: Any) -> None:
        if isinstance(reply, ReplyError) and job in self._endings:
            self._endings[job].problem = str(reply)

    def _report(self, job: ActiveJob, outcome: Outcome, state: str) -> None:
        super()._report(job, outcome, state)
        if job in self._endings:
            self._endings[job].state = state

    def _report_lost(self, job: ActiveJob, why: str) -> None:
        super()._report_lost(job, why)
        if job in self._endings:
            self._endings[job].problem = why

    def _ended(self, job: ActiveJob, outcome: Outcome, answer: Answer, reply: Any) -> None:
        super()._ended(job, outcome, answer, reply)
        ending = self._endings.pop(job, None)
        if ending is None or ending.ended.done():
            return
        if ending.problem is None:
            ending.ended.set_result(None)
        else:
            ending.ended.set_exception(JobNotHeld(f"job {job.record.id} was not settled: {ending.problem}"))

    def _move_answered(self, job: ActiveJob) -> None:
        super()._move_answered(job)
        if job.moved:
            # Nobody will say so: the job has left the caller's hands.
            self._settle(job, Moved())


async def _wait(ending: _Ending) -> str:
    await ending.ended
    return ending.state
