"""bullmq-bridge's worker. Environment: REDIS_URL, QUEUE, CONCURRENCY, POOL (async, thread, process), CONTRACT."""

import os
import time

from bullmq_bridge import AsyncJob, Event, Job, Worker

pool = os.environ["POOL"]
worker = Worker(
    os.environ["QUEUE"],
    contract=os.environ.get("CONTRACT"),
    redis_url=os.environ["REDIS_URL"],
    concurrency=int(os.environ["CONCURRENCY"]),
    pool="thread" if pool == "thread" else "process",
)

if pool == "async":

    @worker.job("noop")
    async def noop(job: AsyncJob[object]) -> None:
        """Does nothing."""

else:

    @worker.job("noop")
    def noop_sync(job: Job[object]) -> None:
        """Does nothing."""

    # (the contract of the jobs that do nothing has no other)
    if "CONTRACT" not in os.environ:

        @worker.job("cpu")
        def cpu(job: Job[dict[str, float]]) -> int:
            """Computes in pure Python for so many seconds of CPU time."""
            end = time.thread_time() + job.data["seconds"]
            rounds = 0
            while time.thread_time() < end:
                rounds += 1
            return rounds


@worker.on("ready")
def say_ready(event: Event) -> None:
    """Tells the benchmark that it can begin."""
    print("ready", flush=True)


if __name__ == "__main__":
    worker.run()
