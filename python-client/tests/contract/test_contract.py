import json
from pathlib import Path

import pytest

from bullmq_bridge.contract.contract import ContractError, ContractViolation, Gate, QueueContract

SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string", "format": "uuid"}, "n": {"type": "integer"}},
    "required": ["id"],
}


def folder(path: Path, **changes: object) -> Path:
    for name in ("data", "result"):
        (path / f"{name}.json").write_text(json.dumps(SCHEMA))
    jobs = {"import": {"data": "data.json", "result": "result.json"}}
    document = {"version": 1, "queues": {"files": {"jobs": jobs}}, **changes}
    (path / "contract.json").write_text(json.dumps(document))
    return path


def test_a_gate_lets_through_what_its_schema_accepts() -> None:
    assert Gate("data", SCHEMA).decode(b'{"id":"not a uuid: formats are notes","more":1}')["more"] == 1


def test_one_and_one_point_zero_are_the_same_integer_but_true_is_none() -> None:
    gate = Gate("data", SCHEMA)
    assert gate.decode(b'{"id":"a","n":1.0}')["n"] == 1
    with pytest.raises(ContractViolation, match="/n"):
        gate.decode(b'{"id":"a","n":true}')


def test_a_violation_names_every_path_and_keeps_the_values_out() -> None:
    with pytest.raises(ContractViolation) as caught:
        Gate("data of job 'import'", SCHEMA).decode(b'{"n":"secret"}')
    assert caught.value.paths == ("/id", "/n")
    assert "data of job 'import'" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_result_is_checked_before_it_is_sent() -> None:
    gate = Gate("result", SCHEMA)
    assert gate.encode({"id": "a"}) == b'{"id":"a"}'
    with pytest.raises(ContractViolation, match="/id"):
        gate.encode({})
    with pytest.raises(ContractViolation, match="only text keys"):
        gate.encode({"id": "a", "x": {1: 2}})


def test_a_gate_without_schema_takes_any_portable_json() -> None:
    gate = Gate("data")
    assert gate.decode(b"[1]") == [1]
    with pytest.raises(ContractViolation):
        gate.decode(b"NaN")


def test_a_contract_is_read_from_the_emitted_folder(tmp_path: Path) -> None:
    contract = QueueContract.load(folder(tmp_path), "files")
    assert contract.names() == ["import"]
    assert contract.job("import").data.decode(b'{"id":"a"}') == {"id": "a"}


def test_a_job_that_the_contract_lacks_is_an_error_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"'export'.*import"):
        QueueContract.load(folder(tmp_path), "files").job("export")


def test_a_queue_that_the_contract_lacks_is_an_error_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"'mail'.*files"):
        QueueContract.load(folder(tmp_path), "mail")


def test_a_contract_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="version 2"):
        QueueContract.load(folder(tmp_path, version=2), "files")


def test_a_missing_folder_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="bullmq-bridge emit"):
        QueueContract.load(tmp_path / "none", "files")


@pytest.mark.parametrize(
    "queues",
    [["files"], {"files": {}}, {"files": {"jobs": {"import": {}}}}, {"files": {"jobs": {"import": {"data": 1}}}}],
)
def test_a_damaged_contract_is_an_error_with_the_remedy(tmp_path: Path, queues: object) -> None:
    with pytest.raises(ContractError, match=r"contract\.json is damaged.*'files'.*bullmq-bridge emit"):
        QueueContract.load(folder(tmp_path, queues=queues), "files")


def test_what_cannot_be_read_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "contract.json").mkdir()
    for path in (tmp_path / "a-file", tmp_path):
        with pytest.raises(ContractError, match=r"contract\.json cannot be read .*bullmq-bridge emit"):
            QueueContract.load(path, "files")


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"type": "string", "pattern": "("}, {"$ref": "#/$defs/none"}, {"$ref": "x:y"}]
)
def test_a_schema_that_is_none_is_an_error_that_names_its_file(tmp_path: Path, schema: object) -> None:
    folder(tmp_path)
    (tmp_path / "result.json").write_text(json.dumps(schema))
    with pytest.raises(ContractError, match=r"result\.json holds no JSON Schema .*bullmq-bridge emit"):
        QueueContract.load(tmp_path, "files")
