"""The memory of child processes: what they use, and what the system does about it."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

import psutil

#: Where control groups are mounted, and what says which of them this process is in.
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUPS = Path("/proc/self/cgroup")
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
    for file in _counters():
        with contextlib.suppress(OSError):
            counts = dict(line.split() for line in file.read_text().splitlines())
            if "oom_kill" in counts:
                return int(counts["oom_kill"])
    return None


@functools.cache
def _counters() -> list[Path]:
    """The files where the kernel may count its kills, for cgroup v2 and v1, seen from inside a container or outside."""
    try:
        lines = OWN_CGROUPS.read_text().splitlines()
    except OSError:
        return []
    own = {controllers: path.lstrip("/") for _, controllers, path in (line.split(":", 2) for line in lines)}
    files = []
    if (path := own.get("")) is not None:
        files += [CGROUPS / path / "memory.events", CGROUPS / "memory.events"]
    if (path := own.get("memory")) is not None:
        files += [CGROUPS / "memory" / path / "memory.oom_control", CGROUPS / "memory" / "memory.oom_control"]
    return files
