"""The second factor, from enrolling to a lost phone, and the attacks on it; on both databases."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import httpx
import pyotp
import pytest
from sqlmodel import select

from services.auth.accounts import Account, AccountDisabled, Accounts, WrongPassword
from services.auth.mfa.factors import (
    CHALLENGE_TRIES,
    FREE_FAILURES,
    Mfa,
    MfaChallengeOver,
    MfaCodeWrong,
    MfaEnabled,
    MfaLocked,
    MfaNotEnrolled,
)
from services.auth.revocations import LocalRevocations
from services.auth.servicers.messages import to_user
from services.auth.sessions import Sessions
from services.auth.settings import AuthSettings
from services.auth.store import MfaFactorRow, MfaRecoveryCodeRow, UserRow
from shared.db import Database
from shared.seal import Seal, SealBroken, SealKeyExposed
from shared.tokens import TokenSigner, TokenVerifier
from tests.integration.auth.conftest import PASSWORD
from tests.integration.auth.test_service import ADA, Stack
from tests.unit.shared.forge import Forge, Keys

START = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Calendar:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Phone:
    """An authenticator app, with a clock that may be off by some seconds."""

    def __init__(self, secret: str, calendar: Calendar) -> None:
        self._totp, self._calendar = pyotp.TOTP(secret), calendar

    def code(self, off: float = 0) -> str:
        return self._totp.at(self._calendar() + timedelta(seconds=off))

    def wrong(self) -> str:
        """Return a code of no step near now."""
        near = {self.code(off) for off in (-60, -30, 0, 30, 60)}
        return next(code for code in (f"{number:06}" for number in range(10)) if code not in near)


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
async def ada(accounts: Accounts) -> Account:
    return await accounts.create("ada@example.com", PASSWORD, "Ada", ["admin"])


@pytest.fixture
def mfa(database: Database, accounts: Accounts, sessions: Sessions, calendar: Calendar, tmp_path: Path) -> Mfa:
    seal = Seal.of_file(tmp_path / "secrets" / "mfa.key")
    return Mfa(database, accounts, sessions, seal=seal, issuer="Shop Insight", clock=calendar)


@pytest.fixture
async def phone(mfa: Mfa, ada: Account, calendar: Calendar) -> Phone:
    """Ada's phone, with two-factor login on; the code that turned it on is spent."""
    phone = Phone((await mfa.enroll(ada.id, PASSWORD)).secret, calendar)
    phone.recovery_codes = await mfa.enable(ada.id, phone.code())  # type: ignore[attr-defined]
    calendar.forward(90)
    return phone


async def test_what_an_app_needs_is_shown_as_text_link_and_picture(mfa: Mfa, ada: Account) -> None:
    made = await mfa.enroll(ada.id, PASSWORD)
    link = urlsplit(made.otpauth_uri)
    assert (link.scheme, link.netloc, link.path) == ("otpauth", "totp", "/Shop%20Insight:ada%40example.com")
    assert parse_qs(link.query) == {"secret": [made.secret], "issuer": ["Shop Insight"]}
    assert ElementTree.fromstring(made.qr_svg).tag.endswith("svg")
    assert "script" not in made.qr_svg
    assert made.secret not in repr(made)


async def test_nothing_is_asked_for_before_a_code_was_verified(mfa: Mfa, accounts: Accounts, ada: Account) -> None:
    await mfa.enroll(ada.id, PASSWORD)
    account = await accounts.get(ada.id)
    assert not account.second_factor
    assert not to_user(account).mfa_enabled
    with pytest.raises(MfaNotEnrolled):
        await mfa.disable(ada.id, PASSWORD, "000000")


async def test_enrolling_again_replaces_the_secret_until_it_is_on(
    mfa: Mfa, accounts: Accounts, ada: Account, calendar: Calendar
) -> None:
    first = Phone((await mfa.enroll(ada.id, PASSWORD)).secret, calendar)
    second = Phone((await mfa.enroll(ada.id, PASSWORD)).secret, calendar)
    with pytest.raises(MfaCodeWrong):
        await mfa.enable(ada.id, first.code())
    assert len(await mfa.enable(ada.id, second.code())) == 10
    account = await accounts.get(ada.id)
    assert account.second_factor
    assert to_user(account).mfa_enabled
    with pytest.raises(MfaEnabled):
        await mfa.enroll(ada.id, PASSWORD)
    with pytest.raises(MfaEnabled):
        await mfa.enable(ada.id, second.code(30))


