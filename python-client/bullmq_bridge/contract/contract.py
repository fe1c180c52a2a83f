"""The contract document that ``bullmq-bridge emit`` wrote, and the gates it makes."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from bullmq_bridge.contract import portable_json
from bullmq_bridge.contract.fault import Fault, Faults, steps
from bullmq_bridge.contract.limits import MAX_DATA_BYTES, MAX_RESULT_BYTES
from bullmq_bridge.contract.past_version import PastVersion, UpcastFailed
from bullmq_bridge.contract.pattern import for_rust
from bullmq_bridge.contract.portable_json import NotPortable
from bullmq_bridge.protocol.job import parse_options

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence

logger = logging.getLogger("bullmq_bridge.contract")

CONTRACT_FILE = "contract.json"
HISTORY_FOLDER = "history"
#: The option of a job that says which version of the contract it was written with.
FINGERPRINT_OPTION = "contractFingerprint"
FINGERPRINT_KEY = f'"{FINGERPRINT_OPTION}"'.encode()
SUPPORTED_VERSION = 1
MAX_REPORTED_FAULTS = 20
#: How much of the name of a version that nobody knows is told: it comes from whoever added the job.
MAX_REPORTED_VERSION = 40
_RESTORE = "Restore it from version control, or delete it when nothing in Redis was written with it"
#: Patterns that look ahead are searched by trial and error, which is given up, and the text refused, after so many
#: steps: some seconds. The engine's own limit, a million, is reached by texts of 1,500 characters.
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000_000)


class ContractError(RuntimeError):
    """The contract document cannot be used: missing, damaged, of another version, or without the queue."""


class ContractViolation(ValueError):
    """Data or result of a job that its schema refuses.

    Attributes:
        faults: everything that is wrong.
        paths: JSON pointers of what is wrong.
    """

    def __init__(self, what: str, faults: Sequence[Fault]) -> None:
        shown = "; ".join(map(str, faults[:MAX_REPORTED_FAULTS]))
        more = len(faults) - MAX_REPORTED_FAULTS
        super().__init__(f"{what} breaks the contract: {shown}" + (f"; and {more} more" if more > 0 else ""))
        self.faults = tuple(faults)
        self.paths = tuple(fault.path or "/" for fault in faults[:MAX_REPORTED_FAULTS])


class Gate:
    """Lets through JSON that one schema accepts. Without a schema: any JSON that both languages read the same."""

    def __init__(self, what: str, schema: Mapping[str, Any] | None = None, max_bytes: int = MAX_DATA_BYTES) -> None:
        self._what = what
        self._max_bytes = max_bytes
        self._validator = None if schema is None else _validator(schema)
        self._faults = Faults(schema or {})

    def decode(self, text: bytes) -> Any:
        """The value that the JSON text stands for.

        Raises:
            ContractViolation: the text is too long or not portable JSON, or the schema refuses the value.
        """
        if len(text) > self._max_bytes:
            raise self._too_long(text)
        try:
            value = portable_json.loads(text)
        except NotPortable as error:
            raise self._not_portable(error) from None
        if self._validator is None or self._validator.is_valid(value):
            return value
        raise self._violation(self._validator, value)

    def encode(self, value: Any) -> bytes:
        """The JSON text of the value.

        Raises:
            ContractViolation: the value is not JSON as it stands, the schema refuses it, or its text is too long.
        """
        try:
            text = portable_json.dumps(value)
        except NotPortable as error:
            raise self._not_portable(error) from None
        if len(text) > self._max_bytes:
            raise self._too_long(text)
        if self._validator is None or self._validator.is_valid(value):
            return text
        raise self._violation(self._validator, value)

    def secrets(self, value: Any) -> frozenset[str]:
        """What the value has in fields that the schema marks as secret; for ``fault.black_out``."""
        return self._faults.secrets(value)

    def check(self, value: Any) -> None:
        """Refuses a value that the schema refuses.

        Raises:
            ContractViolation: with everything that is wrong.
        """
        if self._validator is not None and not self._validator.is_valid(value):
            raise self._violation(self._validator, value)

    def _violation(self, validator: jsonschema_rs.Draft202012Validator, value: Any) -> ContractViolation:
        errors = validator.iter_errors(value)
        return ContractViolation(
            self._what, [self._faults.fault(_path(error), error.message, _rule(error), value) for error in errors]
        )

    def _not_portable(self, error: NotPortable) -> ContractViolation:
        return ContractViolation(
            self._what, [self._faults.fault(steps(error.path), error.reason, "portable", error.payload)]
        )

    def _too_long(self, text: bytes) -> ContractViolation:
        reason = f"{len(text)} bytes are more than the {self._max_bytes} that are allowed"
        return ContractViolation(self._what, [Fault("", reason, "size")])


class JobContract:
    """The two gates of one kind of job on the Python side.

    Attributes:
        options: the contract's job options, as BullMQ names them; for whoever publishes.
        fingerprint: identifies the two schemas; travels with every job. None without schemas.
    """

    def __init__(
        self,
        name: str,
        data: Gate,
        result: Gate,
        options: Mapping[str, Any] | None = None,
        fingerprint: str | None = None,
        past: Mapping[str, PastVersion] | None = None,
        verdicts: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.name = name
        self.data = data
        self.result = result
        self.options = options or {}
        self.fingerprint = fingerprint
        # The options of its jobs have this in them; without a fingerprint, all jobs are its own.
        self._mark = (fingerprint or "").encode()
        self._past = past or {}
        self._verdicts = verdicts or {}
        self._seen: set[str] = set()

    def read(self, text: bytes, options: bytes) -> Any:
        """The data of a job that was written with this version, an earlier one, or by somebody who knows of none.

        Data of an earlier version is checked against that, upcast if there is an upcaster, and checked against this one
        like all others: what comes out has the current form.

        Args:
            text: the data, as JSON.
            options: the job's options, as JSON. They are only parsed where they name another version.

        Raises:
            ContractViolation: the data breaks one of the versions.
            UpcastFailed: an upcaster has raised.
        """
        if self._mark in options or FINGERPRINT_KEY not in options:
            return self.data.decode(text)
        written = str(parse_options(options).get(FINGERPRINT_OPTION))
        past = self._past.get(written)
        return self._read_unknown(text, written) if past is None else self._read_past(text, past)

    @property
    def verdicts(self) -> dict[str, Mapping[str, Any]]:
        """What ``bullmq-bridge check`` says of earlier versions, by fingerprint: of data, of results, and as a report.

        Data of a version with an upcaster is read as well as that of the current one.
        """
        return {
            fingerprint: {**verdict, "data": "any order"} if self._has_upcaster(fingerprint) else verdict
            for fingerprint, verdict in self._verdicts.items()
        }

    def _has_upcaster(self, fingerprint: str) -> bool:
        past = self._past.get(fingerprint)
        return past is not None and past.upcaster is not None

    def upcast(self, version: str, upcaster: Callable[[Any], Any]) -> None:
        """Declares what turns the data of an earlier version into the current form.

        Raises:
            ContractError: the history has no such version, or more than one.
        """
        called = [past for past in self._past.values() if past.is_called(version)]
        if len(called) != 1:
            known = ", ".join(sorted(past.fingerprint for past in self._past.values())) or "none"
            raise ContractError(
                f"the history of job {self.name!r} has {len(called) or 'no'} versions {version!r} to upcast "
                f"(it has: {known}; the current one is {self.fingerprint or 'unknown'})"
            )
        called[0].upcaster = upcaster

    def _read_past(self, text: bytes, past: PastVersion) -> Any:
        if past.fingerprint not in self._seen:
            self._seen.add(past.fingerprint)
            how = "as it is" if past.upcaster is None else "through its upcaster"
            logger.info("job %r: data of version %s is read %s", self.name, past.fingerprint, how)
        value = past.gate.decode(text)
        if past.upcaster is not None:
            # The mark may be newer than the version. And the upcaster may change the value in place.
            secrets = past.gate.secrets(value) | self.data.secrets(value)
            try:
                value = past.upcaster(value)
            except Exception as error:
                raise UpcastFailed(error, secrets) from error
        self._check_current(value, f"is good by version {past.fingerprint}, with which it was written, but")
        return value

    def _read_unknown(self, text: bytes, fingerprint: str) -> Any:
        # A newer version, or one whose file was deleted: this one is all there is to check it against.
        value = Gate(f"data of job {self.name!r}").decode(text)
        written = fingerprint[:MAX_REPORTED_VERSION]
        self._check_current(value, f"was written with version {written}, which the history lacks, and")
        return value

    def _check_current(self, value: Any, what_it_is: str) -> None:
        try:
            self.data.check(value)
        except ContractViolation as violation:
            raise ContractViolation(f"data of job {self.name!r} {what_it_is}", list(violation.faults)) from None


class QueueContract:
    """The jobs of one queue. ``QueueContract.open`` accepts any portable JSON under any name."""

    def __init__(self, queue: str, jobs: Mapping[str, JobContract] | None) -> None:
        self.queue = queue
        self._jobs = jobs

    @classmethod
    def load(cls, folder: str | os.PathLike[str], queue: str) -> QueueContract:
        """Reads ``contract.json`` and the queue's schemas from a folder that ``bullmq-bridge emit`` wrote.

        Raises:
            ContractError: no such file, not readable, of another version, or without this queue.
        """
        root = Path(folder)
        document = _read(root / CONTRACT_FILE)
        if document.get("version") != SUPPORTED_VERSION:
            raise ContractError(
                f"{root / CONTRACT_FILE} has version {document.get('version')}, "
                f"this library reads {SUPPORTED_VERSION}: upgrade the older side and emit again"
            )
        queues = document.get("queues", {})
        if isinstance(queues, dict) and queue not in queues:
            known = ", ".join(sorted(queues)) or "none"
            raise ContractError(f"{root / CONTRACT_FILE} has no queue {queue!r} (it has: {known})")
        try:
            entries = [(name, entry, entry["data"], entry["result"]) for name, entry in queues[queue]["jobs"].items()]
            files = [(name, entry, root / data, root / result) for name, entry, data, result in entries]
        except (AttributeError, KeyError, TypeError) as error:
            raise ContractError(
                f"{root / CONTRACT_FILE} is damaged where it speaks of queue {queue!r} ({error!r}): "
                "run `npx bullmq-bridge emit`"
            ) from error
        past = _read_history(root / HISTORY_FOLDER, queue)
        jobs = {}
        for name, entry, data_file, result_file in files:
            data = _gate(data_file, f"data of job {name!r}", _read(data_file))
            result = _gate(result_file, f"result of job {name!r}", _read(result_file), MAX_RESULT_BYTES)
            versions = past.get(name)
            jobs[name] = JobContract(
                name, data, result, entry.get("options"), entry.get("fingerprint"), versions, entry.get("past")
            )
        return cls(queue, jobs)

    @classmethod
    def open(cls, queue: str) -> QueueContract:
        """A contract without schemas: for jobs that a plain BullMQ producer defines."""
        return cls(queue, None)

    def job(self, name: str) -> JobContract:
        """The gates of a job.

        Raises:
            ContractError: the contract has no job of that name.
        """
        if self._jobs is None:
            return JobContract(name, Gate(f"data of job {name!r}"), Gate(f"result of job {name!r}"))
        try:
            return self._jobs[name]
        except KeyError:
            known = ", ".join(sorted(self._jobs))
            raise ContractError(f"the contract of queue {self.queue!r} has no job {name!r} (it has: {known})") from None

    def names(self) -> list[str]:
        """The names of its jobs, sorted; empty for a contract without schemas."""
        return sorted(self._jobs or ())


def _read_history(folder: Path, queue: str) -> dict[str, dict[str, PastVersion]]:
    """The earlier versions of a queue's jobs: name -> fingerprint -> version."""
    past: dict[str, dict[str, PastVersion]] = {}
    for file in sorted(folder.glob("*.json")):
        version = _read(file)
        try:
            if version["queue"] != queue:
                continue
            number, job, fingerprint, schema = (version[key] for key in ("version", "job", "fingerprint", "data"))
        except KeyError as error:
            raise ContractError(f"{file} is no version of a job: it lacks {error}. {_RESTORE}") from None
        if number != SUPPORTED_VERSION or not isinstance(schema, dict):
            raise ContractError(f"{file} is no version of a job that this library reads. {_RESTORE}")
        if not isinstance(job, str) or not isinstance(fingerprint, str):
            raise ContractError(f"{file} is no version of a job: its job or fingerprint is no text. {_RESTORE}")
        what = f"data of job {job!r}, by version {fingerprint} that it was written with,"
        past.setdefault(job, {})[fingerprint] = PastVersion(fingerprint, _gate(file, what, schema, remedy=_RESTORE))
    return past


