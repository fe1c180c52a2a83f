"""Puts payloads through the gates of Python: ``replay.py SCHEMAS QUEUE PAYLOADS VERDICTS``, the last two as JSON lines.

A payload is ``{"job", "text"}``, with ``sent`` where TypeScript would send it; see verdicts.ts for the answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bullmq_bridge.contract.contract import ContractViolation, QueueContract

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.contract.contract import JobContract


def answer(job: JobContract, payload: dict[str, str]) -> dict[str, str]:
    """What the gates of a job make of a payload."""
    dequeued, _ = passed(lambda: job.data.decode(payload["text"].encode()))
    result, returned = passed(lambda: job.result.encode(returnable(payload["text"])).decode())
    answers = {"dequeue": dequeued, "result": result}
    if result == "accept":
        answers["returned"] = returned
    if "sent" in payload:
        arrival, value = passed(lambda: job.data.decode(payload["sent"].encode()))
        answers["arrived"] = json.dumps(value) if arrival == "accept" else json.dumps({"not": arrival})
    return answers


def passed(gate: Callable[[], Any]) -> tuple[str, Any]:
    """The verdict of a gate, and what it lets through."""
    try:
        return "accept", gate()
    except ContractViolation:
        return "refuse", None
    except Exception as error:
        return f"broke: {error!r}", None


def returnable(text: str) -> Any:
    """The text as a value of a processor, which may have more than JSON: NaN, lone surrogates, large integers."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ContractViolation("a result that no processor can return", []) from None


def main(schemas: str, queue: str, payloads: str, verdicts: str) -> None:
    """Answers every line."""
    sys.set_int_max_str_digits(0)
    contract = QueueContract.load(schemas, queue)
    with Path(payloads).open(encoding="utf-8") as asked, Path(verdicts).open("w", encoding="utf-8") as answered:
        for line in asked:
            payload = json.loads(line)
            answered.write(json.dumps(answer(contract.job(payload["job"]), payload)) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
