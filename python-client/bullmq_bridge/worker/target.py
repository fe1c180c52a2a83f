"""Which of the user's modules a child imports, and the worker it looks for in them.

A child must not run the program again, only its declarations: a module that the user started (``python -m app``,
``python app.py``) is imported under its real name, never as ``__main__``.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from bullmq_bridge.worker.worker import Worker

SCRIPT_MODULE = "__bullmq_bridge_script__"


class TargetError(RuntimeError):
    """A child could not import the processors, or does not find the worker in what it imported."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a child needs to find a worker's processors.

    ``modules`` are imported in order: ``("name", "app.worker")`` or ``("path", "/srv/worker.py")``.
    ``position`` tells workers of the same queue apart.
    """

    sys_path: list[str]
    modules: list[tuple[str, str]]
    queue: str
    position: int


def describe(worker: Worker, module_names: Iterable[str]) -> Target:
    """The target of a worker whose processors are in the modules of these names.

    Raises:
        TargetError: they are in no file (an interactive session, standard input), where no child can import them.
    """
    modules = []
    for name in dict.fromkeys(module_names):
        module = _importable(name)
        if module not in modules:
            modules.append(module)
    return Target(list(sys.path), modules, worker.queue, _declared(worker.queue).index(worker))


def find(target: Target) -> Worker:
    """Imports the modules of a target, and the worker they declare.

    Raises:
        TargetError: they declare no such worker.
    """
    for how, what in target.modules:
        if how == "name":
            importlib.import_module(what)
        else:
            _import_path(Path(what))
    declared = _declared(target.queue)
    if target.position >= len(declared):
        names = ", ".join(what for _, what in target.modules)
        raise TargetError(
            f"importing {names} declares no Worker for queue {target.queue!r}: "
            "create the Worker at the top of the module, not inside a function or under `if __name__ == '__main__'`"
        )
    return declared[target.position]


def _importable(name: str) -> tuple[str, str]:
    if name != "__main__":
        return ("name", name)
    main: Any = sys.modules["__main__"]
    if spec := getattr(main, "__spec__", None):
        return ("name", spec.name)
    file = getattr(main, "__file__", None)
    # (Python takes "<stdin>" for a file)
    if not file or not Path(file).is_file():
        raise TargetError(
            "a plain `def` runs in a process of its own, which cannot import it from an interactive session, from "
            "standard input or from `python -c`: put the worker into a file, or make the processor an `async def`"
        )
    return ("path", str(Path(file).resolve()))


def _import_path(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(SCRIPT_MODULE, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[SCRIPT_MODULE] = module
    spec.loader.exec_module(module)
    return module


def _declared(queue: str) -> list[Worker]:
    from bullmq_bridge.worker.worker import declared_workers

    return [worker for worker in declared_workers if worker.queue == queue]
