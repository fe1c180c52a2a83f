"""Options of a job, as Python names them, and what BullMQ makes of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from bullmq_bridge.protocol.job_options import FAILURE_POLICIES
from bullmq_bridge.queue.priority import priority_number

if TYPE_CHECKING:
    from bullmq_bridge.queue.priority import PriorityName

MAX_SAFE_INTEGER = 2**53 - 1


class _BackoffDelay(TypedDict, total=False):
    delay_ms: int
    jitter: float


class Backoff(_BackoffDelay):
    """How long to wait before the next attempt.

    ``type``: ``fixed``, ``exponential``, or the name of a strategy that the worker has. ``delay_ms``: of the first
    wait. ``jitter``: from 0 to 1, the part of the wait that is random.
    """

    type: str


class Keep(TypedDict, total=False):
    """Which finished jobs to keep: the last ``count``, and none older than ``age_s``; ``limit`` removed at a time."""

    count: int
    age_s: int
    limit: int


class _DeduplicationWindow(TypedDict, total=False):
    ttl_ms: int
    extend: bool
    replace: bool
    keep_last_if_active: bool


class Deduplication(_DeduplicationWindow):
    """Which jobs count as one: while a job with this ``id`` is there, adding another answers the first one's id.

    ``ttl_ms``: only for so long. ``extend``: each attempt starts that time anew. ``replace``: a job that is still
    delayed is replaced by the new one. ``keep_last_if_active``: the last one that came while the job ran is added
    when it has ended.
    """

    id: str


class Parent(TypedDict):
    """A job that waits for this one: its ``id`` and its ``queue`` as ``<prefix>:<queue>`` (``JobView.as_parent``)."""

    id: str
    queue: str


class Telemetry(TypedDict, total=False):
    """Trace context that travels with the job: ``metadata`` as text; ``omit_context`` keeps it out."""

    metadata: str
    omit_context: bool


class TemplateOptions(TypedDict, total=False):
    """Options of every job that a job scheduler makes. They win over the contract's; None counts as not given.

    Keys:
        priority: ``high``, ``normal``, ``low``, or a number from 1 (most urgent) to 2,097,151.
        attempts: how often it is tried in all, the first time included.
        backoff: ms before the next attempt, or a strategy.
        remove_on_complete, remove_on_fail: which finished jobs to keep: all (False), none (True), the last n, or by
            count and age.
        lifo: it goes before the jobs that wait already.
        keep_logs: how many lines of its log are kept.
        stack_trace_limit: how many stack traces are kept.
        size_limit_bytes: refuse data whose JSON text is longer.
        fail_parent_on_failure, continue_parent_on_failure, ignore_dependency_on_failure,
            remove_dependency_on_failure: what becomes of the parent when this job fails for good; one at most.
        telemetry: trace context.
    """

    priority: PriorityName | int | None
    attempts: int | None
    backoff: int | Backoff | None
    remove_on_complete: bool | int | Keep | None
    remove_on_fail: bool | int | Keep | None
    lifo: bool | None
    keep_logs: int | None
    stack_trace_limit: int | None
    size_limit_bytes: int | None
    fail_parent_on_failure: bool | None
    continue_parent_on_failure: bool | None
    ignore_dependency_on_failure: bool | None
    remove_dependency_on_failure: bool | None
    telemetry: Telemetry | None


class FlowOptions(TemplateOptions, total=False):
    """Options of a job in a flow.

    Keys:
        job_id: its id; a job of that id that exists already is left as it is. Not a whole number.
        delay_ms: how long it must not start.
        timestamp_ms: when it counts as added (epoch ms); now, if not given.
        deduplication: which jobs count as one. Not for a job with parent or children.
    """

    job_id: str | None
    delay_ms: int | None
    timestamp_ms: int | None
    deduplication: Deduplication | None


class JobOptions(FlowOptions, total=False):
    """Options of a job that is added by itself.

    Keys:
        parent: a job that is to wait for this one, too.
    """

    parent: Parent | None


def wire_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by BullMQ's names, checked.

    Raises:
        TypeError: there is no such option.
        ValueError: an option has no value that BullMQ can work with.
    """
    wired: dict[str, Any] = {}
    for name, value in options.items():
        if name not in _OPTIONS:
            raise TypeError(f"unknown option {name!r}; known are {', '.join(_OPTIONS)}")
        if value is not None:
            bullmq_name, convert = _OPTIONS[name]
            try:
                wired[bullmq_name] = convert(value)
            except ValueError as error:
                raise ValueError(f"option {name!r} {error}") from None
    return wired


