"""Flows, for programs that block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.client.sync_client import SyncClient
from bullmq_bridge.flow.planting import Planting
from bullmq_bridge.protocol.keys import DEFAULT_PREFIX

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from types import TracebackType

    import redis
    from typing_extensions import Self

    from bullmq_bridge.flow.flow_job import FlowJob, FlowTree


class Flow:
    """Adds jobs together with the jobs that they wait for. ``AsyncFlow`` has the same methods for asyncio.

    ```python
    with Flow("file-processing", contract="schemas") as flow:
        children = [FlowJob("process-file", {"doc_id": doc}) for doc in documents]
        flow.add(FlowJob("aggregate-batch", {"batch_id": "b1"}, children=children))
    ```

    Args:
        queue: the queue of every job that names none.
        contract: folder that ``bullmq-bridge emit`` wrote; it must have every queue that the flow names. Without
            one, any JSON under any job name is accepted.
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
        queue: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        redis_url: str | None = None,
        client: redis.Redis | None = None,
        prefix: str = DEFAULT_PREFIX,
        bundle: str | os.PathLike[str] | None = None,
        allow_version_mismatch: bool | None = None,
    ) -> None:
        self._planting = Planting(queue, contract, prefix, bundle, allow_version_mismatch)
        self._client = SyncClient(redis_url, client, self._planting.check)

    def add(self, flow: FlowJob) -> FlowTree:
        """Adds a job and the jobs that it waits for, in one transaction.

        Raises:
            AnswerLost: the connection was lost before Redis answered: all were added or none.
            ContractError: the contract has no queue of that name.
            JobRefused: data breaks the contract; the error names every failing path of every job, nothing was added.
            ParentError: a job exists already and has another parent, or the root's parent does not exist; the message
                says what was added.
            TypeError, ValueError: an option does not exist or cannot work; nothing was added.
        """
        return self._client.run(self._planting.add(flow))

    def add_many(self, flows: Sequence[FlowJob]) -> list[FlowTree]:
        """Adds several flows in one transaction. Raises what ``add`` does."""
        return self._client.run(self._planting.add_many(flows))

    def close(self) -> None:
        """Closes the connections, unless they are yours."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
