"""Log lines that say which job they are about, in the engine and in its children."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from bullmq_bridge.protocol.job import JobRecord

LogFormat = Literal["human", "json"]

#: The job that runs here, if one does.
current_job: ContextVar[JobRecord | None] = ContextVar("current_job", default=None)


def job_fields(job: JobRecord) -> dict[str, Any]:
    """What a line says of its job; ``attempt`` counts from 1."""
    return {"job_id": job.id, "job_name": job.name, "attempt": job.attempts_made + 1}


def configure(log_format: LogFormat) -> None:
    """Sends log lines to standard error, unless the program has configured logging itself."""
    if logging.getLogger().handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if log_format == "json" else _HumanFormatter())
    handler.addFilter(_add_job)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # The other way in which Python writes to standard error by itself.
    logging.captureWarnings(True)


def _add_job(record: logging.LogRecord) -> bool:
    job = current_job.get()
    if job is not None and not hasattr(record, "job_id"):
        record.__dict__.update(job_fields(job))
    return True


class _HumanFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if record.name.startswith("bullmq_bridge.") or not hasattr(record, "job_id"):
            return line
        fields = record.__dict__
        return f"{line} [job {fields['job_id']} {fields['job_name']} attempt {fields['attempt']}]"


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name in ("job_id", "job_name", "attempt"):
            if name in record.__dict__:
                line[name] = record.__dict__[name]
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
