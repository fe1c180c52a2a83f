"""The options of a worker: a flag, an environment variable and a setting for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.mismatch import ALLOW_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Option:
    """A flag that an environment variable can replace. The flag wins; without both, what the worker declares holds.

    ``setting`` is the name in ``Settings``, or None for what is not a setting of one worker. Without a ``metavar`` it
    is a switch: the flag takes no value, the variable takes true or false.
    """

    flag: str
    variable: str
    setting: str | None
    convert: Callable[[str], Any]
    metavar: str | None
    help: str

    @property
    def destination(self) -> str:
        """The attribute of the parsed arguments."""
        return self.flag.lstrip("-").replace("-", "_")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("must be a number") from None


def _positive(text: str) -> float:
    number = _number(text)
    if not number > 0:
        raise ValueError("must be greater than 0")
    return number


def _seconds(text: str) -> float:
    number = _number(text)
    if not number >= 0:
        raise ValueError("must not be negative")
    return number


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError("must be a whole number greater than 0")
    return int(text)


def _choice(*choices: str) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be {' or '.join(choices)}")
        return text

    return choose


def _switch(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("must be true or false")


def _queues(text: str) -> dict[str, int | None]:
    queues: dict[str, int | None] = {}
    for part in text.split(","):
        name, _, slots = part.strip().partition(":")
        if not name or name in queues:
            raise ValueError("must be like mail:10,reports:2")
        queues[name] = _count(slots) if slots else None
    return queues


QUEUES = Option(
    "--queues", "BULLMQ_BRIDGE_QUEUES", None, _queues, "Q[:N],...", "only these queues, with so many slots each"
)
REDIS_URL = Option("--redis-url", "REDIS_URL", "redis_url", str, "URL", "where Redis is")
BUNDLE = Option(
    "--bundle", "BULLMQ_BRIDGE_BUNDLE", None, str, "FILE", "BullMQ's scripts, as `bullmq-bridge emit` wrote them"
)
LOG_FORMAT = Option(
    "--log-format",
    "BULLMQ_BRIDGE_LOG_FORMAT",
    None,
    _choice("human", "json"),
    "FORMAT",
    "of the lines on standard error: human (default) or json",
)
DRY_RUN = Option(
    "--dry-run",
    "BULLMQ_BRIDGE_DRY_RUN",
    None,
    _switch,
    None,
    "check everything but Redis, say what would run, and end",
)
WATCH = Option(
    "--watch",
    "BULLMQ_BRIDGE_WATCH",
    None,
    _switch,
    None,
    "start again when a Python file below the working directory changes",
)

OPTIONS = (
    Option("--concurrency", "BULLMQ_BRIDGE_CONCURRENCY", "concurrency", _count, "N", "slots of each queue"),
    Option(
        "--pool",
        "BULLMQ_BRIDGE_POOL",
        "pool",
        _choice("process", "thread"),
        "POOL",
        "where a plain def runs that does not choose itself: process or thread",
    ),
    QUEUES,
    Option(
        "--burst",
        "BULLMQ_BRIDGE_BURST",
        "burst",
        _switch,
        None,
        "end when the queues have nothing to do now; delayed jobs are left for later",
    ),
    Option(
        "--max-jobs", "BULLMQ_BRIDGE_MAX_JOBS", "max_jobs_per_child", _count, "N", "replace a process slot after N jobs"
    ),
    Option(
        "--max-memory",
        "BULLMQ_BRIDGE_MAX_MEMORY",
        "max_memory_mb",
        _positive,
        "MIB",
        "kill a process slot above this memory; replace it between jobs above three quarters of it",
    ),
    Option(
        "--time-limit", "BULLMQ_BRIDGE_TIME_LIMIT", "time_limit_s", _positive, "S", "stop a job after so many seconds"
    ),
    Option(
        "--soft-time-limit",
        "BULLMQ_BRIDGE_SOFT_TIME_LIMIT",
        "soft_time_limit_s",
        _positive,
        "S",
        "raise TimeLimitExceeded in a job after so many seconds",
    ),
    Option(
        "--start-timeout",
        "BULLMQ_BRIDGE_START_TIMEOUT",
        "start_timeout_s",
        _positive,
        "S",
        "kill a process slot that is not ready after so many seconds",
    ),
    Option(
        "--shutdown-timeout",
        "BULLMQ_BRIDGE_SHUTDOWN_TIMEOUT",
        "shutdown_timeout_s",
        _seconds,
        "S",
        "let jobs finish for so many seconds after SIGTERM",
    ),
    Option(
        "--announce",
        "BULLMQ_BRIDGE_ANNOUNCE",
        "announce",
        _choice("refuse", "warn"),
        "HOW",
        "tell producers which contract is read here; with live ones of another, refuse to start or warn",
    ),
    REDIS_URL,
    BUNDLE,
    Option(
        "--allow-version-mismatch",
        ALLOW_VARIABLE,
        "allow_version_mismatch",
        _switch,
        None,
        "work though the backend's BullMQ does not fit the bundle; jobs can get lost",
    ),
    LOG_FORMAT,
    DRY_RUN,
    WATCH,
)
