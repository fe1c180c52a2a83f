"""``python -m bullmq_bridge ping``: can Redis be reached, and how far away is it?"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import redis

from bullmq_bridge.worker.settings import DEFAULT_REDIS_URL

if TYPE_CHECKING:
    import argparse

ROUNDS = 20


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser."""
    parser = commands.add_parser("ping", help="Check that Redis answers, and how fast.")
    parser.add_argument(
        "--redis-url",
        default=os.environ.get("REDIS_URL") or DEFAULT_REDIS_URL,
        help="where Redis is [env REDIS_URL] (default: %(default)s)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints version and round trip of the server; 1 when it does not answer."""
    client = redis.Redis.from_url(options.redis_url, socket_connect_timeout=5)
    try:
        version = client.info("server")["redis_version"]
        trips = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            client.ping()
            trips.append(time.perf_counter() - started)
    except redis.RedisError as error:
        print(f"Redis does not answer: {error}. Check --redis-url or REDIS_URL.")
        return 1
    finally:
        client.close()
    print(f"Redis {version} answers in {sorted(trips)[ROUNDS // 2] * 1000:.2f} ms (median of {ROUNDS}).")
    return 0
