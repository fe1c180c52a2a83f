"""All that listening to one queue takes, whatever it is done over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.events.finish import Finishing
from bullmq_bridge.events.stream import EventStream
from bullmq_bridge.protocol.bundle import load_bundle
from bullmq_bridge.protocol.keys import QueueKeys

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Listening:
    """The operations of one listener; each is run by a client."""

    stream: EventStream
    finishing: Finishing


def open_listening(
    queue: str,
    contract: str | os.PathLike[str] | None,
    prefix: str,
    bundle: str | os.PathLike[str] | None,
) -> Listening:
    """The operations of a listener; nothing is sent yet.

    Raises:
        BundleError: there are no scripts to call.
        ContractError: the contract cannot be read, or has no such queue.
        ValueError: the queue has no proper name.
    """
    keys = QueueKeys(queue, prefix)
    scripts = load_bundle(bundle)
    jobs = QueueContract.open(queue) if contract is None else QueueContract.load(contract, queue)
    stream = EventStream(keys)
    return Listening(stream, Finishing(keys, jobs, scripts, stream))
