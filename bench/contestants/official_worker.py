"""The official Python package. Environment: REDIS_URL, QUEUE, CONCURRENCY."""

import asyncio
import os
import signal

from bullmq import Worker


async def noop(job: object, token: str) -> None:
    """Does nothing."""


async def main() -> None:
    """Works until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    options = {"connection": os.environ["REDIS_URL"], "concurrency": int(os.environ["CONCURRENCY"])}
    worker = Worker(os.environ["QUEUE"], noop, options)
    print("ready", flush=True)
    await stop.wait()
    await worker.close(force=True)


asyncio.run(main())
