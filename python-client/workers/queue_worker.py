"""``python -m workers.queue_worker``: the processors as jobs of the queue ``file-processing``.

Each child process imports this module too, by its name; it gets the same environment, so the same settings.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from bullmq_bridge import Job, Unrecoverable, Worker
from workers.config import Config, ConfigError
from workers.database.connection import dispose_engines, get_engine, get_session
from workers.jobs import AGGREGATE_BATCH, PROCESS_FILE, QUEUE, document_of_job
from workers.processing.aggregator import aggregate_batch
from workers.processing.errors import BatchNotFound, DocumentNotFound, DocumentUnreadable
from workers.processing.extractor import process_file

if TYPE_CHECKING:
    from bullmq_bridge import Event
    from workers.payloads import AggregateBatchData, AggregateBatchResult, ProcessFileData, ProcessFileResult

try:
    config = Config.from_environment()
except ConfigError as error:
    sys.exit(f"workers.queue_worker: {error}")

log = logging.getLogger("workers.queue_worker")

worker = Worker(
    QUEUE,
    contract=str(config.contract_dir),
    redis_url=config.redis_url,
    concurrency=config.worker_concurrency,
    prefix=config.queue_prefix,
)


@worker.setup
def open_database() -> None:
    """Make this process's database engine; its connection opens with the first job."""
    get_engine(config)


@worker.teardown
def close_database() -> None:
    """Close the database connections of this process."""
    dispose_engines()


@worker.on("ready")
def say_what_is_used(event: Event) -> None:
    """Tell where the documents and the jobs are."""
    log.info("%s", config.describe())
    if not config.use_queue:
        log.warning("USE_QUEUE is false: the backend calls workers.http_worker; only jobs left in the queue come here")


@worker.job(PROCESS_FILE)
def process_file_job(job: Job[ProcessFileData]) -> ProcessFileResult:
    """Extract one document. What is wrong with it for good is not tried again."""
    doc_id = job.data["doc_id"]
    job.update_progress(0)
    with get_session(config) as session:
        try:
            result = process_file(session, doc_id, config)
        except (DocumentNotFound, DocumentUnreadable) as error:
            job.log(f"document {doc_id}: {error}")
            raise Unrecoverable(str(error)) from error
    job.log(f"document {doc_id}: {result['media_type']}, {result['characters']:,} characters")
    job.update_progress(100)
    return result


@worker.job(AGGREGATE_BATCH)
def aggregate_batch_job(job: Job[AggregateBatchData]) -> AggregateBatchResult:
    """Write the report of a batch whose documents have all settled, or of any batch when it is asked for by itself."""
    batch_id = job.data["batch_id"]
    job.update_progress(0)
    # A job that crashed, timed out or ran out of attempts left its document pending; the queue knows the reason.
    reasons = {document_of_job(key): reason for key, reason in job.get_ignored_children_failures().items()}
    with get_session(config) as session:
        try:
            result = aggregate_batch(session, batch_id, config, reasons)
        except BatchNotFound as error:
            job.log(f"batch {batch_id}: {error}")
            raise Unrecoverable(str(error)) from error
    job.log(f"batch {batch_id}: {result['status']}, {result['completed']} of {result['files']} files")
    job.update_progress(100)
    return result


def main() -> None:
    """Work until SIGTERM or SIGINT, with the options of ``--help``."""
    worker.main()


if __name__ == "__main__":
    main()
