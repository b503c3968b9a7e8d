"""Mail: into a folder, over SMTP or through Amazon SES."""

from shared.mail.mail import Mail, Mailer, MailFailed
from shared.mail.outbox import Outbox

__all__ = ["Mail", "MailFailed", "Mailer", "Outbox"]
