from __future__ import annotations

import asyncio
import sys
import types

import pytest

from bullmq_bridge.worker.loop import run_on_loop


async def loop_of_the_program() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_a_program_runs_on_uvloop_where_that_is_installed() -> None:
    pytest.importorskip("uvloop")
    assert run_on_loop(loop_of_the_program()) == "uvloop"


def test_a_program_runs_on_the_loop_of_asyncio_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert run_on_loop(loop_of_the_program()) == "asyncio.unix_events"


def test_a_uvloop_that_is_too_old_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", types.ModuleType("uvloop"))
    assert run_on_loop(loop_of_the_program()) == "asyncio.unix_events"
