"""How much of a document is read before it is called unreasonable."""

from __future__ import annotations

from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """Bounds that keep one hostile or broken document from taking the worker's memory or hours of its time."""

    document_bytes: int = 100 * _MIB
    """Size of the stored file."""
    inflated_bytes: int = 256 * _MIB
    """All parts of an Office document together, unpacked."""
    xml_part_bytes: int = 64 * _MIB
    """One XML part of an Office document, unpacked: as a tree it takes about ten times as much memory."""
    archive_entries: int = 10_000
    """Parts of an Office document."""
    pages: int = 5_000
    """Pages of a PDF."""
    cells: int = 20_000_000
    """Cells of a workbook, the empty ones between filled ones included."""
    characters: int = 50_000_000
    """Characters of text; more is refused."""
    searched_characters: int = 2_000_000
    """Characters, from the beginning, in which fields are looked for."""
    stored_characters: int = 100_000
    """Characters, from the beginning, that are stored."""
    fields: int = 50
    """Values kept of each field."""
