"""The slot of a child: runs the jobs that the engine gives it, and those that follow them over its own line."""

from __future__ import annotations

import contextvars
import logging
import os
import time
from typing import TYPE_CHECKING

from bullmq_bridge.directive import TimeLimitExceeded
from bullmq_bridge.outcome import Completed, Outcome, outcome_of, untold
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.protocol.replies import parse_fetched
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.execution import execute
from bullmq_bridge.worker.frames import Kind, decode_job, encode, encode_outcome
from bullmq_bridge.worker.own_line import LineLost, OwnLine

if TYPE_CHECKING:
    import socket

    from bullmq_bridge.contract.contract import QueueContract
    from bullmq_bridge.worker.engine_port import EnginePort
    from bullmq_bridge.worker.own_jobs import OwnJobs
    from bullmq_bridge.worker.soft_limit import SoftLimit
    from bullmq_bridge.worker.worker import Worker

#: The engine's word has just been looked for before a job began that took less than this.
GLANCE_AFTER_S = 0.001

logger = logging.getLogger("bullmq_bridge.worker")


class ChildSlot:
    """Runs one job at a time.

    Args:
        engine: the way to the engine.
        courier: over which the engine sends a connection to Redis.
        limit: the soft time limit of a job that runs.
        declared: the worker with its processors.
        contract: what their jobs are like.
        own: which jobs it may end by itself, and how.
    """

    def __init__(
        self,
        engine: EnginePort,
        courier: socket.socket,
        limit: SoftLimit,
        declared: Worker,
        contract: QueueContract,
        own: OwnJobs,
    ) -> None:
        self._engine = engine
        self._courier = courier
        self._limit = limit
        self._processors = declared.processors
        self._contracts = {name: contract.job(name) for name in declared.processors}
        self._own = own
        self._line: OwnLine | None = None
        # Jobs that it may still take by itself.
        self._left = 0
        self._began_at = 0.0
        # A fork that a processor makes (``multiprocessing``) does not speak for the job.
        os.register_at_fork(after_in_child=self._drop_line)

    def work(self) -> None:
        """Runs jobs until the engine says stop.

        Raises:
            EngineGone: nobody waits for this process any more.
        """
        while True:
            kind, values = self._engine.receive()
            if kind == Kind.STOP:
                return
            if kind == Kind.LINE:
                self._drop_line()
                self._line = OwnLine(self._courier)
            elif kind == Kind.JOB:
                record: JobRecord | None
                record, self._left = decode_job(values)
                self._engine.quiet = self._line is not None and self._left > 0
                while record is not None:
                    record = self._end(record, self._run(record))
            # (else an answer to a job that was cut short while it waited, or a recall that came when it was over)

    def _run(self, record: JobRecord) -> Outcome:
        name = record.name or ""
        self._engine.spoke = False
        self._began_at = time.monotonic()
        # A copy for each job: what setup() has put into context variables is there, what another job has is not.
        run = contextvars.copy_context().run
        try:
            with self._limit:
                outcome: Outcome = run(execute, self._processors[name], self._contracts[name], record, self._engine)
        except TimeLimitExceeded as error:
            # While the data was decoded, or the result encoded.
            outcome = outcome_of(error)
        except Exception as error:
            logger.exception("how job %s ended could not be told", record.id)
            outcome = untold(error)
        return outcome

    def _end(self, record: JobRecord, outcome: Outcome) -> JobRecord | None:
        """Tells how a job ended, Redis itself if it may; the next job, if it is one to go on with."""
        if not isinstance(outcome, Completed) or self._line is None or not self._may_go_on(record):
            self._engine.write(encode_outcome(outcome))
            return None
        try:
            command = self._own.calls.move_to_completed(record, record.token, outcome.result, True, now_ms())
        except Exception:
            # Options that no script takes: the engine ends the job without them, and says so.
            self._engine.write(encode_outcome(outcome))
            return None
        try:
            reply = self._line.ask(command)
        except LineLost as error:
            self._drop_line()
            self._engine.write(encode(Kind.UNANSWERED, outcome.result, str(error)))
            return None
        following = parse_fetched(reply)
        begins = isinstance(following, JobRecord) and self._own.has(following) and not self._engine.has_word
        # Before it begins: the engine must know what runs here, however that ends.
        self._engine.write(encode(Kind.ENDED, outcome.result, reply, begins), at_leisure=begins)
        if not isinstance(following, JobRecord) or not begins:
            return None
        following.token = record.token
        self._left -= 1
        return following

    def _drop_line(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None

    def _may_go_on(self, record: JobRecord) -> bool:
        # What the job has said goes through the engine, and must be in Redis before its end is.
        return (
            self._left > 0
            and record.name in self._own.names
            and not self._engine.spoke
            and (time.monotonic() - self._began_at < GLANCE_AFTER_S or not self._engine.has_word)
        )
