"""Which page of a list is asked for. A token belongs to one query and to the table version the list was begun on."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from shared.errors import FieldError, InvalidArgument

DEFAULT_SIZE = 50
MAX_SIZE = 1000
EXPORT_SIZE = 100_000
"""Rows a page while a list is exported whole: each page reads and orders the table anew."""
ROWS_KEY = "page-rows"
"""gRPC metadata key by which an edge that exports asks for so many rows a page."""
exported_rows: ContextVar[int] = ContextVar("exported_rows", default=0)
"""Rows a page that the call being served asks for as part of an export; 0: it is none."""
_HEAD = struct.Struct(">QQ")
_SEAL_BYTES = 12
_MOST = 2**53
"""No list is longer and no table has more versions; past 64 bits, offsets cannot even be counted in."""


class InvalidPageToken(InvalidArgument):
    """The page token is damaged, or was given out for another query."""

    reason = "INVALID_PAGE_TOKEN"


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a list: `size` rows from `offset` of the answer to `query`."""

    query: str
    """Everything that decides the rows and their order, in one canonical text."""
    size: int = DEFAULT_SIZE
    offset: int = 0
    version: int | None = None
    """Version the list was begun on; None on the first page, where the newest is read."""

    def next_token(self, version: int, total: int) -> str:
        """Return the token of the page after this one, empty where this is the last."""
        following = self.offset + self.size
        if following >= total:
            return ""
        head = _HEAD.pack(following, version)
        return base64.urlsafe_b64encode(head + _seal(self.query, head)).decode().rstrip("=")


def begin(rows: str) -> None:
    """Set how many rows a page the call being served asks for as part of an export, empty where it is none."""
    exported_rows.set(min(int(rows), EXPORT_SIZE) if rows.isdecimal() and len(rows) < 7 else 0)


def page(query: Mapping[str, object], size: int = 0, token: str = "") -> Page:
    """Return the page that a request asks for; `query` names all that decides its rows. Raises InvalidPageToken.

    Args:
        query: the table and every parameter but size and token, such as `{"table": …, "filters": […], "as_of": …}`.
        size: rows a page, 1-1000; 0 asks for 50. A call that is part of an export has its own.
        token: `next_page_token` of the page before, empty for the first.
    """
    canonical = json.dumps(query, sort_keys=True, default=str)
    size = exported_rows.get() or min(size if size > 0 else DEFAULT_SIZE, MAX_SIZE)
    if not token:
        return Page(canonical, size)
    offset, version = _opened(canonical, token)
    return Page(canonical, size, offset, version)


def _opened(query: str, token: str) -> tuple[int, int]:
    try:
        sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        sealed = b""
    head, seal = sealed[: _HEAD.size], sealed[_HEAD.size :]
    if len(head) != _HEAD.size or seal != _seal(query, head):
        raise refused()
    offset, version = _HEAD.unpack(head)
    # Anybody can compute the seal, so it vouches for no number.
    if max(offset, version) > _MOST:
        raise refused()
    return offset, version


def refused() -> InvalidPageToken:
    """Return the error for a token that belongs to no page of this query."""
    wrong = "belongs to another query or is damaged; ask for the first page without it"
    return InvalidPageToken(f"page_token {wrong}", errors=[FieldError("page_token", wrong)])


def _seal(query: str, head: bytes) -> bytes:
    """Return a checksum, not a secret: a made-up token shows nothing that its query would not show anyway."""
    return hashlib.blake2b(head + query.encode(), digest_size=_SEAL_BYTES).digest()
