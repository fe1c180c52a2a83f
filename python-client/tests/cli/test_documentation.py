from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from bullmq_bridge.cli.option import OPTIONS
from bullmq_bridge.worker.exit_code import ExitCode
from bullmq_bridge.worker.settings import Settings

TEXT = (Path(__file__).parents[3] / "docs" / "worker.md").read_text(encoding="utf-8")


def _table(head: str) -> list[list[str]]:
    """The rows of the table whose first line starts so; without backticks."""
    _, _, rest = TEXT.partition(f"\n| {head} |")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip().replace("`", "") for cell in row.strip("|").split("|")] for row in rows]


def test_the_table_of_exit_codes_is_that_of_the_library() -> None:
    rows = [(int(code), name) for code, name, _ in _table("code")]
    assert rows == [(code.value, code.name) for code in ExitCode]


def test_the_tables_of_settings_name_every_setting_with_its_flag_and_variable() -> None:
    rows = {row[0]: tuple(row[1:3]) for row in _table("argument of `Worker`")}
    flags = {option.setting: (option.flag, option.variable) for option in OPTIONS if option.setting}
    fields = {field.name for field in dataclasses.fields(Settings)} - {"queue"}
    assert rows == {name: flags.get(name, ("", "")) for name in fields}
    others = {row[0]: row[1] for row in _table("flag")}
    assert others == {option.flag: option.variable for option in OPTIONS if not option.setting}


def test_the_defaults_are_those_of_the_library() -> None:
    documented = {row[0]: row[3] for row in _table("argument of `Worker`")}
    for field in dataclasses.fields(Settings):
        if field.name not in ("queue", "concurrency"):
            assert documented[field.name] == str(field.default), field.name


def test_every_signal_that_is_documented_is_handled() -> None:
    source = (Path(__file__).parents[2] / "bullmq_bridge" / "worker" / "program.py").read_text(encoding="utf-8")
    handled = set(re.findall(r"add_signal_handler\(signal\.(SIG\w+)", source))
    documented = {row[0].partition(",")[0] for row in _table("signal")}
    assert documented == handled
