"""Cron patterns as cron-parser 5.10 reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat

from bullmq_bridge.protocol.cron_hash import UnusableHash, fractions, resolve_hashes

_ALIASES = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
    "@minutely": "0 * * * * *",
    "@secondly": "* * * * * *",
    "@weekdays": "0 0 0 * * 1-5",
    "@weekends": "0 0 0 * * 0,6",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Both kinds are known in both fields.
_NAMES = {name: str(n) for n, name in enumerate(_WEEKDAYS)} | {name: str(n) for n, name in enumerate(_MONTHS, 1)}
_LONGEST = 1024
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# What JavaScript takes for space, which is not what str.split takes.
_SPACE = "\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_GAPS = re.compile(f"[{_SPACE}]+")
_HASHED_RANGE = re.compile(r"H\([0-9]+-[0-9]+\)")
_LAST = re.compile(r"[0-9]{0,2}L")
_DIGITS = re.compile(r"[0-9]+")
_NAME = re.compile(r"[A-Za-z]{3}")
_NTH = re.compile(r"0*[1-5]")


class UnsupportedPattern(ValueError):
    """Nobody can say for certain when a job scheduler with this cron pattern is to run next.

    Attributes:
        pattern: the pattern.
        reason: why.
    """

    def __init__(self, pattern: object, reason: str) -> None:
        super().__init__(f"cannot compute the next run of the cron pattern {pattern!r}: {reason}")
        self.pattern = pattern
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CronPattern:
    """When a pattern matches."""

    seconds: tuple[int, ...]
    """In ascending order; so are the others."""
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: frozenset[int]
    days: frozenset[int]
    """Days of the month."""
    last_day: bool
    """Whether the last day of the month matches."""
    any_day: bool
    """Whether the day of the month is ``*`` or ``?``, so that the day of the week alone decides."""
    weekdays: frozenset[int]
    """0 is Sunday."""
    nth: int | None
    """Which one of these days of the month it is."""
    last_weekdays: frozenset[int]
    """Days of the week that match as the last one of the month."""
    any_weekday: bool
    """Whether the day of the week is ``*`` or ``?``."""

    def matches_day(self, day: int, weekday: int, days_in_month: int) -> bool:
        """Whether a day of a month matches: where both day fields are restricted, one of them is enough."""
        by_date = day in self.days or (self.last_day and day == days_in_month)
        if self.any_weekday:
            return by_date
        by_weekday = (weekday in self.weekdays and (self.nth is None or (day + 6) // 7 == self.nth)) or (
            weekday in self.last_weekdays and day > days_in_month - 7
        )
        return by_weekday if self.any_day else by_date or by_weekday


@dataclass(frozen=True, slots=True)
class _Field:
    """One of the six fields of a pattern."""

    name: str
    least: int
    most: int
    named: bool = False
    last: bool = False

    @property
    def letters(self) -> str:
        return "?,*0123456789H/-" + ("L" if self.last else "")


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_MONTH = _Field("month", 1, 12, named=True)
_DAY = _Field("day of the month", 1, 31, last=True)
_WEEKDAY = _Field("day of the week", 0, 7, named=True, last=True)


@lru_cache(maxsize=256)
def read_pattern(pattern: str, hash_seed: str | None = None, strict: bool = False) -> CronPattern:
    """Reads a pattern: up to six fields, of which the first ones may be left out (second 0, then ``*``).

    Args:
        pattern: the pattern, or one of the aliases ``@yearly`` … ``@secondly``, ``@weekdays``, ``@weekends``.
        hash_seed: what chooses the values of ``H``.
        strict: refuse what cron-parser refuses with its option of this name.

    Raises:
        UnsupportedPattern: cron-parser refuses it too, or takes it for something that nobody can have meant.
    """
    return _Reader(pattern, hash_seed, strict).read()


class _Reader:
    def __init__(self, pattern: str, hash_seed: str | None, strict: bool) -> None:
        self._pattern = pattern
        self._seeded = bool(hash_seed)
        self._fractions = fractions(hash_seed) if hash_seed else repeat(0.0)
        self._strict = strict

    def read(self) -> CronPattern:
        texts = self._split()
        # In cron-parser's order, as each field draws a number of the seed.
        seconds, minutes, hours, months = (
            self._numbers(field, texts[field]) for field in (_SECOND, _MINUTE, _HOUR, _MONTH)
        )
        days = self._values(_DAY, texts[_DAY])
        weekday_text, nth = self._nth(texts[_WEEKDAY])
        weekdays = self._values(_WEEKDAY, weekday_text)
        if "L" in weekdays:
            raise self._refuse(f"the {_WEEKDAY.name} has an L without a day")
        numbered_days = {day for day in days if isinstance(day, int)}
        any_weekday = texts[_WEEKDAY] in ("*", "?")
        last_day = "L" in texts[_DAY]
        if len(months) == 1:
            longest = _LONGEST_MONTHS[months[0] - 1]
            if not last_day and any_weekday and min(numbered_days) > longest:
                raise self._refuse(f"month {months[0]} has no day {min(numbered_days)}")
        # Any L in the field makes all its days last ones, even the L of a name (JUL), and the first digit counts.
        last_weekdays = {int(str(day)[0]) % 7 for day in weekdays} if "L" in texts[_WEEKDAY] else set()
        return CronPattern(
            seconds=tuple(seconds),
            minutes=tuple(minutes),
            hours=tuple(hours),
            months=frozenset(months),
            days=frozenset(numbered_days),
            last_day=last_day,
            any_day=texts[_DAY] in ("*", "?"),
            weekdays=frozenset(day for day in weekdays if isinstance(day, int)),
            nth=nth,
            last_weekdays=frozenset(last_weekdays),
            any_weekday=any_weekday,
        )

    def _split(self) -> dict[_Field, str]:
        text = _ALIASES.get(self._pattern, self._pattern)
        if not text:
            raise self._refuse("it is empty")
        if len(text) > _LONGEST:
            raise self._refuse(f"it is longer than {_LONGEST} characters")
        texts = [part for part in _GAPS.split(text) if part]
        if not texts or len(texts) > 6 or (self._strict and len(texts) < 6):
            raise self._refuse(f"it has {len(texts)} fields")
        texts = [*("0", "*", "*", "*", "*")[: 6 - len(texts)], *texts]
        fields = dict(zip((_SECOND, _MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY), texts, strict=True))
        if self._strict and "*" not in (fields[_DAY], fields[_WEEKDAY]):
            raise self._refuse("it is strict, and restricts both the day of the month and the day of the week")
        return fields

    def _nth(self, text: str) -> tuple[str, int | None]:
        """The text of the day of the week without ``#n``, and the n."""
        days, mark, nth = text.partition("#")
        if not mark:
            return text, None
        if not _NTH.fullmatch(nth) or any(sign in days for sign in ",-/"):
            raise self._refuse(f"the {_WEEKDAY.name} {text!r} is not one day and # and a number from 1 to 5")
        return days, int(nth)

    def _numbers(self, field: _Field, text: str) -> list[int]:
        return sorted(value for value in self._values(field, text) if isinstance(value, int))

    def _values(self, field: _Field, text: str) -> list[int | str]:
        """What a field matches: numbers, and the texts that end in ``L``."""
        fraction = next(self._fractions)
        if field.named:
            text = _NAME.sub(lambda name: self._number(field, name[0]), text)
        if strange := _HASHED_RANGE.sub("", text).strip(field.letters):
            raise self._refuse(f"the {field.name} {text!r} has {strange!r}")
        text = text.replace("*", "?").replace("?", f"{field.least}-{field.most}")
        if "H" in text:
            if not self._seeded:
                raise self._refuse(f"the {field.name} has an H, which without a hashSeed is another one every time")
            try:
                text = resolve_hashes(text, fraction, field.least, field.most, self._strict)
            except UnusableHash as fault:
                raise self._refuse(f"the {field.name} {text!r}: {fault}") from None
        values = [value for part in text.split(",") for value in self._part(field, part)]
        if len(set(values)) != len(values):
            raise self._refuse(f"the {field.name} {text!r} says a value twice")
        return values

    def _number(self, field: _Field, name: str) -> str:
        number = _NAMES.get(name.lower())
        if number is None:
            raise self._refuse(f"the {field.name} has {name!r}")
        return number

    def _part(self, field: _Field, text: str) -> list[int | str]:
        """One part of a list: a value, a range, a range with steps."""
        span, *steps = text.split("/")
        if len(steps) > 1:
            raise self._refuse(f"the {field.name} {text!r} has two steps")
        if not steps and "-" not in span:
            return [self._value(field, span)]
        # A start with a step runs to the end of the field, and what follows a second hyphen is not read.
        low, high = map(_leading_number, (span if "-" in span else f"{span}-{field.most}").split("-")[:2])
        step = _leading_number(steps[0]) if steps else 1
        if low is None or high is None or not field.least <= low <= high <= field.most:
            raise self._refuse(f"the {field.name} {text!r} is no range within {field.least}-{field.most}")
        if not step:
            raise self._refuse(f"the {field.name} {text!r} is no step")
        values: list[int | str] = list(range(low, high + 1, step))
        if field is _WEEKDAY and values[-1] == 7 and low:
            values.append(0)
        return values

    def _value(self, field: _Field, text: str) -> int | str:
        if field.last and _LAST.fullmatch(text):
            return text
        if not _DIGITS.fullmatch(text) or not field.least <= int(text) <= field.most:
            raise self._refuse(f"the {field.name} {text!r} is not within {field.least}-{field.most}")
        return int(text) % 7 if field is _WEEKDAY else int(text)

    def _refuse(self, reason: str) -> UnsupportedPattern:
        return UnsupportedPattern(self._pattern, reason)


def _leading_number(text: str) -> int | None:
    """The number that a text begins with, whatever follows it, as parseInt reads it."""
    digits = _DIGITS.match(text)
    return int(digits[0]) if digits else None
