"""What a registered system is shown of its caller: enough for itself, and nothing that holds anywhere else."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from services.auth.system_tokens import LIFETIME_SECONDS, NotARegisteredSystem, exchanged, scheduled
from shared.permissions import RESOURCES, permissions_of
from shared.principal import Principal
from shared.revocation import NothingRevoked
from shared.tokens import TokenExpired, TokenInvalid, TokenSigner, TokenVerifier, Verified, system_audience
from tests.contract.backend import new_key
from tests.unit.services.demand.conftest import OneKey

ISSUER, AUDIENCE, SYSTEM, NOW = "http://issuer", "shop-insight", "weather", 1_800_000_000.0
KEY = new_key()


def verifier(audience: str, now: float = NOW) -> TokenVerifier:
    return TokenVerifier(OneKey(KEY.public()), ISSUER, audience, NothingRevoked(), clock=lambda: now)


def token_of(permissions: Iterable[str], system: str = SYSTEM, **changes: object) -> str:
    caller = Principal("ada", frozenset({"admin"}), frozenset(permissions), session_id="s1", **changes)
    known = Verified(caller, NOW - 60, NOW + 840, None)
    return made(known, system).access_token


def made(known: Verified, system: str = SYSTEM):
    return exchanged(KEY, known, issuer=ISSUER, audience=AUDIENCE, system=system, now=NOW)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign at the time that the tests go by."""
    signed = TokenSigner.__init__

    def at_now(self: TokenSigner, *arguments: object, **named: object) -> None:
        signed(self, *arguments, **{**named, "clock": lambda: NOW})

    monkeypatch.setattr(TokenSigner, "__init__", at_now)


async def shown(token: str) -> Principal:
    return await verifier(system_audience(AUDIENCE, SYSTEM)).verify(token)


async def test_it_holds_for_that_system_and_nowhere_else() -> None:
    token = token_of({"systems:read"})
    assert (await shown(token)).subject == "ada"
    for audience in (AUDIENCE, system_audience(AUDIENCE, "climate")):
        with pytest.raises(TokenInvalid):
            await verifier(audience).verify(token)


@pytest.mark.parametrize(
    ("held", "told"),
    [
        (permissions_of(["admin"]), {"weather:read", "weather:run", "weather:manage", "pii:read"}),
        (permissions_of(["analyst"]), {"weather:read", "weather:run"}),
        (permissions_of(["viewer"]), {"weather:read"}),
        (permissions_of(["investigator"]), {"pii:read"}),
        ({"demand:read", "platform:manage"}, set()),
        ({"weather:run"}, {"weather:run"}),
    ],
)
async def test_it_says_what_the_caller_may_of_the_system_and_no_more(held: set[str], told: set[str]) -> None:
    found = await shown(token_of(held))
    assert (found.permissions, found.roles) == (told, frozenset())


async def test_regions_and_the_program_stay() -> None:
    found = await shown(token_of({"systems:read"}, regions=frozenset({"North"}), client_id="key-1"))
    assert (found.regions, found.client_id, found.session_id) == ({"North"}, "key-1", "s1")
    none = await shown(token_of({"systems:read"}, regions=frozenset()))
    assert none.regions == frozenset()


async def test_it_ends_within_minutes_and_never_after_the_token_it_is_made_of() -> None:
    caller = Principal("ada", session_id="s1")
    assert made(Verified(caller, NOW - 1, NOW + 840, None)).expires_in == LIFETIME_SECONDS
    assert made(Verified(caller, NOW - 1, NOW + 30.5, None)).expires_in == 30
    with pytest.raises(TokenExpired):
        made(Verified(caller, NOW - 900, NOW + 0.5, None))


@pytest.mark.parametrize("name", [*RESOURCES, "", "Weather", "we", "wea:ther", "weather ", "weather\n", "w" * 33])
def test_no_other_token_of_the_platforms_own_parts_is_made(name: str) -> None:
    with pytest.raises(NotARegisteredSystem):
        token_of({"systems:read"}, name)


async def test_the_schedule_may_run_one_system_and_nothing_else() -> None:
    token = scheduled(KEY, issuer=ISSUER, audience=AUDIENCE, system=SYSTEM).access_token
    found = await shown(token)
    assert (found.subject, found.permissions, found.roles) == ("schedule", {"weather:run"}, frozenset())
    with pytest.raises(TokenInvalid):
        await verifier(AUDIENCE).verify(token)
    for name in ("demand", "auth", "Weather"):
        with pytest.raises(NotARegisteredSystem):
            scheduled(KEY, issuer=ISSUER, audience=AUDIENCE, system=name)
