from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bullmq_bridge.cli.main import main
from bullmq_bridge.worker.exit_code import ExitCode
from bullmq_bridge.worker.link import Link

if TYPE_CHECKING:
    from collections.abc import Callable

WORKER = """
from bullmq_bridge import Worker
worker = Worker("mail")
something = 3
@worker.job("send")
def send(job): ...
"""


def _end(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Exit code and what was said on standard error."""
    try:
        code = main(arguments)
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    assert said.out == ""
    return code, said.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "python -m bullmq_bridge: the following arguments are required: COMMAND"),
        (["work"], "invalid choice: 'work'"),
        (["worker"], "the following arguments are required: MODULE[:OBJECT]"),
        (["worker", ":worker"], "':worker' is no module name like app.jobs, or app.jobs:worker"),
        (["worker", "./jobs.py"], "'./jobs.py' is no module name like app.jobs, or app.jobs:worker"),
        (["worker", "jobs", "--fast"], "unrecognized arguments: --fast"),
        (["worker", "jobs", "--conc", "1"], "unrecognized arguments: --conc 1"),
        (["worker", "jobs", "--concurrency"], "argument --concurrency: expected one argument"),
        (["worker", "jobs", "--concurrency", "0"], "--concurrency=0: must be a whole number greater than 0"),
        (["worker", "jobs", "--concurrency", "two"], "--concurrency=two: must be a whole number greater than 0"),
        (["worker", "jobs", "--max-jobs", "1.5"], "--max-jobs=1.5: must be a whole number greater than 0"),
        (["worker", "jobs", "--max-memory", "1G"], "--max-memory=1G: must be a number"),
        (["worker", "jobs", "--time-limit", "0"], "--time-limit=0: must be greater than 0"),
        (["worker", "jobs", "--time-limit", "nan"], "--time-limit=nan: must be greater than 0"),
        (["worker", "jobs", "--soft-time-limit", "soon"], "--soft-time-limit=soon: must be a number"),
        (["worker", "jobs", "--start-timeout", "-1"], "--start-timeout=-1: must be greater than 0"),
        (["worker", "jobs", "--shutdown-timeout", "-1"], "--shutdown-timeout=-1: must not be negative"),
        (["worker", "jobs", "--pool", "fork"], "--pool=fork: must be process or thread"),
        (["worker", "jobs", "--log-format", "xml"], "--log-format=xml: must be human or json"),
        (["worker", "jobs", "--queues", "mail:0"], "--queues=mail:0: must be a whole number greater than 0"),
        (["worker", "jobs", "--queues", "mail,,"], "--queues=mail,,: must be like mail:10,reports:2"),
        (["worker", "jobs", "--queues", "post"], "--queues: no worker for queue 'post' (there are: mail)"),
        (["check"], "the following arguments are required: MODULE[:OBJECT]"),
        (["ping", "--fast"], "unrecognized arguments: --fast"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
@pytest.mark.usefixtures("runs")
def test_a_wrong_command_line_is_said_in_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], write_module: Callable[[str, str], None]
) -> None:
    write_module("jobs", WORKER)
    code, errors = _end(arguments, capsys)
    assert code == ExitCode.USAGE
    assert said in errors
    assert errors.startswith("python -m bullmq_bridge")
    assert errors.endswith(" (--help tells more)\n")
    assert errors.count("\n") == 1


def test_a_wrong_variable_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, write_module: Callable[[str, str], None]
) -> None:
    write_module("jobs", WORKER)
    monkeypatch.setenv("BULLMQ_BRIDGE_CONCURRENCY", "many")
    code, errors = _end(["worker", "jobs"], capsys)
    assert code == ExitCode.USAGE
    assert errors.startswith("python -m bullmq_bridge worker: BULLMQ_BRIDGE_CONCURRENCY=many: must be a whole number")


@pytest.mark.parametrize("command", ["worker", "check"])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere.jobs", "nowhere.jobs cannot be imported: No module named 'nowhere'"),
        ("needy", "needy cannot be imported: No module named 'not_installed'"),
        ("jobs:other", "'other' of jobs is missing (the module has: worker)"),
        ("jobs:something", "'something' of jobs is a int, not a Worker (the module has: worker)"),
        ("bare", "importing bare declares no Worker: create one at the top of a module"),
        ("bare:worker", "'worker' of bare is missing (the module has: no Worker)"),
    ],
)
def test_a_target_that_is_not_there_is_said_in_one_line(
    command: str,
    target: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
    write_module: Callable[[str, str], None],
) -> None:
    write_module("jobs", WORKER)
    write_module("needy", "import not_installed")
    write_module("bare", "")
    code, errors = _end([command, target], capsys)
    assert (code, errors) == (ExitCode.CANNOT_START, f"python -m bullmq_bridge {command}: {said}\n")


def test_what_a_module_raises_is_shown_with_its_traceback(
    capsys: pytest.CaptureFixture[str], write_module: Callable[[str, str], None]
) -> None:
    write_module("broken", "limits = {}\nlimits['mail']")
    code, errors = _end(["worker", "broken"], capsys)
    assert code == ExitCode.CANNOT_START
    assert 'broken.py", line 2, in <module>' in errors
    assert errors.splitlines()[-1] == "python -m bullmq_bridge worker: broken cannot be imported: KeyError: 'mail'"


@pytest.mark.parametrize(
    ("code", "arguments", "said"),
    [
        (WORKER, ["--bundle", "none.json"], "no protocol bundle at none.json: run `npx bullmq-bridge emit`"),
        (WORKER.replace('"mail"', '"mail", contract="none"'), [], "none/contract.json is missing: run `npx bullmq-"),
        (WORKER.replace("@worker.job", "#"), [], "it has no processor: declare one with @worker.job(name)"),
        (
            WORKER,
            ["--pool", "thread", "--time-limit", "5"],
            "job 'send' has a time limit, but nothing can stop a thread: run it in a process slot",
        ),
    ],
    ids=["bundle", "contract", "processors", "threads"],
)
@pytest.mark.parametrize("dry", [True, False], ids=["dry", "live"])
def test_what_a_worker_lacks_is_said_in_one_line(
    dry: bool,
    code: str,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    write_module: Callable[[str, str], None],
) -> None:
    async def reach_redis(link: Link) -> None:
        raise ValueError("nothing kept it from starting")

    monkeypatch.setattr(Link, "open", reach_redis)
    write_module("jobs", code)
    assert main(["worker", "jobs:worker", *arguments, *(["--dry-run"] if dry else [])]) == ExitCode.CANNOT_START
    lines = [line for line in capsys.readouterr().out.splitlines() if "would not start" in line]
    if not dry:
        assert not any(record.exc_info for record in caplog.records)
        lines = [message for message in caplog.messages if "cannot start" in message]
    assert len(lines) == 1
    assert said in lines[0]
