"""Word documents (DOCX), by python-docx."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import docx
from docx.oxml.ns import qn
from docx.text.paragraph import Paragraph

from workers.processing.formats.office_archive import check_archive
from workers.processing.formats.outline import Outline
from workers.processing.formats.parsing import parsing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workers.processing.limits import Limits
    from workers.processing.transcript import Transcript

_PARAGRAPH, _TABLE, _ROW, _CELL = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_TRANSPARENT = frozenset({qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")})


def extract(path: Path, transcript: Transcript, limits: Limits) -> Outline:
    """Read paragraphs and tables in their order, a table row as one line with tabs between the cells.

    The number of pages is not known: Word decides it when it lays the document out.

    Raises:
        DocumentUnreadable: corrupt, or it would unpack to more than the limits.
    """
    check_archive(path, "DOCX", limits)
    with parsing("DOCX"):
        document = docx.Document(str(path))
        for line in _lines(document.element.body, document):
            transcript.add(line)
    return Outline()


def _lines(container: Any, document: Any) -> Iterator[str]:
    # python-docx's table API repeats a merged cell once per column that it says to span, and that number can be
    # anything: the elements are walked instead. Their depth is bounded by the XML parser.
    for element in container:
        if element.tag == _PARAGRAPH:
            yield Paragraph(element, document).text
        elif element.tag == _TABLE:
            for row in element.iterchildren(_ROW):
                yield "\t".join(" ".join(_lines(cell, document)) for cell in row.iterchildren(_CELL))
        elif element.tag in _TRANSPARENT:
            yield from _lines(element, document)
