"""The engine: runs the jobs that are fetched, and tells Redis how they ended.

Everything runs on one event loop, as callbacks of one command connection: on the path of a job there is no task,
future or lock per command. Steady state costs one script call a job, since the call that settles a job fetches the
next one. The life of a job, top to bottom: ``_start`` -> ``_run`` -> ``_settle`` -> ``_settled``.
"""

from __future__ import annotations

import asyncio
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from bullmq_bridge.directive import ChildFailed
from bullmq_bridge.outcome import (
    AwaitingChildren,
    Completed,
    Failed,
    FailureKind,
    Limited,
    Moved,
    Outcome,
    Snoozed,
    outcome_of,
    refused,
)
from bullmq_bridge.protocol import replies
from bullmq_bridge.protocol.cron import UnsupportedPattern
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.worker.active_job import ActiveJob
from bullmq_bridge.worker.call import JobCall, PassingCall, RepeatableCall
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.connection import Call, ReplyError
from bullmq_bridge.worker.fetcher import Fetcher
from bullmq_bridge.worker.job_requests import JobRequests
from bullmq_bridge.worker.locks import Locks
from bullmq_bridge.worker.own_ending import Ended, Unanswered
from bullmq_bridge.worker.recovery import Findings, end_old_connection, identity_of, reconcile
from bullmq_bridge.worker.schedules import NoSchedule, continuation, find_unsupported
from bullmq_bridge.worker.settlement import COMPLETED, Answer, Settlement, settle
from bullmq_bridge.worker.stalled import StalledCheck
from bullmq_bridge.worker.version_check import VersionCheck

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.protocol.command import Command
    from bullmq_bridge.protocol.mismatch import VersionMismatch
    from bullmq_bridge.worker.events import Events
    from bullmq_bridge.worker.link import Link
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.recovery import Ask, Identity
    from bullmq_bridge.worker.registry import Registry
    from bullmq_bridge.worker.settings import Settings

#: Time for handing jobs back after the shutdown deadline.
HAND_BACK_TIMEOUT_S = 5.0
INTERRUPT_TIMEOUT_S = 5.0
#: The slot of a job that is only held to be handed back.
NO_SLOT = -1
CAME_BACK = "it came back from the queue while it ran here"
NO_LIMITS = (None, None)


