from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge import Worker
from bullmq_bridge.cli import worker
from bullmq_bridge.cli.option import OPTIONS
from bullmq_bridge.cli.worker import run_declared
from bullmq_bridge.worker.settings import Settings

if TYPE_CHECKING:
    from bullmq_bridge.worker.program import RunOptions

Runs = list[tuple[list[Worker], "RunOptions"]]

#: For each setting: what the code says, what the variable says, and what the flag says (None: a switch).
SETTINGS: dict[str, tuple[Any, tuple[str, Any], tuple[str | None, Any]]] = {
    "concurrency": (11, ("12", 12), ("13", 13)),
    "pool": ("process", ("thread", "thread"), ("process", "process")),
    "burst": (False, ("true", True), (None, True)),
    "announce": ("warn", ("refuse", "refuse"), ("warn", "warn")),
    "allow_version_mismatch": (False, ("true", True), (None, True)),
    "max_jobs_per_child": (11, ("12", 12), ("13", 13)),
    "max_memory_mb": (11.0, ("12.5", 12.5), ("13", 13.0)),
    "time_limit_s": (11.0, ("12.5", 12.5), ("13", 13.0)),
    "soft_time_limit_s": (11.0, ("12.5", 12.5), ("13", 13.0)),
    "start_timeout_s": (11.0, ("12.5", 12.5), ("13", 13.0)),
    "shutdown_timeout_s": (11.0, ("0", 0.0), ("13", 13.0)),
    "redis_url": ("redis://code", ("redis://variable", "redis://variable"), ("redis://flag", "redis://flag")),
}
#: For each other option that is a matter of the whole program: where it shows, what the variable and the flag say.
OTHERS: dict[str, tuple[str, Any, tuple[str, Any], tuple[str, Any]]] = {
    "--bundle": ("bundle", None, ("variable.json", "variable.json"), ("flag.json", "flag.json")),
    "--log-format": ("log_format", "human", ("json", "json"), ("human", "human")),
}


def _declare(queue: str = "mail", **settings: Any) -> Worker:
    worker = Worker(queue, **settings)

    @worker.job("send")
    def send(job: Any) -> None: ...

    return worker


def _ran(runs: Runs) -> Settings:
    (workers, options) = runs.pop()
    (worker,) = workers
    return worker.settings(options.settings[worker.queue])


def test_the_tables_of_this_test_name_every_option() -> None:
    assert {option.setting for option in OPTIONS if option.setting} == set(SETTINGS)
    others = {option.flag for option in OPTIONS if not option.setting}
    assert others == {*OTHERS, "--queues", "--dry-run", "--watch"}


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.setting], ids=lambda option: option.flag)
def test_a_flag_goes_before_its_variable_that_before_the_code_and_that_before_the_default(
    option: Any, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = option.setting
    code, (variable, of_variable), (flag, of_flag) = SETTINGS[name]
    arguments = [option.flag] if flag is None else [option.flag, flag]

    assert run_declared([_declare()], []) == 0
    default = getattr(_declare().settings({}), name)
    assert getattr(_ran(runs), name) == default

    run_declared([_declare(**{name: code})], [])
    assert getattr(_ran(runs), name) == code

    monkeypatch.setenv(option.variable, variable)
    run_declared([_declare(**{name: code})], [])
    assert getattr(_ran(runs), name) == of_variable

    monkeypatch.setenv(option.variable, "false" if flag is None else variable)
    run_declared([_declare(**{name: code})], arguments)
    assert getattr(_ran(runs), name) == of_flag


@pytest.mark.parametrize("flag", OTHERS)
def test_an_option_of_the_program_is_taken_from_flag_variable_or_default(
    flag: str, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    (option,) = (option for option in OPTIONS if option.flag == flag)
    field, default, (variable, of_variable), (given, of_flag) = OTHERS[flag]
    run_declared([_declare()], [])
    assert getattr(runs.pop()[1], field) == default
    monkeypatch.setenv(option.variable, variable)
    run_declared([_declare()], [])
    assert getattr(runs.pop()[1], field) == of_variable
    run_declared([_declare()], [flag, given])
    assert getattr(runs.pop()[1], field) == of_flag


def test_an_empty_variable_counts_as_none(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    for option in OPTIONS:
        monkeypatch.setenv(option.variable, "")
    run_declared([_declare(concurrency=7)], [])
    assert _ran(runs).concurrency == 7


def test_without_options_nothing_hides_what_the_code_or_the_library_says(runs: Runs) -> None:
    run_declared([_declare()], [])
    ((_, options),) = runs
    assert options.settings == {"mail": {}}


@pytest.mark.parametrize("source", ["flag", "variable"])
def test_queues_choose_workers_and_give_them_slots(source: str, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = [_declare("mail"), _declare("reports", concurrency=3), _declare("rest")]
    arguments = ["--concurrency", "5"]
    if source == "flag":
        arguments += ["--queues", "reports,mail:10"]
    else:
        monkeypatch.setenv("BULLMQ_BRIDGE_QUEUES", "reports,mail:10")
    run_declared(workers, arguments)
    chosen, options = runs.pop()
    assert [worker.queue for worker in chosen] == ["reports", "mail"]
    assert [worker.settings(options.settings[worker.queue]).concurrency for worker in chosen] == [5, 10]


@pytest.mark.parametrize("switch", ["--dry-run", "--watch", "--burst"])
def test_a_switch_can_be_thrown_by_its_variable(switch: str, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_watch", lambda: 0)
    (option,) = (option for option in OPTIONS if option.flag == switch)
    for text, thrown in (("1", True), ("Yes", True), ("on", True), ("0", False), ("off", False)):
        monkeypatch.setenv(option.variable, text)
        assert run_declared([_declare()], []) == 0
        ran = runs.pop() if runs else None
        if switch == "--burst":
            assert ran is not None
            assert bool(ran[1].settings["mail"]["burst"]) is thrown
        else:
            assert (ran is None) is thrown


def test_help_names_the_variable_of_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run_declared([_declare()], ["--help"])
    assert end.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for option in OPTIONS:
        head = option.flag if option.metavar is None else f"{option.flag} {option.metavar}"
        assert f"{head} {option.help} [env {option.variable}]" in text


def test_no_two_options_share_a_flag_or_a_variable() -> None:
    assert len({option.flag for option in OPTIONS}) == len({option.variable for option in OPTIONS}) == len(OPTIONS)


def test_options_are_settings_of_the_worker() -> None:
    fields = set(Settings.__dataclass_fields__)
    assert {option.setting for option in OPTIONS if option.setting} <= fields