def _gate(
    file: Path,
    what: str,
    schema: Mapping[str, Any],
    max_bytes: int = MAX_DATA_BYTES,
    remedy: str = "Run `npx bullmq-bridge emit`",
) -> Gate:
    try:
        return Gate(what, schema, max_bytes)
    except (ValueError, jsonschema_rs.ReferencingError) as error:
        raise ContractError(f"{file} holds no JSON Schema ({str(error).splitlines()[0]}). {remedy}") from error


def _read(file: Path) -> dict[str, Any]:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ContractError(f"{file} is missing: run `npx bullmq-bridge emit`") from None
    except OSError as error:
        raise ContractError(
            f"{file} cannot be read ({error.strerror}): give the folder that `npx bullmq-bridge emit` wrote"
        ) from error
    except ValueError as error:
        raise ContractError(f"{file} is not JSON ({error}): run `npx bullmq-bridge emit`") from error
    if not isinstance(document, dict):
        raise ContractError(f"{file} is not a JSON object: run `npx bullmq-bridge emit`")
    return document


def _validator(schema: Mapping[str, Any]) -> jsonschema_rs.Draft202012Validator:
    # Formats are annotations: what must hold is a pattern, which both languages read the same.
    # The mask keeps the values themselves, which may be secret, out of messages.
    return jsonschema_rs.Draft202012Validator(
        for_rust(schema), validate_formats=False, mask="the value", pattern_options=_PATTERNS
    )


def _path(error: jsonschema_rs.ValidationError) -> list[str | int]:
    parts = list(error.instance_path)
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required):
        parts.append(error.kind.property)
    return parts


def _rule(error: jsonschema_rs.ValidationError) -> str:
    """The keyword that is broken."""
    return next((step for step in reversed(error.schema_path) if isinstance(step, str)), "")
