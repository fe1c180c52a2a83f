from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bullmq_bridge.worker import memory
from bullmq_bridge.worker.memory import OomKills

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _forget_files() -> Iterator[None]:
    memory._counters.cache_clear()
    yield
    memory._counters.cache_clear()


@pytest.mark.parametrize(
    ("own", "file"),
    [
        ("0::/", "memory.events"),
        ("0::/app.slice/worker", "app.slice/worker/memory.events"),
        # Inside a container whose own group is mounted as the root, though named from outside.
        ("0::/docker/0a1b", "memory.events"),
        ("4:memory:/\n0::/", "memory/memory.oom_control"),
        ("9:name=systemd:/x\n4:memory:/docker/0a1b\n0::/", "memory/docker/0a1b/memory.oom_control"),
        ("4:memory:/docker/0a1b", "memory/memory.oom_control"),
    ],
)
def test_a_kill_for_memory_is_seen_in_the_own_control_group(
    own: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own").write_text(own + "\n")
    counter = tmp_path / file
    counter.parent.mkdir(parents=True, exist_ok=True)
    counter.write_text("oom 7\noom_kill 3\n")
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "OWN_CGROUPS", tmp_path / "own")
    kills = OomKills()
    assert not kills.has_risen()
    counter.write_text("oom 8\noom_kill 3\n")
    assert not kills.has_risen()
    counter.write_text("oom 8\noom_kill 4\n")
    assert kills.has_risen()
    assert not OomKills().has_risen()


@pytest.mark.parametrize("own", [None, "", "0::/", "4:memory:/"])
def test_where_the_system_does_not_tell_nothing_has_happened(
    own: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if own is not None:
        (tmp_path / "own").write_text(own)
    monkeypatch.setattr(memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(memory, "OWN_CGROUPS", tmp_path / "own")
    assert not OomKills().has_risen()