async def test_it_takes_the_password_to_enrol_and_both_to_turn_it_off(
    mfa: Mfa, accounts: Accounts, ada: Account, phone: Phone
) -> None:
    with pytest.raises(WrongPassword):
        await mfa.enroll(ada.id, "not the password")
    with pytest.raises(WrongPassword):
        await mfa.disable(ada.id, "not the password", phone.code())
    with pytest.raises(MfaCodeWrong):
        await mfa.disable(ada.id, PASSWORD, phone.wrong())
    await mfa.disable(ada.id, PASSWORD, phone.code())
    assert not (await accounts.get(ada.id)).second_factor
    with pytest.raises(MfaNotEnrolled):
        await mfa.enable(ada.id, phone.code(30))


async def test_a_login_is_finished_with_a_code_once(mfa: Mfa, ada: Account, phone: Phone) -> None:
    challenge = await mfa.challenge(ada)
    tokens, left = await mfa.finish(challenge, phone.code())
    assert (tokens.account.id, left) == (ada.id, None)
    with pytest.raises(MfaChallengeOver):
        await mfa.finish(challenge, phone.code(30))


async def test_no_code_works_twice_even_for_another_login(
    mfa: Mfa, ada: Account, phone: Phone, calendar: Calendar
) -> None:
    code = phone.code()
    await mfa.finish(await mfa.challenge(ada), code)
    with pytest.raises(MfaCodeWrong):
        await mfa.finish(await mfa.challenge(ada), code)
    # Nor one of an earlier step, which nobody has used but somebody may have seen.
    with pytest.raises(MfaCodeWrong):
        await mfa.finish(await mfa.challenge(ada), phone.code(-30))
    calendar.forward(30)
    await mfa.finish(await mfa.challenge(ada), phone.code())


async def test_of_ten_uses_of_one_code_at_once_one_succeeds(mfa: Mfa, ada: Account, phone: Phone) -> None:
    challenges = [await mfa.challenge(ada) for _ in range(10)]
    code = phone.code()
    outcomes = await asyncio.gather(*(mfa.finish(one, code) for one in challenges), return_exceptions=True)
    assert sum(not isinstance(one, Exception) for one in outcomes) == 1
    assert {type(one) for one in outcomes if isinstance(one, Exception)} <= {MfaCodeWrong, MfaLocked}


