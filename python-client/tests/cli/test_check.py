from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from bullmq_bridge.cli import server
from bullmq_bridge.cli.main import main
from bullmq_bridge.protocol.bundle import load_bundle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.redis

REDIS = os.environ.get("REDIS_URL", "")
QUEUE = "file-processing"
SCHEMAS = str(Path(__file__).parents[3] / "schemas")
CODE = """
from bullmq_bridge import Worker
worker = Worker({queue!r}, prefix={prefix!r}, redis_url={url!r}{settings})
{declarations}
"""


@pytest.fixture
def prefix() -> Iterator[str]:
    """Of keys that are gone after the test."""
    name = f"test-{uuid.uuid4()}"
    yield name
    with redis.Redis.from_url(REDIS) as client:
        client.delete(f"{name}:{QUEUE}:meta")


@pytest.fixture
def backend(prefix: str) -> Callable[[str], None]:
    """Writes a version into the queue, as the backend's ``Queue`` does."""

    def write(version: str) -> None:
        with redis.Redis.from_url(REDIS) as client:
            client.hset(f"{prefix}:{QUEUE}:meta", "version", version)

    return write


@pytest.fixture
def check(
    prefix: str, write_module: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, dict[str, tuple[str, str]]]]:
    """Runs the check; its exit code, and status and message of each finding."""

    def run(
        *arguments: str, jobs: tuple[str, ...] = ("send",), settings: str = "", url: str | None = None
    ) -> tuple[int, dict[str, tuple[str, str]]]:
        declarations = "\n".join(f"@worker.job({job!r})\ndef work_{index}(job): ..." for index, job in enumerate(jobs))
        code = CODE.format(
            queue=QUEUE,
            prefix=prefix,
            url=url or REDIS,
            settings=settings,
            declarations=declarations,
        )
        write_module("jobs", code)
        exit_code = main(["check", "jobs:worker", "--json", *arguments])
        document = json.loads(capsys.readouterr().out)
        assert document["ok"] is (exit_code == 0)
        return exit_code, {each["name"]: (each["status"], each["message"]) for each in document["checks"]}

    return run


Check = Any


def test_a_worker_that_would_do_its_work_passes(check: Check, backend: Callable[[str], None]) -> None:
    backend(f"bullmq:{load_bundle().bullmq}")
    code, found = check(jobs=("process-file", "aggregate-batch"), settings=f", contract={SCHEMAS!r}")
    assert code == 0
    assert {name: status for name, (status, _) in found.items()} == {
        "bundle": "ok",
        "contract": "ok",
        "redis": "ok",
        "eviction": "ok",
        "round trip": found["round trip"][0],
        "clock": "ok",
        "backend": "ok",
    }
    version = load_bundle().bullmq
    assert found["backend"][1] == f"the backend runs BullMQ {version}, the bundle is of {version}"


def test_people_get_a_line_for_each_check(
    write_module: Callable[[str, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    declarations = "@worker.job('send')\ndef send(job): ..."
    code = CODE.format(queue=QUEUE, prefix="p", url="redis://nobody", settings="", declarations=declarations)
    write_module("jobs", code)
    assert main(["check", "jobs", "--redis-url", REDIS]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"ok      bundle: the scripts of BullMQ {load_bundle().bullmq}"
    assert lines[1] == "warning contract (file-processing): there is none: any JSON is accepted"
    assert len(lines) == 7


@pytest.mark.parametrize(
    ("version", "status", "said"),
    [
        (None, "warning", "no backend has written its version into the queue"),
        ("bullmq:5.81.5", "failed", "jobs can get lost between major versions; run `npx bullmq-bridge emit`"),
        ("bullmq:6.0.1", "warning", "the backend runs BullMQ 6.0.1, the bundle is of "),
        ("bullmq-pro:7.1.0", "failed", "the backend runs BullMQ Pro (bullmq-pro:7.1.0)"),
    ],
)
def test_the_bundle_is_compared_with_what_the_backend_runs(
    version: str | None, status: str, said: str, check: Check, backend: Callable[[str], None]
) -> None:
    if version:
        backend(version)
    code, found = check()
    assert found["backend"][0] == status
    assert said in found["backend"][1]
    assert code == (1 if status == "failed" else 0)


def test_a_mismatch_that_is_allowed_is_a_warning(check: Check, backend: Callable[[str], None]) -> None:
    backend("bullmq:5.81.5")
    code, found = check(settings=", allow_version_mismatch=True")
    assert (code, found["backend"][0]) == (0, "warning")


def test_a_missing_bundle_or_contract_fails(check: Check) -> None:
    code, found = check("--bundle", "none.json", settings=", contract='none'")
    assert code == 1
    assert found["bundle"][0] == found["contract"][0] == "failed"
    assert "run `npx bullmq-bridge emit`" in found["bundle"][1]
    assert "none/contract.json is missing: run `npx bullmq-bridge emit`" in found["contract"][1]


def test_a_job_of_the_contract_without_processor_is_a_warning(check: Check) -> None:
    code, found = check(jobs=("process-file",), settings=f", contract={SCHEMAS!r}")
    assert (code, found["contract"]) == (0, ("warning", "no processor here for aggregate-batch"))


@pytest.mark.parametrize(
    ("info", "name", "status", "said"),
    [
        ({"redis_version": "5.0.14"}, "redis", "failed", "Redis 5.0.14: Redis 6.0 is the oldest that works"),
        ({"redis_version": "6.0.16"}, "redis", "warning", "Redis 6.0.16: BullMQ recommends Redis 6.2 or newer"),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, "redis", "ok", "Valkey 9.1.2"),
        ({"maxmemory_policy": "allkeys-lru"}, "eviction", "failed", "maxmemory-policy is allkeys-lru: the server may"),
        ({"maxmemory_policy": None}, "eviction", "warning", "does not tell its maxmemory-policy"),
    ],
)
def test_the_server_is_looked_at(
    info: dict[str, Any], name: str, status: str, said: str, check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction", **info}
    monkeypatch.setattr(server.Server, "info", told)
    code, found = check()
    assert found[name][0] == status
    assert said in found[name][1]
    assert code == (1 if status == "failed" else 0)


@pytest.mark.parametrize(("ahead_s", "said"), [(-90, "90.0 s ahead of ours"), (90, "90.0 s behind ours")])
def test_clocks_that_differ_fail(ahead_s: float, said: str, check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = time.time
    monkeypatch.setattr(server.time, "time", lambda: ours() + ahead_s)
    code, found = check()
    assert code == 1
    assert found["clock"][0] == "failed"
    assert said in found["clock"][1]


def test_a_far_server_is_a_warning(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server.Server, "round_trip_ms", lambda self: 42.0)
    code, found = check()
    assert (code, found["round trip"][0]) == (0, "warning")
    assert found["round trip"][1].startswith("42.0 ms")


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "no-url"])
def test_a_server_that_does_not_answer_fails(url: str, check: Check) -> None:
    code, found = check(url=url)
    assert (code, found["redis"][0]) == (1, "failed")
    assert found["redis"][1].endswith("Check REDIS_URL.")


def test_ping_tells_version_and_distance(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", "--redis-url", REDIS]) == 0
    said = capsys.readouterr().out
    assert said.startswith(("Redis ", "Valkey "))
    assert said.endswith(" ms (median).\n")


def test_ping_takes_the_server_of_the_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    assert main(["ping"]) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1", "no-url"])
def test_ping_says_in_one_line_that_nobody_answers(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", "--redis-url", url]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Redis does not answer: ")
    assert said.err.endswith(" Check --redis-url or REDIS_URL.\n")
    assert said.err.count("\n") == 1
