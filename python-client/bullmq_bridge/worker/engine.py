"""The engine: fetches jobs, gives them to slots, keeps their locks, and tells Redis how they ended.

Everything runs on one event loop, as callbacks of one command connection: on the path of a job there is no task,
future or lock per command. Steady state costs one script call a job, since the call that settles a job fetches the
next one. The life of a job, top to bottom: ``_fetch`` -> ``_fetched`` -> ``_start`` -> ``_settle`` -> ``_settled``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from bullmq_bridge.outcome import FailureKind, Outcome, refused
from bullmq_bridge.protocol import replies
from bullmq_bridge.protocol.calls import ScriptCalls
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.protocol.replies import Fetched, parse_fetched
from bullmq_bridge.worker.active_job import ActiveJob, FetchCall, JobCall, NoteCall, PassingCall
from bullmq_bridge.worker.connection import Call, Connection, ConnectionLost, ReplyError
from bullmq_bridge.worker.job import CHILDREN_VALUES, IGNORED_FAILURES
from bullmq_bridge.worker.marker import Marker
from bullmq_bridge.worker.recovery import Identity, end_old_connection, identify, load_scripts, reconcile
from bullmq_bridge.worker.settlement import settle

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.calls import Command
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.recovery import Findings
    from bullmq_bridge.worker.settings import Settings

logger = logging.getLogger("bullmq_bridge.worker")

#: A command that Redis has not answered for so long is taken as lost, and the connection with it.
COMMAND_TIMEOUT_S = 10.0
#: Silence after which an idle connection is asked whether it is still there.
PING_AFTER_S = 5.0
WATCH_INTERVAL_S = 1.0
FIRST_RECONNECT_DELAY_S = 0.1
MAX_RECONNECT_DELAY_S = 3.0
#: Longest single wait for a rate limit, so that delayed jobs are promoted meanwhile (Node: maximumRateLimitDelay).
MAX_RATE_LIMIT_WAIT_S = 30.0
#: Time for handing jobs back after the shutdown deadline.
HAND_BACK_TIMEOUT_S = 5.0
UNBLOCK_TIMEOUT_S = 1.0
INTERRUPT_TIMEOUT_S = 5.0
RESEND_DELAY_S = 0.2
ERROR_DELAY_MS = 1000
#: The slot of a job that is only held to be handed back.
NO_SLOT = -1
#: Errors that Redis answers to a command it did not run: it is safe to send it again.
NOT_APPLIED = ("NOSCRIPT", "LOADING", "READONLY", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "OOM", "MISCONF")


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
        self.settings = settings
        self.keys = QueueKeys(settings.queue, settings.prefix)
        self.calls = ScriptCalls(self.keys, bundle, settings.name, settings.lock_duration_ms)
        self.worker_id = str(uuid.uuid4())
        self.pools: dict[str, Pool] = {}
        self._marker = Marker(settings, self.keys.marker, self.keys.client_name(settings.name))
        self._connection: Connection | None = None
        self._identity: Identity | None = None
        self._backlog: list[Call] = []
        self._recovering: asyncio.Task[None] | None = None
        self._active: dict[str, ActiveJob] = {}
        self._free: dict[int, None] = {}
        self._fetching: set[int] = set()
        self._fetched_all = True
        self._ramp = 1
        self._limited_until = 0.0
        self._due = 0.0
        self._due_timer: asyncio.TimerHandle | None = None
        self._woken = False
        self._waiting: asyncio.Task[None] | None = None
        self._limit_timer: asyncio.TimerHandle | None = None
        self._timers: dict[Callable[[], None], asyncio.TimerHandle] = {}
        self._resending: asyncio.Task[None] | None = None
        self._ready: set[int] = set()
        self._closing = False
        self._tokens = 0
        self._stopping = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._loop = asyncio.get_running_loop()
        self._fault: SchedulerUnsupported | None = None
        self.handed_back = 0

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
            self._recovering = self._loop.create_task(self._recover([]))
            await self._unless_stopped(self._recovering)
            if self._stopping.is_set():
                return
            self._begin()
            await self._stopping.wait()
            await self._shut_down()
            if self._fault is not None:
                raise self._fault
        finally:
            for pool in pools:
                await pool.stop()
            await self._close()

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
        self._ready.update(range(self.settings.concurrency))
        self._free.update(dict.fromkeys(range(self.settings.concurrency)))
        self._wake()
        self._every(self.settings.lock_duration_ms / 4000, self._renew_locks)
        self._every(WATCH_INTERVAL_S, self._watch_connection)
        self._every(self.settings.stalled_interval_ms / 1000, self._check_stalled)
        self._check_stalled()
        logger.info(
            "worker of queue %s is ready: %s slots, jobs %s",
            self.settings.queue,
            self.settings.concurrency,
            ", ".join(sorted(self.pools)),
        )

    def stop(self) -> None:
        """Fetches no more; ``run`` returns when the jobs that run are settled, or handed back at the deadline."""
        self._stopping.set()

    async def _shut_down(self) -> None:
        for timer in (self._limit_timer, self._due_timer):
            if timer is not None:
                timer.cancel()
        await self._stop_waiting()
        self._check_idle()
        deadline = self.settings.shutdown_timeout_s
        if not self._idle.is_set():
            logger.info("queue %s: %s jobs may finish within %s s", self.settings.queue, len(self._active), deadline)
        if await self._idle_within(deadline):
            return
        unfinished = [job for job in self._active.values() if not job.settling]
        await asyncio.gather(*(self._interrupt_and_hand_back(job) for job in unfinished))
        if not await self._idle_within(HAND_BACK_TIMEOUT_S):
            logger.error(
                "queue %s: Redis did not take back %s; the stalled check of another worker will",
                self.settings.queue,
                ", ".join(sorted(self._active)),
            )

    async def _idle_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    async def _stop_waiting(self) -> None:
        """Ends the wait on the marker without losing one that is popped at this very moment."""
        waiting = self._waiting
        if waiting is None:
            return
        if self._marker.client_id is not None:
            self._send(PassingCall(("CLIENT", "UNBLOCK", self._marker.client_id), _ignore))
            await asyncio.wait([waiting], timeout=UNBLOCK_TIMEOUT_S)
        waiting.cancel()

    # Slots

    def slot_ready(self, slot: int) -> None:
        """A slot can take a job now."""
        self._ready.add(slot)
        if slot not in self._fetching and not any(job.slot == slot for job in self._active.values()):
            self._free[slot] = None
            self._wake()

    def slot_lost(self, slot: int) -> None:
        """A slot cannot take a job until ``slot_ready`` says so."""
        self._ready.discard(slot)
        self._free.pop(slot, None)

    def _release(self, slot: int) -> None:
        if slot in self._ready:
            self._free[slot] = None

    # Fetching

    def _wake(self) -> None:
        """Fetches if there is a free slot and nobody is fetching or waiting for work already."""
        if self._waiting is None and not self._fetching:
            self._fetch_after_wake()

    def _fetch(self) -> None:
        """Asks for as many jobs as the ramp allows: 1, 2, 4, … until an answer comes back empty."""
        if self._stopping.is_set() or self._connection is None or self._connection.full:
            return
        self._fetched_all = True
        for _ in range(min(self._ramp, len(self._free))):
            slot = next(iter(self._free))
            del self._free[slot]
            self._tokens += 1
            token = f"{self.worker_id}:{self._tokens}"
            self._fetching.add(slot)
            command = self.calls.move_to_active(token, _now_ms())
            self._send(FetchCall(command, partial(self._fetched, slot, token), slot))
        self._ramp *= 2

    def _fetched(self, slot: int, token: str, reply: Any) -> None:
        self._fetching.discard(slot)
        fetched = self._read(reply)
        if fetched.job is not None:
            self._start(fetched.job, token, slot)
        else:
            self._fetched_all = False
            self._note_delays(fetched)
            self._release(slot)
        if not self._fetching:
            self._after_fetches()
        self._check_idle()

    def _after_fetches(self) -> None:
        if self._woken:
            self._woken = False
            self._fetch_after_wake()
        elif self._free and self._fetched_all:
            self._fetch()
        elif self._free:
            self._wait()

    def _read(self, reply: Any) -> Fetched:
        if not isinstance(reply, ReplyError):
            return parse_fetched(reply)
        self._complain(reply, "fetching")
        # Ask again, but not at once.
        return Fetched(limited_ms=ERROR_DELAY_MS)

    def _note_delays(self, fetched: Fetched) -> None:
        self._limited_until = time.time() + fetched.limited_ms / 1000 if fetched.limited_ms else 0.0
        if fetched.delay_until:
            self._arm_due(fetched.delay_until / 1000)

    def _wait(self) -> None:
        """Nothing to fetch now: waits for the rate limit, or for the marker."""
        if self._stopping.is_set() or not self._free or self._connection is None:
            return
        limited_s = self._limited_until - time.time()
        if limited_s > 0:
            if self._limit_timer is None:
                delay = min(limited_s, MAX_RATE_LIMIT_WAIT_S)
                self._limit_timer = self._loop.call_later(delay, self._limit_is_over)
        elif self._waiting is None:
            self._waiting = self._loop.create_task(self._wait_for_marker())

    def _limit_is_over(self) -> None:
        self._limit_timer = None
        self._wake()

    def _arm_due(self, due: float) -> None:
        """Fetches when the next delayed job is due (epoch seconds).

        A timer of ours and not the server's block timeout, which comes up to 100 ms late (``hz`` 10).
        """
        if self._due_timer is not None:
            if self._due <= due:
                return
            self._due_timer.cancel()
        self._due = due
        self._due_timer = self._loop.call_later(max(due - time.time(), 0), self._due_now)

    def _due_now(self) -> None:
        self._due_timer = None
        self._fetch_after_wake()

    async def _wait_for_marker(self) -> None:
        """Blocks on the marker until there is work. Only one such wait at a time."""
        while not self._stopping.is_set():
            popped = await self._marker.wait(self.settings.drain_delay_s)
            if popped is None:
                break
            member, score = popped
            due = score / 1000
            if self._stopping.is_set() or (due <= time.time() and not self._free):
                # We cannot take what it announces: the next worker must find it.
                self._send(PassingCall(("ZADD", self.keys.marker, score, member), _ignore))
                break
            if due <= time.time():
                break
            self._arm_due(due)
        self._waiting = None
        self._fetch_after_wake()

    def _fetch_after_wake(self) -> None:
        """Asks the queue once more, even if it was asked a moment ago: there may be news since."""
        if self._fetching:
            self._woken = True
        elif self._free and self._limit_timer is None:
            self._ramp = 1
            self._fetch()

    # A job

    def _start(self, record: JobRecord, token: str, slot: int) -> None:
        earlier = self._active.get(record.id)
        job = ActiveJob(record, token, slot)
        self._active[record.id] = job
        self._idle.clear()
        if self._stopping.is_set() or slot == NO_SLOT:
            # An ack that was on its way when we were told to stop has fetched it.
            self._hand_back(job)
        elif record.scheduler_id is not None:
            # Run without writing the next iteration first, the schedule would end here without a word.
            self._fault = SchedulerUnsupported(
                f"job {record.id} comes from job scheduler {record.scheduler_id!r}, whose next run this version of "
                "bullmq-bridge cannot compute: let a Node worker serve this queue"
            )
            self.stop()
            self._hand_back(job)
        elif earlier is not None:
            self._lock_lost(earlier, "it came back from the queue while it ran here")
            self._loop.create_task(self._run_after(earlier, job))
        elif outcome := self._refuse(record):
            self._settle(job, outcome)
        else:
            self._run(job)

    def _run(self, job: ActiveJob) -> None:
        pool = self.pools[job.record.name or ""]
        pool.run(job.slot, job.record, partial(self._settle, job))

    async def _run_after(self, earlier: ActiveJob, job: ActiveJob) -> None:
        """A job of ours had stalled and is ours again: never two runs at the same time."""
        await self._abandon(earlier)
        if self._active.get(job.record.id) is job and not job.settling:
            self._run(job)

    def _refuse(self, record: JobRecord) -> Outcome | None:
        """Why a job is failed without being run, if it is."""
        if record.deferred_failure is not None:
            return refused(FailureKind.DEFERRED, record.deferred_failure)
        if record.name is None or record.data is None:
            missing = "name" if record.name is None else "data"
            return refused(
                FailureKind.UNKNOWN_JOB,
                f"job {record.id} of queue {self.settings.queue!r} has no {missing}: its hash was removed or damaged",
            )
        if record.name not in self.pools:
            known = ", ".join(sorted(self.pools))
            return refused(
                FailureKind.UNKNOWN_JOB,
                f"no processor for job {record.name!r} of queue {self.settings.queue!r} (this worker has: {known})",
            )
        return None

    def _settle(self, job: ActiveJob, outcome: Outcome) -> None:
        if self._active.get(job.record.id) is not job or job.settling:
            return
        job.settling = True
        more = not self._stopping.is_set() and job.slot in self._ready
        settlement = settle(self.calls, job.record, job.token, outcome, more, _now_ms())
        logger.debug("job %s of queue %s: %s", job.record.id, self.settings.queue, settlement.state)
        self._send(
            JobCall(
                settlement.command,
                lambda reply: self._settled(reply, job, more and settlement.tells_next),
                job,
            )
        )

    def _settled(self, reply: Any, job: ActiveJob, tells_next: bool) -> None:
        if isinstance(reply, ReplyError):
            self._complain(reply, f"settling job {job.record.id}")
        elif isinstance(reply, int) and reply < 0:
            if self._settle_otherwise(reply, job):
                return
            self._lock_lost(job, replies.MEANINGS.get(reply, f"code {reply}"))
        self._forget(job)
        fetched = self._read(reply) if not isinstance(reply, ReplyError) else replies.NOTHING
        if fetched.job is not None:
            self._start(fetched.job, job.token, job.slot)
        else:
            self._release(job.slot)
            if tells_next:
                self._note_delays(fetched)
                if not self._fetching:
                    self._wait()
            else:
                self._fetch_after_wake()
        self._check_idle()

    def _settle_otherwise(self, code: int, job: ActiveJob) -> bool:
        """Refusals of a completed parent: the answer is another script."""
        if code == replies.PENDING_CHILDREN:
            # Since 6.4 an ordinary event: a child was retried while its parent ran. No attempt is charged.
            command = self.calls.move_to_waiting_children(job.record.id, job.token, _now_ms())
            self._send(JobCall(command, lambda reply: self._settled(reply, job, False), job))
            return True
        if code == replies.FAILED_CHILDREN:
            job.settling = False
            self._settle(job, refused(FailureKind.DEFERRED, f"job {job.record.id} has at least one failed child"))
            return True
        return False

    def _hand_back(self, job: ActiveJob) -> None:
        """Interrupted is not failed: the job goes back to the front, charged neither as attempt nor as stall."""
        job.settling = True
        self.handed_back += 1
        logger.info("job %s of queue %s is handed back: the worker stops", job.record.id, self.settings.queue)
        command = self.calls.move_to_wait(job.record.id, job.token)
        self._send(JobCall(command, lambda reply: self._settled(reply, job, False), job))
        if job.record.priority > 0:
            # The script adds no marker on this branch; idle workers would sleep on.
            self._send(PassingCall(("ZADD", self.keys.marker, 0, "0"), _ignore))

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
            logger.error("job %s of queue %s does not let itself be stopped", job.record.id, self.settings.queue)
            return False
        return True

    # Locks

    def _renew_locks(self) -> None:
        now = time.monotonic()
        due = [job for job in self._active.values() if now - job.renewed_at >= self.settings.lock_duration_ms / 4000]
        if not due or self._connection is None:
            return
        for job in due:
            job.renewed_at = now
        command = self.calls.extend_locks([job.record.id for job in due], [job.token for job in due])
        self._send(PassingCall(command, lambda reply: self._renewed(reply, due)))

    def _renewed(self, reply: Any, jobs: list[ActiveJob]) -> None:
        if isinstance(reply, ReplyError):
            self._complain(reply, "renewing locks")
            return
        refused_ids = {job_id.decode("utf-8", "replace") for job_id in reply}
        for job in jobs:
            # While its ack is under way, a missing lock only says that the ack was applied.
            if job.record.id in refused_ids and not job.settling and self._active.get(job.record.id) is job:
                self._lock_lost(job, "its lock could not be renewed")
                self._loop.create_task(self._abandon(job))

    def _lock_lost(self, job: ActiveJob, why: str) -> None:
        logger.error(
            "job %s of queue %s is not ours any more: %s. Another worker may run it again.",
            job.record.id,
            self.settings.queue,
            why,
        )

    async def _abandon(self, job: ActiveJob) -> None:
        """Stops work whose result nobody will take."""
        job.settling = True
        await self._interrupt(job)
        self._forget(job)
        self._release(job.slot)
        self._wake()
        self._check_idle()

    def _forget(self, job: ActiveJob) -> None:
        if self._active.get(job.record.id) is job:
            del self._active[job.record.id]

    def _check_stalled(self) -> None:
        if self._connection is None:
            return
        command = self.calls.move_stalled_jobs(
            self.settings.max_stalled_count, _now_ms(), self.settings.stalled_interval_ms
        )
        self._send(PassingCall(command, self._stalled))

    def _stalled(self, reply: Any) -> None:
        if isinstance(reply, ReplyError):
            self._complain(reply, "looking for stalled jobs")
            return
        for job_id in reply:
            logger.warning("job %s of queue %s had stalled: its worker vanished", job_id.decode(), self.settings.queue)

    # What a running job may ask (see AsyncJobPort)

    def progress(self, job_id: str, progress: bytes) -> None:
        """See ``JobPort``."""
        self._note(job_id, self.calls.update_progress(job_id, progress))

    def log(self, job_id: str, row: str) -> None:
        """See ``JobPort``."""
        job = self._active.get(job_id)
        keep = job.record.opts.get("kl") if job else None
        self._note(job_id, self.calls.add_log(job_id, row, keep))

    def _note(self, job_id: str, command: Command) -> None:
        def answered(reply: Any) -> None:
            if isinstance(reply, ReplyError) or (isinstance(reply, int) and reply < 0):
                logger.warning("job %s of queue %s: progress or log was refused", job_id, self.settings.queue)

        self._send(NoteCall(command, answered))

    async def ask(self, job_id: str, question: str) -> list[bytes]:
        """See ``AsyncJobPort``. Asked again after a lost connection."""
        suffix = {CHILDREN_VALUES: "processed", IGNORED_FAILURES: "failed"}[question]
        while True:
            connection = self._connection
            if connection is None:
                await asyncio.sleep(FIRST_RECONNECT_DELAY_S)
                continue
            try:
                answer: list[bytes] = await connection.call("HGETALL", f"{self.keys.job(job_id)}:{suffix}")
            except ConnectionLost:
                continue
            return answer

    # The connection

    def _send(self, call: Call) -> None:
        if self._connection is None or self._connection.closed:
            self._backlog.append(call)
        else:
            self._connection.send(call)

    def _not_applied(self, call: Call, error: ReplyError) -> bool:
        """Queues a command again that Redis did not run; False if it is for its caller to handle."""
        text = str(error)
        if isinstance(call, PassingCall) or not text.startswith(NOT_APPLIED):
            return False
        self._backlog.append(call)
        if self._resending is None:
            logger.warning("queue %s: Redis did not run a command (%s): it is sent again", self.settings.queue, text)
            if text.startswith("READONLY") and self._connection is not None:
                # A replica now: connecting again finds the new master.
                self._connection.abort()
            else:
                self._resending = self._loop.create_task(self._resend())
        return True

    async def _resend(self) -> None:
        await asyncio.sleep(RESEND_DELAY_S)
        self._resending = None
        connection = self._connection
        if connection is None:
            return
        try:
            await load_scripts(connection, self.calls.scripts)
        except (ConnectionLost, ReplyError) as error:
            logger.warning("queue %s: scripts could not be loaded: %s", self.settings.queue, error)
        self._flush_backlog()

    def _flush_backlog(self) -> None:
        backlog, self._backlog = self._backlog, []
        for call in backlog:
            self._send(call)

    def _connection_lost(self, connection: Connection, unanswered: list[Call]) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        if not self._closing:
            logger.warning("queue %s: the connection to Redis was lost", self.settings.queue)
            self._recovering = self._loop.create_task(self._recover(unanswered))

    async def _recover(self, unanswered: list[Call]) -> None:
        """Connects, however long it takes, and puts right what the lost connection left open."""
        delay = FIRST_RECONNECT_DELAY_S
        while True:
            try:
                connection = await Connection.open(
                    self.settings.redis_url,
                    on_lost=self._connection_lost,
                    on_refused=self._not_applied,
                    on_writable=self._wake,
                )
                identity = await identify(connection)
                await end_old_connection(connection, self._identity, identity)
                await load_scripts(connection, self.calls.scripts)
                findings = await reconcile(connection, self.keys, self.worker_id, unanswered, set(self._active))
                break
            except (RedisError, ReplyError, OSError) as error:
                logger.warning(
                    "queue %s: no connection to Redis at %s (%s); trying again in %.1f s",
                    self.settings.queue,
                    _without_password(self.settings.redis_url),
                    error,
                    delay,
                )
            if self._stopping.is_set() and not self._active:
                return
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_RECONNECT_DELAY_S)
        self._identity = identity
        self._connection = connection
        self._resume(unanswered, findings)

    def _resume(self, unanswered: list[Call], findings: Findings) -> None:
        for call in unanswered:
            if isinstance(call, FetchCall):
                self._fetching.discard(call.slot)
                self._release(call.slot)
        for job in findings.applied:
            logger.info("job %s of queue %s: its end had reached Redis", job.record.id, self.settings.queue)
            self._forget(job)
            self._release(job.slot)
        for record, token in findings.orphans:
            # A lost reply had brought it; its slot is among those just released.
            logger.info("job %s of queue %s is taken over from a lost reply", record.id, self.settings.queue)
            slot = next(iter(self._free), NO_SLOT)
            self._free.pop(slot, None)
            self._start(record, token, slot)
        for call in findings.resend:
            self._send(call)
        self._flush_backlog()
        for job in self._active.values():
            job.renewed_at = 0.0
        self._renew_locks()
        self._wake()
        self._check_idle()

    def _watch_connection(self) -> None:
        connection = self._connection
        if connection is None:
            return
        now = time.monotonic()
        if connection.silent_for(now) > COMMAND_TIMEOUT_S:
            logger.warning("queue %s: Redis did not answer for %s s", self.settings.queue, COMMAND_TIMEOUT_S)
            connection.abort()
        elif now - connection.heard_at > PING_AFTER_S:
            connection.send(PassingCall(("PING",), _ignore))

    async def _close(self) -> None:
        self._closing = True
        for timer in self._timers.values():
            timer.cancel()
        self._marker.close()
        for task in (self._recovering, self._resending):
            if task is not None:
                task.cancel()
        if self._connection is not None:
            with contextlib.suppress(ConnectionLost, ReplyError, asyncio.TimeoutError):
                # Commands run in order: once this is answered, nothing that was sent is still on its way.
                await asyncio.wait_for(self._connection.call("PING"), HAND_BACK_TIMEOUT_S)
        if self._connection is not None:
            self._connection.close()

    # Odds and ends

    def _every(self, seconds: float, action: Callable[[], None]) -> None:
        def tick() -> None:
            self._timers[action] = self._loop.call_later(seconds, tick)
            action()

        self._timers[action] = self._loop.call_later(seconds, tick)

    def _check_idle(self) -> None:
        if self._active or self._fetching:
            self._idle.clear()
        else:
            self._idle.set()

    def _complain(self, error: ReplyError, doing: str) -> None:
        logger.error("queue %s: Redis answered an error while %s: %s", self.settings.queue, doing, error)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _ignore(reply: Any) -> None:
    """For commands whose answer changes nothing."""


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
