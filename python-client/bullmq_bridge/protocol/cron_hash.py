"""The ``H`` of a cron pattern: values that a seed chooses, so that many schedules do not fall on the same second."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_HASHED = re.compile(r"H(?:\(([0-9]+)-([0-9]+)\))?(?:/([0-9]+))?")
_WORD = 0xFFFF_FFFF
_EXACT = 2**53
"""Where JavaScript's numbers stop being exact."""


class UnusableHash(ValueError):
    """An ``H`` stands for no value of its field."""


def fractions(seed: str) -> Iterator[float]:
    """The numbers from 0 up to 1 that cron-parser draws from a seed: one a field, whether it has an ``H`` or not.

    They are mulberry32's, started with the FNV-1a hash of the seed's UTF-16 code units.
    """
    state = 0x811C_9DC5
    units = seed.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        state = (state ^ (low | high << 8)) * 0x0100_0193 & _WORD
    while True:
        state = state + 0x6D2B_79F5 & _WORD
        mixed = (state ^ state >> 15) * (state | 1) & _WORD
        mixed ^= mixed + (mixed ^ mixed >> 7) * (mixed | 61) & _WORD
        yield (mixed ^ mixed >> 14) / 2**32


def resolve_hashes(text: str, fraction: float, least: int, most: int, strict: bool) -> str:
    """A field with each ``H``, ``H(a-b)``, ``H/n`` and ``H(a-b)/n`` replaced by the values that it stands for.

    Args:
        text: the field.
        fraction: what the seed gave for the field.
        least: least value of the field.
        most: greatest value of the field.
        strict: refuse ranges and steps that do not fit the field, instead of fitting them.

    Raises:
        UnusableHash: a range or a step cannot be used.
    """

    def values(found: re.Match[str]) -> str:
        low, high = least, most
        if found[1] is not None:
            low, high = int(found[1]), int(found[2])
            if strict and (low < least or high > most):
                raise UnusableHash(f"{found[0]} is outside {least}-{most}")
            if low > high or max(low, least) > min(high, most):
                raise UnusableHash(f"{found[0]} holds no value of {least}-{most}")
            low, high = max(low, least), min(high, most)
        size = high - low + 1
        one = str(math.floor(fraction * size) + low)
        if found[3] is None:
            return one
        step = int(found[3])
        if not 0 < step < _EXACT:
            raise UnusableHash(f"{step} is no step")
        if strict and step > size:
            raise UnusableHash(f"{found[0]} steps over all of {low}-{high}")
        first = low // step * step + math.floor(fraction * step)
        return ",".join(str(value) for value in range(first, high + 1, step) if value >= low) or one

    return _HASHED.sub(values, text)
