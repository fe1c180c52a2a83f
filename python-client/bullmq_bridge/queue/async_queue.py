"""A queue, for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullmq_bridge.client.async_client import AsyncClient
from bullmq_bridge.protocol.keys import DEFAULT_PREFIX
from bullmq_bridge.queue.operations import open_operations
from bullmq_bridge.queue.upkeep import job_id_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence
    from types import TracebackType

    import redis.asyncio
    from typing_extensions import Self, Unpack

    from bullmq_bridge.queue.inspection import JobLogs, RateLimit, WorkerInfo
    from bullmq_bridge.queue.item import JobItem
    from bullmq_bridge.queue.job_view import JobState, JobView
    from bullmq_bridge.queue.options import JobOptions, TemplateOptions
    from bullmq_bridge.queue.priority import PriorityName
    from bullmq_bridge.queue.scheduling import JobScheduler, Schedule
    from bullmq_bridge.queue.upkeep import FinishedState


class AsyncQueue:
    """Publishes to a queue and looks after it, in one event loop. Each method does what that of ``Queue`` does.

    ```python
    async with AsyncQueue("file-processing", contract="schemas") as queue:
        await queue.add("process-file", {"doc_id": "doc-1"}, priority="high")
    ```

    Args:
        name: the queue's name.
        contract: folder that ``bullmq-bridge emit`` wrote (relative to the working directory).
        redis_url: where Redis is; default ``REDIS_URL``, else ``redis://127.0.0.1:6379``.
        client: your own ``redis.asyncio.Redis`` in place of a URL. It is used, and never closed.
        prefix: BullMQ's ``prefix``.
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.
        allow_version_mismatch: publish beside a BullMQ that does not fit the bundle, though jobs can get lost; default
            ``BULLMQ_BRIDGE_ALLOW_VERSION_MISMATCH``, else no.

    Raises:
        BundleError: there are no scripts to call.
        ContractError: the contract cannot be read, or has no such queue.
        TypeError: the client is no ``redis.asyncio.Redis``.
        ValueError: the queue has no proper name, or there are both URL and client.
    """

    def __init__(
        self,
        name: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        redis_url: str | None = None,
        client: redis.asyncio.Redis | None = None,
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
        self._client = AsyncClient(redis_url, client, operations.check)

    # --- publishing

    async def add(self, name: str, data: Any, **options: Unpack[JobOptions]) -> JobView:
        """See ``Queue.add``."""
        return await self._client.run(self._publishing.add(name, data, options))

    async def add_many(self, items: Iterable[JobItem]) -> list[JobView]:
        """See ``Queue.add_many``."""
        return await self._client.run(self._publishing.add_many(items))

    # --- looking

    async def get_job(self, job_id: str) -> JobView | None:
        """See ``Queue.get_job``."""
        return await self._client.run(self._inspection.get_job(job_id))

    async def get_job_state(self, job_id: str) -> str:
        """See ``Queue.get_job_state``."""
        return await self._client.run(self._inspection.get_job_state(job_id))

    async def get_job_logs(self, job_id: str, start: int = 0, end: int = -1, ascending: bool = True) -> JobLogs:
        """See ``Queue.get_job_logs``."""
        return await self._client.run(self._inspection.get_job_logs(job_id, start, end, ascending))

    async def get_jobs(
        self,
        states: JobState | Iterable[JobState] | None = None,
        start: int = 0,
        end: int = -1,
        ascending: bool = False,
    ) -> list[JobView]:
        """See ``Queue.get_jobs``."""
        return await self._client.run(self._inspection.get_jobs(states, start, end, ascending))

    async def get_job_counts(self, states: JobState | Iterable[JobState] | None = None) -> dict[str, int]:
        """See ``Queue.get_job_counts``."""
        return await self._client.run(self._inspection.get_job_counts(states))

    async def count(self) -> int:
        """See ``Queue.count``."""
        return await self._client.run(self._inspection.count())

    async def get_counts_per_priority(self, priorities: Sequence[PriorityName | int]) -> dict[PriorityName | int, int]:
        """See ``Queue.get_counts_per_priority``."""
        return await self._client.run(self._inspection.get_counts_per_priority(priorities))

    async def get_children_values(self, job: JobView | str) -> dict[str, Any]:
        """See ``Queue.get_children_values``."""
        return await self._client.run(self._inspection.get_children_values(job_id_of(job)))

    async def get_ignored_children_failures(self, job: JobView | str) -> dict[str, str]:
        """See ``Queue.get_ignored_children_failures``."""
        return await self._client.run(self._inspection.get_ignored_children_failures(job_id_of(job)))

    async def get_workers(self) -> list[WorkerInfo]:
        """See ``Queue.get_workers``."""
        return await self._client.run(self._inspection.get_workers())

    # --- single jobs

    async def retry(
        self,
        job: JobView | str,
        state: FinishedState = "failed",
        *,
        reset_attempts_made: bool = False,
        reset_attempts_started: bool = False,
    ) -> None:
        """See ``Queue.retry``."""
        await self._client.run(self._upkeep.retry(job, state, reset_attempts_made, reset_attempts_started))

    async def promote(self, job: JobView | str) -> None:
        """See ``Queue.promote``."""
        await self._client.run(self._upkeep.promote(job))

    async def change_delay(self, job: JobView | str, delay_ms: int) -> None:
        """See ``Queue.change_delay``."""
        await self._client.run(self._upkeep.change_delay(job, delay_ms))

    async def change_priority(self, job: JobView | str, priority: PriorityName | int, *, lifo: bool = False) -> None:
        """See ``Queue.change_priority``."""
        await self._client.run(self._upkeep.change_priority(job, priority, lifo))

    async def remove(self, job: JobView | str, *, remove_children: bool = True) -> None:
        """See ``Queue.remove``."""
        await self._client.run(self._upkeep.remove(job, remove_children))

    # --- the queue as a whole

    async def pause(self) -> None:
        """See ``Queue.pause``."""
        await self._client.run(self._upkeep.pause())

    async def resume(self) -> None:
        """See ``Queue.resume``."""
        await self._client.run(self._upkeep.resume())

    async def is_paused(self) -> bool:
        """See ``Queue.is_paused``."""
        return await self._client.run(self._inspection.is_paused())

    async def retry_jobs(
        self, state: FinishedState = "failed", *, count: int = 1000, until_ms: int | None = None
    ) -> None:
        """See ``Queue.retry_jobs``."""
        await self._client.run(self._upkeep.retry_jobs(state, count, until_ms))

    async def promote_jobs(self, *, count: int = 1000) -> None:
        """See ``Queue.promote_jobs``."""
        await self._client.run(self._upkeep.promote_jobs(count))

    async def drain(self, *, delayed: bool = False) -> None:
        """See ``Queue.drain``."""
        await self._client.run(self._upkeep.drain(delayed))

    async def clean(self, grace_ms: int, limit: int = 0, state: JobState = "completed") -> list[str]:
        """See ``Queue.clean``."""
        return await self._client.run(self._upkeep.clean(grace_ms, limit, state))

    async def obliterate(self, *, force: bool = False, count: int = 1000) -> None:
        """See ``Queue.obliterate``."""
        await self._client.run(self._upkeep.obliterate(force, count))

    async def set_global_concurrency(self, concurrency: int) -> None:
        """See ``Queue.set_global_concurrency``."""
        await self._client.run(self._upkeep.set_global_concurrency(concurrency))

    async def get_global_concurrency(self) -> int | None:
        """See ``Queue.get_global_concurrency``."""
        return await self._client.run(self._inspection.get_global_concurrency())

    async def remove_global_concurrency(self) -> None:
        """See ``Queue.remove_global_concurrency``."""
        await self._client.run(self._upkeep.remove_global_concurrency())

    async def set_global_rate_limit(self, most: int, duration_ms: int) -> None:
        """See ``Queue.set_global_rate_limit``."""
        await self._client.run(self._upkeep.set_global_rate_limit(most, duration_ms))

    async def get_global_rate_limit(self) -> RateLimit | None:
        """See ``Queue.get_global_rate_limit``."""
        return await self._client.run(self._inspection.get_global_rate_limit())

    async def remove_global_rate_limit(self) -> None:
        """See ``Queue.remove_global_rate_limit``."""
        await self._client.run(self._upkeep.remove_global_rate_limit())

    async def rate_limit(self, duration_ms: int) -> None:
        """See ``Queue.rate_limit``."""
        await self._client.run(self._upkeep.rate_limit(duration_ms))

    async def get_rate_limit_ttl(self) -> int:
        """See ``Queue.get_rate_limit_ttl``."""
        return await self._client.run(self._inspection.get_rate_limit_ttl())

    async def remove_rate_limit(self) -> None:
        """See ``Queue.remove_rate_limit``."""
        await self._client.run(self._upkeep.remove_rate_limit())

    async def get_deduplication_job_id(self, deduplication_id: str) -> str | None:
        """See ``Queue.get_deduplication_job_id``."""
        return await self._client.run(self._inspection.get_deduplication_job_id(deduplication_id))

    async def remove_deduplication_key(self, deduplication_id: str) -> bool:
        """See ``Queue.remove_deduplication_key``."""
        return await self._client.run(self._upkeep.remove_deduplication_key(deduplication_id))

    # --- job schedulers

    async def upsert_job_scheduler(
        self,
        scheduler_id: str,
        schedule: Schedule,
        name: str | None = None,
        data: Any = None,
        **options: Unpack[TemplateOptions],
    ) -> JobView | None:
        """See ``Queue.upsert_job_scheduler``."""
        steps = self._scheduling.upsert(
            scheduler_id, schedule, name or scheduler_id, {} if data is None else data, options
        )
        return await self._client.run(steps)

    async def get_job_scheduler(self, scheduler_id: str) -> JobScheduler | None:
        """See ``Queue.get_job_scheduler``."""
        return await self._client.run(self._scheduling.get(scheduler_id))

    async def get_job_schedulers(self, start: int = 0, end: int = -1, ascending: bool = False) -> list[JobScheduler]:
        """See ``Queue.get_job_schedulers``."""
        return await self._client.run(self._scheduling.get_all(start, end, ascending))

    async def get_job_schedulers_count(self) -> int:
        """See ``Queue.get_job_schedulers_count``."""
        return await self._client.run(self._scheduling.count())

    async def remove_job_scheduler(self, scheduler_id: str) -> bool:
        """See ``Queue.remove_job_scheduler``."""
        return await self._client.run(self._scheduling.remove(scheduler_id))

    # --- the end

    async def close(self) -> None:
        """Closes the connections, unless they are yours."""
        await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
