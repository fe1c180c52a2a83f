"""The workers that a command line names."""

from __future__ import annotations

import importlib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from bullmq_bridge.worker.worker import Worker, declared_workers

if TYPE_CHECKING:
    import argparse

    from bullmq_bridge.cli.parser import Parser


def add_target(parser: argparse.ArgumentParser) -> None:
    """Adds the argument that names them."""
    parser.add_argument("target", metavar="MODULE[:OBJECT]", help="module that declares workers, and which one")


def find(target: str, parser: Parser) -> list[Worker]:
    """Imports the module; the worker of that name, or all that were declared on the way.

    Raises:
        SystemExit: there are none; a line says why.
    """
    module_name, _, attribute = target.partition(":")
    if not module_name or module_name.startswith(".") or "/" in module_name:
        parser.error(f"{target!r} is no module name like app.jobs, or app.jobs:worker")
    # As `python -m` does: the working directory is where the user's modules are.
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        parser.give_up(f"{module_name} cannot be imported: {error}")
    except Exception as error:
        traceback.print_exc()
        parser.give_up(f"{module_name} cannot be imported: {type(error).__name__}: {error}")
    if not attribute:
        if not declared_workers:
            parser.give_up(f"importing {module_name} declares no Worker: create one at the top of a module")
        return declared_workers
    found = getattr(module, attribute, None)
    if not isinstance(found, Worker):
        what = "is missing" if found is None else f"is a {type(found).__name__}, not a Worker"
        names = ", ".join(name for name, value in vars(module).items() if isinstance(value, Worker)) or "no Worker"
        parser.give_up(f"{attribute!r} of {module_name} {what} (the module has: {names})")
    return [found]
