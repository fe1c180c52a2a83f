"""Samples in PDF, written by ReportLab."""

from __future__ import annotations

import io

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

_LEFT, _TOP, _LINE = 72, 770, 18


def annual_report() -> bytes:
    """Two pages with dates and amounts in figures of both decimal styles."""
    return _pdf(
        "Annual report 2023",
        [
            [
                "Annual report 2023",
                "Nordwind Logistik GmbH, Hamburg",
                "Published on 15 March 2024",
                "",
                "Revenue rose to € 4.812.300,50 from € 4.120.000,00 in the year before.",
                "The workforce grew from 41 to 48 people.",
                "Questions: investors@nordwind.example",
            ],
            [
                "Outlook",
                "The board expects revenue of € 5.100.000 in 2024.",
                "The general meeting takes place on 2024-06-12 in Hamburg.",
                "A dividend of 1.25 EUR per share will be proposed.",
            ],
        ],
    )


def invoice() -> bytes:
    """One page, as invoices are."""
    return _pdf(
        "Invoice 2024-117",
        [
            [
                "Invoice 2024-117",
                "Müller & Söhne OHG, Gerberstraße 9, 70178 Stuttgart",
                "Date: 03.04.2024    Due: 03.05.2024",
                "",
                "12 pallets, delivered to Zürich        1.440,00 EUR",
                "Insurance                                 86,40 EUR",
                "VAT 19 %                                 290,02 EUR",
                "Total                                  1.816,42 EUR",
                "",
                "Please send remittance advice to buchhaltung@mueller-soehne.example.",
            ]
        ],
    )


def encrypted_contract() -> bytes:
    """A PDF that nobody reads without its password."""
    lock = StandardEncryption(userPassword="open sesame", ownerPassword="the owner", strength=128)
    return _pdf("Contract", [["Confidential", "Signed on 2024-01-31"]], lock)


def _pdf(title: str, pages: list[list[str]], lock: StandardEncryption | None = None) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4, invariant=1, encrypt=lock)
    canvas.setTitle(title)
    for lines in pages:
        for number, line in enumerate(lines):
            canvas.setFont("Helvetica-Bold" if number == 0 else "Helvetica", 16 if number == 0 else 11)
            canvas.drawString(_LEFT, _TOP - number * _LINE, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()
