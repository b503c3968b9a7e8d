"""Encrypted connections: who answers is checked before anything is sent, for the snapshot and the binlog alike."""

from __future__ import annotations

import gc
import ipaddress
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pipeline.mysql.address import Address, MySqlUrlInvalid
from pipeline.mysql.connection import MySqlTlsFailed
from pipeline.mysql.extraction import Extracted, Extraction, Plan
from pipeline.mysql.schema import bring_up
from pipeline.mysql.snapshot import Snapshot
from shared.tokenise import Tokeniser
from tests.integration.mysql.server import BINLOG, Server, running
from tests.integration.mysql.shop import Shop

SECRET = "s3cret-kepler"
PEM, CLEAR = serialization.Encoding.PEM, serialization.NoEncryption()


@dataclass
class Authority:
    """A CA that certifies the server, and another that does not."""

    folder: Path

    def __post_init__(self) -> None:
        keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "other", "server", "reader")}
        for name, key in keys.items():
            signer = name if name in {"ca", "other"} else "ca"
            made = certificate(name, key, signer, keys[signer])
            (self.folder / f"{name}.pem").write_bytes(made.public_bytes(PEM))
            secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, CLEAR)
            (self.folder / f"{name}.key").write_bytes(secret)

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def certificate(
    name: str, key: ec.EllipticCurvePrivateKey, signer: str, signing: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Return a certificate; the server's is good for 127.0.0.1 and not for localhost."""
    subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, signer))
    now, public = datetime.now(UTC), signing.public_key()
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=name == signer, path_length=None), critical=True)
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    return builder.add_extension(names, critical=False).sign(signing, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def secure_server(kind: str, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets nobody in without encryption."""
    tls = [f"--ssl-ca={authority['ca.pem']}", f"--ssl-cert={authority['server.pem']}"]
    tls += [f"--ssl-key={authority['server.key']}"]
    with running(kind, tmp_path_factory.mktemp(kind), *BINLOG, *tls) as server:
        yield server


@pytest.fixture
def secured(secure_server: Server, tmp_path: Path) -> Iterator[Shop]:
    """A shop whose user `reader` must encrypt, and `known` must show a certificate too."""
    with Shop.new(secure_server, f"shop_{uuid.uuid4().hex[:8]}", tmp_path, ["orders"]) as shop:
        for user, must in (("reader", "SSL"), ("known", "X509")):
            shop.run(
                f"CREATE USER IF NOT EXISTS {user}@'127.0.0.1' IDENTIFIED BY '{SECRET}' REQUIRE {must}",
                f"GRANT ALL ON *.* TO {user}@'127.0.0.1'",
                f"CREATE USER IF NOT EXISTS {user}@localhost IDENTIFIED BY '{SECRET}' REQUIRE {must}",
                f"GRANT ALL ON *.* TO {user}@localhost",
            )
        yield shop


def address(shop: Shop, host: str = "127.0.0.1", user: str = "reader", **options: str) -> Address:
    query = f"?{urlencode(options)}" if options else ""
    return Address.parse(f"mysql://{user}:{SECRET}@{host}:{shop.server.port}/{shop.database}{query}")


def extract(shop: Shop, at: Address) -> Extracted:
    extraction = Extraction(shop.zone, at, Plan("s"), Tokeniser.load(shop.folder / "keys.json"), lambda: False)
    try:
        return extraction.once()
    finally:
        extraction.close()


def ciphers(shop: Shop) -> int:
    """Return how many connections the server encrypted so far."""
    return int(shop.run("SHOW GLOBAL STATUS LIKE 'Ssl_accepts'")[0][1])


@pytest.mark.parametrize(
    "options", [{"ssl_ca": "ca.pem"}, {"ssl_ca": "ca.pem", "ssl_mode": "verify_ca"}, {"ssl_mode": "required"}, {}]
)
def test_a_server_that_wants_encryption_is_read_snapshot_and_binlog(
    secured: Shop, authority: Authority, options: dict[str, str]
) -> None:
    at = address(secured, **{k: authority[v] if k == "ssl_ca" else v for k, v in options.items()})
    secured.orders(3)
    assert extract(secured, at).snapshot_rows == 3
    secured.orders(2, "x")
    assert extract(secured, at).change_rows == 2


def test_snapshot_and_binlog_each_are_encrypted(secured: Shop, authority: Authority) -> None:
    """Three connections: for questions, for the snapshot, for the binlog; the second run reads no snapshot."""
    before = ciphers(secured)
    extract(secured, address(secured, ssl_ca=authority["ca.pem"]))
    assert ciphers(secured) - before >= 3


@pytest.mark.parametrize(
    ("options", "host", "why"),
    [
        ({"ssl_ca": "other.pem"}, "127.0.0.1", "certificate"),
        ({"ssl_mode": "verify_identity"}, "127.0.0.1", "certificate"),
        ({"ssl_ca": "ca.pem"}, "localhost", "localhost"),
    ],
)
def test_a_server_that_is_not_who_it_should_be_is_refused_and_gets_no_password(
    secured: Shop, authority: Authority, options: dict[str, str], host: str, why: str
) -> None:
    files = {k: authority[v] if k == "ssl_ca" else v for k, v in options.items()}
    with pytest.raises(MySqlTlsFailed, match=why) as refused:
        extract(secured, address(secured, host, **files))
    assert SECRET not in refused.value.detail
    assert "--tls-ca" in refused.value.detail


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_snapshots_own_connection_refuses_too(secured: Shop, authority: Authority) -> None:
    with pytest.raises(MySqlTlsFailed, match="certificate"):
        Snapshot(address(secured, ssl_ca=authority["other.pem"])).__enter__()
    gc.collect()  # asyncmy lets go of a socket whose handshake failed without closing it


def test_a_user_is_known_by_a_certificate(secured: Shop, authority: Authority) -> None:
    shown = {"ssl_cert": authority["reader.pem"], "ssl_key": authority["reader.key"]}
    secured.orders(1)
    assert extract(secured, address(secured, user="known", ssl_ca=authority["ca.pem"], **shown)).snapshot_rows == 1


def test_a_server_without_tls_is_refused_where_it_was_asked_for(
    kind: str, authority: Authority, tmp_path: Path
) -> None:
    off = ("--skip-ssl",) if kind == "mariadb" else ("--tls-version=",)
    folder = tmp_path / "own"
    folder.mkdir()
    with running(kind, folder, *BINLOG, *off) as server, Shop.new(server, "shop", tmp_path, ["orders"]) as shop:
        with pytest.raises(MySqlTlsFailed, match="does not offer TLS"):
            extract(shop, address(shop, user="root", ssl_ca=authority["ca.pem"]))


def test_the_schema_is_made_over_a_verified_connection(secured: Shop, authority: Authority) -> None:
    secured.run("DROP TABLE orders")
    with pytest.raises(MySqlTlsFailed):
        bring_up(address(secured, ssl_ca=authority["other.pem"]))
    bring_up(address(secured, ssl_ca=authority["ca.pem"]))
    assert secured.run("SELECT count(*) FROM payments") == [(0,)]


def test_files_and_modes_that_are_none_are_told(authority: Authority) -> None:
    with pytest.raises(MySqlUrlInvalid, match="verify_identity"):
        Address.parse("mysql://u@h/d?ssl_mode=whatever")
    with pytest.raises(MySqlUrlInvalid, match="ssl_ca"):
        Address.parse("mysql://u@h/d?ssl_ca=nowhere.pem").settings()
