"""The signing keys on disk."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.auth.keys import KeyFileExposed, KeyFileStrange, LocalKeys, Rotation
from shared.tokens import TokenSigner, TokenVerifier
from tests.unit.shared.forge import AUDIENCE, ISSUER, Book, Clock


def test_the_first_start_makes_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    folder = tmp_path / "auth" / "keys"
    keys = LocalKeys(folder)
    assert [key.kid for key in keys.published()] == [keys.current.kid]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert [file.name for file in folder.glob("*.pem")] == [f"{keys.current.kid}.pem"]


def test_a_key_has_at_least_2048_bits(tmp_path: Path) -> None:
    modulus = LocalKeys(tmp_path / "keys").published()[0].n
    assert len(base64.urlsafe_b64decode(modulus + "==")) >= 256


def test_the_second_start_takes_the_same_key(tmp_path: Path) -> None:
    assert LocalKeys(tmp_path).current == LocalKeys(tmp_path).current


def test_processes_that_start_together_make_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(LocalKeys, [tmp_path] * 4))
    assert len({keys.current.kid for keys in made}) == 1
    assert len(list(tmp_path.glob("*.pem"))) == 1


def test_a_half_written_key_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / ".20990101T000000-dead.tmp").write_text("-----BEGIN")
    assert "2099" not in LocalKeys(tmp_path).current.kid


def test_a_key_that_others_can_read_stops_the_start(tmp_path: Path) -> None:
    LocalKeys(tmp_path)
    next(tmp_path.glob("*.pem")).chmod(0o640)
    with pytest.raises(KeyFileExposed, match="mode 640"):
        LocalKeys(tmp_path)


async def test_a_key_that_another_replica_made_is_found(tmp_path: Path) -> None:
    ticks = Clock(0.0)
    keys = LocalKeys(tmp_path, ticks)
    newer = tmp_path / "29990101T000000-0badcafe.pem"
    newer.touch(0o600)
    newer.write_text(keys.current.pem)
    assert await keys.key(newer.stem) is None
    assert newer.stem not in {key.kid for key in keys.published()}
    ticks.now += 3
    found = await keys.key(newer.stem)
    assert found is not None
    assert await keys.key("29990101T000000-00000000") is None


class Calendar:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def almost_expired(self) -> float:
        return self.now.timestamp() + 899


START = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROTATION = Rotation(every=timedelta(days=90), publish=timedelta(minutes=10), keep=timedelta(minutes=20))


def replica(folder: Path, calendar: Calendar) -> LocalKeys:
    return LocalKeys(folder, rotation=ROTATION, clock=calendar)


def kids(keys: LocalKeys) -> list[str]:
    return [key.kid for key in keys.published()]


def test_a_key_is_replaced_when_it_is_old_enough_and_not_before(tmp_path: Path) -> None:
    calendar = Calendar()
    keys = replica(tmp_path, calendar)
    first = keys.current.kid
    calendar.now = START + timedelta(days=90, seconds=-1)
    keys.tend()
    assert kids(keys) == [first]
    calendar.now = START + timedelta(days=90)
    keys.tend()
    keys.tend()
    assert len(kids(keys)) == 2
    assert kids(keys)[1] == first


def test_a_new_key_is_published_before_it_signs_and_the_old_one_stays_until_its_tokens_are_dead(tmp_path: Path) -> None:
    calendar = Calendar()
    keys = replica(tmp_path, calendar)
    old = keys.current.kid
    calendar.now = START + timedelta(hours=1)
    new = keys.rotate().kid
    assert kids(keys) == [new, old]
    calendar.now += timedelta(minutes=10, seconds=-1)
    assert keys.current.kid == old
    calendar.now += timedelta(seconds=1)
    assert keys.current.kid == new
    calendar.now += timedelta(minutes=20, seconds=-1)
    keys.tend()
    assert kids(keys) == [new, old]
    calendar.now += timedelta(seconds=1)
    keys.tend()
    assert kids(keys) == [new]
    assert [file.stem for file in tmp_path.glob("*.pem")] == [new]


async def test_no_token_is_ever_refused_while_keys_rotate(tmp_path: Path) -> None:
    """A year in steps of a minute around each change: what one replica signs, another with old knowledge verifies."""
    calendar, ticks = Calendar(), Clock(0.0)
    signs = replica(tmp_path, calendar)
    verifies = LocalKeys(tmp_path, ticks, ROTATION, calendar)
    seen: set[str] = set()
    for day in range(0, 365, 5):
        for minute in range(0, 60, 4):
            calendar.now = START + timedelta(days=day, minutes=minute)
            ticks.now += 240
            signs.tend()
            token = TokenSigner(signs, ISSUER, AUDIENCE, clock=calendar.seconds).sign("u", [], [], "s")
            seen.add(signs.current.kid)
            checks = TokenVerifier(verifies, ISSUER, AUDIENCE, Book(), clock=calendar.almost_expired)
            assert (await checks.verify(token)).subject == "u"
    assert len(seen) == 5


def test_replicas_that_share_the_folder_make_one_key_and_agree_which_signs(tmp_path: Path) -> None:
    calendar = Calendar()
    replicas = [replica(tmp_path, calendar) for _ in range(4)]
    calendar.now = START + timedelta(days=91)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(LocalKeys.tend, replicas))
    assert len(list(tmp_path.glob("*.pem"))) == 2
    assert len({keys.current.kid for keys in replicas}) == 1
    calendar.now += timedelta(minutes=10)
    assert len({keys.current.kid for keys in replicas}) == 1
    assert {keys.current.kid for keys in replicas} == {max(kids(replicas[0]))}


def test_the_very_first_key_signs_at_once(tmp_path: Path) -> None:
    assert replica(tmp_path, Calendar()).current


def test_a_file_that_tells_no_time_is_not_taken_for_a_key(tmp_path: Path) -> None:
    keys = replica(tmp_path, Calendar())
    strange = tmp_path / "backup-of-key.pem"
    strange.touch(0o600)
    strange.write_text(keys.current.pem)
    with pytest.raises(KeyFileStrange, match="backup-of-key"):
        replica(tmp_path, Calendar())
