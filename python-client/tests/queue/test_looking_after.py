"""Looking at a queue and changing it, in both forms, on a real Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import redis

from bullmq_bridge import (
    Failure,
    JobItem,
    JobNotFound,
    JobStateError,
    NotJson,
    Queue,
    QueueError,
    RateLimit,
)

from .finisher import Finisher

if TYPE_CHECKING:
    from .conftest import Opener

pytestmark = pytest.mark.redis


@pytest.fixture
def finisher(client: redis.Redis, prefix: str) -> Finisher:
    return Finisher(client, "q", prefix)


def test_a_job_that_does_not_exist_is_none(opener: Opener) -> None:
    queue = opener(Queue)
    assert queue.get_job("nobody") is None
    assert queue.get_job_state("nobody") == "unknown"


def test_a_completed_job_shows_its_result(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    queue.add("any", {})
    job = queue.get_job(finisher.complete('{"total":3}'))
    assert (job.state, job.returnvalue, job.failed_reason) == ("completed", {"total": 3}, None)
    assert job.finished_on_ms >= job.processed_on_ms >= job.timestamp_ms > 0
    assert job.attempts_made == 1
    assert job.attempts_started == 1


def test_a_failed_job_shows_why_with_the_record_of_its_last_attempt_only(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    record = {"kind": "raised", "type": "ValueError", "message": "bad", "attempt": 1, "paths": ["/a"]}
    queue.add("any", {})
    job_id = finisher.fail("bad", ["bridgeFailure", json.dumps(record), "stacktrace", '["trace"]'])
    job = queue.get_job(job_id)
    assert (job.state, job.failed_reason, job.stacktrace) == ("failed", "bad", ("trace",))
    assert job.failure == Failure("raised", "ValueError", "bad", 1, None, ("/a",))
    queue.retry(job_id)
    assert queue.get_job(job_id).failure is None
    finisher.fail("bad")
    assert queue.get_job(job_id).failure is None, "the record tells of the first attempt, the job has had two"


def test_logs_and_progress_are_shown(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    job_id = queue.add("any", {}).id
    client.rpush(f"{prefix}:q:{job_id}:logs", "one", "two", "three")
    client.hset(f"{prefix}:q:{job_id}", "progress", '{"done":5}')
    job = queue.get_job(job_id)
    assert job.logs == ("one", "two", "three")
    assert job.progress == {"done": 5}
    assert queue.get_job_logs(job_id, 1, 1).rows == ("two",)
    assert queue.get_job_logs(job_id, 0, 1, ascending=False).rows == ("three", "two")
    assert queue.get_job_logs(job_id).count == 3
    assert queue.get_jobs("waiting")[0].logs is None


def test_what_is_no_json_is_shown_as_such(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    job_id = queue.add("any", {}).id
    client.hset(f"{prefix}:q:{job_id}", mapping={"returnvalue": "oops", "data": "{", "progress": "50%", "opts": "x"})
    job = queue.get_job(job_id)
    assert (job.returnvalue, job.data, job.progress) == (NotJson("oops"), NotJson("{"), NotJson("50%"))
    assert job.options == {}
    client.hset(f"{prefix}:q:{job_id}", "name", b"\xff\xfe")
    assert queue.get_job(job_id).name == "\ufffd\ufffd"


def test_jobs_and_counts_of_every_state(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    queue.add("completed", {})
    finisher.complete()
    queue.add("failed", {})
    finisher.fail("no")
    queue.add("active", {})
    finisher.take()
    queue.add("waiting", {})
    queue.add("prioritized", {}, priority="high")
    queue.add("delayed", {}, delay_ms=60_000)
    states = ["active", "completed", "delayed", "failed", "prioritized", "waiting"]
    assert queue.get_job_counts() == {**dict.fromkeys(states, 1), "waiting-children": 0}
    assert queue.count() == 3
    assert [(job.name, job.state) for job in queue.get_jobs()] == [(state, state) for state in states]
    assert [job.state for job in queue.get_jobs(["failed", "active", "failed"])] == ["failed", "active"]
    assert queue.get_job_counts("delayed") == {"delayed": 1}
    assert all(queue.get_job_state(job.id) == job.state for job in queue.get_jobs())
    with pytest.raises(ValueError, match="no state 'paused'"):
        queue.get_jobs("paused")


def test_a_page_of_jobs(opener: Opener) -> None:
    queue = opener(Queue)
    ids = [job.id for job in queue.add_many([JobItem("any", {})] * 5)]
    assert [job.id for job in queue.get_jobs("waiting", 1, 2, ascending=True)] == ids[1:3]
    assert [job.id for job in queue.get_jobs("waiting", 0, 1)] == [ids[4], ids[3]]


def test_counts_per_priority(opener: Opener) -> None:
    queue = opener(Queue)
    queue.add_many([JobItem("any", {}, priority=p) for p in ("high", "high", "low", 7)] + [JobItem("any", {})])
    assert queue.get_counts_per_priority(["high", "normal", "low", 7, 0]) == {
        "high": 2,
        "normal": 0,
        "low": 1,
        7: 1,
        0: 1,
    }
    assert queue.get_counts_per_priority([]) == {}
    with pytest.raises(ValueError, match="high, normal, low"):
        queue.get_counts_per_priority(["urgent"])


def test_pause_and_resume(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    queue.add("any", {})
    assert queue.is_paused() is False
    queue.pause()
    assert queue.is_paused() is True
    assert client.exists(f"{prefix}:q:marker") == 0
    queue.resume()
    assert queue.is_paused() is False
    assert client.zscore(f"{prefix}:q:marker", "0") == 0


def test_resuming_brings_back_all_the_jobs_of_an_old_paused_list(
    opener: Opener, client: redis.Redis, prefix: str
) -> None:
    # BullMQ 5 moved waiting jobs there; one call of the script brings back 7,000.
    client.rpush(f"{prefix}:q:wait", "newest")
    client.rpush(f"{prefix}:q:paused", *map(str, range(15_000)))
    opener(Queue).resume()
    assert client.llen(f"{prefix}:q:wait") == 15_001
    assert client.exists(f"{prefix}:q:paused") == 0


def test_retrying_a_failed_job(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    queue.add("any", {})
    job_id = finisher.fail("no")
    with pytest.raises(JobStateError, match=f"job '{job_id}' of queue 'q' was not retried: it is not completed"):
        queue.retry(job_id, "completed")
    queue.retry(queue.get_job(job_id))
    job = queue.get_job(job_id)
    assert (job.state, job.failed_reason, job.finished_on_ms, job.attempts_made) == ("waiting", None, None, 1)
    finisher.fail("again")
    queue.retry(job_id, reset_attempts_made=True, reset_attempts_started=True)
    job = queue.get_job(job_id)
    assert (job.attempts_made, job.attempts_started) == (0, 0)
    with pytest.raises(JobNotFound, match="no such job"):
        queue.retry("nobody")


def test_a_lifo_job_is_retried_before_the_others(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    queue.add("any", {}, lifo=True)
    job_id = finisher.fail("no")
    other = queue.add("any", {}).id
    queue.retry(job_id)
    assert [job.id for job in queue.get_jobs("waiting", ascending=True)] == [job_id, other]


def test_retrying_all_failed_jobs(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    queue.add_many([JobItem("any", {})] * 5)
    for _ in range(5):
        finisher.fail("no")
    queue.retry_jobs(count=2)
    assert queue.get_job_counts(["failed", "waiting"]) == {"failed": 0, "waiting": 5}
    finisher.complete()
    queue.retry_jobs("completed", until_ms=1)
    assert queue.get_job_counts("completed") == {"completed": 1}


def test_promoting_delayed_jobs(opener: Opener) -> None:
    queue = opener(Queue)
    jobs = queue.add_many([JobItem("any", {}, delay_ms=60_000)] * 4)
    queue.promote(jobs[0])
    assert queue.get_job_state(jobs[0].id) == "waiting"
    with pytest.raises(JobStateError, match="was not promoted: it is not delayed"):
        queue.promote(jobs[0].id)
    queue.promote_jobs(count=2)
    assert queue.get_job_counts(["delayed", "waiting"]) == {"delayed": 0, "waiting": 4}


def test_changing_delay_and_priority(opener: Opener) -> None:
    queue = opener(Queue)
    job = queue.add("any", {}, delay_ms=60_000)
    queue.change_delay(job, 120_000)
    assert queue.get_job(job.id).delay_ms == 120_000
    waiting = queue.add("any", {}, priority="low")
    with pytest.raises(JobStateError, match="it is not delayed"):
        queue.change_delay(waiting, 5)
    with pytest.raises(JobNotFound):
        queue.change_delay("nobody", 5)
    queue.change_priority(waiting, "high")
    assert queue.get_job(waiting.id).priority == 1
    assert queue.get_counts_per_priority(["high"]) == {"high": 1}
    with pytest.raises(JobNotFound):
        queue.change_priority("nobody", "high")
    with pytest.raises(ValueError, match="0 would go before"):
        queue.change_priority(waiting, 0)


def test_removing_a_job(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    job = queue.add("any", {})
    queue.remove(job)
    assert queue.get_job(job.id) is None
    queue.remove("nobody")
    running = queue.add("any", {})
    finisher.take()
    with pytest.raises(JobStateError, match="a worker is running it"):
        queue.remove(running)


def test_a_schedulers_next_job_is_not_removed_by_itself(opener: Opener) -> None:
    from bullmq_bridge import Schedule

    queue = opener(Queue)
    queue.upsert_job_scheduler("s", Schedule(every_ms=60_000))
    (job,) = queue.get_jobs()
    with pytest.raises(JobStateError, match="remove_job_scheduler"):
        queue.remove(job)


def test_draining(opener: Opener) -> None:
    queue = opener(Queue)
    queue.add_many([JobItem("any", {}), JobItem("any", {}, priority=1), JobItem("any", {}, delay_ms=60_000)])
    queue.drain()
    assert queue.get_job_counts(["waiting", "prioritized", "delayed"]) == {
        "waiting": 0,
        "prioritized": 0,
        "delayed": 1,
    }
    queue.drain(delayed=True)
    assert queue.count() == 0


def test_cleaning(opener: Opener, finisher: Finisher) -> None:
    queue = opener(Queue)
    queue.add_many([JobItem("any", {})] * 5)
    ids = [finisher.complete() for _ in range(3)]
    assert queue.clean(60_000) == []
    assert queue.clean(0, 2) == ids[:2]
    assert queue.clean(0, state="completed") == ids[2:]
    assert len(queue.clean(0, state="waiting")) == 2
    assert queue.count() == 0


def test_cleaning_goes_on_until_nothing_is_left(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bullmq_bridge.queue.upkeep.CLEAN_AT_ONCE", 2)
    queue = opener(Queue)
    ids = {job.id for job in queue.add_many([JobItem("any", {})] * 7)}
    assert len(queue.clean(0, 3, "waiting")) == 3
    assert len(queue.clean(0, 0, "waiting")) == 4
    assert ids.isdisjoint(job.id for job in queue.get_jobs())


def test_obliterating(opener: Opener, client: redis.Redis, finisher: Finisher, prefix: str) -> None:
    queue = opener(Queue)
    queue.add_many([JobItem("any", {})] * 5)
    finisher.take()
    with pytest.raises(QueueError, match="workers are running jobs"):
        queue.obliterate()
    assert queue.is_paused()
    assert queue.get_job_counts("waiting") == {"waiting": 4}
    queue.obliterate(force=True, count=2)
    assert list(client.scan_iter(f"{prefix}:*")) == []


def test_limits_of_the_whole_queue(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    assert queue.get_global_concurrency() is None
    assert queue.get_global_rate_limit() is None
    queue.set_global_concurrency(4)
    queue.set_global_rate_limit(100, 60_000)
    assert queue.get_global_concurrency() == 4
    assert queue.get_global_rate_limit() == RateLimit(100, 60_000)
    assert client.hgetall(f"{prefix}:q:meta") == {"concurrency": "4", "max": "100", "duration": "60000"}
    queue.remove_global_concurrency()
    queue.remove_global_rate_limit()
    assert client.hgetall(f"{prefix}:q:meta") == {}
    with pytest.raises(ValueError, match="concurrency must be an integer of 1"):
        queue.set_global_concurrency(0)


def test_a_rate_limit_by_hand(opener: Opener) -> None:
    queue = opener(Queue)
    assert queue.get_rate_limit_ttl() == 0
    queue.rate_limit(60_000)
    assert 50_000 < queue.get_rate_limit_ttl() <= 60_000
    queue.remove_rate_limit()
    assert queue.get_rate_limit_ttl() == 0


def test_workers_of_both_languages_are_found_by_the_name_of_their_connection(
    opener: Opener, redis_url: str, prefix: str
) -> None:
    queue = opener(Queue)
    # (what BullMQ's Worker names its blocking connection: the queue's name in Base64)
    # (":qe" is a listener's, "cXE=" is another queue)
    for name in (f"{prefix}:cQ==", f"{prefix}:cQ==:w:north", f"{prefix}:cQ==:qe", f"{prefix}:cXE="):
        connection = redis.Redis.from_url(redis_url, client_name=name)
        connection.ping()
        opener.keep(connection)
    assert sorted(str(worker.name) for worker in queue.get_workers()) == ["None", "north"]
    (north,) = (worker for worker in queue.get_workers() if worker.name)
    assert north.address.startswith("127.0.0.1:")
    assert north.age_s >= 0
    assert north.client["cmd"].startswith("ping")


def test_children_values_and_ignored_failures(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    job = queue.add("parent", {})
    client.hset(f"{prefix}:q:{job.id}:processed", mapping={"p:q:a": '{"n":1}', "p:q:b": "oops"})
    client.hset(f"{prefix}:q:{job.id}:failed", "p:q:c", "no")
    assert queue.get_children_values(job) == {"p:q:a": {"n": 1}, "p:q:b": NotJson("oops")}
    assert queue.get_ignored_children_failures(job.id) == {"p:q:c": "no"}


def test_what_is_no_job_is_refused_by_type(opener: Opener) -> None:
    with pytest.raises(TypeError, match="a JobView or its id, not 7"):
        opener(Queue).remove(7)
