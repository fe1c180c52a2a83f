"""The scripts that add jobs, with their arguments as ``redis-queue-backend.js`` of BullMQ 6 sends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.protocol.command import pack
from bullmq_bridge.protocol.exchange import ScriptCall
from bullmq_bridge.protocol.features import KEEP_LAST_IF_ACTIVE
from bullmq_bridge.protocol.job_options import shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.command import Argument
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.protocol.new_job import NewJob, ParentReference


class ProducerCalls:
    """Calls that add jobs, to whichever queue: a flow spans several."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._standard = bundle.script("addStandardJob")
        self._delayed = bundle.script("addDelayedJob")
        self._prioritized = bundle.script("addPrioritizedJob")
        self._parent = bundle.script("addParentJob")
        # Before 6.5, a child that is finished already lets its parent go by itself.
        self._release_parent = bundle.scripts.get("releaseParentIfNoPendingDependencies")
        # Until 5.61, the key was a part of the packed argument instead of a key of its own.
        self._packs_waiting_children = self._parent.variant == "addParentJob-5"

    def add(self, keys: QueueKeys, job: NewJob) -> ScriptCall:
        """Adds a job. Answers its id, or -5 when its parent is missing, -7 when it already has another."""
        return self._add(keys, job, in_flow=False)

    def add_child(self, keys: QueueKeys, job: NewJob) -> ScriptCall:
        """Adds a job of a flow that waits for no other. The flow ends with ``release_parents``."""
        return self._add(keys, job, in_flow=True)

    def add_parent(self, keys: QueueKeys, job: NewJob) -> ScriptCall:
        """Adds a job of a flow that waits for its children, which follow."""
        waiting_children = () if self._packs_waiting_children else (keys.waiting_children,)
        script_keys = (keys.meta, keys.id, keys.delayed, *waiting_children, keys.completed, keys.events)
        return ScriptCall(self._parent, script_keys, self._arguments(keys, job, in_flow=True, is_parent=True))

    def release_parents(self, parents: Iterable[ParentReference], now_ms: int) -> list[ScriptCall]:
        """Lets each parent run when all of its children turn out to be finished already. Part of the flow's end."""
        if self._release_parent is None:
            return []
        return [
            ScriptCall(
                self._release_parent,
                (parent.key, f"{parent.key}:dependencies"),
                (parent.queue_key, parent.id, now_ms),
            )
            for parent in parents
        ]

    def _add(self, k: QueueKeys, job: NewJob, *, in_flow: bool) -> ScriptCall:
        arguments = self._arguments(k, job, in_flow=in_flow)
        if (job.options.get("delay") or 0) > 0:
            keys = (k.marker, k.meta, k.key("id"), k.delayed, k.completed, k.events)
            return ScriptCall(self._delayed, keys, arguments)
        if job.options.get("priority"):
            first = (k.marker, k.meta, k.key("id"), k.prioritized, k.delayed)
            return ScriptCall(
                self._prioritized, (*first, k.completed, k.active, k.events, k.priority_counter), arguments
            )
        first = (k.wait, k.paused, k.meta, k.key("id"), k.completed)
        return ScriptCall(self._standard, (*first, k.delayed, k.active, k.events, k.marker), arguments)

    def _arguments(self, keys: QueueKeys, job: NewJob, *, in_flow: bool, is_parent: bool = False) -> Sequence[Argument]:
        parent = job.parent
        deduplication_id = job.deduplication_id
        if (job.options.get("deduplication") or {}).get("keepLastIfActive"):
            KEEP_LAST_IF_ACTIVE.require(self._bundle)
        parts = [
            keys.base,
            job.id or "",
            job.name,
            job.timestamp_ms,
            parent.key if parent else None,
            f"{parent.key}:dependencies" if parent else None,
            job.parent_map(),
            None,  # of a job scheduler's jobs, which the scheduler's own scripts add
            keys.key(f"de:{deduplication_id}") if deduplication_id else None,
        ]
        if self._packs_waiting_children:
            parts.insert(5, keys.waiting_children if is_parent else None)
        elif self._release_parent is not None:
            parts.append(1 if in_flow else None)
        return (pack(parts), job.data, pack(shorten(job.options)))
