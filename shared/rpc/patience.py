"""How long a connection may keep this process waiting: for the head of a request, and for somebody to read an answer.

uvicorn waits for ever for both, and takes a head of any length; whoever opens connections and says little on each
would hold them all. How long a body may take is the business of whoever reads it (shared/transcode/body.py).
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""From the opening of a connection, or the first byte of a later request, to the end of the head."""
STALL_SECONDS = 30.0
"""In which whoever is sent an answer must take in some of it."""
MOST_HEAD_BYTES = 64 * 1024
TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: 28\r\n\r\nthe request head is too long"
)


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with an end to its patience."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = False
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._inside = False
        """Whether a request has begun and not ended: what comes then is a part of it, whatever it looks like."""
        self._left = False
        """Whether the connection is another protocol's."""

    @property
    def between(self) -> bool:
        """Return whether no request has begun that is not answered."""
        return not self._inside and (self.cycle is None or self.cycle.response_complete)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a head."""
        super().connection_made(transport)
        self.await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self.stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, and go on waiting only while they hold no whole head."""
        super().data_received(data)
        if self._left:
            return
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.write(TOO_LONG)
                self.transport.close()
        if (self._in_head or self.between) and not self.transport.is_closing():
            if self._head_timer is None:
                self.await_head()
        elif self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def await_head(self) -> None:
        """Close the connection unless a head comes in time, from now on."""
        if self._head_timer is not None:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._close)

    def stop_waiting(self) -> None:
        """Leave the connection to whoever has it now."""
        self._left = True
        for timer in (self._head_timer, self._stall_timer):
            if timer is not None:
                timer.cancel()
        self._head_timer = self._stall_timer = None

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._inside = self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that its head is whole."""
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that it has ended."""
        self._inside = False
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Note that an answer is not being read as fast as it is sent."""
        super().pause_writing()
        if self._stall_timer is None:
            self._watch_reader()

    def resume_writing(self) -> None:
        """Note that it is again."""
        super().resume_writing()
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _watch_reader(self) -> None:
        left = self.unsent()
        self._stall_timer = self.loop.call_later(STALL_SECONDS, self._stalled, left)

    def _stalled(self, before: int) -> None:
        """Break the connection off if nothing was read since; a slow reader is still one."""
        self._stall_timer = None
        if self.unsent() < before:
            self._watch_reader()
        else:
            self.transport.abort()

    def unsent(self) -> int:
        """Return the bytes that wait to be read by the other side."""
        return self.transport.get_write_buffer_size()

    def _close(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()
