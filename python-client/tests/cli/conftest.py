from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge.cli.option import OPTIONS
from bullmq_bridge.worker import program
from bullmq_bridge.worker.worker import declared_workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bullmq_bridge import Worker
    from bullmq_bridge.worker.program import RunOptions


@pytest.fixture(autouse=True)
def _no_options_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


@pytest.fixture(autouse=True)
def _workers_of_this_test_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = declared_workers[:]
    declared_workers.clear()
    monkeypatch.setattr(sys, "path", sys.path[:])
    yield
    for name in ("jobs", "needy", "bare", "broken"):
        sys.modules.pop(name, None)
    declared_workers[:] = before


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes a module into the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, code: str) -> None:
        (tmp_path / f"{name}.py").write_text(code)

    return write


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[Worker], RunOptions]]:
    """What would be run, instead of running it."""
    recorded: list[tuple[list[Worker], RunOptions]] = []

    def run(workers: list[Worker], options: Any) -> None:
        recorded.append((workers, options))

    monkeypatch.setattr(program, "run", run)
    return recorded
