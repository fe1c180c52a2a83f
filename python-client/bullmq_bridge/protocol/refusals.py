"""Negative replies of the scripts that a publisher calls (``enums/error-code.js``, bullmq 6.7.0)."""

from __future__ import annotations

PARENT_MISSING = -5
PARENT_HAS_OTHER = -7
BELONGS_TO_SCHEDULER = -8
SCHEDULER_JOB_EXISTS = -10
SCHEDULER_SLOTS_BUSY = -11
#: ``obliterate`` has codes of its own.
NOT_PAUSED = -1
HAS_ACTIVE_JOBS = -2
