"""What kind of document a file is: by its content where that decides, by its extension otherwise."""

from __future__ import annotations

import codecs
import re
import zipfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from workers.processing.errors import DocumentUnreadable
from workers.processing.formats.parsing import parsing

if TYPE_CHECKING:
    from pathlib import Path

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HTML = "text/html"
CSV = "text/csv"
TEXT = "text/plain"

_HEAD_BYTES = 8192
_MOST_STRANGE_BYTES = 0.02
_PDF_HEADER_WITHIN = 1024  # readers accept junk before the header up to here

_BY_EXTENSION = {
    ".pdf": PDF,
    ".docx": DOCX,
    ".xlsx": XLSX,
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".csv": CSV,
    ".tsv": CSV,
}
_MAIN_PARTS = {"word/document.xml": DOCX, "xl/workbook.xml": XLSX}
_FORMAT_NAMES = {PDF: "PDF", DOCX: "DOCX", XLSX: "XLSX"}
_OTHER_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\x1f\x8b", "gzip data"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_IN_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_HTML_START = re.compile(rb"<(?:!doctype\s+html|html)\b", re.IGNORECASE)


def media_type(path: Path, name: str) -> str:
    """Return the media type of the stored file at `path`, which was uploaded as `name`.

    Raises:
        DocumentUnreadable: empty, binary content of no supported kind, or content that is not what the extension
            promises.
    """
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    extension = PurePosixPath(name.lower()).suffix
    promised = _BY_EXTENSION.get(extension)
    if not head:
        raise DocumentUnreadable("the file is empty")
    if b"%PDF-" in head[:_PDF_HEADER_WITHIN]:
        return PDF
    if head.startswith(_ZIP):
        return _office_type(path, promised)
    if head.startswith(_OLE):
        raise DocumentUnreadable(_ole_reason(path))
    if not _looks_like_text(head):
        raise DocumentUnreadable(_binary_reason(head, promised))
    if promised in _FORMAT_NAMES:
        raise DocumentUnreadable(f"{_FORMAT_NAMES[promised]} is corrupt: the content is plain text")
    if _looks_like_html(head):
        return HTML
    return promised or TEXT


def _office_type(path: Path, promised: str | None) -> str:
    document = _FORMAT_NAMES.get(promised or "", "ZIP archive")
    with parsing(document), zipfile.ZipFile(path) as archive:
        members = set(archive.namelist())
    for part, office_type in _MAIN_PARTS.items():
        if part in members:
            return office_type
    raise DocumentUnreadable(f"{document} has neither a Word document nor an Excel workbook in it")


def _ole_reason(path: Path) -> str:
    # Office wraps an encrypted DOCX or XLSX into the container format of its old binary documents.
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        return "Office document is encrypted and needs a password"
    return "Office document in the old binary format (DOC, XLS, PPT) is not supported; save it as DOCX or XLSX"


def _looks_like_text(head: bytes) -> bool:
    # A stray control character makes no binary file of a text; a real one has them everywhere.
    strange = len(_NOT_IN_TEXT.findall(head))
    return head.startswith(_UTF16) or strange <= len(head) * _MOST_STRANGE_BYTES


def _looks_like_html(head: bytes) -> bool:
    rest = head.removeprefix(codecs.BOM_UTF8).lstrip()
    while rest.startswith((b"<!--", b"<?")):
        end = b"-->" if rest.startswith(b"<!--") else b">"
        rest = rest.partition(end)[2].lstrip()
    return _HTML_START.match(rest) is not None


def _binary_reason(head: bytes, promised: str | None) -> str:
    if promised in _FORMAT_NAMES:
        return f"{_FORMAT_NAMES[promised]} is corrupt: the content has none of the format's marks"
    kind = next((kind for magic, kind in _OTHER_KINDS if head.startswith(magic)), "binary content of an unknown kind")
    return f"not a supported document: {kind}"
