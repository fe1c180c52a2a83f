"""What to do after the command connection was lost with commands unanswered.

Nothing is sent again blindly. A command whose reply is missing may have been applied, may not have been, and may
still be in the old socket; and an ack that was applied may have fetched a next job that nobody knows of.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bullmq_bridge.protocol.job import parse_job
from bullmq_bridge.worker.call import FetchCall, JobCall, NoteCall, RepeatableCall
from bullmq_bridge.worker.connection import ReplyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Container, Iterable

    from bullmq_bridge.protocol.bundle import Script
    from bullmq_bridge.protocol.job import JobRecord
    from bullmq_bridge.protocol.keys import QueueKeys
    from bullmq_bridge.worker.active_job import ActiveJob
    from bullmq_bridge.worker.connection import Call, Connection

    Ask = Callable[..., Awaitable[Any]]

logger = logging.getLogger("bullmq_bridge.worker")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which connection of which server process: None where the server does not let us ask."""

    client_id: int | None
    run_id: str | None


@dataclass(slots=True)
class Findings:
    """What became of the unanswered commands.

    Args:
        resend: were not applied.
        replies: were applied, or do not matter any more; with the reply that was lost, as far as it matters.
        strays: jobs that are active under this worker's tokens and belong to none of the commands.
    """

    resend: list[Call] = field(default_factory=list)
    replies: list[tuple[Call, Any]] = field(default_factory=list)
    strays: list[tuple[JobRecord, str]] = field(default_factory=list)


async def identify(connection: Connection) -> Identity:
    """Asks who we are, so that this connection can be ended from the next one."""
    try:
        return await identity_of(connection.call)
    except ReplyError as error:
        logger.warning("Redis does not tell who this connection is (%s): a lost one cannot be ended safely", error)
        return Identity(None, None)


async def identity_of(ask: Ask) -> Identity:
    """Of the connection over which ``ask`` sends.

    Raises:
        ReplyError: the server does not tell.
    """
    client_id = int(await ask("CLIENT", "ID"))
    info = await ask("INFO", "server")
    lines = info.decode("utf-8", "replace").splitlines()
    run_id = next((line.partition(":")[2] for line in lines if line.startswith("run_id:")), None)
    return Identity(client_id, run_id)


async def end_old_connection(ask: Ask, old: Identity | None, new: Identity) -> None:
    """Kills a lost connection on the server, if it is there: bytes still in its socket would run after we looked."""
    if old is None or old.client_id is None or old.run_id != new.run_id:
        # Another server process: its client ids are its own, and the old socket died with the old one.
        return
    try:
        await ask("CLIENT", "KILL", "ID", old.client_id)
    except ReplyError as error:
        if "No such client" not in str(error):
            logger.warning("the lost connection could not be ended on the server: %s", error)


async def load_scripts(connection: Connection, scripts: Iterable[Script]) -> None:
    """Puts the scripts into the server's cache before the first command needs one."""
    for script in scripts:
        await connection.call("SCRIPT", "LOAD", script.source)


async def reconcile(
    ask: Ask,
    keys: QueueKeys,
    worker_id: str,
    unanswered: list[Call],
    known: Container[str],
    fetches_alone: Callable[[str], bool],
) -> Findings:
    """Finds out what became of commands that were sent and not answered.

    Args:
        ask: sends a command to Redis.
        keys: of the queue.
        worker_id: with which all tokens of this worker begin.
        unanswered: the commands, in the order in which they were sent.
        known: ids of the jobs that are tracked now.
        fetches_alone: whether a slot fetches under the token by itself: what is locked under it is no stray.
    """
    findings = Findings()
    calls = [call for call in unanswered if isinstance(call, JobCall)]
    ours = await asyncio.gather(*(_still_ours(ask, keys, call.job) for call in calls))
    unapplied = {call for call, still_ours in zip(calls, ours, strict=True) if still_ours}
    settled = {call.job.record.id for call in calls if call not in unapplied}
    orphans = await _orphans(ask, keys, worker_id, known, settled)
    # One connection runs its commands in order: a note that stands before an applied call was applied too.
    last_applied = max((unanswered.index(call) for call in calls if call not in unapplied), default=-1)
    for index, call in enumerate(unanswered):
        if (
            call in unapplied
            or isinstance(call, RepeatableCall)
            or (isinstance(call, NoteCall) and index > last_applied)
        ):
            findings.resend.append(call)
        elif isinstance(call, (JobCall, FetchCall)):
            # What it fetched is locked under its own token.
            fields_and_id = orphans.pop(call.token, (0, 0))
            findings.replies.append((call, [*fields_and_id, 0, 0]))
    findings.strays = [
        (parse_job(job_id, fields), token) for token, (fields, job_id) in orphans.items() if not fetches_alone(token)
    ]
    return findings


async def _still_ours(ask: Ask, keys: QueueKeys, job: ActiveJob) -> bool:
    """Whether the job is still in the very run that we hold: same token, same start.

    The token alone proves nothing: a job put back with delay 0 can be fetched again by the same call, under it.
    """
    token = await ask("GET", keys.lock(job.record.id))
    if token != job.token.encode():
        return False
    started = await ask("HGET", keys.job(job.record.id), "ats")
    return int(started or 0) == job.record.attempts_started


async def _orphans(
    ask: Ask, keys: QueueKeys, worker_id: str, known: Container[str], settled: set[str]
) -> dict[str, tuple[list[bytes], bytes]]:
    """Fields and ids of the active jobs that nobody tracks and that are locked by this worker, by token."""
    ids = await ask("LRANGE", keys.active, 0, -1)
    names = {job_id: job_id.decode("utf-8", "replace") for job_id in ids}
    unknown = [job_id for job_id, name in names.items() if name not in known or name in settled]
    if not unknown:
        return {}
    tokens = await ask("MGET", *(keys.lock(names[job_id]) for job_id in unknown))
    orphans = {}
    for job_id, token in zip(unknown, tokens, strict=True):
        if token is not None and token.startswith(worker_id.encode()):
            orphans[token.decode()] = (await ask("HGETALL", keys.job(names[job_id])), job_id)
    return orphans
