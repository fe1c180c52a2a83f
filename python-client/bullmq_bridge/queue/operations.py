"""All that can be done with one queue, whatever it is done over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bullmq_bridge.client.backend_check import BackendCheck
from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.protocol.bundle import load_bundle
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.queue.inspection import Inspection
from bullmq_bridge.queue.publishing import Publishing
from bullmq_bridge.queue.scheduling import Scheduling
from bullmq_bridge.queue.upkeep import Upkeep

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations of one queue; each is run by a client."""

    keys: QueueKeys
    check: BackendCheck
    publishing: Publishing
    inspection: Inspection
    upkeep: Upkeep
    scheduling: Scheduling


def open_operations(
    queue: str,
    contract: str | os.PathLike[str] | None,
    prefix: str,
    bundle: str | os.PathLike[str] | None,
    allow_version_mismatch: bool | None,
) -> Operations:
    """The operations of a queue; nothing is sent yet.

    Raises:
        BundleError: there are no scripts to call.
        ContractError: the contract cannot be read, or has no such queue.
        ValueError: the queue has no proper name.
    """
    keys = QueueKeys(queue, prefix)
    scripts = load_bundle(bundle)
    jobs = QueueContract.open(queue) if contract is None else QueueContract.load(contract, queue)
    return Operations(
        keys=keys,
        check=BackendCheck(keys, scripts.bullmq, allow_version_mismatch),
        publishing=Publishing(keys, jobs, scripts),
        inspection=Inspection(keys, scripts),
        upkeep=Upkeep(keys, scripts),
        scheduling=Scheduling(keys, jobs, scripts),
    )
