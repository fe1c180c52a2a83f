"""Whether a live producer and a worker go together. The TypeScript side judges the same (``registry/mismatch.ts``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class ContractMismatch(RuntimeError):
    """Live producers do not go together with a worker; the message says why, as ``bullmq-bridge check`` does."""


def reports(queue: str, producer: Mapping[str, Any], worker: Mapping[str, Any]) -> list[str]:
    """What the announcements of a producer and a worker disagree about: a text for each job."""
    found = (_report(f"{queue} / {job}", written, worker.get(job)) for job, written in producer.items())
    return [report for report in found if report is not None]


def _report(name: str, written: Mapping[str, Any], read: Mapping[str, Any] | None) -> str | None:
    if read is None:
        return (
            f"{name}: consumers first\n"
            "  The worker does not know the job: it fails it for good, as unknown_job.\n"
            "Deploy consumers that know the job first, or stop the producers that still add it."
        )
    if read["fingerprint"] == written["fingerprint"]:
        return None
    # Whichever is the newer one has the other in its history, and knows who of them has to be there first. After a
    # rollback both may: the worker also knows of its upcasters.
    as_newer = read["past"].get(written["fingerprint"])
    if as_newer is not None:
        return _report_if_waiting("producers", as_newer)
    as_older = written["past"].get(read["fingerprint"])
    if as_older is not None:
        return _report_if_waiting("consumers", as_older)
    return (
        f"{name}: breaking\n"
        "  The worker and the producer have different versions, and neither has the other in its history: whether they "
        "go together cannot be decided, so it counts as if they did not.\n"
        "Keep the history that `bullmq-bridge emit` writes, and deploy it with the contract."
    )


def _report_if_waiting(side: str, past: Mapping[str, Any]) -> str | None:
    """What is said where the other side, the older one, had to be replaced before."""
    waits = any(past[payload].startswith((side, "breaking")) for payload in ("data", "result"))
    return str(past["report"]) if waits else None
