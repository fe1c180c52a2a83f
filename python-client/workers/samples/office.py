"""Samples in DOCX and XLSX, written by python-docx and openpyxl."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date

import docx
from openpyxl import Workbook

from workers.samples.packing import zipped

_MADE = b"2024-06-01T12:00:00Z"
_TIMES = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


def offer() -> bytes:
    """A letter with a heading and a list."""
    document = docx.Document()
    document.add_heading("Offer 88/2024", level=1)
    document.add_paragraph("Dear Ms Åström,")
    document.add_paragraph("thank you for your enquiry of 12 February 2024. We can offer:")
    for line in ("Two site visits for $1,200.00", "A written report for $3,450.00", "Travel at cost"):
        document.add_paragraph(line, style="List Bullet")
    document.add_paragraph("The offer stands until 31 March 2024.")
    document.add_paragraph("Kind regards,\nJonas Weiß, jonas.weiss@buero-weiss.example")
    return _docx(document)


def meeting_minutes() -> bytes:
    """Text around a table with a merged cell."""
    document = docx.Document()
    document.add_heading("Minutes of 2024-05-07", level=1)
    document.add_paragraph("Present: Aylin Öztürk, Piotr Żak, Chiara D’Amico")
    table = document.add_table(rows=3, cols=3)
    for row, texts in zip(
        table.rows,
        (("Topic", "Decision", "By"), ("New server", "Buy for CHF 7'900.00", "14.06.2024"), ("Office move", "", "")),
        strict=True,
    ):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    table.cell(2, 1).merge(table.cell(2, 2)).text = "Postponed to autumn"
    document.add_paragraph("Minutes sent to office@example.org.")
    return _docx(document)


def truncated_letter() -> bytes:
    """A DOCX whose second half got lost on the way."""
    whole = offer()
    return whole[: len(whole) // 2]


def budget() -> bytes:
    """Two sheets, dates and a formula whose value no program has computed yet."""
    workbook = Workbook()
    plan = workbook.worksheets[0]
    plan.title = "Plan 2024"
    plan.append(["Item", "From", "EUR"])
    plan.append(["Rent", date(2024, 1, 1), 24000])
    plan.append(["Training", date(2024, 4, 15), 3200.5])
    plan.append(["Total", None, "=SUM(C2:C3)"])
    notes = workbook.create_sheet("Notes")
    notes.append(["Approved by finance@example.org, limit 30,000 EUR"])
    return _xlsx(workbook)


def inventory() -> bytes:
    """One sheet with a gap."""
    workbook = Workbook()
    sheet = workbook.worksheets[0]
    sheet.title = "Lager"
    sheet.append(["Artikel", "Menge", "Einkaufspreis", "Geprüft"])
    sheet.append(["Schraube M6", 1200, "0,08 €", True])
    sheet.append([])
    sheet.append(["Dübel 8 mm", 350, "0,11 €", False])
    return _xlsx(workbook)


def _docx(document: docx.document.Document) -> bytes:
    document.core_properties.author = "bullmq-bridge samples"
    buffer = io.BytesIO()
    document.save(buffer)
    return _same_every_time(buffer.getvalue())


def _xlsx(workbook: Workbook) -> bytes:
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _same_every_time(buffer.getvalue())


def _same_every_time(package: bytes) -> bytes:
    """Take the time of writing out of an Office document: it is in its properties and at each part."""
    with zipfile.ZipFile(io.BytesIO(package)) as parts:
        members = {name: parts.read(name) for name in parts.namelist()}
    members["docProps/core.xml"] = _TIMES.sub(rb"\g<1>" + _MADE, members["docProps/core.xml"])
    return zipped(members)
