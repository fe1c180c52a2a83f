"""For your tests: runs a processor as a worker would, without Redis and without a worker."""

from __future__ import annotations

from bullmq_bridge.testing.children import Children
from bullmq_bridge.testing.job_run import JobRun
from bullmq_bridge.testing.run_job import run_job, run_job_async

__all__ = ["Children", "JobRun", "run_job", "run_job_async"]
