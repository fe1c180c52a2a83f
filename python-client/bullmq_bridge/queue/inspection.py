"""Reading what is in one queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.exchange import ask, optional_text, pairs, read_together, run, text
from bullmq_bridge.protocol.queue_calls import QueueCalls
from bullmq_bridge.queue.job_view import JobState, JobView, parse_job_view
from bullmq_bridge.queue.json_text import read_json
from bullmq_bridge.queue.priority import priority_number

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.command import Command
    from bullmq_bridge.protocol.exchange import Reply, ScriptCall, Steps
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.queue.priority import PriorityName

#: What is counted and listed when nothing else is asked for.
ALL_STATES: tuple[JobState, ...] = (
    "active",
    "completed",
    "delayed",
    "failed",
    "prioritized",
    "waiting",
    "waiting-children",
)
#: Keys that are lists; the others are sorted sets.
LISTS = ("wait", "paused", "active")
NOT_STARTED: tuple[JobState, ...] = ("waiting", "delayed", "prioritized", "waiting-children")


@dataclass(frozen=True, slots=True)
class JobLogs:
    """Lines of a job's log, and how many there are in all."""

    rows: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most ``max`` jobs start in ``duration_ms``."""

    max: int
    duration_ms: int


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """A worker that is connected, of either language.

    Args:
        name: what it was named, if anything.
        address: of its connection.
        age_s: for how long it has been connected.
        idle_s: for how long it has sent nothing.
        client: everything that Redis says about its connection.
    """

    name: str | None
    address: str
    age_s: int
    idle_s: int
    client: dict[str, str] = field(default_factory=dict, repr=False)


class Inspection:
    """What reads."""

    def __init__(self, keys: QueueKeys, bundle: Bundle) -> None:
        self._keys = keys
        self._calls = QueueCalls(keys, bundle)
        # BullMQ 5 moves the waiting jobs of a paused queue to a list of their own.
        self._waiting_lists = ("wait", "paused") if bundle.version[0] == 5 else ("wait",)

    def get_job(self, job_id: str) -> Steps[JobView | None]:
        """See ``Queue.get_job``."""
        key = self._keys.job(job_id)
        commands: list[Command | ScriptCall] = [
            self._calls.get_state(job_id),
            ("HGETALL", key),
            ("LRANGE", f"{key}:logs", 0, -1),
        ]
        state, fields, logs = yield from read_together(commands)
        return parse_job_view(self._keys, job_id, fields, text(state), logs)

    def get_job_state(self, job_id: str) -> Steps[str]:
        """See ``Queue.get_job_state``."""
        reply = yield from run(self._calls.get_state(job_id), reads=True)
        return text(reply)

    def get_job_logs(self, job_id: str, start: int, end: int, ascending: bool) -> Steps[JobLogs]:
        """See ``Queue.get_job_logs``."""
        key = f"{self._keys.job(job_id)}:logs"
        first, last = (start, end) if ascending else (-(end + 1), -(start + 1))
        rows, count = yield from ask(("LRANGE", key, first, last), ("LLEN", key))
        lines = [text(row) for row in rows]
        return JobLogs(tuple(lines if ascending else reversed(lines)), count)

    def get_jobs(
        self, states: JobState | Iterable[JobState] | None, start: int, end: int, ascending: bool
    ) -> Steps[list[JobView]]:
        """See ``Queue.get_jobs``."""
        wanted = self._lists(states)
        names = [name for _, name in wanted]
        if self._calls.has_get_jobs:
            lists = yield from run(self._calls.get_jobs(names, start, end, ascending), reads=True)
        else:
            lists = yield from self._read_jobs(names, start, end, ascending)
        jobs: dict[str, JobView] = {}
        for (state, _), entries in zip(wanted, lists, strict=True):
            for raw_id, fields in entries or ():
                job = parse_job_view(self._keys, text(raw_id), fields, state)
                if job is not None:
                    jobs.setdefault(job.id, job)
        return list(jobs.values())

    def _read_jobs(self, names: list[str], start: int, end: int, ascending: bool) -> Steps[list[Reply]]:
        """What ``getJobs`` answers, in two steps: ids, then hashes."""
        ranges = yield from run(self._calls.get_ranges(names, start, end, ascending), reads=True)
        # The script reads lists from their other end for that, but leaves them in their order.
        reverse = [ascending and name in LISTS for name in names]
        ids = [found[::-1] if back else found for found, back in zip(ranges, reverse, strict=True)]
        hashes: list[Command] = [("HGETALL", self._keys.job(text(job_id))) for found in ids for job_id in found]
        replies = iter((yield from ask(*hashes)) if hashes else [])
        return [[(job_id, next(replies)) for job_id in found] for found in ids]

    def _lists(self, states: JobState | Iterable[JobState] | None) -> list[tuple[JobState, str]]:
        """States with the key, by its last part, that holds their jobs; waiting jobs may lie in two."""
        return [
            (state, name)
            for state in _states(states)
            for name in (self._waiting_lists if state == "waiting" else (list_name(state),))
        ]

    def get_job_counts(self, states: JobState | Iterable[JobState] | None) -> Steps[dict[str, int]]:
        """See ``Queue.get_job_counts``."""
        wanted = self._lists(states)
        counts = yield from run(self._calls.get_counts([name for _, name in wanted]), reads=True)
        total: dict[str, int] = {}
        for (state, _), count in zip(wanted, counts, strict=True):
            total[state] = total.get(state, 0) + count
        return total

    def count(self) -> Steps[int]:
        """See ``Queue.count``."""
        counts = yield from self.get_job_counts(NOT_STARTED)
        return sum(counts.values())

    def get_counts_per_priority(self, priorities: Sequence[PriorityName | int]) -> Steps[dict[PriorityName | int, int]]:
        """See ``Queue.get_counts_per_priority``."""
        numbers = [0 if priority == 0 else priority_number(priority) for priority in priorities]
        if not numbers:
            return {}
        counts = yield from run(self._calls.get_counts_per_priority(numbers), reads=True)
        return dict(zip(priorities, counts, strict=True))

    def is_paused(self) -> Steps[bool]:
        """See ``Queue.is_paused``."""
        (paused,) = yield from ask(("HEXISTS", self._keys.meta, "paused"))
        return bool(paused)

    def get_global_concurrency(self) -> Steps[int | None]:
        """See ``Queue.get_global_concurrency``."""
        (concurrency,) = yield from ask(("HGET", self._keys.meta, "concurrency"))
        return int(concurrency) if concurrency else None

    def get_global_rate_limit(self) -> Steps[RateLimit | None]:
        """See ``Queue.get_global_rate_limit``."""
        (values,) = yield from ask(("HMGET", self._keys.meta, "max", "duration"))
        most, duration = values
        return RateLimit(int(most), int(duration)) if most and duration else None

    def get_rate_limit_ttl(self) -> Steps[int]:
        """See ``Queue.get_rate_limit_ttl``."""
        ttl = yield from run(self._calls.get_rate_limit_ttl(), reads=True)
        return max(int(ttl), 0)

    def get_deduplication_job_id(self, deduplication_id: str) -> Steps[str | None]:
        """See ``Queue.get_deduplication_job_id``."""
        (job_id,) = yield from ask(("GET", self._keys.key(f"de:{deduplication_id}")))
        return optional_text(job_id)

    def get_children_values(self, job_id: str) -> Steps[dict[str, Any]]:
        """See ``Queue.get_children_values``."""
        (values,) = yield from ask(("HGETALL", f"{self._keys.job(job_id)}:processed"))
        return {text(key): read_json(value) for key, value in pairs(values).items()}

    def get_ignored_children_failures(self, job_id: str) -> Steps[dict[str, str]]:
        """See ``Queue.get_ignored_children_failures``."""
        (reasons,) = yield from ask(("HGETALL", f"{self._keys.job(job_id)}:failed"))
        return {text(key): text(value) for key, value in pairs(reasons).items()}

    def get_workers(self) -> Steps[list[WorkerInfo]]:
        """See ``Queue.get_workers``."""
        (clients,) = yield from ask(("CLIENT", "LIST"))
        return [worker for line in text(clients).splitlines() if (worker := self._worker(line)) is not None]

    def _worker(self, line: str) -> WorkerInfo | None:
        client = {name: value for name, _, value in (part.partition("=") for part in line.split(" "))}
        unnamed = self._keys.client_name()
        own = client.get("name", "")
        if own != unnamed and not own.startswith(f"{unnamed}:w:"):
            return None
        return WorkerInfo(
            name=own[len(unnamed) + 3 :] or None,
            address=client.get("addr", ""),
            age_s=int(client.get("age", 0)),
            idle_s=int(client.get("idle", 0)),
            client=client,
        )


def list_name(state: JobState) -> str:
    """The last part of the key that holds the jobs of a state.

    Raises:
        ValueError: there is no such state.
    """
    if state not in ALL_STATES:
        raise ValueError(f"there is no state {state!r}; the states are {', '.join(ALL_STATES)}")
    return "wait" if state == "waiting" else state


def _states(states: JobState | Iterable[JobState] | None) -> list[JobState]:
    wanted: Iterable[JobState] = [states] if isinstance(states, str) else states or ALL_STATES
    return list(dict.fromkeys(wanted)) or list(ALL_STATES)
