"""The signing keys on disk."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services.auth.keys import KeyFileExposed, LocalKeys
from shared.tokens import TokenSigner
from tests.unit.shared.forge import AUDIENCE, ISSUER, Book, Clock, verifier


def test_the_first_start_makes_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "auth" / "keys"
    keys = LocalKeys(folder)
    assert [key.kid for key in keys.published()] == [keys.newest.kid]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert [file.name for file in folder.glob("*.pem")] == [f"{keys.newest.kid}.pem"]


def test_a_key_has_at_least_2048_bits(tmp_path: Path) -> None:
    modulus = LocalKeys(tmp_path / "keys").published()[0].n
    assert len(base64.urlsafe_b64decode(modulus + "==")) >= 256


def test_the_second_start_takes_the_same_key(tmp_path: Path) -> None:
    assert LocalKeys(tmp_path).newest == LocalKeys(tmp_path).newest


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(LocalKeys, [tmp_path] * 4))
    assert len({keys.newest.kid for keys in made}) == 1
    assert len(list(tmp_path.glob("*.pem"))) == 1


def test_a_half_written_key_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / ".20990101T000000-dead.tmp").write_text("-----BEGIN")
    assert "2099" not in LocalKeys(tmp_path).newest.kid


def test_a_key_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    LocalKeys(tmp_path)
    next(tmp_path.glob("*.pem")).chmod(0o640)
    with pytest.raises(KeyFileExposed, match="mode 640"):
        LocalKeys(tmp_path)


async def test_the_newest_key_signs_and_all_are_published(tmp_path: Path) -> None:
    old = LocalKeys(tmp_path)
    token = TokenSigner(old.newest, ISSUER, AUDIENCE, clock=Clock()).sign("u", [], [], "s")
    other = LocalKeys(tmp_path / "other").newest
    newer = tmp_path / "29990101T000000-0badcafe.pem"
    newer.touch(0o600)
    newer.write_text(other.pem)
    both = LocalKeys(tmp_path)
    assert both.newest.kid == newer.stem
    assert [key.kid for key in both.published()] == [newer.stem, old.newest.kid]
    assert (await verifier(both, Book(), Clock()).verify(token)).subject == "u"  # type: ignore[arg-type]


async def test_a_key_that_another_replica_made_is_found(tmp_path: Path) -> None:
    ticks = Clock(0.0)
    keys = LocalKeys(tmp_path, ticks)
    newer = tmp_path / "29990101T000000-0badcafe.pem"
    newer.touch(0o600)
    newer.write_text(keys.newest.pem)
    assert await keys.key(newer.stem) is None
    ticks.now += 3
    found = await keys.key(newer.stem)
    assert found is not None
    assert await keys.key("29990101T000000-00000000") is None
