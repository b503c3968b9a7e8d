"""Mutual TLS: who has no certificate of ours is nobody, and a certificate is good for one name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.errors import Unavailable
from shared.rpc.channel import channel
from shared.rpc.tls import TlsFileMissing
from shared.settings import ProcessSettings

from .conftest import Stack

KEYS = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "demand")}


def certificate(name: str) -> x509.Certificate:
    """Return a certificate made out to `name`, signed by the authority of these tests."""
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, "ca"))
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, KEYS[name].public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    return builder.add_extension(names, critical=False).sign(KEYS["ca"], hashes.SHA256())


@pytest.fixture
def secured(tmp_path: Path) -> ProcessSettings:
    pem, clear = serialization.Encoding.PEM, serialization.NoEncryption()
    for name in KEYS:
        (tmp_path / f"{name}.pem").write_bytes(certificate(name).public_bytes(pem))
    key = KEYS["demand"].private_bytes(pem, serialization.PrivateFormat.PKCS8, clear)
    (tmp_path / "demand.key").write_bytes(key)
    return ProcessSettings(
        tls_ca=tmp_path / "ca.pem", tls_cert=tmp_path / "demand.pem", tls_key=tmp_path / "demand.key"
    )


async def test_services_with_certificates_talk_and_others_do_not(secured: Any, settings: Any, caller: Any) -> None:
    caller("ada")
    stack = Stack()
    async with stack.started(secured) as bound:
        async with channel("demand", bound.grpc_address, secured) as stack.channel:
            await stack.segments()
        async with channel("demand", bound.grpc_address, settings) as stack.channel:
            with pytest.raises(Unavailable):
                await stack.segments()
        async with channel("auth", bound.grpc_address, secured) as stack.channel:
            with pytest.raises(Unavailable, match="auth"):
                await stack.segments()


def test_a_missing_file_is_named(secured: ProcessSettings) -> None:
    broken = secured.model_copy(update={"tls_key": Path("nowhere.key")})
    with pytest.raises(TlsFileMissing, match=r"nowhere\.key"):
        channel("demand", "127.0.0.1:1", broken)
