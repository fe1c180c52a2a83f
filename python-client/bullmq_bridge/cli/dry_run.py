"""``worker --dry-run``: would this start?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.contract.contract import ContractError
from bullmq_bridge.protocol.bundle import BundleError, load_bundle
from bullmq_bridge.worker import target
from bullmq_bridge.worker.assembly import check
from bullmq_bridge.worker.exit_code import ExitCode

if TYPE_CHECKING:
    from bullmq_bridge.worker.program import RunOptions
    from bullmq_bridge.worker.worker import Worker


def dry_run(workers: list[Worker], options: RunOptions) -> int:
    """Checks settings, contract, bundle and modules, and prints what would run."""
    try:
        bundle = load_bundle(options.bundle or workers[0].bundle_file)
        print(f"BullMQ {bundle.bullmq}'s scripts")
        for worker in workers:
            settings = worker.settings(options.settings.get(worker.queue, {}))
            check(worker, settings)
            target.describe(worker, worker.module_names())
            print(f"queue {worker.queue}: {settings.concurrency} slots, {settings.pool} pool for plain functions")
            for name, processor in sorted(worker.processors.items()):
                where = "async" if processor.is_async else processor.pool or settings.pool
                print(f"  {name}: {processor.function.__module__}.{processor.function.__qualname__} ({where})")
    except (BundleError, ContractError, target.TargetError, ValueError) as error:
        print(f"It would not start: {error}")
        return ExitCode.CANNOT_START
    return ExitCode.OK
