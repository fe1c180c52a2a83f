"""What a queue refuses."""

from __future__ import annotations


class QueueError(RuntimeError):
    """A queue did not do what it was asked for. Nothing was changed unless the message says so."""


class JobNotFound(QueueError, LookupError):
    """The queue has no such job."""


class JobStateError(QueueError):
    """The job is not in a state in which this can be done."""


class ParentError(QueueError):
    """A child cannot be given to that parent: the parent is missing, or the child has another one already."""
