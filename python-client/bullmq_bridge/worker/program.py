"""Workers as a program: several queues on one connection, and signals."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bullmq_bridge.contract.contract import ContractError
from bullmq_bridge.protocol.bundle import BundleError
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.protocol.mismatch import VersionMismatch
from bullmq_bridge.worker import logs
from bullmq_bridge.worker.assembly import assemble
from bullmq_bridge.worker.bundle_choice import choose_bundles
from bullmq_bridge.worker.exit_code import ExitCode
from bullmq_bridge.worker.link import Link
from bullmq_bridge.worker.loop import run_on_loop
from bullmq_bridge.worker.mismatch import ContractMismatch
from bullmq_bridge.worker.pool import StartFailed
from bullmq_bridge.worker.target import TargetError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from bullmq_bridge.worker.engine import Engine
    from bullmq_bridge.worker.logs import LogFormat
    from bullmq_bridge.worker.pool import Pool
    from bullmq_bridge.worker.worker import Worker

logger = logging.getLogger("bullmq_bridge.worker")

#: A SIGINT within this time of the first signal is the same Ctrl-C (shells and wrappers send it twice); later it
#: means: now.
SECOND_INT_AFTER_S = 1.0
#: The descriptor: a program may have put something else into ``sys.stderr``.
STANDARD_ERROR = 2
#: For coroutines that nobody waits for to end, when everything else has.
CANCEL_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class RunOptions:
    """How workers run as a program.

    Args:
        settings: of each queue, what wins over the worker's own settings (see ``Settings``).
        bundle: file of BullMQ's scripts, instead of the workers'.
        log_format: of the lines on standard error.
    """

    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bundle: str | None = None
    log_format: LogFormat = "human"


def run(workers: list[Worker], options: RunOptions | None = None) -> None:
    """Runs workers until SIGTERM or SIGINT.

    Raises:
        SystemExit: with a code of ``ExitCode`` other than 0 when they did not end well.
    """
    options = options or RunOptions()
    logs.configure(options.log_format)
    queues = ", ".join(worker.queue for worker in workers)
    try:
        code = run_on_loop(_run(Program(workers, options)))
    except (BundleError, ContractError, StartFailed, TargetError, ValueError) as error:
        logger.critical("the worker of queue %s cannot start: %s", queues, error)
        code = ExitCode.CANNOT_START
    except ContractMismatch as error:
        logger.critical("the worker of queue %s refuses to start: %s", queues, error)
        code = ExitCode.CONTRACT_MISMATCH
    if code is not ExitCode.OK:
        raise SystemExit(code)


async def _run(program: Program) -> ExitCode:
    code = await program.run()
    if program.left_running or not await _cancel_the_rest():
        # They run on with jobs that others may take now: the overlap must be short, so nothing else is done.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    return code


async def _cancel_the_rest() -> bool:
    """Cancels what still runs on the event loop; False if it does not let itself be cancelled."""
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    if not rest:
        return True
    _, running = await asyncio.wait(rest, timeout=CANCEL_TIMEOUT_S)
    return not running


class Program:
    """Workers of several queues that share one command connection.

    Call ``run`` on the main thread for a program with signals; ``start`` and ``close`` embed it in another one.
    """

    def __init__(self, workers: list[Worker], options: RunOptions | None = None) -> None:
        self._workers = workers
        self._options = options or RunOptions()
        self.engines: dict[str, Engine] = {}
        self.left_running = False
        self._link: Link | None = None
        self._stopping = asyncio.Event()
        self._cold = asyncio.Event()
        self._stopping_since = 0.0
        self._pausing: list[asyncio.Future[None]] = []

    async def run(self) -> ExitCode:
        """Works until a signal says stop.

        Raises:
            BundleError, ContractError, ContractMismatch, StartFailed, TargetError, ValueError: a worker cannot start.
        """
        self._listen_to_signals()
        try:
            await self._until_stopped(self.start())
            if not self._stopping.is_set():
                await self._until_stopped(self._until_engines_stop())
        finally:
            code = await self.close()
        return code

    async def start(self) -> None:
        """Starts every worker; returns when all are at work.

        Raises:
            BundleError, ContractError, ContractMismatch, StartFailed, TargetError, ValueError: a worker cannot start.
        """
        settings = [worker.settings(self._options.settings.get(worker.queue, {})) for worker in self._workers]
        if len({each.redis_url for each in settings}) > 1:
            raise ValueError("workers of one process share a connection: they must have the same redis_url")
        bundles = await choose_bundles(
            self._options.bundle or self._workers[0].bundle_file,
            settings[0].redis_url,
            [QueueKeys(each.queue, each.prefix) for each in settings],
        )
        self._link = Link(settings[0].redis_url)
        for worker, each, bundle in zip(self._workers, settings, bundles, strict=True):
            engine = assemble(worker, each, bundle, self._link, self._options.log_format)
            self.engines[worker.queue] = engine
        for pool in self._pools(self.engines.values()):
            await pool.start()
        await self._link.open()
        # All of them before one fetches: jobs are not begun for a process that refuses to start.
        for engine in self.engines.values():
            if engine.registry is not None:
                await engine.registry.begin()
        for engine in self.engines.values():
            await engine.begin()

    async def close(self) -> ExitCode:
        """Lets running jobs finish within ``shutdown_timeout_s``, then stops them and hands them back."""
        engines = [engine for engine in self.engines.values() if not engine.finished]
        pools = self._pools(engines)
        for pool in pools:
            pool.retire()
        try:
            if self._link is not None and self._link.is_open:
                await asyncio.gather(*(engine.registry.end() for engine in engines if engine.registry is not None))
                await asyncio.gather(*(self._shut_down(engine) for engine in engines))
        finally:
            await asyncio.gather(*(pool.stop() for pool in pools))
            if self._link is not None:
                if self._link.is_open:
                    # The very last act: a thread goes on with its job until this process ends.
                    await asyncio.gather(*(engine.finish() for engine in engines))
                await self._link.close()
        self.left_running = any(engine.left_running for engine in engines)
        return self._exit_code()

    def _pools(self, engines: Iterable[Engine]) -> list[Pool]:
        return list(dict.fromkeys(pool for engine in engines for pool in engine.pools.values()))

    async def _shut_down(self, engine: Engine) -> None:
        shutting_down = asyncio.ensure_future(engine.shut_down(engine.settings.shutdown_timeout_s))
        cold = asyncio.ensure_future(self._cold.wait())
        await asyncio.wait([shutting_down, cold], return_when=asyncio.FIRST_COMPLETED)
        cold.cancel()
        if not shutting_down.done():
            engine.hurry()
        await shutting_down

    def _exit_code(self) -> ExitCode:
        engines = self.engines.values()
        faults = [engine.fault for engine in engines if engine.fault]
        if any(isinstance(fault, VersionMismatch) for fault in faults):
            # The one that a start with another bundle heals.
            return ExitCode.VERSION_MISMATCH
        if faults:
            return ExitCode.UNSUPPORTED_PATTERN
        if any(engine.unsettled for engine in engines):
            return ExitCode.NOT_HANDED_BACK
        if self._cold.is_set():
            return ExitCode.COLD
        return ExitCode.INTERRUPTED if any(engine.interrupted for engine in engines) else ExitCode.OK

    async def _until_stopped(self, work: Awaitable[None]) -> None:
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
            await asyncio.wait([working])
        elif error := working.exception():
            raise error

    async def _until_engines_stop(self) -> None:
        """All have stopped by themselves: with ``burst``, or with a fault, which is the matter of one queue only."""
        engines = self.engines.values()
        endings = {asyncio.ensure_future(self._end_with_a_fault(engine)): engine for engine in engines}
        try:
            # Twice without a job between: the last job of one queue may have made one of another.
            before = -1
            while before != (now := sum(engine.started for engine in engines)):
                before = now
                for engine in engines:
                    engine.look_again()
                while not all(engine.at_rest.is_set() for engine in engines):
                    for engine in engines:
                        await engine.at_rest.wait()
        finally:
            for ending, engine in endings.items():
                if not engine.finished:
                    ending.cancel()
            await asyncio.wait(endings)

    async def _end_with_a_fault(self, engine: Engine) -> None:
        """While others go on there is no hurry: the jobs that run may end."""
        await engine.stopping.wait()
        if engine.fault is None:
            return
        await engine.drain()
        await engine.finish()
        await asyncio.gather(*(pool.stop() for pool in self._pools([engine])))

    # Signals

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._terminate)
        loop.add_signal_handler(signal.SIGINT, self._interrupt)
        loop.add_signal_handler(signal.SIGTSTP, self._pause)
        loop.add_signal_handler(signal.SIGCONT, self._resume)
        loop.add_signal_handler(signal.SIGUSR1, self._dump_stacks)
        # In C, and before the handler above: it also tells what blocks the event loop.
        faulthandler.register(signal.SIGUSR1, file=STANDARD_ERROR, all_threads=True, chain=True)

    def _terminate(self) -> None:
        logger.info("SIGTERM: no more jobs are fetched")
        self._stop()

    def _interrupt(self) -> None:
        if not self._stopping.is_set():
            logger.info("SIGINT: no more jobs are fetched; another Ctrl-C stops those that run and hands them back")
            self._stop()
        elif time.monotonic() - self._stopping_since > SECOND_INT_AFTER_S:
            logger.warning("SIGINT again: the jobs that run are stopped and handed back")
            self._cold.set()

    def _stop(self) -> None:
        if not self._stopping.is_set():
            self._stopping_since = time.monotonic()
            self._stopping.set()

    def _pause(self) -> None:
        for engine in self.engines.values():
            self._pausing.append(asyncio.ensure_future(engine.pause()))

    def _resume(self) -> None:
        for engine in self.engines.values():
            engine.resume()

    def _dump_stacks(self) -> None:
        for pool in self._pools(self.engines.values()):
            pool.dump_stacks()
