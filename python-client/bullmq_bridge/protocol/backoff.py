"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

#: From the number of the attempt that failed to the delay in ms; negative means no further attempt.
Strategy = Callable[[int], float]


class UnknownBackoff(ValueError):
    """The job asks for a backoff strategy that this worker does not have."""


def backoff_delay_ms(backoff: Any, attempt: int, strategies: Mapping[str, Strategy] | None = None) -> int | None:
    """The delay before attempt ``attempt + 1``, as ``backoffs.js`` (bullmq 6.7.0) computes it.

    Args:
        backoff: the job's ``opts.backoff``: a number of ms, ``{"type", "delay", "jitter"?}``, or nothing.
        attempt: number of the attempt that just failed, from 1.
        strategies: delays of other types, by name.

    Returns:
        ms; None when a strategy of the user's says -1: do not try again.

    Raises:
        UnknownBackoff: the type is neither ``fixed`` nor ``exponential`` nor one of ``strategies``.
    """
    if not backoff:
        return 0
    if isinstance(backoff, (int, float)):
        return max(0, round(backoff))
    delay = backoff.get("delay") or 0
    jitter = backoff.get("jitter") or 0
    kind = backoff.get("type")
    if kind == "exponential":
        # An int, so that a large attempt number grows instead of overflowing a float.
        delay = round(2 ** (attempt - 1) * delay)
    elif kind != "fixed":
        strategy = (strategies or {}).get(kind)
        if strategy is None:
            raise UnknownBackoff(f"unknown backoff strategy {kind!r}: declare it with @worker.backoff({kind!r})")
        chosen = strategy(attempt)
        return None if chosen < 0 else round(chosen)
    if jitter:
        return int(random.random() * delay * jitter + delay * (1 - jitter))
    return round(delay)
