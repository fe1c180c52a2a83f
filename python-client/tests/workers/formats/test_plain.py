from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workers.processing.errors import DocumentUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from workers.processing.extraction import ReadFile

    Read = Callable[..., ReadFile]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"], ids=str
)
def test_text_in_every_usual_encoding(read: Read, encoding: str) -> None:
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    assert read("a.txt", mark + "Grüße, 5 £\n".encode(encoding)).extraction.text == "Grüße, 5 £\n"


def test_bytes_that_windows_leaves_undefined_are_still_text(read: Read) -> None:
    assert read("a.txt", b"caf\xe9 \x81").extraction.text.startswith("café ")


def test_unicode_survives(read: Read, samples: dict[str, bytes]) -> None:
    assert read("a.txt", samples["notes/grüße.txt"]).extraction.text == samples["notes/grüße.txt"].decode()


def test_csv_with_semicolons_quotes_and_line_ends_in_fields(read: Read, samples: dict[str, bytes]) -> None:
    customers = read("a.csv", samples["tables/customers.csv"]).extraction
    assert customers.text.split("\n") == [
        "Kunde\tOrt\tSeit\tUmsatz\tE-Mail",
        "Bäckerei Köhler\tDüsseldorf\t01.02.2019\t12.450,00 EUR\tpost@koehler.example",
        'Café "Zur Post"\tGraz\t15.09.2021\t3.980,50 EUR\tservus@zurpost.example',
        "Łódź Import Sp. z o.o.\tŁódź\t20.11.2023\t880,00 EUR\tbiuro@lodz-import.example",
    ]


@pytest.mark.parametrize("content", [b"a,b\n1,2", b"a;b\n1;2", b"a\tb\n1\t2", b"a|b\n1|2"])
def test_csv_with_any_delimiter(read: Read, content: bytes) -> None:
    assert read("a.csv", content).extraction.text == "a\tb\n1\t2"


def test_csv_whose_quote_never_ends_is_corrupt(read: Read) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^CSV is corrupt: field larger than field limit"):
        read("a.csv", b'a,"' + b"b,c\n" * 50_000)


def test_html_as_a_reader_sees_it(read: Read, samples: dict[str, bytes]) -> None:
    page = read("a.html", samples["web/press-release.html"]).extraction
    assert page.text.split("\n") == [
        "Nordwind opens in Gdańsk",
        "Nordwind opens in Gdańsk",
        "Hamburg, April 22, 2024. Nordwind invests €\u00a02.500.000 in a new warehouse.",
        "Opening\t1 September 2024",
        "Jobs\t35",
        "Contact: press@nordwind.example",
    ]


def test_html_in_the_encoding_that_it_names(read: Read) -> None:
    content = '<html><meta charset="iso-8859-2"><p>Łódź<br>dwa'.encode("iso-8859-2")
    assert read("a.html", content).extraction.text == "Łódź\ndwa"


@pytest.mark.parametrize("charset", ["nonsense", "base64", "utf-16", "ascii"])
def test_html_that_names_an_encoding_that_cannot_be_is_decoded_all_the_same(read: Read, charset: str) -> None:
    content = f'<html><meta http-equiv="content-type" content="text/html; charset={charset}"><p>Łódź'.encode()
    assert read("a.html", content).extraction.text == "Łódź"


def test_xhtml_with_an_xml_declaration_is_read(read: Read) -> None:
    content = '<?xml version="1.0" encoding="utf-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><p>é</p></html>'
    assert read("a.html", content.encode()).extraction.text == "é"


def test_html_with_more_text_than_the_limit_is_refused(read: Read) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^the document has more than 50 characters of text$"):
        read("a.html", b"<p>some text " * 100, characters=50)


def test_html_that_never_closes_anything_is_read(read: Read) -> None:
    assert read("a.html", b"<html>" + b"<div>" * 100_000 + b"deep").extraction.text == "deep"


def test_a_file_larger_than_the_limit_is_not_opened(read: Read) -> None:
    with pytest.raises(DocumentUnreadable, match=r"^the file has 0 MiB, more than 0 MiB$"):
        read("a.txt", b"12345", document_bytes=4)


def test_stored_text_is_capped_but_all_of_it_is_counted(read: Read) -> None:
    extraction = read("a.txt", b"word " * 50_000).extraction
    assert len(extraction.text) == 100_000
    assert extraction.characters == 250_000
    assert extraction.counts.words == 50_000
