"""What a password must be: long and not guessable. A mix of characters is not asked for (NIST SP 800-63B)."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path

from services.auth.breached import Breached
from services.auth.passwords import MAX_LENGTH
from shared.errors import FieldError, InvalidArgument

MIN_LENGTH = 12
MIN_DISTINCT = 5
MIN_NAME_PART = 4
COMMON = Path(__file__).parent / "common_passwords.txt"


class WeakPassword(InvalidArgument):
    """The password could be guessed; the detail says what is missing."""

    reason = "WEAK_PASSWORD"


class PasswordRules:
    """What is asked of every password that anybody chooses."""

    def __init__(self, breached: Breached | None = None) -> None:
        self._breached = breached or Breached()

    async def require(self, password: str, email: str, full_name: str, field: str = "password") -> None:
        """Return if the password may be used. Raises WeakPassword with everything that is wrong.

        Args:
            password: the password.
            email: whose it will be.
            full_name: their name.
            field: field of the request that holds the password.
        """
        wrong = weaknesses(password, email, full_name)
        if not wrong and await self._breached.holds(password):
            wrong = ["is known from a breach, so it is among those that are tried first"]
        if wrong:
            raise WeakPassword(
                f"the password {'; it '.join(wrong)}",
                errors=[FieldError(field, f"The password {fault}.") for fault in wrong],
            )


def weaknesses(password: str, email: str, full_name: str) -> list[str]:
    """Return what is wrong with a password, as the rest of a sentence that begins `the password`."""
    plain = unicodedata.normalize("NFKC", password[: MAX_LENGTH + 1])
    found = (
        (len(password) > MAX_LENGTH, f"may have at most {MAX_LENGTH} characters"),
        (len(plain) < MIN_LENGTH, f"needs at least {MIN_LENGTH} characters and has {len(plain)}"),
        (len(set(plain)) < MIN_DISTINCT, f"needs at least {MIN_DISTINCT} different characters"),
        (is_common(plain), "is one of the most common passwords, or hardly differs from one"),
        (_holds_any(plain, [email.partition("@")[0]]), "must not hold the e-mail address"),
        (_holds_any(plain, full_name.split()), "must not hold the name"),
    )
    return [fault for wrong, fault in found if wrong]


def is_common(password: str) -> bool:
    """Return whether the password is in the list, once or repeated, with or without digits and signs around it."""
    folded = password.casefold()
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    forms = {folded, core, _unrepeated(folded), _unrepeated(core)}
    return not forms.isdisjoint(common_passwords())


@cache
def common_passwords() -> frozenset[str]:
    """Return the passwords that are tried first, in lower case."""
    return frozenset(COMMON.read_text(encoding="utf-8").split())


def _unrepeated(text: str) -> str:
    """Return `abc` for `abcabcabc`, and any other text as it is."""
    match = re.fullmatch(r"(.+?)\1+", text)
    return match[1] if match else text


def _holds_any(password: str, parts: list[str]) -> bool:
    folded = password.casefold()
    names = (unicodedata.normalize("NFKC", part).casefold() for part in parts)
    return any(len(name) >= MIN_NAME_PART and name in folded for name in names)
