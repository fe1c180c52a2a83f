"""Offsets of a time zone from UTC, for the names that Node takes."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

if TYPE_CHECKING:
    from collections.abc import Callable

    OffsetOf = Callable[[int], int]
    """The offset from UTC in ms (east is positive) that holds at an instant (epoch ms)."""

_FIXED = re.compile(r"utc(?:([+-])([0-9]{1,2})(?::([0-9]{2}))?)?", re.ASCII)
_LOCAL = frozenset({"default", "local", "system"})
_NO_ZONES = frozenset({"localtime", "factory"})
"""Files beside the zones that Node does not take for one."""


class UnknownTimeZone(ValueError):
    """Nobody can say for certain which time zone this is."""


def offsets_of(name: str | None) -> OffsetOf:
    """The offsets of a time zone, by the names that luxon 3 (so cron-parser 5, so BullMQ) knows.

    Args:
        name: an IANA name in any case (``Europe/Lisbon``), ``UTC``, ``UTC+5:30``, or nothing (also ``local``,
            ``system``, ``default``): the zone of this machine, or of the environment variable TZ.

    Raises:
        UnknownTimeZone: there is no such zone here, or TZ is not the name of one (Node reads POSIX rules and paths
            in TZ differently than the C library does).
    """
    if name is None:
        return _local_offsets()
    lowered = name.lower()
    if lowered in _LOCAL:
        return _local_offsets()
    fixed = _FIXED.fullmatch(lowered)
    if fixed is not None:
        sign, hours, minutes = fixed.groups(default="0")
        offset = (int(hours) * 60 + int(minutes)) * 60_000
        return _fixed(-offset if sign == "-" else offset)
    return _named(name)


def _local_offsets() -> OffsetOf:
    configured = os.environ.get("TZ")
    if configured is None:
        return _of_this_machine
    if not configured:
        return _fixed(0)
    name = configured.removeprefix(":")
    if name not in _known().values():
        raise UnknownTimeZone(
            f"the environment variable TZ={configured!r} is not the name of a time zone, and Node would read it "
            "differently: set TZ to a name such as Europe/Lisbon, or give the schedule a tz"
        )
    return _named(name)


def _of_this_machine(epoch_ms: int) -> int:
    return time.localtime(epoch_ms // 1000).tm_gmtoff * 1000


def _fixed(offset_ms: int) -> OffsetOf:
    return lambda _: offset_ms


@lru_cache(maxsize=64)
def _named(name: str) -> OffsetOf:
    known = _known()
    if not known:
        raise UnknownTimeZone(
            f"this machine has no time zone database, so nothing about {name!r}: install the Python package tzdata"
        )
    if name.lower() not in known:
        raise UnknownTimeZone(f"{name!r} is no time zone that this machine knows")
    zone = ZoneInfo(known[name.lower()])

    def offset_of(epoch_ms: int) -> int:
        offset = datetime.fromtimestamp(epoch_ms // 1000, zone).utcoffset()
        assert offset is not None, "a datetime in a zone has an offset"
        return (offset.days * 86_400 + offset.seconds) * 1000

    return offset_of


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    """Names of the zones by their lower-case form: Node takes any case, the file system does not."""
    return {name.lower(): name for name in available_timezones() if name.lower() not in _NO_ZONES}
