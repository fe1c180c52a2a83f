"""How a child process ended."""

from __future__ import annotations

import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bullmq_bridge.outcome import Failed, FailureKind

if TYPE_CHECKING:
    import resource

# ru_maxrss counts KiB on Linux and bytes on macOS.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of a process. As a text it completes the sentence "the process …".

    Args:
        code: its exit code; negative: the number of the signal that killed it.
        peak_mib: the most memory that it ever used (RSS), in MiB.
    """

    code: int
    peak_mib: float

    @classmethod
    def of(cls, code: int, usage: resource.struct_rusage) -> Ending:
        """From what ``os.wait4`` tells."""
        return cls(code, usage.ru_maxrss * RSS_UNIT / 2**20)

    def __str__(self) -> str:
        peak = f"peak memory {self.peak_mib:.0f} MiB"
        if self.code >= 0:
            return f"ended with exit code {self.code} ({peak})"
        return f"was killed by {_name(-self.code)} ({peak})"


def crashed(ending: Ending, by_the_system: bool = False) -> Failed:
    """What the job of a process fails with that ended unasked; ``by_the_system`` when it was killed for memory."""
    if by_the_system:
        return _failed(FailureKind.KILLED_MEMORY, f"{ending} by the system, which ran out of memory")
    return _failed(FailureKind.CRASHED, str(ending))


def killed_for_memory(ending: Ending, used_mib: float, limit_mib: float) -> Failed:
    """What the job of a process fails with that was killed because it used more memory than it may."""
    how = f"was killed at {used_mib:.0f} MiB of memory (peak {ending.peak_mib:.0f} MiB); its limit is {limit_mib:g} MiB"
    return _failed(FailureKind.KILLED_MEMORY, how)


def _failed(kind: FailureKind, how: str) -> Failed:
    message = f"the process that ran the job {how}"
    return Failed(kind, message, kind.value, f"{kind.value}: {message}", retry=True)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
