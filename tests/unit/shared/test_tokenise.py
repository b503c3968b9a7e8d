from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import stat
import tempfile
from pathlib import Path

import pytest

from shared.tokenise import TokenisationKeysUnusable, Tokeniser, masked_email, rotate

KEY = bytes(range(32))


@pytest.fixture
def tokeniser() -> Tokeniser:
    return Tokeniser({"k2": KEY, "k1": bytes(32)})


def test_a_card_becomes_a_token_under_the_newest_key_and_what_may_be_shown(tokeniser: Tokeniser) -> None:
    card = tokeniser.card("4111 1111-1111 1111")
    assert card.token == "k2." + hmac.new(KEY, b"pan:4111111111111111", hashlib.sha256).hexdigest()
    assert (card.bin, card.last4, card.brand) == ("411111", "1111", "visa")
    assert "1111111" not in repr(card)


def test_an_address_is_the_same_in_any_case_and_spacing(tokeniser: Tokeniser) -> None:
    assert tokeniser.address(" 1  Main St,\nTOWN ") == tokeniser.address("1 main st town")
    assert tokeniser.email("Jane.Doe@Example.com ") == ("j***@***.com", tokeniser.email("jane.doe@example.com")[1])


@pytest.mark.parametrize(
    ("address", "masked"), [("a@b.co.uk", "a***@***.uk"), ("a@localhost", "a***@***"), ("none", "***")]
)
def test_an_email_keeps_its_ends_alone(address: str, masked: str) -> None:
    assert masked_email(address) == masked


def test_keys_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "keys.json"
    first, second = Tokeniser.load(path), Tokeniser.load(path)
    assert first.card("4111111111111111") == second.card("4111111111111111")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]


def test_a_rotated_key_makes_new_tokens_and_the_old_one_stays_known(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    before = Tokeniser.load(path)
    assert rotate(path) == "k2"
    after = Tokeniser.load(path)
    assert after.card("4111111111111111").token.startswith("k2.")
    assert after.keys["k1"] == before.keys["k1"]
    assert list(after.keys) == ["k2", "k1"]


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    Tokeniser.load(path)
    path.chmod(0o644)
    with pytest.raises(TokenisationKeysUnusable, match="chmod 600"):
        Tokeniser.load(path)


def test_keys_come_from_the_environment_where_it_has_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENISATION_KEYS", json.dumps({"keys": {"e1": KEY.hex()}}))
    assert Tokeniser.load(tmp_path / "none.json").key_id == "e1"
    assert not (tmp_path / "none.json").exists()
    monkeypatch.setenv("TOKENISATION_KEYS", '{"keys": {"e1": "00ff"}}')
    with pytest.raises(TokenisationKeysUnusable) as refused:
        Tokeniser.load(tmp_path / "none.json")
    assert "00ff" not in refused.value.detail


def test_keys_are_not_shown() -> None:
    assert KEY.hex() not in repr(Tokeniser({"k1": KEY}))
    assert repr(KEY) not in repr(Tokeniser({"k1": KEY}))


@pytest.mark.parametrize("failing", ["mkstemp", "fsync"])
def test_on_a_full_disk_the_keys_stay_what_they_were_and_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "keys.json"
    before = Tokeniser.load(path).keys

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(tempfile if failing == "mkstemp" else os, failing, full)
        for write in (lambda: rotate(path), lambda: Tokeniser.load(tmp_path / "other.json")):
            with pytest.raises(TokenisationKeysUnusable, match=r"No space left on device.*make room"):
                write()
    assert Tokeniser.load(path).keys == before
    assert [one.name for one in tmp_path.iterdir()] == ["keys.json"]
