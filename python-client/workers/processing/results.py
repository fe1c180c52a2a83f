"""What the two processors return; the contract's result schemas describe the same."""

from __future__ import annotations

from typing import Literal, TypedDict

BatchOutcome = Literal["completed", "completed_with_errors", "failed"]


class ProcessFileResult(TypedDict):
    """A document that was read."""

    doc_id: str
    media_type: str
    bytes: int
    characters: int
    pages: int | None
    sha256: str


class AggregateBatchResult(TypedDict):
    """A batch all of whose documents are settled."""

    batch_id: str
    status: BatchOutcome
    files: int
    completed: int
    failed: int
