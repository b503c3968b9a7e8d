"""Answers that leave in one piece: what is written within one turn of the event loop goes to the socket together.

uvicorn writes the head and the body of an answer apart; each write is a system call, the dearest part of a small
answer. Requests of an overloaded process are refused here too, before anything is spent on them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from shared.rpc.patience import PatientProtocol

MOST_HELD_BYTES = 64 * 1024
"""Beyond these nothing is held back, so that a long answer meets the socket's own back-pressure."""

Refuse = Callable[[bytes, int], bytes | None]
"""Takes the first bytes of a request and how many requests are under way; returns the whole answer that refuses it, or
None to have it served."""


class JoinedTransport(asyncio.Transport):
    """A transport that gathers what is written until the loop's next turn."""

    def __init__(self, raw: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.raw, self._loop = raw, loop
        self._held: list[bytes] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send the data with what else is written in this turn."""
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(bytes(data))
        self._size += len(self._held[-1])
        if self._size > MOST_HELD_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what is held, now."""
        held, self._held, self._size = self._held, [], 0
        if held and not self.raw.is_closing():
            self.raw.write(b"".join(held))

    def close(self) -> None:
        """Close once all that was written is sent."""
        self.flush()
        self.raw.close()

    def abort(self) -> None:
        """Close at once; what is held is lost."""
        self._held = []
        self.raw.abort()

    def is_closing(self) -> bool:
        """Return whether it is closed or about to be."""
        return self.raw.is_closing()

    def pause_reading(self) -> None:
        """Take in no more."""
        self.raw.pause_reading()

    def resume_reading(self) -> None:
        """Take in again."""
        self.raw.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Return the bytes that are held or wait in the socket's buffer."""
        return self._size + self.raw.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return what the socket knows of itself."""
        return self.raw.get_extra_info(name, default)


class JoinedProtocol(PatientProtocol):
    """uvicorn's HTTP/1.1 over such a transport; a WebSocket gets the socket's own."""

    def __init__(self, *args: Any, refuse: Refuse | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._refuse = refuse
        self._refused = False

    def data_received(self, data: bytes) -> None:
        """Take in bytes; a request that is refused is answered without being looked at any further."""
        # Whoever does not read refusals is served like anybody, which waits until they do.
        if self._refuse is not None and self.between and self.unsent() <= MOST_HELD_BYTES:
            refusal = self._refuse(data, len(self.tasks))
            if refusal is not None:
                self._refused = True
                self.await_head()
                self._raw.write(refusal)
                return
        super().data_received(data)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to serve a connection."""
        self._raw = transport
        super().connection_made(JoinedTransport(transport, self.loop))

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection that nobody uses; being refused is use."""
        if self._refused:
            self._refused = False
            again = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
            self.timeout_keep_alive_task = again
        else:
            super().timeout_keep_alive_handler()

    def eof_received(self) -> None:
        """Send what is held: the transport closes as soon as this returns."""
        if isinstance(self.transport, JoinedTransport):
            self.transport.flush()

    def handle_websocket_upgrade(self) -> None:
        """Leave the connection to the WebSocket protocol."""
        self.stop_waiting()
        joined = self.transport
        if isinstance(joined, JoinedTransport):
            joined.flush()
            self.transport = joined.raw
        super().handle_websocket_upgrade()
