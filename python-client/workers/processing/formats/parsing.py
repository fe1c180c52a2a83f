"""The border to the parsing libraries."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workers.processing.errors import DocumentUnreadable
from workers.processing.transcript import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_REASON = 300


@contextmanager
def parsing(document: str) -> Iterator[None]:
    """Turn whatever a parser raises on malformed input into `DocumentUnreadable`, with the parser's reason.

    The parsers document no closed set of errors: a broken file shows as KeyError, RecursionError or worse. Keep the
    block to the library calls, so that a mistake of our own is not blamed on the document. Errors of the disk and of
    memory pass: the same document may well be readable later.
    """
    try:
        yield
    except (DocumentUnreadable, MemoryError):
        raise
    except OSError as error:
        if error.errno == errno.EINVAL:
            # Seeking to a negative offset, which only a broken document asks for.
            raise DocumentUnreadable(f"{document} is corrupt: it points outside of itself") from error
        if error.errno is not None:
            raise
        # Without a number it is not the system's: openpyxl raises such ones for what it does not find in a file.
        raise DocumentUnreadable(f"{document} is corrupt: {_reason(error)}") from error
    except Exception as error:
        raise DocumentUnreadable(f"{document} is corrupt: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    lines = clean_text(str(error)).strip().splitlines()
    # Bare texts such as KeyError's "'/Root'" mean nothing without the kind of the error.
    text = lines[0] if lines and " " in lines[0] else f"{type(error).__name__} {lines[0] if lines else ''}".rstrip()
    return text[:_LONGEST_REASON]
