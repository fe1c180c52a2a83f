"""The exit codes of a worker."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a worker ended. The docs have the same table."""

    #: Every job that was started has ended.
    OK = 0
    #: The worker could not start: its settings, contract, bundle, module or ``setup``.
    CANNOT_START = 1
    #: The command line is wrong.
    USAGE = 2
    #: At the shutdown deadline jobs still ran; they were stopped and handed back.
    INTERRUPTED = 3
    #: A second SIGINT: jobs were stopped at once and handed back.
    COLD = 4
    #: Redis did not take jobs back; another worker's stalled check will.
    NOT_HANDED_BACK = 5
    #: A job scheduler has a pattern that this worker cannot compute; its job waits for another.
    UNSUPPORTED_PATTERN = 6
    #: A live producer has a contract that this worker does not go together with.
    CONTRACT_MISMATCH = 7
    #: The backend runs a BullMQ beside which this bundle's scripts must not be run; start again with the right one.
    VERSION_MISMATCH = 8
