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
from asyncio.tasks import _enter_task, _leave_task
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Generator
    from contextvars import Context


class FirstStep:
    """Starts coroutines on the running event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._spare: _SpareTask | None = None

    def take(self, coroutine: Coroutine[Any, None, None], context: Context) -> asyncio.Task[None] | None:
        """Runs a coroutine up to where it waits, in a context of its own.

        Returns:
            The task that goes on with it; None if it has ended.
        """
        spare = self._spare
        if spare is None or spare.is_cancelled:
            spare = self._spare = _SpareTask(self._loop)
        outer = asyncio.current_task(self._loop)
        if not spare.is_ready or spare.task is outer:
            return context.run(self._loop.create_task, coroutine)
        if outer is not None:
            _leave_task(self._loop, outer)
        _enter_task(self._loop, spare.task)
        try:
            waits_for = context.run(coroutine.send, None)
        except StopIteration:
            return None
        finally:
            _leave_task(self._loop, spare.task)
            if outer is not None:
                _enter_task(self._loop, outer)
        self._spare = None
        spare.go_on_with(_rest(coroutine, context, waits_for))
        return spare.task

    def close(self) -> None:
        """Ends what is spare."""
        if self._spare is not None:
            self._spare.task.cancel()
            self._spare = None


class _SpareTask:
    """A task that waits for a coroutine.

    Attributes:
        is_ready: it has begun to wait.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._called: asyncio.Future[None] = loop.create_future()
        self._rest: Awaitable[None] | None = None
        self.is_ready = False
        self.task = loop.create_task(self._wait())

    @property
    def is_cancelled(self) -> bool:
        """Whether a coroutine that has ended, or who has its task from it, has cancelled it: it is of no use."""
        return self._called.cancelled()

    def go_on_with(self, rest: Awaitable[None]) -> None:
        """Becomes the task of a coroutine."""
        self._rest = rest
        if not self._called.done():
            self._called.set_result(None)

    async def _wait(self) -> None:
        self.is_ready = True
        try:
            await self._called
        except asyncio.CancelledError as cancelled:
            # Of the coroutine, if there is one, which is to hear of it where it waits.
            if sys.version_info >= (3, 11):
                self.task.uncancel()
            self.task.cancel(*cancelled.args)
        if self._rest is not None:
            await self._rest


@types.coroutine
def _rest(coroutine: Coroutine[Any, None, None], context: Context, waits_for: Any) -> Generator[Any, None, None]:
    """What is left of a coroutine that waits, as ``await`` would go on with it, but in its own context."""
    try:
        while True:
            try:
                yield waits_for
            except BaseException as error:
                waits_for = context.run(coroutine.throw, error)
            else:
                waits_for = context.run(coroutine.send, None)
    except StopIteration:
        return
