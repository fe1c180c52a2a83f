"""From bytes to text for the formats that are plain text."""

from __future__ import annotations

import codecs

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(content: bytes, declared: str | None = None) -> str:
    """Decode by byte order mark, else by the `declared` encoding, else as UTF-8 or Windows-1252.

    Windows-1252 is the usual encoding of old Western files. An encoding that is unknown, or that does not fit, is
    ignored.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    # UTF-16 without a mark: the declaration could not even have been read, so it is wrong.
    fitting = declared if declared and not declared.lower().startswith("utf-16") else "utf-8"
    for encoding in (fitting, "utf-8", "cp1252"):
        try:
            return content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    # Windows-1252 leaves five bytes undefined; Latin-1 defines all.
    return content.decode("latin-1")
