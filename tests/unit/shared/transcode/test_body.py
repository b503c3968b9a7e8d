"""Bodies as they come over the wire, before anything is made of them."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import PlatformError
from shared.transcode.body import Room, read_bytes
from shared.transcode.problem import BodyTooLarge


async def two_bytes() -> dict[str, Any]:
    return {"type": "http.request", "body": b"ab"}


async def test_a_body_is_read_to_its_end() -> None:
    assert await read_bytes({b"content-length": b"2"}, two_bytes, 2) == b"ab"


@pytest.mark.parametrize("length", [b"3", b"-1", b"9" * 30, b"0" * 5000 + b"2"])
async def test_a_length_too_large_or_written_to_annoy_is_refused(length: bytes) -> None:
    with pytest.raises(BodyTooLarge):
        await read_bytes({b"content-length": length}, two_bytes, 2)


MIB = 1024 * 1024


def length(size: int) -> dict[bytes, bytes]:
    return {b"content-length": b"%d" % size}


def reason(room: Room, headers: dict[bytes, bytes], who: str, limit: int = 60 * MIB) -> str:
    with pytest.raises(PlatformError) as raised:
        room.place(headers, limit, who)
    return raised.value.error_reason


def test_long_bodies_are_taken_while_there_is_room_and_one_caller_gets_half_of_it() -> None:
    room = Room(100 * MIB)
    with room.place(length(30 * MIB), 60 * MIB, "ada"):
        assert reason(room, length(21 * MIB), "ada") == "RESOURCE_EXHAUSTED"
        # Who does not say how much comes may send all that is allowed.
        assert reason(room, {b"transfer-encoding": b"chunked"}, "ada") == "RESOURCE_EXHAUSTED"
        with room.place({b"transfer-encoding": b"chunked"}, 60 * MIB, "ben"):
            assert reason(room, length(20 * MIB), "carl") == "OVERLOADED"
            with room.place(length(MIB), 60 * MIB, "carl"):
                pass
    with room.place(length(100 * MIB), 100 * MIB, "dora"):
        pass


def test_room_is_given_back_once_by_a_call_that_outlives_its_request() -> None:
    room = Room(100 * MIB)
    place = room.place(length(60 * MIB), 60 * MIB, "ada")
    with place:
        call = place
        call.__enter__()
    assert reason(room, length(60 * MIB), "ben") == "OVERLOADED"
    call.__exit__()
    with room.place(length(60 * MIB), 60 * MIB, "ben"):
        pass
    assert not room._held
