import json
from typing import Any

import pytest

from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.protocol.scheduler import next_iteration

HOUR_MS = 3_600_000
NOW_MS = 5 * HOUR_MS + 7


def job(**repeat: Any) -> JobRecord:
    opts = {"prevMillis": 5 * HOUR_MS, "repeat": {"every": HOUR_MS, "count": 1, **repeat}}
    return JobRecord("repeat:s:1", {b"rjk": b"s", b"opts": json.dumps(opts).encode()})


def test_the_script_is_left_to_compute_an_interval() -> None:
    iteration = next_iteration(job(offset=0, startDate=1), NOW_MS)
    assert iteration is not None
    assert iteration.next_ms is None
    assert iteration.opts["repeat"] == {"every": HOUR_MS, "count": 2, "startDate": 1}


@pytest.mark.parametrize(
    ("repeat", "offset"), [({"offset": 600}, 600), ({"offset": 0}, 0), ({}, 7), ({"offset": 5, "startDate": 1}, 5)]
)
def test_a_script_that_does_not_compute_it_is_told_the_next_slot(repeat: dict[str, Any], offset: int) -> None:
    iteration = next_iteration(job(**repeat), NOW_MS, computes_every=False)
    assert iteration is not None
    assert iteration.next_ms == 6 * HOUR_MS
    assert iteration.opts["delay"] == HOUR_MS - 7 + offset
    assert iteration.opts["repeat"] == {"every": HOUR_MS, "count": 2, "offset": offset}
