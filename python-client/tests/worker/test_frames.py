from bullmq_bridge.outcome import AwaitingChildren, Completed, Failed, FailureKind, Limited, Moved, Snoozed
from bullmq_bridge.protocol.job import JobRecord
from bullmq_bridge.worker.frames import (
    FrameReader,
    Kind,
    decode_job,
    decode_outcome,
    encode,
    encode_job,
    encode_outcome,
)


def test_frames_come_out_whole_however_the_bytes_are_cut() -> None:
    stream = encode(Kind.LOG, "1", "ü") + encode(Kind.READY) + encode(Kind.PROGRESS, "1", b"5")
    reader = FrameReader()
    frames = [frame for byte in stream for frame in reader.feed(bytes([byte]))]
    assert frames == [(Kind.LOG, ["1", "ü"]), (Kind.READY, []), (Kind.PROGRESS, ["1", b"5"])]


def test_a_job_survives_the_way_to_a_child() -> None:
    record = JobRecord("7", {b"name": b"mail", b"data": b'{"huge":1e80}', b"opts": b"{}", b"priority": b"10"}, "token")
    ((kind, values),) = FrameReader().feed(encode_job(record, 3))
    assert kind == Kind.JOB
    copy, further = decode_job(values)
    assert further == 3
    assert (copy.id, copy.fields, copy.token) == (record.id, record.fields, record.token)


def test_outcomes_survive_the_way_back() -> None:
    failed = Failed(FailureKind.CONTRACT_VIOLATION, "bad", "contract_violation", "trace", retry=False, paths=("/a",))
    for outcome in (Completed(b'{"x":1}'), failed, Snoozed(5), AwaitingChildren(), Limited(7), Moved()):
        ((_, values),) = FrameReader().feed(encode_outcome(outcome))
        assert decode_outcome(values) == outcome
