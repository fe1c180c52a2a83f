"""The parser of the command line: what is wrong is said in one line."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from bullmq_bridge.worker.exit_code import ExitCode


class Parser(argparse.ArgumentParser):
    """Like argparse's own, without the usage in front of each error, and without abbreviated flags."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**{"allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        """Ends with ``ExitCode.USAGE``."""
        self.exit(ExitCode.USAGE, f"{self.prog}: {message} (--help tells more)\n")

    def give_up(self, message: str) -> NoReturn:
        """Ends with ``ExitCode.CANNOT_START``: the command line is fine, what it names is not."""
        self.exit(ExitCode.CANNOT_START, f"{self.prog}: {message}\n")
