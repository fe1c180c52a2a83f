"""Which jobs a child may end and begin by itself."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bullmq_bridge.protocol.finish_calls import FinishCalls

if TYPE_CHECKING:
    from bullmq_bridge.protocol.job import JobRecord


@dataclass(frozen=True, slots=True)
class OwnJobs:
    """The jobs that a child may end and begin by itself.

    Args:
        names: of jobs that need nothing of the engine: no time limit, for one.
        calls: how they are ended.
    """

    names: frozenset[str]
    calls: FinishCalls

    def has(self, job: JobRecord) -> bool:
        """Whether it is one of them: to be run as it is, and no iteration of a scheduler, which must be continued."""
        return (
            job.name in self.names
            and job.data is not None
            and job.deferred_failure is None
            and job.scheduler_id is None
        )

    def encode(self) -> bytes:
        """As bytes, for a child."""
        # (a strategy may be a function that cannot be sent; only a job that fails needs one)
        options = replace(self.calls.options, backoffs={})
        return pickle.dumps((self.names, self.calls.finish_script, self.calls.keys, options))


def decode_own_jobs(encoded: bytes) -> OwnJobs:
    """What ``OwnJobs.encode`` has written."""
    names, script, keys, options = pickle.loads(encoded)
    return OwnJobs(names, FinishCalls(script, keys, options))
