"""All samples together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.samples import office, pdf, plain
from workers.samples.packing import zipped

if TYPE_CHECKING:
    from pathlib import Path


def sample_documents() -> dict[str, bytes]:
    """Return the documents by their path in the archive; those under ``broken/`` cannot be read."""
    return {
        "broken/encrypted-contract.pdf": pdf.encrypted_contract(),
        "broken/truncated-letter.docx": office.truncated_letter(),
        "invoices/invoice-2024-117.pdf": pdf.invoice(),
        "letters/offer.docx": office.offer(),
        "letters/meeting-minutes.docx": office.meeting_minutes(),
        "notes/grüße.txt": plain.greetings(),
        "notes/old-memo.txt": plain.latin1_memo(),
        "reports/annual-report.pdf": pdf.annual_report(),
        "tables/budget.xlsx": office.budget(),
        "tables/customers.csv": plain.customers(),
        "tables/inventory.xlsx": office.inventory(),
        "web/press-release.html": plain.press_release(),
    }


def write_samples(path: Path) -> list[str]:
    """Write the sample archive to `path` and return the names of its documents."""
    documents = sample_documents()
    folders = sorted({f"{name.rpartition('/')[0]}/" for name in documents})
    path.write_bytes(zipped({**dict.fromkeys(folders, b""), **documents}))
    return list(documents)
