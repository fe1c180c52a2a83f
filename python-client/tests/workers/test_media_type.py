from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from workers.processing.errors import DocumentUnreadable
from workers.processing.media_type import CSV, DOCX, HTML, PDF, TEXT, XLSX, media_type

if TYPE_CHECKING:
    from pathlib import Path


def _type(tmp_path: Path, name: str, content: bytes) -> str:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return media_type(path, name)


def _archive(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"%PDF-1.7\n...", PDF),
        ("a.pdf", b"junk\n%PDF-1.4", PDF),
        ("a.bin", _archive("[Content_Types].xml", "word/document.xml"), DOCX),
        ("a.docx", _archive("xl/workbook.xml"), XLSX),
        ("a", b"\xef\xbb\xbf\n<!-- made by hand -->\n<!DOCTYPE html><p>x", HTML),
        ("a.txt", b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">', HTML),
        ("A.HTM", b"<p>only a fragment", HTML),
        ("a.txt", b"<htmlish>", TEXT),
        ("a.csv", b"a,b\n1,2\n", CSV),
        ("a.TSV", b"a\tb\n", CSV),
        ("a.log", b"a,b\n1,2\n", TEXT),
        ("folder.csv/a", b"a,b", TEXT),
        ("a.txt", "Grüße".encode("latin-1"), TEXT),
        ("a.txt", "Grüße".encode("utf-16"), TEXT),
        ("a.txt", b"\x1b[1mbold\x1b[0m", TEXT),
        ("a.txt", b"one \x00 stray byte" + b"." * 100, TEXT),
    ],
)
def test_content_decides_and_the_extension_only_where_it_does_not(
    tmp_path: Path, name: str, content: bytes, expected: str
) -> None:
    assert _type(tmp_path, name, content) == expected


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", b"", "the file is empty"),
        ("a.pdf", b"not at all", "PDF is corrupt: the content is plain text"),
        ("a.docx", b"\x00\x01\x02", "DOCX is corrupt: the content has none of the format's marks"),
        ("a.docx", _archive("a.txt"), "DOCX has neither a Word document nor an Excel workbook in it"),
        ("a.zip", _archive("a.txt"), "ZIP archive has neither a Word document nor an Excel workbook in it"),
        ("a.xlsx", _archive("xl/workbook.xml")[:40], "XLSX is corrupt: File is not a zip file"),
        ("a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old binary format"),
        (
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            "Office document is encrypted and needs a password",
        ),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00\x00", "not a supported document: a PNG image"),
        ("a", b"\x00\x01\x02\x03", "not a supported document: binary content of an unknown kind"),
    ],
)
def test_what_is_no_supported_document_is_refused_with_a_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(DocumentUnreadable) as caught:
        _type(tmp_path, name, content)
    assert reason in str(caught.value)


def test_a_page_of_comments_without_end_is_looked_through_quickly(tmp_path: Path) -> None:
    assert _type(tmp_path, "a.txt", b"<!--" * 100_000) == TEXT
    assert _type(tmp_path, "a.txt", b"<!---->" * 100_000) == TEXT
