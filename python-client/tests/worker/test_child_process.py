from __future__ import annotations

import asyncio
import errno
import gc
import os
import socket
import sys
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, cast

import pytest

from bullmq_bridge.worker.child_process import Child

if TYPE_CHECKING:
    from typing import Any

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")


@pytest.mark.parametrize(("module", "name"), [(socket, "socketpair"), (os, "pipe")])
def test_a_process_that_the_system_has_no_descriptors_for_leaves_none_behind(
    module: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> NoReturn:
        raise OSError(errno.EMFILE, "Too many open files")

    async def start_in_vain() -> int:
        before = _descriptors()
        with monkeypatch.context() as patch:
            patch.setattr(module, name, refuse)
            nothing = cast("Any", None)
            child = Child(nothing, nothing, "text", nothing, lambda: None, lambda _: None, lambda: None)
            with pytest.raises(OSError, match="Too many"):
                await child.start()
        del child
        # (the loop hears that the other ends are closed)
        for _ in range(3):
            await asyncio.sleep(0.01)
        gc.collect()
        return _descriptors() - before

    assert asyncio.run(start_in_vain()) == 0


class End(asyncio.BaseProtocol):
    """Hears that a pipe has ended."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def connection_lost(self, error: Exception | None) -> None:
        self.heard.set()


def test_what_is_told_to_a_process_that_has_just_ended_is_dropped() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def tell() -> None:
        nothing = cast("Any", None)
        child = Child(nothing, nothing, "text", nothing, lambda: None, lambda _: None, lambda: None)
        reader, writer = os.pipe()
        pipe = FileIO(writer, "w")
        end = End()
        child._outbound, _ = await asyncio.get_running_loop().connect_write_pipe(lambda: end, pipe)
        os.close(reader)
        await asyncio.wait_for(end.heard.wait(), 5)
        child._write(b"frame")

    for run in (asyncio.run, uvloop.run):
        run(tell())


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
