"""Which of BullMQ's scripts a worker takes for a queue."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bullmq_bridge.protocol.bundle import BUNDLE_VARIABLE, load_bundle, packaged_bundles
from bullmq_bridge.protocol.mismatch import VERSION_FIELD, version_of
from bullmq_bridge.worker.connection import ReplyError
from bullmq_bridge.worker.link import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bullmq_bridge.protocol.bundle import Bundle
    from bullmq_bridge.protocol.keys import QueueKeys


async def choose_bundles(
    file: str | os.PathLike[str] | None, redis_url: str, queues: Sequence[QueueKeys]
) -> list[Bundle]:
    """The scripts for each queue: those of the file that is named, else the packaged ones for what its backend runs.

    Asks Redis, however long it takes to connect, only when there is something to choose.

    Raises:
        BundleError: there are no scripts, or they cannot be read.
    """
    if file or os.environ.get(BUNDLE_VARIABLE) or len(packaged_bundles()) < 2:
        return [load_bundle(file)] * len(queues)
    # A connection of its own: the worker's loads the scripts when it is opened, so they must be known by then.
    link = Link(redis_url)
    try:
        await link.open()
        versions = [await _version(link, keys) for keys in queues]
    finally:
        await link.close()
    return [load_bundle(backend=version) for version in versions]


async def _version(link: Link, keys: QueueKeys) -> str | None:
    try:
        written = await link.ask("HGET", keys.meta, VERSION_FIELD)
    except ReplyError:
        # Not allowed, for one: the check before work says it.
        return None
    return version_of(written and written.decode("utf-8", "replace"))
