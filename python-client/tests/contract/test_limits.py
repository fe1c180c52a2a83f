from bullmq_bridge.contract.limits import MAX_STACK_BYTES, cut
from bullmq_bridge.outcome import Failed, outcome_of


def test_a_text_within_the_limit_stays_as_it_is() -> None:
    assert cut("ü" * 50, 100) == "ü" * 50


def test_a_longer_text_keeps_its_ends_and_says_how_long_it_was() -> None:
    text = cut("first " + "ü" * 1_000 + " last", 200)
    assert len(text.encode()) <= 200
    assert text.startswith("first ")
    assert text.endswith(" last")
    assert "2011 bytes, cut to 200" in text


def test_a_stack_is_cut_and_keeps_its_last_line() -> None:
    try:
        raise ValueError("x" * 2 * MAX_STACK_BYTES + "the end")
    except ValueError as error:
        failed = outcome_of(error)
    assert isinstance(failed, Failed)
    assert len(failed.trace.encode()) <= MAX_STACK_BYTES
    assert failed.trace.endswith("the end")
    assert len(failed.message.encode()) <= MAX_STACK_BYTES
