"""Runs a processor as a worker would."""

from __future__ import annotations

import asyncio
import contextvars
import json
from typing import TYPE_CHECKING, Any, cast

from bullmq_bridge.directive import ChildFailed
from bullmq_bridge.outcome import (
    AwaitingChildren,
    Completed,
    Failed,
    FailureKind,
    Moved,
    Outcome,
    outcome_of,
    refused,
)
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.queue.failure import Failure
from bullmq_bridge.testing.children import Children
from bullmq_bridge.testing.job_run import JobRun
from bullmq_bridge.testing.recording_port import AsyncRecordingPort, RecordingPort
from bullmq_bridge.testing.told import ToldScripts
from bullmq_bridge.worker.async_execution import execute_async
from bullmq_bridge.worker.clock import now_ms
from bullmq_bridge.worker.execution import execute
from bullmq_bridge.worker.settlement import settle

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bullmq_bridge.contract.contract import JobContract
    from bullmq_bridge.protocol.calls import ScriptCalls
    from bullmq_bridge.worker.worker import Worker

TOKEN = "test"


def run_job(
    worker: Worker,
    name: str,
    data: Any,
    *,
    opts: Mapping[str, Any] | None = None,
    attempts_made: int = 0,
    children: Children | None = None,
    job_id: str = "1",
) -> JobRun:
    """Runs one job of a worker in this process: decode, the gates, the processor, and what becomes of the outcome.

    Nothing of the worker's process is there: no slot, no time or memory limit, no ``setup``. A coroutine function gets
    an event loop of its own; where one runs already, use ``run_job_async``.

    Args:
        worker: the worker that has the processor.
        name: the job's name.
        data: the job's data as it lies in Redis, so with defaults filled in; ``bytes`` are taken as its JSON text.
        opts: options of the job by BullMQ's names, over those of the contract.
        attempts_made: attempts that ended before this one.
        children: what the job is told of its children.
        job_id: the job's id.

    Returns:
        what Redis would have been told. What a processor raises is in there, and not raised.

    Raises:
        ContractError: the contract cannot be read, or has no such job.
        TypeError: the data cannot be written as JSON.
    """
    processor = worker.processors.get(name)
    if processor is not None and processor.is_async:
        settings: dict[str, Any] = {"opts": opts, "attempts_made": attempts_made, "children": children}
        return asyncio.run(run_job_async(worker, name, data, **settings, job_id=job_id))
    run = _Run(worker, name, data, opts or {}, attempts_made, children or Children(), job_id)
    if processor is None:
        return run.ended(run.unknown())
    # As in a child: what the job puts into context variables is gone after it.
    return run.ended(contextvars.copy_context().run(execute, processor, run.contract(), run.record, run.port))


async def run_job_async(
    worker: Worker,
    name: str,
    data: Any,
    *,
    opts: Mapping[str, Any] | None = None,
    attempts_made: int = 0,
    children: Children | None = None,
    job_id: str = "1",
) -> JobRun:
    """Like ``run_job``, for a test that is a coroutine itself. Runs the processors of coroutine functions only.

    Raises:
        ContractError: the contract cannot be read, or has no such job.
        TypeError: the data cannot be written as JSON, or the processor is a plain function.
    """
    run = _Run(worker, name, data, opts or {}, attempts_made, children or Children(), job_id)
    processor = worker.processors.get(name)
    if processor is None:
        return run.ended(run.unknown())
    if not processor.is_async:
        raise TypeError(f"the processor of job {name!r} is a plain function, which would block the loop: use run_job")
    task = asyncio.ensure_future(execute_async(processor, run.contract(), run.record, AsyncRecordingPort(run.port)))
    return run.ended(await task)


class _Run:
    def __init__(
        self,
        worker: Worker,
        name: str,
        data: Any,
        opts: Mapping[str, Any],
        attempts_made: int,
        children: Children,
        job_id: str,
    ) -> None:
        self._worker = worker
        self._settings = worker.settings({})
        self._contract = worker.load_contract().job(name) if name in worker.processors else None
        # What no JSON can carry is written all the same, for the gate to refuse.
        text = data if isinstance(data, bytes) else json.dumps(data).encode()
        self._children = children
        self.port = RecordingPort(children, text)
        now = str(now_ms()).encode()
        options = {**(self._contract.options if self._contract else {}), **opts}
        fields = {
            b"name": name.encode(),
            b"data": text,
            b"opts": json.dumps(options).encode(),
            b"atm": str(attempts_made).encode(),
            b"ats": str(attempts_made + 1).encode(),
            b"priority": str(options.get("priority", 0)).encode(),
            b"timestamp": now,
            b"processedOn": now,
        }
        self.record = JobRecord(job_id, fields, TOKEN)

    def contract(self) -> JobContract:
        assert self._contract is not None, "only a job with a processor is run"
        return self._contract

    def unknown(self) -> Outcome:
        known = ", ".join(sorted(self._worker.processors))
        name, queue = self.record.name, self._worker.queue
        text = f"no processor for job {name!r} of queue {queue!r} (this worker has: {known})"
        return refused(FailureKind.UNKNOWN_JOB, text)

    def ended(self, outcome: Outcome) -> JobRun:
        outcome = self._after_children(outcome)
        told = ToldScripts(self._settings.wire(self._worker.backoffs))
        state = "waiting-children"
        if not isinstance(outcome, Moved):
            calls = cast("ScriptCalls", told)
            _, settlement = settle(calls, self.record, TOKEN, outcome, fetch_next=False, now_ms=now_ms())
            state = settlement.state
        if state == "waiting-children" and not self._children.pending:
            state = "wait"
        return JobRun(
            state=state,
            attempts_made=self.record.attempts_made + told.charged,
            data=_json(self.port.data),
            progress=tuple(self.port.progressed),
            log=tuple(self.port.logged),
            result=json.loads(outcome.result) if isinstance(outcome, Completed) else None,
            failure=self._failure(outcome) if isinstance(outcome, Failed) else None,
            delay_ms=told.delay_ms,
        )

    def _after_children(self, outcome: Outcome) -> Outcome:
        """What becomes of a job that returns although its children have not all ended well."""
        if isinstance(outcome, Completed) and self._children.pending:
            return AwaitingChildren()
        if isinstance(outcome, Completed) and self._children.failed:
            return outcome_of(ChildFailed(self.record.id, "moveToFinished"))
        return outcome

    def _failure(self, failed: Failed) -> Failure:
        return Failure(
            kind=failed.kind.value,
            type=failed.error,
            message=failed.message,
            attempt=self.record.attempts_made + 1,
            traceback=failed.trace,
            paths=failed.paths,
        )


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
