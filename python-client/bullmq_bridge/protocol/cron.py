"""When a job scheduler with a cron pattern runs next.

Whoever takes a job of a scheduler adds the next one, so Python must find the very instant that Node finds: else the two
of them bend each other's schedule, silently. BullMQ 6.7 asks cron-parser 5.10, and this follows cron-parser in what it
reads and step by step in how it walks, also over the days on which a clock is moved, and where it gives up on them (it
never gets past the hour in which Lord Howe puts its clocks back by half an hour: such a schedule ends there).

No package does. Of 4,700 schedules with nothing that only cron-parser has (no ``H``, start or end), cronsim 2.8, which
aiocron uses, found other runs for 178 and refused 546; croniter 7.0 found other runs for 437 and refused 495.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.protocol.cron_pattern import CronPattern, UnsupportedPattern, read_pattern
from bullmq_bridge.protocol.time_zone import UnknownTimeZone, offsets_of
from bullmq_bridge.protocol.wall_clock import WallClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["UnsupportedPattern", "next_run_ms"]

_MOST_STEPS = 9_999
"""After so many steps cron-parser gives up: no run, so the end of the schedule."""
_LATEST_MS = 221_845_392_000_000
"""1 January 9000: the steps take at most some 260 years, and Python's dates end with the year 9999."""


def next_run_ms(
    pattern: str,
    after_ms: int,
    tz: str | None = None,
    *,
    start_ms: int | None = None,
    end_ms: int | None = None,
    hash_seed: str | None = None,
    strict: bool = False,
) -> int | None:
    """When a pattern is due next (epoch ms), as ``JobScheduler`` of bullmq 6.7 computes it. Reads no clock.

    Args:
        pattern: five fields, or six with the seconds first; names, lists, ranges, steps, ``?``, ``L``, ``#``, ``H``,
            ``@daily`` and the like, as cron-parser knows them.
        after_ms: the instant (epoch ms, from 1970) after which to look: now, or the last run if that is later.
        tz: the time zone; None is the one of this machine, as in Node.
        start_ms: look from here on when it is later than ``after_ms``.
        end_ms: no run after it.
        hash_seed: the schedule's ``hashSeed``, which chooses the values of ``H``.
        strict: the schedule's ``strict``.

    Returns:
        The next run, or None: there is none before ``end_ms`` or at all, and BullMQ lets such a schedule end.

    Raises:
        UnsupportedPattern: nobody can say. cron-parser throws on most of these patterns and zones; the others it takes
            for something that nobody can have meant, or chooses values at random.
    """
    given: tuple[object, ...] = (pattern, tz or "", hash_seed or "")
    for value in given:
        if not isinstance(value, str):
            raise UnsupportedPattern(pattern, f"{value!r} is not text")
    from_ms = max(after_ms, start_ms or after_ms)
    if not 0 <= from_ms < _LATEST_MS:
        raise UnsupportedPattern(pattern, f"{from_ms} ms is not between the years 1970 and 9000")
    cron = read_pattern(pattern, hash_seed, strict)
    try:
        clock = WallClock(from_ms, offsets_of(tz))
        if end_ms and end_ms < from_ms:
            return None
        run_ms = _Search(cron, clock, start_ms or 0, end_ms).next_run_ms()
    except UnknownTimeZone as fault:
        raise UnsupportedPattern(pattern, str(fault)) from None
    except (OverflowError, OSError) as fault:
        raise UnsupportedPattern(pattern, f"this machine does not know its zone's offset ({fault})") from fault
    # Where a clock is put back, cron-parser may find a run that is over; BullMQ's JobScheduler takes now instead.
    return None if run_ms is None else max(run_ms, after_ms)


