"""Tables as text: CSV, and the same with semicolons, tabs or bars."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from workers.processing.formats.decoding import decode
from workers.processing.formats.outline import Outline
from workers.processing.formats.parsing import parsing

if TYPE_CHECKING:
    from pathlib import Path

    from workers.processing.limits import Limits
    from workers.processing.transcript import Transcript

_DELIMITERS = ",;\t|"


def extract(path: Path, transcript: Transcript, _limits: Limits) -> Outline:
    """Read each record as one line with tabs between the fields.

    Raises:
        DocumentUnreadable: one field is larger than the csv module accepts, as after a quote that never ends.
    """
    text = decode(path.read_bytes())
    with parsing("CSV"):
        for record in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)):
            transcript.add("\t".join(field.replace("\n", " ") for field in record))
    return Outline()


def _delimiter(text: str) -> str:
    """The delimiter that the first line uses most; a comma when it has none."""
    first_line = text.lstrip().partition("\n")[0]
    return max(_DELIMITERS, key=first_line.count)
