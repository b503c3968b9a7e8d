"""A system over TLS: its certificate must be of the authority an operator named, and made out to its host."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.registered import reflection
from gateway.registered.channel import connected
from gateway.registered.contract import known_files
from tests.unit.gateway.registered.test_reflection import OURS, Server, plain

PEM = serialization.Encoding.PEM


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.pem = self.signed("authority", self.key, is_authority=True)

    def signed(self, host: str, key: ec.EllipticCurvePrivateKey, *, is_authority: bool = False) -> bytes:
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (host, "authority"))
        now, day = datetime.now(UTC), timedelta(days=1)
        made = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        made = made.not_valid_before(now - day).not_valid_after(now + day)
        made = made.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        return made.sign(self.key, hashes.SHA256()).public_bytes(PEM)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def port(authority: Authority) -> AsyncIterator[int]:
    """A system whose certificate is made out to `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    clear = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    credentials = grpc.ssl_server_credentials([(clear, authority.signed("localhost", key))])
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Server(plain, "v1"),))
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    yield port
    await server.stop(None)


async def services(address: str, tls: bool, authority: Path | None) -> list[str]:
    raw = connected(address, tls, authority)
    try:
        return (await reflection.read(raw, known_files()))[0]
    finally:
        await raw.close()


async def test_only_a_certificate_of_that_authority_and_host_is_believed(
    authority: Authority, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, other = tmp_path / "known.pem", tmp_path / "other.pem"
    known.write_bytes(authority.pem)
    other.write_bytes(Authority().pem)
    assert OURS in await services(f"localhost:{port}", True, known)
    monkeypatch.setattr(reflection, "SECONDS", 1.0)
    for address, tls, by in (
        (f"localhost:{port}", True, other),
        (f"localhost:{port}", True, None),
        (f"127.0.0.1:{port}", True, known),
        (f"localhost:{port}", False, None),
    ):
        with pytest.raises(reflection.SystemUnreachable):
            await services(address, tls, by)
