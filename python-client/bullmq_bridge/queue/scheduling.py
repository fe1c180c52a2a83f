"""Job schedulers of one queue."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.cron import UnsupportedPattern, next_run_ms
from bullmq_bridge.protocol.exchange import ask, pairs, read_together, run, text
from bullmq_bridge.protocol.job_options import lengthen
from bullmq_bridge.protocol.refusals import SCHEDULER_JOB_EXISTS, SCHEDULER_SLOTS_BUSY
from bullmq_bridge.protocol.scheduler_calls import SchedulerCalls
from bullmq_bridge.queue.admission import Admission
from bullmq_bridge.queue.errors import QueueError
from bullmq_bridge.queue.job_view import JobView
from bullmq_bridge.queue.json_text import read_json
from bullmq_bridge.queue.options import TemplateOptions, whole_number
from bullmq_bridge.queue.refusal import JobRefused, Violation
from bullmq_bridge.worker.clock import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.exchange import Reply, Steps
    from bullmq_bridge.protocol.keys import QueueKeys


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job scheduler makes a job.

    Args:
        every_ms: every so many milliseconds; or
        pattern: at the times of a cron pattern: five fields, or six with the seconds first.
        tz: time zone of the pattern, for example ``Europe/Lisbon``. Without one it is that of whichever machine
            computes the next time, and they may differ.
        offset_ms: shifts the times of ``every_ms``.
        limit: make so many jobs in all.
        start: not before this time (epoch ms, or a datetime that knows its time zone).
        end: not after this time.
        immediately: make the first job of a pattern at once. (With ``every_ms`` it is made at once anyway.)
    """

    every_ms: int | None = None
    pattern: str | None = None
    tz: str | None = None
    offset_ms: int | None = None
    limit: int | None = None
    start: int | datetime | None = None
    end: int | datetime | None = None
    immediately: bool = False


@dataclass(frozen=True, slots=True)
class JobScheduler:
    """A job scheduler as it was when it was read. Times are ms since the epoch."""

    id: str
    """Its id."""
    name: str
    """Name of the jobs that it makes."""
    next_ms: int | None
    """When it makes the next one."""
    iterations: int | None = None
    """How many it has made."""
    every_ms: int | None = None
    """See ``Schedule``; so are the others."""
    pattern: str | None = None
    tz: str | None = None
    offset_ms: int | None = None
    limit: int | None = None
    start_ms: int | None = None
    end_ms: int | None = None
    data: Any = None
    """Data of the jobs that it makes."""
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the jobs that it makes, by BullMQ's full names."""


class Scheduling:
    """What looks after job schedulers."""

    def __init__(self, keys: QueueKeys, contract: QueueContract, bundle: Bundle) -> None:
        self._keys = keys
        self._admission = Admission(contract)
        self._calls = SchedulerCalls(keys, bundle)

    def upsert(
        self, scheduler_id: str, schedule: Schedule, name: str, data: Any, options: Mapping[str, Any]
    ) -> Steps[JobView | None]:
        """See ``Queue.upsert_job_scheduler``."""
        owner = f"job scheduler {scheduler_id!r} of queue {self._keys.queue!r}"
        if not scheduler_id:
            raise ValueError(f"a job scheduler of queue {self._keys.queue!r} needs an id")
        for option in options:
            if option not in TemplateOptions.__optional_keys__:
                raise TypeError(
                    f"{owner}: {option!r} is no option of its jobs; known are "
                    f"{', '.join(sorted(TemplateOptions.__optional_keys__))}"
                )
        times = _times(schedule, owner)
        violations: list[Violation] = []
        admitted = self._admission.examine(name, data, options, violations)
        if admitted is None:
            raise JobRefused(violations)
        now = now_ms()
        end = times.get("endDate")
        if end is not None and end < now:
            raise ValueError(f"{owner}: its end is in the past")
        # The contract's delay is for jobs that are added: a scheduler's run when it says.
        template = {option: value for option, value in admitted.options.items() if option != "delay"}
        next_ms = _next_ms(schedule, times, now, owner)
        if schedule.pattern is not None and next_ms is None:
            return None
        reply = yield from run(
            self._calls.upsert(
                scheduler_id,
                next_ms=next_ms,
                data=admitted.data,
                template_options=template,
                schedule={"name": name, **times},
                next_job_options=_next_job_options(scheduler_id, template, times, next_ms, now),
                now_ms=now,
            )
        )
        return self._made(owner, reply, scheduler_id, name, read_json(admitted.data), template, now)

    def _made(
        self,
        owner: str,
        reply: Reply,
        scheduler_id: str,
        name: str,
        data: Any,
        template: dict[str, Any],
        now: int,
    ) -> JobView:
        if reply == SCHEDULER_JOB_EXISTS:
            raise QueueError(f"{owner} was not stored: a job for its next time is there already, and has started")
        if reply == SCHEDULER_SLOTS_BUSY:
            raise QueueError(f"{owner} was not stored: jobs for its next times are there already, and have started")
        job_id, delay = reply
        return JobView(
            id=text(job_id),
            name=name,
            queue=self._keys.queue,
            prefix=self._keys.prefix,
            data=data,
            options=template,
            timestamp_ms=now,
            delay_ms=int(delay),
            priority=template.get("priority") or 0,
            scheduler_id=scheduler_id,
        )

    def get(self, scheduler_id: str) -> Steps[JobScheduler | None]:
        """See ``Queue.get_job_scheduler``."""
        fields, next_ms = (yield from run(self._calls.get(scheduler_id), reads=True)) or (None, None)
        return None if fields is None else _scheduler(scheduler_id, fields, next_ms)

    def get_all(self, start: int, end: int, ascending: bool) -> Steps[list[JobScheduler]]:
        """See ``Queue.get_job_schedulers``."""
        order = "ZRANGE" if ascending else "ZREVRANGE"
        (ids,) = yield from ask((order, self._keys.repeat, start, end))
        if not ids:
            return []
        names = [text(scheduler_id) for scheduler_id in ids]
        entries = yield from read_together([self._calls.get(scheduler_id) for scheduler_id in names])
        found = [(scheduler_id, *(entry or (None, None))) for scheduler_id, entry in zip(names, entries, strict=True)]
        return [_scheduler(scheduler_id, fields, next_ms) for scheduler_id, fields, next_ms in found if fields]

    def count(self) -> Steps[int]:
        """See ``Queue.get_job_schedulers_count``."""
        (count,) = yield from ask(("ZCARD", self._keys.repeat))
        return int(count)

    def remove(self, scheduler_id: str) -> Steps[bool]:
        """See ``Queue.remove_job_scheduler``."""
        missing = yield from run(self._calls.remove(scheduler_id))
        return not missing


