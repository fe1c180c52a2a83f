from typing import Any

import pytest

from bullmq_bridge.protocol.job_options import complete, lengthen, shorten
from bullmq_bridge.queue.options import JobOptions, refuse_contradictions, wire_options


def test_every_option_has_the_name_that_bullmq_gives_it() -> None:
    given: JobOptions = {
        "job_id": "order-7",
        "delay_ms": 5,
        "priority": "low",
        "attempts": 3,
        "backoff": {"type": "exponential", "delay_ms": 100, "jitter": 0.5},
        "remove_on_complete": {"count": 10, "age_s": 60, "limit": 5},
        "remove_on_fail": True,
        "lifo": True,
        "deduplication": {
            "id": "d",
            "ttl_ms": 1000,
            "extend": True,
            "replace": False,
            "keep_last_if_active": True,
        },
        "keep_logs": 7,
        "stack_trace_limit": 0,
        "size_limit_bytes": 100,
        "timestamp_ms": 1,
        "parent": {"id": "p", "queue": "bull:q"},
        "fail_parent_on_failure": True,
        "continue_parent_on_failure": False,
        "ignore_dependency_on_failure": False,
        "remove_dependency_on_failure": False,
        "telemetry": {"metadata": "{}", "omit_context": True},
    }
    assert set(given) == set(JobOptions.__optional_keys__)
    assert wire_options(given) == {
        "jobId": "order-7",
        "delay": 5,
        "priority": 100,
        "attempts": 3,
        "backoff": {"type": "exponential", "delay": 100, "jitter": 0.5},
        "removeOnComplete": {"count": 10, "age": 60, "limit": 5},
        "removeOnFail": True,
        "lifo": True,
        "deduplication": {"id": "d", "ttl": 1000, "extend": True, "replace": False, "keepLastIfActive": True},
        "keepLogs": 7,
        "stackTraceLimit": 0,
        "sizeLimit": 100,
        "timestamp": 1,
        "parent": {"id": "p", "queue": "bull:q"},
        "failParentOnFailure": True,
        "continueParentOnFailure": False,
        "ignoreDependencyOnFailure": False,
        "removeDependencyOnFailure": False,
        "telemetry": {"metadata": "{}", "omitContext": True},
    }


def test_an_option_that_is_none_is_not_given() -> None:
    assert wire_options({"attempts": None, "backoff": None}) == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"delay": 5}, "unknown option 'delay'"),
        ({"priority": 0}, "0 would go before every other job"),
        ({"priority": True}, "'priority' must be high"),
        ({"priority": "urgent"}, "high, normal, low"),
        ({"priority": 2**21}, "2097151"),
        ({"attempts": 0}, "'attempts' must be an integer of 1"),
        ({"attempts": True}, "'attempts'"),
        ({"delay_ms": 1.5}, "'delay_ms'"),
        ({"delay_ms": 2**53}, "'delay_ms'"),
        ({"backoff": {"type": "fixed", "delay": 5}}, "unknown key 'delay'"),
        ({"backoff": {"delay_ms": 5}}, "needs the key 'type'"),
        ({"backoff": {"type": "fixed", "jitter": 2}}, "'jitter' must be a number from 0 to 1"),
        ({"remove_on_complete": {"age": 5}}, "unknown key 'age'"),
        ({"remove_on_complete": {}}, "must be a mapping"),
        ({"remove_on_fail": -1}, "'remove_on_fail'"),
        ({"lifo": 1}, "'lifo' must be True or False"),
        ({"deduplication": {"ttl_ms": 5}}, "needs the key 'id'"),
        ({"deduplication": {"id": ""}}, "'id' must be a text"),
        ({"parent": {"id": "p"}}, "needs the key 'queue'"),
        ({"job_id": ""}, "not empty"),
        ({"job_id": "12"}, "whole number"),
        ({"job_id": "0"}, "whole number"),
        ({"job_id": "0:a"}, "'0:'"),
        ({"job_id": "a:b"}, "contain ':'"),
        ({"job_id": "\ud83d"}, "lone surrogate"),
    ],
)
def test_an_option_that_cannot_work_is_refused_by_name(options: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        wire_options(options)


@pytest.mark.parametrize("job_id", ["a", "a-1", "12a", "a:b:c", "12:b:c"])
def test_an_id_that_bullmq_takes_is_taken(job_id: str) -> None:
    assert wire_options({"job_id": job_id}) == {"jobId": job_id}


def test_two_failure_policies_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="failParentOnFailure, ignoreDependencyOnFailure cannot be used together"):
        refuse_contradictions({"failParentOnFailure": True, "ignoreDependencyOnFailure": True})
    refuse_contradictions({"failParentOnFailure": True, "ignoreDependencyOnFailure": False})


def test_a_duplicate_cannot_have_a_parent() -> None:
    with pytest.raises(ValueError, match="deduplication and parent"):
        refuse_contradictions({"deduplication": {"id": "a"}, "parent": {"id": "p", "queue": "bull:q"}})


def test_options_come_back_from_redis_by_their_full_names() -> None:
    options = {
        "deduplication": {"id": "d"},
        "failParentOnFailure": True,
        "continueParentOnFailure": True,
        "ignoreDependencyOnFailure": True,
        "removeDependencyOnFailure": True,
        "keepLogs": 3,
        "attempts": 1,
        "telemetry": {"metadata": "m", "omitContext": True},
        "contractFingerprint": "1",
    }
    short = shorten(options)
    assert set(short) == {"de", "fpof", "cpof", "idof", "rdof", "kl", "attempts", "tm", "omc", "contractFingerprint"}
    assert lengthen(short) == options


def test_options_are_completed_as_bullmqs_job_does() -> None:
    assert complete({}) == {"attempts": 0}
    assert complete({"attempts": 2, "backoff": 500}) == {"attempts": 2, "backoff": {"type": "fixed", "delay": 500}}
