"""Bodies as they come over the wire, before anything is made of them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.transcode.body import read_bytes
from shared.transcode.problem import BodyTooLarge


async def two_bytes() -> dict[str, Any]:
    return {"type": "http.request", "body": b"ab"}


async def test_a_body_is_read_to_its_end() -> None:
    assert await read_bytes({b"content-length": b"2"}, two_bytes, 2) == b"ab"


@pytest.mark.parametrize("length", [b"3", b"-1", b"9" * 30, b"0" * 5000 + b"2"])
async def test_a_length_too_large_or_written_to_annoy_is_refused(length: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        await read_bytes({b"content-length": length}, two_bytes, 2)
