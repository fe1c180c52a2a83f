import hiredis

from bullmq_bridge.protocol.command import CHANGES, PreparedCommand


def test_a_prepared_command_is_what_the_client_library_would_send() -> None:
    command = PreparedCommand(("EVALSHA", "100 %", CHANGES, "grüße", CHANGES, CHANGES))
    changing = (b"", b"%d \r\n", b"\xff\x00")
    assert command.pack(*changing) == hiredis.pack_command(
        ("EVALSHA", "100 %", changing[0], "grüße", changing[1], changing[2])  # type: ignore[arg-type]
    )
