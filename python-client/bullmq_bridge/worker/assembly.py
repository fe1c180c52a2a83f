"""Puts the parts of a worker together."""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING

from bullmq_bridge.protocol.calls import ScriptCalls
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.worker import target
from bullmq_bridge.worker.async_pool import AsyncPool
from bullmq_bridge.worker.engine import Engine
from bullmq_bridge.worker.event_log import log_events
from bullmq_bridge.worker.events import Events
from bullmq_bridge.worker.own_jobs import OwnJobs
from bullmq_bridge.worker.process_pool import ProcessPool
from bullmq_bridge.worker.registry import Registry
from bullmq_bridge.worker.thread_pool import ThreadPool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.worker.link import Link
    from bullmq_bridge.worker.logs import LogFormat
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.processor import Hook, Processor
    from bullmq_bridge.worker.settings import Settings
    from bullmq_bridge.worker.worker import Worker

logger = logging.getLogger("bullmq_bridge.worker")


def check(worker: Worker, settings: Settings) -> QueueContract:
    """Refuses a worker that is declared in a way that cannot work; its contract, if it can.

    Raises:
        ContractError, ValueError: what is wrong with it.
    """
    if not worker.processors:
        raise ValueError("it has no processor: declare one with @worker.job(name)")
    for processor in worker.processors.values():
        if _place(processor, settings) == "thread" and (processor.time_limit_s or settings.time_limit_s):
            raise ValueError(
                f"job {processor.job_name!r} has a time limit, but nothing can stop a thread: "
                "run it in a process slot, or give it a soft time limit"
            )
    _check_hooks(worker, settings)
    contract = worker.load_contract()
    if settings.announce is not None and worker.contract_folder is None:
        raise ValueError("announce needs a contract: give the Worker the folder of the schemas")
    for name in contract.names():
        if name not in worker.processors:
            logger.warning("queue %s: job %r of the contract has no processor in this worker", worker.queue, name)
    return contract


def _check_hooks(worker: Worker, settings: Settings) -> None:
    for name, hook in (("setup", worker.setup_hook), ("teardown", worker.teardown_hook)):
        if hook is None or not inspect.iscoroutinefunction(hook):
            continue
        for processor in worker.processors.values():
            if not processor.is_async:
                raise ValueError(
                    f"{name} is a coroutine function, but job {processor.job_name!r} runs in a "
                    f"{_place(processor, settings)} slot, which has no event loop: make {name} a plain function"
                )


def assemble(worker: Worker, settings: Settings, bundle: Bundle, link: Link, log_format: LogFormat) -> Engine:
    """The engine of a worker, with its pools. Needs a running event loop.

    Raises:
        BundleError, ContractError, TargetError, ValueError: the worker is declared in a way that cannot work.
    """
    contract = check(worker, settings)
    calls = ScriptCalls(QueueKeys(settings.queue, settings.prefix), bundle, settings.wire(worker.backoffs))
    events = Events(worker.queue)
    log_events(events)
    for name, listener in worker.listeners:
        events.on(name, listener)
    engine = Engine(settings, calls, link, events)
    if settings.announce is not None:
        engine.registry = Registry(worker, settings, contract, link)
    places: dict[str, dict[str, Processor]] = {}
    for job_name, processor in worker.processors.items():
        places.setdefault(_place(processor, settings), {})[job_name] = processor
        soft_s = processor.soft_time_limit_s or settings.soft_time_limit_s
        hard_s = processor.time_limit_s or settings.time_limit_s
        if soft_s is not None or hard_s is not None:
            engine.time_limits[job_name] = (soft_s, hard_s)
    # In the engine's process once, whether it has coroutines, threads or both.
    hooks = _once(worker.setup_hook), _once(worker.teardown_hook)
    for place, processors in places.items():
        pool = _pool(place, worker, processors, contract, engine, hooks, calls, log_format)
        engine.pools.update(dict.fromkeys(processors, pool))
    return engine


def _once(hook: Hook | None) -> Hook | None:
    if hook is None:
        return None
    left = [hook]
    return lambda: left.pop()() if left else None


def _place(processor: Processor, settings: Settings) -> str:
    return "async" if processor.is_async else processor.pool or settings.pool


def _pool(
    place: str,
    worker: Worker,
    processors: dict[str, Processor],
    contract: QueueContract,
    engine: Engine,
    hooks: tuple[Hook | None, Hook | None],
    calls: ScriptCalls,
    log_format: LogFormat,
) -> Pool:
    if place == "async":
        return AsyncPool(processors, contract, engine.requests, *hooks)
    if place == "thread":
        return ThreadPool(engine.settings.concurrency, processors, contract, engine.requests, *hooks)
    where = target.describe(worker, worker.module_names())
    return ProcessPool(
        engine.settings,
        where,
        OwnJobs(_simple(processors, engine), calls),
        log_format,
        engine.requests,
        engine.may_go_on,
        engine.slot_ready,
        engine.slot_lost,
    )


def _simple(processors: Iterable[str], engine: Engine) -> frozenset[str]:
    """Names of the jobs that need nothing of the engine while they run, or between one and the next."""
    settings = engine.settings
    if settings.max_memory_mb is not None or settings.max_started_attempts is not None:
        return frozenset()
    return frozenset(name for name in processors if name not in engine.time_limits)
