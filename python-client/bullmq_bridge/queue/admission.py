"""What stands between a caller and a queue: the contract's data gate and the rules of BullMQ's options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bullmq_bridge.contract.contract import FINGERPRINT_OPTION, ContractError, ContractViolation
from bullmq_bridge.protocol.job_options import complete
from bullmq_bridge.protocol.new_job import NewJob, ParentReference
from bullmq_bridge.queue.options import refuse_contradictions, wire_options
from bullmq_bridge.queue.refusal import Violation
from bullmq_bridge.worker.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bullmq_bridge.contract.contract import QueueContract


@dataclass(frozen=True, slots=True)
class Admitted:
    """Data as JSON text, and options by BullMQ's names: the contract's, those of the call over them."""

    name: str
    data: bytes
    options: dict[str, Any]


class Admission:
    """Lets jobs of one queue through, or says everything that is wrong with them.

    Data is sent as it is given: what the schema would fill in (defaults) is left to whoever reads it.
    """

    def __init__(self, contract: QueueContract) -> None:
        self._contract = contract

    def examine(
        self, name: str, data: Any, options: Mapping[str, Any], violations: list[Violation], item: str = ""
    ) -> Admitted | None:
        """The job as it may be sent; None when its data is refused: ``violations`` then has why.

        Raises:
            TypeError: an option that does not exist.
            ValueError: an option that cannot work.
        """
        place = f"job {name!r} of queue {self._contract.queue!r}" + (f" at {item}" if item else "")
        try:
            called = wire_options(options)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{place}: {error}") from None
        try:
            job = self._contract.job(name)
            text = job.data.encode(data)
        except ContractError as error:
            violations.append(Violation(self._contract.queue, name, item, "", str(error)))
            return None
        except ContractViolation as refused:
            violations.extend(Violation(self._contract.queue, name, item, *fault) for fault in refused.faults)
            return None
        merged = {**job.options, **called}
        if job.fingerprint is not None:
            merged[FINGERPRINT_OPTION] = job.fingerprint
        try:
            refuse_contradictions(merged)
            _refuse_size(text, merged.get("sizeLimit"))
        except ValueError as error:
            raise ValueError(f"{place}: {error}") from None
        return Admitted(name, text, merged)


def new_job(admitted: Admitted, job_id: str | None = None, parent: ParentReference | None = None) -> NewJob:
    """The job as the scripts take it.

    Args:
        admitted: data and options.
        job_id: its id where the options have none.
        parent: the job that waits for it where the options have none.
    """
    options = admitted.options
    given = options.get("parent")
    if given:
        parent = ParentReference(given["id"], given["queue"])
    elif parent is not None:
        options = {**options, "parent": {"id": parent.id, "queue": parent.queue_key}}
    return NewJob(
        name=admitted.name,
        data=admitted.data,
        options=complete(options),
        timestamp_ms=options.get("timestamp") or now_ms(),
        id=options.get("jobId") or job_id,
        parent=parent,
    )


def _refuse_size(data: bytes, limit: int | None) -> None:
    if limit and len(data) > limit:
        raise ValueError(f"the data is {len(data)} bytes long, more than its limit of {limit}")
