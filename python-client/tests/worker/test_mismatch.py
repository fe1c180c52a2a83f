from typing import Any

import pytest

from bullmq_bridge.worker.mismatch import reports


def job(fingerprint: str, **past: Any) -> dict[str, Any]:
    return {"fingerprint": fingerprint, "past": past}


def past(data: str = "any order", result: str = "any order") -> dict[str, Any]:
    return {"data": data, "result": result, "report": "why"}


def told(written: dict[str, Any], read: dict[str, Any]) -> list[str]:
    return reports("mail", {"send": written}, {"send": read})


def test_the_same_version_goes_together() -> None:
    assert told(job("a"), job("a")) == []


@pytest.mark.parametrize("payload", ["data", "result"])
@pytest.mark.parametrize(
    ("verdict", "new_worker", "new_producer"),
    [
        ("any order", True, True),
        ("consumers first", True, False),
        ("consumers first and drain", True, False),
        ("producers first", False, True),
        ("producers first and drain", False, True),
        ("breaking", False, False),
    ],
)
def test_what_has_to_be_there_first_goes_together_with_the_older_side(
    payload: str, verdict: str, new_worker: bool, new_producer: bool
) -> None:
    newer = job("new", old=past(**{payload: verdict}))
    assert told(job("old"), newer) == ([] if new_worker else ["why"])
    assert told(newer, job("old")) == ([] if new_producer else ["why"])


def test_versions_that_do_not_know_each_other_count_as_breaking() -> None:
    assert told(job("a", c=past()), job("b", c=past()))[0].startswith("mail / send: breaking\n")


def test_a_worker_knows_best_which_versions_it_reads() -> None:
    assert told(job("a", b=past("breaking")), job("b", a=past())) == []


def test_a_job_that_the_worker_does_not_know_does_not_go_together_and_one_that_nobody_writes_does() -> None:
    assert reports("mail", {"send": job("a")}, {})[0].startswith("mail / send: consumers first\n")
    assert reports("mail", {}, {"send": job("a")}) == []
