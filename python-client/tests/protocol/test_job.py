from bullmq_bridge.protocol.job import JobRecord, parse_job
from bullmq_bridge.protocol.new_job import ParentReference
from bullmq_bridge.protocol.replies import NOTHING, NoJob, parse_fetched


def test_a_job_is_read_from_its_hash() -> None:
    fields = {
        b"name": b"mail",
        b"data": b'{"to":"\xc3\xbc"}',
        b"opts": b'{"attempts":3,"fpof":true}',
        b"atm": b"1",
        b"ats": b"2",
        b"stc": b"1",
        b"priority": b"10",
        b"timestamp": b"1700000000000",
        b"processedOn": b"1700000000005",
        b"parentKey": b"bull:mail:7",
        b"parent": b'{"id":"7","queueKey":"bull:mail"}',
        b"stacktrace": b'["one"]',
        b"defa": b"child bull:mail:8 failed",
        b"rjk": b"nightly",
    }
    job = parse_job(b"17", [part for pair in fields.items() for part in pair])
    assert job.id == "17"
    assert job.name == "mail"
    assert job.data == b'{"to":"\xc3\xbc"}'
    assert job.opts == {"attempts": 3, "fpof": True}
    assert (job.attempts_made, job.attempts_started, job.stalled_count, job.priority) == (1, 2, 1, 10)
    assert (job.timestamp, job.processed_on) == (1700000000000, 1700000000005)
    assert job.parent_key == "bull:mail:7"
    assert job.parent == ParentReference("7", "bull:mail")
    assert job.stacktrace == ("one",)
    assert job.deferred_failure == "child bull:mail:8 failed"
    assert job.scheduler_id == "nightly"


def test_the_attempts_of_an_older_bullmq_are_read_too() -> None:
    assert parse_job(b"1", [b"attemptsMade", b"4"]).attempts_made == 4


def test_a_hash_that_was_gone_has_no_name_and_no_data() -> None:
    job = parse_job(b"1", [b"ats", b"1", b"processedOn", b"5"])
    assert job.name is None
    assert job.data is None


def test_damaged_fields_do_not_stop_the_reader() -> None:
    fields = [
        b"name",
        b"\xff",
        b"opts",
        b"[",
        b"stacktrace",
        b"{}",
        b"atm",
        b"x",
        b"priority",
        b"inf",
        b"parent",
        b"[7]",
    ]
    job = parse_job(b"1", fields)
    assert job.name == "\ufffd"
    assert job.opts == {}
    assert job.stacktrace == ()
    assert job.parent is None
    assert (job.attempts_made, job.priority) == (0, 0)


def test_a_fetch_that_found_a_job_brings_it() -> None:
    fetched = parse_fetched([[b"name", b"mail"], b"17", 0, 0])
    assert isinstance(fetched, JobRecord)
    assert fetched.id == "17"


def test_a_fetch_that_found_none_says_when_to_ask_again() -> None:
    assert parse_fetched([0, 0, 250, b"1700000000000.5"]) == NoJob(limited_ms=250, delay_until=1700000000000.5)


def test_an_ack_that_fetched_nothing_says_nothing() -> None:
    assert parse_fetched(0) is NOTHING
