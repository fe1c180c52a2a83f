"""A queue, for programs that block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullmq_bridge.client.sync_client import SyncClient
from bullmq_bridge.protocol.keys import DEFAULT_PREFIX
from bullmq_bridge.queue.operations import open_operations
from bullmq_bridge.queue.upkeep import job_id_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    import redis
    from typing_extensions import Self, Unpack

    from bullmq_bridge.queue.inspection import JobLogs, RateLimit, WorkerInfo
    from bullmq_bridge.queue.item import JobItem
    from bullmq_bridge.queue.job_view import JobState, JobView
    from bullmq_bridge.queue.options import JobOptions, TemplateOptions
    from bullmq_bridge.queue.priority import PriorityName
    from bullmq_bridge.queue.scheduling import JobScheduler, Schedule
    from bullmq_bridge.queue.upkeep import FinishedState


class Queue:
    """Publishes to a queue and looks after it. ``AsyncQueue`` has the same methods for asyncio.

    ```python
    with Queue("file-processing", contract="schemas") as queue:
        queue.add("process-file", {"doc_id": "doc-1"}, priority="high")
    ```

    Making one sends nothing; it is safe to use from several threads. Every method may raise ``redis.RedisError``
    (not reachable, refused). What changes something is sent once: when the connection is lost before Redis answered,
    it raises ``AnswerLost``. The first call reads beforehand what BullMQ the backend runs, and raises
    ``VersionMismatch`` when the scripts must not be run beside it.

    Args:
        name: the queue's name.
        contract: folder that ``bullmq-bridge emit`` wrote (relative to the working directory). Without one, any JSON
            under any job name is accepted, and no options are given by default.
        redis_url: where Redis is; default ``REDIS_URL``, else ``redis://127.0.0.1:6379``.
        client: your own ``redis.Redis`` in place of a URL. It is used, and never closed.
        prefix: BullMQ's ``prefix``.
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.
        allow_version_mismatch: publish beside a BullMQ that does not fit the bundle, though jobs can get lost; default
            ``BULLMQ_BRIDGE_ALLOW_VERSION_MISMATCH``, else no.

    Raises:
        BundleError: there are no scripts to call.
        ContractError: the contract cannot be read, or has no such queue.
        TypeError: the client is no ``redis.Redis``.
        ValueError: the queue has no proper name, or there are both URL and client.
    """

    def __init__(
        self,
        name: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        redis_url: str | None = None,
        client: redis.Redis | None = None,
        prefix: str = DEFAULT_PREFIX,
        bundle: str | os.PathLike[str] | None = None,
        allow_version_mismatch: bool | None = None,
    ) -> None:
        operations = open_operations(name, contract, prefix, bundle, allow_version_mismatch)
        self.name = name
        self.prefix = prefix
        self._publishing = operations.publishing
        self._inspection = operations.inspection
        self._upkeep = operations.upkeep
        self._scheduling = operations.scheduling
        self._client = SyncClient(redis_url, client, operations.check)

    # --- publishing

    def add(self, name: str, data: Any, **options: Unpack[JobOptions]) -> JobView:
        """Adds a job; options that are not given are the contract's.

        The data is sent as it is given: unlike TypeScript, Python does not fill in the defaults of a schema.

        Returns:
            The job as it was sent. Its id is another job's where it counts as a duplicate of that one.

        Raises:
            JobRefused: the data breaks the contract; the error names every failing path.
            ParentError: the parent does not exist, or the job has another one already.
            TypeError: there is no such option.
            ValueError: an option cannot work.
        """
        return self._client.run(self._publishing.add(name, data, options))

    def add_many(self, items: Iterable[JobItem]) -> list[JobView]:
        """Adds jobs in one transaction: when one is refused, none is added.

        Redis does nothing else meanwhile (about 50 µs a job): hand over some thousands at a time, not a million.

        Raises:
            JobRefused: data breaks the contract; the error names every failing path of every item.
            ParentError: a parent does not exist; the message says what was added.
            TypeError, ValueError: see ``add``.
        """
        return self._client.run(self._publishing.add_many(items))

    # --- looking

    def get_job(self, job_id: str) -> JobView | None:
        """The job with its state and its log; None when there is none."""
        return self._client.run(self._inspection.get_job(job_id))

    def get_job_state(self, job_id: str) -> str:
        """A job's state (``JobState``); ``unknown`` when there is no such job."""
        return self._client.run(self._inspection.get_job_state(job_id))

    def get_job_logs(self, job_id: str, start: int = 0, end: int = -1, ascending: bool = True) -> JobLogs:
        """Lines of a job's log, both ends included, the oldest first unless ``ascending`` is False."""
        return self._client.run(self._inspection.get_job_logs(job_id, start, end, ascending))

    def get_jobs(
        self,
        states: JobState | Iterable[JobState] | None = None,
        start: int = 0,
        end: int = -1,
        ascending: bool = False,
    ) -> list[JobView]:
        """Jobs in states, all of them by default.

        Args:
            states: one or several; the jobs come in this order.
            start: first job *of each state*, from 0.
            end: last job of each state, included; -1: all.
            ascending: the oldest first.

        Raises:
            ValueError: there is no such state.
        """
        return self._client.run(self._inspection.get_jobs(states, start, end, ascending))

    def get_job_counts(self, states: JobState | Iterable[JobState] | None = None) -> dict[str, int]:
        """Number of jobs per state.

        Raises:
            ValueError: there is no such state.
        """
        return self._client.run(self._inspection.get_job_counts(states))

    def count(self) -> int:
        """Number of jobs that have not started: waiting, prioritized, delayed, waiting for children."""
        return self._client.run(self._inspection.count())

    def get_counts_per_priority(self, priorities: Sequence[PriorityName | int]) -> dict[PriorityName | int, int]:
        """Number of waiting jobs per priority; 0 counts the jobs without one."""
        return self._client.run(self._inspection.get_counts_per_priority(priorities))

    def get_children_values(self, job: JobView | str) -> dict[str, Any]:
        """Results of a job's children that completed, by child key (``<prefix>:<queue>:<id>``)."""
        return self._client.run(self._inspection.get_children_values(job_id_of(job)))

    def get_ignored_children_failures(self, job: JobView | str) -> dict[str, str]:
        """Reasons of a job's children whose failure was ignored, by child key (``<prefix>:<queue>:<id>``)."""
        return self._client.run(self._inspection.get_ignored_children_failures(job_id_of(job)))

    def get_workers(self) -> list[WorkerInfo]:
        """Workers of this queue that are connected, of either language."""
        return self._client.run(self._inspection.get_workers())

    # --- single jobs

    def retry(
        self,
        job: JobView | str,
        state: FinishedState = "failed",
        *,
        reset_attempts_made: bool = False,
        reset_attempts_started: bool = False,
    ) -> None:
        """Puts a finished job back to wait.

        Args:
            job: the job or its id.
            state: the state that it is in.
            reset_attempts_made: let it have all of its attempts again.
            reset_attempts_started: count its starts anew.

        Raises:
            JobNotFound: there is no such job.
            JobStateError: it is not in that state.
        """
        self._client.run(self._upkeep.retry(job, state, reset_attempts_made, reset_attempts_started))

    def promote(self, job: JobView | str) -> None:
        """Makes a delayed job wait no longer.

        Raises:
            JobStateError: it is not delayed.
        """
        self._client.run(self._upkeep.promote(job))

    def change_delay(self, job: JobView | str, delay_ms: int) -> None:
        """Delays a delayed job anew: it may start ``delay_ms`` from now.

        Raises:
            JobNotFound: there is no such job.
            JobStateError: it is not delayed.
        """
        self._client.run(self._upkeep.change_delay(job, delay_ms))

    def change_priority(self, job: JobView | str, priority: PriorityName | int, *, lifo: bool = False) -> None:
        """Changes the priority of a job; ``lifo`` puts it before the others of the same priority.

        Raises:
            JobNotFound: there is no such job.
            ValueError: there is no such priority.
        """
        self._client.run(self._upkeep.change_priority(job, priority, lifo))

    def remove(self, job: JobView | str, *, remove_children: bool = True) -> None:
        """Removes a job, and the children that it waits for. A job that does not exist is no error.

        Raises:
            JobStateError: a worker is running it, or it is the next one of a job scheduler.
        """
        self._client.run(self._upkeep.remove(job, remove_children))

    # --- the queue as a whole

    def pause(self) -> None:
        """Lets no worker take jobs; what runs goes on."""
        self._client.run(self._upkeep.pause())

    def resume(self) -> None:
        """Lets workers take jobs again."""
        self._client.run(self._upkeep.resume())

    def is_paused(self) -> bool:
        """Whether the queue is paused."""
        return self._client.run(self._inspection.is_paused())

    def retry_jobs(self, state: FinishedState = "failed", *, count: int = 1000, until_ms: int | None = None) -> None:
        """Puts all finished jobs of a state back to wait, ``count`` at a time.

        They lose their priorities (bullmq 6.7.0). ``until_ms``: only those that finished before; default: now.
        """
        self._client.run(self._upkeep.retry_jobs(state, count, until_ms))

    def promote_jobs(self, *, count: int = 1000) -> None:
        """Makes all delayed jobs wait no longer, ``count`` at a time. They lose their priorities (bullmq 6.7.0)."""
        self._client.run(self._upkeep.promote_jobs(count))

    def drain(self, *, delayed: bool = False) -> None:
        """Removes the jobs that wait, and those that are delayed where wanted; a scheduler's next job stays."""
        self._client.run(self._upkeep.drain(delayed))

    def clean(self, grace_ms: int, limit: int = 0, state: JobState = "completed") -> list[str]:
        """Removes jobs of a state that are older than ``grace_ms``; answers their ids.

        Args:
            grace_ms: age from which they go: since they finished, else since they were added.
            limit: most jobs to remove; 0: all.
            state: any but ``waiting-children``.

        Raises:
            ValueError: there is no such state.
        """
        return self._client.run(self._upkeep.clean(grace_ms, limit, state))

    def obliterate(self, *, force: bool = False, count: int = 1000) -> None:
        """Pauses the queue and removes it with everything in it, ``count`` jobs at a time.

        Args:
            force: even while workers run jobs of it.
            count: jobs per call of the script.

        Raises:
            QueueError: workers run jobs of it, and ``force`` is not set. It stays paused then.
        """
        self._client.run(self._upkeep.obliterate(force, count))

    def set_global_concurrency(self, concurrency: int) -> None:
        """Lets all workers together run so many jobs of this queue at a time."""
        self._client.run(self._upkeep.set_global_concurrency(concurrency))

    def get_global_concurrency(self) -> int | None:
        """How many jobs all workers together may run at a time; None: no limit."""
        return self._client.run(self._inspection.get_global_concurrency())

    def remove_global_concurrency(self) -> None:
        """Ends the limit of ``set_global_concurrency``."""
        self._client.run(self._upkeep.remove_global_concurrency())

    def set_global_rate_limit(self, most: int, duration_ms: int) -> None:
        """Lets at most ``most`` jobs of this queue start in ``duration_ms``."""
        self._client.run(self._upkeep.set_global_rate_limit(most, duration_ms))

    def get_global_rate_limit(self) -> RateLimit | None:
        """The limit of ``set_global_rate_limit``; None: there is none."""
        return self._client.run(self._inspection.get_global_rate_limit())

    def remove_global_rate_limit(self) -> None:
        """Ends the limit of ``set_global_rate_limit``."""
        self._client.run(self._upkeep.remove_global_rate_limit())

    def rate_limit(self, duration_ms: int) -> None:
        """Lets no job start for ``duration_ms``, at workers that have a limit or when the queue has a global one."""
        self._client.run(self._upkeep.rate_limit(duration_ms))

    def get_rate_limit_ttl(self) -> int:
        """For how many ms no job may start; 0: the queue is not rate limited now."""
        return self._client.run(self._inspection.get_rate_limit_ttl())

    def remove_rate_limit(self) -> None:
        """Ends what ``rate_limit`` began, or the current window of a limit."""
        self._client.run(self._upkeep.remove_rate_limit())

    def get_deduplication_job_id(self, deduplication_id: str) -> str | None:
        """Id of the job that others with this deduplication id are duplicates of; None: there is none."""
        return self._client.run(self._inspection.get_deduplication_job_id(deduplication_id))

    def remove_deduplication_key(self, deduplication_id: str) -> bool:
        """Lets the next job with this deduplication id be added; whether there was anything to forget."""
        return self._client.run(self._upkeep.remove_deduplication_key(deduplication_id))

    # --- job schedulers

    def upsert_job_scheduler(
        self,
        scheduler_id: str,
        schedule: Schedule,
        name: str | None = None,
        data: Any = None,
        **options: Unpack[TemplateOptions],
    ) -> JobView | None:
        """Makes or changes a job scheduler, and its next job.

        Args:
            scheduler_id: its id; one of this id that exists is changed.
            schedule: when it makes a job.
            name: name of its jobs; default: its id.
            data: data of its jobs; default: ``{}``.
            **options: options of its jobs.

        Returns:
            Its next job; None when the pattern has no further time.

        Raises:
            JobRefused: the data breaks the contract.
            QueueError: jobs for its next times exist already and have started.
            TypeError: there is no such option.
            ValueError: schedule or options cannot work.
        """
        steps = self._scheduling.upsert(
            scheduler_id, schedule, name or scheduler_id, {} if data is None else data, options
        )
        return self._client.run(steps)

    def get_job_scheduler(self, scheduler_id: str) -> JobScheduler | None:
        """A job scheduler; None when there is none."""
        return self._client.run(self._scheduling.get(scheduler_id))

    def get_job_schedulers(self, start: int = 0, end: int = -1, ascending: bool = False) -> list[JobScheduler]:
        """Job schedulers by the time of their next job, both ends included."""
        return self._client.run(self._scheduling.get_all(start, end, ascending))

    def get_job_schedulers_count(self) -> int:
        """Number of job schedulers."""
        return self._client.run(self._scheduling.count())

    def remove_job_scheduler(self, scheduler_id: str) -> bool:
        """Removes a job scheduler and its next job; whether there was one."""
        return self._client.run(self._scheduling.remove(scheduler_id))

    # --- the end

    def close(self) -> None:
        """Closes the connections, unless they are yours."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
