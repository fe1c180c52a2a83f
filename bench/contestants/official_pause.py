"""The official Python package beside a paused queue. Environment: REDIS_URL, QUEUE.

Adds and retries a job, then works with a stalled check every 100 ms until SIGTERM.
"""

import asyncio
import os
import signal

from bullmq import Job, Queue, Worker


async def echo(job: object, token: str) -> None:
    """Does nothing."""


async def main() -> None:
    """See the module."""
    name, connection = os.environ["QUEUE"], {"connection": os.environ["REDIS_URL"]}
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    queue = Queue(name, connection)
    await queue.add("echo", {}, {"jobId": "added"})
    failed = await Job.fromId(queue, "retried")
    await failed.retry()
    await queue.close()
    worker = Worker(name, echo, {**connection, "stalledInterval": 100})
    print("ready", flush=True)
    await stop.wait()
    await worker.close(force=True)


asyncio.run(main())
