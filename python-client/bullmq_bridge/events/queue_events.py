"""The events of a queue, for programs that block."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bullmq_bridge.client.errors import ClientClosed
from bullmq_bridge.client.sync_client import SyncClient
from bullmq_bridge.events.finish import Deadline
from bullmq_bridge.events.listening import open_listening
from bullmq_bridge.events.stream import BEFORE_ALL, BLOCK_S
from bullmq_bridge.protocol.keys import DEFAULT_PREFIX

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from types import TracebackType

    import redis
    from typing_extensions import Self

    from bullmq_bridge.events.event import QueueEvent
    from bullmq_bridge.queue.job_view import JobView


class QueueEvents:
    """Listens to a queue. ``AsyncQueueEvents`` has the same methods for asyncio.

    ```python
    with QueueEvents("file-processing", contract="schemas") as events:
        job = queue.add("process-file", {"doc_id": "doc-1"})
        result = events.wait_until_finished(job, timeout_s=60)

        for event in events:
            match event:
                case Completed(job_id=job_id):
                    ...
    ```

    It hears what happens after ``start`` (or ``with``), or after ``last_id``. When the connection is lost it goes on
    where it was: nothing is lost that Redis still has, nothing comes twice. Not to be iterated by two threads at once;
    ``wait_until_finished`` may be called from several, each holds a connection.

    Args:
        queue: the queue's name.
        contract: folder that ``bullmq-bridge emit`` wrote: results that were waited for are checked against it.
        redis_url: where Redis is; default ``REDIS_URL``, else ``redis://127.0.0.1:6379``.
        client: your own ``redis.Redis`` in place of a URL. It is used, and never closed; listening holds one
            connection of its pool.
        prefix: BullMQ's ``prefix``.
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.
        last_id: id of the last event that is known; ``"0-0"``: from the oldest that Redis has.

    Raises:
        BundleError: there are no scripts to call.
        ContractError: the contract cannot be read, or has no such queue.
        TypeError: the client is no ``redis.Redis``.
        ValueError: the queue has no proper name, or there are both URL and client.
    """

    def __init__(
        self,
        queue: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        redis_url: str | None = None,
        client: redis.Redis | None = None,
        prefix: str = DEFAULT_PREFIX,
        bundle: str | os.PathLike[str] | None = None,
        last_id: str | None = None,
    ) -> None:
        listening = open_listening(queue, contract, prefix, bundle)
        self._stream = listening.stream
        self._finishing = listening.finishing
        self._client = SyncClient(redis_url, client)
        self.last_id = last_id
        """Id of the last event that was given; None before ``start``. Keep it to go on there another time."""

    def start(self) -> None:
        """Begins to listen, here and now, unless it has begun."""
        if self.last_id is None:
            self.last_id = self._client.run(self._stream.last_id())

    def read(self, timeout_s: float | None = None) -> list[QueueEvent]:
        """The next events, as soon as there are any; none when none has come in time."""
        events = self._next(timeout_s)
        if events:
            self.last_id = events[-1].id
        return events

    def __iter__(self) -> Iterator[QueueEvent]:
        """Events as they come, until ``close``."""
        while True:
            try:
                events = self._next(None)
            except ClientClosed:
                return
            for event in events:
                self.last_id = event.id
                yield event

    def wait_until_finished(self, job: JobView | str, timeout_s: float | None = None) -> Any:
        """The result of a job, as soon as it has completed.

        Finds out also about a job that finished before, and about one that was removed when it had finished, as long
        as the event stream tells of it.

        Args:
            job: the job or its id.
            timeout_s: how long to wait; None: for ever.

        Raises:
            ContractViolation: the result breaks the contract.
            JobFailed: the job failed for good.
            JobNotFound: there is no such job, or it was removed.
            WaitTimeout: the time is over.
        """
        return self._client.run(self._finishing.wait(job, timeout_s))

    def close(self) -> None:
        """Ends listening, in whichever thread, and closes the connections unless they are yours."""
        self._client.close()

    def _next(self, timeout_s: float | None) -> list[QueueEvent]:
        self.start()
        deadline = Deadline(timeout_s)
        while True:
            events = self._client.run(self._stream.read(self.last_id or BEFORE_ALL, deadline.left_s(BLOCK_S)))
            if events or not deadline.left_s(BLOCK_S):
                return events

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