@pytest.mark.parametrize(("off", "good"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
async def test_a_clock_may_be_off_by_one_step(mfa: Mfa, ada: Account, phone: Phone, off: float, good: bool) -> None:
    challenge = await mfa.challenge(ada)
    if good:
        await mfa.finish(challenge, phone.code(off))
    else:
        with pytest.raises(MfaCodeWrong):
            await mfa.finish(challenge, phone.code(off))


async def test_a_challenge_ends_after_five_minutes(mfa: Mfa, ada: Account, phone: Phone, calendar: Calendar) -> None:
    challenge = await mfa.challenge(ada)
    calendar.forward(300)
    with pytest.raises(MfaChallengeOver):
        await mfa.finish(challenge, phone.code())


async def test_a_challenge_stands_five_tries(mfa: Mfa, ada: Account, phone: Phone) -> None:
    challenge = await mfa.challenge(ada)
    for _ in range(CHALLENGE_TRIES):
        with pytest.raises(MfaCodeWrong):
            await mfa.finish(challenge, phone.wrong())
    with pytest.raises(MfaChallengeOver):
        await mfa.finish(challenge, phone.code())


async def test_guessing_over_many_logins_must_wait_longer_and_longer(
    mfa: Mfa, ada: Account, phone: Phone, calendar: Calendar
) -> None:
    for _ in range(FREE_FAILURES):
        with pytest.raises(MfaCodeWrong):
            await mfa.finish(await mfa.challenge(ada), phone.wrong())
    with pytest.raises(MfaLocked, match="try again in 30 seconds"):
        await mfa.finish(await mfa.challenge(ada), phone.code())
    # A recovery code does not get around it: it can be guessed at just as well.
    with pytest.raises(MfaLocked):
        await mfa.finish(await mfa.challenge(ada), phone.recovery_codes[0])  # type: ignore[attr-defined]
    calendar.forward(30)
    with pytest.raises(MfaCodeWrong):
        await mfa.finish(await mfa.challenge(ada), phone.wrong())
    calendar.forward(59)
    with pytest.raises(MfaLocked):
        await mfa.finish(await mfa.challenge(ada), phone.code())
    calendar.forward(1)
    await mfa.finish(await mfa.challenge(ada), phone.code())
    calendar.forward(30)
    await mfa.finish(await mfa.challenge(ada), phone.code())


@pytest.mark.parametrize("challenge", ["", "x", "ü\ud800", "a" * 128])
async def test_a_made_up_challenge_is_none(mfa: Mfa, phone: Phone, challenge: str) -> None:
    with pytest.raises(MfaChallengeOver):
        await mfa.finish(challenge, phone.code())


async def test_a_challenge_belongs_to_its_account(mfa: Mfa, accounts: Accounts, ada: Account, phone: Phone) -> None:
    bob = await accounts.register("bob@example.com", PASSWORD, "Bob")
    with pytest.raises(MfaChallengeOver):
        await mfa.finish(await mfa.challenge(bob), phone.code())
    tokens, _ = await mfa.finish(await mfa.challenge(ada), phone.code())
    assert tokens.account.id == ada.id


@pytest.mark.parametrize("code", ["", " ", "12345", "1234567", "abcdef", "１２３４５６", "000000\n000000", "ü\ud800"])
async def test_what_is_no_code_is_wrong(mfa: Mfa, ada: Account, phone: Phone, code: str) -> None:
    with pytest.raises(MfaCodeWrong):
        await mfa.finish(await mfa.challenge(ada), code)


async def test_a_recovery_code_works_once_however_it_is_typed(mfa: Mfa, ada: Account, phone: Phone) -> None:
    codes: list[str] = phone.recovery_codes  # type: ignore[attr-defined]
    assert len(set(codes)) == 10
    _, left = await mfa.finish(await mfa.challenge(ada), codes[0])
    assert left == 9
    _, left = await mfa.finish(await mfa.challenge(ada), f" {codes[1].upper().replace('-', ' ')} ")
    assert left == 8
    with pytest.raises(MfaCodeWrong):
        await mfa.finish(await mfa.challenge(ada), codes[0])


async def test_recovery_codes_of_another_are_wrong_and_turning_it_off_ends_them(
    mfa: Mfa, accounts: Accounts, ada: Account, phone: Phone, calendar: Calendar
) -> None:
    bob = await accounts.register("bob@example.com", PASSWORD, "Bob")
    his = Phone((await mfa.enroll(bob.id, PASSWORD)).secret, calendar)
    theirs = await mfa.enable(bob.id, his.code())
    with pytest.raises(MfaCodeWrong):
        await mfa.finish(await mfa.challenge(ada), theirs[0])
    waiting = await mfa.challenge(ada)
    old: list[str] = phone.recovery_codes  # type: ignore[attr-defined]
    await mfa.disable(ada.id, PASSWORD, old[0])
    with pytest.raises(MfaChallengeOver):
        await mfa.finish(waiting, old[1])
    again = Phone((await mfa.enroll(ada.id, PASSWORD)).secret, calendar)
    await mfa.enable(ada.id, again.code())
    with pytest.raises(MfaCodeWrong):
        await mfa.finish(await mfa.challenge(ada), old[1])


async def test_secret_and_codes_are_not_to_be_read_in_the_database(
    mfa: Mfa, database: Database, ada: Account, calendar: Calendar, tmp_path: Path
) -> None:
    secret = (await mfa.enroll(ada.id, PASSWORD)).secret
    codes = await mfa.enable(ada.id, Phone(secret, calendar).code())
    async with database.session() as session:
        factor = await session.get_one(MfaFactorRow, ada.id)
        hashes = list(await session.scalars(select(MfaRecoveryCodeRow.code_hash)))
    stored = f"{factor.sealed_secret} {hashes}"
    assert secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    key = tmp_path / "secrets" / "mfa.key"
    assert (stat.S_IMODE(key.stat().st_mode), stat.S_IMODE(key.parent.stat().st_mode)) == (0o600, 0o700)
    assert Seal.of_file(key).open(factor.sealed_secret, ada.id) == secret
    with pytest.raises(SealBroken):
        Seal.of_file(key).open(factor.sealed_secret, "somebody-else")
    with pytest.raises(SealBroken):
        Seal.of_file(tmp_path / "other.key").open(factor.sealed_secret, ada.id)
    key.chmod(0o644)
    with pytest.raises(SealKeyExposed):
        Seal.of_file(key)


async def test_a_disabled_account_does_not_finish_its_login(
    mfa: Mfa, database: Database, ada: Account, phone: Phone, calendar: Calendar
) -> None:
    challenge = await mfa.challenge(ada)
    async with database.transaction() as session:
        (await session.get_one(UserRow, ada.id)).disabled_at = calendar()
    with pytest.raises(AccountDisabled):
        await mfa.finish(challenge, phone.code())


async def test_a_role_that_needs_a_second_factor_counts_for_nothing_without_one(
    database: Database,
    signer: TokenSigner,
    revocations: LocalRevocations,
    accounts: Accounts,
    ada: Account,
    forge: Forge,
    calendar: Calendar,
    tmp_path: Path,
) -> None:
    sessions = Sessions(database, signer, revocations, second_factor_roles=["admin"])
    verifier = TokenVerifier(Keys([forge]), "https://shop.example.com", "shop-insight", revocations)
    bare = await sessions.open(ada)
    principal = await verifier.verify(bare.access_token)
    assert (principal.roles, principal.permissions) == (frozenset(), frozenset())
    seal = Seal.of_file(tmp_path / "mfa.key")
    mfa = Mfa(database, accounts, sessions, seal=seal, issuer="Shop Insight", clock=calendar)
    phone = Phone((await mfa.enroll(ada.id, PASSWORD)).secret, calendar)
    await mfa.enable(ada.id, phone.code())
    whole = await verifier.verify((await sessions.refresh(bare.refresh_token)).access_token)
    assert (whole.roles, "auth:manage" in whole.permissions) == ({"admin"}, True)
    viewer = await accounts.register("bob@example.com", PASSWORD, "Bob")
    assert (await verifier.verify((await sessions.open(viewer)).access_token)).roles == {"viewer"}


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Stack]]:
    stack = Stack(AuthSettings(var_dir=tmp_path))
    await stack.start()
    stack.connect()
    async with httpx.AsyncClient(base_url=f"http://{stack.at.http_address}/api/v1/auth", timeout=60) as client:
        yield client, stack
    await stack.remote.close()
    await stack.channel.close()
    await stack.stop()


