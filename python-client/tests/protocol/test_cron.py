"""What cron patterns mean, by example. That it is what BullMQ takes them for is tested in test/cron."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from bullmq_bridge.protocol import time_zone
from bullmq_bridge.protocol.cron import UnsupportedPattern, next_run_ms

if TYPE_CHECKING:
    from collections.abc import Iterator


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp() * 1000)


def run(pattern: str, after: str, tz: str | None = "UTC", **options: Any) -> str | None:
    run_ms = next_run_ms(pattern, ms(after), tz, **options)
    if run_ms is None:
        return None
    return (datetime(1970, 1, 1) + timedelta(milliseconds=run_ms)).isoformat(sep=" ")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("* * * * * *", "2024-05-15 10:20:31"),
        ("* * * * *", "2024-05-15 10:21:00"),
        ("15,45 30 8-18/2 * * *", "2024-05-15 10:30:15"),
        ("20/20 * * * * *", "2024-05-15 10:20:40"),
        ("0 0 * jan,JUL *", "2024-07-01 00:00:00"),
        ("0 0 * * mon-tue", "2024-05-20 00:00:00"),
        ("0 0 * * 7", "2024-05-19 00:00:00"),
        ("0 0 ? * ?", "2024-05-16 00:00:00"),
        ("0 0 20 * fri", "2024-05-17 00:00:00"),  # one of the two days is enough
        ("0 0 L * *", "2024-05-31 00:00:00"),
        ("0 0 L 2 *", "2025-02-28 00:00:00"),
        ("0 0 * * 5L", "2024-05-31 00:00:00"),
        ("0 0 * * 5#3", "2024-05-17 00:00:00"),
        ("0 0 29 2 *", "2028-02-29 00:00:00"),
        ("0 0 31 * *", "2024-05-31 00:00:00"),
        ("6 *", "2024-06-01 00:00:00"),  # fields are left out from the left
        ("6", "2024-05-18 00:00:00"),
        ("@yearly", "2025-01-01 00:00:00"),
        ("@weekdays", "2024-05-16 00:00:00"),
        ("@hourly", "2024-05-15 11:00:00"),
    ],
)
def test_a_pattern_names_its_next_run(pattern: str, expected: str) -> None:
    assert run(pattern, "2024-05-15 10:20:30") == expected


def test_a_run_comes_after_the_instant_even_by_a_millisecond() -> None:
    assert run("0 9 * * *", "2024-05-15 09:00:00") == "2024-05-16 09:00:00"
    assert run("0 9 * * *", "2024-05-15 08:59:59.999") == "2024-05-15 09:00:00"


@pytest.mark.parametrize(
    ("tz", "pattern", "after", "expected"),
    [
        ("Europe/Berlin", "0 9 * * *", "2024-01-15 09:00", "2024-01-16 08:00:00"),
        ("europe/berlin", "0 9 * * *", "2024-07-15 09:00", "2024-07-16 07:00:00"),
        ("Asia/Kathmandu", "0 9 * * *", "2024-07-15 09:00", "2024-07-16 03:15:00"),
        ("UTC-3:30", "0 9 * * *", "2024-07-15 09:00", "2024-07-15 12:30:00"),
        # 02:30 is skipped: the run is made up for after the gap
        ("Europe/Berlin", "30 2 * * *", "2024-03-30 12:00", "2024-03-31 01:30:00"),
        # 02:30 is there twice: one run
        ("Europe/Berlin", "30 2 * * *", "2024-10-26 12:00", "2024-10-27 00:30:00"),
        # midnight is skipped: so is the run, as in Node
        ("America/Sao_Paulo", "0 0 * * *", "2018-11-03 12:00", "2018-11-05 02:00:00"),
    ],
)
def test_a_pattern_goes_by_the_clocks_of_its_zone(tz: str, pattern: str, after: str, expected: str) -> None:
    assert run(pattern, after, tz) == expected


def test_a_start_and_an_end_bound_the_runs() -> None:
    assert run("0 9 * * *", "2024-05-15", start_ms=ms("2024-06-01 09:00")) == "2024-06-02 09:00:00"
    assert run("0 9 * * *", "2024-05-15", end_ms=ms("2024-05-15 09:00")) == "2024-05-15 09:00:00"
    assert run("0 9 * * *", "2024-05-15", end_ms=ms("2024-05-15 08:59")) is None
    assert run("0 9 * * *", "2024-05-15", end_ms=ms("2024-05-14")) is None
    assert run("0 9 * * *", "2024-05-15", end_ms=-1) is None


def test_the_first_instant_of_all_may_be_in_the_year_before() -> None:
    assert run("0 0 1 1 *", "1970-01-01", "America/New_York") == "1970-01-01 05:00:00"


def test_a_pattern_that_never_matches_has_no_next_run() -> None:
    assert run("0 0 31 4,6 *", "2024-05-15") is None


def test_a_seed_chooses_the_values_of_a_hash() -> None:
    runs = {seed: run("H H * * *", "2024-05-15", hash_seed=seed) for seed in ("a", "b", "c")}
    assert len(set(runs.values())) == 3
    assert runs["a"] == run("H H * * *", "2024-05-15", hash_seed="a")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "empty"),
        ("1 2 3 4 5 6 7", "7 fields"),
        ("60 * * * *", "not within 0-59"),
        ("0 0 30 2 *", "month 2 has no day 30"),
        ("0 22-2 * * *", "no range"),
        ("*/0 * * * *", "no step"),
        ("1,1 * * * *", "twice"),
        ("0 0 15W * *", "'W'"),
        ("0 0 * * L", "L without a day"),
        ("0 0 * * 5#6", "from 1 to 5"),
        ("@reboot", "has 'reb'"),
        ("0" * 1025, "longer than 1024"),
        (None, "not text"),
    ],
)
def test_a_pattern_that_bullmq_refuses_is_refused_with_the_reason(pattern: Any, reason: str) -> None:
    with pytest.raises(UnsupportedPattern, match=reason) as raised:
        next_run_ms(pattern, 0, "UTC")
    assert raised.value.pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "H * * * *",  # cron-parser chooses at random, another minute every time
        "0 0 * * 5#2.0",  # read as #2
        "0 0 * * 5#2.5",  # read, and never matches
        "0 0 * * 1000000000000000000000",  # read as Monday: 1e+21
    ],
)
def test_what_nobody_can_have_meant_is_refused_although_bullmq_takes_it(pattern: str) -> None:
    with pytest.raises(UnsupportedPattern):
        next_run_ms(pattern, 0, "UTC")


def test_what_stands_beside_a_hash_must_mean_something() -> None:
    with pytest.raises(UnsupportedPattern):
        next_run_ms("H/15x * * * *", 0, "UTC", hash_seed="a")


@pytest.mark.parametrize("after_ms", [-1, 10**15])
def test_instants_that_are_out_of_reach_are_refused(after_ms: int) -> None:
    with pytest.raises(UnsupportedPattern, match="between the years"):
        next_run_ms("* * * * *", after_ms, "UTC")


@pytest.mark.parametrize("tz", ["", "Mars/Olympus", "GMT+5", "../UTC", "localtime", 60])
def test_an_unknown_zone_is_refused(tz: Any) -> None:
    with pytest.raises(UnsupportedPattern, match=r"zone|not text"):
        next_run_ms("* * * * *", 0, tz)


def test_without_a_database_of_zones_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_zone, "_known", dict)
    with pytest.raises(UnsupportedPattern, match="install the Python package tzdata"):
        next_run_ms("* * * * *", 0, "Antarctica/Vostok")


@pytest.mark.parametrize("local", [None, "local", "system"])
@pytest.mark.parametrize("variable", ["America/New_York", ":America/New_York"])
def test_without_a_zone_that_of_the_process_counts(
    monkeypatch: pytest.MonkeyPatch, local: str | None, variable: str
) -> None:
    monkeypatch.setenv("TZ", variable)
    assert run("0 9 * * *", "2024-07-15", local) == "2024-07-15 13:00:00"


def test_an_empty_tz_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "")
    assert run("0 9 * * *", "2024-07-15", None) == "2024-07-15 09:00:00"


@pytest.mark.parametrize("variable", ["CET-1CEST,M3.5.0,M10.5.0/3", "/usr/share/zoneinfo/Europe/Berlin", "PST", "utc"])
def test_a_tz_that_node_reads_differently_is_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("TZ", variable)
    with pytest.raises(UnsupportedPattern, match="environment variable TZ"):
        next_run_ms("* * * * *", 0)


@pytest.fixture
def _machine_in_kathmandu(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sets the zone of the C library; the environment names none."""
    with monkeypatch.context() as kathmandu:
        kathmandu.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
    monkeypatch.delenv("TZ", raising=False)
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system sets no zone for one process")
@pytest.mark.usefixtures("_machine_in_kathmandu")
def test_without_tz_the_zone_of_the_machine_counts() -> None:
    offset_ms = time.localtime(ms("2024-07-15") // 1000).tm_gmtoff * 1000
    assert next_run_ms("0 9 * * *", ms("2024-07-15")) == ms("2024-07-15 09:00") - offset_ms
