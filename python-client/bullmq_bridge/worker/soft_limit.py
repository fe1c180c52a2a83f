"""The soft time limit of the job that a child runs."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bullmq_bridge.directive import TOO_LONG, TimeLimitExceeded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class SoftLimit:
    """Raises ``TimeLimitExceeded`` in the job that runs when the engine sends SIGUSR2, and never between two jobs."""

    def __init__(self) -> None:
        self._running = False
        self._kept_off = False
        self._due = False
        signal.signal(signal.SIGUSR2, self._strike)

    def __enter__(self) -> None:
        self._due = False
        self._running = True

    def __exit__(self, *error: object) -> None:
        self._running = False

    @contextmanager
    def kept_off(self) -> Iterator[None]:
        """Lets what must not be cut in two come to its end; a limit that is reached meanwhile strikes after it."""
        if threading.current_thread() is not threading.main_thread():
            # Signals are handled in the main thread only.
            yield
            return
        self._kept_off = True
        try:
            yield
        finally:
            self._kept_off = False
            if self._due:
                self._raise()

    def _strike(self, number: int, frame: FrameType | None) -> None:
        if self._kept_off:
            self._due = True
        else:
            self._raise()

    def _raise(self) -> None:
        self._due = False
        if self._running:
            self._running = False
            raise TimeLimitExceeded(TOO_LONG)
