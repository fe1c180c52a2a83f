import pytest

from bullmq_bridge.protocol.finish_calls import keep_jobs


@pytest.mark.parametrize(
    ("setting", "kept"),
    [
        (None, {"count": -1}),
        (False, {"count": -1}),
        (True, {"count": 0}),
        (5, {"count": 5}),
        (0, {"count": 0}),
        ({"age": 60}, {"age": 60}),
    ],
)
def test_what_is_kept_of_finished_jobs_is_read_as_bullmq_does(setting: object, kept: dict[str, int]) -> None:
    assert keep_jobs(setting) == kept
