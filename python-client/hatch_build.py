"""Build hook: no wheel or sdist without the protocol bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUNDLE = Path("bullmq_bridge", "protocol", "bundle.json")
REMEDY = "generate it with `npm ci && npm run emit` in the root of the repository, then build again"


class ProtocolBundleHook(BuildHookInterface[Any]):
    """Refuses to build when bullmq_bridge/protocol/bundle.json is missing or is no protocol bundle.

    The bundle holds BullMQ's Lua scripts. It is generated on the Node side and never committed; an sdist carries it, so
    that installing from an sdist needs no Node. An editable install is let through with a note: the bundle may be
    generated after it.
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Checks the bundle before anything is packed.

        Args:
            version: the kind of build, ``standard`` or ``editable``.
            build_data: hatchling's build data; left as it is.

        Raises:
            FileNotFoundError: the bundle is missing.
            ValueError: the file is there, but holds no scripts.
        """
        path = Path(self.root, BUNDLE)
        if not path.is_file():
            problem = f"protocol bundle {BUNDLE.as_posix()} is missing: {REMEDY}"
            if version == "editable":
                self.app.display_warning(problem)
                return
            raise FileNotFoundError(problem)
        try:
            scripts = json.loads(path.read_text(encoding="utf-8"))["scripts"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{BUNDLE.as_posix()} is not a protocol bundle ({error!r}): {REMEDY}") from error
        if not scripts:
            raise ValueError(f"{BUNDLE.as_posix()} holds no scripts: {REMEDY}")
