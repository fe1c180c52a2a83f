"""A proxy before Redis that can lose replies."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlsplit


class Proxy:
    """Forwards bytes both ways, until it is told to spoil them.

    Attributes:
        url: where it listens.
    """

    def __init__(self, redis_url: str) -> None:
        target = urlsplit(redis_url)
        self._target = (target.hostname or "127.0.0.1", target.port or 6379)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = target._replace(netloc=f"127.0.0.1:{self._listener.getsockname()[1]}").geturl()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._losing: bytes | None = None
        self._silently = False
        threading.Thread(target=self._accept, daemon=True).start()

    def lose_the_reply_to(self, command: bytes, *, silently: bool = False) -> None:
        """Lets the next command with these bytes reach Redis, but not its reply: cuts it off, or keeps quiet."""
        self._losing = command
        self._silently = silently

    def cut(self) -> None:
        """Cuts every connection."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                _shut(end)

    def refuse(self) -> None:
        """Cuts every connection and accepts no more."""
        _shut(self._listener)
        self.cut()

    def close(self) -> None:
        """Ends it."""
        self.refuse()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            self._pairs.append((near, far))
            lost = threading.Event()
            threading.Thread(target=self._forward, args=(near, far, lost), daemon=True).start()
            threading.Thread(target=self._return, args=(far, near, lost), daemon=True).start()

    def _forward(self, near: socket.socket, far: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                if self._losing is not None and self._losing in data:
                    self._losing = None
                    lost.set()
                far.sendall(data)
        _shut(far)

    def _return(self, far: socket.socket, near: socket.socket, lost: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                if not lost.is_set():
                    near.sendall(data)
                elif not self._silently:
                    break
        _shut(near)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
