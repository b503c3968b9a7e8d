"""API keys over a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from services.auth.api_keys import (
    MOST_KEYS,
    ApiKeyNotFound,
    ApiKeyRotated,
    ApiKeys,
    InvalidLifetime,
    ScopeNotHeld,
    TooManyApiKeys,
)
from services.auth.parts import Parts
from services.auth.store import ApiKeyRow
from services.auth.users import Change
from shared.api_keys import KEY, ApiKeyInvalid
from shared.db import Database
from shared.principal import Principal
from shared.tokens import TokenRevoked
from tests.integration.auth.conftest import caller

MONTH = timedelta(days=30)
READ = ["demand:read"]


class Calendar:
    def __init__(self) -> None:
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
async def ada(parts: Parts) -> Principal:
    return await caller(parts, "ada@example.com", "analyst")


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def keys(parts: Parts, calendar: Calendar) -> ApiKeys:
    own = parts.api_keys
    return ApiKeys(own.database, own.signer, own.revocations, own.lacks_second_factor, calendar)


async def holder(parts: Parts, keys: ApiKeys, key: str) -> Principal:
    return await parts.verifier.verify((await keys.exchange(key)).access_token)


async def test_a_key_is_swapped_for_a_token_of_its_scopes(parts: Parts, keys: ApiKeys, ada: Principal) -> None:
    made = await keys.create(ada, "nightly", READ, MONTH)
    assert KEY.fullmatch(made.key)
    assert (await keys.exchange(made.key)).expires_in == 300
    found = await holder(parts, keys, made.key)
    assert (found.subject, found.permissions, found.session_id) == (ada.subject, {"demand:read"}, made.row.id)
    assert found.roles == {"api_user"}


async def test_a_key_is_stored_only_as_its_hash(keys: ApiKeys, database: Database, ada: Principal) -> None:
    made = await keys.create(ada, "nightly", READ, MONTH)
    async with database.session() as session:
        row = (await session.scalars(select(ApiKeyRow))).one()
    assert made.key not in str(row.model_dump())
    assert made.key.split("_", 2)[2] not in repr(made) + str(row.model_dump())


@pytest.mark.parametrize("spoilt", ["", "si_", "x", "si_ABCDEFGH_" + "a" * 43, "si_é" + "a" * 60])
async def test_what_is_no_key_of_ours_is_refused(keys: ApiKeys, ada: Principal, spoilt: str) -> None:
    await keys.create(ada, "nightly", READ, MONTH)
    with pytest.raises(ApiKeyInvalid):
        await keys.exchange(spoilt)


async def test_the_prefix_alone_opens_nothing(keys: ApiKeys, ada: Principal) -> None:
    made = await keys.create(ada, "nightly", READ, MONTH)
    other = "B" if made.key[-1] == "A" else "A"
    with pytest.raises(ApiKeyInvalid):
        await keys.exchange(made.key[:-1] + other)


@pytest.mark.parametrize("scopes", [["auth:manage"], ["demand:read", "pii:read"], ["nonsense"], []])
async def test_a_key_may_do_no_more_than_its_owner(keys: ApiKeys, ada: Principal, scopes: list[str]) -> None:
    with pytest.raises(ScopeNotHeld):
        await keys.create(ada, "nightly", scopes, MONTH)


async def test_what_the_owner_may_do_no_more_the_key_may_not_either(
    parts: Parts, keys: ApiKeys, ada: Principal
) -> None:
    admin = await caller(parts, "root@example.com", "admin")
    made = await keys.create(ada, "nightly", ["demand:read", "demand:run"], MONTH)
    before = await holder(parts, keys, made.key)
    await parts.users.change(admin, ada.subject, Change(roles=["viewer"]))
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(before.token)
    assert (await holder(parts, keys, made.key)).permissions == {"demand:read"}
    await parts.users.change(admin, ada.subject, Change(disabled=True))
    with pytest.raises(ApiKeyInvalid):
        await keys.exchange(made.key)


async def test_a_revoked_key_is_refused_with_the_tokens_made_of_it(parts: Parts, keys: ApiKeys, ada: Principal):
    made = await keys.create(ada, "nightly", READ, MONTH)
    found = await holder(parts, keys, made.key)
    await keys.revoke(ada.subject, made.row.id)
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(found.token)
    with pytest.raises(ApiKeyInvalid):
        await keys.exchange(made.key)
    with pytest.raises(ApiKeyNotFound):
        await keys.revoke(ada.subject, made.row.id)
    assert await keys.held(ada.subject) == []
    await parts.verifier.verify(ada.token)


async def test_a_key_ends_by_itself_and_its_last_token_with_it(keys: ApiKeys, calendar: Calendar, ada: Principal):
    made = await keys.create(ada, "nightly", READ, timedelta(days=1))
    calendar.now += timedelta(days=1) - timedelta(seconds=60)
    assert (await keys.exchange(made.key)).expires_in == 60
    calendar.now += timedelta(seconds=60)
    with pytest.raises(ApiKeyInvalid):
        await keys.exchange(made.key)


async def test_a_rotated_key_holds_until_the_overlap_ends(keys: ApiKeys, calendar: Calendar, ada: Principal) -> None:
    old = await keys.create(ada, "nightly", READ, MONTH)
    new = await keys.rotate(ada, old.row.id, timedelta(hours=24))
    assert (new.row.rotated_from, new.row.name, new.row.scopes) == (old.row.id, "nightly", "demand:read")
    await keys.exchange(old.key)
    await keys.exchange(new.key)
    with pytest.raises(ApiKeyRotated):
        await keys.rotate(ada, old.row.id, timedelta(hours=24))
    calendar.now += timedelta(hours=24)
    with pytest.raises(ApiKeyInvalid):
        await keys.exchange(old.key)
    await keys.exchange(new.key)
    assert [row.id for row in await keys.held(ada.subject)] == [new.row.id]


async def test_without_an_overlap_the_old_key_ends_at_once(parts: Parts, keys: ApiKeys, ada: Principal) -> None:
    old = await keys.create(ada, "nightly", READ, MONTH)
    token = (await keys.exchange(old.key)).access_token
    new = await keys.rotate(ada, old.row.id, timedelta())
    with pytest.raises(ApiKeyInvalid):
        await keys.exchange(old.key)
    with pytest.raises(TokenRevoked):
        await parts.verifier.verify(token)
    await keys.exchange(new.key)


async def test_the_last_use_is_noted_at_most_once_a_minute(keys: ApiKeys, calendar: Calendar, ada: Principal) -> None:
    made, first = await keys.create(ada, "nightly", READ, MONTH), calendar.now
    noted = []
    for seconds in (0, 59, 1):
        calendar.now += timedelta(seconds=seconds)
        await keys.exchange(made.key)
        noted.append((await keys.held(ada.subject))[0].last_used_at)
    assert noted == [first, first, first + timedelta(seconds=60)]


async def test_nobody_touches_the_keys_of_another(parts: Parts, keys: ApiKeys, ada: Principal) -> None:
    made = await keys.create(ada, "nightly", READ, MONTH)
    mallory = await caller(parts, "mallory@example.com", "admin")
    assert await keys.held(mallory.subject) == []
    with pytest.raises(ApiKeyNotFound):
        await keys.revoke(mallory.subject, made.row.id)
    with pytest.raises(ApiKeyNotFound):
        await keys.rotate(mallory, made.row.id, MONTH)
    await keys.exchange(made.key)


async def test_nobody_has_keys_without_end(keys: ApiKeys, database: Database, ada: Principal) -> None:
    for wrong in (timedelta(), timedelta(days=366), timedelta(days=-1)):
        with pytest.raises(InvalidLifetime):
            await keys.create(ada, "nightly", READ, wrong)
    async with database.transaction() as session:
        for number in range(MOST_KEYS):
            moment = keys.clock()
            end = moment + MONTH
            row = ApiKeyRow(user_id=ada.subject, name="k", prefix=f"{number:08}", key_hash="x", scopes="")
            row.created_at, row.expires_at = moment, end
            session.add(row)
    with pytest.raises(TooManyApiKeys):
        await keys.create(ada, "nightly", READ, MONTH)


async def test_a_key_may_nothing_while_its_owner_lacks_a_second_factor_that_their_role_needs(
    parts: Parts, ada: Principal, calendar: Calendar
) -> None:
    lacking: set[str] = set()
    own = parts.api_keys
    keys = ApiKeys(own.database, own.signer, own.revocations, lambda account: account.id in lacking, calendar)
    made = await keys.create(ada, "before the rule", READ, MONTH)
    assert (await holder(parts, keys, made.key)).permissions == frozenset(READ)
    lacking.add(ada.subject)
    assert (await holder(parts, keys, made.key)).permissions == frozenset()
    with pytest.raises(ScopeNotHeld):
        await keys.create(ada, "after the rule", READ, MONTH)
    with pytest.raises(ScopeNotHeld):
        await keys.rotate(ada, made.row.id, timedelta())
