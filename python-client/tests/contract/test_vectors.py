"""Replays the vectors that both languages share (see test/vectors/README.md in the repository)."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bullmq_bridge.contract.contract import ContractViolation, Gate, QueueContract

VECTORS = Path(__file__).parents[3] / "test" / "vectors"
FILES = sorted(file.name for file in VECTORS.glob("*.json"))

Vector = dict[str, Any]


def read(file: str) -> tuple[QueueContract, list[Vector]]:
    document = json.loads((VECTORS / file).read_text(encoding="utf-8"))
    return QueueContract.load(VECTORS / document["schemas"], document["queue"]), document["vectors"]


def replay(contract: QueueContract, vectors: list[Vector]) -> list[tuple[str, str, str]]:
    """Puts each vector through the gates of the Python side: (vector, gate, problem) of those that are not treated as
    they say.
    """
    problems = []
    for vector in vectors:
        job = contract.job(vector["job"])
        gates = {"data": ("dequeue", dequeue, job.data), "result": ("result", return_result, job.result)}
        for payload in [vector["payload"]] if "payload" in vector else gates:
            name, pass_through, gate = gates[payload]
            if problem := compare(vector, gate, pass_through):
                problems.append((f"{vector['job']}: {vector['name']}", name, problem))
    return problems


def dequeue(gate: Gate, text: str) -> Any:
    return gate.decode(text.encode())


def return_result(gate: Gate, text: str) -> Any:
    """What a processor can return is more than JSON: NaN, lone surrogates, large integers."""
    digits = sys.get_int_max_str_digits() if hasattr(sys, "get_int_max_str_digits") else None
    if digits is not None:
        sys.set_int_max_str_digits(0)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ContractViolation("a result that no processor can return", []) from None
    finally:
        if digits is not None:
            sys.set_int_max_str_digits(digits)
    return json.loads(gate.encode(value))


def compare(vector: Vector, gate: Gate, pass_through: Any) -> str | None:
    text = vector["text"] if isinstance(vector["text"], str) else "".join(piece * n for piece, n in vector["text"])
    try:
        value = pass_through(gate, text)
    except ContractViolation as violation:
        if vector["verdict"] == "accept":
            return f"should be accepted, is refused: {violation}"
        at = vector.get("at")
        refused_there = at is None or (at or "/") in violation.paths
        return None if refused_there else f"is refused at {violation.paths}, not at {at!r}"
    except Exception as error:
        return f"the gate broke: {error!r}"
    if vector["verdict"] == "refuse":
        return "should be refused, is accepted"
    if "reads" in vector and not same_json(value, vector["reads"]):
        return f"reads {value!r}, not {vector['reads']!r}"
    return None


def same_json(one: Any, other: Any) -> bool:
    """Equal as JSON: in Python alone True equals 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_json(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same_json, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def flipped(vector: Vector) -> Vector:
    rest = {key: value for key, value in vector.items() if key not in ("at", "reads")}
    return {**rest, "verdict": "refuse" if vector["verdict"] == "accept" else "accept"}


def reported(contract: QueueContract, vectors: list[Vector], vector: Vector, changed: Vector) -> set[str]:
    """Which vectors of a job disagree when one of them is changed."""
    of_the_job = [changed if each is vector else each for each in vectors if each["job"] == vector["job"]]
    return {name for name, _, _ in replay(contract, of_the_job)}


def test_there_are_vectors() -> None:
    assert FILES == ["file-processing.json", "json-text.json", "shapes.json"]


@pytest.mark.parametrize("file", FILES)
def test_the_gates_of_the_python_side_treat_each_vector_as_it_says(file: str) -> None:
    assert replay(*read(file)) == []


@pytest.mark.parametrize("file", FILES)
def test_a_vector_whose_verdict_is_flipped_is_reported_and_nothing_else(file: str) -> None:
    contract, vectors = read(file)
    for vector in vectors:
        assert reported(contract, vectors, vector, flipped(vector)) == {f"{vector['job']}: {vector['name']}"}


@pytest.mark.parametrize("file", FILES)
def test_a_vector_that_reads_as_another_value_is_reported_and_nothing_else(file: str) -> None:
    contract, vectors = read(file)
    for vector in vectors:
        if "reads" in vector:
            changed = {**vector, "reads": {"not": vector["reads"]}}
            assert reported(contract, vectors, vector, changed) == {f"{vector['job']}: {vector['name']}"}
