"""Priority by name or number."""

from __future__ import annotations

from typing import Literal

PriorityName = Literal["high", "normal", "low"]

#: BullMQ's numbers run against intuition: 1 is the most urgent, and a job *without* a priority goes before all of them.
PRIORITIES: dict[str, int] = {"high": 1, "normal": 10, "low": 100}
LOWEST_PRIORITY = 2**21 - 1


def priority_number(priority: object) -> int:
    """BullMQ's number for a priority.

    Raises:
        ValueError: it is neither a name nor an integer from 1 to 2,097,151.
    """
    number = PRIORITIES.get(priority) if isinstance(priority, str) else priority
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= LOWEST_PRIORITY:
        raise ValueError(
            f"must be {', '.join(PRIORITIES)} or an integer from 1 to {LOWEST_PRIORITY}, not {priority!r} "
            "(0 would go before every other job)"
        )
    return number
