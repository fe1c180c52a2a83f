"""The clock on the wall of a time zone, moved as luxon 3 moves a DateTime (so as cron-parser moves it)."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bullmq_bridge.protocol.time_zone import OffsetOf

_EPOCH = date(1970, 1, 1).toordinal()
_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


class WallClock:
    """What the clocks of a zone show at an instant.

    A clock time that the zone skips, or shows twice, is read with the offset that held where the clock came from.
    If another holds there, the smaller of the offsets on both sides: a skipped time moves on by the length of the gap.
    """

    __slots__ = ("_days", "_offset_of", "_time", "day", "epoch_ms", "month", "offset_ms", "year")

    epoch_ms: int
    """The instant (ms since the epoch)."""
    offset_ms: int
    """Offset from UTC that holds (ms, east is positive)."""
    year: int
    month: int
    """1 to 12."""
    day: int
    """Day of the month, from 1."""

    def __init__(self, epoch_ms: int, offset_of: OffsetOf) -> None:
        self._offset_of = offset_of
        self._show(epoch_ms)

    @property
    def hour(self) -> int:
        """0 to 23."""
        return self._time // _HOUR

    @property
    def minute(self) -> int:
        """0 to 59."""
        return self._time // _MINUTE % 60

    @property
    def second(self) -> int:
        """0 to 59."""
        return self._time // _SECOND % 60

    @property
    def millisecond(self) -> int:
        """0 to 999."""
        return self._time % _SECOND

    @property
    def weekday(self) -> int:
        """0 (Sunday) to 6."""
        return (self._days + 4) % 7

    @property
    def days_in_month(self) -> int:
        """How many days this month has."""
        return monthrange(self.year, self.month)[1]

    def set_hour(self, hour: int) -> None:
        """Sets the hour and nothing else."""
        self._read(self._days, self._time % _HOUR + hour * _HOUR)

    def set_minute(self, minute: int) -> None:
        """Sets the minute and nothing else."""
        self._read(self._days, self._time + (minute - self.minute) * _MINUTE)

    def set_second(self, second: int) -> None:
        """Sets the second and nothing else."""
        self._read(self._days, self._time + (second - self.second) * _SECOND)

    def clear_millisecond(self) -> None:
        """Goes to the start of the second."""
        self._read(self._days, self._time - self._time % _SECOND)

    def next_second(self) -> None:
        """Goes a second on."""
        self._show(self.epoch_ms + _SECOND)

    def next_minute(self) -> None:
        """Goes to the start of the minute that it shows a minute from now."""
        self._show(self.epoch_ms + _MINUTE)
        self._read(self._days, self._time - self._time % _MINUTE)

    def next_hour(self) -> None:
        """Goes to the start of the hour that it shows an hour from now.

        Where less than an hour was set back, that may be earlier than now.
        """
        self._show(self.epoch_ms + _HOUR)
        self._read(self._days, self._time - self._time % _HOUR)

    def next_day(self) -> None:
        """Goes to the start of tomorrow."""
        self._read(self._days + 1, self._time)
        self._read(self._days, 0)

    def next_month(self) -> None:
        """Goes to the start of next month."""
        year, month = (self.year + 1, 1) if self.month == 12 else (self.year, self.month + 1)
        day = min(self.day, monthrange(year, month)[1])
        # In two movements, as luxon does: where the first one ends decides how the second one is read.
        self._read(date(year, month, day).toordinal() - _EPOCH, self._time)
        self._read(self._days - self.day + 1, 0)

    def changes_offset_today(self) -> bool:
        """Whether the day begins and ends with different offsets."""
        begin = WallClock(self.epoch_ms, self._offset_of)
        begin._read(begin._days, 0)
        end = WallClock(self.epoch_ms, self._offset_of)
        end.next_day()
        return begin.offset_ms != self._offset_of(end.epoch_ms - 1)

    def _read(self, days: int, time_ms: int) -> None:
        """Goes to a clock time: days since 1 January 1970, and ms since midnight by the clock."""
        local = days * _DAY + time_ms
        near = self._offset_of(local - self.offset_ms)
        if near != self.offset_ms:
            near = min(near, self._offset_of(local - near))
        self._show(local - near)

    def _show(self, epoch_ms: int) -> None:
        self.epoch_ms = epoch_ms
        self.offset_ms = self._offset_of(epoch_ms)
        self._days, self._time = divmod(epoch_ms + self.offset_ms, _DAY)
        today = date.fromordinal(_EPOCH + self._days)
        self.year, self.month, self.day = today.year, today.month, today.day
