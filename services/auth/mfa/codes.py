"""One-time codes of an authenticator app (RFC 6238), and recovery codes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import secrets
from collections.abc import Iterable

import pyotp
import segno

STEP_SECONDS = 30
SKEW_STEPS = 1
"""Codes of the step before and after are taken too: clocks differ, and people type slowly."""
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
GROUP = 4


def new_secret() -> str:
    """Return a fresh secret of 160 bits, base32."""
    return pyotp.random_base32(32)


def otpauth_uri(secret: str, account: str, issuer: str) -> str:
    """Return the link that authenticator apps take."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def qr_svg(text: str) -> str:
    """Return a QR code as an SVG document without script or outside reference."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", scale=5, border=4, light="#fff", xmldecl=False)
    return drawn.getvalue().decode("utf-8")


def matching_step(secret: str, code: str, seconds: float) -> int | None:
    """Return the time step whose code this is, None when it is of none near `seconds` since 1970."""
    typed = code.strip().replace(" ", "").encode("utf-8", "surrogatepass")
    step = int(seconds) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    near: Iterable[int] = range(step - SKEW_STEPS, step + SKEW_STEPS + 1)
    # Every one is compared, so that time tells nothing.
    found = [one for one in near if hmac.compare_digest(totp.generate_otp(one).encode(), typed)]
    return max(found, default=None)


def new_recovery_codes() -> list[str]:
    """Return ten codes of 80 bits, such as `k3qz-7m2p-…`."""
    return [
        _grouped(base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()) for _ in range(RECOVERY_CODES)
    ]


def hash_recovery_code(code: str, user_id: str) -> str:
    """Return what is stored of a recovery code, however it was typed. 80 random bits need no slow hash."""
    plain = "".join(letter for letter in code.lower() if letter.isalnum())
    return hashlib.sha256(f"{user_id}:{plain}".encode("utf-8", "surrogatepass")).hexdigest()


def _grouped(text: str) -> str:
    return "-".join(text[start : start + GROUP] for start in range(0, len(text), GROUP))
