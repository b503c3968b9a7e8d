"""Mail over a real SMTP conversation and through a server that answers as SES does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, cast

import boto3
import pytest

from shared.mail import Mail, MailFailed
from shared.mail.opened import open_mailer
from shared.mail.settings import MailSettings
from tests.s3_server import KEYS, s3_server

MAIL = Mail("ada@example.com", "Größe: confirm", "Open this link:\n\nhttps://shop.example.com/x#token=abc\n")
FROM = "Shop Insight <no-reply@shop.example.com>"


class SmtpServer:
    """Takes mail as RFC 5321 says, and refuses senders on wish."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.refuses = False
        self.port = 0
        self.talking: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.talking.add(cast(asyncio.Task[Any], asyncio.current_task()))
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).strip():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self.taken.append((await reader.readuntil(b"\r\n.\r\n"))[:-3])
                writer.write(b"250 taken\r\n")
            elif verb == b"RCPT" and self.refuses:
                writer.write(b"550 <ada@example.com> is not known here\r\n")
            else:
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
        writer.close()


@asynccontextmanager
async def smtp_server() -> AsyncIterator[SmtpServer]:
    server = SmtpServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield server
        await asyncio.gather(*server.talking)


def settings(**changes: Any) -> MailSettings:
    return MailSettings(mail_from=FROM, **changes)


async def test_a_mail_arrives_over_smtp_as_it_was_written() -> None:
    async with smtp_server() as server:
        known = settings(mail="smtp", smtp_host="127.0.0.1", smtp_port=server.port, smtp_tls="none")
        async with open_mailer(known) as mailer:
            await mailer.send(MAIL)
    taken = message_from_bytes(server.taken[0], policy=default)
    assert (taken["To"], taken["From"], taken["Subject"]) == (MAIL.to, FROM, MAIL.subject)
    assert taken.get_content().replace("\r\n", "\n") == MAIL.text
    assert taken["Message-ID"].endswith("@shop.example.com>")
    assert taken["Auto-Submitted"] == "auto-generated"


async def test_a_refusal_is_told_without_the_address() -> None:
    async with smtp_server() as server:
        server.refuses = True
        known = settings(mail="smtp", smtp_host="127.0.0.1", smtp_port=server.port, smtp_tls="none")
        async with open_mailer(known) as mailer:
            with pytest.raises(MailFailed) as refused:
                await mailer.send(MAIL)
    assert "ada@" not in refused.value.detail
    assert refused.value.__cause__ is None


async def test_a_server_that_offers_no_encryption_gets_no_mail() -> None:
    async with smtp_server() as server:
        known = settings(mail="smtp", smtp_host="127.0.0.1", smtp_port=server.port)
        async with open_mailer(known) as mailer:
            with pytest.raises(MailFailed):
                await mailer.send(MAIL)
    assert server.taken == []


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with smtp_server() as server:
        port = server.port
    async with open_mailer(settings(mail="smtp", smtp_host="127.0.0.1", smtp_port=port, smtp_tls="none")) as mailer:
        with pytest.raises(MailFailed):
            await mailer.send(MAIL)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mail": "smtp"}, "SMTP_HOST"),
        ({"mail": "smtp", "smtp_host": "mail.example.com", "smtp_tls": "none"}, "SMTP_TLS"),
    ],
)
def test_settings_that_cannot_work_or_leak_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        settings(**changes)


@pytest.fixture(scope="module")
def ses() -> Iterator[tuple[dict[str, str], Any]]:
    with s3_server() as options:
        client = boto3.client("ses", endpoint_url=options["aws_endpoint_url"], region_name="us-east-1", **KEYS)
        yield options, client


async def test_a_mail_is_handed_to_ses_once_the_sender_is_confirmed(ses: tuple[dict[str, str], Any]) -> None:
    options, client = ses
    async with open_mailer(settings(mail="ses", storage_options=options)) as mailer:
        with pytest.raises(MailFailed, match="MAIL_FROM") as refused:
            await mailer.send(MAIL)
        assert "ada@" not in refused.value.detail
        await asyncio.to_thread(client.verify_domain_identity, Domain="shop.example.com")
        await mailer.send(MAIL)
    quota = await asyncio.to_thread(client.get_send_quota)
    assert quota["SentLast24Hours"] == 1


async def test_without_a_server_mail_is_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    async with open_mailer(settings(var_dir=tmp_path)) as mailer:
        await mailer.send(MAIL)
        await mailer.send(MAIL)
    files = list((tmp_path / "outbox").iterdir())
    assert [path.stat().st_mode & 0o777 for path in files] == [0o600] * 2
    assert message_from_bytes(files[0].read_bytes(), policy=default)["Subject"] == MAIL.subject


def test_a_mail_does_not_show_its_link_or_whom_it_is_for() -> None:
    assert repr(MAIL) == "Mail(subject='Größe: confirm')"


@pytest.mark.parametrize("to", ["ada@example.com\nBcc: eve@example.com", "no address"])
def test_no_header_can_be_smuggled_in(to: str) -> None:
    with pytest.raises(ValueError):
        Mail(to, "x", "y").message(FROM)
