"""The job schedulers of a worker's queue: whether it can continue all of them, and how it continues one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bullmq_bridge.protocol.cron import UnsupportedPattern, next_run_ms
from bullmq_bridge.protocol.job import parse_job
from bullmq_bridge.protocol.scheduler import next_iteration

if TYPE_CHECKING:
    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.protocol.command import Command
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.worker.link import Line


async def find_unsupported(keys: QueueKeys, line: Line, now_ms: int) -> tuple[str, UnsupportedPattern] | None:
    """A scheduler whose next run this worker cannot compute, and why; None if it can continue all of them."""
    flat = await line.ask("ZRANGE", keys.repeat, 0, -1, "WITHSCORES")
    names = [name.decode("utf-8", "replace") for name in flat[::2]]
    problems = await asyncio.gather(
        *(_problem(keys, line, name, float(score), now_ms) for name, score in zip(names, flat[1::2], strict=True))
    )
    return next(((name, problem) for name, problem in zip(names, problems, strict=True) if problem is not None), None)


async def _problem(keys: QueueKeys, line: Line, name: str, next_ms: float, now_ms: int) -> UnsupportedPattern | None:
    job_id = f"repeat:{name}:{next_ms:.0f}"
    fields = await line.ask("HGETALL", keys.job(job_id))
    pattern, tz = await line.ask("HMGET", f"{keys.repeat}:{name}", "pattern", "tz")
    try:
        if fields:
            # The options of its job tell more than the scheduler does: the seed of an ``H``, for one.
            next_iteration(parse_job(job_id, fields), now_ms)
        elif pattern is not None:
            seed = "any" if b"H" in pattern else None
            next_run_ms(
                pattern.decode("utf-8", "replace"), now_ms, tz and tz.decode("utf-8", "replace"), hash_seed=seed
            )
    except UnsupportedPattern as problem:
        return problem
    except (TypeError, ValueError, KeyError, AttributeError):
        # No schedule at all: its job fails when its time comes.
        return None
    return None


class NoSchedule(ValueError):
    """The options of a scheduler's job say nothing from which a next run could be computed."""


def continuation(record: JobRecord, scheduler_id: str, calls: ScriptCalls, now_ms: int) -> Command | None:
    """The call that writes the next job of the scheduler that has made this one; None when it has ended.

    Raises:
        UnsupportedPattern: the next run cannot be computed here.
        NoSchedule: there is none to compute.
    """
    try:
        iteration = next_iteration(record, now_ms, computes_every=calls.computes_every)
    except UnsupportedPattern:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise NoSchedule(f"the schedule in the options of job {record.id} cannot be read: {error!r}") from error
    if iteration is None:
        return None
    return calls.update_job_scheduler(scheduler_id, record, iteration, now_ms)
