"""``python -m bullmq_bridge``: its commands."""

from __future__ import annotations

from bullmq_bridge.cli import check, ping, worker
from bullmq_bridge.cli.parser import Parser


def main(arguments: list[str] | None = None) -> int:
    """Runs a command; its exit code (see ``worker.exit_code``)."""
    parser = Parser(prog="python -m bullmq_bridge", description="Run BullMQ jobs in Python, on BullMQ's own scripts.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in (worker, check, ping):
        command.add_command(commands)
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code
