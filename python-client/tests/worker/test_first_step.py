"""Coroutines that take their first step before there is a task of their own."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.first_step import FirstStep, Rest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def take(step: FirstStep, coroutine: Coroutine[Any, None, None]) -> asyncio.Task[None] | None:
    rest = step.take(coroutine, contextvars.copy_context())
    return rest.go_on(go_on(rest)) if isinstance(rest, Rest) else None


async def go_on(rest: Rest[None]) -> None:
    await rest.result


async def nothing() -> None:
    pass


async def others_end_well(step: FirstStep) -> None:
    ended: list[str] = []

    async def work() -> None:
        await asyncio.sleep(0)
        ended.append("well")

    # The spare task that is there, and the one after it.
    for _ in range(2):
        task = take(step, work())
        assert task is not None
        await asyncio.wait_for(task, 5)
    assert ended == ["well", "well"]


def with_spare_task(body: Callable[[FirstStep], Awaitable[None]]) -> None:
    """Runs a test in which the spare task is ready, and looks that it leaves no task behind."""

    async def run() -> None:
        step = FirstStep()
        first = take(step, nothing())
        assert first is not None
        await first
        await asyncio.wait_for(body(step), 10)
        step.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_a_coroutine_that_waits_for_nothing_has_ended_at_once_and_made_no_task() -> None:
    async def body(step: FirstStep) -> None:
        before = asyncio.all_tasks()
        seen: list[asyncio.Task[Any] | None] = []

        async def work() -> None:
            seen.append(asyncio.current_task())

        outer = asyncio.current_task()
        assert take(step, work()) is None
        assert take(step, work()) is None
        assert asyncio.current_task() is outer
        assert asyncio.all_tasks() == before
        assert seen[0] is seen[1] is not outer

    with_spare_task(body)


def test_a_coroutine_that_waits_goes_on_in_the_task_in_which_it_began() -> None:
    async def body(step: FirstStep) -> None:
        seen: list[asyncio.Task[Any] | None] = []

        async def work() -> None:
            for _ in range(3):
                seen.append(asyncio.current_task())
                await asyncio.sleep(0)

        task = take(step, work())
        assert task is not None
        await task
        assert seen == [task] * 3

    with_spare_task(body)


def test_coroutines_that_all_wait_run_side_by_side() -> None:
    async def body(step: FirstStep) -> None:
        barrier = asyncio.Event()
        passed: list[int] = []

        async def work(number: int) -> None:
            if number == 9:
                barrier.set()
            await barrier.wait()
            passed.append(number)

        tasks = [task for number in range(10) if (task := take(step, work(number)))]
        await asyncio.gather(*tasks)
        assert sorted(passed) == list(range(10))

    with_spare_task(body)


def test_context_variables_live_as_long_as_the_coroutine_and_no_longer() -> None:
    async def body(step: FirstStep) -> None:
        seen: list[str] = []

        async def work(value: str) -> None:
            seen.append(variable.get())
            variable.set(value)
            await asyncio.sleep(0)
            seen.append(variable.get())

        for value in ("a", "b"):
            task = take(step, work(value))
            assert task is not None
            await task
        assert seen == ["unset", "a", "unset", "b"]
        assert variable.get() == "unset"

    with_spare_task(body)


def test_what_a_coroutine_waits_for_may_fail_and_is_raised_where_it_waits() -> None:
    async def body(step: FirstStep) -> None:
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        caught: list[str] = []

        async def work() -> None:
            for _ in range(2):
                try:
                    await broken
                except ValueError as error:
                    caught.append(str(error))

        task = take(step, work())
        assert task is not None
        broken.set_exception(ValueError("boom"))
        await task
        assert caught == ["boom", "boom"]

    with_spare_task(body)


def test_others_may_wait_for_what_a_coroutine_waits_for() -> None:
    async def body(step: FirstStep) -> None:
        shared: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        seen: list[str] = []

        async def work() -> None:
            seen.append(await shared)

        # (its turn comes before that of the first, which has begun to wait already)
        other = asyncio.get_running_loop().create_task(work())
        task = take(step, work())
        assert task is not None
        await asyncio.sleep(0)
        shared.set_result("both")
        await asyncio.gather(task, other)
        assert seen == ["both", "both"]

    with_spare_task(body)


def test_a_task_that_is_cancelled_before_its_turn_hears_of_it_where_it_waits() -> None:
    async def body(step: FirstStep) -> None:
        awaited: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heard: list[str] = []

        async def work() -> None:
            try:
                await awaited
            except asyncio.CancelledError:
                heard.append("cancelled")
                await asyncio.sleep(0)
                heard.append("goes on")

        task = take(step, work())
        assert task is not None
        assert task.cancel()
        await task
        assert heard == ["cancelled", "goes on"]
        assert awaited.cancelled()

    with_spare_task(body)


def test_a_timeout_that_begins_in_the_first_step_ends_what_comes_after_it() -> None:
    async def body(step: FirstStep) -> None:
        heard: list[str] = []

        async def work() -> None:
            current = asyncio.current_task()
            assert current is not None
            # (as asyncio.timeout does, which Python 3.10 has not)
            asyncio.get_running_loop().call_soon(current.cancel)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                heard.append("timed out")

        task = take(step, work())
        assert task is not None
        await task
        assert heard == ["timed out"]

    with_spare_task(body)


def test_a_coroutine_that_cancels_itself_hears_of_it_where_it_waits() -> None:
    async def body(step: FirstStep) -> None:
        async def work() -> None:
            current = asyncio.current_task()
            assert current is not None
            current.cancel()
            await asyncio.sleep(60)

        task = take(step, work())
        assert task is not None
        await asyncio.wait([task])
        assert task.cancelled()

    with_spare_task(body)


def test_a_coroutine_that_cancels_itself_and_ends_cancels_no_other() -> None:
    async def body(step: FirstStep) -> None:
        async def selfish() -> None:
            current = asyncio.current_task()
            assert current is not None
            current.cancel()

        assert take(step, selfish()) is None
        await others_end_well(step)

    with_spare_task(body)


def test_a_spare_task_that_is_cancelled_while_it_has_nothing_to_do_is_replaced() -> None:
    async def body(step: FirstStep) -> None:
        seen: list[asyncio.Task[Any] | None] = []

        async def talkative() -> None:
            seen.append(asyncio.current_task())

        assert take(step, talkative()) is None
        kept = seen[0]
        assert kept is not None
        kept.cancel()
        await asyncio.wait([kept])
        await others_end_well(step)

    with_spare_task(body)


def test_a_coroutine_may_start_another_one() -> None:
    async def body(step: FirstStep) -> None:
        seen: dict[str, asyncio.Task[Any] | None] = {}
        tasks: list[asyncio.Task[None] | None] = []

        async def inner() -> None:
            await asyncio.sleep(0)
            seen["inner"] = asyncio.current_task()

        async def outer() -> None:
            tasks.append(take(step, inner()))
            await asyncio.sleep(0)
            seen["outer"] = asyncio.current_task()

        tasks.append(take(step, outer()))
        for task in tasks:
            assert task is not None
            await task
        assert [seen["inner"], seen["outer"]] == tasks

    with_spare_task(body)
