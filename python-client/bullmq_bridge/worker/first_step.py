"""Coroutines that get a task only when they wait for something.

A task for each job is the largest single cost of a job that waits for nothing. So the first step is taken at once, in
the name of a spare task. A coroutine that waits is gone on with by that very task: whoever has asked for the current
task meanwhile (a timeout, a task group) has got the right one.
"""

from __future__ import annotations

import asyncio
import sys
import types

# Documented for tasks of one's own ("Extending asyncio").
from asyncio.tasks import _enter_task, _leave_task, current_task
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator
    from contextvars import Context

T = TypeVar("T")


class Rest(Generic[T]):
    """What is left of a coroutine that waits for something, or that could not begin at once.

    Attributes:
        result: awaited, the coroutine goes on.
        go_on: makes the coroutine that awaits ``result`` a task.
    """

    __slots__ = ("go_on", "result")

    def __init__(self, result: Awaitable[T], go_on: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        self.result = result
        self.go_on = go_on


class FirstStep:
    """Starts coroutines on the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._context = copy_context()
        self._spare: _SpareTask | None = None

    def take(self, coroutine: Coroutine[Any, None, T], context: Context) -> T | Rest[T]:
        """Runs a coroutine up to where it waits, in a context of its own, and raises what it raises.

        Returns:
            What it returns, or what is left of it.
        """
        loop = self._loop
        spare = self._spare
        if spare is None or spare.called.cancelled():
            # (a coroutine that has ended, or who has its task from it, has cancelled it: it is of no use)
            spare = self._spare = self._context.run(_SpareTask, loop)
        task = spare.task
        outer = current_task(loop)
        if not spare.is_ready or task is outer:
            return Rest(coroutine, lambda work: context.run(loop.create_task, work))
        if outer is not None:
            _leave_task(loop, outer)
        _enter_task(loop, task)
        try:
            waits_for = context.run(coroutine.send, None)
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
        finally:
            _leave_task(loop, task)
            if outer is not None:
                _enter_task(loop, outer)
        self._spare = None
        is_future = getattr(waits_for, "_asyncio_future_blocking", False)
        if is_future:
            # It says so until a task takes note. That is later here, and others may begin to wait for it meanwhile.
            waits_for._asyncio_future_blocking = False
        return Rest(_rest(coroutine, context, waits_for, is_future), spare.go_on)

    def close(self) -> None:
        """Ends what is spare."""
        if self._spare is not None:
            self._spare.task.cancel()
            self._spare = None


class _SpareTask:
    """A task that waits for a coroutine.

    Attributes:
        called: done when there is a coroutine to go on with.
        is_ready: it has begun to wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.called: asyncio.Future[None] = loop.create_future()
        self._work: Coroutine[Any, Any, None] | None = None
        self.is_ready = False
        self.task = loop.create_task(self._wait())

    def go_on(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Becomes the task of a coroutine."""
        self._work = work
        if not self.called.done():
            self.called.set_result(None)
        return self.task

    async def _wait(self) -> None:
        self.is_ready = True
        try:
            await self.called
        except asyncio.CancelledError as cancelled:
            # Of the coroutine, if there is one, which is to hear of it where it waits.
            if sys.version_info >= (3, 11):
                self.task.uncancel()
            self.task.cancel(*cancelled.args)
        if self._work is not None:
            await self._work


@types.coroutine
def _rest(
    coroutine: Coroutine[Any, None, T], context: Context, waits_for: Any, is_future: bool
) -> Generator[Any, None, T]:
    """What is left of a coroutine that waits, as ``await`` would go on with it, but in its own context."""
    if is_future:
        waits_for._asyncio_future_blocking = True
    try:
        while True:
            try:
                yield waits_for
            except BaseException as error:
                waits_for = context.run(coroutine.throw, error)
            else:
                waits_for = context.run(coroutine.send, None)
    except StopIteration as ended:
        result: T = ended.value
        return result
