from __future__ import annotations

import io
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


def _with_sheet(rows: str) -> bytes:
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<worksheet xmlns="{namespace}"><sheetData>{rows}</sheetData></worksheet>'
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(_saved(["x"]))) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else old.read(name))
    return buffer.getvalue()


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
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(samples["tables/inventory.xlsx"])) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b'<dimension ref="A1:D4"', b'<dimension ref="A1:A1"'))
    text = read("a.xlsx", buffer.getvalue()).extraction.text
    assert "Dübel 8 mm\t350\t0,11 €\tFALSE" in text


def test_one_long_shared_text_in_many_cells_does_not_fill_the_memory(read: Read) -> None:
    content = _saved(*(["long " * 6000] * 10 for _ in range(10)))
    assert len(content) < 100_000
    with pytest.raises(DocumentUnreadable, match="more than 1,000,000 characters"):
        read("a.xlsx", content, characters=1_000_000)
