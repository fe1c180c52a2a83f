"""bullmq-bridge beside a paused queue. Environment: REDIS_URL, QUEUE, BULLMQ_BRIDGE_BUNDLE.

Adds and retries a job, then works with a stalled check every 100 ms until SIGTERM.
"""

import os

from bullmq_bridge import Event, Job, Queue, Worker

name, redis_url = os.environ["QUEUE"], os.environ["REDIS_URL"]
worker = Worker(name, redis_url=redis_url, stalled_interval_ms=100)


@worker.job("echo")
def echo(job: Job[object]) -> None:
    """Does nothing."""


@worker.on("ready")
def say_ready(event: Event) -> None:
    """Tells the benchmark that it can begin."""
    print("ready", flush=True)


if __name__ == "__main__":
    with Queue(name, redis_url=redis_url) as queue:
        queue.add("echo", {}, job_id="added")
        queue.retry("retried")
    worker.run()