async def test_over_rest_from_enrolling_to_a_login_with_a_cookie(
    http: tuple[httpx.AsyncClient, Stack], capfd: pytest.CaptureFixture[str]
) -> None:
    client, stack = http
    login = await stack.register_and_log_in()
    me = {"Authorization": f"Bearer {login.access_token}"}
    made = await client.post("/mfa/enroll", json={"password": PASSWORD}, headers=me)
    assert made.status_code == 200, made.text
    assert made.headers["cache-control"] == "no-store, no-transform"
    totp = pyotp.TOTP(made.json()["secret"])
    on = await client.post("/mfa/verify", json={"code": totp.now()}, headers=me)
    codes = on.json()["recovery_codes"]
    first = await client.post("/login", json=ADA, headers={"X-Session": "cookie"})
    assert (first.json()["mfa_required"], first.json()["access_token"]) == (True, "")
    assert "set-cookie" not in first.headers
    challenge = first.json()["mfa_challenge"]
    for stranger in (challenge, totp.secret):  # neither opens anything by itself
        bearer = {"Authorization": f"Bearer {stranger}"}
        assert (await client.get("/me", headers=bearer)).json()["reason"] == "TOKEN_INVALID"
    wrong = await client.post("/login/mfa", json={"mfa_challenge": challenge, "code": "wrong"})
    assert (wrong.status_code, wrong.json()["reason"]) == (401, "MFA_CODE_WRONG")
    form = {"mfa_challenge": challenge, "code": codes[0]}
    done = await client.post("/login/mfa", json=form, headers={"X-Session": "cookie"})
    assert (done.status_code, done.json()["recovery_codes_left"]) == (200, 9)
    assert "refresh_token" not in done.json()
    assert "Path=/api/v1/auth;" in done.headers["set-cookie"]
    again = await client.post("/refresh", json={}, headers={"X-Session": "cookie"})
    assert again.status_code == 200, again.text
    me = {"Authorization": f"Bearer {again.json()['access_token']}"}
    off = await client.request("DELETE", "/mfa", json={"password": PASSWORD, "code": codes[1]}, headers=me)
    assert off.status_code == 200, off.text
    assert (await client.post("/login", json=ADA)).json()["access_token"]
    written = "".join(capfd.readouterr())
    assert "auth.mfa_enabled" in written
    assert not any(secret in written for secret in (totp.secret, challenge, *codes, PASSWORD))


async def test_a_login_and_turning_it_off_at_once_wait_for_each_other(
    mfa: Mfa, ada: Account, phone: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither holds what the other waits for: a database would break one off to let the other go on."""
    challenge, off_has_factor, login_has_challenge = await mfa.challenge(ada), asyncio.Event(), asyncio.Event()
    waiting, take = mfa._waiting, mfa._take

    async def held(*given: Any) -> Any:
        found = await waiting(*given)
        login_has_challenge.set()
        with suppress(TimeoutError):  # where the other waits for this one, as it should
            await asyncio.wait_for(off_has_factor.wait(), 0.5)
        return found

    async def taken(*given: Any) -> str:
        off_has_factor.set()
        return await take(*given)

    monkeypatch.setattr(mfa, "_waiting", held)
    monkeypatch.setattr(mfa, "_take", taken)
    login = asyncio.create_task(mfa.finish(challenge, phone.code()))
    await login_has_challenge.wait()
    off, finished = await asyncio.gather(mfa.disable(ada.id, PASSWORD, phone.code(30)), login, return_exceptions=True)
    assert off is None
    assert isinstance(finished, tuple | MfaChallengeOver), finished
