"""A job as its Redis hash describes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.new_job import ParentReference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class JobRecord:
    """What a worker needs of a job's hash (field names: bullmq 6.7.0, ``rawToJobJson``).

    Attributes:
        id: the job's id.
        fields: the hash itself.
        name: None when the hash was gone: the scripts then make one that has ``ats`` and ``processedOn`` only.
        data: the JSON text that the producer wrote: whoever runs the job decodes it.
        opts_text: the options as JSON text.
        token: under which a worker holds its lock; empty for a job that nobody holds.
    """

    __slots__ = ("_opts", "data", "fields", "id", "name", "opts_text", "token")

    def __init__(self, job_id: str, fields: Mapping[bytes, bytes], token: str = "") -> None:
        self.id = job_id
        self.fields = fields
        field = fields.get
        self.name = _text(field(b"name"))
        self.data = field(b"data")
        self.opts_text = field(b"opts", b"")
        self.token = token
        self._opts: dict[str, Any] | None = None

    # The rest is read when it is asked for, which for most jobs is never.

    @property
    def opts(self) -> dict[str, Any]:
        """The options, by BullMQ's short keys; empty when they cannot be read."""
        if self._opts is None:
            self._opts = parse_options(self.opts_text)
        return self._opts

    @property
    def attempts_made(self) -> int:
        """Attempts that have ended."""
        return _integer(self.fields.get(b"atm") or self.fields.get(b"attemptsMade"))

    @property
    def attempts_started(self) -> int:
        """Times that it was started; counts hand-backs too."""
        return _integer(self.fields.get(b"ats"))

    @property
    def stalled_count(self) -> int:
        """Times that its worker vanished."""
        return _integer(self.fields.get(b"stc"))

    @property
    def priority(self) -> int:
        """1 is the highest; 0 means none, and goes before all."""
        return _integer(self.fields.get(b"priority"))

    @property
    def timestamp(self) -> int:
        """When it was added, in ms since the epoch."""
        return _integer(self.fields.get(b"timestamp"))

    @property
    def processed_on(self) -> int:
        """When the last attempt started, in ms since the epoch; 0 if none has."""
        return _integer(self.fields.get(b"processedOn"))

    @property
    def deferred_failure(self) -> str | None:
        """Why it is to fail without being run."""
        return _text(self.fields.get(b"defa"))

    @property
    def scheduler_id(self) -> str | None:
        """The job scheduler that it is an iteration of."""
        return _text(self.fields.get(b"rjk"))

    @property
    def parent_key(self) -> str | None:
        """Key of its parent's hash."""
        return _text(self.fields.get(b"parentKey"))

    @property
    def parent(self) -> ParentReference | None:
        """Its parent, if it has one that can be read."""
        try:
            parent = json.loads(self.fields.get(b"parent", b"null"))
            return ParentReference(str(parent["id"]), str(parent["queueKey"]))
        except (TypeError, KeyError, ValueError, RecursionError):
            return None

    @property
    def stacktrace(self) -> tuple[str, ...]:
        """Tracebacks of the attempts that failed."""
        return _stacktrace(self.fields.get(b"stacktrace"))


def parse_job(job_id: bytes | str, fields: Sequence[bytes]) -> JobRecord:
    """A job from the flat field/value list of ``HGETALL``."""
    return JobRecord(_text(job_id) or "", {fields[at]: fields[at + 1] for at in range(0, len(fields), 2)})


def _text(value: bytes | str | None) -> str | None:
    # Node's own reader replaces what is not UTF-8; refusing it here would leave the job without a worker.
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _integer(value: bytes | None) -> int:
    if value is None:
        return 0
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return 0


def parse_options(text: bytes) -> dict[str, Any]:
    """A job's options; empty when they cannot be read."""
    try:
        options = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return options if isinstance(options, dict) else {}


def _stacktrace(value: bytes | None) -> tuple[str, ...]:
    if not value:
        return ()
    try:
        traces = json.loads(value)
    except (ValueError, RecursionError):
        return ()
    return tuple(str(trace) for trace in traces) if isinstance(traces, list) else ()
