"""HTML, by lxml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lxml import etree

from workers.processing.formats.decoding import decode
from workers.processing.formats.outline import Outline
from workers.processing.formats.parsing import parsing
from workers.processing.transcript import clean_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from workers.processing.limits import Limits
    from workers.processing.transcript import Transcript

_UNSEEN = frozenset({"script", "style", "template", "noscript"})
_LINES = frozenset(
    {
        *("title", "h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "section", "article", "header", "footer", "main"),
        *("nav", "aside", "li", "dt", "dd", "tr", "caption", "blockquote", "pre", "figcaption", "address", "form"),
        *("option", "br", "hr", "table", "ul", "ol"),
    }
)
_CELLS = frozenset({"td", "th"})
# Not \s: a no-break space stays, since it holds the digits of an amount together.
_SPACES = re.compile(r"[ \t\n]+")
_CHARSET = re.compile(rb"<meta\s[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_CHARSET_WITHIN = 1024  # where browsers look for it


def extract(path: Path, transcript: Transcript, _limits: Limits) -> Outline:
    """Read the text that a reader of the page sees, a line per block and a tab between table cells."""
    content = path.read_bytes()
    charset = _CHARSET.search(content[:_CHARSET_WITHIN])
    text = clean_text(decode(content, charset[1].decode("ascii", "ignore") if charset else None))
    with parsing("HTML"):
        # A target instead of a tree: a hundred thousand nested elements are no problem.
        reader: Any = _Reader(transcript)  # lxml calls the methods that there are, its stubs want all
        parser = etree.HTMLParser(target=reader, encoding="utf-8", huge_tree=True)
        parser.feed(text.encode())
        parser.close()
    return Outline()


class _Reader:
    """Takes the parser's events and writes lines."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._line: list[str] = []
        self._unseen = 0

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _LINES:
            self._end_line()

    def data(self, text: str) -> None:
        if not self._unseen:
            self._line.append(text)

    def end(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen -= 1
        elif tag in _LINES:
            self._end_line()
        elif tag in _CELLS:
            self._line.append("\0")

    def close(self) -> None:
        self._end_line()

    def _end_line(self) -> None:
        # NUL stands for the end of a cell until the spaces of the source, tabs among them, are dealt with.
        cells = [_SPACES.sub(" ", cell).strip(" ") for cell in "".join(self._line).rstrip("\0 \t\n").split("\0")]
        self._line.clear()
        if any(cells):
            self._transcript.add("\t".join(cells))
