"""Excel workbooks (XLSX), by openpyxl."""

from __future__ import annotations

import warnings
from datetime import datetime
from typing import TYPE_CHECKING, Any

from openpyxl import load_workbook

from workers.processing.errors import DocumentUnreadable
from workers.processing.formats.office_archive import check_archive
from workers.processing.formats.outline import Outline
from workers.processing.formats.parsing import parsing

if TYPE_CHECKING:
    from pathlib import Path

    from workers.processing.limits import Limits
    from workers.processing.transcript import Transcript

# openpyxl warns of every style and extension that it drops; only the values count here.
warnings.filterwarnings("ignore", category=UserWarning, module="openpyxl")


def extract(path: Path, transcript: Transcript, limits: Limits) -> Outline:
    """Read every sheet: its title, then each row as one line with tabs between the cells. Formulas give their value.

    Raises:
        DocumentUnreadable: corrupt, or larger than the limits.
    """
    check_archive(path, "XLSX", limits)
    # The open file instead of its path, which openpyxl would refuse for having no extension.
    with path.open("rb") as stream, parsing("XLSX"):
        workbook = load_workbook(stream, read_only=True, data_only=True)
        try:
            _read_sheets(workbook.worksheets, transcript, limits)
            return Outline(sheets=len(workbook.worksheets))
        finally:
            workbook.close()


def _read_sheets(sheets: list[Any], transcript: Transcript, limits: Limits) -> None:
    cells = 0
    for sheet in sheets:
        transcript.add(sheet.title)
        # The dimensions that a file states may be wrong by any amount; without them the rows alone count.
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True):
            # A row numbered 900,000 is preceded by as many empty ones.
            cells += max(1, len(row))
            if cells > limits.cells:
                raise DocumentUnreadable(f"XLSX has more than {limits.cells:,} cells")
            line = "\t".join(_shown(value) for value in row).rstrip()
            if line:
                transcript.add(line)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        # A cell that shows a date holds midnight of that day.
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat(" ")
    return str(value)
