"""Data that a contract refuses before it reaches Redis."""

from __future__ import annotations

from dataclasses import dataclass

from bullmq_bridge.contract.contract import ContractViolation
from bullmq_bridge.contract.fault import Fault


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where data breaks its contract.

    Args:
        queue: the queue's name.
        job: the job's name.
        item: which item of ``add_many`` (``[3]``) or node of a flow (``children[1]``); empty where there is only one.
        path: JSON pointer of what is wrong; empty for the data itself.
        message: what is wrong there. Values are left out: they may be personal or secret.
        rule: the keyword of the schema that is broken; ``portable`` or ``size`` for what no schema says.
        value: what kind of value is there; ``secret`` where the contract says so.
    """

    queue: str
    job: str
    item: str
    path: str
    message: str
    rule: str = ""
    value: str = ""


class JobRefused(ContractViolation):
    """Data of one or more jobs breaks the contract. Nothing has reached Redis.

    Attributes:
        violations: everything that is wrong, in the order of the jobs.
    """

    def __init__(self, violations: list[Violation]) -> None:
        ValueError.__init__(self, _describe(violations))
        self.violations = tuple(violations)
        self.faults = tuple(_fault(violation) for violation in violations)
        self.paths = tuple(violation.path or "/" for violation in violations)


def _fault(violation: Violation) -> Fault:
    return Fault(violation.path, violation.message, violation.rule, violation.value)


def _describe(violations: list[Violation]) -> str:
    jobs: dict[str, list[str]] = {}
    for violation in violations:
        place = f" at {violation.item}" if violation.item else ""
        owner = f"Job {violation.job!r} of queue {violation.queue!r}{place}"
        value = f" ({violation.value})" if violation.value else ""
        reason = f"{violation.path}: {violation.message}{value}" if violation.path else violation.message + value
        jobs.setdefault(owner, []).append(reason)
    return "\n".join(f"{owner}: the data is refused: {'; '.join(reasons)}" for owner, reasons in jobs.items())
