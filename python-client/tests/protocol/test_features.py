import hashlib
import pickle

import pytest

from bullmq_bridge.protocol.bundle import Bundle, Script
from bullmq_bridge.protocol.features import KEEP_LAST_IF_ACTIVE, SCHEDULING_IN_SCRIPT, UnsupportedByBackend
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.protocol.new_job import NewJob
from bullmq_bridge.protocol.producer_calls import ProducerCalls
from bullmq_bridge.protocol.queue_calls import QueueCalls
from bullmq_bridge.protocol.scheduler_calls import SchedulerCalls
from bullmq_bridge.queue.upkeep import Upkeep

KEYS = QueueKeys("q")


def bundle(version: str, *variants: str) -> Bundle:
    scripts = {}
    for variant in variants:
        name, keys = variant.split("-")[:2]
        source = f"return {name!r}"
        sha1 = hashlib.sha1(source.encode()).hexdigest()
        scripts[name] = Script(name, int(keys), sha1, source, variant)
    return Bundle(version, scripts)


OLD = bundle(
    "5.58.0",
    "addStandardJob-9-with-wait-children",
    "addDelayedJob-6-with-wait-children",
    "addPrioritizedJob-9-with-wait-children",
    "addParentJob-5",
    "reprocessJob-8-without-reset",
    "addJobScheduler-11",
    "getJobScheduler-1",
    "removeJobScheduler-3",
)


def test_what_a_version_lacks_is_refused_with_the_version_that_brought_it() -> None:
    job = NewJob("work", b"{}", {"deduplication": {"id": "one", "keepLastIfActive": True}})
    with pytest.raises(UnsupportedByBackend) as refusal:
        ProducerCalls(OLD).add(KEYS, job)
    assert (refusal.value.needs, refusal.value.has) == ("5.72.0", "5.58.0")
    assert "keep_last_if_active needs BullMQ 5.72.0, these are the scripts of 5.58.0" in str(refusal.value)


def test_a_retry_that_resets_attempts_is_refused_where_the_script_would_not_reset_them() -> None:
    calls = QueueCalls(KEYS, OLD)
    with pytest.raises(UnsupportedByBackend, match=r"5\.66\.0"):
        calls.retry("1", "failed", lifo=False, reset_made=True, reset_started=False)
    plain = calls.retry("1", "failed", lifo=False, reset_made=False, reset_started=False)
    assert plain.arguments == ("1", "LPUSH", "failedReason", "failed")


def test_a_scheduler_is_refused_where_the_script_leaves_its_times_to_the_caller() -> None:
    calls = SchedulerCalls(KEYS, OLD)
    schedule = {"template_options": {}, "schedule": {"every": 1000}, "next_job_options": {}}
    with pytest.raises(UnsupportedByBackend, match=r"5\.58\.8"):
        calls.upsert("s", next_ms=None, data=b"{}", now_ms=1, **schedule)


def test_a_global_rate_limit_is_refused_where_workers_would_not_see_it() -> None:
    with pytest.raises(UnsupportedByBackend, match=r"5\.60\.0"):
        next(Upkeep(KEYS, OLD).set_global_rate_limit(1, 1000))


@pytest.mark.parametrize(("version", "has"), [("5.71.1", False), ("5.72.0", True), ("6.0.0", True)])
def test_a_feature_is_there_from_its_version_on(version: str, has: bool) -> None:
    assert KEEP_LAST_IF_ACTIVE.is_in(bundle(version)) is has


def test_the_refusal_survives_the_way_between_processes() -> None:
    with pytest.raises(UnsupportedByBackend) as refusal:
        SCHEDULING_IN_SCRIPT.require(OLD)
    assert str(pickle.loads(pickle.dumps(refusal.value))) == str(refusal.value)
