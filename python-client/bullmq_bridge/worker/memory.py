"""The memory of child processes: what they use, and what the system does about it."""

from __future__ import annotations

from pathlib import Path

import psutil

#: Counters of the control group this process is in (cgroup v2), where the kernel notes that it killed for memory.
CGROUP_EVENTS = Path("/sys/fs/cgroup/memory.events")
MIB = 2**20


def resident_mib(pid: int) -> float | None:
    """Resident memory of a process in MiB; None when it is gone."""
    try:
        rss: int = psutil.Process(pid).memory_info().rss
    except psutil.Error:
        return None
    return rss / MIB


class OomKills:
    """Whether the kernel has killed a process of this container for memory since this object was made."""

    def __init__(self) -> None:
        self._before = _count()

    def has_risen(self) -> bool:
        """False where the system does not tell."""
        now = _count()
        return now is not None and self._before is not None and now > self._before


def _count() -> int | None:
    try:
        text = CGROUP_EVENTS.read_text()
    except OSError:
        return None
    counts = dict(line.split() for line in text.splitlines())
    return int(counts["oom_kill"]) if "oom_kill" in counts else None
