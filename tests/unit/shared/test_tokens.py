"""Which access tokens hold, and which of many forged ones do not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.tokens import (
    MAX_TOKEN_LENGTH,
    TokenExpired,
    TokenInvalid,
    TokenRevoked,
    TokenSigner,
)
from tests.unit.shared.forge import AUDIENCE, ISSUER, NOW, Book, Clock, Forge, Keys, b64, dumps, verifier

OURS, THEIRS = Forge(), Forge()
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


def flipped(token: str) -> str:
    """Return the token with one bit of its signature turned."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def swapped_payload() -> str:
    header, _, signature = OURS.token().split(".")
    return f"{header}.{b64(dumps(OURS.claims(roles=['admin'])))}.{signature}"


def header(**changes: Any) -> Callable[[], str]:
    return lambda: OURS.token(header=OURS.header(**changes))


def claims(**changes: Any) -> Callable[[], str]:
    return lambda: OURS.token(claims=OURS.claims(**changes))


def raw(payload: str) -> Callable[[], str]:
    return lambda: OURS.raw(dumps(OURS.header()), payload)


ATTACKS: dict[str, Callable[[], str]] = {
    # not a token
    "empty": lambda: "",
    "one dot": lambda: ".",
    "two dots": lambda: "..",
    "not base64": lambda: "a b.c d.e f",
    "two segments": lambda: ".".join(OURS.token().split(".")[:2]),
    "four segments": lambda: OURS.token() + ".AAAA",
    "five segments, as JWE has": lambda: ".".join(["AAAA"] * 5),
    "JWE header": lambda: OURS.token(header=OURS.header(enc="A256GCM", alg="RSA-OAEP")),
    "padding": lambda: OURS.token() + "==",
    "space before": lambda: " " + OURS.token(),
    "line break after": lambda: OURS.token() + "\n",
    "standard base64 alphabet": lambda: OURS.token().replace("-", "+").replace("_", "/") + "+",
    "null byte": lambda: OURS.token() + "\x00",
    "not ASCII": lambda: OURS.token() + "é",
    "lone surrogate": lambda: OURS.token() + "\ud800",
    "too long": claims(padding="x" * MAX_TOKEN_LENGTH),
    "header is a list": lambda: OURS.raw("[]", dumps(OURS.claims())),
    "header is no JSON": lambda: OURS.raw("{", dumps(OURS.claims())),
    "header is not UTF-8": lambda: b64(b"\xff\xfe\xfd") + "." + OURS.token().split(".", 1)[1],
    "header nested too deep": lambda: OURS.raw("[" * 2500, "{}"),
    # algorithms
    "alg none": lambda: OURS.unsigned("none"),
    "alg None": lambda: OURS.unsigned("None"),
    "alg NONE": lambda: OURS.unsigned("NONE"),
    "alg nOnE with a signature": header(alg="nOnE"),
    "alg none with a signature": header(alg="none"),
    "HS256 keyed with the public key": lambda: OURS.hmac_with_public_key("HS256"),
    "HS384 keyed with the public key": lambda: OURS.hmac_with_public_key("HS384"),
    "HS512 keyed with the public key": lambda: OURS.hmac_with_public_key("HS512"),
    "HMAC behind RS256": lambda: OURS.hmac_with_public_key("RS256"),
    "PS256 by the right key": OURS.pss,
    "ES256": OURS.elliptic,
    "RS384": header(alg="RS384"),
    "RS512": header(alg="RS512"),
    "rs256": header(alg="rs256"),
    "no alg": header(alg=None),
    "alg is a list": header(alg=["RS256"]),
    "alg twice": lambda: OURS.raw('{"alg":"none","alg":"RS256","typ":"at+jwt","kid":"key-1"}', dumps(OURS.claims())),
    # signature
    "signature stripped": lambda: OURS.token().rpartition(".")[0] + ".",
    "signature of one byte": lambda: OURS.token().rpartition(".")[0] + ".AA",
    "signature changed": lambda: flipped(OURS.token()),
    "signature cut": lambda: OURS.token()[:-8],
    "payload swapped": swapped_payload,
    "another key under our kid": THEIRS.token,
    # header fields
    "typ JWT": header(typ="JWT"),
    "typ application/at+jwt": header(typ="application/at+jwt"),
    "typ AT+JWT": header(typ="AT+JWT"),
    "typ id token": header(typ="id+jwt"),
    "no typ": header(typ=None),
    "kid unknown": header(kid="key-2"),
    "kid missing": header(kid=None),
    "kid empty": header(kid=""),
    "kid is a number": header(kid=1),
    "kid is a path": header(kid="../../../dev/null"),
    "kid is SQL": header(kid="x' UNION SELECT 'k"),
    "kid is a command": header(kid="key-1|id"),
    "kid too long": header(kid="k" * 65),
    "kid with a line break": header(kid="key-1\n"),
    "jku": header(jku="https://evil.example/jwks.json"),
    "x5u": header(x5u="https://evil.example/cert.pem"),
    "x5c": header(x5c=["MIIB"]),
    "jwk of the forger": lambda: THEIRS.token(header=THEIRS.header(jwk={"kty": "RSA", "n": "AQAB", "e": "AQAB"})),
    "crit": header(crit=["exp"]),
    "crit empty": header(crit=[]),
    "b64 false": header(b64=False),
    "zip": header(zip="DEF"),
    "cty of a nested token": header(cty="JWT"),
    "x5t": header(x5t="AAAA"),
    # claims
    "payload is a list": raw("[]"),
    "payload is a string": raw('"user-1"'),
    "payload is no JSON": raw("{"),
    "payload nested too deep": raw("[" * 2500),
    "payload says sub twice": raw(dumps(OURS.claims())[:-1] + ',"sub":"admin"}'),
    "payload with NaN": raw(dumps(OURS.claims()).replace(str(NOW + 900), "NaN")),
    "payload with Infinity": raw(dumps(OURS.claims()).replace(str(NOW + 900), "Infinity")),
    "payload with 1e999": raw(dumps(OURS.claims()).replace(str(NOW + 900), "1e999")),
    "payload with a number of 5000 digits": raw(dumps(OURS.claims()).replace(str(NOW + 900), "9" * 5000)),
    "wrong issuer": claims(iss="https://evil.example"),
    "issuer with a slash more": claims(iss=ISSUER + "/"),
    "no issuer": claims(iss=None),
    "issuer in a list": claims(iss=[ISSUER]),
    "wrong audience": claims(aud="another-platform"),
    "ours among the audiences": claims(aud=["another-platform", AUDIENCE]),
    "no audience": claims(aud=None),
    "no subject": claims(sub=None),
    "empty subject": claims(sub=""),
    "subject is a number": claims(sub=1),
    "no session": claims(sid=None),
    "no jti": claims(jti=None),
    "no expiry": claims(exp=None),
    "expiry is text": claims(exp=str(NOW + 900)),
    "expiry is true": claims(exp=True),
    "expiry negative": claims(exp=-1),
    "expiry absurd": claims(exp=1e300),
    "no iat": claims(iat=None),
    "iat is text": claims(iat="yesterday"),
    "issued in the future": claims(iat=NOW + 6),
    "issued after its expiry": claims(iat=NOW, exp=NOW - 1),
    "not yet valid": claims(nbf=NOW + 60),
    "nbf is text": claims(nbf="soon"),
    "roles is text": claims(roles="admin"),
    "roles holds a number": claims(roles=[1]),
    "no roles": claims(roles=None),
    "permissions is an object": claims(permissions={"demand:read": True}),
    "no permissions": claims(permissions=None),
    "regions is text": claims(regions="Kent"),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_a_forged_token_is_refused_without_saying_why(attack: str) -> None:
    with pytest.raises(TokenInvalid) as refused:
        await verifier(KEYS, Book(), Clock()).verify(ATTACKS[attack]())
    assert refused.value.detail == "the access token does not hold; log in again"


def test_the_corpus_of_attacks_is_large_enough() -> None:
    assert len(ATTACKS) >= 60


async def test_the_token_that_the_attacks_start_from_holds() -> None:
    assert (await verifier(KEYS, Book(), Clock()).verify(OURS.token())).subject == "user-1"


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
    monkeypatch.setattr("shared.tokens.MAX_CACHED_TOKENS", 2)
    keys = Keys([OURS])
    checks = verifier(keys, Book(), Clock())
    first, second, third = (OURS.token(claims=OURS.claims(jti=name)) for name in "abc")
    for token in (first, second, first, third, first):
        await checks.verify(token)
    assert keys.asked == 3
    await checks.verify(second)
    assert keys.asked == 4
