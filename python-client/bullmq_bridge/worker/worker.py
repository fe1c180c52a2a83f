"""The worker as users declare it. Importing this module starts nothing and needs no Redis."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from bullmq_bridge.contract.contract import ContractError, QueueContract
from bullmq_bridge.protocol.mismatch import is_allowed
from bullmq_bridge.worker.events import Event, EventName
from bullmq_bridge.worker.processor import Hook, Processor
from bullmq_bridge.worker.settings import DEFAULT_REDIS_URL, Settings, WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from bullmq_bridge.protocol.backoff import Strategy
    from bullmq_bridge.worker.settings import PoolName

Function = TypeVar("Function", bound=Callable[..., Any])
Listener = TypeVar("Listener", bound=Callable[[Event], object])

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
        bundle: file of BullMQ's scripts; default ``BULLMQ_BRIDGE_BUNDLE``, else the one in the package.
        settings: see ``Settings``. ``redis_url`` is by default ``REDIS_URL``, else ``redis://127.0.0.1:6379``;
            ``concurrency`` one for each CPU, 10 when every processor is ``async def``.

    Raises:
        ValueError: a setting is out of its range.
    """

    def __init__(
        self,
        queue: str,
        *,
        contract: str | os.PathLike[str] | None = None,
        bundle: str | os.PathLike[str] | None = None,
        **settings: Unpack[WorkerSettings],
    ) -> None:
        self.queue = queue
        self.contract_folder = contract
        self.bundle_file = bundle
        self.processors: dict[str, Processor] = {}
        self.backoffs: dict[str, Strategy] = {}
        self.upcasters: dict[tuple[str, str], Callable[[Any], Any]] = {}
        self.listeners: list[tuple[EventName, Callable[[Event], object]]] = []
        self.setup_hook: Hook | None = None
        self.teardown_hook: Hook | None = None
        self._declared = {name: value for name, value in settings.items() if value is not None}
        # What is wrong with a setting is said where it is written, not when the worker starts.
        self.settings({})
        self._module = sys._getframe(1).f_globals.get("__name__", "__main__")
        declared_workers.append(self)

    def job(
        self,
        name: str,
        *,
        pool: PoolName | None = None,
        time_limit_s: float | None = None,
        soft_time_limit_s: float | None = None,
    ) -> Callable[[Function], Function]:
        """Declares the processor of a kind of job. It takes a ``Job`` (``AsyncJob`` for ``async def``).

        Args:
            name: the job's name.
            pool: where a plain function runs, instead of the worker's choice.
            time_limit_s: instead of the worker's, see ``Settings``.
            soft_time_limit_s: instead of the worker's, see ``Settings``.

        Raises:
            ValueError: the job has a processor already, or one that cannot run in such a pool.
        """

        def declare(function: Function) -> Function:
            what = f"job {name!r} of queue {self.queue!r}"
            if name in self.processors:
                raise ValueError(f"{what} has two processors")
            if pool not in (None, "process", "thread"):
                raise ValueError(f"pool of {what} must be 'process' or 'thread'")
            for limit in (time_limit_s, soft_time_limit_s):
                if limit is not None and not limit > 0:
                    raise ValueError(f"the time limits of {what} must be greater than 0")
            if pool is not None and inspect.iscoroutinefunction(function):
                raise ValueError(f"{what} is a coroutine function, which runs on the event loop: leave out pool")
            self.processors[name] = Processor(name, function, pool, time_limit_s, soft_time_limit_s)
            return function

        return declare

    def backoff(self, name: str) -> Callable[[Function], Function]:
        """Declares a backoff strategy: a function from the number of the attempt that failed to a delay in ms.

        Jobs choose it by ``backoff: { type: name }``. A negative delay means: do not try again.
        """

        def declare(function: Function) -> Function:
            self.backoffs[name] = function
            return function

        return declare

    def upcaster(self, job: str, version: str) -> Callable[[Function], Function]:
        """Declares what turns the data of an earlier version of a job into the current form, before it is checked.

        What it raises fails the attempt, as what a processor raises.

        Args:
            job: the job's name.
            version: the first digits of the version's fingerprint, as the files in the ``history`` folder of the
                schemas have them.

        Raises:
            ValueError: the version has an upcaster already.
        """

        def declare(function: Function) -> Function:
            if (job, version) in self.upcasters:
                raise ValueError(f"version {version!r} of job {job!r} of queue {self.queue!r} has two upcasters")
            self.upcasters[job, version] = function
            return function

        return declare

    def on(self, event: EventName) -> Callable[[Listener], Listener]:
        """Declares a listener of the worker's events. It runs on the event loop and must not block it."""

        def declare(listener: Listener) -> Listener:
            self.listeners.append((event, listener))
            return listener

        return declare

    def setup(self, hook: Function) -> Function:
        """Declares what runs once wherever processors run, before the first job.

        That is in each child process, and in the engine when there are coroutine functions or threads: the place to
        open a database.
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
            SystemExit: with a code of ``worker.exit_code`` when it did not end well; a log line says why.
        """
        if inside_child:
            return
        # Not at the top: a child imports this module too, and needs neither asyncio nor redis.
        from bullmq_bridge.worker.program import run

        run([self])

    def main(self, arguments: list[str] | None = None) -> None:
        """Like ``run``, with the options of ``python -m bullmq_bridge worker`` read from the command line.

        Raises:
            SystemExit: always, with a code of ``worker.exit_code``; in a child process it returns at once.
        """
        if inside_child:
            return
        from bullmq_bridge.cli.worker import run_declared

        raise SystemExit(run_declared([self], arguments))

    def settings(self, overrides: Mapping[str, Any]) -> Settings:
        """The settings: ``overrides`` win over what was declared, and that over the defaults.

        Raises:
            ValueError: one is out of its range.
        """
        only_async = bool(self.processors) and all(processor.is_async for processor in self.processors.values())
        defaults = {
            "redis_url": os.environ.get("REDIS_URL") or DEFAULT_REDIS_URL,
            "concurrency": DEFAULT_ASYNC_CONCURRENCY if only_async else os.cpu_count() or 1,
            "allow_version_mismatch": is_allowed(None),
        }
        return Settings(self.queue, **{**defaults, **self._declared, **overrides})

    def module_names(self) -> list[str]:
        """Names of the modules that a child must import: where the worker is, and where its processors are."""
        functions = [processor.function for processor in self.processors.values()]
        return [self._module, *(function.__module__ for function in functions)]

    def load_contract(self) -> QueueContract:
        """The queue's contract, checked against the processors.

        Raises:
            ContractError: it cannot be read, or a processor is for a job that it does not have, or an upcaster for a
                version.
        """
        if self.contract_folder is None:
            if self.upcasters:
                raise ContractError("an upcaster needs a contract: give the Worker the folder of the schemas")
            return QueueContract.open(self.queue)
        contract = QueueContract.load(self.contract_folder, self.queue)
        for name in self.processors:
            contract.job(name)
        for (name, version), upcaster in self.upcasters.items():
            contract.job(name).upcast(version, upcaster)
        return contract
