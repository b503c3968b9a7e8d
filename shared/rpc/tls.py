"""Mutual TLS between our processes, switched on by settings; plain connections on loopback otherwise."""

from __future__ import annotations

from pathlib import Path

import grpc

from shared.errors import FailedPrecondition
from shared.settings import ProcessSettings


class TlsFileMissing(FailedPrecondition):
    """A certificate or key that the settings name cannot be read."""

    reason = "TLS_FILE_MISSING"


def _bytes(path: Path | None) -> bytes:
    try:
        return Path(path or "").read_bytes()
    except OSError as error:
        raise TlsFileMissing(f"{path} cannot be read; point the TLS settings at PEM files") from error


def bind(server: grpc.aio.Server, settings: ProcessSettings) -> int:
    """Return the port bound at the gRPC address of the settings. Raises RuntimeError when it is taken."""
    if not settings.tls:
        return int(server.add_insecure_port(settings.grpc_address))
    pair = (_bytes(settings.tls_key), _bytes(settings.tls_cert))
    credentials = grpc.ssl_server_credentials([pair], _bytes(settings.tls_ca), require_client_auth=True)
    return int(server.add_secure_port(settings.grpc_address, credentials))


def connect(
    name: str, address: str, settings: ProcessSettings, options: list[tuple[str, str | int]]
) -> grpc.aio.Channel:
    """Return a channel to `address`; with TLS on, only a certificate made out to `name` is believed."""
    if not settings.tls:
        return grpc.aio.insecure_channel(address, options=options)
    credentials = grpc.ssl_channel_credentials(
        _bytes(settings.tls_ca), _bytes(settings.tls_key), _bytes(settings.tls_cert)
    )
    named = [*options, ("grpc.ssl_target_name_override", name)]
    return grpc.aio.secure_channel(address, credentials, options=named)


def believed(authority: Path | None) -> grpc.ChannelCredentials:
    """Return what is believed of a server that is none of our own processes: a certificate made out to its host.

    It is shown none of ours. `authority` is a PEM file of who signs such certificates; None: whom gRPC ships with.
    """
    return grpc.ssl_channel_credentials(_bytes(authority) if authority else None)