class _Search:
    """The walk of a clock to the next match.

    It goes the way of cron-parser 5.10: wherever two ways would end at different instants, on a day on which the
    clock is moved, only the same steps in the same order lead to the same end.
    """

    def __init__(self, cron: CronPattern, clock: WallClock, earliest_ms: int, latest_ms: int | None) -> None:
        self._cron = cron
        self._clock = clock
        self._earliest_ms = earliest_ms
        self._latest_ms = latest_ms
        self._skipped_hours: tuple[int, int] | None = None
        """The first hour that a step has skipped, and the one on which it landed."""
        self._repeated_hour: int | None = None
        """An hour that a step has not left, so that it is there twice."""
        self._checked_day: tuple[tuple[int, int, int], bool] | None = None
        """The day last asked about, and whether its offset changes."""

    def next_run_ms(self) -> int | None:
        clock, cron = self._clock, self._cron
        from_ms = clock.epoch_ms
        if clock.millisecond:
            clock.clear_millisecond()
            self._step(clock.next_second)
        for _ in range(_MOST_STEPS):
            if clock.epoch_ms < self._earliest_ms or (self._latest_ms and clock.epoch_ms > self._latest_ms):
                return None
            if clock.month not in cron.months:
                clock.next_month()
            elif not cron.matches_day(clock.day, clock.weekday, clock.days_in_month):
                clock.next_day()
            elif not self._is_in_hour():
                pass
            elif clock.minute not in cron.minutes:
                self._go_to_minute()
            elif clock.second not in cron.seconds:
                self._go_to_second()
            elif clock.epoch_ms == from_ms:
                self._step(clock.next_second)
            else:
                return clock.epoch_ms
        return None

    def _is_in_hour(self) -> bool:
        """Whether the hour matches; moves on if not."""
        clock, hours = self._clock, self._cron.hours
        hour = clock.hour
        if self._skipped_hours is not None and self._skipped_hours[1] == hour:
            first, landed = self._skipped_hours
            if any((first + n) % 24 in hours for n in range((landed - first) % 24)):
                return True  # the run of an hour that does not exist is made up for in the first hour that does
        if self._repeated_hour == hour:
            self._repeated_hour = None
            self._step(clock.next_hour)
            return False
        if hour in hours:
            return True
        self._skipped_hours = None
        following = _first_above(hour, hours)
        if following is None:
            clock.next_day()
            return False
        if self._changes_offset_today():
            for _ in range(following - hour):
                self._step(clock.next_hour)
                if clock.hour >= following:
                    break
        else:
            clock.set_hour(following)
        clock.set_minute(self._cron.minutes[0])
        clock.set_second(self._cron.seconds[0])
        return False

    def _go_to_minute(self) -> None:
        following = _first_above(self._clock.minute, self._cron.minutes)
        if following is None:
            self._step(self._clock.next_hour)
            following = self._cron.minutes[0]
        self._clock.set_minute(following)
        self._clock.set_second(self._cron.seconds[0])

    def _go_to_second(self) -> None:
        following = _first_above(self._clock.second, self._cron.seconds)
        if following is None:
            self._step(self._clock.next_minute)
            following = self._cron.seconds[0]
        self._clock.set_second(following)

    def _step(self, step: Callable[[], None]) -> None:
        """Makes a step of less than a day and keeps in mind which hours it skipped or did not leave."""
        clock = self._clock
        hour, offset_ms = clock.hour, clock.offset_ms
        step()
        if len(self._cron.hours) == 24:
            return
        hours_on = (clock.hour - hour) % 24
        if clock.offset_ms > offset_ms and hours_on >= 2:
            self._skipped_hours = ((hour + 1) % 24, clock.hour)
        elif hours_on == 0 and clock.minute == 0 and clock.second == 0:
            self._repeated_hour = clock.hour

    def _changes_offset_today(self) -> bool:
        """Whether the clock is moved today.

        The answer is kept for the day, as it may depend on the hour at which it was asked: where midnight is there
        twice, the day begins at either.
        """
        today = (self._clock.year, self._clock.month, self._clock.day)
        if self._checked_day is None or self._checked_day[0] != today:
            self._checked_day = (today, self._clock.changes_offset_today())
        return self._checked_day[1]


def _first_above(value: int, values: Iterable[int]) -> int | None:
    return next((candidate for candidate in values if candidate > value), None)
