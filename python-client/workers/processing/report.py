"""The report of a batch."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workers.payloads import BatchOutcome

_MOST_EMAILS = 20


class BatchReport:
    """Adds up the documents of a batch, one after the other, into the content of ``batches.report``.

    The report has no times in it, so the same documents give the same report.
    """

    def __init__(self, batch_id: str) -> None:
        self._batch_id = batch_id
        self._documents: list[dict[str, Any]] = []
        self._totals: Counter[str] = Counter()
        self._by_media_type: dict[str, Counter[str]] = {}
        self._emails: Counter[str] = Counter()
        self._first_date: str | None = None
        self._last_date: str | None = None
        self._amounts: dict[str, list[Decimal]] = {}

    @property
    def files(self) -> int:
        """Documents of the batch."""
        return len(self._documents)

    @property
    def completed(self) -> int:
        """Documents that were read."""
        return self._totals["completed"]

    @property
    def failed(self) -> int:
        """Documents that were not."""
        return self.files - self.completed

    @property
    def status(self) -> BatchOutcome:
        """``failed`` when no document was read, ``completed`` when every one was."""
        if not self.completed:
            return "failed"
        return "completed_with_errors" if self.failed else "completed"

    def add(
        self,
        *,
        doc_id: str,
        name: str,
        status: str,
        reason: str | None,
        media_type: str | None,
        size: int,
        extracted: Mapping[str, Any] | None,
    ) -> None:
        """Add one settled document; `extracted` is the content of its column, `size` is in bytes."""
        found = extracted if status == "completed" else None
        self._documents.append(
            {
                "doc_id": doc_id,
                "name": name,
                "status": status,
                **({"reason": reason} if reason else {}),
                "media_type": media_type,
                "bytes": size,
                "characters": found["characters"] if found else None,
                "pages": found["pages"] if found else None,
                "sheets": found["sheets"] if found else None,
            }
        )
        sums = Counter(bytes=size, **{"completed" if status == "completed" else "failed": 1})
        if found:
            sums.update(
                characters=found["characters"],
                words=found["counts"]["words"],
                pages=found["pages"] or 0,
                sheets=found["sheets"] or 0,
            )
            self._add_fields(found["fields"])
        self._totals.update(sums)
        self._by_media_type.setdefault(media_type or "unknown", Counter()).update(files=1, **sums)

    def to_json(self) -> str:
        """As stored."""
        return json.dumps(
            {
                "batch_id": self._batch_id,
                "status": self.status,
                "totals": {
                    "files": self.files,
                    **{
                        name: self._totals[name]
                        for name in ("completed", "failed", "bytes", "characters", "words", "pages", "sheets")
                    },
                },
                "by_media_type": {
                    kind: {name: sums[name] for name in ("files", "completed", "failed", "bytes", "characters")}
                    for kind, sums in sorted(self._by_media_type.items())
                },
                "documents": self._documents,
                "fields": {
                    "emails": [
                        {"email": email, "documents": count}
                        for email, count in sorted(self._emails.items(), key=lambda item: (-item[1], item[0]))
                    ][:_MOST_EMAILS],
                    "dates": {"first": self._first_date, "last": self._last_date},
                    "amounts": {
                        currency: {
                            "count": len(values),
                            "smallest": str(min(values)),
                            "largest": str(max(values)),
                            "sum": str(sum(values)),
                        }
                        for currency, values in sorted(self._amounts.items())
                    },
                },
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )

    def _add_fields(self, fields: Mapping[str, list[str]]) -> None:
        self._emails.update(fields["emails"])
        for day in fields["dates"]:
            self._first_date = min(self._first_date or day, day)
            self._last_date = max(self._last_date or day, day)
        for amount in fields["amounts"]:
            value, currency = amount.split(" ")
            self._amounts.setdefault(currency, []).append(Decimal(value))