def refuse_contradictions(options: Mapping[str, Any]) -> None:
    """Checks options, by BullMQ's names, that are right one by one.

    Raises:
        ValueError: they cannot be used together.
    """
    policies = [name for name in FAILURE_POLICIES if options.get(name)]
    if len(policies) > 1:
        raise ValueError(f"options {', '.join(policies)} cannot be used together: each says what the parent does")
    if options.get("deduplication") and options.get("parent"):
        raise ValueError("deduplication and parent cannot be used together: the parent would wait for another's child")


def whole_number(least: int) -> Callable[[Any], int]:
    """A check for integers of ``least`` or more, which JavaScript reads the same; True is none of them."""

    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_SAFE_INTEGER:
            raise ValueError(f"must be an integer of {least} or more, not {value!r}")
        return value

    return convert


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be True or False, not {value!r}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"must be a text that is not empty, not {value!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"has a lone surrogate, which UTF-8 cannot carry: {value!r}") from None
    return value


def _fraction(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"must be a number from 0 to 1, not {value!r}")
    return value


def _job_id(value: Any) -> str:
    job_id = _text(value)
    # The rules of ``validateOptions`` and ``addJob``: the queue's counter gives whole numbers, and a colon separates
    # the parts of a key (three parts are those of a job scheduler's jobs).
    if re.fullmatch(r"-?\d+", job_id):
        raise ValueError(f"must not be a whole number, which the queue gives itself: {job_id!r}")
    if job_id.startswith("0:"):
        raise ValueError(f"must not start with '0:': {job_id!r}")
    if ":" in job_id and job_id.count(":") != 2:
        raise ValueError(f"must not contain ':': {job_id!r}")
    return job_id


def _mapping(fields: Mapping[str, tuple[str, Callable[[Any], Any]]], *required: str) -> Callable[[Any], dict[str, Any]]:
    def convert(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping) or not value:
            raise ValueError(f"must be a mapping with {', '.join(fields)}, not {value!r}")
        converted: dict[str, Any] = {}
        for name, part in value.items():
            if name not in fields:
                raise ValueError(f"has an unknown key {name!r}; known are {', '.join(fields)}")
            if part is not None:
                bullmq_name, check = fields[name]
                try:
                    converted[bullmq_name] = check(part)
                except ValueError as error:
                    raise ValueError(f"key {name!r} {error}") from None
        for name in required:
            if fields[name][0] not in converted:
                raise ValueError(f"needs the key {name!r}")
        return converted

    return convert


_strategy = _mapping(
    {"type": ("type", _text), "delay_ms": ("delay", whole_number(0)), "jitter": ("jitter", _fraction)}, "type"
)
_keep_rule = _mapping(
    {"count": ("count", whole_number(0)), "age_s": ("age", whole_number(0)), "limit": ("limit", whole_number(0))}
)


def _backoff(value: Any) -> Any:
    return _strategy(value) if isinstance(value, Mapping) else whole_number(0)(value)


def _keep(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return _keep_rule(value) if isinstance(value, Mapping) else whole_number(0)(value)


_OPTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "job_id": ("jobId", _job_id),
    "delay_ms": ("delay", whole_number(0)),
    "priority": ("priority", priority_number),
    "attempts": ("attempts", whole_number(1)),
    "backoff": ("backoff", _backoff),
    "remove_on_complete": ("removeOnComplete", _keep),
    "remove_on_fail": ("removeOnFail", _keep),
    "lifo": ("lifo", _flag),
    "deduplication": (
        "deduplication",
        _mapping(
            {
                "id": ("id", _text),
                "ttl_ms": ("ttl", whole_number(0)),
                "extend": ("extend", _flag),
                "replace": ("replace", _flag),
                "keep_last_if_active": ("keepLastIfActive", _flag),
            },
            "id",
        ),
    ),
    "keep_logs": ("keepLogs", whole_number(0)),
    "stack_trace_limit": ("stackTraceLimit", whole_number(0)),
    "size_limit_bytes": ("sizeLimit", whole_number(0)),
    "timestamp_ms": ("timestamp", whole_number(0)),
    "parent": ("parent", _mapping({"id": ("id", _text), "queue": ("queue", _text)}, "id", "queue")),
    "fail_parent_on_failure": ("failParentOnFailure", _flag),
    "continue_parent_on_failure": ("continueParentOnFailure", _flag),
    "ignore_dependency_on_failure": ("ignoreDependencyOnFailure", _flag),
    "remove_dependency_on_failure": ("removeDependencyOnFailure", _flag),
    "telemetry": ("telemetry", _mapping({"metadata": ("metadata", _text), "omit_context": ("omitContext", _flag)})),
}
