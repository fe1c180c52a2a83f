"""The text of a document, as it comes out of a format piece by piece."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workers.processing.errors import DocumentUnreadable

if TYPE_CHECKING:
    from workers.processing.limits import Limits

# NUL and the other control characters carry no text; PostgreSQL refuses NUL altogether.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


def clean_text(text: str) -> str:
    """Return `text` as every database and JSON parser takes it: no control characters, no lone surrogates."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    try:
        text.encode()
    except UnicodeEncodeError:
        # Pairs (PDF fonts yield them) become their character, lone ones the replacement character.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("", text)


class Transcript:
    """Collects lines, counts all of them and keeps the beginning.

    A small file can expand to any amount of text (a million cells that show one long shared string), so the whole is
    never held.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._kept: list[str] = []
        self._kept_characters = 0
        self.characters = 0
        """Characters of the whole document, line ends included."""
        self.words = 0
        self.lines = 0
        """Lines that are not blank."""

    def add(self, text: str) -> None:
        """Append `text`, which may have several lines, as lines of their own.

        Raises:
            DocumentUnreadable: the document has more text than the limit.
        """
        text = clean_text(text)
        if self.characters:
            text = "\n" + text
        self.characters += len(text)
        if self.characters > self._limits.characters:
            raise DocumentUnreadable(f"the document has more than {self._limits.characters:,} characters of text")
        self.words += len(text.split())
        self.lines += sum(1 for line in text.split("\n") if line.strip())
        room = self._limits.searched_characters - self._kept_characters
        if room > 0:
            self._kept.append(text[:room])
            self._kept_characters += min(len(text), room)

    def beginning(self) -> str:
        """The text from the start, up to the number of characters in which fields are looked for."""
        return "".join(self._kept)
