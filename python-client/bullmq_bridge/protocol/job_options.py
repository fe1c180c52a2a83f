"""A job's options as they lie in Redis: BullMQ's own names, some of them shortened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: ``optsEncodeMap`` of bullmq 6.7.0.
SHORT_NAMES = {
    "deduplication": "de",
    "failParentOnFailure": "fpof",
    "continueParentOnFailure": "cpof",
    "ignoreDependencyOnFailure": "idof",
    "removeDependencyOnFailure": "rdof",
    "keepLogs": "kl",
}
LONG_NAMES = {short: long for long, short in SHORT_NAMES.items()}

#: How a failure of a child is told to its parent, in the child's ``parent`` field.
FAILURE_POLICIES = {
    "failParentOnFailure": "fpof",
    "continueParentOnFailure": "cpof",
    "ignoreDependencyOnFailure": "idof",
    "removeDependencyOnFailure": "rdof",
}


def shorten(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they are packed for a script (``optsAsJSON``)."""
    short: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        if name == "telemetry":
            if value.get("metadata") is not None:
                short["tm"] = value["metadata"]
            if value.get("omitContext") is not None:
                short["omc"] = value["omitContext"]
        else:
            short[SHORT_NAMES.get(name, name)] = value
    return short


def lengthen(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by their full names, from what lies in Redis (``optsFromJSON``)."""
    long: dict[str, Any] = {}
    for name, value in options.items():
        if name == "tm":
            long.setdefault("telemetry", {})["metadata"] = value
        elif name == "omc":
            long.setdefault("telemetry", {})["omitContext"] = value
        else:
            long[LONG_NAMES.get(name, name)] = value
    return long


def complete(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as BullMQ's ``Job`` completes them before they are stored: with attempts, backoff as a mapping."""
    completed = {"attempts": 0, **options}
    backoff = completed.get("backoff")
    if isinstance(backoff, (int, float)) and not isinstance(backoff, bool):
        completed["backoff"] = {"type": "fixed", "delay": backoff}
    return completed
