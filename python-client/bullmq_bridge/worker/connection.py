"""One connection to Redis, spoken to without a task, a future or a lock per command.

redis-py parses the URL, opens the socket and authenticates (TLS, unix sockets, credentials); then this protocol
takes the transport over. Commands are pipelined continuously: a reply is answered as it is parsed, and what one read
gives rise to goes out in few writes; the first of them leave early, so that Redis has something to do meanwhile.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Any

import hiredis
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

if TYPE_CHECKING:
    from collections.abc import Callable

    from bullmq_bridge.protocol.command import Command

CONNECT_TIMEOUT_S = 5.0
HANDSHAKE_TIMEOUT_S = 10.0
_INCOMPLETE = object()

#: What the server answers to a command that it refuses.
ReplyError = hiredis.ReplyError


class Call:
    """A command on its way, of the ``party`` that sent it.

    ``on_reply`` gets the reply, or the ``ReplyError`` that the server answered.

    Subclasses say what to do when the connection is lost before the reply came.
    """

    __slots__ = ("command", "on_reply", "party", "sent_at")

    def __init__(self, command: Command | bytes, on_reply: Callable[[Any], None]) -> None:
        self.command = command
        self.on_reply = on_reply
        self.party: object = None
        self.sent_at: float  # set when it is sent


class ConnectionLost(ConnectionError):
    """The connection ended before the reply came; nobody knows whether the command was applied."""


class Connection(asyncio.Protocol):
    """A connection that has been opened. Make one with ``Connection.open``.

    Args:
        on_lost: called once when the connection ends, with the calls that have no reply.
        on_refused: called with an error reply before its call is; True when it took care of it.
        on_writable: called when the socket takes data again after it was full.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        on_lost: Callable[[Connection, list[Call]], None] | None = None,
        on_refused: Callable[[Call, ReplyError], bool] | None = None,
        on_writable: Callable[[], None] | None = None,
    ) -> None:
        self._transport = transport
        self._on_lost = on_lost
        self._on_refused = on_refused
        self._on_writable = on_writable
        self._reader = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._pending: deque[Call] = deque()
        self._out: list[bytes] = []
        self._flush_is_due = False
        self._loop = asyncio.get_running_loop()
        # Both redis-py's connection and asyncio's writer close the transport when they are collected.
        self._opened: Any = None
        self.closed = False
        self.full = False
        self.heard_at = time.monotonic()

    @classmethod
    async def open(
        cls,
        url: str,
        client_name: str | None = None,
        on_lost: Callable[[Connection, list[Call]], None] | None = None,
        on_refused: Callable[[Call, ReplyError], bool] | None = None,
        on_writable: Callable[[], None] | None = None,
    ) -> Connection:
        """Connects and authenticates.

        Raises:
            redis.RedisError: refused, unreachable, or wrong credentials.
            OSError: no such socket, or no answer in time (``ConnectionLost``).
        """
        # One attempt at a time: the caller decides when to try again, and says so.
        pool = BlockingConnectionPool.from_url(
            url,
            protocol=2,
            client_name=client_name,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
            max_connections=1,
        )
        opened: Any = pool.make_connection()  # type: ignore[no-untyped-call]
        try:
            # redis-py's own timeout ends with the TCP connect; a server may fall silent during AUTH or SELECT.
            await asyncio.wait_for(opened.connect(), HANDSHAKE_TIMEOUT_S)
        except asyncio.TimeoutError:
            await opened.disconnect(nowait=True)
            raise ConnectionLost(f"Redis was silent for {HANDSHAKE_TIMEOUT_S} s while connecting") from None
        transport = opened._writer.transport
        connection = cls(transport, on_lost, on_refused, on_writable)
        transport.set_protocol(connection)
        connection._opened = opened
        return connection

    def send(self, call: Call) -> None:
        """Sends a command; its reply goes to ``call.on_reply``. The connection must be open."""
        call.sent_at = time.monotonic()
        self._pending.append(call)
        command = call.command
        # (its stub takes a tuple for one of a single element)
        self._out.append(
            command if isinstance(command, bytes) else hiredis.pack_command(command)  # type: ignore[arg-type]
        )
        if 2 * (len(self._pending) - len(self._out)) < len(self._out):
            # More than twice as many wait here as Redis has: it would be idle before the rest is ready.
            self._write()
        elif not self._flush_is_due:
            self._flush_is_due = True
            self._loop.call_soon(self._flush)

    async def call(self, *command: Any) -> Any:
        """Sends a command and waits for the reply: for what is not on the path of every job.

        Raises:
            ReplyError: what the server answered.
            ConnectionLost: the connection ended first.
        """
        future: asyncio.Future[Any] = self._loop.create_future()

        def settle(reply: Any) -> None:
            if future.done():
                return
            if isinstance(reply, Exception):
                future.set_exception(reply)
            else:
                future.set_result(reply)

        if self.closed:
            raise ConnectionLost("the connection to Redis is closed")
        self.send(_Waiting(command, settle))
        return await future

    def close(self) -> None:
        """Sends what is waiting to be written and ends the connection; unanswered calls go to ``on_lost``."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Ends the connection at once."""
        self._transport.abort()

    def fileno(self) -> int:
        """The descriptor of the socket."""
        number: int = self._transport.get_extra_info("socket").fileno()
        return number

    @property
    def unanswered(self) -> int:
        """How many commands have no reply yet."""
        return len(self._pending)

    def silent_for(self, now: float) -> float:
        """Seconds for which the oldest unanswered command has been waiting without any byte from the server."""
        return now - max(self._pending[0].sent_at, self.heard_at) if self._pending else 0.0

    def _flush(self) -> None:
        self._flush_is_due = False
        self._write()

    def _write(self) -> None:
        if self._out and not self.closed:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        self.heard_at = time.monotonic()
        reader = self._reader
        pending = self._pending
        # What the replies give rise to leaves in one write, below.
        self._flush_is_due = True
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not _INCOMPLETE:
                call = pending.popleft()
                try:
                    if not (isinstance(reply, ReplyError) and self._takes_care(call, reply)):
                        call.on_reply(reply)
                except Exception as error:
                    # The connection serves every job: a fault in the handling of one must not end it.
                    fault = {"message": "a reply of Redis was not handled", "exception": error}
                    self._loop.call_exception_handler(fault)
        except hiredis.ProtocolError:
            self._transport.abort()
        finally:
            self._flush()

    def _takes_care(self, call: Call, error: ReplyError) -> bool:
        return self._on_refused is not None and self._on_refused(call, error)

    def pause_writing(self) -> None:
        """See ``asyncio.Protocol``."""
        self.full = True

    def resume_writing(self) -> None:
        """See ``asyncio.Protocol``."""
        self.full = False
        if self._on_writable is not None:
            self._on_writable()

    def connection_lost(self, error: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self.closed = True
        if self._opened is not None:
            self._opened._reader = self._opened._writer = None
        unanswered = list(self._pending)
        self._pending.clear()
        lost = ConnectionLost(f"the connection to Redis was lost ({error or 'closed'})")
        for call in unanswered:
            if isinstance(call, _Waiting):
                call.on_reply(lost)
        if self._on_lost is not None:
            self._on_lost(self, [call for call in unanswered if not isinstance(call, _Waiting)])


class _Waiting(Call):
    """A call that somebody awaits: told at once that the connection is gone."""

    __slots__ = ()
