"""``worker --watch``: for development, a worker that starts again when its code changes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from bullmq_bridge.worker.exit_code import ExitCode


def run_again_on_changes() -> int:
    """Runs this very command without ``--watch``, again after each change of a Python file below the folder."""
    try:
        from watchfiles import PythonFilter, run_process
    except ImportError:
        print("--watch needs the package watchfiles: pip install 'bullmq-bridge[watch]'", file=sys.stderr)
        return ExitCode.CANNOT_START
    command = [argument for argument in sys.orig_argv if argument != "--watch"]
    run_process(Path.cwd(), target=shlex.join(command), target_type="command", watch_filter=PythonFilter())
    return ExitCode.OK
