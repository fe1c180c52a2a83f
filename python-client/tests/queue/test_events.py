"""Listening, in both forms, on a real Redis."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge import (
    AsyncQueueEvents,
    ClientClosed,
    ContractViolation,
    Failure,
    Flow,
    FlowJob,
    JobFailed,
    JobItem,
    JobNotFound,
    NotJson,
    Queue,
    QueueEvents,
    WaitTimeout,
)
from bullmq_bridge.events import (
    Active,
    Added,
    Cleaned,
    Completed,
    Deduplicated,
    Delayed,
    Drained,
    Duplicated,
    Failed,
    JobEvent,
    Paused,
    Progress,
    QueueEvent,
    Removed,
    Resumed,
    RetriesExhausted,
    Stalled,
    Unknown,
    Waiting,
    WaitingChildren,
)

from .conftest import wait_until
from .finisher import Finisher

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import redis

    from .conftest import Opener
    from .proxy import Proxy

pytestmark = pytest.mark.redis


@pytest.fixture
def finisher(client: redis.Redis, prefix: str) -> Finisher:
    return Finisher(client, "q", prefix)


def read_all(events: Any) -> list[QueueEvent]:
    found: list[QueueEvent] = []
    while batch := events.read(timeout_s=0.05):
        found += batch
    return found


def without_ids(events: list[QueueEvent]) -> list[Any]:
    return [type(event)("", *(getattr(event, name) for name in type(event).__match_args__[1:])) for event in events]


def test_events_have_the_types_of_what_happened(opener: Opener, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    events.start()
    job = queue.add("any", {})
    finisher.complete('{"n":1}')
    other = queue.add("any", {})
    finisher.fail("no")
    queue.retry(other)
    queue.remove(other)
    queue.pause()
    queue.resume()
    queue.clean(0)
    found = read_all(events)
    assert without_ids(found) == [
        Added("", job.id, "any"),
        Waiting("", job.id),
        Active("", job.id, "waiting"),
        Completed("", job.id, '{"n":1}', "active"),
        Drained(""),
        Added("", other.id, "any"),
        Waiting("", other.id),
        Active("", other.id, "waiting"),
        Failed("", other.id, "no", "active"),
        RetriesExhausted("", other.id, 1),
        Drained(""),
        Waiting("", other.id, "failed"),
        Removed("", other.id, "wait"),
        Paused(""),
        Resumed(""),
        Cleaned("", 1),
    ]
    completed = next(event for event in found if isinstance(event, Completed))
    assert completed.returnvalue == {"n": 1}
    assert events.last_id == found[-1].id


def test_events_of_delays_duplicates_and_parents(opener: Opener) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    events.start()
    late = queue.add("late", {}, delay_ms=60_000, job_id="late")
    queue.add("late", {}, job_id="late")
    once = queue.add("once", {}, deduplication={"id": "d"})
    queue.add("once", {}, deduplication={"id": "d"})
    tree = opener(Flow).add(FlowJob("parent", {}, children=[FlowJob("child", {})]))
    kinds = [event for event in without_ids(read_all(events)) if not isinstance(event, (Added, Waiting))]
    assert kinds == [
        Delayed("", "late", late.timestamp_ms + 60_000),
        Duplicated("", "late"),
        Deduplicated("", once.id, "d", kinds[2].deduplicated_job_id),
        WaitingChildren("", tree.job.id),
    ]


def test_what_is_no_json_or_not_known_does_not_end_listening(opener: Opener, client: redis.Redis, prefix: str) -> None:
    events = opener(QueueEvents)
    events.start()
    stream = f"{prefix}:q:events"
    client.xadd(stream, {"event": "completed", "jobId": "1", "returnvalue": "oops"})
    client.xadd(stream, {"event": "progress", "jobId": "1", "data": b"\xff"})
    client.xadd(stream, {"event": "stalled", "jobId": "1"})
    client.xadd(stream, {"event": "tomorrow", "x": "y"})
    client.xadd(stream, {"event": "cleaned", "count": "many"})
    client.xadd(stream, {"other": "y"})
    completed, progress, stalled, *unknown = read_all(events)
    assert isinstance(completed, Completed)
    assert completed.returnvalue == NotJson("oops")
    assert isinstance(progress, Progress)
    assert progress.progress == NotJson("\ufffd")
    assert isinstance(stalled, Stalled)
    assert without_ids(unknown) == [
        Unknown("", "tomorrow", {"x": "y"}),
        Unknown("", "cleaned", {"count": "many"}),
        Unknown("", "", {"other": "y"}),
    ]


def test_listening_begins_at_start_or_after_an_event_that_is_known(opener: Opener) -> None:
    queue = opener(Queue)
    queue.add("before", {})
    events, all_events = opener(QueueEvents), opener(QueueEvents, last_id="0-0")
    events.start()
    queue.add("after", {})
    assert [event.name for event in read_all(events) if isinstance(event, Added)] == ["after"]
    everything = read_all(all_events)
    assert [event.name for event in everything if isinstance(event, Added)] == ["before", "after"]
    later = opener(QueueEvents, last_id=everything[1].id)
    assert read_all(later) == everything[2:]


def test_reading_waits_no_longer_than_it_was_told(opener: Opener) -> None:
    events = opener(QueueEvents)
    started = time.monotonic()
    assert events.read(timeout_s=0.1) == []
    assert events.read(timeout_s=0) == []
    assert 0.1 <= time.monotonic() - started < 2


@pytest.mark.parametrize("settings", [{"decode_responses": True}, {"protocol": 3}])
def test_the_users_own_client_is_listened_with(opener: Opener, redis_url: str, settings: dict[str, Any]) -> None:
    queue = opener(Queue)
    events = opener(QueueEvents, client=opener.own_client(redis_url, socket_timeout=1, **settings))
    events.start()
    job = queue.add("ñ", {})
    assert without_ids(read_all(events)) == [Added("", job.id, "ñ"), Waiting("", job.id)]


def test_a_connection_that_is_cut_loses_no_event_and_repeats_none(opener: Opener, proxy: Proxy) -> None:
    queue, events = opener(Queue), opener(QueueEvents, redis_url=proxy.url)
    events.start()
    added: list[str] = []
    heard: list[str] = []

    def publish() -> None:
        with Queue("q", redis_url=opener.url, prefix=opener.prefix) as direct:
            for number in range(300):
                added.append(direct.add("any", {}).id)
                if number % 50 == 25:
                    proxy.cut()

    publisher = threading.Thread(target=publish)
    publisher.start()
    while publisher.is_alive() or len(heard) < len(added):
        heard += [event.job_id for event in events.read(timeout_s=0.5) if isinstance(event, Added)]
    publisher.join()
    assert heard == added
    assert queue.count() == 300


def test_a_connection_that_falls_silent_is_given_up(
    opener: Opener, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bullmq_bridge.events.stream.ANSWER_MARGIN_S", 0.1)
    queue, events = opener(Queue), opener(QueueEvents, redis_url=proxy.url)
    events.start()
    proxy.lose_the_reply_to(b"XREAD", silently=True)
    job = queue.add("any", {})
    wait_until(lambda: any(e == Added(e.id, job.id, "any") for e in events.read(timeout_s=0.2)))


def test_a_redis_that_starts_again_is_listened_to_again(opener: Opener, start_redis: Callable[[], str]) -> None:
    url = start_redis()
    queue, events = opener(Queue, redis_url=url), opener(QueueEvents, redis_url=url)
    events.start()
    first = queue.add("any", {})
    assert without_ids(read_all(events)) == [Added("", first.id, "any"), Waiting("", first.id)]
    start_redis()
    second = queue.add("any", {})
    found: list[QueueEvent] = []
    wait_until(lambda: found.extend(events.read(timeout_s=0.2)) or len(found) >= 2)
    assert without_ids(found) == [Added("", second.id, "any"), Waiting("", second.id)]


def test_events_that_were_trimmed_while_there_was_no_connection_are_told(
    opener: Opener, proxy: Proxy, client: redis.Redis, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    queue, events = opener(Queue), opener(QueueEvents, redis_url=proxy.url)
    queue.add("any", {})
    events.start()
    queue.add_many([JobItem("any", {})] * 10)
    client.xtrim(f"{prefix}:q:events", maxlen=1, approximate=False)
    proxy.lose_the_reply_to(b"XREAD")
    with caplog.at_level(logging.WARNING, "bullmq_bridge.events"):
        read_all(events)
        assert "may be lost" not in caplog.text
        read_all(events)
    assert "may be lost" in caplog.text


def test_iterating_ends_when_another_thread_closes(redis_url: str, prefix: str) -> None:
    events = QueueEvents("q", redis_url=redis_url, prefix=prefix)
    events.start()
    heard: list[QueueEvent] = []
    listener = threading.Thread(target=lambda: heard.extend(events))
    listener.start()
    with Queue("q", redis_url=redis_url, prefix=prefix) as queue:
        queue.add("any", {})
    wait_until(lambda: len(heard) == 2)
    started = time.monotonic()
    events.close()
    listener.join(timeout=3)
    assert not listener.is_alive()
    assert time.monotonic() - started < 3


def test_iterating_ends_when_another_task_closes(redis_url: str, prefix: str) -> None:
    async def listen() -> list[QueueEvent]:
        events = AsyncQueueEvents("q", redis_url=redis_url, prefix=prefix)
        await events.start()
        heard: list[QueueEvent] = []
        both = asyncio.Event()

        async def collect() -> None:
            async for event in events:
                heard.append(event)
                if len(heard) == 2:
                    both.set()

        task = asyncio.create_task(collect())
        with Queue("q", redis_url=redis_url, prefix=prefix) as queue:
            await asyncio.to_thread(queue.add, "any", {})
        await asyncio.wait_for(both.wait(), 10)
        await events.close()
        await asyncio.wait_for(task, 3)
        return heard

    assert len(asyncio.run(listen())) == 2


def test_iterating_goes_on_after_the_event_that_it_was_left_at(redis_url: str, prefix: str) -> None:
    with (
        Queue("q", redis_url=redis_url, prefix=prefix) as queue,
        QueueEvents("q", redis_url=redis_url, prefix=prefix) as events,
    ):
        queue.add_many([JobItem(str(number), {}) for number in range(3)])
        names: list[str] = []
        for event in events:
            if isinstance(event, Added):
                names.append(event.name)
                break
        for event in events:
            if isinstance(event, Added):
                names.append(event.name)
                if event.name == "2":
                    break
        assert names == ["0", "1", "2"]


# --- waiting for jobs


def test_a_job_that_has_finished_already_is_not_waited_for(opener: Opener, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    job = queue.add("any", {})
    finisher.complete('{"n":1}')
    assert events.wait_until_finished(job, timeout_s=5) == {"n": 1}
    assert events.wait_until_finished(job.id, timeout_s=5) == {"n": 1}


def test_a_job_that_finishes_later_is_waited_for(opener: Opener, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    job = queue.add("any", {})
    timer = threading.Timer(0.2, finisher.complete, ("[1]",))
    timer.start()
    started = time.monotonic()
    assert events.wait_until_finished(job, timeout_s=10) == [1]
    assert time.monotonic() - started < 3
    timer.join()


def test_a_job_that_finishes_just_when_it_is_looked_at_is_not_missed(
    opener: Opener, finisher: Finisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Both orders of looking and listening that leave a hole are caught: it finishes right after the check.
    from bullmq_bridge.events.finish import Finishing

    queue, events = opener(Queue), opener(QueueEvents)
    job = queue.add("any", {})
    check = Finishing.check
    finished: list[str] = []

    def check_and_finish(self: Finishing, awaited: Any) -> Any:
        found = yield from check(self, awaited)
        if not finished:
            finished.append(finisher.complete('"just"'))
        return found

    monkeypatch.setattr(Finishing, "check", check_and_finish)
    monkeypatch.setattr("bullmq_bridge.events.async_queue_events.RECHECK_S", 60.0)
    started = time.monotonic()
    assert events.wait_until_finished(job, timeout_s=20) == "just"
    assert time.monotonic() - started < 3, "it was found by its event, not by looking again"


def test_a_job_that_failed_is_an_error_with_its_record(opener: Opener, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    record = {"kind": "raised", "type": "ValueError", "message": "bad", "attempt": 1}
    job = queue.add("any", {})
    finisher.fail("bad", ["bridgeFailure", json.dumps(record)])
    with pytest.raises(JobFailed, match=f"job '{job.id}' of queue 'q' failed: bad") as caught:
        events.wait_until_finished(job, timeout_s=5)
    assert (caught.value.job_id, caught.value.reason) == (job.id, "bad")
    assert caught.value.failure == Failure("raised", "ValueError", "bad", 1)


def test_a_job_that_fails_later_is_an_error(opener: Opener, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    job = queue.add("any", {})
    timer = threading.Timer(0.2, finisher.fail, ("late",))
    timer.start()
    with pytest.raises(JobFailed, match="failed: late") as caught:
        events.wait_until_finished(job, timeout_s=10)
    assert caught.value.failure is None
    timer.join()


def test_a_job_that_is_removed_when_it_has_finished_still_gives_its_result(opener: Opener, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    at_once = {"keepJobs": {"count": 0}}
    before = queue.add("any", {})
    finisher.complete("1", **at_once)
    queue.add_many([JobItem("noise", {}, delay_ms=60_000)] * 1500)
    assert queue.get_job(before.id) is None
    assert events.wait_until_finished(before, timeout_s=5) == 1
    assert events.wait_until_finished(before.id, timeout_s=5) == 1
    after = queue.add("any", {})
    timer = threading.Timer(0.2, lambda: finisher.complete("2", **at_once))
    timer.start()
    assert events.wait_until_finished(after, timeout_s=10) == 2
    timer.join()


def test_a_job_that_is_not_there_is_an_error(opener: Opener, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    with pytest.raises(JobNotFound, match="no job 'nobody' in queue 'q'"):
        events.wait_until_finished("nobody", timeout_s=5)
    queue.add("any", {}, job_id="mine")
    finisher.complete("1")
    queue.remove("mine")
    queue.add("any", {}, job_id="mine")
    queue.remove("mine")
    with pytest.raises(JobNotFound):
        # The stream tells of an end of this id, but of another job's.
        events.wait_until_finished("mine", timeout_s=5)


def test_a_job_that_is_removed_while_it_is_waited_for_is_an_error(opener: Opener) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    job = queue.add("any", {})

    def remove() -> None:
        with Queue("q", redis_url=opener.url, prefix=opener.prefix) as direct:
            direct.remove(job)

    timer = threading.Timer(0.2, remove)
    timer.start()
    with pytest.raises(JobNotFound, match="was removed before it finished"):
        events.wait_until_finished(job, timeout_s=10)
    timer.join()


def test_a_job_that_takes_too_long_is_a_timeout(opener: Opener) -> None:
    queue, events = opener(Queue), opener(QueueEvents)
    job = queue.add("any", {})
    started = time.monotonic()
    with pytest.raises(WaitTimeout, match=f"job '{job.id}' of queue 'q' did not finish within 0.3 s") as caught:
        events.wait_until_finished(job, timeout_s=0.3)
    assert 0.3 <= time.monotonic() - started < 2
    assert isinstance(caught.value, TimeoutError)


def test_a_timeout_holds_while_redis_is_away(opener: Opener, proxy: Proxy) -> None:
    queue, events = opener(Queue), opener(QueueEvents, redis_url=proxy.url)
    job = queue.add("any", {})
    proxy.refuse()
    started = time.monotonic()
    with pytest.raises(WaitTimeout):
        events.wait_until_finished(job, timeout_s=0.5)
    assert time.monotonic() - started < 15


def test_a_wait_survives_connections_that_are_cut(opener: Opener, proxy: Proxy, finisher: Finisher) -> None:
    queue, events = opener(Queue), opener(QueueEvents, redis_url=proxy.url)
    job = queue.add("any", {})

    def disturb() -> None:
        for _ in range(5):
            time.sleep(0.1)
            proxy.cut()
        finisher.complete('"at last"')
        proxy.cut()

    thread = threading.Thread(target=disturb)
    thread.start()
    assert events.wait_until_finished(job, timeout_s=20) == "at last"
    thread.join()


def test_a_result_is_checked_against_the_contract(opener: Opener, finisher: Finisher, tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("{}")
    (tmp_path / "result.json").write_text(json.dumps({"type": "object", "required": ["n"]}))
    job = {"data": "data.json", "result": "result.json"}
    (tmp_path / "contract.json").write_text(json.dumps({"version": 1, "queues": {"q": {"jobs": {"sum": job}}}}))
    queue = opener(Queue, contract=tmp_path)
    events = opener(QueueEvents, contract=tmp_path)
    good, bad = queue.add_many([JobItem("sum", {}), JobItem("sum", {})])
    finisher.complete('{"n":1}')
    finisher.complete("{}")
    assert events.wait_until_finished(good.id, timeout_s=5) == {"n": 1}
    for waited in (bad, bad.id):
        with pytest.raises(ContractViolation, match="result of job 'sum' breaks the contract: /n"):
            events.wait_until_finished(waited, timeout_s=5)


def test_several_threads_wait_for_their_jobs(redis_url: str, prefix: str, finisher: Finisher) -> None:
    with (
        Queue("q", redis_url=redis_url, prefix=prefix) as queue,
        QueueEvents("q", redis_url=redis_url, prefix=prefix) as events,
        ThreadPoolExecutor(10) as threads,
    ):
        jobs = queue.add_many([JobItem("any", {})] * 10)
        waits = [threads.submit(events.wait_until_finished, job, 20) for job in jobs]
        for number in range(10):
            finisher.complete(str(number))
        assert [wait.result() for wait in waits] == list(range(10))


def test_many_tasks_wait_for_their_jobs_over_one_connection(
    redis_url: str, prefix: str, finisher: Finisher, client: redis.Redis
) -> None:
    async def wait() -> list[Any]:
        async with AsyncQueueEvents("q", redis_url=redis_url, prefix=prefix) as events:
            with Queue("q", redis_url=redis_url, prefix=prefix) as queue:
                jobs = queue.add_many([JobItem("any", {})] * 300)
            waits = [asyncio.create_task(events.wait_until_finished(job, 30)) for job in jobs]
            blocked = await asyncio.to_thread(lambda: wait_until(lambda: _blocked(client)) or _blocked(client))
            for number in range(300):
                await asyncio.to_thread(finisher.complete, str(number))
            assert blocked == 1
            return await asyncio.gather(*waits)

    before = _blocked(client)
    assert before == 0
    assert asyncio.run(wait()) == list(range(300))


def _blocked(client: redis.Redis) -> int:
    return sum(entry["cmd"] == "xread" and "b" in entry["flags"] for entry in client.client_list())


def test_closing_ends_those_who_wait(redis_url: str, prefix: str) -> None:
    async def wait() -> None:
        events = AsyncQueueEvents("q", redis_url=redis_url, prefix=prefix)
        with Queue("q", redis_url=redis_url, prefix=prefix) as queue:
            job = queue.add("any", {})
        task = asyncio.create_task(events.wait_until_finished(job))
        await asyncio.sleep(0.2)
        await events.close()
        with pytest.raises(ClientClosed):
            await asyncio.wait_for(task, 3)

    asyncio.run(wait())


def test_a_wait_that_is_cancelled_leaves_nothing_behind(redis_url: str, prefix: str) -> None:
    async def wait() -> None:
        async with AsyncQueueEvents("q", redis_url=redis_url, prefix=prefix) as events:
            with Queue("q", redis_url=redis_url, prefix=prefix) as queue:
                job = queue.add("any", {})
            task = asyncio.create_task(events.wait_until_finished(job))
            await asyncio.sleep(0.2)
            task.cancel()
            await asyncio.wait({task})
            assert events._waiting == {}

    asyncio.run(wait())


def test_every_kind_of_job_event_has_the_job() -> None:
    assert all(issubclass(kind, JobEvent) for kind in (Added, Active, Completed, Failed, Removed))
