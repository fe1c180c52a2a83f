from typing import Any

import pytest

from bullmq_bridge.worker.settings import Settings


@pytest.mark.parametrize(
    "setting",
    [
        {"concurrency": 0},
        {"lock_duration_ms": 0},
        {"stalled_interval_ms": -1},
        {"drain_delay_s": 0},
        {"max_stalled_count": -1},
        {"shutdown_timeout_s": -1},
        {"name": "my worker"},
        {"announce": "shout"},
    ],
)
def test_a_setting_that_cannot_work_is_refused_by_name(setting: dict[str, Any]) -> None:
    name = next(iter(setting))
    with pytest.raises(ValueError, match=name):
        Settings("q", **setting)
