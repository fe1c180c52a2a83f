"""Samples in HTML, CSV and plain text."""

from __future__ import annotations


def press_release() -> bytes:
    """A page with entities, a table, a comment and a script that is no text."""
    return """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Nordwind opens in Gda&#324;sk</title>
  <style>p { margin: 0 }</style>
  <script>const price = "999,99 EUR";</script>
</head>
<body>
  <h1>Nordwind opens in Gdańsk</h1>
  <!-- embargo lifted -->
  <p>Hamburg, April 22, 2024. Nordwind invests &euro;&nbsp;2.500.000
     in a new <b>ware</b>house.</p>
  <table>
    <tr><th>Opening</th><td>1 September 2024</td></tr>
    <tr><th>Jobs</th><td>35</td></tr>
  </table>
  <p>Contact: <a href="mailto:press@nordwind.example">press@nordwind.example</a></p>
</body>
</html>
""".encode()


def customers() -> bytes:
    """Semicolons and decimal commas, as a German spreadsheet exports them; one field has a line end in it."""
    return (
        "\ufeffKunde;Ort;Seit;Umsatz;E-Mail\r\n"
        "Bäckerei Köhler;Düsseldorf;01.02.2019;12.450,00 EUR;post@koehler.example\r\n"
        '"Café ""Zur Post""";Graz;15.09.2021;3.980,50 EUR;servus@zurpost.example\r\n'
        '"Łódź Import\nSp. z o.o.";Łódź;20.11.2023;880,00 EUR;biuro@lodz-import.example\r\n'
    ).encode()


def greetings() -> bytes:
    """UTF-8 far beyond Latin letters."""
    return (
        "Grüße aus aller Welt\n\n"
        "Größe, Übermut, Ärger\n"
        "Ελληνικά, русский, עברית, العربية\n"
        "日本語のテキスト、中文文本、한국어\n"
        "Emoji: 🚀 👩‍💻 🇪🇺\n"
        "Stand: 2024-02-29, info@grüße.example und info@example.org\n"
    ).encode()


def latin1_memo() -> bytes:
    """A file from before UTF-8."""
    return (
        "Aktennotiz vom 5. März 2024\r\n"
        "Die Prüfung der Anlage in Nürnberg kostete 1.250,75 EUR.\r\n"
        "Rückfragen: pruefstelle@example.org\r\n"
    ).encode("latin-1")
