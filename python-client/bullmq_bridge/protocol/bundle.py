"""The protocol bundle: BullMQ's own Lua scripts, as ``bullmq-bridge emit`` wrote them down."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BUNDLE_VARIABLE = "BULLMQ_BRIDGE_BUNDLE"
PACKAGED_BUNDLE = Path(__file__).with_name("bundle.json")

#: The layouts of keys and arguments that the worker (``ScriptCalls``) and the publishing side (``ProducerCalls``,
#: ``QueueCalls``, ``SchedulerCalls``) know how to build.
KNOWN_VARIANTS = frozenset(
    {
        "addDelayedJob-6",
        "addJobScheduler-11",
        "addLog-2",
        "addParentJob-6",
        "addPrioritizedJob-9",
        "addStandardJob-9",
        "changeDelay-4",
        "changePriority-7",
        "cleanJobsInSet-3",
        "drain-5",
        "extendLock-2",
        "extendLocks-1",
        "getCounts-1",
        "getCountsPerPriority-2",
        "getJobScheduler-1",
        "getJobs-1",
        "getRateLimitTtl-2",
        "getStateV2-8",
        "isFinished-3",
        "moveJobFromActiveToWait-9",
        "moveJobsToWait-8",
        "moveStalledJobsToWait-9",
        "moveToActive-11",
        "moveToDelayed-11",
        "moveToFinished-14",
        "moveToWaitingChildren-7",
        "obliterate-2",
        "pause-7",
        "promote-9",
        "releaseParentIfNoPendingDependencies-2",
        "removeJob-2",
        "removeJobScheduler-3",
        "reprocessJob-9",
        "retryJob-11",
        "updateData-1",
        "updateJobScheduler-12",
        "updateProgress-3",
    }
)


class BundleError(RuntimeError):
    """The protocol bundle is missing, broken, or made for scripts that this library cannot call."""


@dataclass(frozen=True, slots=True)
class Script:
    """One of BullMQ's Lua scripts. ``sha1`` names it in the server's script cache."""

    name: str
    keys: int
    sha1: str
    source: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """The scripts of one version of BullMQ, by name."""

    bullmq: str
    scripts: dict[str, Script]

    def script(self, name: str) -> Script:
        """The script of that name.

        Raises:
            BundleError: the bundle has no such script.
        """
        try:
            return self.scripts[name]
        except KeyError:
            raise BundleError(f"the bundle of BullMQ {self.bullmq} has no script {name!r}") from None


def load_bundle(path: str | os.PathLike[str] | None = None) -> Bundle:
    """Reads the bundle from ``path``, else from ``BULLMQ_BRIDGE_BUNDLE``, else the one packaged with the library.

    Raises:
        BundleError: there is none, its text is damaged, or it holds a variant that this library does not know.
    """
    file = Path(path or os.environ.get(BUNDLE_VARIABLE) or PACKAGED_BUNDLE)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        entries = document["scripts"].items()
        scripts = {name: Script(name, int(e["keys"]), e["sha1"], e["source"]) for name, e in entries}
        variants = {name: e["variant"] for name, e in entries}
        version = str(document["bullmq"])
    except FileNotFoundError:
        raise BundleError(
            f"no protocol bundle at {file}: run `npx bullmq-bridge emit` beside the backend's BullMQ "
            f"and point {BUNDLE_VARIABLE} or Worker(bundle=...) at the file it writes"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"the protocol bundle {file} cannot be read ({error!r}): emit it again") from error
    _check_sources(file, scripts.values())
    _check_variants(file, version, variants)
    return Bundle(version, scripts)


def _check_sources(file: Path, scripts: Iterable[Script]) -> None:
    for script in scripts:
        if hashlib.sha1(script.source.encode(), usedforsecurity=False).hexdigest() != script.sha1:
            raise BundleError(f"script {script.name} in {file} does not match its SHA1: emit the bundle again")


def _check_variants(file: Path, version: str, variants: dict[str, str]) -> None:
    for known in KNOWN_VARIANTS:
        name = known.rpartition("-")[0]
        if name in variants and variants[name] != known:
            raise BundleError(
                f"{file} (BullMQ {version}) has {name} as variant {variants[name]}, "
                f"this version of bullmq-bridge calls {known}: upgrade bullmq-bridge"
            )
