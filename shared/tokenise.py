"""What stands in for a card number, an e-mail address or a street address: HMAC-SHA-256 under rotating keys.

A token says which key made it (`k1.…`), so that tokens of a key that was rotated away are known for what they are. The
newest key makes all new tokens. Keys lie in one file that only its owner reads, or in TOKENISATION_KEYS.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import tempfile
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.errors import FailedPrecondition
from shared.pans import brand_of, digits_of

KEYS_VARIABLE = "TOKENISATION_KEYS"
KEY_BYTES = 32
OWNER_ONLY = 0o600
DIGEST = "sha256"


class TokenisationKeysUnusable(FailedPrecondition):
    """The keys cannot be read, or are not keys."""

    reason = "TOKENISATION_KEYS_UNUSABLE"


@dataclass(frozen=True, slots=True)
class Card:
    """What may be kept of a card number."""

    token: str
    bin: str
    last4: str
    brand: str | None


@dataclass(frozen=True, slots=True)
class Tokeniser:
    """Makes tokens under the newest of its keys."""

    keys: Mapping[str, bytes] = field(repr=False)
    """Key id → key, newest first."""

    @classmethod
    def load(cls, path: Path) -> Tokeniser:
        """Return the tokeniser of TOKENISATION_KEYS, else of the file, which is made with one key where there is none.

        Raises TokenisationKeysUnusable.
        """
        given = os.environ.get(KEYS_VARIABLE)
        if given:
            return cls(_parsed(given, KEYS_VARIABLE))
        if not path.exists():
            _made(path, {"k1": secrets.token_hex(KEY_BYTES)})
        try:
            content = path.read_text()
        except OSError as error:
            raise TokenisationKeysUnusable(f"{path}: {error.strerror}; it must be readable by this user") from None
        if path.stat().st_mode & 0o077:
            raise TokenisationKeysUnusable(f"{path} can be read by others; `chmod 600 {path}`")
        return cls(_parsed(content, str(path)))

    @property
    def key_id(self) -> str:
        """Return the id of the key that makes new tokens."""
        return next(iter(self.keys))

    def card(self, pan: str) -> Card:
        """Return what may be kept of a card number, however its digits are set apart."""
        digits = digits_of(pan)
        return Card(self.digest("pan", digits), digits[:6], digits[-4:], brand_of(digits))

    def email(self, text: str) -> tuple[str, str]:
        """Return an address with all but its ends starred out, and its HMAC, the same in any case or form."""
        plain = unicodedata.normalize("NFKC", text).strip().casefold()
        return masked_email(plain), self.digest("email", plain)

    def address(self, text: str) -> str:
        """Return the HMAC of a postal address, the same in any case and spacing."""
        plain = " ".join(unicodedata.normalize("NFKC", text).casefold().replace(",", " ").split())
        return self.digest("address", plain)

    def digest(self, what: str, text: str) -> str:
        """Return `<key id>.<HMAC-SHA-256>` of a text; `what` keeps one kind's tokens apart from another's."""
        key_id, key = next(iter(self.keys.items()))
        return f"{key_id}.{hmac.digest(key, f'{what}:{text}'.encode(), DIGEST).hex()}"


def masked_email(text: str) -> str:
    """Return an e-mail address with all but its ends starred out: `j***@***.com`."""
    local, at, domain = text.strip().rpartition("@")
    if not at:
        return "***"
    ending = domain.rpartition(".")[2] if "." in domain else ""
    return f"{local[:1]}***@***" + (f".{ending}" if ending else "")


def rotate(path: Path) -> str:
    """Return the id of a new key put before those in the file; old tokens stay what they are."""
    keys = {name: key.hex() for name, key in Tokeniser.load(path).keys.items()}
    key_id = f"k{len(keys) + 1}"
    _written(path, {key_id: secrets.token_hex(KEY_BYTES), **keys})
    return key_id


def _parsed(content: str, where: str) -> dict[str, bytes]:
    try:
        keys = {str(name): bytes.fromhex(key) for name, key in json.loads(content)["keys"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        keys = {}
    if not keys or any(len(key) < KEY_BYTES or "." in name for name, key in keys.items()):
        wanted = '{"keys": {"k1": "<64 hex digits>"}}, newest first'
        raise TokenisationKeysUnusable(f"{where} does not hold keys; it must read {wanted}")
    return keys


def _made(path: Path, keys: Mapping[str, str]) -> None:
    """Write the file unless another process came first: then its keys hold for both."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise TokenisationKeysUnusable(f"{path.parent} cannot be made: {error.strerror}") from None
    partial = _partial(path, keys)
    try:
        os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        partial.unlink()


def _written(path: Path, keys: Mapping[str, str]) -> None:
    _partial(path, keys).replace(path)


def _partial(path: Path, keys: Mapping[str, str]) -> Path:
    """Return a file beside `path` that holds the keys whole. Raises TokenisationKeysUnusable."""
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".keys-")
        with os.fdopen(descriptor, "w") as file:
            json.dump({"keys": dict(keys)}, file)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(OWNER_ONLY)
    except OSError as error:
        if name:
            Path(name).unlink(missing_ok=True)
        raise TokenisationKeysUnusable(
            f"{path}: new keys cannot be written ({error.strerror}); make room or mend the folder's permissions. "
            "What was there before stands"
        ) from None
    return Path(name)
