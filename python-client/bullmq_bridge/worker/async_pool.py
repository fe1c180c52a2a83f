"""Slots for coroutine functions, on the engine's own event loop."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

from bullmq_bridge.directive import TimeLimitExceeded
from bullmq_bridge.outcome import outcome_of, untold
from bullmq_bridge.worker.async_execution import execute_async
from bullmq_bridge.worker.coroutine_stack import stack_of
from bullmq_bridge.worker.first_step import FirstStep, Rest
from bullmq_bridge.worker.logs import current_job
from bullmq_bridge.worker.pool import StartFailed, WithoutLines

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.outcome import Outcome
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.worker.job import AsyncJobPort
    from bullmq_bridge.worker.processor import Hook, Processor

logger = logging.getLogger("bullmq_bridge.worker")


class _Running(NamedTuple):
    """A job that waits for something: what goes on with it, and its coroutine."""

    task: asyncio.Task[None]
    work: Coroutine[Any, None, Outcome]


class AsyncPool(WithoutLines):
    """See ``Pool``. Slots are always ready."""

    can_interrupt = True

    def __init__(
        self,
        processors: dict[str, Processor],
        contract: QueueContract,
        port: AsyncJobPort,
        setup: Hook | None,
        teardown: Hook | None,
    ) -> None:
        self._processors = processors
        self._contracts = {name: contract.job(name) for name in processors}
        self._port = port
        self._setup = setup
        self._teardown = teardown
        self._timed_out: set[int] = set()
        self._interrupted: set[int] = set()
        self._started = False
        self._running: dict[int, _Running] = {}
        self._context = contextvars.copy_context()
        self._first_step = FirstStep()

    async def start(self) -> None:
        """See ``Pool``."""
        try:
            await _call(self._setup)
        except Exception as error:
            raise StartFailed(traceback.format_exc().rstrip()) from error
        # What setup() has put into context variables is there for every job.
        self._context = contextvars.copy_context()
        self._started = True

    def is_ready(self, slot: int) -> bool:
        """See ``Pool``."""
        return True

    def run(self, slot: int, record: JobRecord, done: Callable[[Outcome], None]) -> None:
        """See ``Pool``."""
        name = record.name or ""
        work = execute_async(self._processors[name], self._contracts[name], record, self._port)
        context = self._context.copy()
        try:
            outcome = self._first_step.take(work, context)
        except (asyncio.CancelledError, Exception) as error:
            outcome = context.run(_outcome_of, error, record)
        if isinstance(outcome, Rest):
            task = outcome.go_on(self._go_on(slot, record, outcome.result, done))
            self._running[slot] = _Running(task, work)
        else:
            done(outcome)

    async def _go_on(
        self, slot: int, record: JobRecord, work: Awaitable[Outcome], done: Callable[[Outcome], None]
    ) -> None:
        current_job.set(record)
        try:
            outcome = await work
        except asyncio.CancelledError as error:
            if slot in self._interrupted:
                raise
            outcome = _outcome_of(TimeLimitExceeded() if slot in self._timed_out else error, record)
        except Exception as error:
            outcome = _outcome_of(error, record)
        finally:
            self._timed_out.discard(slot)
            self._running.pop(slot, None)
        # From here and not from a callback of the task, which would cost a turn of the loop for each job.
        done(outcome)

    async def interrupt(self, slot: int) -> None:
        """See ``Pool``: cancels the coroutine and waits until it has ended."""
        self._timed_out.discard(slot)
        if slot not in self._running:
            return
        task = self._running[slot].task
        self._interrupted.add(slot)
        try:
            while not task.done():
                # Again and again: a coroutine may swallow a cancellation.
                task.cancel()
                await asyncio.wait([task], timeout=1.0)
        finally:
            self._interrupted.discard(slot)
        if slot in self._running and self._running[slot].task is task:
            # It was cancelled before its first step, and so did not do this itself.
            self._running.pop(slot).work.close()

    def raise_time_limit(self, slot: int) -> None:
        """See ``Pool``: a coroutine is cancelled."""
        if slot in self._running:
            self._timed_out.add(slot)
            # Not before its first step: a task that has not begun would end without a word.
            asyncio.get_running_loop().call_soon(self._running[slot].task.cancel)

    async def resize(self, size: int) -> None:
        """See ``Pool``."""

    def dump_stacks(self) -> None:
        """See ``Pool``."""
        for running in self._running.values():
            # In one piece: children write at the same time.
            sys.stderr.write(stack_of(running.task.get_name(), running.work))
        sys.stderr.flush()

    def retire(self) -> None:
        """See ``Pool``."""

    async def stop(self) -> None:
        """See ``Pool``."""
        self._first_step.close()
        try:
            if self._started:
                await _call(self._teardown)
        except Exception:
            logger.exception("the teardown of the event loop's processors raised")


def _outcome_of(error: BaseException, record: JobRecord) -> Outcome:
    """Of a job of which ``execute_async`` raised: its time was up, it has cancelled itself, or the fault is ours."""
    if isinstance(error, (asyncio.CancelledError, TimeLimitExceeded)):
        return outcome_of(error)
    logger.error("how job %s ended could not be told", record.id, exc_info=error)
    return untold(error)


async def _call(hook: Hook | None) -> None:
    result: Any = hook() if hook else None
    if inspect.isawaitable(result):
        await result
