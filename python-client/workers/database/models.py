"""The tables ``batches`` and ``documents`` as the workers see them.

The backend's migrations create and change them. These models only have to agree; nothing here is ever used to alter
a real database.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of the mapped tables."""


class Batch(Base):
    """One uploaded archive. Times are in milliseconds since 1970."""

    __tablename__ = "batches"

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    filename: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    """``queued``, ``processing``, ``completed``, ``completed_with_errors``, ``failed`` or ``rejected``."""
    reason: Mapped[str | None] = mapped_column(Text)
    run: Mapped[int] = mapped_column(Integer, server_default=text("0"), default=0)
    storage_path: Mapped[str] = mapped_column(Text)
    report: Mapped[str | None] = mapped_column(Text)
    """The batch report as JSON text."""
    created_at: Mapped[int] = mapped_column(BigInteger)
    updated_at: Mapped[int] = mapped_column(BigInteger)


class Document(Base):
    """One file of a batch."""

    __tablename__ = "documents"
    __table_args__ = (Index("documents_batch_id", "batch_id"),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    batch_id: Mapped[str] = mapped_column(Text, ForeignKey("batches.id"))
    name: Mapped[str] = mapped_column(Text)
    """Path inside the archive."""
    storage_path: Mapped[str] = mapped_column(Text)
    """Absolute path of the stored file."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(Text)
    """``pending``, ``completed`` or ``failed``."""
    media_type: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    extracted: Mapped[str | None] = mapped_column(Text)
    """What was found in the document, as JSON text (`workers.processing.extraction.Extraction`)."""
    updated_at: Mapped[int] = mapped_column(BigInteger)
