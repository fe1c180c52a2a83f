"""What a type checker says of programs that publish."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]

#: Each line that is wrong says so, and mypy complains of an ignored error that is none.
PROGRAM = """
from typing import Any

import redis
from typing_extensions import assert_type

from bullmq_bridge import (
    AsyncQueue, AsyncQueueEvents, Flow, FlowJob, FlowTree, JobItem, JobView, Queue, QueueEvents, Schedule
)
from bullmq_bridge import Queeu  # type: ignore[attr-defined]
from bullmq_bridge.events import Completed, QueueEvent

with Queue("q", contract="schemas", client=redis.Redis()) as queue:
    assert_type(queue, Queue)
    job = queue.add(
        "import", {"id": 1}, priority="high", attempts=None, backoff={"type": "fixed", "delay_ms": 5},
        remove_on_complete={"count": 5, "age_s": 60}, deduplication={"id": "a", "ttl_ms": 5},
    )
    assert_type(job, JobView)
    queue.add("import", {}, prioritty="high")  # type: ignore[call-arg]
    queue.add("import", {}, priority="urgent")  # type: ignore[arg-type]
    queue.add("import", {}, backoff={"type": "fixed", "delay": 5})  # type: ignore[arg-type]
    queue.add("import", {}, delay_ms="soon")  # type: ignore[arg-type]
    assert_type(queue.add_many([JobItem("import", {}, delay_ms=5)]), list[JobView])
    JobItem("import", {}, delay=5)  # type: ignore[call-arg]
    assert_type(queue.get_job("1"), JobView | None)
    queue.get_jobs(["waiting", "failed"])
    queue.get_jobs("paused")  # type: ignore[arg-type]
    queue.upsert_job_scheduler("s", Schedule(every_ms=5), attempts=3)
    queue.upsert_job_scheduler("s", Schedule(every_ms=5), job_id="a")  # type: ignore[call-arg]
    Queue("q", "schemas")  # type: ignore[call-arg]

assert_type(Flow("q").add(FlowJob("parent", {}, children=[FlowJob("child", {}, lifo=True)])), FlowTree)

for event in QueueEvents("q"):
    assert_type(event, QueueEvent)
    if isinstance(event, Completed):
        assert_type(event.job_id, str)


async def publish() -> Any:
    async with AsyncQueue("q") as asynchronous:
        added = await asynchronous.add("import", {}, priority=5)
        assert_type(added, JobView)
        await asynchronous.add("import", {}, prioritty=5)  # type: ignore[call-arg]
        Queue("q", client=asynchronous)  # type: ignore[arg-type]
    async for event in AsyncQueueEvents("q"):
        assert_type(event, QueueEvent)
    return await AsyncQueueEvents("q").wait_until_finished(added, timeout_s=5)
"""


def test_right_programs_pass_and_wrong_ones_do_not(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    command = [sys.executable, "-m", "mypy", str(program)]
    # There it finds the settings of this project.
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
