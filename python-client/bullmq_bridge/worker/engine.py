"""The engine: runs the jobs that are fetched, and tells Redis how they ended.

Everything runs on one event loop, as callbacks of one command connection: on the path of a job there is no task,
future or lock per command. Steady state costs one script call a job, since the call that settles a job fetches the
next one. The life of a job, top to bottom: ``_start`` -> ``_run`` -> ``_settle`` -> ``_settled``.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any

from bullmq_bridge.outcome import FailureKind, Outcome, refused
from bullmq_bridge.protocol import replies
from bullmq_bridge.protocol.calls import ScriptCalls
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.worker.active_job import ActiveJob
from bullmq_bridge.worker.call import JobCall, NoteCall, PassingCall
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.connection import Call, ReplyError
from bullmq_bridge.worker.fetcher import Fetcher
from bullmq_bridge.worker.job import CHILDREN_VALUES, IGNORED_FAILURES
from bullmq_bridge.worker.link import Link
from bullmq_bridge.worker.locks import Locks
from bullmq_bridge.worker.recovery import Findings, reconcile
from bullmq_bridge.worker.settlement import settle
from bullmq_bridge.worker.stalled import StalledCheck

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.calls import Command
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.connection import Connection
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.settings import Settings

logger = logging.getLogger("bullmq_bridge.worker")

#: Time for handing jobs back after the shutdown deadline.
HAND_BACK_TIMEOUT_S = 5.0
INTERRUPT_TIMEOUT_S = 5.0
#: The slot of a job that is only held to be handed back.
NO_SLOT = -1


class SchedulerUnsupported(RuntimeError):
    """The queue has jobs of a job scheduler, which this worker would end by running them."""


class Engine:
    """One worker on one queue.

    Args:
        settings: how it behaves.
        bundle: BullMQ's scripts.

    Before ``run``, ``pools`` must say which pool runs each job name.
    """

    def __init__(self, settings: Settings, bundle: Bundle) -> None:
        self._queue = settings.queue
        self._settings = settings
        self._keys = QueueKeys(settings.queue, settings.prefix)
        self._calls = ScriptCalls(self._keys, bundle, settings.name, settings.lock_duration_ms)
        self._worker_id = str(uuid.uuid4())
        self.pools: dict[str, Pool] = {}
        self._active: dict[str, ActiveJob] = {}
        self._link = Link(settings.redis_url, self._calls.scripts, self)
        self._fetcher = Fetcher(settings, self._calls, self._link, self._worker_id, self._start, self._check_idle)
        self._locks = Locks(self._calls, self._link, self._active, self._give_up)
        self._stalled_check = StalledCheck(settings, self._calls, self._link)
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._fault: SchedulerUnsupported | None = None
        self._loop = asyncio.get_running_loop()

    # Starting and stopping

    async def run(self) -> None:
        """Works until ``stop`` is called; returns when every job is settled or handed back.

        Raises:
            StartFailed: a pool cannot be made ready.
            SchedulerUnsupported: the queue has a job scheduler; its job was handed back.
        """
        pools = list(dict.fromkeys(self.pools.values()))
        try:
            await self._unless_stopped(self._start_pools(pools))
            await self._unless_stopped(self._link.open())
            if self._stopping.is_set():
                return
            self._begin()
            await self._stopping.wait()
            await self._shut_down()
        finally:
            self._stalled_check.stop()
            self._locks.stop()
            for pool in pools:
                await pool.stop()
            await self._link.close()
        if self._fault is not None:
            raise self._fault

    def stop(self) -> None:
        """Fetches no more; ``run`` returns when the jobs that run are settled, or handed back at the deadline."""
        self._stopping.set()

    async def _start_pools(self, pools: list[Pool]) -> None:
        for pool in pools:
            await pool.start()

    async def _unless_stopped(self, work: Awaitable[None]) -> None:
        """Waits for ``work``, but no longer than until ``stop`` is called."""
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if working.done():
            working.result()
        else:
            working.cancel()

    def _begin(self) -> None:
        for slot in range(self._settings.concurrency):
            self._fetcher.add(slot)
        self._locks.start()
        self._stalled_check.start()
        logger.info(
            "worker of queue %s is ready: %s slots, jobs %s",
            self._queue,
            self._settings.concurrency,
            ", ".join(sorted(self.pools)),
        )

    async def _shut_down(self) -> None:
        self._stalled_check.stop()
        await self._fetcher.stop()
        deadline = self._settings.shutdown_timeout_s
        if self._active:
            logger.info("queue %s: %s jobs may finish within %s s", self._queue, len(self._active), deadline)
        if await self._idle_within(deadline):
            return
        unfinished = [job for job in self._active.values() if not job.settling]
        await asyncio.gather(*(self._interrupt_and_hand_back(job) for job in unfinished))
        if not await self._idle_within(HAND_BACK_TIMEOUT_S):
            logger.error(
                "queue %s: Redis did not take back %s; the stalled check of another worker will",
                self._queue,
                ", ".join(sorted(self._active)),
            )

    async def _idle_within(self, seconds: float) -> bool:
        self._check_idle()
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    def _check_idle(self) -> None:
        if self._active or self._fetcher.is_fetching:
            self._idle.clear()
        else:
            self._idle.set()

    # Slots

    def slot_ready(self, slot: int) -> None:
        """A slot can run jobs now."""
        self._fetcher.add(slot, free=all(job.slot != slot for job in self._active.values()))

    def slot_lost(self, slot: int) -> None:
        """A slot cannot run jobs until ``slot_ready`` says so."""
        self._fetcher.remove(slot)

    # The life of a job

    def _start(self, record: JobRecord, token: str, slot: int) -> None:
        earlier = self._active.get(record.id)
        job = ActiveJob(record, token, slot)
        self._active[record.id] = job
        if self._stopping.is_set():
            # A call that was on its way when we were told to stop has fetched it.
            self._hand_back(job)
        elif record.scheduler_id is not None:
            self._refuse_scheduler(job, record.scheduler_id)
        elif earlier is not None:
            self._loop.create_task(self._run_after(earlier, job))
        elif outcome := self._refuse(record):
            self._settle(job, outcome)
        else:
            self._run(job)

    def _refuse(self, record: JobRecord) -> Outcome | None:
        """Why a job is failed without being run, if it is."""
        if record.deferred_failure is not None:
            return refused(FailureKind.DEFERRED, record.deferred_failure)
        if record.name is None or record.data is None:
            missing = "name" if record.name is None else "data"
            return refused(
                FailureKind.UNKNOWN_JOB,
                f"job {record.id} of queue {self._queue!r} has no {missing}: its hash was removed or damaged",
            )
        if record.name not in self.pools:
            known = ", ".join(sorted(self.pools))
            return refused(
                FailureKind.UNKNOWN_JOB,
                f"no processor for job {record.name!r} of queue {self._queue!r} (this worker has: {known})",
            )
        return None

    def _run(self, job: ActiveJob) -> None:
        pool = self.pools[job.record.name or ""]
        pool.run(job.slot, job.record, partial(self._settle, job))

    def _settle(self, job: ActiveJob, outcome: Outcome) -> None:
        if job.settling:
            return
        job.settling = True
        fetch_next = self._fetcher.is_ready(job.slot) and not self._stopping.is_set()
        settlement = settle(self._calls, job.record, job.token, outcome, fetch_next, now_ms())
        tells_next = fetch_next and settlement.tells_next
        self._link.send(JobCall(settlement.command, partial(self._settled, job, tells_next), job))

    def _settled(self, job: ActiveJob, tells_next: bool, reply: Any) -> None:
        if isinstance(reply, int) and reply < 0 and self._settle_otherwise(job, reply):
            return
        self._forget(job)
        fetched = self._read(job, reply)
        if fetched.job is not None:
            self._start(fetched.job, job.token, job.slot)
        else:
            self._fetcher.release(job.slot)
            if tells_next:
                self._fetcher.note(fetched)
            else:
                self._fetcher.look()
        self._check_idle()

    def _read(self, job: ActiveJob, reply: Any) -> replies.Fetched:
        if isinstance(reply, ReplyError):
            logger.error("job %s of queue %s could not be settled: %s", job.record.id, self._queue, reply)
            return replies.NOTHING
        if isinstance(reply, int) and reply < 0:
            self._report_lost(job, replies.MEANINGS.get(reply, f"code {reply}"))
        return replies.parse_fetched(reply)

    def _settle_otherwise(self, job: ActiveJob, code: int) -> bool:
        """Refusals of a completed parent: the answer is another script."""
        if code == replies.PENDING_CHILDREN:
            # Since 6.4 an ordinary event: a child was retried while its parent ran. No attempt is charged.
            command = self._calls.move_to_waiting_children(job.record.id, job.token, now_ms())
            self._link.send(JobCall(command, partial(self._settled, job, False), job))
            return True
        if code == replies.FAILED_CHILDREN:
            job.settling = False
            self._settle(job, refused(FailureKind.DEFERRED, f"job {job.record.id} has at least one failed child"))
            return True
        return False

    def _forget(self, job: ActiveJob) -> None:
        if self._active.get(job.record.id) is job:
            del self._active[job.record.id]

    # A job that does not end by itself

    def _hand_back(self, job: ActiveJob) -> None:
        """Interrupted is not failed: the job goes back to the front, charged neither as attempt nor as stall."""
        job.settling = True
        logger.info("job %s of queue %s is handed back: the worker stops", job.record.id, self._queue)
        command = self._calls.move_to_wait(job.record.id, job.token)
        self._link.send(JobCall(command, partial(self._settled, job, False), job))
        if job.record.priority > 0:
            # The script adds no marker on this branch; idle workers would sleep on.
            self._link.send(PassingCall(("ZADD", self._keys.marker, 0, "0")))

    async def _interrupt_and_hand_back(self, job: ActiveJob) -> None:
        # Stopped first, then given to others: never two runs at the same time.
        job.settling = True
        if await self._interrupt(job):
            self._hand_back(job)

    async def _interrupt(self, job: ActiveJob) -> bool:
        """Stops what runs the job; False if it cannot be stopped."""
        pool = self.pools[job.record.name or ""]
        try:
            await asyncio.wait_for(pool.interrupt(job.slot), INTERRUPT_TIMEOUT_S)
        except asyncio.TimeoutError:
            logger.error("job %s of queue %s does not let itself be stopped", job.record.id, self._queue)
            return False
        return True

    def _give_up(self, job: ActiveJob) -> None:
        """The job is somebody else's by now: nobody will take its result."""
        self._report_lost(job, "its lock could not be renewed")
        self._loop.create_task(self._abandon(job))

    async def _abandon(self, job: ActiveJob) -> None:
        job.settling = True
        await self._interrupt(job)
        self._forget(job)
        self._fetcher.release(job.slot)
        self._fetcher.wake()
        self._check_idle()

    async def _run_after(self, earlier: ActiveJob, job: ActiveJob) -> None:
        """A job of ours had stalled and is ours again: never two runs at the same time."""
        self._report_lost(earlier, "it came back from the queue while it ran here")
        await self._abandon(earlier)
        if not job.settling:
            self._run(job)

    def _report_lost(self, job: ActiveJob, why: str) -> None:
        logger.error(
            "job %s of queue %s is not ours any more: %s. Another worker may run it again.",
            job.record.id,
            self._queue,
            why,
        )

    def _refuse_scheduler(self, job: ActiveJob, scheduler_id: str) -> None:
        # Run without writing the next iteration first, the schedule would end here without a word.
        self._fault = SchedulerUnsupported(
            f"job {job.record.id} comes from job scheduler {scheduler_id!r}, whose next run this version of "
            "bullmq-bridge cannot compute: let a Node worker serve this queue"
        )
        self.stop()
        self._hand_back(job)

    # What a running job may ask (see AsyncJobPort)

    def progress(self, job_id: str, progress: bytes) -> None:
        """See ``JobPort``."""
        self._note(job_id, self._calls.update_progress(job_id, progress))

    def log(self, job_id: str, row: str) -> None:
        """See ``JobPort``."""
        job = self._active.get(job_id)
        keep = job.record.opts.get("kl") if job else None
        self._note(job_id, self._calls.add_log(job_id, row, keep))

    def _note(self, job_id: str, command: Command) -> None:
        def answered(reply: Any) -> None:
            if isinstance(reply, ReplyError) or (isinstance(reply, int) and reply < 0):
                logger.warning("job %s of queue %s: progress or log was refused: %s", job_id, self._queue, reply)

        self._link.send(NoteCall(command, answered))

    async def ask(self, job_id: str, question: str) -> list[bytes]:
        """See ``AsyncJobPort``."""
        suffix = {CHILDREN_VALUES: "processed", IGNORED_FAILURES: "failed"}[question]
        answer: list[bytes] = await self._link.ask("HGETALL", f"{self._keys.job(job_id)}:{suffix}")
        return answer

    # After a lost connection (see Party)

    async def reconcile(self, connection: Connection, unanswered: list[Call]) -> Findings:
        """See ``Party``."""
        return await reconcile(connection, self._keys, self._worker_id, unanswered, set(self._active))

    def resume(self, unanswered: list[Call], findings: Findings) -> None:
        """See ``Party``."""
        for call in findings.resend:
            self._link.send(call)
        for call, reply in findings.replies:
            call.on_reply(reply)
        for record, token in findings.strays:
            job = self._active[record.id] = ActiveJob(record, token, NO_SLOT)
            self._hand_back(job)
        self._locks.renew_all()
        self._fetcher.look()
        self._check_idle()

    def writable(self) -> None:
        """See ``Party``."""
        self._fetcher.wake()
