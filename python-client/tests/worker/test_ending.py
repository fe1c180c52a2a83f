from __future__ import annotations

import signal

import pytest

from bullmq_bridge import FailureKind
from bullmq_bridge.worker.ending import Ending, crashed, killed_for_memory


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (0, "ended with exit code 0 (peak memory 21 MiB)"),
        (3, "ended with exit code 3 (peak memory 21 MiB)"),
        (-signal.SIGSEGV, "was killed by SIGSEGV (peak memory 21 MiB)"),
        (-signal.SIGKILL, "was killed by SIGKILL (peak memory 21 MiB)"),
        (-62, "was killed by signal 62 (peak memory 21 MiB)"),
    ],
)
def test_a_process_that_ended_unasked_has_crashed(code: int, text: str) -> None:
    failed = crashed(Ending(code, 20.6))
    assert (failed.kind, failed.message) == (FailureKind.CRASHED, f"the process that ran the job {text}")
    assert failed.retry


def test_one_that_the_system_killed_for_memory_has_not_crashed() -> None:
    failed = crashed(Ending(-signal.SIGKILL, 900), by_the_system=True)
    assert failed.kind is FailureKind.KILLED_MEMORY
    how = "was killed by SIGKILL (peak memory 900 MiB) by the system, which ran out of memory"
    assert failed.message == f"the process that ran the job {how}"


def test_one_that_was_killed_for_memory_names_use_peak_and_limit() -> None:
    failed = killed_for_memory(Ending(-signal.SIGKILL, 141.4), used_mib=128.2, limit_mib=127.5)
    assert failed.kind is FailureKind.KILLED_MEMORY
    assert failed.message == (
        "the process that ran the job was killed at 128 MiB of memory (peak 141 MiB); its limit is 127.5 MiB"
    )
