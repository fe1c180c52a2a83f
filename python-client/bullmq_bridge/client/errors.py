"""What can go wrong between this process and Redis."""

from __future__ import annotations


class AnswerLost(ConnectionError):
    """The connection ended before Redis answered a command that changes something: it may have been run, or not.

    It is not sent again by itself, because it might then be run twice.
    """


class ClientClosed(ConnectionError):
    """It was closed, by this thread or another."""
