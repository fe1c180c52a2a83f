import pytest

from bullmq_bridge.protocol.backoff import UnknownBackoff, backoff_delay_ms


@pytest.mark.parametrize(
    ("backoff", "attempt", "delay"),
    [
        (None, 1, 0),
        (0, 1, 0),
        (250, 3, 250),
        ({"type": "fixed", "delay": 100}, 5, 100),
        ({"type": "exponential", "delay": 2000}, 1, 2000),
        ({"type": "exponential", "delay": 2000}, 3, 8000),
        ({"type": "exponential"}, 3, 0),
    ],
)
def test_the_delay_is_that_of_bullmq(backoff: object, attempt: int, delay: int) -> None:
    assert backoff_delay_ms(backoff, attempt) == delay


def test_jitter_stays_between_the_reduced_and_the_full_delay() -> None:
    backoff = {"type": "fixed", "delay": 1000, "jitter": 0.5}
    delays = {backoff_delay_ms(backoff, 1) for _ in range(200)}
    assert all(500 <= delay <= 1000 for delay in delays)
    assert len(delays) > 1


def test_a_late_attempt_does_not_overflow() -> None:
    assert backoff_delay_ms({"type": "exponential", "delay": 1}, 2000) == 2**1999


def test_an_unknown_strategy_is_refused_by_name() -> None:
    with pytest.raises(UnknownBackoff, match="fibonacci"):
        backoff_delay_ms({"type": "fibonacci", "delay": 1}, 1)
