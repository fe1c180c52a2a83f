"""Microseconds to decode the data and encode the result of a job: ``validate.py SCHEMAS QUEUE JOB BATCHES CALLS``.

Both are the JSON text on standard input.
"""

from __future__ import annotations

import sys
import timeit

from bullmq_bridge.contract.contract import QueueContract

schemas, queue, name, batches, calls = sys.argv[1:]
job = QueueContract.load(schemas, queue).job(name)
text = sys.stdin.buffer.read()
value = job.data.decode(text)


def run() -> None:
    """One job through both gates."""
    job.data.decode(text)
    job.result.encode(value)


print(min(timeit.repeat(run, number=int(calls), repeat=int(batches))) / int(calls) * 1e6)
