from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import NameObject, NumberObject

from workers.processing.errors import DocumentUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.processing.extraction import ReadFile

    Read = Callable[..., ReadFile]


def _written(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def test_text_of_all_pages(read: Read, samples: dict[str, bytes]) -> None:
    report = read("a.pdf", samples["reports/annual-report.pdf"]).extraction
    assert report.pages == 2
    assert "Nordwind Logistik GmbH, Hamburg\n" in report.text
    assert "The general meeting takes place on 2024-06-12" in report.text
    assert report.fields.amounts[0] == "4812300.50 EUR"


def test_one_that_needs_a_password_is_refused(read: Read, samples: dict[str, bytes]) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^PDF is encrypted and needs a password$") as caught:
        read("a.pdf", samples["broken/encrypted-contract.pdf"])
    assert caught.value.media_type == "application/pdf"


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_one_that_only_restricts_printing_is_read(read: Read, samples: dict[str, bytes], algorithm: str) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(samples["invoices/invoice-2024-117.pdf"])))
    writer.encrypt(user_password="", owner_password="owner", algorithm=algorithm)
    assert "Müller & Söhne" in read("a.pdf", _written(writer)).extraction.text


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_truncated_one_is_corrupt_or_recovered_but_never_an_error_of_ours(
    read: Read, samples: dict[str, bytes], part: float
) -> None:
    whole = samples["reports/annual-report.pdf"]
    with contextlib.suppress(DocumentUnreadable):
        assert read("a.pdf", whole[: int(len(whole) * part)]).media_type == "application/pdf"


def test_garbage_after_the_header_is_corrupt(read: Read) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^PDF is corrupt: "):
        read("a.pdf", b"%PDF-1.7\n" + b"garbage " * 200)


def test_more_pages_than_the_limit_are_refused(read: Read, samples: dict[str, bytes]) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^PDF has 2 pages, more than 1$"):
        read("a.pdf", samples["reports/annual-report.pdf"], pages=1)


def test_a_page_tree_that_repeats_one_page_counts_each_time(read: Read, samples: dict[str, bytes]) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(samples["invoices/invoice-2024-117.pdf"])))
    tree = writer.root_object["/Pages"]
    kids = tree["/Kids"]  # type: ignore[index]
    for _ in range(6_000):
        kids.append(kids[0])
    tree[NameObject("/Count")] = NumberObject(1)  # type: ignore[index]
    with pytest.raises(DocumentUnreadable, match=r"^PDF"):
        read("a.pdf", _written(writer))


def test_a_bomb_in_a_stream_is_refused(read: Read, samples: dict[str, bytes]) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(samples["invoices/invoice-2024-117.pdf"])))
    page = writer.pages[0]
    contents = page.get_contents()
    assert contents is not None
    contents.set_data(b" " * 100_000_000)
    page.replace_contents(contents)
    page.compress_content_streams(level=9)
    content = _written(writer)
    assert len(content) < 1_000_000
    with pytest.raises(DocumentUnreadable, match=r"^PDF \(page 1\) is corrupt: "):
        read("a.pdf", content)
