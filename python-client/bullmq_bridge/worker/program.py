"""A worker as a program: puts the parts together, and obeys signals."""

from __future__ import annotations

import asyncio
import logging
import signal
from typing import TYPE_CHECKING

from bullmq_bridge.contract.contract import ContractError
from bullmq_bridge.protocol.bundle import BundleError, load_bundle
from bullmq_bridge.worker import target
from bullmq_bridge.worker.async_pool import AsyncPool
from bullmq_bridge.worker.engine import Engine, SchedulerUnsupported
from bullmq_bridge.worker.pool import StartFailed
from bullmq_bridge.worker.process_pool import ProcessPool
from bullmq_bridge.worker.target import TargetError

if TYPE_CHECKING:
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.worker import Worker

logger = logging.getLogger("bullmq_bridge.worker")

LOG_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def run(worker: Worker) -> None:
    """Runs a worker until SIGTERM or SIGINT.

    Raises:
        SystemExit: with code 1 when it cannot start, or must not go on.
    """
    if not logging.getLogger().handlers:
        logging.basicConfig(level=logging.INFO, format=LOG_FORMAT)
    try:
        asyncio.run(_run(worker))
    except (BundleError, ContractError, StartFailed, TargetError, ValueError) as error:
        logger.critical("the worker of queue %s cannot start: %s", worker.queue, error)
        raise SystemExit(1) from error
    except SchedulerUnsupported as error:
        logger.critical("the worker of queue %s stops: %s", worker.queue, error)
        raise SystemExit(1) from error


async def _run(worker: Worker) -> None:
    engine = assemble(worker)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, _stop, engine, number)
    await engine.run()


def _stop(engine: Engine, number: signal.Signals) -> None:
    logger.info("%s: no more jobs are fetched", number.name)
    engine.stop()


def assemble(worker: Worker) -> Engine:
    """The engine of a worker, with its pools. Needs a running event loop.

    Raises:
        BundleError, ContractError, TargetError, ValueError: the worker is declared in a way that cannot work.
    """
    if not worker.processors:
        raise ValueError("it has no processor: declare one with @worker.job(name)")
    contract = worker.load_contract()
    for name in contract.names():
        if name not in worker.processors:
            logger.warning("queue %s: job %r of the contract has no processor in this worker", worker.queue, name)
    settings = worker.settings()
    engine = Engine(settings, load_bundle(worker.bundle_file))
    plain = [name for name, processor in worker.processors.items() if not processor.is_async]
    coroutines = {name: processor for name, processor in worker.processors.items() if processor.is_async}
    if coroutines:
        pool: Pool = AsyncPool(coroutines, contract, engine, worker.setup_hook, worker.teardown_hook)
        engine.pools.update(dict.fromkeys(coroutines, pool))
    if plain:
        where = target.describe(worker, worker.module_names())
        pool = ProcessPool(settings.concurrency, where, engine, engine.slot_ready, engine.slot_lost)
        engine.pools.update(dict.fromkeys(plain, pool))
    return engine
