"""``python -m bullmq_bridge ping``: can Redis be reached, and how far away is it?"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import redis

from bullmq_bridge.cli.option import REDIS_URL
from bullmq_bridge.cli.server import Server
from bullmq_bridge.worker.exit_code import ExitCode
from bullmq_bridge.worker.settings import DEFAULT_REDIS_URL

if TYPE_CHECKING:
    import argparse

    from bullmq_bridge.cli.parser import Parser


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command to a parser."""
    parser = commands.add_parser("ping", help="Check that Redis answers, and how fast.")
    parser.add_argument(
        REDIS_URL.flag,
        metavar=REDIS_URL.metavar,
        default=os.environ.get(REDIS_URL.variable) or DEFAULT_REDIS_URL,
        help=f"{REDIS_URL.help} [env {REDIS_URL.variable}] (default: {DEFAULT_REDIS_URL})",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints version and round trip of the server; 1 when it does not answer."""
    try:
        with Server(options.redis_url) as server:
            print(f"{server.product} {server.version} answers in {server.round_trip_ms():.2f} ms (median).")
    except (redis.RedisError, ValueError) as error:
        print(f"Redis does not answer: {error}. Check {REDIS_URL.flag} or {REDIS_URL.variable}.", file=sys.stderr)
        return ExitCode.CANNOT_START
    return ExitCode.OK
