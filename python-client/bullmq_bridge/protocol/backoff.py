"""How long to wait before the next attempt."""

from __future__ import annotations

import random
from typing import Any


class UnknownBackoff(ValueError):
    """The job asks for a backoff strategy that this worker does not have."""


def backoff_delay_ms(backoff: Any, attempt: int) -> int:
    """The delay before attempt ``attempt + 1``, as ``backoffs.js`` (bullmq 6.7.0) computes it.

    Args:
        backoff: the job's ``opts.backoff``: a number of ms, ``{"type", "delay", "jitter"?}``, or nothing.
        attempt: number of the attempt that just failed, from 1.

    Raises:
        UnknownBackoff: the type is neither ``fixed`` nor ``exponential``.
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
        raise UnknownBackoff(f"unknown backoff strategy {kind!r}: use 'fixed' or 'exponential'")
    if jitter:
        return int(random.random() * delay * jitter + delay * (1 - jitter))
    return round(delay)
