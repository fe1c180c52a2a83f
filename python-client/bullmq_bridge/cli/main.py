"""``python -m bullmq_bridge``: its commands."""

from __future__ import annotations

import argparse

from bullmq_bridge.cli import ping, worker


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; its exit code (see ``worker.exit_code``)."""
    parser = argparse.ArgumentParser(
        prog="python -m bullmq_bridge", description="Run BullMQ jobs in Python, on BullMQ's own scripts."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    worker.add_command(commands)
    ping.add_command(commands)
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code
