"""The frames between the engine and a child: msgpack of ``[kind, ...values]``, one after the other."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]

from bullmq_bridge.outcome import (
    AwaitingChildren,
    Completed,
    Failed,
    FailureKind,
    Limited,
    Moved,
    Outcome,
    Snoozed,
)
from bullmq_bridge.protocol.command import pack
from bullmq_bridge.protocol.job import JobRecord

if TYPE_CHECKING:
    from collections.abc import Iterator


class Kind(IntEnum):
    """What a frame says."""

    #: engine to child: which modules to import, and which worker in them.
    START = 1
    #: engine to child: run this job.
    JOB = 2
    #: engine to child: the answer to an ASK.
    ANSWER = 3
    #: engine to child: run the teardown and leave.
    STOP = 4
    #: child to engine: imported and set up.
    READY = 5
    #: child to engine: could not be started, with the traceback.
    BROKEN = 6
    PROGRESS = 7
    LOG = 8
    ASK = 9
    OUTCOME = 10
    #: engine to child: a connection to Redis has been sent beside the pipes.
    LINE = 11
    #: engine to child: leave the end of the job that runs to the engine.
    RECALL = 12
    #: child to engine: its job was completed over its own line, with Redis' reply, and whether it has begun the job
    #: that came with it.
    ENDED = 13
    #: child to engine: its job was completed over its own line, but Redis did not answer.
    UNANSWERED = 14


def encode(kind: Kind, *values: Any) -> bytes:
    """One frame, ready to be written."""
    return pack((kind, *values))


class FrameReader:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        # Frames end where msgpack says so, and may be as large as its buffer can be.
        self._unpacker = msgpack.Unpacker(strict_map_key=False, max_buffer_size=0)

    def feed(self, data: bytes) -> Iterator[tuple[int, list[Any]]]:
        """The frames that are complete now: the value of a ``Kind``, and what goes with it."""
        self._unpacker.feed(data)
        for kind, *values in self._unpacker:
            yield kind, values


def encode_job(record: JobRecord, further: int) -> bytes:
    """A JOB frame; after the job, the child may take so many further ones by itself."""
    return encode(Kind.JOB, record.id, record.fields, record.token, further)


def decode_job(values: list[Any]) -> tuple[JobRecord, int]:
    """The job of a JOB frame, and how many further ones the child may take."""
    *job, further = values
    return JobRecord(*job), further


_OUTCOMES = {kind.__name__: kind for kind in (Completed, Failed, Snoozed, AwaitingChildren, Limited, Moved)}


def encode_outcome(outcome: Outcome) -> bytes:
    """An OUTCOME frame."""
    return encode(Kind.OUTCOME, type(outcome).__name__, *(getattr(outcome, name) for name in outcome.__slots__))


def decode_outcome(values: list[Any]) -> Outcome:
    """The outcome of an OUTCOME frame."""
    name, *fields = values
    if name == Failed.__name__:
        kind, message, error, trace, retry, paths, delay_ms = fields
        return Failed(FailureKind(kind), message, error, trace, retry, tuple(paths), delay_ms)
    outcome: Outcome = _OUTCOMES[name](*fields)
    return outcome
