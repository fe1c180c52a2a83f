"""``worker --watch``: for development, a worker that starts again when its code changes."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from bullmq_bridge.cli.option import WATCH
from bullmq_bridge.worker.exit_code import ExitCode

#: The worker ends by itself at its shutdown timeout; longer than anybody sets that.
PATIENCE_S = 3600


def run_again_on_changes() -> int:
    """Runs this very command without ``--watch``, again after each change of a Python file below the folder."""
    try:
        from watchfiles import PythonFilter, run_process
    except ImportError:
        print("--watch needs the package watchfiles: pip install 'bullmq-bridge[watch]'", file=sys.stderr)
        return ExitCode.CANNOT_START
    os.environ.pop(WATCH.variable, None)
    command = [sys.executable, *(argument for argument in sys.orig_argv[1:] if argument != WATCH.flag)]
    run_process(
        Path.cwd(),
        target=shlex.join(command),
        target_type="command",
        watch_filter=PythonFilter(),
        sigint_timeout=PATIENCE_S,
    )
    return ExitCode.OK
