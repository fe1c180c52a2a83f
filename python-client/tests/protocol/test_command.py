import hiredis

from bullmq_bridge.protocol.command import CHANGES, sent, template


def test_a_template_becomes_what_the_client_library_would_send() -> None:
    command = template(("EVALSHA", "100 %", CHANGES, "grüße", CHANGES, CHANGES), more=2)
    changing = (b"", b"%d \r\n", b"\xff\x00")
    lengths_and_bytes = (part for argument in changing for part in (len(argument), argument))
    assert command % (*lengths_and_bytes, sent(("last %b", b"\xfe"))) == hiredis.pack_command(
        ("EVALSHA", "100 %", changing[0], "grüße", changing[1], changing[2], "last %b", b"\xfe")  # type: ignore[arg-type]
    )
