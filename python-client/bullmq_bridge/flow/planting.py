"""Adding flows, whatever it is done over."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bullmq_bridge.client.backend_check import BackendCheck
from bullmq_bridge.client.errors import AnswerLost
from bullmq_bridge.contract.contract import QueueContract
from bullmq_bridge.flow.flow_job import FlowJob, FlowTree
from bullmq_bridge.protocol.bundle import load_bundle
from bullmq_bridge.protocol.exchange import text, transaction
from bullmq_bridge.protocol.job_options import FAILURE_POLICIES
from bullmq_bridge.protocol.keys import QueueKeys
from bullmq_bridge.protocol.new_job import NewJob, ParentReference
from bullmq_bridge.protocol.producer_calls import ProducerCalls
from bullmq_bridge.queue.admission import Admission, new_job
from bullmq_bridge.queue.job_view import added_job
from bullmq_bridge.queue.publishing import refuse_code
from bullmq_bridge.queue.refusal import JobRefused, Violation
from bullmq_bridge.worker.clock import now_ms

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from bullmq_bridge.protocol.exchange import Reply, ScriptCall, Steps


@dataclass(slots=True)
class _Node:
    """A node that passed, with what it becomes."""

    keys: QueueKeys
    job: NewJob
    children: list[_Node] = field(default_factory=list)

    def reference(self) -> ParentReference:
        return ParentReference(self.job.id or "", f"{self.keys.prefix}:{self.keys.queue}")


class Planting:
    """What adds flows.

    Args:
        queue: the queue of every node that names none.
        contract: folder that ``bullmq-bridge emit`` wrote; its queues are read when a node names them.
        prefix: BullMQ's ``prefix``.
        bundle: file of BullMQ's scripts.
        allow_version_mismatch: see ``Flow``.

    Raises:
        BundleError: there are no scripts to call.
        ContractError: the contract cannot be read, or has no such queue.
        ValueError: the queue has no proper name.
    """

    def __init__(
        self,
        queue: str,
        contract: str | os.PathLike[str] | None,
        prefix: str,
        bundle: str | os.PathLike[str] | None,
        allow_version_mismatch: bool | None,
    ) -> None:
        self._queue = queue
        self._contract = contract
        self._prefix = prefix
        scripts = load_bundle(bundle)
        self._calls = ProducerCalls(scripts)
        # Of the flow's own queue: the others are the same backend's.
        self.check = BackendCheck(QueueKeys(queue, prefix), scripts.bullmq, allow_version_mismatch)
        self._queues: dict[str, tuple[QueueKeys, Admission]] = {}
        self._known(queue)

    def add(self, flow: FlowJob) -> Steps[FlowTree]:
        """See ``Flow.add``."""
        (tree,) = yield from self._plant([(flow, "")])
        return tree

    def add_many(self, flows: Sequence[FlowJob]) -> Steps[list[FlowTree]]:
        """See ``Flow.add_many``."""
        trees = yield from self._plant([(flow, f"[{index}]") for index, flow in enumerate(flows)])
        return trees

    def _plant(self, flows: Sequence[tuple[FlowJob, str]]) -> Steps[list[FlowTree]]:
        violations: list[Violation] = []
        roots = [self._admit(flow, self._queue, None, item, violations) for flow, item in flows]
        if violations:
            raise JobRefused(violations)
        nodes = _by_level([root for root in roots if root is not None])
        if not nodes:
            return []
        adding = [self._call(node) for node in nodes]
        try:
            replies = yield from transaction([*adding, *self._releases(nodes)])
        except AnswerLost as lost:
            owner = f"a flow of {len(nodes)} jobs to queue {self._queue!r}"
            raise AnswerLost(f"adding {owner}: {lost}, all or none") from lost
        ids = self._accepted(nodes, replies)
        return [_tree(root, ids) for root in roots if root is not None]

    def _admit(
        self, flow: FlowJob, queue: str, parent: ParentReference | None, item: str, violations: list[Violation]
    ) -> _Node | None:
        name = flow.queue or queue
        keys, admission = self._known(name)
        place = f"job {flow.name!r} of queue {name!r}" + (f" at {item}" if item else "")
        if parent is not None and flow.options.get("parent") is not None:
            raise ValueError(f"{place}: the parent of a child is the node that it stands under")
        if flow.options.get("deduplication") is not None and (flow.children or parent is not None):
            # As in BullMQ: the job that is there already has its own children and its own parent.
            raise ValueError(f"{place}: deduplication cannot be used on a job with parent or children")
        admitted = admission.examine(flow.name, flow.data, flow.options, violations, item)
        node = None
        if admitted is not None:
            if parent is not None and not any(policy in admitted.options for policy in FAILURE_POLICIES):
                # BullMQ's own default leaves the parent waiting for ever.
                admitted.options["ignoreDependencyOnFailure"] = True
            node = _Node(keys, new_job(admitted, str(uuid.uuid4()), parent))
        reference = node.reference() if node else ParentReference("", "")
        for index, child in enumerate(flow.children):
            grown = self._admit(child, name, reference, f"{item}{'.' if item else ''}children[{index}]", violations)
            if node is not None and grown is not None:
                node.children.append(grown)
        return node

    def _known(self, queue: str) -> tuple[QueueKeys, Admission]:
        if queue not in self._queues:
            keys = QueueKeys(queue, self._prefix)
            jobs = QueueContract.open(queue) if self._contract is None else QueueContract.load(self._contract, queue)
            self._queues[queue] = (keys, Admission(jobs))
        return self._queues[queue]

    def _call(self, node: _Node) -> ScriptCall:
        return (self._calls.add_parent if node.children else self._calls.add_child)(node.keys, node.job)

    def _releases(self, nodes: Sequence[_Node]) -> list[ScriptCall]:
        parents = {node.job.parent.key: node.job.parent for node in nodes if node.job.parent}
        return self._calls.release_parents(parents.values(), now_ms())

    def _accepted(self, nodes: Sequence[_Node], replies: Sequence[Reply]) -> dict[int, str]:
        """The id of each node, by the node's identity."""
        accepted = list(zip(nodes, replies[: len(nodes)], strict=True))
        refused = [(node, reply) for node, reply in accepted if isinstance(reply, int)]
        if refused:
            node, reply = refused[0]
            added = len(nodes) - len(refused)
            what = f"job {node.job.name!r} ({node.job.id}) of queue {node.keys.queue!r} is not part of the flow"
            rest = f"; {added} of its {len(nodes)} jobs were added" if added else "; nothing was added"
            refuse_code(reply, what + rest, node.job)
        return {id(node): text(reply) for node, reply in accepted}


def _by_level(roots: list[_Node]) -> list[_Node]:
    """Parents before their children, level by level: the order in which BullMQ's FlowProducer adds them."""
    nodes: list[_Node] = []
    level = roots
    while level:
        nodes += level
        level = [child for node in level for child in node.children]
    return nodes


def _tree(node: _Node, ids: dict[int, str]) -> FlowTree:
    children = tuple(_tree(child, ids) for child in node.children)
    return FlowTree(added_job(node.keys, ids[id(node)], node.job), children)
