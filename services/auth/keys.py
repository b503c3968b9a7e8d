"""The keys that tokens are signed with: made at first start, replaced in time, in files only their owner may read."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from services.auth.store import now
from shared.errors import FailedPrecondition, PlatformError
from shared.tokens import LEEWAY_SECONDS, LIFETIME_SECONDS, PublicKey, SigningKey

KEY_BITS = 2048
RESCAN_SECONDS = 2.0
TEND_SECONDS = 30.0
CLOCKS_DIFFER = timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%S"

log = structlog.get_logger(__name__)


class KeyFileExposed(FailedPrecondition):
    """A key file can be read by others than its owner, so whoever read it can sign tokens."""

    reason = "KEY_FILE_EXPOSED"


class KeyFileStrange(FailedPrecondition):
    """A file among the keys has a name that tells no time, so nobody knows when it may sign."""

    reason = "KEY_FILE_STRANGE"


@dataclass(frozen=True, slots=True)
class Rotation:
    """When keys change. A key is published before it signs, so that whoever keeps a copy of the keys has it by then."""

    every: timedelta = timedelta(days=90)
    publish: timedelta = timedelta(minutes=10)
    """From the making of a key to its first signature; nothing before it for the very first key."""
    keep: timedelta = timedelta(seconds=LIFETIME_SECONDS + LEEWAY_SECONDS) + CLOCKS_DIFFER
    """From the last signature to the deletion of a key: its last token has expired by then."""


class LocalKeys:
    """The keys in a folder, which replicas share. One signs, all are published, those no token needs are deleted.

    Everything follows from the times in the key ids and from the clock, so replicas agree without talking.
    """

    def __init__(
        self,
        folder: Path,
        monotonic: Callable[[], float] = time.monotonic,
        rotation: Rotation = Rotation(),
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._folder, self._monotonic, self._rotation, self._clock = folder, monotonic, rotation, clock
        self._keys: dict[str, SigningKey] = {}
        self._public: dict[str, PublicKey] = {}
        self.reload()

    def reload(self) -> None:
        """Read the folder again, and make the first key if there is none. Raises KeyFileExposed, KeyFileStrange."""
        with _locked(self._folder):
            self._read()
            if not self._keys:
                self._add()

    def rotate(self) -> SigningKey:
        """Return a new key, published from now on; it signs once it has been for as long as it must."""
        with _locked(self._folder):
            self._read()
            return self._add()

    def tend(self) -> None:
        """Make the next key when the newest is old enough, and delete those that no token needs any more."""
        with _locked(self._folder):
            self._read()
            if not self._keys or made_at(max(self._keys)) + self._rotation.every <= self._clock():
                log.info("auth.key_rotated", kid=self._add().kid)
            for kid in self._needless():
                (self._folder / f"{kid}.pem").unlink(missing_ok=True)
                log.info("auth.key_withdrawn", kid=kid)
            self._read()

    async def run(self) -> None:
        """Tend the keys for ever."""
        while True:
            await asyncio.sleep(TEND_SECONDS)
            try:
                await asyncio.to_thread(self.tend)
            except (OSError, PlatformError) as error:
                log.error("auth.keys", detail=str(error))

    @property
    def current(self) -> SigningKey:
        """Return the key that signs: the newest that has been published for long enough."""
        keys = self._keys
        ripe = [kid for kid in keys if self._signs_from(kid) <= self._clock()]
        return keys[max(ripe) if ripe else min(keys)]

    def published(self) -> list[PublicKey]:
        """Return every key that may have signed a token that still holds, or is about to sign; newest first."""
        return [self._public[kid] for kid in sorted(self._public, reverse=True)]

    async def key(self, kid: str) -> PublicKey | None:
        """Return the key of that id."""
        if kid not in self._public and self._monotonic() - self._scanned_at >= RESCAN_SECONDS:
            await asyncio.to_thread(self.reload)
        return self._public.get(kid)

    def _signs_from(self, kid: str) -> datetime:
        return made_at(kid) + self._rotation.publish

    def _needless(self) -> list[str]:
        """Return the keys whose successor has signed for longer than their last token could live."""
        kids = sorted(self._keys)
        moment = self._clock() - self._rotation.keep
        return [kid for kid, after in pairwise(kids) if self._signs_from(after) <= moment]

    def _read(self) -> None:
        keys = {path.stem: self._keys.get(path.stem) or _load(path) for path in sorted(self._folder.glob("*.pem"))}
        self._hold(keys)
        self._scanned_at = self._monotonic()

    def _add(self) -> SigningKey:
        key = _generate(self._folder, self._clock())
        self._hold({**self._keys, key.kid: key})
        return key

    def _hold(self, keys: dict[str, SigningKey]) -> None:
        # Replaced, never changed: others read them from another thread.
        self._public = {kid: self._public.get(kid) or key.public() for kid, key in keys.items()}
        self._keys = keys


def made_at(kid: str) -> datetime:
    """Return when a key was made: its id begins with it. Raises KeyFileStrange."""
    try:
        return datetime.strptime(kid.partition("-")[0], STAMP).replace(tzinfo=UTC)
    except ValueError:
        raise KeyFileStrange(f"{kid}.pem is no key of ours; move it elsewhere") from None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder, so that two processes starting together make one key."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    descriptor = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _load(path: Path) -> SigningKey:
    made_at(path.stem)
    mode = path.stat().st_mode & 0o777
    if mode & 0o077:
        raise KeyFileExposed(f"{path} has mode {mode:o}; make a new key by deleting it, or `chmod 600` it")
    return SigningKey(path.stem, path.read_text())


def _generate(folder: Path, moment: datetime) -> SigningKey:
    """Return a new key, whole on disk under its name or not there at all."""
    kid = f"{moment:{STAMP}}-{secrets.token_hex(4)}"
    pem = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    half = folder / f".{kid}.tmp"
    with os.fdopen(os.open(half, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    half.rename(folder / f"{kid}.pem")
    return SigningKey(kid, pem.decode("ascii"))
