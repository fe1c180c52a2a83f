"""The worker's log: a listener of its events like any other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bullmq_bridge.worker.logs import job_fields

if TYPE_CHECKING:
    from bullmq_bridge.worker.events import Event, Events

logger = logging.getLogger("bullmq_bridge.worker")


def log_events(events: Events) -> None:
    """Writes a line for each event that somebody who runs the worker wants to see."""
    events.on("ready", _ready)
    if logger.isEnabledFor(logging.DEBUG):
        # Only then: nobody listens to what happens to every job, and telling nobody costs nothing.
        events.on("active", lambda event: _job(logging.DEBUG, event, "starts"))
        events.on("completed", lambda event: _job(logging.DEBUG, event, "completed"))
    events.on("failed", _failed)
    events.on("snoozed", lambda event: _job(logging.INFO, event, "snoozes for %s ms", event.details["delay_ms"]))
    events.on("waiting_children", lambda event: _job(logging.INFO, event, "waits for its children"))
    events.on("rate_limited", lambda event: _job(logging.INFO, event, "holds the queue %s ms", event.details["ttl_ms"]))
    events.on("stalled", _stalled)
    events.on("lock_lost", _lock_lost)
    events.on("interrupted", lambda event: _job(logging.INFO, event, "is handed back: the worker stops"))
    events.on("child_lost", _child_lost)
    events.on("paused", lambda event: logger.info("queue %s: no more jobs are fetched", event.queue))
    events.on("resumed", lambda event: logger.info("queue %s: jobs are fetched again", event.queue))
    events.on("backend_version", _backend_version)
    events.on("error", lambda event: logger.error("queue %s: %s", event.queue, event.details["what"]))


def _job(level: int, event: Event, what: str, *values: object) -> None:
    assert event.job is not None
    if logger.isEnabledFor(level):
        head = "job %s (%s) of queue %s "
        logger.log(level, head + what, event.job.id, event.job.name, event.queue, *values, extra=job_fields(event.job))


def _ready(event: Event) -> None:
    logger.info(
        "worker of queue %s is ready: %s slots, jobs %s",
        event.queue,
        event.details["slots"],
        ", ".join(event.details["jobs"]),
    )


def _failed(event: Event) -> None:
    failure, state = event.details["failure"], event.details["state"]
    final = state == "failed"
    what = "failed for good (%s): %s" if final else "failed (%s), to be tried again: %s"
    _job(logging.ERROR if final else logging.WARNING, event, what, failure.kind.value, failure.message)


def _stalled(event: Event) -> None:
    logger.warning("job %s of queue %s had stalled: its worker vanished", event.details["job_id"], event.queue)


def _lock_lost(event: Event) -> None:
    _job(logging.ERROR, event, "is not ours any more: %s. Another worker may run it again.", event.details["why"])


def _backend_version(event: Event) -> None:
    verdict = event.details["verdict"]
    if verdict.consequence == "refusal":
        logger.error("queue %s: %s; the worker of this queue stops", event.queue, verdict.message)
    else:
        level = logging.WARNING if verdict.consequence == "warning" else logging.INFO
        logger.log(level, "queue %s: %s", event.queue, verdict.message)


def _child_lost(event: Event) -> None:
    logger.warning("queue %s: the process of slot %s %s", event.queue, event.details["slot"], event.details["how"])
