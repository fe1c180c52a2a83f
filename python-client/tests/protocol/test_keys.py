import pytest

from bullmq_bridge.protocol.keys import QueueKeys


def test_keys_carry_prefix_and_queue() -> None:
    keys = QueueKeys("mail", prefix="app")
    assert keys.wait == "app:mail:wait"
    assert keys.job("17") == "app:mail:17"
    assert keys.lock("17") == "app:mail:17:lock"
    assert keys.base == "app:mail:"


def test_the_client_name_is_the_one_that_get_workers_looks_for() -> None:
    keys = QueueKeys("mail")
    assert keys.client_name() == "bull:bWFpbA=="
    assert keys.client_name("w1") == "bull:bWFpbA==:w:w1"


@pytest.mark.parametrize("name", ["", "a:b"])
def test_a_queue_name_that_bullmq_refuses_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        QueueKeys(name)
