"""Webhooks over TLS: each host proves itself, also where several are at one address."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.alerts import webhooks
from gateway.alerts.webhooks import WebhookFailed, Webhooks, webhook_client
from shared.errors import PlatformError
from tests.unit.gateway.registered.test_tls import PEM, Authority


async def test_a_host_does_not_pass_for_another_at_the_same_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, key = Authority(), ec.generate_private_key(ec.SECP256R1())
    clear = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "eve.pem").write_bytes(clear + authority.signed("eve.example", key))
    (tmp_path / "authority.pem").write_bytes(authority.pem)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(tmp_path / "eve.pem")
    taken: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            taken.append(head)
            await reader.readexactly(2)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async def here(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(webhooks, "is_public", lambda address: True)
    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=theirs)
    port = server.sockets[0].getsockname()[1]
    verified = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    made = httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", lambda **options: made(verify=verified, **options))
    async with server, webhook_client() as client, asyncio.timeout(20):
        hooks = Webhooks(client, [], here)
        await hooks.post(f"https://eve.example:{port}/", b"{}", "", "1")
        with pytest.raises(WebhookFailed):
            await hooks.post(f"https://bank.example:{port}/", b"{}", "", "2")
        assert len(taken) == 1


@pytest.mark.parametrize(
    "address",
    ["::127.0.0.1", "64:ff9b:1::a00:1", "::ffff:0:10.0.0.1", "fec0::1", "5f00::1", "168.63.129.16", "fe80::1%eth0"],
)
def test_addresses_of_special_use_are_not_public(address: str) -> None:
    assert not webhooks.is_public(address)


def test_addresses_of_the_internet_are_public() -> None:
    assert all(map(webhooks.is_public, ["93.184.215.14", "2606:2800:21f:cb07::1", "64:ff9b::5db8:d70e"]))


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "xn--a.example"])
async def test_a_name_that_none_can_have_is_refused_or_unknown(host: str) -> None:
    async with webhook_client() as client:
        with pytest.raises(PlatformError):
            await Webhooks(client, []).check(f"https://{host}/")


async def test_names_that_are_never_resolved_hold_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()

    def endless(*_: object, **__: object) -> list[object]:
        go.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", endless)
    monkeypatch.setattr(webhooks, "RESOLVE_SECONDS", 0.01)
    try:
        async with webhook_client() as client, asyncio.timeout(20):
            hooks = Webhooks(client, [])
            found = await asyncio.gather(
                *(hooks.check(f"https://{one}.example/") for one in range(64)), return_exceptions=True
            )
            assert {type(one) for one in found} == {WebhookFailed}
            assert await asyncio.to_thread(lambda: 1) == 1
    finally:
        go.set()
