"""Adding jobs, in both forms, on a real Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio

from bullmq_bridge import AnswerLost, ClientClosed, JobItem, JobRefused, ParentError, Queue

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Opener
    from .proxy import Proxy

pytestmark = pytest.mark.redis

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    (tmp_path / "schema.json").write_text(json.dumps(SCHEMA))
    options = {"attempts": 3, "priority": 10, "removeOnComplete": {"count": 5}}
    job = {"data": "schema.json", "result": "schema.json", "fingerprint": "1", "options": options}
    document = {"version": 1, "queues": {"q": {"jobs": {"sum": job}}}}
    (tmp_path / "contract.json").write_text(json.dumps(document))
    return tmp_path


def keys_of(client: redis.Redis, prefix: str) -> set[str]:
    return {key.removeprefix(prefix) for key in client.scan_iter(f"{prefix}:*")}


def test_a_job_is_in_the_state_that_its_options_say(opener: Opener) -> None:
    queue = opener(Queue)
    for options, state in (({}, "waiting"), ({"delay_ms": 60_000}, "delayed"), ({"priority": "low"}, "prioritized")):
        assert queue.get_job(queue.add("any", {}, **options).id).state == state


def test_lifo_goes_first(opener: Opener) -> None:
    queue = opener(Queue)
    ids = [queue.add("any", {}, lifo=lifo).id for lifo in (False, False, True)]
    assert [job.id for job in queue.get_jobs("waiting", ascending=True)] == [ids[2], ids[0], ids[1]]


def test_the_contracts_options_and_fingerprint_are_stored(opener: Opener, contract: Path) -> None:
    queue = opener(Queue, contract=contract)
    added = queue.add("sum", {"n": 1}, attempts=5)
    job = queue.get_job(added.id)
    assert job.options == added.options
    assert job.options == {
        "attempts": 5,
        "priority": 10,
        "removeOnComplete": {"count": 5},
        "contractFingerprint": "1",
    }
    assert (job.name, job.data, job.state, job.priority) == ("sum", {"n": 1}, "prioritized", 10)
    assert job.timestamp_ms == added.timestamp_ms


def test_bad_data_reaches_nobody(opener: Opener, contract: Path, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue, contract=contract)
    with pytest.raises(JobRefused, match="Job 'sum' of queue 'q': the data is refused: /n: "):
        queue.add("sum", {"n": "one"})
    items = [JobItem("sum", {"n": 1}), JobItem("sum", {}), JobItem("sum", {"n": 2}), JobItem("product", {})]
    with pytest.raises(JobRefused) as refused:
        queue.add_many(items)
    assert [violation.item for violation in refused.value.violations] == ["[1]", "[3]"]
    with pytest.raises(ValueError, match=r"at \[1\]: option 'attempts'"):
        queue.add_many([JobItem("sum", {"n": 1}), JobItem("sum", {"n": 1}, attempts=0)])
    assert keys_of(client, prefix) == set()


def test_many_jobs_are_added_in_their_order_with_their_own_options(opener: Opener) -> None:
    queue = opener(Queue)
    items = [JobItem("any", {"i": i}) for i in range(50)] + [JobItem("late", {}, delay_ms=60_000, job_id="late-1")]
    jobs = queue.add_many(items)
    waiting = queue.get_jobs("waiting", ascending=True)
    assert [job.id for job in jobs[:-1]] == [job.id for job in waiting]
    assert [job.data["i"] for job in waiting] == list(range(50))
    assert queue.get_job("late-1").state == "delayed"
    assert queue.add_many([]) == []


def test_many_jobs_are_added_in_one_transaction(opener: Opener, client: redis.Redis, prefix: str) -> None:
    client.set(f"{prefix}:q:delayed", "not a sorted set")
    queue = opener(Queue)
    with client.monitor() as monitor:
        with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
            queue.add_many([JobItem("any", {}), JobItem("late", {}, delay_ms=60_000)])
        seen: list[str] = []
        while not any(command.startswith("EXEC") for command in seen):
            seen.append(monitor.next_command()["command"])
    assert [command.split()[0] for command in seen if command.split()[0] in {"MULTI", "EVALSHA", "EXEC"}] == [
        "MULTI",
        "EVALSHA",
        "EVALSHA",
        "EXEC",
    ]


def test_a_job_whose_id_exists_is_left_as_it_is(opener: Opener) -> None:
    queue = opener(Queue)
    assert queue.add("any", {"first": True}, job_id="mine").id == "mine"
    assert queue.add("any", {"first": False}, job_id="mine").id == "mine"
    assert queue.get_job("mine").data == {"first": True}
    assert queue.count() == 1


def test_a_deduplicated_job_answers_with_the_first_ones_id(opener: Opener) -> None:
    queue = opener(Queue)
    first = queue.add("any", {}, deduplication={"id": "once"})
    assert queue.add("any", {}, deduplication={"id": "once", "ttl_ms": 60_000}).id == first.id
    assert queue.get_deduplication_job_id("once") == first.id
    assert queue.get_job(first.id).deduplication_id == "once"
    assert queue.remove_deduplication_key("once") is True
    assert queue.remove_deduplication_key("once") is False
    assert queue.get_deduplication_job_id("once") is None
    assert queue.add("any", {}, deduplication={"id": "once"}).id != first.id


def test_a_child_is_told_to_its_parent(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue = opener(Queue)
    parent = queue.add("parent", {})
    child = queue.add("child", {}, parent=parent.as_parent(), fail_parent_on_failure=True)
    assert client.smembers(f"{prefix}:q:{parent.id}:dependencies") == {f"{prefix}:q:{child.id}"}
    assert queue.get_job(child.id).parent_key == f"{prefix}:q:{parent.id}"


def test_a_parent_that_does_not_exist_is_an_error(opener: Opener, prefix: str) -> None:
    queue = opener(Queue)
    with pytest.raises(ParentError, match=f"no parent job {prefix}:q:nobody"):
        queue.add("child", {}, parent={"id": "nobody", "queue": f"{prefix}:q"})
    orphan = JobItem("child", {}, parent={"id": "nobody", "queue": f"{prefix}:q"})
    with pytest.raises(ParentError, match=r"at \[1\] \(1 of 2 jobs were added\)"):
        queue.add_many([JobItem("any", {}), orphan])
    assert queue.count() == 1


def test_a_server_without_the_scripts_is_given_them(opener: Opener, start_redis: Any) -> None:
    queue = opener(Queue, redis_url=start_redis())
    with redis.Redis.from_url(start_redis()) as server:
        for publish in (
            lambda: queue.add("any", {}),
            lambda: queue.add_many(
                [JobItem("any", {}), JobItem("any", {}, priority=1), JobItem("any", {}, delay_ms=9)]
            ),
            lambda: queue.get_job("1"),
            lambda: queue.pause(),
        ):
            server.script_flush()
            publish()
    assert queue.count() == 4
    assert queue.is_paused()


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"decode_responses": True},
        {"decode_responses": True, "protocol": 3},
        {"protocol": 3},
        {"encoding": "latin-1", "decode_responses": True},
    ],
)
def test_the_users_own_client_is_used_whatever_it_decodes(
    opener: Opener, redis_url: str, prefix: str, settings: dict[str, Any]
) -> None:
    queue = opener(Queue, client=opener.own_client(redis_url, **settings))
    plain = opener(Queue)
    added = queue.add("ñame", {"text": "日本語 ü", "list": [1, None]}, job_id="ïd")
    assert queue.get_job("ïd") == plain.get_job("ïd")
    assert plain.get_job("ïd").data == added.data == {"text": "日本語 ü", "list": [1, None]}
    assert [job.name for job in queue.add_many([JobItem("ñame", {})])] == ["ñame"]
    queue.upsert_job_scheduler("ş", _schedule(), "ñame", {"ü": 1})
    assert queue.get_job_scheduler("ş") == plain.get_job_scheduler("ş")
    assert queue.get_job_schedulers() == plain.get_job_schedulers()
    assert queue.get_jobs() == plain.get_jobs()
    assert queue.get_job_counts() == plain.get_job_counts()


def _schedule() -> Any:
    from bullmq_bridge import Schedule

    return Schedule(every_ms=60_000)


def test_closing_a_queue_leaves_the_users_client_open(redis_url: str, prefix: str) -> None:
    with redis.Redis.from_url(redis_url) as own:
        with Queue("q", client=own, prefix=prefix) as queue:
            queue.add("any", {})
        assert own.exists(f"{prefix}:q:1") == 1
        with pytest.raises(ClientClosed):
            queue.count()


def test_a_client_of_the_wrong_kind_is_refused(redis_url: str) -> None:
    with pytest.raises(TypeError, match=r"redis\.asyncio\.Redis"):
        Queue("q", client=redis.asyncio.Redis.from_url(redis_url))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="either redis_url or client"):
        Queue("q", redis_url=redis_url, client=redis.Redis.from_url(redis_url))


def test_an_add_whose_reply_was_lost_is_told_and_not_repeated(opener: Opener, proxy: Proxy) -> None:
    # (redis-py's own retries would add the job again)
    for settings in ({"redis_url": proxy.url}, {"client": opener.own_client(proxy.url)}):
        queue = opener(Queue, **settings)
        before = queue.count()
        proxy.lose_the_reply_to(b"EVALSHA")
        with pytest.raises(AnswerLost, match=r"adding job 'any' to queue 'q'.*job_id"):
            queue.add("any", {})
        assert queue.count() == before + 1
        proxy.lose_the_reply_to(b"EXEC")
        with pytest.raises(AnswerLost, match=r"adding 2 jobs to queue 'q'.*all or none"):
            queue.add_many([JobItem("any", {}), JobItem("any", {})])
        assert queue.count() == before + 3


def test_a_silent_connection_is_given_up_after_its_timeout(opener: Opener, proxy: Proxy) -> None:
    queue = opener(Queue, redis_url=f"{proxy.url}?socket_timeout=0.2")
    queue.count()
    proxy.lose_the_reply_to(b"EVALSHA", silently=True)
    with pytest.raises(AnswerLost):
        queue.add("any", {})
    assert queue.count() == 1


def test_a_read_whose_reply_was_lost_is_repeated(opener: Opener, proxy: Proxy) -> None:
    queue = opener(Queue, redis_url=proxy.url)
    job = queue.add("any", {})
    proxy.lose_the_reply_to(b"HGETALL")
    assert queue.get_job(job.id).id == job.id


def test_a_connection_that_was_closed_while_idle_costs_nothing(opener: Opener, proxy: Proxy) -> None:
    queue = opener(Queue, redis_url=proxy.url)
    queue.add("any", {})
    proxy.cut()
    queue.add("any", {})
    assert queue.count() == 2


def test_a_redis_that_is_not_there_is_a_redis_error(opener: Opener, proxy: Proxy) -> None:
    proxy.refuse()
    queue = opener(Queue, redis_url=proxy.url)
    with pytest.raises(redis.ConnectionError):
        queue.add("any", {})


def test_jobs_added_by_several_threads_are_all_there(redis_url: str, prefix: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with Queue("q", redis_url=redis_url, prefix=prefix) as queue, ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda i: queue.add("any", {"i": i}).id, range(200)))
        assert len(set(ids)) == 200
        assert queue.count() == 200


def test_jobs_added_by_several_tasks_are_all_there(redis_url: str, prefix: str) -> None:
    import asyncio

    from bullmq_bridge import AsyncQueue

    async def add() -> int:
        async with AsyncQueue("q", redis_url=redis_url, prefix=prefix) as queue:
            await asyncio.gather(*(queue.add("any", {"i": i}) for i in range(200)))
            return await queue.count()

    assert asyncio.run(add()) == 200


def test_a_task_that_is_cancelled_leaves_no_reply_for_the_next(redis_url: str, prefix: str) -> None:
    import asyncio

    from bullmq_bridge import AsyncQueue

    async def cancel() -> None:
        async with AsyncQueue("q", redis_url=redis_url, prefix=prefix) as queue:
            job = await queue.add("any", {"a": 1})
            for delay in range(20):
                task = asyncio.create_task(queue.count())
                for _ in range(delay):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait({task})
                found = await queue.get_job(job.id)
                assert found is not None
                assert found.data == {"a": 1}

    asyncio.run(cancel())
