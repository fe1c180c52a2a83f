"""The command connection of a worker, beyond the life of any one connection to Redis.

Everything that a worker tells Redis goes through here, whatever the number of its slots.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from redis.exceptions import RedisError

from bullmq_bridge.worker.call import PassingCall
from bullmq_bridge.worker.connection import Connection, ConnectionLost, ReplyError
from bullmq_bridge.worker.recovery import Findings, Identity, end_old_connection, identify, load_scripts

if TYPE_CHECKING:
    from bullmq_bridge.protocol.bundle import Script
    from bullmq_bridge.worker.connection import Call
    from bullmq_bridge.worker.recovery import Ask

logger = logging.getLogger("bullmq_bridge.worker")

#: A command that Redis has not answered for so long is taken as lost, and the connection with it.
COMMAND_TIMEOUT_S = 10.0
#: Silence after which an idle connection is asked whether it is still there.
PING_AFTER_S = 5.0
WATCH_INTERVAL_S = 1.0
FIRST_RECONNECT_DELAY_S = 0.1
MAX_RECONNECT_DELAY_S = 3.0
#: Time for loading the scripts into a new connection's server, and for finding out what a lost one had left.
SETTLE_IN_TIMEOUT_S = 10.0
RESEND_DELAY_S = 0.2
#: Commands without an answer from which on a job that reports much has to wait.
MAX_WAITING = 1000
CLOSE_TIMEOUT_S = 5.0
#: Errors that Redis answers to a command it did not run: it is safe to send it again.
NOT_APPLIED = (
    "NOSCRIPT",
    "LOADING",
    "READONLY",
    "BUSY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "OOM",
    "MISCONF",
    "NOREPLICAS",
)


class Party(Protocol):
    """Who uses the link, and knows what its commands mean: the engine of a queue."""

    async def reconcile(self, ask: Ask, unanswered: list[Call]) -> Findings:
        """Finds out, over a new connection, what became of commands without an answer."""

    def resume_after_loss(self, findings: Findings) -> None:
        """Goes on with what was found; commands may be sent again from here on."""

    def writable(self) -> None:
        """The socket takes data again after it was full."""


class Line:
    """The link as one party uses it."""

    def __init__(self, link: Link, party: Party) -> None:
        self._link = link
        self._party = party

    @property
    def is_connected(self) -> bool:
        """Whether commands reach Redis now."""
        return self._link.is_connected

    @property
    def is_writable(self) -> bool:
        """Whether there is a connection whose socket takes more data: the time to start new work."""
        return self._link.is_writable

    @property
    def is_congested(self) -> bool:
        """Whether Redis falls behind with what it is told."""
        return self._link.is_congested

    def send(self, call: Call) -> None:
        """Sends a command now, or after the next connect."""
        call.party = self._party
        self._link.send(call)

    async def ask(self, *command: Any) -> Any:
        """The answer to a command that may be sent twice: asked again after a lost connection.

        Raises:
            ReplyError: what the server answered.
        """
        return await self._link.ask(*command)


class Link:
    """Sends commands over whatever connection there is; what cannot be sent now is sent after the next connect.

    Args:
        redis_url: where Redis is.
    """

    def __init__(self, redis_url: str) -> None:
        self._redis_url = redis_url
        # Loaded into each server before the first command.
        self._scripts: dict[str, Script] = {}
        self._parties: list[Party] = []
        self._connection: Connection | None = None
        self._identity: Identity | None = None
        self._backlog: list[Call] = []
        self._connecting: asyncio.Task[None] | None = None
        self._resending: asyncio.Task[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._closing = False
        self._loop = asyncio.get_running_loop()

    def join(self, party: Party, scripts: list[Script]) -> Line:
        """A line for a party that calls these scripts; it learns when connections are lost and found."""
        self._parties.append(party)
        self._scripts.update((script.sha1, script) for script in scripts)
        return Line(self, party)

    @property
    def is_open(self) -> bool:
        """Whether there has been a connection, so that something may have been told to Redis."""
        return self._identity is not None

    @property
    def is_connected(self) -> bool:
        """Whether commands reach Redis now."""
        return self._connection is not None

    @property
    def is_writable(self) -> bool:
        """Whether there is a connection whose socket takes more data: the time to start new work."""
        return self._connection is not None and not self._connection.full

    @property
    def is_congested(self) -> bool:
        """Whether Redis falls behind with what it is told."""
        waiting = len(self._backlog) + (self._connection.unanswered if self._connection else 0)
        return waiting > MAX_WAITING

    async def open(self) -> None:
        """Connects, however long it takes."""
        self._watch_connection()
        self._connecting = self._loop.create_task(self._connect([]))
        await self._connecting

    def send(self, call: Call) -> None:
        """Sends a command now, or after the next connect."""
        if self._connection is None or self._connection.closed:
            self._backlog.append(call)
        else:
            self._connection.send(call)

    async def ask(self, *command: Any) -> Any:
        """The answer to a command that may be sent twice: asked again after a lost connection.

        Raises:
            ReplyError: what the server answered.
        """
        while True:
            connection = self._connection
            if connection is not None:
                with contextlib.suppress(ConnectionLost):
                    return await connection.call(*command)
            await asyncio.sleep(FIRST_RECONNECT_DELAY_S)

    async def close(self) -> None:
        """Ends the connection when all that was sent has been answered."""
        self._closing = True
        for pending in (self._watch, self._connecting, self._resending):
            if pending is not None:
                pending.cancel()
        if self._connection is not None:
            with contextlib.suppress(ConnectionLost, ReplyError, asyncio.TimeoutError):
                # Commands run in order: once this is answered, nothing that was sent is still on its way.
                await asyncio.wait_for(self._connection.call("PING"), CLOSE_TIMEOUT_S)
        if self._connection is not None:
            self._connection.close()

    async def _connect(self, unanswered: list[Call]) -> None:
        """Connects, and puts right what the lost connection left open."""
        delay = FIRST_RECONNECT_DELAY_S
        while True:
            try:
                connection = await Connection.open(
                    self._redis_url,
                    on_lost=self._lost,
                    on_refused=self._not_applied,
                    on_writable=self._writable,
                )
                identity, findings = await self._settle_in(connection, unanswered)
                if connection.closed:
                    raise ConnectionLost("it ended as soon as it was there")
                break
            except (RedisError, ReplyError, OSError) as error:
                logger.warning(
                    "no connection to Redis at %s (%s); trying again in %.1f s",
                    _without_password(self._redis_url),
                    error,
                    delay,
                )
            await asyncio.sleep(delay)
            delay = min(delay * 2, MAX_RECONNECT_DELAY_S)
        self._identity = identity
        self._connection = connection
        for party, found in zip(self._parties, findings, strict=True):
            party.resume_after_loss(found)
        self._flush_backlog()

    async def _settle_in(self, connection: Connection, unanswered: list[Call]) -> tuple[Identity, list[Findings]]:
        """What a new connection is for before it serves commands.

        Raises:
            ReplyError, ConnectionLost: Redis refused, or was silent for too long.
        """

        async def settle_in() -> tuple[Identity, list[Findings]]:
            identity = await identify(connection)
            await end_old_connection(connection.call, self._identity, identity)
            await load_scripts(connection, self._scripts.values())
            findings = [
                await party.reconcile(connection.call, [call for call in unanswered if call.party is party])
                for party in self._parties
            ]
            return identity, findings

        try:
            return await asyncio.wait_for(settle_in(), SETTLE_IN_TIMEOUT_S)
        except BaseException as error:
            connection.abort()
            if isinstance(error, asyncio.TimeoutError):
                raise ConnectionLost(f"Redis was silent for {SETTLE_IN_TIMEOUT_S} s on a new connection") from None
            raise

    def _lost(self, connection: Connection, unanswered: list[Call]) -> None:
        if connection is not self._connection:
            return
        self._connection = None
        if not self._closing:
            logger.warning("the connection to Redis was lost with %s commands unanswered", len(unanswered))
            self._connecting = self._loop.create_task(self._connect(unanswered))

    def _writable(self) -> None:
        for party in self._parties:
            party.writable()

    def _not_applied(self, call: Call, error: ReplyError) -> bool:
        """Keeps a command that Redis did not run for later; False if it is for its caller to handle."""
        text = str(error)
        if not text.startswith(NOT_APPLIED):
            return False
        if isinstance(call, PassingCall) and not text.startswith("NOSCRIPT"):
            # It comes again by itself. Without scripts it would not: they must be loaded for it.
            return False
        self._backlog.append(call)
        if self._resending is None:
            logger.warning("Redis did not run a command (%s): it is sent again", text)
            self._resending = self._loop.create_task(self._resend())
        if text.startswith("READONLY") and self._connection is not None:
            # A replica now: connecting again finds the new master.
            self._connection.abort()
        return True

    async def _resend(self) -> None:
        await asyncio.sleep(RESEND_DELAY_S)
        self._resending = None
        connection = self._connection
        if connection is None:
            return
        with contextlib.suppress(ConnectionLost, ReplyError):
            # Whatever the error was: after SCRIPT FLUSH or a failover they are missing.
            await load_scripts(connection, self._scripts.values())
        self._flush_backlog()

    def _flush_backlog(self) -> None:
        backlog, self._backlog = self._backlog, []
        for call in backlog:
            self.send(call)

    def _watch_connection(self) -> None:
        self._watch = self._loop.call_later(WATCH_INTERVAL_S, self._watch_connection)
        connection = self._connection
        if connection is None:
            return
        now = time.monotonic()
        if connection.silent_for(now) > COMMAND_TIMEOUT_S:
            logger.warning("Redis did not answer for %s s: the connection is taken as lost", COMMAND_TIMEOUT_S)
            connection.abort()
        elif now - connection.heard_at > PING_AFTER_S:
            connection.send(PassingCall(("PING",)))


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
