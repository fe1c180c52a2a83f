"""The jobs of the queue ``file-processing``, as the contract in ``src/jobs`` defines them."""

from __future__ import annotations

import re

QUEUE = "file-processing"
PROCESS_FILE = "process-file"
AGGREGATE_BATCH = "aggregate-batch"

_FILE_JOB = re.compile(r"file-(?P<doc_id>.+)-run-\d+(?:-[0-9a-f]{8})?")


def document_of_job(key: str) -> str:
    """Return the document's id from the key ``<prefix>:<queue>:file-<doc_id>-run-<run>`` of its job.

    Eight hex digits may follow: the backend enqueued the document once more in the same run. A job with an id of
    another form (one that was added by hand) gives that id.
    """
    job_id = key.rpartition(":")[2]  # BullMQ allows no colon in an id
    match = _FILE_JOB.fullmatch(job_id)
    return match["doc_id"] if match else job_id
