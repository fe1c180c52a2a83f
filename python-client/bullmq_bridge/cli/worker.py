"""``python -m bullmq_bridge worker``: the options of a worker, from the command line and the environment."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bullmq_bridge.worker.exit_code import ExitCode
from bullmq_bridge.worker.worker import Worker, declared_workers

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = """
examples:
  python -m bullmq_bridge worker app.jobs:worker
  python -m bullmq_bridge worker app.jobs --queues mail:10,reports:2
  python -m bullmq_bridge worker app.jobs:worker --burst --log-format json
"""


@dataclass(frozen=True)
class Option:
    """A flag that an environment variable can replace. The flag wins; without both, what the worker declares holds.

    ``setting`` is the name in ``Settings``, or None for what is not a setting of one worker.
    """

    flag: str
    variable: str
    setting: str | None
    convert: Callable[[str], Any]
    metavar: str | None
    help: str

    @property
    def destination(self) -> str:
        """The attribute of the parsed arguments."""
        return self.flag.lstrip("-").replace("-", "_")


def _positive(text: str) -> float:
    number = float(text)
    if not number > 0:
        raise ValueError("must be greater than 0")
    return number


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("must be at least 1")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if number < 0:
        raise ValueError("must not be negative")
    return number


def _choice(*choices: str) -> Callable[[str], str]:
    def choose(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return choose


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("must be true or false")


def _queues(text: str) -> dict[str, int | None]:
    queues: dict[str, int | None] = {}
    for part in text.split(","):
        name, _, slots = part.strip().partition(":")
        if not name:
            raise ValueError("must be like mail:10,reports:2")
        queues[name] = _count(slots) if slots else None
    return queues


OPTIONS = (
    Option("--concurrency", "BULLMQ_BRIDGE_CONCURRENCY", "concurrency", _count, "N", "slots of each queue"),
    Option(
        "--pool",
        "BULLMQ_BRIDGE_POOL",
        "pool",
        _choice("process", "thread"),
        "POOL",
        "where a plain def runs: process or thread",
    ),
    Option(
        "--queues", "BULLMQ_BRIDGE_QUEUES", None, _queues, "Q[:N],...", "only these queues, with so many slots each"
    ),
    Option("--burst", "BULLMQ_BRIDGE_BURST", "burst", _flag, None, "stop when there is nothing to do"),
    Option(
        "--max-jobs", "BULLMQ_BRIDGE_MAX_JOBS", "max_jobs_per_child", _count, "N", "replace a process slot after N jobs"
    ),
    Option(
        "--max-memory",
        "BULLMQ_BRIDGE_MAX_MEMORY",
        "max_memory_mb",
        _positive,
        "MIB",
        "kill a process slot above this memory; replace it between jobs above three quarters of it",
    ),
    Option(
        "--time-limit", "BULLMQ_BRIDGE_TIME_LIMIT", "time_limit_s", _positive, "S", "stop a job after so many seconds"
    ),
    Option(
        "--soft-time-limit",
        "BULLMQ_BRIDGE_SOFT_TIME_LIMIT",
        "soft_time_limit_s",
        _positive,
        "S",
        "raise TimeLimitExceeded in a job after so many seconds",
    ),
    Option(
        "--shutdown-timeout",
        "BULLMQ_BRIDGE_SHUTDOWN_TIMEOUT",
        "shutdown_timeout_s",
        _seconds,
        "S",
        "let jobs finish for so long after SIGTERM (default: 25)",
    ),
    Option("--redis-url", "REDIS_URL", "redis_url", str, "URL", "where Redis is (default: redis://127.0.0.1:6379)"),
    Option(
        "--bundle", "BULLMQ_BRIDGE_BUNDLE", None, str, "FILE", "BullMQ's scripts, as `bullmq-bridge emit` wrote them"
    ),
    Option(
        "--log-format",
        "BULLMQ_BRIDGE_LOG_FORMAT",
        None,
        _choice("human", "json"),
        "FORMAT",
        "human or json (default: human)",
    ),
)


def add_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a parser."""
    parser = commands.add_parser(
        "worker",
        help="Run the workers that a module declares.",
        description="Run the workers that a module declares.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("target", metavar="MODULE[:OBJECT]", help="module that declares workers, and which one")
    _add_options(parser)
    parser.set_defaults(run=_run_target, parser=parser)


def run_declared(workers: list[Worker], arguments: list[str] | None) -> int:
    """Runs workers of the program itself, with the options of the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Run the jobs of " + ", ".join(worker.queue for worker in workers))
    _add_options(parser)
    return _run(workers, parser.parse_args(arguments), parser)


def _add_options(parser: argparse.ArgumentParser) -> None:
    for option in OPTIONS:
        text = f"{option.help} [env {option.variable}]"
        if option.metavar is None:
            parser.add_argument(option.flag, action="store_true", default=None, help=text)
        else:
            parser.add_argument(option.flag, metavar=option.metavar, help=text)
    parser.add_argument(
        "--dry-run", action="store_true", help="check everything but Redis, say what would run, and end"
    )
    parser.add_argument("--watch", action="store_true", help="start again when a Python file below this folder changes")


def _run_target(options: argparse.Namespace) -> int:
    parser: argparse.ArgumentParser = options.parser
    module_name, _, attribute = options.target.partition(":")
    # As `python -m` does: the working directory is where the user's modules are.
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        parser.exit(ExitCode.CANNOT_START, f"{parser.prog}: {module_name} cannot be imported: {error}\n")
    if attribute:
        found = getattr(module, attribute, None)
        if not isinstance(found, Worker):
            parser.exit(ExitCode.CANNOT_START, f"{parser.prog}: {module_name} has no Worker named {attribute!r}\n")
        return _run([found], options, parser)
    if not declared_workers:
        parser.exit(ExitCode.CANNOT_START, f"{parser.prog}: importing {module_name} declares no Worker\n")
    return _run(declared_workers, options, parser)


def _run(workers: list[Worker], options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if options.watch:
        from bullmq_bridge.cli.watch import run_again_on_changes

        return run_again_on_changes()
    values = {option.flag: _value(option, options, parser) for option in OPTIONS}
    chosen = _choose(workers, values["--queues"], parser)
    from bullmq_bridge.worker.program import RunOptions, run

    run_options = RunOptions(
        settings={worker.queue: _settings(worker, values) for worker in chosen},
        bundle=values["--bundle"],
        log_format=values["--log-format"] or "human",
    )
    if options.dry_run:
        from bullmq_bridge.cli.dry_run import dry_run

        return dry_run(chosen, run_options)
    try:
        run(chosen, run_options)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.CANNOT_START
    return ExitCode.OK


def _value(option: Option, options: argparse.Namespace, parser: argparse.ArgumentParser) -> Any:
    given = getattr(options, option.destination)
    source = option.flag
    if given is None:
        given = os.environ.get(option.variable) or None
        source = option.variable
    if given is None or given is True:
        return given
    try:
        return option.convert(given)
    except ValueError as error:
        parser.error(f"{source}={given}: {error}")


def _choose(
    workers: list[Worker], queues: dict[str, int | None] | None, parser: argparse.ArgumentParser
) -> list[Worker]:
    if queues is None:
        return workers
    by_queue = {worker.queue: worker for worker in workers}
    for name in queues:
        if name not in by_queue:
            parser.error(f"--queues: no worker for queue {name!r} (there are: {', '.join(sorted(by_queue))})")
    return [by_queue[name] for name in queues]


def _settings(worker: Worker, values: dict[str, Any]) -> dict[str, Any]:
    settings = {option.setting: values[option.flag] for option in OPTIONS if option.setting}
    slots = (values["--queues"] or {}).get(worker.queue)
    if slots is not None:
        settings["concurrency"] = slots
    return {name: value for name, value in settings.items() if value is not None}
