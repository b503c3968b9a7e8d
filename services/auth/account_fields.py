"""What the e-mail address, the name, the roles and the regions of an account may be."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection

from email_validator import EmailNotValidError, validate_email

from shared.errors import FieldError, InvalidArgument
from shared.permissions import ROLES

MAX_NAME_LENGTH = 200
MAX_REGION_LENGTH = 100


class InvalidEmail(InvalidArgument):
    """The e-mail address could not receive mail."""

    reason = "INVALID_EMAIL"


class InvalidName(InvalidArgument):
    """The name is empty, too long or holds what cannot be shown."""

    reason = "INVALID_NAME"


class UnknownRole(InvalidArgument):
    """There is no such role."""

    reason = "UNKNOWN_ROLE"


class InvalidRegion(InvalidArgument):
    """The name of a region is empty or too long."""

    reason = "INVALID_REGION"


def normal_email(email: str) -> str:
    """Return the one form in which an e-mail address is kept and looked for."""
    return unicodedata.normalize("NFC", email.strip()).lower()


def valid_email(email: str) -> str:
    """Return the normal form of an e-mail address. Raises InvalidEmail."""
    try:
        valid = validate_email(email.strip(), check_deliverability=False)
    except EmailNotValidError as error:
        raise InvalidEmail("the e-mail address is not one", errors=[FieldError("email", str(error))]) from error
    return normal_email(valid.normalized)


def valid_name(full_name: str) -> str:
    """Return the name without spaces around it. Raises InvalidName."""
    name = unicodedata.normalize("NFC", full_name).strip()
    if not name or len(name) > MAX_NAME_LENGTH or any(unicodedata.category(letter) == "Cc" for letter in name):
        fault = f"must have 1 to {MAX_NAME_LENGTH} characters, without line breaks or other control characters"
        raise InvalidName(f"the name {fault}", errors=[FieldError("full_name", f"The name {fault}.")])
    return name


def require_roles(roles: Collection[str]) -> None:
    """Return if every role exists. Raises UnknownRole."""
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        fault = f"{', '.join(unknown) or 'no role'}: choose of {', '.join(ROLES)}"
        raise UnknownRole(fault, errors=[FieldError("roles", fault)])


def require_regions(regions: Collection[str]) -> None:
    """Return if every region could be one. Raises InvalidRegion."""
    if not all(0 < len(region.strip()) == len(region) <= MAX_REGION_LENGTH for region in regions):
        fault = f"a region has 1 to {MAX_REGION_LENGTH} characters, without spaces around it"
        raise InvalidRegion(fault, errors=[FieldError("regions", fault)])
