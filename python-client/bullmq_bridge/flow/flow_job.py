"""A job of a flow: as it is handed over, and as it was added."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bullmq_bridge.queue.item import JobItem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from bullmq_bridge.queue.job_view import JobView
    from bullmq_bridge.queue.options import JobOptions


class FlowJob(JobItem):
    """A job with the jobs that have to settle before it runs.

    ```python
    FlowJob(
        "aggregate-batch",
        {"batch_id": "b1"},
        children=[FlowJob("process-file", {"doc_id": doc}) for doc in documents],
    )
    ```

    Args:
        name: the job's name.
        data: its data.
        queue: its queue; default: that of its parent, for the root that of the flow.
        children: jobs that it waits for. One that names no failure policy has its failure ignored: the parent runs
            once all of them have settled.
        **options: what ``Queue.add`` takes; ``parent`` for the root alone.
    """

    __slots__ = ("children", "queue")

    def __init__(
        self,
        name: str,
        data: Any,
        *,
        queue: str | None = None,
        children: Sequence[FlowJob] = (),
        **options: Unpack[JobOptions],
    ) -> None:
        super().__init__(name, data, **options)
        self.queue = queue
        self.children = tuple(children)


@dataclass(frozen=True, slots=True)
class FlowTree:
    """A flow that was added: a job, and its children in the order in which they were given."""

    job: JobView
    children: tuple[FlowTree, ...] = ()