def _times(schedule: Schedule, owner: str) -> dict[str, Any]:
    """The schedule by BullMQ's names, checked; what is not given is left out."""
    if (schedule.every_ms is None) == (schedule.pattern is None):
        raise ValueError(f"{owner} needs either every_ms or pattern")
    if schedule.immediately and schedule.start is not None:
        raise ValueError(f"{owner}: immediately and start cannot be used together")
    if schedule.offset_ms is not None and schedule.every_ms is None:
        raise ValueError(f"{owner}: offset_ms shifts every_ms, a pattern has none")
    for name, value, least in (
        ("every_ms", schedule.every_ms, 1),
        ("offset_ms", schedule.offset_ms, 0),
        ("limit", schedule.limit, 1),
    ):
        if value is not None:
            _checked(owner, name, value, least)
    times = {
        "startDate": _epoch_ms(schedule.start, "start", owner),
        "endDate": _epoch_ms(schedule.end, "end", owner),
        "tz": schedule.tz,
        "pattern": schedule.pattern,
        "every": schedule.every_ms,
        "limit": schedule.limit,
        "offset": schedule.offset_ms or None,
    }
    return {name: value for name, value in times.items() if value is not None}


def _epoch_ms(moment: int | datetime | None, name: str, owner: str) -> int | None:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise ValueError(f"{owner}: {name} needs a time zone: datetime(…, tzinfo=timezone.utc)")
        return int(moment.timestamp() * 1000)
    return None if moment is None else _checked(owner, f"{name} (a datetime, or ms since the epoch)", moment, 0)


def _checked(owner: str, name: str, value: int, least: int) -> int:
    try:
        return whole_number(least)(value)
    except ValueError as error:
        raise ValueError(f"{owner}: {name} {error}") from None


def _next_ms(schedule: Schedule, times: dict[str, Any], now: int, owner: str) -> int | None:
    """When a pattern is due next; None for ``every``, which the script computes."""
    if schedule.pattern is None:
        return None
    try:
        next_ms = next_run_ms(
            schedule.pattern, now, schedule.tz, start_ms=times.get("startDate"), end_ms=times.get("endDate")
        )
    except UnsupportedPattern as error:
        raise ValueError(f"{owner}: {error}") from error
    return now if schedule.immediately else next_ms


def _next_job_options(
    scheduler_id: str, template: dict[str, Any], times: dict[str, Any], next_ms: int | None, now: int
) -> dict[str, Any]:
    """Options of the next job, as ``getNextJobOpts`` (bullmq 6.7.0) makes them.

    The script sets ``delay`` and ``jobId`` itself.
    """
    repeat = {name: value for name, value in times.items() if name != "offset"}
    options = {
        **template,
        "timestamp": now,
        "repeatJobKey": scheduler_id,
        "repeat": {**repeat, "count": 1, **({"offset": times["offset"]} if "offset" in times else {})},
    }
    return options if next_ms is None else {**options, "prevMillis": next_ms}


def _scheduler(scheduler_id: str, reply: Reply, next_ms: Reply) -> JobScheduler:
    fields = pairs(reply)

    def number(name: bytes) -> int | None:
        value = fields.get(name)
        return int(float(value)) if value else None

    def words(name: bytes) -> str | None:
        value = fields.get(name)
        return text(value) if value else None

    try:
        options = json.loads(fields.get(b"opts") or b"{}")
    except ValueError:
        options = {}
    return JobScheduler(
        id=scheduler_id,
        name=words(b"name") or "",
        next_ms=None if next_ms is None else int(float(next_ms)),
        iterations=number(b"ic"),
        every_ms=number(b"every"),
        pattern=words(b"pattern"),
        tz=words(b"tz"),
        offset_ms=number(b"offset"),
        limit=number(b"limit"),
        start_ms=number(b"startDate"),
        end_ms=number(b"endDate"),
        data=read_json(fields.get(b"data"), {}),
        options=lengthen(options),
    )
