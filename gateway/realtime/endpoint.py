"""GET /api/v1/realtime as a WebSocket: who may come in, and what they say while they listen."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from urllib.parse import parse_qs, urlsplit

from starlette.types import Receive, Scope, Send

from gateway.realtime.hub import Hub
from gateway.realtime.listener import Key, Listener
from gateway.realtime.messages import MOST_TOPICS, MessageInvalid, Said, read
from gateway.realtime.room import Room
from gateway.realtime.tickets import TicketInvalid, Tickets
from gateway.realtime.topics import Topics
from gateway.realtime.wire import ENDED, LATER, POLICY, TEXT_ONLY, WIRE, WRONG_ORIGIN, Wire
from shared.errors import PlatformError, Unauthenticated
from shared.principal import ANONYMOUS
from shared.tokens import TokenVerifier, Verified
from shared.transcode.callers import take
from shared.transcode.parts import Limiter

MOST_WRONG = 10
"""Messages that make no sense before the caller is sent away."""

BURST, A_SECOND = 50.0, 10.0
"""Messages a caller may send at once, and how fast that grows back."""


class Refused(Exception):
    """A connection that is closed before anything is said."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class RealtimeEndpoint:
    """Serves one connection a call."""

    def __init__(
        self,
        hub: Hub,
        room: Room,
        topics: Topics,
        *,
        tickets: Tickets,
        verifier: TokenVerifier,
        limiter: Limiter,
        origins: Collection[str],
    ) -> None:
        self._hub, self._room, self._topics = hub, room, topics
        self._tickets, self._verifier, self._limiter = tickets, verifier, limiter
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection to its end."""
        if (await receive())["type"] != "websocket.connect":
            return
        wire: Wire = scope["extensions"][WIRE]
        try:
            listener = await self._admitted(scope, wire)
        except Refused as refusal:
            # Accepted first: a browser tells its page nothing but 1006 of what was refused before.
            await send({"type": "websocket.accept"})
            wire.finish(refusal.code, refusal.reason)
            return
        try:
            await send({"type": "websocket.accept"})
            await self._served(listener, receive)
        finally:
            self._room.leave(listener)
            self._hub.leave(listener, listener.keys.values())

    async def _admitted(self, scope: Scope, wire: Wire) -> Listener:
        """Return the listener for a connection with a good ticket. Raises Refused."""
        headers = dict(scope["headers"])
        if not self._from_ours(headers.get(b"origin"), headers.get(b"host", b"")):
            raise Refused(WRONG_ORIGIN, "pages of this origin may not connect")
        try:
            return self._room.enter(wire, await self._shown(scope))
        except Unauthenticated as error:
            raise Refused(ENDED, error.error_reason) from None
        except PlatformError as error:
            raise Refused(LATER, error.error_reason) from None

    async def _shown(self, scope: Scope) -> Verified:
        """Return who the ticket in the address speaks for. Raises a PlatformError."""
        try:
            return await self._verifier.inspect(await self._tickets.take(ticket_in(scope["query_string"])))
        except TicketInvalid:
            await take(self._limiter, 1, ANONYMOUS, scope)
            raise

    def _from_ours(self, origin: bytes | None, host: bytes) -> bool:
        """Return whether a page may connect: one of this host or of an origin that may call. Programs have none."""
        if origin is None:
            return True
        text = origin.decode("latin-1").lower()
        if text in self._origins:
            return True
        try:
            return urlsplit(text).netloc == host.decode("latin-1").lower() != ""
        except ValueError:
            return False

    async def _served(self, listener: Listener, receive: Receive) -> None:
        wrong, pace = 0, Pace()
        while not listener.code:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text = message.get("text")
            if text is None:
                listener.close(TEXT_ONLY, "text alone is taken")
            elif not pace.step():
                listener.close(POLICY, f"more than {A_SECOND:g} messages a second")
            else:
                try:
                    self._do(listener, read(text))
                except PlatformError as error:
                    listener.say({"type": "error", "reason": error.error_reason, "detail": error.detail})
                    wrong += isinstance(error, MessageInvalid)
                    if wrong >= MOST_WRONG:
                        listener.close(POLICY, "too many messages that make no sense")

    def _do(self, listener: Listener, said: Said) -> None:
        """Do what was said. Raises MessageInvalid; what is wrong with one topic is told and the others are done."""
        if said.operation == "ping":
            listener.say({"type": "pong"})
        elif said.operation == "unsubscribe":
            gone = [listener.keys.pop(topic) for topic in said.topics if topic in listener.keys]
            self._hub.leave(listener, gone)
            listener.say({"type": "unsubscribed", "topics": [key.topic for key in gone]})
        else:
            joined = [topic for topic in said.topics if self._join(listener, topic, said.resume.get(topic))]
            listener.say({"type": "subscribed", "topics": joined, "seq": self._hub.seq()})

    def _join(self, listener: Listener, topic: str, seq: str | None) -> bool:
        """Return whether the listener gets the topic's events; why not is told."""
        if topic in listener.keys:
            return True
        if len(listener.keys) >= MOST_TOPICS:
            raise MessageInvalid(f"at most {MOST_TOPICS} topics; unsubscribe from others first")
        try:
            key: Key = self._topics.stream(topic, listener.caller)
        except PlatformError as error:
            told = {"type": "error", "reason": error.error_reason, "detail": error.detail, "topic": topic}
            listener.say(told)
            return False
        listener.keys[topic] = key
        if not self._hub.join(listener, key, seq):
            listener.say({"type": "reset", "topic": topic})
        return True


def ticket_in(query: bytes) -> str:
    """Return the ticket in a query, empty where there is none or too much beside it."""
    try:
        return parse_qs(query.decode("latin-1"), max_num_fields=8).get("ticket", [""])[0]
    except ValueError:
        return ""


class Pace:
    """How fast one caller talks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._at, self._left = clock, clock(), BURST

    def step(self) -> bool:
        """Return whether one more message is within the pace."""
        now = self._clock()
        self._left = min(BURST, self._left + (now - self._at) * A_SECOND) - 1
        self._at = now
        return self._left >= 0
