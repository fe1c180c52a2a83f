"""The worker as users declare it. Importing this module starts nothing and needs no Redis."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.protocol.keys import DEFAULT_PREFIX
from bullmq_bridge.worker.processor import Hook, Processor
from bullmq_bridge.worker.settings import DEFAULT_REDIS_URL, Settings

Function = TypeVar("Function", bound=Callable[..., Any])

#: Every worker declared in this process, in order: how a child finds the one that it works for.
declared_workers: list[Worker] = []
#: True in a child: there a worker only declares, it never runs.
inside_child = False

DEFAULT_ASYNC_CONCURRENCY = 10


class Worker:
    """Runs the jobs of one queue.

    A plain ``def`` runs in a process of its own, where it may block, hold the GIL, leak or crash; an ``async def``
    runs on the event loop.

    ```python
    worker = Worker("file-processing", contract="schemas")

    @worker.job("process-file")
    def process_file(job: Job[ProcessFileData]) -> ProcessFileResult: ...

    if __name__ == "__main__":
        worker.run()
    ```

    Args:
        queue: the queue's name.
        contract: folder that ``bullmq-bridge emit`` wrote (relative to the working directory). Without one, any
            JSON under any registered job name is accepted.
        redis_url: where Redis is; default ``REDIS_URL``, else ``redis://127.0.0.1:6379``.
        concurrency: jobs at the same time; default: one for each CPU, 10 when every processor is ``async def``.
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.

    The others are described at ``Settings``.

    Raises:
        ValueError: a setting is out of its range.
    """

    def __init__(
        self,
        queue: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        redis_url: str | None = None,
        concurrency: int | None = None,
        prefix: str = DEFAULT_PREFIX,
        name: str | None = None,
        lock_duration_ms: int = 30_000,
        stalled_interval_ms: int = 30_000,
        max_stalled_count: int = 1,
        drain_delay_s: float = 5.0,
        shutdown_timeout_s: float = 25.0,
        bundle: str | os.PathLike[str] | None = None,
    ) -> None:
        self.queue = queue
        self.contract_folder = contract
        self.bundle_file = bundle
        self.processors: dict[str, Processor] = {}
        self.setup_hook: Hook | None = None
        self.teardown_hook: Hook | None = None
        self._concurrency = concurrency
        self._settings = Settings(
            queue=queue,
            redis_url=redis_url or os.environ.get("REDIS_URL") or DEFAULT_REDIS_URL,
            concurrency=1 if concurrency is None else concurrency,
            prefix=prefix,
            name=name,
            lock_duration_ms=lock_duration_ms,
            stalled_interval_ms=stalled_interval_ms,
            max_stalled_count=max_stalled_count,
            drain_delay_s=drain_delay_s,
            shutdown_timeout_s=shutdown_timeout_s,
        )
        self._module = sys._getframe(1).f_globals.get("__name__", "__main__")
        declared_workers.append(self)

    def job(self, name: str) -> Callable[[Function], Function]:
        """Declares the processor of a kind of job. It takes a ``Job`` (``AsyncJob`` for ``async def``).

        Raises:
            ValueError: the job has a processor already.
        """

        def declare(function: Function) -> Function:
            if name in self.processors:
                raise ValueError(f"job {name!r} of queue {self.queue!r} has two processors")
            self.processors[name] = Processor(name, function)
            return function

        return declare

    def setup(self, hook: Function) -> Function:
        """Declares what runs once wherever processors run, before the first job: in each child process, and in the
        engine when there are coroutine functions. The place to open a database.
        """
        self.setup_hook = hook
        return hook

    def teardown(self, hook: Function) -> Function:
        """Declares what runs after the last job, where ``setup`` ran. Not when the process is killed."""
        self.teardown_hook = hook
        return hook

    def run(self) -> None:
        """Works until SIGTERM or SIGINT. In a child process it returns at once.

        Raises:
            SystemExit: with code 1 when it cannot start; a log line says why.
        """
        if inside_child:
            return
        # Not at the top: a child imports this module too, and needs neither asyncio nor redis.
        from bullmq_bridge.worker.program import run

        run(self)

    def settings(self) -> Settings:
        """The settings, with the number of slots that the processors make sensible."""
        from dataclasses import replace

        if self._concurrency is not None:
            return self._settings
        only_async = all(processor.is_async for processor in self.processors.values())
        return replace(self._settings, concurrency=DEFAULT_ASYNC_CONCURRENCY if only_async else os.cpu_count() or 1)

    def module_names(self) -> list[str]:
        """Names of the modules that a child must import: where the worker is, and where its processors are."""
        functions = [processor.function for processor in self.processors.values()]
        return [self._module, *(function.__module__ for function in functions)]

    def load_contract(self) -> QueueContract:
        """The queue's contract, checked against the processors.

        Raises:
            ContractError: it cannot be read, or a processor is for a job that it does not have.
        """
        if self.contract_folder is None:
            return QueueContract.open(self.queue)
        contract = QueueContract.load(self.contract_folder, self.queue)
        for name in self.processors:
            contract.job(name)
        return contract
