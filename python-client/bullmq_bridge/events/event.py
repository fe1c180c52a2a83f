"""What happens in a queue, as its event stream tells it (bullmq 6.7.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.exchange import pairs, text
from bullmq_bridge.queue.json_text import read_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.protocol.exchange import Reply


@dataclass(frozen=True, slots=True)
class QueueEvent:
    """Something happened. ``id``: of the event in the stream; its first part is the time, in ms since the epoch."""

    id: str


@dataclass(frozen=True, slots=True)
class JobEvent(QueueEvent):
    """Something happened to a job."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Added(JobEvent):
    """A job was stored."""

    name: str


@dataclass(frozen=True, slots=True)
class Waiting(JobEvent):
    """A job waits for a worker. ``previous``: the state that it was in, if any."""

    previous: str | None = None


@dataclass(frozen=True, slots=True)
class WaitingChildren(JobEvent):
    """A job waits for its children. ``previous``: the state that it was in, if any."""

    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Delayed(JobEvent):
    """A job waits for its time, ``until_ms`` (ms since the epoch)."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Active(JobEvent):
    """A worker took a job. ``previous``: the state that it was in."""

    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Progress(JobEvent):
    """A job's processor reported. ``progress_json``: what, as it lies in Redis."""

    progress_json: str

    @property
    def progress(self) -> Any:
        """What it reported; ``NotJson`` if it is no JSON."""
        return read_json(self.progress_json)


@dataclass(frozen=True, slots=True)
class Completed(JobEvent):
    """A job completed. ``returnvalue_json``: its result as it lies in Redis."""

    returnvalue_json: str
    previous: str | None = None

    @property
    def returnvalue(self) -> Any:
        """The result; ``NotJson`` if it is no JSON. ``wait_until_finished`` checks it against the contract, too."""
        return read_json(self.returnvalue_json)


@dataclass(frozen=True, slots=True)
class Failed(JobEvent):
    """A job failed for good. ``reason``: why."""

    reason: str
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class RetriesExhausted(JobEvent):
    """A job that failed has no attempt left."""

    attempts_made: int


@dataclass(frozen=True, slots=True)
class Stalled(JobEvent):
    """A worker lost a job, which waits again."""


@dataclass(frozen=True, slots=True)
class Removed(JobEvent):
    """A job was removed. ``previous``: the state that it was in."""

    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Duplicated(JobEvent):
    """A job was added whose id existed already: it was left as it is."""


@dataclass(frozen=True, slots=True)
class Deduplicated(JobEvent):
    """A job was added that counts as one with ``job_id``. ``deduplicated_job_id``: the one that was not added."""

    deduplication_id: str
    deduplicated_job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Cleaned(QueueEvent):
    """Jobs were cleaned away; ``count``: how many."""

    count: int


@dataclass(frozen=True, slots=True)
class Paused(QueueEvent):
    """The queue was paused."""


@dataclass(frozen=True, slots=True)
class Resumed(QueueEvent):
    """The queue was resumed."""


@dataclass(frozen=True, slots=True)
class Drained(QueueEvent):
    """A worker found nothing more to do."""


@dataclass(frozen=True, slots=True)
class Unknown(QueueEvent):
    """An event of a kind that this library does not know, or whose fields are not what they should be."""

    kind: str
    fields: dict[str, str]


Fields = dict[str, str]

_KINDS: dict[str, Callable[[str, Fields], QueueEvent]] = {
    "added": lambda i, f: Added(i, f["jobId"], f.get("name", "")),
    "waiting": lambda i, f: Waiting(i, f["jobId"], f.get("prev")),
    "waiting-children": lambda i, f: WaitingChildren(i, f["jobId"], f.get("prev")),
    "delayed": lambda i, f: Delayed(i, f["jobId"], int(float(f["delay"]))),
    "active": lambda i, f: Active(i, f["jobId"], f.get("prev")),
    "progress": lambda i, f: Progress(i, f["jobId"], f["data"]),
    "completed": lambda i, f: Completed(i, f["jobId"], f["returnvalue"], f.get("prev")),
    "failed": lambda i, f: Failed(i, f["jobId"], f.get("failedReason", ""), f.get("prev")),
    "retries-exhausted": lambda i, f: RetriesExhausted(i, f["jobId"], int(f["attemptsMade"])),
    "stalled": lambda i, f: Stalled(i, f["jobId"]),
    "removed": lambda i, f: Removed(i, f["jobId"], f.get("prev")),
    "duplicated": lambda i, f: Duplicated(i, f["jobId"]),
    "deduplicated": lambda i, f: Deduplicated(i, f["jobId"], f["deduplicationId"], f.get("deduplicatedJobId")),
    "cleaned": lambda i, f: Cleaned(i, int(f["count"])),
    "paused": lambda i, _: Paused(i),
    "resumed": lambda i, _: Resumed(i),
    "drained": lambda i, _: Drained(i),
}


def parse_event(entry: Reply) -> QueueEvent:
    """The event of an entry of the stream. Never raises: what it cannot read is ``Unknown``."""
    raw_id, raw_fields = entry
    event_id = text(raw_id)
    # (an entry that was deleted while it was read has none)
    fields = {text(name): text(value) for name, value in pairs(raw_fields or []).items()}
    kind = fields.pop("event", "")
    try:
        return _KINDS[kind](event_id, fields)
    except (KeyError, ValueError, OverflowError):
        return Unknown(event_id, kind, fields)
