"""One mail, and what sends it."""

from __future__ import annotations

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime, make_msgid
from typing import Protocol

from shared.errors import Unavailable


class MailFailed(Unavailable):
    """The mail could not be handed over; the server said no or nothing."""

    reason = "MAIL_FAILED"


@dataclass(frozen=True, slots=True, repr=False)
class Mail:
    """A mail in plain text to one person."""

    to: str
    subject: str
    text: str

    def __repr__(self) -> str:
        """Return the subject alone: the text may hold a link that lets one in, the address is personal."""
        return f"Mail(subject={self.subject!r})"

    def message(self, sender: str) -> EmailMessage:
        """Return the mail as it goes over the wire. Line breaks in a header are refused by the library."""
        domain = sender.rpartition("@")[2].rstrip(">")
        message = EmailMessage(policy=SMTP.clone(utf8=not self.to.isascii()))
        message["From"] = sender
        message["To"] = Address(addr_spec=self.to)
        message["Subject"] = self.subject
        message["Date"] = localtime()
        message["Message-ID"] = make_msgid(domain=domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text)
        return message


class Mailer(Protocol):
    """Sends mail."""

    async def send(self, mail: Mail) -> None:
        """Return once the mail is handed over. Raises MailFailed."""
