from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from openpyxl import Workbook

from workers.processing.errors import DocumentUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.processing.extraction import ReadFile

    Read = Callable[..., ReadFile]


def _saved(*rows: list[object]) -> bytes:
    workbook = Workbook()
    for row in rows:
        workbook.worksheets[0].append(row)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _replaced(package: bytes, part: str, change: Callable[[str], str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content.decode()) if name == part else content)
    return buffer.getvalue()


def _with_sheet(rows: str) -> bytes:
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData></worksheet>'
    return _replaced(_saved(["x"]), "xl/worksheets/sheet1.xml", lambda _part: sheet)


def test_all_sheets_row_by_row(read: Read, samples: dict[str, bytes]) -> None:
    budget = read("a.xlsx", samples["tables/budget.xlsx"]).extraction
    assert budget.text.split("\n") == [
        "Plan 2024",
        "Item\tFrom\tEUR",
        "Rent\t2024-01-01\t24000",
        "Training\t2024-04-15\t3200.5",
        "Total",
        "Notes",
        "Approved by finance@example.org, limit 30,000 EUR",
    ]
    assert (budget.sheets, budget.pages) == (2, None)


def test_every_kind_of_value_is_shown(read: Read) -> None:
    content = _saved([1, 1.5, True, False, "text", datetime(2024, 2, 3, 4, 5), timedelta(hours=25), None, "end"])
    assert read("a.xlsx", content).extraction.text.split("\n")[1].split("\t") == [
        *("1", "1.5", "TRUE", "FALSE", "text", "2024-02-03 04:05:00", "1 day, 1:00:00", "", "end")
    ]


def test_a_truncated_one_is_corrupt(read: Read, samples: dict[str, bytes]) -> None:
    content = samples["tables/budget.xlsx"]
    with pytest.raises(DocumentUnreadable, match=r"^XLSX is corrupt: "):
        read("a.xlsx", content[: len(content) // 2])


@pytest.mark.parametrize("rows", ["<row", "<row r='x'><c/></row>", "<row><c t='s'><v>99</v></c></row>"])
def test_a_broken_sheet_is_corrupt(read: Read, rows: str) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^XLSX is corrupt: "):
        read("a.xlsx", _with_sheet(rows))


def test_rows_that_a_far_row_number_implies_are_counted(read: Read) -> None:
    content = _with_sheet('<row r="999999999999"><c r="A999999999999"><v>1</v></c></row>')
    with pytest.raises(DocumentUnreadable, match=r"^XLSX has more than 1,000 cells$"):
        read("a.xlsx", content, cells=1000)


def test_cells_that_a_far_column_implies_are_counted(read: Read) -> None:
    content = _with_sheet("".join(f'<row r="{n}"><c r="XFD{n}"><v>1</v></c></row>' for n in range(1, 10)))
    with pytest.raises(DocumentUnreadable, match=r"^XLSX has more than 100,000 cells$"):
        read("a.xlsx", content, cells=100_000)


def test_dimensions_that_lie_are_ignored(read: Read, samples: dict[str, bytes]) -> None:
    content = _replaced(
        samples["tables/inventory.xlsx"],
        "xl/worksheets/sheet1.xml",
        lambda sheet: sheet.replace('<dimension ref="A1:D4"', '<dimension ref="A1:A1"'),
    )
    text = read("a.xlsx", content).extraction.text
    assert "Dübel 8 mm\t350\t0,11 €\tFALSE" in text


def test_one_long_shared_text_in_many_cells_does_not_fill_the_memory(read: Read) -> None:
    content = _saved(*(["long " * 6000] * 10 for _ in range(10)))
    assert len(content) < 100_000
    with pytest.raises(DocumentUnreadable, match="more than 1,000,000 characters"):
        read("a.xlsx", content, characters=1_000_000)


def test_one_without_a_workbook_is_corrupt(read: Read, samples: dict[str, bytes]) -> None:
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
    content = _replaced(
        samples["tables/budget.xlsx"], "[Content_Types].xml", lambda part: part.replace(types, "text/x")
    )
    with pytest.raises(DocumentUnreadable, match=r"^XLSX is corrupt: File contains no valid workbook part$"):
        read("a.xlsx", content)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"])
def test_entities_are_not_expanded(read: Read, samples: dict[str, bytes], part: str) -> None:
    laughs = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE d [{laughs}<!ENTITY file SYSTEM "file:///etc/passwd">]>'

    def laugh(content: str) -> str:
        root = re.search(r"<\w", content)
        assert root is not None
        inside = content.index(">", root.start()) + 1
        return f"{content[: root.start()]}{doctype}{content[root.start() : inside]}&a9;&file;{content[inside:]}"

    try:
        found = read("a.xlsx", _replaced(samples["tables/budget.xlsx"], part, laugh)).extraction
    except DocumentUnreadable:
        return
    assert "haha" not in found.text
    assert "root:" not in found.text
