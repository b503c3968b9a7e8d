"""API keys at the edge: how often auth is asked, and what is kept."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from protos.auth.v1 import api_keys_pb2 as pb
from shared.api_keys import MOST_REFUSED, REFUSED_SECONDS, ApiKeyInvalid, RemoteKeyTokens, key_in
from shared.errors import ResourceExhausted, Unauthenticated, Unavailable
from shared.logs import redacted

KEY = "si_ABCDEFGH_" + "x" * 43


class Auth:
    """A channel to a service that knows every key unless told otherwise."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.lasts = 300
        self.fails: Exception | None = None
        self.go = asyncio.Event()
        self.go.set()

    def unary_unary(self, *_: Any, **__: Any) -> Any:
        async def exchange(request: pb.ExchangeRequest, **_: Any) -> pb.ExchangeResponse:
            self.asked.append(request.key)
            await self.go.wait()
            if self.fails:
                raise self.fails
            return pb.ExchangeResponse(access_token=f"token-{len(self.asked)}", expires_in=self.lasts)

        return exchange


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(auth: Auth, clock: Clock) -> RemoteKeyTokens:
    return RemoteKeyTokens(auth, clock)


async def test_a_key_is_swapped_once_until_shortly_before_its_token_ends(tokens, auth, clock) -> None:
    assert [await tokens.token(KEY) for _ in range(3)] == ["token-1"] * 3
    clock.now = 269.9
    assert await tokens.token(KEY) == "token-1"
    clock.now = 270.0
    assert await tokens.token(KEY) == "token-2"
    assert auth.asked == [KEY, KEY]


async def test_a_token_that_ends_soon_is_not_kept_past_its_end(tokens, auth, clock) -> None:
    auth.lasts = 20
    await tokens.token(KEY)
    clock.now = 9.9
    assert await tokens.token(KEY) == "token-1"
    clock.now = 10.0
    assert await tokens.token(KEY) == "token-2"


async def test_many_who_send_a_key_at_once_ask_once_and_one_who_leaves_takes_nothing_along(tokens, auth) -> None:
    auth.go.clear()
    callers = [asyncio.create_task(tokens.token(KEY)) for _ in range(20)]
    await asyncio.sleep(0)
    callers[0].cancel()
    auth.go.set()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == ["token-1"] * 19
    assert auth.asked == [KEY]


async def test_a_refused_key_is_not_asked_for_again_at_once(tokens, auth, clock) -> None:
    auth.fails = Unauthenticated("no")
    for _ in range(3):
        with pytest.raises(ApiKeyInvalid):
            await tokens.token(KEY)
    assert len(auth.asked) == 1
    auth.fails, clock.now = None, REFUSED_SECONDS
    assert await tokens.token(KEY) == "token-2"


async def test_while_auth_is_away_a_key_is_not_refused_but_unavailable(tokens, auth) -> None:
    auth.fails = Unavailable("away")
    with pytest.raises(Unavailable):
        await tokens.token(KEY)
    auth.fails = None
    assert await tokens.token(KEY) == "token-2"


async def test_a_forgotten_key_is_asked_for_anew(tokens) -> None:
    await tokens.token(KEY)
    tokens.forget(KEY)
    assert await tokens.token(KEY) == "token-2"


@pytest.mark.parametrize("wrong", ["si_", "si_ABCDEFGH_short", KEY + "x", KEY + "\n", "é" * 55])
async def test_what_cannot_be_a_key_is_refused_without_asking(tokens, auth, wrong: str) -> None:
    with pytest.raises(ApiKeyInvalid):
        await tokens.token(wrong)
    tokens.forget(wrong)
    assert auth.asked == []


async def test_made_up_keys_fill_no_memory_and_push_out_no_good_one(tokens, auth) -> None:
    await tokens.token(KEY)
    auth.fails = Unauthenticated("no")
    for number in range(MOST_REFUSED + 10):
        with pytest.raises(ApiKeyInvalid):
            await tokens.token(f"si_{number:08}_" + "x" * 43)
    assert len(tokens._refused) == MOST_REFUSED
    assert await tokens.token(KEY) == "token-1", "still kept"


async def test_whoever_makes_auth_be_asked_pays_before_and_what_is_kept_costs_nothing(tokens, auth) -> None:
    paid: list[int] = []

    async def pay() -> None:
        paid.append(len(auth.asked))

    for _ in range(2):
        await tokens.token(KEY, pay)
    auth.fails = Unauthenticated("no")
    other = KEY.replace("A", "Z")
    for _ in range(2):
        with pytest.raises(ApiKeyInvalid):
            await tokens.token(other, pay)
    assert paid == [0, 1], "once for each key, before auth was asked"


async def test_whoever_cannot_pay_makes_nobody_ask(tokens, auth) -> None:
    async def pay() -> None:
        raise ResourceExhausted("too much")

    with pytest.raises(ResourceExhausted):
        await tokens.token(KEY, pay)
    assert auth.asked == []


def test_a_key_is_found_in_its_header_or_as_a_bearer_token() -> None:
    assert key_in({b"x-api-key": KEY.encode()}, "") == KEY
    assert key_in({}, KEY) == KEY
    assert key_in({b"x-api-key": b""}, "eyJ.x.y") == ""
    assert key_in({}, "eyJ.x.y") == ""


def test_a_key_never_reaches_a_log() -> None:
    assert KEY not in redacted(f"refused {KEY} because")
