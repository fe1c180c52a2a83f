"""What a processor can say instead of a result. Each may be raised or returned."""

from __future__ import annotations

#: Times are whole ms that Node reads as numbers.
MAX_S = 2**53 / 1000


class Directive(Exception):
    """How the worker should end this run of a job."""


class Unrecoverable(Directive):
    """Fail the job for good, whatever attempts are left (Node: ``UnrecoverableError``)."""


class ChildFailed(Unrecoverable):
    """A child has failed that this job cannot do without: the job fails, whatever attempts are left.

    Args:
        job_id: the job's.
        script: which call of BullMQ's found that out; the text is BullMQ's.
    """

    def __init__(self, job_id: str, script: str) -> None:
        super().__init__(f"Cannot complete job {job_id} because it has at least one failed child. {script}")


class Cancel(Directive):
    """The job is not wanted any more: fail it for good, recorded as ``cancelled``.

    Args:
        reason: what Node sees as ``failedReason``.
    """

    def __init__(self, reason: str = "cancelled") -> None:
        super().__init__(reason)


class Retry(Directive):
    """Fail this attempt, and try again after a delay of its own instead of the job's backoff.

    Fails the job for good when no attempt is left.

    Args:
        delay_s: seconds until the next attempt; 0 is at once.
        reason: what Node sees as ``failedReason``.
    """

    def __init__(self, delay_s: float = 0.0, reason: str = "asked to be tried again") -> None:
        super().__init__(reason)
        self.delay_s = _seconds(delay_s)


class Snooze(Directive):
    """Run the job again later; no attempt is charged (Node: ``moveToDelayed`` and ``DelayedError``).

    Each start counts for ``maxStartedAttempts``, those after a snooze too.

    Args:
        delay_s: seconds until then.
    """

    def __init__(self, delay_s: float) -> None:
        super().__init__(f"snoozed for {delay_s} s")
        self.delay_s = _seconds(delay_s)


class WaitForChildren(Directive):
    """Run the job again when all its children have finished; no attempt is charged.

    When none is pending it runs again at once.
    """


class RateLimited(Directive):
    """Put the job back and hold the queue for a while; no attempt is charged (Node: ``RateLimitError``).

    Workers without a limiter, on a queue without a global rate limit, do not see the hold: it then holds this
    worker only, which warns of that once.

    Args:
        ttl_s: seconds for which no job should start.
    """

    def __init__(self, ttl_s: float) -> None:
        super().__init__(f"rate limited for {ttl_s} s")
        self.ttl_s = _seconds(ttl_s)


class Departed(Directive):
    """The job has been moved already, by a method of the job: nothing is left to say."""


#: What a job that exceeded its soft limit fails with.
TOO_LONG = "the job ran longer than its soft time limit"


class TimeLimitExceeded(Exception):
    """Raised inside a job that runs longer than its soft time limit: the time to clean up."""

    def __init__(self, message: str = TOO_LONG) -> None:
        super().__init__(message)


def _seconds(value: float) -> float:
    if not -MAX_S <= value <= MAX_S:
        raise ValueError(f"a time must be a finite number of seconds, not {value!r}")
    return value
