from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import docx
import pytest

from workers.processing.errors import DocumentUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.processing.extraction import ReadFile

    Read = Callable[..., ReadFile]


def _replaced(package: bytes, part: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == part else old.read(name))
    return buffer.getvalue()


def _body(package: bytes, body: str) -> bytes:
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    document = f'<w:document xmlns:w="{namespace}"><w:body>{body}</w:body></w:document>'
    return _replaced(package, "word/document.xml", document.encode())


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_paragraphs_and_tables_in_their_order(read: Read, samples: dict[str, bytes]) -> None:
    minutes = read("a.docx", samples["letters/meeting-minutes.docx"]).extraction
    assert minutes.text.split("\n") == [
        "Minutes of 2024-05-07",
        "Present: Aylin Öztürk, Piotr Żak, Chiara D’Amico",
        "Topic\tDecision\tBy",
        "New server\tBuy for CHF 7'900.00\t14.06.2024",
        "Office move\tPostponed to autumn",
        "Minutes sent to office@example.org.",
    ]
    assert minutes.pages is None


def test_text_inside_content_controls_and_nested_tables(read: Read, samples: dict[str, bytes]) -> None:
    inner = f"<w:tbl><w:tr><w:tc>{_paragraph('deep')}</w:tc></w:tr></w:tbl>"
    body = (
        f"<w:sdt><w:sdtContent>{_paragraph('controlled')}</w:sdtContent></w:sdt>"
        f"<w:tbl><w:tr><w:tc>{_paragraph('left')}</w:tc><w:tc>{inner}<w:p/></w:tc></w:tr></w:tbl>"
    )
    assert read("a.docx", _body(samples["letters/offer.docx"], body)).extraction.text == "controlled\nleft\tdeep "


def test_a_cell_that_says_to_span_a_billion_columns_is_read_once(read: Read, samples: dict[str, bytes]) -> None:
    cell = f'<w:tc><w:tcPr><w:gridSpan w:val="1000000000"/></w:tcPr>{_paragraph("wide")}</w:tc>'
    body = f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>"
    assert read("a.docx", _body(samples["letters/offer.docx"], body)).extraction.text == "wide"


def test_a_truncated_one_is_corrupt(read: Read, samples: dict[str, bytes]) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^DOCX is corrupt: File is not a zip file$"):
        read("a.docx", samples["broken/truncated-letter.docx"])


@pytest.mark.parametrize("content", [b"", b"<w:document", b"<other/>", b"\xff\xfe\x00"])
def test_one_whose_document_part_is_broken_is_corrupt(read: Read, samples: dict[str, bytes], content: bytes) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^DOCX is corrupt: "):
        read("a.docx", _replaced(samples["letters/offer.docx"], "word/document.xml", content))


def test_one_byte_changed_inside_is_corrupt(read: Read, samples: dict[str, bytes]) -> None:
    package = bytearray(samples["letters/offer.docx"])
    with zipfile.ZipFile(io.BytesIO(bytes(package))) as archive:
        start = archive.getinfo("word/document.xml").header_offset
    package[start + 200] ^= 0xFF
    with pytest.raises(DocumentUnreadable, match=r"^DOCX is corrupt: "):
        read("a.docx", bytes(package))


def test_a_bomb_is_refused_before_it_is_unpacked(read: Read, samples: dict[str, bytes]) -> None:
    bomb = _replaced(samples["letters/offer.docx"], "word/document.xml", b" " * 80_000_000)
    assert len(bomb) < 200_000
    with pytest.raises(
        DocumentUnreadable, match=r"^DOCX has the part 'word/document.xml' of 76 MiB, more than 64 MiB$"
    ):
        read("a.docx", bomb)
    with pytest.raises(DocumentUnreadable, match=r"^DOCX unpacks to 77 MiB, more than 10 MiB$"):
        read("a.docx", bomb, inflated_bytes=10 * 1024 * 1024)
    with pytest.raises(DocumentUnreadable, match=r"^DOCX has [0-9]+ parts, more than 3$"):
        read("a.docx", samples["letters/offer.docx"], archive_entries=3)


def test_a_bomb_that_lies_about_its_size_is_corrupt(read: Read, samples: dict[str, bytes]) -> None:
    bomb = _replaced(samples["letters/offer.docx"], "word/document.xml", b" " * 80_000_000)
    lying = bomb.replace((80_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert lying != bomb
    with pytest.raises(DocumentUnreadable, match=r"^DOCX is corrupt: "):
        read("a.docx", lying)


def test_entities_are_not_expanded(read: Read, samples: dict[str, bytes]) -> None:
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    laughs = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{level} "{f"&a{level - 1};" * 10}">' for level in range(1, 10))
    document = (
        f'<!DOCTYPE d [{laughs}<!ENTITY file SYSTEM "file:///etc/hostname">]>'
        f'<w:document xmlns:w="{namespace}"><w:body>{_paragraph("x&a9;&file;")}</w:body></w:document>'
    )
    try:
        text = read("a.docx", _replaced(samples["letters/offer.docx"], "word/document.xml", document.encode()))
    except DocumentUnreadable:
        return
    assert text.extraction.text.strip() in {"", "x"}


def test_an_encrypted_member_is_named_so(read: Read, samples: dict[str, bytes]) -> None:
    package = bytearray(samples["letters/offer.docx"])
    directory = package.index(b"PK\x01\x02")
    package[directory + 8] |= 1
    with pytest.raises(DocumentUnreadable, match=r"^DOCX is encrypted$"):
        read("a.docx", bytes(package))


def test_an_empty_document_has_no_text(read: Read) -> None:
    buffer = io.BytesIO()
    docx.Document().save(buffer)
    assert read("a.docx", buffer.getvalue()).extraction.text == ""
