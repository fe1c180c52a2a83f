"""What is found in one document."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from workers.processing import media_type as media_types
from workers.processing.checksum import checksum
from workers.processing.errors import DocumentUnreadable
from workers.processing.fields import Fields, find_fields
from workers.processing.formats import csv, docx, html, pdf, text, xlsx
from workers.processing.transcript import Transcript

if TYPE_CHECKING:
    from pathlib import Path

    from workers.processing.limits import Limits

_MIB = 1024 * 1024
_FORMATS = {
    media_types.PDF: pdf.extract,
    media_types.DOCX: docx.extract,
    media_types.XLSX: xlsx.extract,
    media_types.HTML: html.extract,
    media_types.CSV: csv.extract,
    media_types.TEXT: text.extract,
}


@dataclass(frozen=True)
class Counts:
    """Words, and lines that are not blank, of the whole document."""

    words: int
    lines: int


@dataclass(frozen=True)
class Extraction:
    """The content of ``documents.extracted``; the same file always gives the same one."""

    text: str
    """The beginning of the text, capped."""
    characters: int
    """Characters of the whole text, not of what is stored."""
    pages: int | None
    sheets: int | None
    sha256: str
    fields: Fields
    counts: Counts

    def to_json(self) -> str:
        """As stored: compact JSON, the members in the order above."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class ReadFile:
    """A stored file with its kind and what was found in it."""

    media_type: str
    bytes: int
    extraction: Extraction


def read_file(path: Path, name: str, limits: Limits) -> ReadFile:
    """Read the stored file at `path`, which was uploaded as `name`. Touches no database.

    Raises:
        DocumentUnreadable: corrupt, encrypted, too large, or of no supported kind.
        OSError: the file cannot be read just now.
    """
    size = path.stat().st_size
    if size > limits.document_bytes:
        raise DocumentUnreadable(f"the file has {size // _MIB:,} MiB, more than {limits.document_bytes // _MIB:,} MiB")
    kind = media_types.media_type(path, name)
    transcript = Transcript(limits)
    try:
        outline = _FORMATS[kind](path, transcript, limits)
    except DocumentUnreadable as error:
        error.media_type = kind
        raise
    stored = checksum(path)
    beginning = transcript.beginning()
    return ReadFile(
        media_type=kind,
        bytes=stored.bytes,
        extraction=Extraction(
            text=beginning[: limits.stored_characters],
            characters=transcript.characters,
            pages=outline.pages,
            sheets=outline.sheets,
            sha256=stored.sha256,
            fields=find_fields(beginning, limits.fields),
            counts=Counts(words=transcript.words, lines=transcript.lines),
        ),
    )
