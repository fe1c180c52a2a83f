"""What can be wrong for good: trying again would change nothing."""

from __future__ import annotations


class DocumentNotFound(LookupError):
    """Raised when no document has the given id."""


class DocumentUnreadable(ValueError):
    """Raised when a document is corrupt, encrypted, too large or of no supported kind; its text is the reason."""

    media_type: str | None = None
    """The kind of the document, where it got as far as being recognised."""


class BatchNotFound(LookupError):
    """Raised when no batch has the given id."""
