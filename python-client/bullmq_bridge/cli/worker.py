"""``python -m bullmq_bridge worker``: runs workers with options from the command line and the environment."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from bullmq_bridge.cli import declared
from bullmq_bridge.cli.option import BUNDLE, DRY_RUN, LOG_FORMAT, OPTIONS, QUEUES, WATCH
from bullmq_bridge.cli.parser import Parser
from bullmq_bridge.worker.exit_code import ExitCode

if TYPE_CHECKING:
    from bullmq_bridge.cli.option import Option
    from bullmq_bridge.worker.worker import Worker

EXAMPLES = """
examples:
  python -m bullmq_bridge worker app.jobs:worker
  python -m bullmq_bridge worker app.jobs --queues mail:10,reports:2
  python -m bullmq_bridge worker app.jobs:worker --burst --log-format json
"""


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command to a parser."""
    parser = commands.add_parser(
        "worker",
        help="Run the workers that a module declares.",
        description="Run the workers that a module declares.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    declared.add_target(parser)
    _add_options(parser)
    parser.set_defaults(run=_run_target, parser=parser)


def run_declared(workers: list[Worker], arguments: list[str] | None) -> int:
    """Runs workers of the program itself, with the options of the command line; the exit code."""
    queues = ", ".join(worker.queue for worker in workers)
    parser = Parser(prog=_program(), description=f"Run the jobs of {queues}.")
    _add_options(parser)
    return _run(workers, _values(parser.parse_args(arguments), parser), parser)


def _program() -> str | None:
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return f"python -m {spec.name}" if spec else None


def _add_options(parser: argparse.ArgumentParser) -> None:
    for option in OPTIONS:
        text = f"{option.help} [env {option.variable}]"
        if option.metavar is None:
            parser.add_argument(option.flag, action="store_true", default=None, help=text)
        else:
            parser.add_argument(option.flag, metavar=option.metavar, help=text)


def _run_target(options: argparse.Namespace) -> int:
    parser = options.parser
    values = _values(options, parser)
    # With --watch only the process that is watched imports the module.
    workers = [] if values[WATCH.flag] else declared.find(options.target, parser)
    return _run(workers, values, parser)


def _run(workers: list[Worker], values: dict[str, Any], parser: Parser) -> int:
    if values[WATCH.flag]:
        return _watch()
    chosen = _choose(workers, values[QUEUES.flag], parser)
    from bullmq_bridge.worker.program import RunOptions, run

    run_options = RunOptions(
        settings={worker.queue: _settings(worker, values) for worker in chosen},
        bundle=values[BUNDLE.flag],
        log_format=values[LOG_FORMAT.flag] or "human",
    )
    if values[DRY_RUN.flag]:
        from bullmq_bridge.cli.dry_run import dry_run

        return dry_run(chosen, run_options)
    try:
        run(chosen, run_options)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else ExitCode.CANNOT_START
    return ExitCode.OK


def _watch() -> int:
    from bullmq_bridge.cli.watch import run_again_on_changes

    return run_again_on_changes()


def _values(options: argparse.Namespace, parser: Parser) -> dict[str, Any]:
    return {option.flag: _value(option, options, parser) for option in OPTIONS}


def _value(option: Option, options: argparse.Namespace, parser: Parser) -> Any:
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


def _choose(workers: list[Worker], queues: dict[str, int | None] | None, parser: Parser) -> list[Worker]:
    if queues is None:
        return workers
    by_queue = {worker.queue: worker for worker in workers}
    for name in queues:
        if name not in by_queue:
            parser.error(f"--queues: no worker for queue {name!r} (there are: {', '.join(sorted(by_queue))})")
    return [by_queue[name] for name in queues]


def _settings(worker: Worker, values: dict[str, Any]) -> dict[str, Any]:
    settings = {option.setting: values[option.flag] for option in OPTIONS if option.setting}
    slots = (values[QUEUES.flag] or {}).get(worker.queue)
    if slots is not None:
        settings["concurrency"] = slots
    return {name: value for name, value in settings.items() if value is not None}
