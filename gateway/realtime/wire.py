"""One WebSocket connection: uvicorn's protocol, with frames made once for many and bounded memory for each.

uvicorn makes a frame for every reader, lets whoever pings without reading fill the memory with pongs, and waits for
ever to close a connection whose reader has stalled. So frames are written here, and a close has an end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State

WIRE = "shop.wire"
"""Name of the ASGI extension that is the connection itself."""

MOST_MESSAGE_BYTES = 16 * 1024
PING_SECONDS = 15.0
HIGH_WATER_BYTES = 32 * 1024
"""What may wait in the transport before frames wait in the reader's own queue."""

GRACE_SECONDS = 2.0
"""A reader has so long to take a close before the connection is cut."""

ENDED, WRONG_ORIGIN, SLOW = 4001, 4003, 4008
"""Close codes of ours: the token or ticket holds no more, a page from elsewhere, a reader who is behind."""

GOING_AWAY, TEXT_ONLY, POLICY, SILENT, LATER = 1001, 1003, 1008, 1011, 1013
"""Close codes of RFC 6455 and its registry."""

LOGGER = logging.getLogger("gateway.realtime.wire")
LOGGER.setLevel(logging.WARNING)


def text_frame(text: bytes) -> bytes:
    """Return the frame that carries a text from a server, the same for every reader."""
    return Frame(Opcode.TEXT, text).serialize(mask=False)


def unheard() -> None:
    """Do nothing."""


class Wire(Protocol):
    """What a connection offers beside ASGI."""

    resumed: Callable[[], None]
    """Called when the reader has taken what was waiting."""

    @property
    def paused(self) -> bool:
        """Return whether the reader is behind, so that nothing more should be written."""

    def write(self, frame: bytes) -> None:
        """Send a frame."""

    def finish(self, code: int, reason: str) -> None:
        """Close after what was written, and cut the connection if the reader does not take it."""


class RealtimeProtocol(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket protocol as a Wire."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # uvicorn's own logger would note the path with the ticket in it.
        self.logger = self.conn.logger = LOGGER
        self.resumed: Callable[[], None] = unheard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve a connection."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def handle_connect(self, event: Any) -> None:
        """Let the application have the connection itself."""
        super().handle_connect(event)
        if not self.handshake_complete:
            extensions: dict[str, Any] = self.scope["extensions"] or {}
            extensions[WIRE] = self

    def handle_ping(self) -> None:
        """Answer a ping, unless the answers to earlier ones were not read."""
        if self.paused:
            self.conn.data_to_send()
            self.finish(SLOW, "pings are sent, but answers are not read")
        else:
            super().handle_ping()

    @property
    def paused(self) -> bool:
        """Return whether the reader is behind."""
        return not self.writable.is_set()

    def resume_writing(self) -> None:
        """Go on with what waits for the reader."""
        super().resume_writing()
        self.resumed()

    def write(self, frame: bytes) -> None:
        """Send a frame; one for a connection that is closing is dropped."""
        if not self.close_sent and self.handshake_complete and not self.transport.is_closing():
            self.transport.write(frame)

    def finish(self, code: int, reason: str) -> None:
        """Close after what was written, and cut the connection if the reader does not take it."""
        if self.close_sent or self.disconnected or self.conn.state is not State.OPEN:
            return
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.conn.send_close(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:  # the reader's own close is read
            self.read_paused = False
            self.transport.resume_reading()
        self._cut_later()

    def keepalive_timeout(self) -> None:
        """Close a connection whose other end has not answered a ping."""
        self.pong_timer = None
        self.finish(SILENT, "no pong")

    def handle_parser_exception(self) -> None:
        """End a connection that broke the protocol, or sent more than it may."""
        super().handle_parser_exception()
        self._cut_later()

    def shutdown(self) -> None:
        """Send the reader elsewhere: this process is leaving."""
        if self.handshake_complete:
            self.finish(GOING_AWAY, "going away")
        else:
            super().shutdown()

    def _cut_later(self) -> None:
        # connection_lost cancels the timer.
        if self.close_timer is None and not self.disconnected:
            self.close_timer = self.loop.call_later(GRACE_SECONDS, self.transport.abort)


UVICORN: dict[str, Any] = {
    "ws": RealtimeProtocol,
    "ws_max_size": MOST_MESSAGE_BYTES,
    "ws_ping_interval": PING_SECONDS,
    "ws_ping_timeout": PING_SECONDS,
    # Its window would cost each connection more memory than everything else.
    "ws_per_message_deflate": False,
}
"""What uvicorn is told about WebSockets."""
