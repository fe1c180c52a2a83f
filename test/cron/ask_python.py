"""Answers the questions on stdin (see question.ts) with the Python package."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from bullmq_bridge.protocol.cron import UnsupportedPattern, next_run_ms


def answer(question: dict[str, Any]) -> list[Any]:
    """Up to three runs, or what ended them."""
    os.environ["TZ"] = question.get("TZ", "UTC")
    runs: list[Any] = []
    after_ms = question["after"]
    while len(runs) < 3:
        try:
            run = next_run_ms(
                question["pattern"],
                after_ms,
                question.get("tz"),
                start_ms=question.get("startDate"),
                end_ms=question.get("endDate"),
                hash_seed=question.get("hashSeed"),
                strict=question.get("strict", False),
            )
        except UnsupportedPattern:
            return [*runs, "refused"]
        if run is None:
            return [*runs, "ended"]
        runs.append(run)
        after_ms = run
    return runs


if __name__ == "__main__":
    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)
