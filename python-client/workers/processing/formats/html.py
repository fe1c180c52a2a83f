"""HTML, by Beautiful Soup on lxml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bs4 import BeautifulSoup
from bs4.element import NavigableString

from workers.processing.formats.outline import Outline
from workers.processing.formats.parsing import parsing

if TYPE_CHECKING:
    from pathlib import Path

    from workers.processing.limits import Limits
    from workers.processing.transcript import Transcript

_UNSEEN = ("script", "style", "template", "noscript")
_LINES = (
    *("title", "h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "section", "article", "header", "footer", "main", "nav"),
    *("aside", "li", "dt", "dd", "tr", "caption", "blockquote", "pre", "figcaption", "address", "form", "option"),
)
_SPACES = re.compile(r"[^\S\n\t]+")


def extract(path: Path, transcript: Transcript, _limits: Limits) -> Outline:
    """Read the visible text, a line per block and a tab between table cells; the encoding is found by the parser."""
    with parsing("HTML"):
        soup = BeautifulSoup(path.read_bytes(), "lxml")
        for tag in soup.find_all(_UNSEEN):
            tag.decompose()
        for text in soup.find_all(string=True):
            # Line ends in the source are mere spaces. The exact type: comments and the doctype are subclasses.
            if type(text) is NavigableString:
                text.replace_with(re.sub(r"\s+", " ", text))
        for tag in soup.find_all("br"):
            tag.replace_with("\n")
        for tag in soup.find_all(("td", "th")):
            tag.append("\t")
        for tag in soup.find_all(_LINES):
            tag.insert_before("\n")
            tag.append("\n")
        shown = soup.get_text()
    for line in shown.split("\n"):
        line = _SPACES.sub(" ", line).strip()
        if line:
            transcript.add(line)
    return Outline()