class Engine:
    """One worker on one queue.

    Args:
        settings: how it behaves.
        calls: the queue's script calls.
        link: the way to Redis, which other engines of the process share.
        events: where it tells what happens.

    Before ``begin``, ``pools`` must say which pool runs each job name. ``registry`` is for whoever runs the engine.
    """

    def __init__(self, settings: Settings, calls: ScriptCalls, link: Link, events: Events) -> None:
        self.settings = settings
        self.events = events
        self.pools: dict[str, Pool] = {}
        self.registry: Registry | None = None
        #: Soft and hard limit of the jobs that have one, in seconds.
        self.time_limits: dict[str, tuple[float | None, float | None]] = {}
        #: Why this worker must leave the queue alone.
        self.fault: UnsupportedPattern | VersionMismatch | None = None
        self.stopping = asyncio.Event()
        #: It stops; or, in a burst, its queue has nothing for it and nothing runs.
        self.at_rest = asyncio.Event()
        #: Jobs that it has been given.
        self.started = 0
        self._calls = calls
        self._keys = calls.keys
        self._worker_id = str(uuid.uuid4())
        self._active: dict[str, ActiveJob] = {}
        self._line = link.join(self, calls.scripts)
        self._fetcher = Fetcher(
            settings, calls, self._line, self._worker_id, self._start, self._check_idle, self._drained
        )
        self.requests = JobRequests(calls, self._line, events, self._active, self._recall, self._move_answered)
        self._locks = Locks(calls, self._line, self._active, self._give_up)
        self._stalled_check = StalledCheck(settings, calls, self._line, events)
        self._version_check = VersionCheck(
            calls, self._line, events, settings.allow_version_mismatch, self._refuse_version
        )
        self._idle = asyncio.Event()
        self._hurry = asyncio.Event()
        self._closing = False
        self._paused = False
        self._warned_of_limit = False
        self._tasks: set[asyncio.Task[None]] = set()
        # At the shutdown deadline: jobs that cannot be stopped, which are handed back last.
        self._left: set[ActiveJob] = set()
        self.left_running = False
        self.finished = False
        self.concurrency = settings.concurrency
        self.interrupted = 0
        self.unsettled = 0
        self._loop = asyncio.get_running_loop()

    # Starting and stopping

    async def begin(self) -> None:
        """Starts to work: the pools are ready and the link is open.

        Not beside a backend that its scripts do not fit, nor with a job scheduler that it cannot continue: ``fault``
        says why.
        """
        await self._version_check.before_work()
        if self.fault is not None:
            return
        if unsupported := await find_unsupported(self._keys, self._line, now_ms()):
            self._refuse_schedule(*unsupported)
            return
        await self._fetcher.open()
        for slot in range(self.concurrency):
            if self._has_room(slot):
                self._fetcher.add(slot)
        self._locks.start()
        self._stalled_check.start()
        self._version_check.start()
        self.events.emit("ready", slots=self.concurrency, jobs=sorted(self.pools))

    async def drain(self) -> None:
        """Fetches no more, and waits for the jobs that run, however long. ``finish`` must follow."""
        await self._stop_fetching()
        await self._idle.wait()

    async def shut_down(self, deadline_s: float) -> None:
        """Lets running jobs finish until the deadline, or until ``hurry``; then stops them and hands them back.

        Nobody can stop a thread, nor a coroutine that swallows cancellations: such a job is still held when this
        returns. ``finish`` must follow.
        """
        await self._stop_fetching()
        await _first(deadline_s, self._idle, self._hurry)
        if not self._idle.is_set():
            await self._interrupt_all()

    async def _stop_fetching(self) -> None:
        self._stop()
        if not self._closing:
            self._closing = True
            self.events.emit("closing")
        self._version_check.stop()
        self._stalled_check.stop()
        await self._fetcher.pause()
        self._check_idle()

    async def finish(self) -> None:
        """Hands back what could not be stopped, and ends. If ``left_running``, the process must end right after."""
        left = [job for job in self._left if not job.settling]
        self._left.clear()
        self.left_running = bool(left)
        for job in left:
            self._hand_back(job)
        self._check_idle()
        if left:
            await _first(HAND_BACK_TIMEOUT_S, self._idle)
        if not self._idle.is_set():
            self.unsettled = len(self._active)
            ids = ", ".join(sorted(self._active))
            self.events.emit("error", what=f"Redis did not take back jobs {ids}: another worker's stalled check will")
        self._locks.stop()
        self._fetcher.close()
        self.finished = True
        self.events.emit("closed")

    def look_again(self) -> None:
        """Asks the queue whether it has nothing, though it had nothing: then it is at rest again."""
        self._fetcher.look()
        if self._fetcher.is_fetching and not self.stopping.is_set():
            self.at_rest.clear()

    def hurry(self) -> None:
        """Waits for no job any more."""
        self._hurry.set()

    async def _interrupt_all(self) -> None:
        self._catch_up()
        unfinished = [job for job in self._active.values() if not job.settling]
        self.interrupted = len(unfinished)
        self._left = {job for job in unfinished if job.pool is not None and not job.pool.can_interrupt}
        stoppable = [job for job in unfinished if job not in self._left]
        await asyncio.gather(*(self._interrupt_and_hand_back(job) for job in stoppable))
        self._check_idle()
        await _first(HAND_BACK_TIMEOUT_S, self._idle)

    def _check_idle(self) -> None:
        if self._fetcher.is_fetching or not self._left.issuperset(self._active.values()):
            self._idle.clear()
            return
        self._idle.set()
        if self.settings.burst and self._fetcher.is_drained:
            self.at_rest.set()

    def _drained(self) -> None:
        self.events.emit("drained")

    # Control while it runs

    @property
    def active_jobs(self) -> list[JobRecord]:
        """The jobs that this worker holds."""
        return [job.record for job in self._active.values()]

    async def pause(self) -> None:
        """Fetches no more; jobs that run go on."""
        if not self._paused:
            self._paused = True
            self._recall()
            await self._fetcher.pause()
            self.events.emit("paused")

    def resume(self) -> None:
        """Fetches again."""
        if self._paused and not self.stopping.is_set():
            self._paused = False
            self._fetcher.resume()
            self.events.emit("resumed")

    async def cancel(self, job_id: str, reason: str = "cancelled") -> bool:
        """Stops a job that runs here and fails it for good; False if it does not run here."""
        self._catch_up()
        job = self._active.get(job_id)
        if job is None or job.settling:
            return False
        await self._stop_and_fail(job, refused(FailureKind.CANCELLED, reason))
        return True

    async def set_concurrency(self, concurrency: int) -> None:
        """Changes the number of slots. A slot that is given up ends with the job that it runs.

        Raises:
            ValueError: not greater than 0.
        """
        if concurrency < 1:
            raise ValueError(f"concurrency of the worker for queue {self.settings.queue!r} must be greater than 0")
        before, self.concurrency = self.concurrency, concurrency
        self._recall()
        for slot in range(concurrency, before):
            self._fetcher.give_up(slot, busy=any(job.slot == slot for job in self._active.values()))
        for pool in dict.fromkeys(self.pools.values()):
            await pool.resize(concurrency)
        for slot in range(before, concurrency):
            if self._has_room(slot):
                self.slot_ready(slot)

    def _has_room(self, slot: int) -> bool:
        return all(pool.is_ready(slot) for pool in self.pools.values())

    # Slots

    def may_go_on(self, slot: int) -> bool:
        """Whether a slot may end its job and begin the next one by itself."""
        # (a job that has moved while it runs must not begin elsewhere before its slot is done with it)
        moved = any(job.moving or job.moved for job in self._active.values())
        return self._fetcher.is_ready(slot) and not self.stopping.is_set() and not moved

    def _recall(self) -> None:
        for pool in dict.fromkeys(self.pools.values()):
            pool.recall()

    def _catch_up(self) -> None:
        for pool in dict.fromkeys(self.pools.values()):
            pool.catch_up()

    def _line_of(self, job: ActiveJob) -> Identity | None:
        """The line over which its slot ends it by itself, if it does that."""
        return job.pool.line(job.slot) if job.pool is not None else None

    def slot_ready(self, slot: int) -> None:
        """A slot can run jobs now."""
        if slot < self.concurrency:
            jobs = [job for job in self._active.values() if job.slot == slot]
            self._fetcher.add(slot, free=not jobs)
            for job in jobs:
                # It has waited for the slot to be made ready again.
                if not job.settling and not job.timers:
                    self._limit_time(job)

    def slot_lost(self, slot: int, how: str | None = None) -> None:
        """A slot cannot run jobs until ``slot_ready`` says so; ``how`` it was lost, if nobody had asked for it."""
        self._fetcher.remove(slot)
        if how is not None:
            self.events.emit("child_lost", slot=slot, how=how)

    # The life of a job

    def _start(self, record: JobRecord, token: str, slot: int) -> None:
        record.token = token
        self.started += 1
        is_stopping = self.stopping.is_set()
        if not is_stopping:
            self.at_rest.clear()
        earlier = self._active.get(record.id)
        pool = self.pools.get(record.name or "")
        job = self._active[record.id] = ActiveJob(record, token, slot, pool)
        if pool is not None and pool.has_begun(slot, record):
            # Its slot has begun it by itself.
            self._begin(job)
            if earlier is not None:
                self._report_lost(earlier, CAME_BACK)
                self._take(earlier)
                self._spawn(self._abandon(earlier))
        elif is_stopping or self._paused or slot >= self.concurrency:
            # A call that was on its way when we were told to stop, or to give up the slot, has fetched it.
            self._hand_back(job)
        elif earlier is not None and earlier.moved:
            earlier.successor = job
        elif earlier is not None:
            self._spawn(self._run_after(earlier, job))
        elif record.scheduler_id is not None:
            self._continue_schedule(job, record.scheduler_id)
        else:
            self._run(job)

    def _refuse_schedule(self, scheduler_id: str, error: UnsupportedPattern) -> None:
        # Any guess would corrupt the schedule; a worker that can compute it must have its jobs.
        self.fault = error
        self._stop()
        self.events.emit("error", what=f"job scheduler {scheduler_id!r}: {error}; the worker of this queue stops")

    def _refuse_version(self, mismatch: VersionMismatch) -> None:
        self.fault = mismatch
        self._stop()

    def _stop(self) -> None:
        self.stopping.set()
        self._recall()
        self.at_rest.set()

    def _continue_schedule(self, job: ActiveJob, scheduler_id: str) -> None:
        """Writes the next job of a scheduler before this one runs: whatever becomes of it, the schedule goes on."""
        try:
            command = continuation(job.record, scheduler_id, self._calls, now_ms())
        except UnsupportedPattern as error:
            self._refuse_schedule(scheduler_id, error)
            self._hand_back(job)
            return
        except NoSchedule as error:
            self._settle(job, refused(FailureKind.UNKNOWN_JOB, str(error)))
            return
        if command is None:
            self._run(job)
        else:
            self._line.send(RepeatableCall(command, partial(self._schedule_continued, job, scheduler_id)))

    def _schedule_continued(self, job: ActiveJob, scheduler_id: str, reply: Any) -> None:
        if isinstance(reply, ReplyError) or (isinstance(reply, int) and reply < 0):
            self.events.emit("error", what=f"the next iteration of job scheduler {scheduler_id!r}: {reply}")
        if not job.settling:
            self._run(job)

    def _refusal(self, job: ActiveJob) -> Outcome | None:
        """Why a job is failed without being run, if it is."""
        record = job.record
        if record.deferred_failure is not None:
            return refused(FailureKind.DEFERRED, record.deferred_failure)
        if record.name is None or record.data is None:
            missing = "name" if record.name is None else "data"
            return refused(
                FailureKind.UNKNOWN_JOB,
                f"job {record.id} of queue {self.settings.queue!r} has no {missing}: its hash was removed or damaged",
            )
        if job.pool is None:
            known = ", ".join(sorted(self.pools))
            return refused(
                FailureKind.UNKNOWN_JOB,
                f"no processor for job {record.name!r} of queue {self.settings.queue!r} (this worker has: {known})",
            )
        limit = self._calls.options.max_started_attempts
        if limit and limit < record.attempts_started:
            return refused(FailureKind.DEFERRED, "job started more than allowable limit")
        return None

    def _run(self, job: ActiveJob) -> None:
        refusal = self._refusal(job)
        if refusal is None:
            self._begin(job)
        else:
            self._settle(job, refusal)

    def _begin(self, job: ActiveJob) -> None:
        self.events.emit("active", job.record)
        pool = job.pool
        assert pool is not None, "a job that nothing runs"
        if self.time_limits and pool.is_ready(job.slot):
            self._limit_time(job)
        # A coroutine that waits for nothing has ended when this returns.
        pool.run(job.slot, job.record, partial(self._settle, job))

    def _limit_time(self, job: ActiveJob) -> None:
        soft_s, hard_s = self.time_limits.get(job.record.name or "", NO_LIMITS)
        if soft_s is not None:
            job.timers += (self._loop.call_later(soft_s, self._soft_limit, job),)
        if hard_s is not None:
            job.timers += (self._loop.call_later(hard_s, self._hard_limit, job, hard_s),)

    def _settle(self, job: ActiveJob, outcome: Outcome | Ended | Unanswered) -> None:
        if job.timers:
            job.stop_timers()
        if job.moved:
            self._ended(job, Moved(), Answer.TELLS_NOTHING, 0)
            if job.successor is not None and not job.successor.settling:
                self._run(job.successor)
            return
        if job.settling:
            if job.moving and not isinstance(outcome, (Ended, Unanswered)):
                # Settled as soon as it is known whether the job has moved.
                job.outcome = outcome
            return
        if isinstance(outcome, Ended):
            self._ended_by_itself(job, outcome)
            return
        if isinstance(outcome, Unanswered):
            job.line, outcome = outcome.line, outcome.otherwise
        job.settling = True
        fetch_next = self._fetcher.is_ready(job.slot) and not self.stopping.is_set()
        command, settlement = self._settlement(job, outcome, fetch_next)
        if settlement.before is not None:
            self._line.send(RepeatableCall(settlement.before))
        on_reply = partial(self._settled, job, outcome, settlement)
        self._tell(JobCall(command, on_reply, job), completes=isinstance(outcome, Completed))

    def _ended_by_itself(self, job: ActiveJob, ended: Ended) -> None:
        """The slot has told Redis that the job has completed, and maybe some that followed it."""
        self.started += len(ended.passed)
        heard = self.events.hears("active", "completed")
        for result, reply in ended.passed if heard else ended.passed[-1:]:
            self._report(job, Completed(result), "completed")
            self._forget(job)
            following = replies.parse_fetched(reply)
            assert isinstance(following, JobRecord)
            following.token = job.token
            job = ActiveJob(following, job.token, job.slot, self.pools.get(following.name or ""))
            self.events.emit("active", following)
        self._settled(job, Completed(ended.result), COMPLETED, ended.reply)

    def _settlement(self, job: ActiveJob, outcome: Outcome, fetch_next: bool) -> tuple[Command | bytes, Settlement]:
        try:
            return settle(self._calls, job.record, job.token, outcome, fetch_next, now_ms())
        except Exception as error:
            # A backoff strategy that raised, or options that no script takes: it must not stay active for ever.
            what = f"job {job.record.id}: its options cannot be followed ({error!r}); it ends without them"
            self.events.emit("error", what=what)
            plain = JobRecord(job.record.id, {**job.record.fields, b"opts": b"{}"}, job.token)
            return settle(self._calls, plain, job.token, outcome, fetch_next, now_ms())

    def _settled(self, job: ActiveJob, outcome: Outcome, settlement: Settlement, reply: Any) -> None:
        if isinstance(reply, ReplyError):
            self.events.emit("error", what=f"job {job.record.id} could not be settled: {reply}")
        elif isinstance(reply, int) and reply != 0:
            if settlement.answer is not Answer.TELLS_LIMIT and self._settle_otherwise(job, settlement, reply):
                return
            if reply < 0:
                self._report_lost(job, replies.MEANINGS.get(reply, f"code {reply}"))
            else:
                self._report(job, outcome, settlement.state)
        else:
            self._report(job, outcome, settlement.state)
        self._ended(job, outcome, settlement.answer, reply)

    def _ended(self, job: ActiveJob, outcome: Outcome, answer: Answer, reply: Any) -> None:
        self._forget(job)
        fetched = replies.parse_fetched(reply)
        if isinstance(fetched, JobRecord):
            self._fetcher.had_job()
            self._start(fetched, job.token, job.slot)
            return
        self._fetcher.release(job.slot)
        if answer is Answer.TELLS_NEXT:
            self._fetcher.note(fetched)
        elif answer is Answer.TELLS_LIMIT and isinstance(outcome, Limited):
            self._hold(outcome, reply)
        else:
            self._fetcher.look()
        self._check_idle()

    def _report(self, job: ActiveJob, outcome: Outcome, state: str) -> None:
        events = self.events
        if isinstance(outcome, Completed):
            events.emit("completed", job.record, result=outcome.result)
        elif isinstance(outcome, Failed):
            events.emit("failed", job.record, failure=outcome, state=state)
        elif isinstance(outcome, Snoozed):
            events.emit("snoozed", job.record, delay_ms=outcome.delay_ms)
        elif isinstance(outcome, AwaitingChildren):
            events.emit("waiting_children", job.record)
        elif isinstance(outcome, Limited):
            events.emit("rate_limited", job.record, ttl_ms=outcome.ttl_ms)

    def _hold(self, outcome: Limited, reply: Any) -> None:
        self._recall()
        ttl_ms = reply if isinstance(reply, int) and reply > 0 else outcome.ttl_ms
        if self._calls.options.limiter is not None:
            self._fetcher.note(replies.NoJob(limited_ms=ttl_ms))
            return
        # Without a limit of the worker or of the queue, the scripts go on giving jobs.
        self._fetcher.hold(ttl_ms)
        self._line.send(PassingCall(("HEXISTS", self._keys.meta, "max"), partial(self._held, ttl_ms)))

    def _held(self, ttl_ms: int, queue_has_limit: Any) -> None:
        if queue_has_limit == 1:
            self._fetcher.end_hold()
            self._fetcher.note(replies.NoJob(limited_ms=ttl_ms))
        elif not self._warned_of_limit:
            self._warned_of_limit = True
            self.events.emit(
                "error",
                what="RateLimited without a limiter of the worker or a global rate limit of the queue "
                "holds this worker only: others go on",
            )

    def _settle_otherwise(self, job: ActiveJob, settlement: Settlement, reply: int) -> bool:
        """Answers after which the job is still ours, and another script is to be called."""
        if reply == replies.FAILED_CHILDREN:
            job.settling = False
            script = "moveToWaitingChildren" if settlement.state == "waiting-children" else "moveToFinished"
            self._settle(job, outcome_of(ChildFailed(job.record.id, script)))
            return True
        if settlement.state == "waiting-children" and reply == replies.NO_CHILD_PENDING:
            # They finished meanwhile: it runs again at once, and is charged no attempt.
            self._put_back(job)
            return True
        if reply == replies.PENDING_CHILDREN:
            # Since 6.4 an ordinary event: a child was retried while its parent ran. No attempt is charged.
            job.settling = False
            self._settle(job, AwaitingChildren())
            return True
        return False

    def _move_answered(self, job: ActiveJob) -> None:
        if job.moved:
            self.events.emit("waiting_children", job.record)
        if job.outcome is not None:
            self._settle(job, job.outcome)

    def _forget(self, job: ActiveJob) -> None:
        if self._active.get(job.record.id) is job:
            del self._active[job.record.id]

    # A job that does not end by itself

    def _hand_back(self, job: ActiveJob) -> None:
        """Interrupted is not failed: the job goes back to the front, charged neither as attempt nor as stall."""
        self.events.emit("interrupted", job.record)
        self._put_back(job)

    def _put_back(self, job: ActiveJob) -> None:
        job.settling = True
        command = self._calls.move_to_wait(job.record.id, job.token)
        self._tell(JobCall(command, partial(self._was_put_back, job), job))
        if job.record.priority > 0:
            # The script adds no marker on this branch; idle workers would sleep on.
            self._line.send(PassingCall(("ZADD", self._keys.marker, 0, "0")))

    def _was_put_back(self, job: ActiveJob, reply: Any) -> None:
        if isinstance(reply, ReplyError):
            self.events.emit("error", what=f"job {job.record.id} could not be handed back: {reply}")
        elif isinstance(reply, int) and reply < 0:
            self._report_lost(job, replies.MEANINGS.get(reply, f"code {reply}"))
        self._ended(job, Moved(), Answer.TELLS_NOTHING, 0)

    async def _interrupt_and_hand_back(self, job: ActiveJob) -> None:
        # Stopped first, then given to others: never two runs at the same time.
        self._take(job)
        if await self._interrupt(job):
            self._hand_back(job)
        else:
            job.settling = False
            self._left.add(job)

    async def _stop_and_fail(self, job: ActiveJob, failed: Failed) -> None:
        self._take(job)
        while not await self._interrupt(job):
            pass  # it holds its slot and its lock as long as it runs
        job.settling = False
        self._settle(job, failed)

    def _soft_limit(self, job: ActiveJob) -> None:
        if not job.settling and job.pool is not None:
            job.pool.raise_time_limit(job.slot)

    def _hard_limit(self, job: ActiveJob, seconds: float) -> None:
        if not job.settling:
            kind = FailureKind.TIMED_OUT
            message = f"the job was stopped after {seconds:g} s, its time limit"
            failed = Failed(kind, message, kind.value, f"{kind.value}: {message}", retry=True)
            self._spawn(self._stop_and_fail(job, failed))

    async def _interrupt(self, job: ActiveJob) -> bool:
        """Stops what runs the job; False if it cannot be stopped."""
        job.stop_timers()
        if job.pool is None:
            return True
        try:
            await asyncio.wait_for(job.pool.interrupt(job.slot), INTERRUPT_TIMEOUT_S)
        except asyncio.TimeoutError:
            self.events.emit("error", what=f"job {job.record.id} does not let itself be stopped")
            return False
        return True

    def _give_up(self, job: ActiveJob) -> None:
        """The job is somebody else's by now: nobody will take its result."""
        if self._line_of(job) is not None:
            self._catch_up()
            if self._active.get(job.record.id) is not job:
                return
            if not job.missed:
                # Its slot may have ended it just now; then it says so before the next renewal.
                job.missed = True
                return
        self._report_lost(job, "its lock could not be renewed")
        self._take(job)
        self._spawn(self._abandon(job))

    async def _abandon(self, job: ActiveJob) -> None:
        self._take(job)
        if job.line is None:
            self._forget(job)
        while not await self._interrupt(job):
            pass  # what cannot be stopped keeps its slot
        if job.line is not None:
            # It may have begun another one meanwhile.
            self._put_back(job)
            return
        self._fetcher.release(job.slot)
        self._fetcher.wake()
        self._check_idle()

    async def _run_after(self, earlier: ActiveJob, job: ActiveJob) -> None:
        """A job of ours had stalled and is ours again: never two runs at the same time."""
        self._report_lost(earlier, CAME_BACK)
        await self._abandon(earlier)
        if not job.settling:
            self._run(job)

    def _report_lost(self, job: ActiveJob, why: str) -> None:
        self.events.emit("lock_lost", job.record, why=why)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        # The loop keeps only weak references to tasks.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # A slot that has told Redis by itself how its job ended, or may have

    def _take(self, job: ActiveJob) -> None:
        """From here on it is the engine alone that says how the job ends."""
        job.settling = True
        job.line = job.line or self._line_of(job)

    def _tell(self, call: JobCall, completes: bool = False) -> None:
        """Sends a command that ends our hold on a job; if its slot may have ended it, only after that is known.

        ``completes``: it tells what the slot would have told.
        """
        if call.job.line is None:
            self._line.send(call)
        else:
            self._spawn(self._find_out(call, call.job.line, completes))

    async def _find_out(self, call: JobCall, line: Identity, completes: bool) -> None:
        try:
            # Bytes that are still in its socket would run after we looked.
            await end_old_connection(self._line.ask, line, await identity_of(self._line.ask))
            findings = await self.reconcile(self._line.ask, [call])
        except ReplyError as error:
            what = f"how job {call.job.record.id} stands cannot be found out: {error}"
            self.events.emit("error", what=what)
            findings = Findings(resend=[call])
        call.job.line = None
        for unapplied in findings.resend:
            self._line.send(unapplied)
        for _, reply in findings.replies:
            if completes:
                call.on_reply(reply)
            else:
                self._ended(call.job, Moved(), Answer.TELLS_NOTHING, reply)

    # After a lost connection (see Party)

    async def reconcile(self, ask: Ask, unanswered: list[Call]) -> Findings:
        """See ``Party``."""
        return await reconcile(ask, self._keys, self._worker_id, unanswered, self._active, self._fetches_alone)

    def _fetches_alone(self, token: str) -> bool:
        return any(
            job.token == token and (job.line is not None or self._line_of(job) is not None)
            for job in self._active.values()
        )

    def resume_after_loss(self, findings: Findings) -> None:
        """See ``Party``."""
        for call in findings.resend:
            self._line.send(call)
        for call, reply in findings.replies:
            call.on_reply(reply)
        for record, token in findings.strays:
            if record.id in self._active:
                # Its slot has told of it meanwhile.
                continue
            job = self._active[record.id] = ActiveJob(record, token, NO_SLOT, pool=None)
            self._hand_back(job)
        self._locks.renew_all()
        self._fetcher.look()
        self._check_idle()

    def writable(self) -> None:
        """See ``Party``."""
        self._fetcher.wake()


async def _first(seconds: float, *events: asyncio.Event) -> None:
    """Waits for one of the events, but no longer than ``seconds``."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
