"""Job schedulers, in both forms, on a real Redis."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge import JobRefused, Queue, QueueError, Schedule

from .finisher import Finisher

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from .conftest import Opener

pytestmark = pytest.mark.redis


def now_ms() -> int:
    return int(time.time() * 1000)


def test_a_scheduler_makes_its_first_job_at_once_and_is_listed(opener: Opener) -> None:
    queue = opener(Queue)
    before = now_ms()
    job = queue.upsert_job_scheduler("hourly", Schedule(every_ms=3_600_000), "tidy", {"a": 1}, attempts=2)
    assert before <= int(job.id.rpartition(":")[2]) <= now_ms()
    stored = queue.get_job(job.id)
    assert (stored.name, stored.data, stored.state, stored.scheduler_id) == ("tidy", {"a": 1}, "waiting", "hourly")
    scheduler = queue.get_job_scheduler("hourly")
    assert (scheduler.name, scheduler.every_ms, scheduler.iterations) == ("tidy", 3_600_000, 1)
    assert (scheduler.data, scheduler.options) == ({"a": 1}, {"attempts": 2})
    assert scheduler.next_ms == int(job.id.rpartition(":")[2])
    assert queue.get_job_schedulers() == [scheduler]
    assert queue.get_job_schedulers_count() == 1


def test_a_pattern_makes_its_next_job_at_its_time(opener: Opener) -> None:
    queue = opener(Queue)
    start = datetime(2100, 7, 1, tzinfo=timezone.utc)
    job = queue.upsert_job_scheduler("daily", Schedule(pattern="30 0 4 * * *", tz="Europe/Lisbon", start=start))
    due = int(datetime(2100, 7, 1, 3, 0, 30, tzinfo=timezone.utc).timestamp() * 1000)
    assert job.id == f"repeat:daily:{due}"
    assert queue.get_job(job.id).state == "delayed"
    scheduler = queue.get_job_scheduler("daily")
    assert (scheduler.next_ms, scheduler.pattern, scheduler.tz) == (due, "30 0 4 * * *", "Europe/Lisbon")


def test_a_pattern_can_begin_at_once(opener: Opener) -> None:
    queue = opener(Queue)
    before = now_ms()
    job = queue.upsert_job_scheduler("s", Schedule(pattern="0 0 1 1 *", immediately=True))
    assert before <= int(job.id.rpartition(":")[2]) <= now_ms()
    assert queue.get_job_state(job.id) == "waiting"


def test_a_pattern_without_a_further_time_makes_nothing(opener: Opener) -> None:
    queue = opener(Queue)
    end = datetime.now(timezone.utc) + timedelta(seconds=1)
    start = end + timedelta(days=1)
    assert queue.upsert_job_scheduler("s", Schedule(pattern="* * * * *", start=start, end=end)) is None
    assert queue.get_job_schedulers() == []


def test_a_job_of_the_next_time_that_has_started_is_an_error(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    start = datetime(2100, 7, 1, tzinfo=timezone.utc)
    due = int(start.timestamp() * 1000) + 60_000
    client.hset(f"{prefix}:q:repeat:s:{due}", "name", "s")
    with pytest.raises(QueueError, match="a job for its next time is there already"):
        queue.upsert_job_scheduler("s", Schedule(pattern="* * * * *", tz="UTC", start=start))


def test_a_scheduler_is_changed_by_its_id_and_removed_with_its_next_job(opener: Opener) -> None:
    queue = opener(Queue)
    start = now_ms() + 60_000
    queue.upsert_job_scheduler("s", Schedule(every_ms=1000, start=start), data={"v": 1})
    queue.upsert_job_scheduler("s", Schedule(every_ms=2000, start=start, limit=5), data={"v": 2})
    assert queue.get_job_schedulers_count() == 1
    assert queue.get_job_scheduler("s").every_ms == 2000
    assert queue.get_job_scheduler("s").limit == 5
    (job,) = queue.get_jobs()
    assert (job.data, job.state) == ({"v": 2}, "delayed")
    assert queue.remove_job_scheduler("s") is True
    assert queue.remove_job_scheduler("s") is False
    assert queue.get_job_scheduler("s") is None
    assert queue.get_jobs() == []


def test_schedulers_are_listed_by_the_time_of_their_next_job(opener: Opener) -> None:
    queue = opener(Queue)
    assert queue.get_job_schedulers() == []
    for minutes in (2, 1, 3):
        start = datetime.now(timezone.utc) + timedelta(minutes=minutes)
        queue.upsert_job_scheduler(f"in-{minutes}", Schedule(every_ms=1000, start=start))
    assert [s.id for s in queue.get_job_schedulers(ascending=True)] == ["in-1", "in-2", "in-3"]
    assert [s.id for s in queue.get_job_schedulers(0, 0)] == ["in-3"]


def test_a_start_and_an_end_are_kept(opener: Opener) -> None:
    queue = opener(Queue)
    start, end = now_ms() + 60_000, datetime(2100, 1, 1, tzinfo=timezone.utc)
    job = queue.upsert_job_scheduler("s", Schedule(every_ms=1000, start=start, end=end))
    assert job.delay_ms > 50_000
    assert queue.get_job_scheduler("s").start_ms == start
    assert queue.get_job_scheduler("s").end_ms == 4_102_444_800_000


def test_jobs_for_the_next_times_that_have_started_are_an_error(
    opener: Opener, client: redis.Redis, prefix: str
) -> None:
    queue = opener(Queue)
    start = now_ms() + 60_000
    for slot in range(40):
        client.hset(f"{prefix}:q:repeat:s:{start + slot * 1000}", "name", "s")
    with pytest.raises(QueueError, match="job scheduler 's' of queue 'q' was not stored"):
        queue.upsert_job_scheduler("s", Schedule(every_ms=1000, start=start))


def test_a_template_keeps_the_contract(opener: Opener, tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text(json.dumps({"type": "object", "required": ["n"]}))
    options = {"attempts": 3, "delay": 5000, "priority": 1}
    job = {"data": "schema.json", "result": "schema.json", "fingerprint": "1", "options": options}
    (tmp_path / "contract.json").write_text(json.dumps({"version": 1, "queues": {"q": {"jobs": {"sum": job}}}}))
    queue = opener(Queue, contract=tmp_path)
    with pytest.raises(JobRefused, match="/n"):
        queue.upsert_job_scheduler("s", Schedule(every_ms=1000), "sum", {})
    with pytest.raises(JobRefused, match="no job 's'"):
        queue.upsert_job_scheduler("s", Schedule(every_ms=1000))
    assert queue.get_job_schedulers() == []
    queue.upsert_job_scheduler("s", Schedule(every_ms=1000), "sum", {"n": 1}, keep_logs=2)
    assert queue.get_job_scheduler("s").options == {
        "attempts": 3,
        "priority": 1,
        "keepLogs": 2,
        "contractFingerprint": "1",
    }
    (made,) = queue.get_jobs()
    assert made.options["contractFingerprint"] == "1"
    assert made.state == "prioritized"


def test_the_first_job_of_a_scheduler_can_be_run(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    job = queue.upsert_job_scheduler("s", Schedule(every_ms=60_000))
    assert Finisher(client, "q", prefix).take() == job.id


@pytest.mark.parametrize(
    ("schedule", "options", "message"),
    [
        ({}, {}, "either every_ms or pattern"),
        ({"every_ms": 1, "pattern": "* * * * *"}, {}, "either every_ms or pattern"),
        ({"every_ms": 0}, {}, "every_ms must be an integer of 1"),
        ({"every_ms": 1000, "limit": 0}, {}, "limit must be an integer of 1"),
        ({"every_ms": 1000, "start": datetime(2100, 1, 1)}, {}, "start needs a time zone"),
        ({"every_ms": 1000, "start": "tomorrow"}, {}, "start"),
        ({"every_ms": 1000, "end": 1}, {}, "its end is in the past"),
        ({"every_ms": 1000, "start": 1, "immediately": True}, {}, "immediately and start"),
        ({"pattern": "* * * * *", "offset_ms": 5}, {}, "offset_ms shifts every_ms"),
        ({"pattern": "61 * * * *"}, {}, "job scheduler 's' of queue 'q': cannot compute the next run"),
        ({"pattern": "0 0 4 * * *", "tz": "Europe/Atlantis"}, {}, "Atlantis"),
        ({"every_ms": 1000}, {"job_id": "mine"}, "'job_id' is no option of its jobs"),
        ({"every_ms": 1000}, {"delay_ms": 5}, "'delay_ms' is no option of its jobs"),
        ({"every_ms": 1000}, {"attempts": 0}, "'attempts' must be an integer"),
    ],
)
def test_a_schedule_that_cannot_work_is_refused(
    opener: Opener, schedule: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    queue = opener(Queue)
    with pytest.raises((TypeError, ValueError), match=message):
        queue.upsert_job_scheduler("s", Schedule(**schedule), "any", {}, **options)
    assert queue.get_job_schedulers() == []
