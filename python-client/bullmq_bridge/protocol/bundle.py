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
#: Beside it, for backends of another major version: ``bundle-5.json``.
FURTHER_BUNDLES = "bundle-*.json"

#: The layouts of keys and arguments that the worker (``ScriptCalls``) and the publishing side (``ProducerCalls``,
#: ``QueueCalls``, ``SchedulerCalls``) know how to build.
KNOWN_VARIANTS = frozenset(
    {
        "addDelayedJob-6",
        "addDelayedJob-6-with-wait-children",
        "addJobScheduler-11",
        "addLog-2",
        "addParentJob-5",
        "addParentJob-6",
        "addPrioritizedJob-9",
        "addPrioritizedJob-9-with-wait-children",
        "addStandardJob-9",
        "addStandardJob-9-with-wait-children",
        "changeDelay-4",
        "changePriority-7",
        "cleanJobsInSet-3",
        "drain-5",
        "extendLock-2",
        "extendLocks-1",
        "getCounts-1",
        "getCountsPerPriority-2",
        "getCountsPerPriority-4",
        "getJobScheduler-1",
        "getJobs-1",
        "getRanges-1",
        "getRateLimitTtl-1",
        "getRateLimitTtl-2",
        "getStateV2-8",
        "isFinished-3",
        "moveJobFromActiveToWait-9",
        "moveJobsToWait-8",
        "moveStalledJobsToWait-8",
        "moveStalledJobsToWait-9",
        "moveToActive-11",
        "moveToDelayed-11",
        "moveToDelayed-12",
        "moveToDelayed-8",
        "moveToFinished-14",
        "moveToWaitingChildren-7",
        "obliterate-2",
        "pause-7",
        "pause-7-always-emits",
        "promote-9",
        "releaseParentIfNoPendingDependencies-2",
        "removeJob-2",
        "removeJobScheduler-3",
        "reprocessJob-7",
        "reprocessJob-8",
        "reprocessJob-8-without-reset",
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
    """One of BullMQ's Lua scripts. ``sha1`` names it in the server's script cache, ``variant`` its layout."""

    name: str
    keys: int
    sha1: str
    source: str
    variant: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """The scripts of one version of BullMQ, by name."""

    bullmq: str
    scripts: dict[str, Script]

    @property
    def version(self) -> tuple[int, int, int]:
        """The version as numbers that can be compared."""
        return version_numbers(self.bullmq)

    def script(self, name: str) -> Script:
        """The script of that name.

        Raises:
            BundleError: the bundle has no such script.
        """
        try:
            return self.scripts[name]
        except KeyError:
            raise BundleError(f"the bundle of BullMQ {self.bullmq} has no script {name!r}") from None


def version_numbers(version: str) -> tuple[int, int, int]:
    """``5.81.5`` as numbers; what follows a dash is left out.

    Raises:
        ValueError: it is no version.
    """
    major, minor, patch = version.partition("-")[0].split(".")
    return int(major), int(minor), int(patch)


def packaged_bundles() -> list[Path]:
    """The bundles that came with the library: one a major version of BullMQ, as far as they were made."""
    further = sorted(PACKAGED_BUNDLE.parent.glob(FURTHER_BUNDLES))
    return [PACKAGED_BUNDLE, *further] if PACKAGED_BUNDLE.exists() else further


def load_bundle(path: str | os.PathLike[str] | None = None, *, backend: str | None = None) -> Bundle:
    """Reads the bundle from ``path``, else from ``BULLMQ_BRIDGE_BUNDLE``, else one packaged with the library.

    Args:
        path: file that ``bullmq-bridge emit`` wrote.
        backend: the BullMQ that the backend runs; of the packaged bundles, the one of its major version is taken.

    Raises:
        BundleError: there is none, its text is damaged, or it holds a variant that this library does not know.
    """
    if named := path or os.environ.get(BUNDLE_VARIABLE):
        return _read(Path(named))
    if backend is not None:
        major = version_numbers(backend)[0]
        for bundle in map(_read, packaged_bundles()):
            if bundle.version[0] == major:
                return bundle
    return _read(PACKAGED_BUNDLE)


def _read(file: Path) -> Bundle:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        scripts = {
            name: Script(name, int(e["keys"]), e["sha1"], e["source"], e["variant"])
            for name, e in document["scripts"].items()
        }
        version = str(document["bullmq"])
        version_numbers(version)
    except FileNotFoundError:
        raise BundleError(
            f"no protocol bundle at {file}: run `npx bullmq-bridge emit` beside the backend's BullMQ "
            f"and point {BUNDLE_VARIABLE} or Worker(bundle=...) at the file it writes"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleError(f"the protocol bundle {file} cannot be read ({error!r}): emit it again") from error
    _check_sources(file, scripts.values())
    _check_variants(file, version, scripts.values())
    return Bundle(version, scripts)


def _check_sources(file: Path, scripts: Iterable[Script]) -> None:
    for script in scripts:
        if hashlib.sha1(script.source.encode(), usedforsecurity=False).hexdigest() != script.sha1:
            raise BundleError(f"script {script.name} in {file} does not match its SHA1: emit the bundle again")


def _check_variants(file: Path, version: str, scripts: Iterable[Script]) -> None:
    for script in scripts:
        known = sorted(variant for variant in KNOWN_VARIANTS if variant.partition("-")[0] == script.name)
        if known and script.variant not in known:
            raise BundleError(
                f"{file} (BullMQ {version}) has {script.name} as variant {script.variant}, this version of "
                f"bullmq-bridge calls {' or '.join(known)}: upgrade bullmq-bridge"
            )
