"""A child's own line to Redis, over which it ends a job that has simply completed and gets the next one.

The way through the engine costs two more switches between processes a job, which is more than the job's own script.
Whatever is not simple is left to the engine.
"""

from __future__ import annotations

import os
import socket
import struct
from typing import Any

import hiredis

#: An answer that takes longer is taken as lost, and the line with it.
ANSWER_TIMEOUT_S = 10
READ_BYTES = 1 << 16
_INCOMPLETE = object()


class LineLost(Exception):
    """No answer came: nobody knows whether the command was run."""


class OwnLine:
    """A connection that the engine has opened, and has sent over ``courier``.

    Raises:
        OSError: it was sent, but did not arrive.
    """

    def __init__(self, courier: socket.socket) -> None:
        _, (descriptor,), _, _ = socket.recv_fds(courier, 1, 1)
        # Programs that a processor starts must not hold it open.
        os.set_inheritable(descriptor, False)
        self._socket = socket.socket(fileno=descriptor)
        self._socket.setblocking(True)
        # By the system: a timeout of Python's would cost a call to wait before each one that reads.
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", ANSWER_TIMEOUT_S, 0))
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)

    def ask(self, command: bytes) -> Any:
        """The answer to a command, given as it is sent.

        Raises:
            LineLost: there is none, or it is an error. The line is of no use any more.
        """
        try:
            self._socket.sendall(command)
            while (reply := self._reader.gets()) is _INCOMPLETE:
                data = self._socket.recv(READ_BYTES)
                if not data:
                    raise LineLost("Redis closed it")
                self._reader.feed(data)
        except (OSError, hiredis.ProtocolError) as error:
            raise LineLost(str(error)) from error
        if isinstance(reply, hiredis.ReplyError):
            raise LineLost(str(reply))
        return reply

    def close(self) -> None:
        """Ends it."""
        self._socket.close()
