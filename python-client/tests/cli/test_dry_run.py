from __future__ import annotations

from typing import TYPE_CHECKING

from bullmq_bridge.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

CODE = """
from bullmq_bridge import Worker
mail = Worker("mail", redis_url="redis://127.0.0.1:1")
reports = Worker("reports", concurrency=3)
@mail.job("send")
def send(job): ...
@mail.job("look", pool="thread")
def look(job): ...
@reports.job("print")
async def print_report(job): ...
"""


def test_a_dry_run_says_what_would_run_and_asks_no_redis(
    write_module: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_module("jobs", CODE)
    assert main(["worker", "jobs", "--dry-run", "--queues", "mail:7,reports"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("BullMQ ")
    assert lines[1:] == [
        "queue mail: 7 slots, process pool for plain functions",
        "  look: jobs.look (thread)",
        "  send: jobs.send (process)",
        "queue reports: 3 slots, process pool for plain functions",
        "  print: jobs.print_report (async)",
    ]


def test_a_dry_run_ends_with_1_when_the_worker_would_not_start(
    write_module: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_module("jobs", CODE.replace('"mail",', '"mail", contract="nowhere",'))
    assert main(["worker", "jobs:mail", "--dry-run"]) == 1
    assert "It would not start: nowhere/contract.json is missing" in capsys.readouterr().out
