"""Publishes what it is told to on stdin, one JSON request a line, and answers on stdout (see publisher.ts)."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import json
import sys
from typing import Any

import bullmq_bridge
from bullmq_bridge import FlowJob, JobItem, Schedule

FORMS = {
    "blocking": {"Queue": "Queue", "Flow": "Flow", "QueueEvents": "QueueEvents"},
    "asyncio": {"Queue": "AsyncQueue", "Flow": "AsyncFlow", "QueueEvents": "AsyncQueueEvents"},
}


class Publisher:
    """Keeps what was opened: the same settings mean the same object."""

    def __init__(self, form: str) -> None:
        self._classes = FORMS[form]
        self._opened: dict[str, Any] = {}

    async def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request: a value, or an error by type and message."""
        try:
            result = getattr(self._open(request), request["method"])(
                *(decoded(argument) for argument in request["args"]), **request["kwargs"]
            )
            return {"value": encoded(await result if inspect.isawaitable(result) else result)}
        except Exception as error:
            return {"error": {"type": type(error).__name__, "message": str(error)}}

    def _open(self, request: dict[str, Any]) -> Any:
        key = json.dumps([request["kind"], request["name"], request["settings"]])
        if key not in self._opened:
            kind = getattr(bullmq_bridge, self._classes[request["kind"]])
            self._opened[key] = kind(request["name"], **request["settings"])
        return self._opened[key]


def decoded(argument: Any) -> Any:
    """An argument; what JSON has no type for is an object of one key that begins with ``$``."""
    if isinstance(argument, list):
        return [decoded(item) for item in argument]
    if isinstance(argument, dict) and len(argument) == 1:
        ((key, value),) = argument.items()
        if key == "$item":
            return JobItem(value["name"], value["data"], **value["options"])
        if key == "$flow":
            children = [decoded(child) for child in value["children"]]
            return FlowJob(value["name"], value["data"], queue=value["queue"], children=children, **value["options"])
        if key == "$schedule":
            return Schedule(**value)
    return argument


def encoded(value: Any) -> Any:
    """A result as JSON; an object has the name of its class."""
    if dataclasses.is_dataclass(value):
        fields = {field.name: encoded(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"$": type(value).__name__, **fields}
    if isinstance(value, (list, tuple)):
        return [encoded(item) for item in value]
    if isinstance(value, dict):
        return {str(key): encoded(item) for key, item in value.items()}
    return value


async def main() -> None:
    """Answers until stdin ends."""
    publisher = Publisher(sys.argv[1])
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await publisher.answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
