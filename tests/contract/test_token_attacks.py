"""No forged token is believed: not by the verifier, not at a real endpoint of the gateway."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.tokens import TokenExpired, TokenInvalid
from tests.contract.backend import AUDIENCE, ISSUER, Backend, gateway, serving, settings_for
from tests.contract.token_attacks import attacks, expired
from tests.unit.shared.forge import Book, Clock, Forge, Keys, verifier

OURS, THEIRS = Forge(), Forge()
ATTACKS, EXPIRED = attacks(OURS, THEIRS), expired(OURS)
ENDPOINT = "/api/v1/demand-insights/segments"
METHOD = "/demand.v1.DemandService/ListSegments"


def test_the_corpus_is_large_enough_and_no_two_attacks_are_alike() -> None:
    assert len(ATTACKS) + len(EXPIRED) >= 60
    made = {name: attack() for name, attack in ATTACKS.items()}
    assert OURS.token() not in made.values()


@pytest.mark.parametrize("attack", ATTACKS)
async def test_the_verifier_refuses_a_forged_token_without_saying_why(attack: str) -> None:
    checks = verifier(Keys([OURS]), Book(), Clock())
    assert (await checks.verify(OURS.token())).subject == "user-1"
    with pytest.raises(TokenInvalid) as refused:
        await checks.verify(ATTACKS[attack]())
    assert refused.value.detail == "the access token does not hold; log in again"


@pytest.mark.parametrize("attack", EXPIRED)
async def test_the_verifier_refuses_a_token_whose_time_is_over(attack: str) -> None:
    checks = verifier(Keys([OURS]), Book(), Clock())
    assert (await checks.verify(OURS.token())).subject == "user-1"
    with pytest.raises(TokenExpired):
        await checks.verify(EXPIRED[attack]())


@pytest.fixture
async def door() -> AsyncIterator[tuple[Backend, httpx.AsyncClient, Forge]]:
    """A gateway before a real gRPC server, and a forge that holds the very key published there."""
    ours = Forge(issuer=ISSUER, audience=AUDIENCE, now=time.time())
    async with serving(key=ours.key) as backend, gateway(settings_for(backend)) as (client, _):
        yield backend, client, ours


async def knock(client: httpx.AsyncClient, token: str) -> httpx.Response:
    """Return the answer to a token, sent as the bytes it is."""
    value = b"Bearer " + token.encode("utf-8", "surrogatepass")
    return await client.get(ENDPOINT, headers=[(b"authorization", value)])


async def test_the_gateway_lets_no_forged_token_through(door: tuple[Backend, httpx.AsyncClient, Forge]) -> None:
    backend, client, ours = door
    control = ours.token()
    corpus = {**attacks(ours, Forge(issuer=ISSUER, audience=AUDIENCE, now=ours.now)), **expired(ours)}
    answers = {}
    for name, attack in corpus.items():
        token = attack()
        if token.strip() == control:
            continue  # space around a header's value is no part of it
        answers[name] = await knock(client, token)
    accepted = [name for name, answer in answers.items() if answer.status_code != 401]
    assert accepted == []
    assert len(answers) >= len(corpus) - 2
    assert not any(path == METHOD for path, _, _ in backend.asked)
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers.values())
    good = await knock(client, control)
    assert (good.status_code, [path for path, _, _ in backend.asked if path == METHOD]) == (200, [METHOD])


async def test_made_up_key_ids_do_not_become_calls_to_auth(door: tuple[Backend, httpx.AsyncClient, Forge]) -> None:
    backend, client, ours = door
    assert (await knock(client, ours.token())).status_code == 200
    before = len(fetches(backend))
    for number in range(100):
        forged = Forge(f"made-up-{number}", ours.private, ISSUER, AUDIENCE, ours.now)
        assert (await knock(client, forged.token())).status_code == 401
    assert len(fetches(backend)) - before <= 1 + (time.time() - ours.now) / 2


def fetches(backend: Backend) -> list[str]:
    return [path for path, _, _ in backend.asked if path.endswith("/GetJwks")]
