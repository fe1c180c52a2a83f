"""Flows, in both forms, on a real Redis."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bullmq_bridge import AnswerLost, Flow, FlowJob, JobRefused, ParentError, Queue

from .finisher import Finisher

if TYPE_CHECKING:
    from pathlib import Path

    import redis

    from .conftest import Opener
    from .proxy import Proxy

pytestmark = pytest.mark.redis


def test_a_parent_waits_for_its_children(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue, flow = opener(Queue), opener(Flow)
    tree = flow.add(FlowJob("parent", {"p": 1}, children=[FlowJob("child", {"i": i}) for i in range(3)]))
    assert queue.get_job(tree.job.id).state == "waiting-children"
    assert [child.job.data["i"] for child in tree.children] == [0, 1, 2]
    assert client.smembers(f"{prefix}:q:{tree.job.id}:dependencies") == {
        f"{prefix}:q:{child.job.id}" for child in tree.children
    }
    finisher = Finisher(client, "q", prefix)
    assert [finisher.complete(f"{i}") for i in range(3)] == [child.job.id for child in tree.children]
    assert queue.get_job(tree.job.id).state == "waiting"
    assert sorted(queue.get_children_values(tree.job).values()) == [0, 1, 2]


def test_a_child_that_names_no_policy_does_not_hold_its_parent_up(opener: Opener) -> None:
    queue, flow = opener(Queue), opener(Flow)
    tree = flow.add(
        FlowJob(
            "parent",
            {},
            children=[
                FlowJob("plain", {}),
                FlowJob("strict", {}, fail_parent_on_failure=True),
                FlowJob("bullmqs", {}, ignore_dependency_on_failure=False),
            ],
        )
    )
    policies = [
        {key: value for key, value in queue.get_job(child.job.id).options.items() if key.endswith("OnFailure")}
        for child in tree.children
    ]
    assert policies == [
        {"ignoreDependencyOnFailure": True},
        {"failParentOnFailure": True},
        {"ignoreDependencyOnFailure": False},
    ]
    assert not any(key.endswith("OnFailure") for key in queue.get_job(tree.job.id).options)


def test_the_failure_of_a_child_is_ignored_by_default(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue, flow = opener(Queue), opener(Flow)
    tree = flow.add(FlowJob("parent", {}, children=[FlowJob("child", {})]))
    finisher = Finisher(client, "q", prefix)
    child = finisher.take()
    finisher._end(child, "failed", "failedReason", "no", [], {"idof": True})
    assert queue.get_job_state(tree.job.id) == "waiting"
    assert queue.get_ignored_children_failures(tree.job) == {f"{prefix}:q:{child}": "no"}


def test_a_tree_over_several_queues(opener: Opener, client: redis.Redis, prefix: str) -> None:
    flow = opener(Flow, "reports")
    leaf = FlowJob("leaf", {}, priority="high")
    tree = flow.add(FlowJob("root", {}, children=[FlowJob("middle", {}, queue="files", children=[leaf])]))
    (middle,) = tree.children
    (bottom,) = middle.children
    assert [node.job.queue for node in (tree, middle, bottom)] == ["reports", "files", "files"]
    assert opener(Queue, "reports").get_job(tree.job.id).state == "waiting-children"
    files = opener(Queue, "files")
    assert files.get_job(middle.job.id).parent_key == f"{prefix}:reports:{tree.job.id}"
    assert files.get_job(bottom.job.id).state == "prioritized"
    finisher = Finisher(client, "files", prefix)
    assert finisher.complete() == bottom.job.id
    assert finisher.complete() == middle.job.id
    assert opener(Queue, "reports").get_job_state(tree.job.id) == "waiting"


def test_several_flows_are_added_together(opener: Opener) -> None:
    trees = opener(Flow).add_many([FlowJob("root", {"i": i}, children=[FlowJob("leaf", {})]) for i in range(3)])
    queue = opener(Queue)
    assert queue.get_job_counts(["waiting", "waiting-children"]) == {"waiting": 3, "waiting-children": 3}
    assert [queue.get_job(tree.job.id).data for tree in trees] == [{"i": 0}, {"i": 1}, {"i": 2}]
    assert opener(Flow).add_many([]) == []


def test_a_job_without_children_is_a_flow_too(opener: Opener) -> None:
    tree = opener(Flow).add(FlowJob("alone", {}, job_id="mine", delay_ms=60_000))
    assert opener(Queue).get_job("mine").state == "delayed"
    assert tree.children == ()


def test_nothing_is_added_when_any_node_is_refused(
    opener: Opener, tmp_path: Path, client: redis.Redis, prefix: str
) -> None:
    (tmp_path / "schema.json").write_text(json.dumps({"type": "object", "required": ["n"]}))
    job = {"data": "schema.json", "result": "schema.json", "options": {"priority": 10}}
    queues = {"q": {"jobs": {"sum": job}}, "other": {"jobs": {"count": job}}}
    (tmp_path / "contract.json").write_text(json.dumps({"version": 1, "queues": queues}))
    flow = opener(Flow, contract=tmp_path)
    tree = FlowJob(
        "sum",
        {"n": 1},
        children=[
            FlowJob("sum", {"n": 1}, children=[FlowJob("count", {}, queue="other")]),
            FlowJob("sum", {}),
        ],
    )
    with pytest.raises(JobRefused) as refused:
        flow.add(tree)
    assert [(v.queue, v.item, v.path) for v in refused.value.violations] == [
        ("other", "children[0].children[0]", "/n"),
        ("q", "children[1]", "/n"),
    ]
    with pytest.raises(JobRefused, match=r"at \[1\]\.children\[0\]"):
        flow.add_many([FlowJob("sum", {"n": 1}), FlowJob("sum", {"n": 1}, children=[FlowJob("sum", {})])])
    assert list(client.scan_iter(f"{prefix}:*")) == []


@pytest.mark.parametrize(
    ("flow", "message"),
    [
        (
            FlowJob("p", {}, deduplication={"id": "d"}, children=[FlowJob("c", {})]),
            "deduplication cannot be used on a job with parent or children",
        ),
        (
            FlowJob("p", {}, children=[FlowJob("c", {}, deduplication={"id": "d"})]),
            "deduplication cannot be used on a job with parent or children",
        ),
        (
            FlowJob("p", {}, children=[FlowJob("c", {}, parent={"id": "x", "queue": "bull:q"})]),
            "the node that it stands under",
        ),
        (FlowJob("p", {}, children=[FlowJob("c", {}, job_id="7")]), "whole number"),
        (
            FlowJob("p", {}, children=[FlowJob("c", {}, fail_parent_on_failure=True, continue_parent_on_failure=True)]),
            "cannot be used together",
        ),
    ],
)
def test_a_flow_that_cannot_work_is_refused(opener: Opener, flow: FlowJob, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        opener(Flow).add(flow)
    assert opener(Queue).get_jobs() == []


def test_a_parent_whose_children_are_all_finished_already_is_let_go(
    opener: Opener, client: redis.Redis, prefix: str
) -> None:
    queue = opener(Queue)
    queue.add("child", {}, job_id="done")
    Finisher(client, "q", prefix).complete("5")
    tree = opener(Flow).add(FlowJob("parent", {}, children=[FlowJob("child", {}, job_id="done")]))
    assert queue.get_job_state(tree.job.id) == "waiting"
    assert queue.get_children_values(tree.job) == {f"{prefix}:q:done": 5}


def test_a_child_of_another_parent_is_an_error_that_says_what_was_added(opener: Opener, prefix: str) -> None:
    queue, flow = opener(Queue), opener(Flow)
    flow.add(FlowJob("first", {}, job_id="first", children=[FlowJob("child", {}, job_id="shared")]))
    children = [FlowJob("child", {}, job_id="own"), FlowJob("child", {}, job_id="shared")]
    with pytest.raises(ParentError, match=rf"another parent than {prefix}:q:second") as caught:
        flow.add(FlowJob("second", {}, job_id="second", children=children))
    assert "job 'child' (shared) of queue 'q' is not part of the flow; 2 of its 3 jobs were added" in str(caught.value)
    assert queue.get_job("second").state == "waiting-children"


def test_a_flow_under_a_parent_that_exists(opener: Opener, client: redis.Redis, prefix: str) -> None:
    queue, flow = opener(Queue), opener(Flow)
    top = flow.add(FlowJob("top", {}, children=[FlowJob("child", {})]))
    below = flow.add(FlowJob("below", {}, parent=top.job.as_parent(), children=[FlowJob("leaf", {})]))
    assert f"{prefix}:q:{below.job.id}" in client.smembers(f"{prefix}:q:{top.job.id}:dependencies")
    with pytest.raises(ParentError, match="nothing was added"):
        flow.add(FlowJob("lost", {}, parent={"id": "nobody", "queue": f"{prefix}:q"}, children=[FlowJob("leaf", {})]))
    assert queue.get_job_counts(["waiting", "waiting-children"]) == {"waiting": 2, "waiting-children": 2}


def test_a_flow_whose_reply_was_lost_is_told_and_not_repeated(opener: Opener, proxy: Proxy) -> None:
    flow = opener(Flow, redis_url=proxy.url)
    proxy.lose_the_reply_to(b"EXEC")
    with pytest.raises(AnswerLost, match=r"adding a flow of 2 jobs to queue 'q'.*all or none"):
        flow.add(FlowJob("parent", {}, children=[FlowJob("child", {})]))
    assert opener(Queue).get_job_counts(["waiting", "waiting-children"]) == {"waiting": 1, "waiting-children": 1}


def test_a_script_cache_that_vanishes_cannot_tear_a_flow_apart(opener: Opener, start_redis: object) -> None:
    import redis

    url = start_redis()  # type: ignore[operator]
    queue, flow = opener(Queue, redis_url=url), opener(Flow, redis_url=url)
    with redis.Redis.from_url(url) as server:
        server.script_flush()
        # Some are known again, as another program may bring it about: a parent that is added alone would be let go.
        queue.add("any", {}, priority="high")
        tree = flow.add(FlowJob("parent", {}, children=[FlowJob("a", {}), FlowJob("b", {}, delay_ms=60_000)]))
    assert queue.get_job_state(tree.job.id) == "waiting-children"
    assert [queue.get_job_state(child.job.id) for child in tree.children] == ["waiting", "delayed"]
