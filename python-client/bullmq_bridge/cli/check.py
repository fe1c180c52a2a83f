"""``python -m bullmq_bridge check``: would a deployed worker do its work here?"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import redis

from bullmq_bridge.cli import declared
from bullmq_bridge.cli.option import BUNDLE, REDIS_URL
from bullmq_bridge.cli.server import Server
from bullmq_bridge.contract.contract import ContractError
from bullmq_bridge.protocol.bundle import BundleError, load_bundle
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.protocol.mismatch import VERSION_FIELD, judge, version_of
from bullmq_bridge.worker import assembly, target
from bullmq_bridge.worker.exit_code import ExitCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from bullmq_bridge.cli.parser import Parser
    from bullmq_bridge.protocol.mismatch import Consequence
    from bullmq_bridge.worker.settings import Settings
    from bullmq_bridge.worker.worker import Worker

Status = Literal["ok", "warning", "failed"]

#: BZPOPMIN takes fractions of a second from here on.
MINIMUM_REDIS = (6, 0)
#: BullMQ 6.7's own advice.
RECOMMENDED_REDIS = (6, 2)
MAX_ROUND_TRIP_MS = 10.0
#: Delays and rate limits are off by what the clocks differ.
MAX_CLOCK_SKEW_S = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found; ``queue`` is None for what concerns all."""

    name: str
    queue: str | None
    status: Status
    message: str


def add_command(commands: argparse._SubParsersAction[Parser]) -> None:
    """Adds the command to a parser."""
    parser = commands.add_parser(
        "check",
        help="Check that workers would do their work here.",
        description="Check bundle, contracts, processors and Redis, as a deployed worker needs them. Runs no job.",
    )
    declared.add_target(parser)
    for option in (REDIS_URL, BUNDLE):
        parser.add_argument(option.flag, metavar=option.metavar, help=f"{option.help} [env {option.variable}]")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run, parser=parser)


def run(options: argparse.Namespace) -> int:
    """Prints a line for each check; 1 when one has failed."""
    workers = declared.find(options.target, options.parser)
    redis_url = options.redis_url or os.environ.get(REDIS_URL.variable)
    settings = [worker.settings({"redis_url": redis_url} if redis_url else {}) for worker in workers]
    file = options.bundle or os.environ.get(BUNDLE.variable) or workers[0].bundle_file
    findings = [_bundle(file)]
    for worker, each in zip(workers, settings, strict=True):
        findings += _processors(worker, each)
    for url in dict.fromkeys(each.redis_url for each in settings):
        findings += _server(url, [each for each in settings if each.redis_url == url], file)
    failed = any(finding.status == "failed" for finding in findings)
    if options.json:
        print(json.dumps({"ok": not failed, "checks": [asdict(finding) for finding in findings]}, indent=2))
    else:
        for finding in findings:
            where = f" ({finding.queue})" if finding.queue else ""
            print(f"{finding.status:7} {finding.name}{where}: {finding.message}")
    return ExitCode.CANNOT_START if failed else ExitCode.OK


def _bundle(file: str | os.PathLike[str] | None) -> Finding:
    try:
        bundle = load_bundle(file)
    except BundleError as error:
        return Finding("bundle", None, "failed", str(error))
    return Finding("bundle", None, "ok", f"the scripts of BullMQ {bundle.bullmq}")


def _processors(worker: Worker, settings: Settings) -> Iterator[Finding]:
    try:
        contract = assembly.check(worker, settings)
        target.describe(worker, worker.module_names())
    except (ContractError, target.TargetError, ValueError) as error:
        yield Finding("contract", worker.queue, "failed", str(error))
        return
    without = [name for name in contract.names() if name not in worker.processors]
    if without:
        yield Finding("contract", worker.queue, "warning", f"no processor here for {', '.join(without)}")
    elif worker.contract_folder is None:
        yield Finding("contract", worker.queue, "warning", "there is none: any JSON is accepted")
    else:
        yield Finding("contract", worker.queue, "ok", f"a processor for each of {', '.join(contract.names())}")


def _server(url: str, settings: list[Settings], file: str | os.PathLike[str] | None) -> list[Finding]:
    findings = []
    try:
        with Server(url) as server:
            findings = [_version(server), _eviction(server), _round_trip(server), _clock(server)]
            findings += [_backend(server, each, file) for each in settings]
    except (redis.RedisError, ValueError) as error:
        findings.append(Finding("redis", None, "failed", f"it does not answer: {error}. Check REDIS_URL."))
    return findings


def _version(server: Server) -> Finding:
    what = f"{server.product} {server.version}"
    if server.compatible_with < MINIMUM_REDIS:
        return Finding("redis", None, "failed", f"{what}: Redis 6.0 is the oldest that works")
    if server.compatible_with < RECOMMENDED_REDIS:
        return Finding("redis", None, "warning", f"{what}: BullMQ recommends Redis 6.2 or newer")
    return Finding("redis", None, "ok", what)


def _eviction(server: Server) -> Finding:
    policy = server.info.get("maxmemory_policy")
    if policy is None:
        return Finding("eviction", None, "warning", "the server does not tell its maxmemory-policy")
    if policy != "noeviction":
        message = f"maxmemory-policy is {policy}: the server may throw jobs away; set it to noeviction"
        return Finding("eviction", None, "failed", message)
    return Finding("eviction", None, "ok", "maxmemory-policy is noeviction")


def _round_trip(server: Server) -> Finding:
    trip_ms = server.round_trip_ms()
    if trip_ms > MAX_ROUND_TRIP_MS:
        return Finding("round trip", None, "warning", f"{trip_ms:.1f} ms; every job of a slot waits for one")
    return Finding("round trip", None, "ok", f"{trip_ms:.2f} ms")


def _clock(server: Server) -> Finding:
    ahead_s = server.clock_ahead_s()
    if abs(ahead_s) > MAX_CLOCK_SKEW_S:
        than = "ahead of" if ahead_s > 0 else "behind"
        message = f"Redis' clock is {abs(ahead_s):.1f} s {than} ours: delays and rate limits are off by that"
        return Finding("clock", None, "failed", message)
    return Finding("clock", None, "ok", f"differs from Redis' by {abs(ahead_s) * 1000:.0f} ms")


def _backend(server: Server, settings: Settings, file: str | os.PathLike[str] | None) -> Finding:
    """Compares the bundle that a worker would take with what the backend's ``Queue`` has written into the queue."""
    written: Any = server.client.hget(QueueKeys(settings.queue, settings.prefix).meta, VERSION_FIELD)
    try:
        bundle = load_bundle(file, backend=version_of(written))
    except BundleError:
        return Finding("backend", settings.queue, "warning", f"it wrote {written}; there is no bundle to compare")
    verdict = judge(bundle.bullmq, written, allowed=settings.allow_version_mismatch)
    return Finding("backend", settings.queue, _STATUS[verdict.consequence], verdict.message)


_STATUS: dict[Consequence, Status] = {"silence": "ok", "note": "warning", "warning": "warning", "refusal": "failed"}
