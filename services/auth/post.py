"""Mail that is asked for while a request is answered and written afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import structlog

from shared.errors import ResourceExhausted

log = structlog.get_logger(__name__)


class MailBusy(ResourceExhausted):
    """More mails wait to be written than can be in good time."""

    reason = "MAIL_BUSY"


class Purpose(StrEnum):
    """What a link, or a mail without one, is for."""

    VERIFY = "verify"
    CHANGE = "change"
    RESET = "reset"
    INVITE = "invite"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  the name of a notice
    EMAIL_CHANGED = "email-changed"
    MFA_RESET = "mfa-reset"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to write: to the user of that id, or to whoever has that address; for a change, to the new address."""

    purpose: Purpose
    user_id: str = ""
    email: str = ""
    proved: str = field(default="", repr=False)
    """The hash of the password that it was asked for with; it is not written once there is another."""

    def __repr__(self) -> str:
        """Return what it is for, without whom it goes to."""
        return f"Letter({self.purpose})"


class Post(Protocol):
    """Takes letters."""

    def ask(self, letter: Letter) -> None:
        """Have a letter written soon. Raises MailBusy when too many wait."""


class Nowhere:
    """Takes letters and writes none: for commands at a shell."""

    def ask(self, letter: Letter) -> None:
        """Do nothing."""


def ask_if_possible(post: Post, letter: Letter) -> None:
    """Have a letter written soon about what is done already: too many that wait are logged, and undo nothing."""
    try:
        post.ask(letter)
    except MailBusy:
        log.warning("auth.mail_dropped", purpose=letter.purpose, remedy="the person may ask for a new link")
