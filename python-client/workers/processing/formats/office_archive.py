"""The ZIP archive that a DOCX or XLSX document is."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from workers.processing.errors import DocumentUnreadable
from workers.processing.formats.parsing import parsing

if TYPE_CHECKING:
    from pathlib import Path

    from workers.processing.limits import Limits

_MIB = 1024 * 1024
_ENCRYPTED = 0x1


def check_archive(path: Path, document: str, limits: Limits) -> None:
    """Refuse an archive that would unpack to more than the limits, before a library unpacks it.

    The sizes of the directory can be trusted as bounds: ``zipfile``, by which both libraries read, never returns more
    of a member than its directory entry says.

    Raises:
        DocumentUnreadable: no archive, a damaged one, an encrypted member, or too large.
    """
    with parsing(document), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    if len(members) > limits.archive_entries:
        raise DocumentUnreadable(f"{document} has {len(members):,} parts, more than {limits.archive_entries:,}")
    if any(member.flag_bits & _ENCRYPTED for member in members):
        raise DocumentUnreadable(f"{document} is encrypted")
    inflated = sum(member.file_size for member in members)
    if inflated > limits.inflated_bytes:
        raise DocumentUnreadable(
            f"{document} unpacks to {inflated // _MIB:,} MiB, more than {limits.inflated_bytes // _MIB:,} MiB"
        )
    for member in members:
        if member.filename.endswith((".xml", ".rels")) and member.file_size > limits.xml_part_bytes:
            raise DocumentUnreadable(
                f"{document} has the part {member.filename!r} of {member.file_size // _MIB:,} MiB,"
                f" more than {limits.xml_part_bytes // _MIB:,} MiB"
            )
