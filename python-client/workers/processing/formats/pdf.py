"""PDF, by pypdf."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pypdf import PasswordType, PdfReader

from workers.processing.errors import DocumentUnreadable
from workers.processing.formats.outline import Outline
from workers.processing.formats.parsing import parsing

if TYPE_CHECKING:
    from pathlib import Path

    from workers.processing.limits import Limits
    from workers.processing.transcript import Transcript

# pypdf logs every detail that it repairs; what counts here is whether the text came out.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)


def extract(path: Path, transcript: Transcript, limits: Limits) -> Outline:
    """Read the text of all pages. How far a stream may inflate is bounded by pypdf itself.

    Raises:
        DocumentUnreadable: corrupt, encrypted with a password, or too many pages.
    """
    with path.open("rb") as stream:
        with parsing("PDF"):
            reader = PdfReader(stream)
            # Restricting only printing or copying encrypts with an empty password: every viewer opens such a file.
            locked = reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED
        if locked:
            raise DocumentUnreadable("PDF is encrypted and needs a password")
        with parsing("PDF"):
            pages = len(reader.pages)
        if pages > limits.pages:
            raise DocumentUnreadable(f"PDF has {pages:,} pages, more than {limits.pages:,}")
        for number in range(pages):
            with parsing(f"PDF (page {number + 1})"):
                text = reader.pages[number].extract_text()
            transcript.add(text)
    return Outline(pages=pages)
