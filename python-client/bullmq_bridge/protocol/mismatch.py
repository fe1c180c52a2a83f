"""Whether the scripts of a bundle may serve a queue, judged by what its backend has written into ``meta.version``.

A ``Queue`` of BullMQ writes ``<library>:<version>`` there when it is made (``metaValues`` in ``queue.js``, bullmq
6.7.0), unless it was told to skip it; the last one to do so wins. A Worker or a FlowProducer writes nothing, and
``obliterate`` removes it. With PostgreSQL as its backend a ``Queue`` writes it there, and nothing into Redis.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from typing import Literal

from bullmq_bridge.protocol.features import OLDEST

#: The field of the queue's ``meta`` hash.
VERSION_FIELD = "version"
ALLOW_VARIABLE = "BULLMQ_BRIDGE_ALLOW_VERSION_MISMATCH"

_EMIT = "run `npx bullmq-bridge emit` in the backend's project and point BULLMQ_BRIDGE_BUNDLE at the file it writes"
_OVERRIDE = f"allow_version_mismatch, or {ALLOW_VARIABLE}=true, overrides this"

Relation = Literal["same", "other_release", "other_major", "too_old", "pro", "other_library", "not_written"]
#: How loudly it is to be said; after a ``refusal`` the queue must be left alone.
Consequence = Literal["silence", "note", "warning", "refusal"]


class VersionMismatch(RuntimeError):
    """The backend runs a BullMQ beside which the scripts of this bundle must not be run: jobs could be lost."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the backend's BullMQ is to the bundle's, what follows from it, and a sentence for people."""

    relation: Relation
    consequence: Consequence
    message: str


def judge(bundle_version: str, written: str | None, *, allowed: bool = False) -> Verdict:
    """Compares the bundle's version of BullMQ with what the backend wrote.

    Args:
        bundle_version: like ``6.7.0``.
        written: the field ``version`` of the queue's ``meta``, like ``bullmq:6.7.0``; None when there is none.
        allowed: somebody has taken it upon himself: what would be refused is only warned of.
    """
    verdict = _judge(bundle_version, written)
    if allowed and verdict.consequence == "refusal":
        return replace(verdict, consequence="warning", message=f"{verdict.message} (allowed by the settings)")
    return verdict


def _judge(bundle_version: str, written: str | None) -> Verdict:
    if not written:
        return Verdict(
            "not_written",
            "note",
            "no backend has written its version into the queue: it was obliterated, only a FlowProducer uses it, or "
            "the backend is on another Redis, under another prefix or on PostgreSQL, which Python cannot serve",
        )
    library, _, version = written.partition(":")
    if library == "bullmq-pro":
        return Verdict(
            "pro",
            "refusal",
            f"the backend runs BullMQ Pro ({written}), whose scripts this library does not have: jobs in groups "
            f"would not be found. {_OVERRIDE}",
        )
    if library != "bullmq":
        return Verdict("other_library", "warning", f"the backend runs {written}, whose scripts may differ")
    theirs = _release(version)
    if theirs < OLDEST:
        return Verdict(
            "too_old",
            "refusal",
            f"the backend runs BullMQ {version or 'of an old version'}: 5.58 is the oldest that this library can work "
            f"beside; upgrade the backend. {_OVERRIDE}",
        )
    what = f"the backend runs BullMQ {version}, the bundle is of {bundle_version}"
    if theirs[:1] != _release(bundle_version)[:1]:
        message = f"{what}: jobs can get lost between major versions; {_EMIT}. {_OVERRIDE}"
        return Verdict("other_major", "refusal", message)
    if version != bundle_version:
        return Verdict("other_release", "warning", f"{what}: scripts change in every release; {_EMIT}")
    return Verdict("same", "silence", what)


def version_of(written: str | None) -> str | None:
    """The version of BullMQ in what a backend wrote; None when there is none, or it is another library's."""
    library, _, version = (written or "").partition(":")
    return version if library == "bullmq" and re.match(r"\d+\.\d+\.\d+(-|$)", version) else None


def _release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version; none when it has none."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


def is_allowed(setting: bool | None) -> bool:
    """Whether a mismatch is allowed: by the setting, or if it says nothing by the environment."""
    if setting is not None:
        return setting
    return os.environ.get(ALLOW_VARIABLE, "").lower() in ("1", "true", "yes", "on")
