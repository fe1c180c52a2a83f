from __future__ import annotations

import asyncio

from bullmq_bridge.worker.lent_line import open_line


def test_there_is_no_line_to_lend_with_tls_nor_where_nobody_answers() -> None:
    # The first is not even tried: its state could not be handed over.
    assert asyncio.run(open_line("rediss://127.0.0.1:1")) is None
    assert asyncio.run(open_line("redis://127.0.0.1:1")) is None
