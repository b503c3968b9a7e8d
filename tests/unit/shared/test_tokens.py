"""Which access tokens hold; which of many forged ones do not is in tests/contract/test_token_attacks.py."""

from __future__ import annotations

import base64
import json

import pytest

from shared.tokens import (
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
    TokenSigner,
)
from tests.unit.shared.forge import AUDIENCE, ISSUER, NOW, Book, Clock, Forge, Keys, verifier

OURS = Forge()
KEYS = Keys([OURS])


def signer(clock: Clock) -> TokenSigner:
    return TokenSigner(OURS.key, ISSUER, AUDIENCE, clock=clock)


async def test_a_signed_token_tells_who_holds_it() -> None:
    clock = Clock()
    token = signer(clock).sign("user-1", ["viewer"], ["demand:read"], "session-1", ["Kent"])
    principal = await verifier(KEYS, Book(), clock).verify(token)
    assert (principal.subject, principal.session_id, principal.token) == ("user-1", "session-1", token)
    assert principal.roles == {"viewer"}
    assert principal.permissions == {"demand:read"}
    assert principal.regions == {"Kent"}


async def test_a_token_without_regions_is_bound_to_none() -> None:
    assert (await verifier(KEYS, Book(), Clock()).verify(OURS.token())).regions is None


async def test_a_token_bound_to_an_empty_set_of_regions_sees_none_of_them() -> None:
    token = OURS.token(claims=OURS.claims(regions=[]))
    assert (await verifier(KEYS, Book(), Clock()).verify(token)).regions == frozenset()


def test_a_signed_token_has_the_header_of_an_access_token_and_microseconds_in_iat() -> None:
    token = signer(Clock(NOW + 0.123456)).sign("u", [], [], "s")
    header, claims = (json.loads(_decode(part)) for part in token.split(".")[:2])
    assert header == {"alg": "RS256", "typ": "at+jwt", "kid": "key-1"}
    assert claims["iat"] == NOW + 0.123456
    assert claims["exp"] == NOW + 900
    assert "regions" not in claims


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_two_tokens_of_one_moment_differ() -> None:
    sign = signer(Clock()).sign
    assert sign("u", [], [], "s") != sign("u", [], [], "s")


def test_a_signing_key_does_not_show_its_secret() -> None:
    assert "PRIVATE" not in f"{OURS.key!r} {OURS.key}"


async def test_an_expired_token_is_refused_at_the_second_it_ends() -> None:
    clock, token = Clock(), OURS.token()
    checks = verifier(KEYS, Book(), clock)
    clock.now = NOW + 899.999
    await checks.verify(token)
    clock.now = NOW + 900
    with pytest.raises(TokenExpired):
        await checks.verify(token)
    with pytest.raises(TokenExpired):
        await verifier(KEYS, Book(), clock).verify(token)


async def test_a_clock_five_seconds_ahead_at_the_issuer_is_forgiven() -> None:
    await verifier(KEYS, Book(), Clock()).verify(OURS.token(claims=OURS.claims(iat=NOW + 4.9)))
    with pytest.raises(TokenInvalid):
        await verifier(KEYS, Book(), Clock()).verify(OURS.token(claims=OURS.claims(iat=NOW + 5.1)))


async def test_a_verified_token_is_not_verified_again() -> None:
    keys, book, token = Keys([OURS]), Book(), OURS.token()
    checks = verifier(keys, book, Clock())
    for _ in range(3):
        await checks.verify(token)
    assert (keys.asked, book.asked) == (1, 1)


async def test_a_revocation_reaches_a_cached_token_with_the_next_epoch() -> None:
    keys, book, token = Keys([OURS]), Book(), OURS.token()
    checks = verifier(keys, book, Clock())
    await checks.verify(token)
    book.sessions.add("session-1")
    book.epoch = 1
    for _ in range(2):
        with pytest.raises(TokenRevoked):
            await checks.verify(token)


async def test_an_epoch_of_another_session_costs_a_look_up_but_no_new_signature_check() -> None:
    keys, book, token = Keys([OURS]), Book(), OURS.token()
    checks = verifier(keys, book, Clock())
    await checks.verify(token)
    book.epoch = 1
    await checks.verify(token)
    await checks.verify(token)
    assert (keys.asked, book.asked) == (1, 2)


async def test_while_the_epoch_is_unknown_every_call_asks() -> None:
    book, token = Book(epoch=None), OURS.token()
    checks = verifier(KEYS, book, Clock())
    for _ in range(3):
        await checks.verify(token)
    assert book.asked == 3


async def test_the_cache_of_tokens_is_bounded_and_forgets_the_least_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.tokens.verifier.MAX_CACHED_TOKENS", 2)
    keys = Keys([OURS])
    checks = verifier(keys, Book(), Clock())
    first, second, third = (OURS.token(claims=OURS.claims(jti=name)) for name in "abc")
    for token in (first, second, first, third, first):
        await checks.verify(token)
    assert keys.asked == 3
    await checks.verify(second)
    assert keys.asked == 4
