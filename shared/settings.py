"""What every process is told from outside, read once in `__main__` and passed in.

Each process has its own frozen subclass of ProcessSettings beside its code. A variable that is set but empty counts
as not set, so that a compose file may name variables it has no value for.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from shared.systems import SYSTEMS

PROD_URI = "PROD_URI_"


def addresses(value: object) -> object:
    """Return name → address from `auth=127.0.0.1:5001,demand=127.0.0.1:5002`; a mapping comes back as it is."""
    if not isinstance(value, str):
        return value
    pairs = [pair.strip().partition("=") for pair in value.split(",") if pair.strip()]
    wrong = [name for name, equals, address in pairs if not (name and equals and address)]
    if wrong:
        raise ValueError(f"{', '.join(wrong)!r} is not name=host:port; write `auth=127.0.0.1:5001,demand=…`")
    return {name.strip(): address.strip() for name, _, address in pairs}


def words(value: object) -> object:
    """Return the parts of a text separated by commas; a list comes back as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def address(value: object) -> object:
    """Return the address if it is `host:port` with a port of 0 to 65535."""
    host, colon, port = str(value).rpartition(":")
    if not (host and colon and port.isdigit() and int(port) < 65536):
        raise ValueError(f"{value!r} is not host:port; write for example 127.0.0.1:5001 (port 0: any free one)")
    return value


def prod_zones(environment: Mapping[str, str]) -> dict[str, str]:
    """Return system → URI from the PROD_URI_<SYSTEM> variables that have a value."""
    return {
        name.upper().removeprefix(PROD_URI).lower(): uri
        for name, uri in environment.items()
        if name.upper().startswith(PROD_URI) and uri
    }


def storage_options(environment: Mapping[str, str]) -> dict[str, str]:
    """Return how an object store is reached, in delta-rs's words, from the AWS_… variables that have a value.

    Commits are conditional puts, so that of two writers one is told that it came second.
    """
    found = {name.lower(): value for name, value in environment.items() if name.upper().startswith("AWS_") and value}
    if not found:
        return {}
    found.setdefault("aws_conditional_put", "etag")
    if "aws_default_region" in found:
        found.setdefault("aws_region", found["aws_default_region"])
    if (endpoint := found.get("aws_endpoint_url", "")) != "":
        # Another server than Amazon's: it seldom has a name for each bucket, and on loopback no TLS.
        found.setdefault("aws_virtual_hosted_style_request", "false")
        found.setdefault("aws_region", "us-east-1")
        found.setdefault("aws_allow_http", str(endpoint.startswith("http://")).lower())
    return found


Address = Annotated[str, BeforeValidator(address)]
Addresses = Annotated[Mapping[str, Address], NoDecode, BeforeValidator(addresses)]


class ProdZoneSource(PydanticBaseSettingsSource):
    """Gives `prod_uris` from variables whose names end in the name of a system."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Return nothing for a single field: the variables are looked at together."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the one field this source knows, or nothing if no such variable is set."""
        found = prod_zones(os.environ)
        return {"prod_uris": found} if found else {}


class ProcessSettings(BaseSettings):
    """Settings that all processes share; a subclass adds its own."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    var_dir: Path = Path("var")
    """VAR_DIR: where all local state lives."""
    grpc_address: Address = "127.0.0.1:0"
    """GRPC_ADDRESS: where this process serves gRPC; port 0 takes a free one."""
    http_address: Address = "127.0.0.1:0"
    """HTTP_ADDRESS: where this process serves HTTP; port 0 takes a free one."""
    services: Addresses = Field(default_factory=dict)
    """SERVICES: where the other services are, `auth=127.0.0.1:5001,demand=127.0.0.1:5002`."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"
    telemetry: Literal["off", "console", "otlp"] = "off"
    """TELEMETRY: where spans go; otlp takes the standard OTEL_EXPORTER_OTLP_* variables."""

    lake_uri: str = ""
    """LAKE_URI: root of the lake, a folder or an s3:// URI; `{var_dir}/lake` when not set."""
    raw_uri: str = ""
    curated_uri: str = ""
    quarantine_uri: str = ""
    pipeline_uri: str = ""
    archive_uri: str = ""
    prod_uris: Mapping[str, str] = Field(default_factory=dict)
    """PROD_URI_<SYSTEM>: one prod zone elsewhere than below the lake."""

    storage_options: Mapping[str, str] = Field(default_factory=lambda: storage_options(os.environ), repr=False)
    """From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL and the like: for s3:// zones."""

    issuer: str = "http://127.0.0.1:8000"
    """ISSUER: `iss` of the access tokens, the public root of the platform."""
    audience: str = "shop-insight"
    """AUDIENCE: `aud` of the access tokens."""

    tls_ca: Path | None = None
    """TLS_CA, TLS_CERT, TLS_KEY: PEM files; all three switch mutual TLS between services on."""
    tls_cert: Path | None = None
    tls_key: Path | None = None

    metrics_token: str = Field(default="", repr=False)
    """METRICS_TOKEN: whoever sends it as a bearer token may read /metrics; when not set, loopback alone may."""

    trust_network: bool = False
    """TRUST_NETWORK: without TLS, answer internal methods beyond loopback too; for a network nobody else is on."""

    supervisor_pid: int | None = None
    """SUPERVISOR_PID: the process stops when that process is its parent no longer."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, strongest first: arguments, the environment, the PROD_URI_ variables."""
        return init_settings, env_settings, ProdZoneSource(settings_cls), file_secret_settings

    @model_validator(mode="after")
    def tls_is_whole(self) -> Self:
        """Return the settings if TLS has all its files or none."""
        given = [path is not None for path in (self.tls_ca, self.tls_cert, self.tls_key)]
        if any(given) and not all(given):
            raise ValueError("mutual TLS needs TLS_CA, TLS_CERT and TLS_KEY together; set all three or none")
        return self

    @property
    def tls(self) -> bool:
        """Return whether services prove who they are to each other."""
        return self.tls_ca is not None

    @property
    def lake(self) -> str:
        """Return the root of the lake: a path or a URI without a slash at its end."""
        return (self.lake_uri or str(self.var_dir / "lake")).rstrip("/")

    def zone_uris(self) -> dict[str, str]:
        """Return zone → URI: raw, curated, quarantine and a prod zone for each system."""
        prod = {system.zone: f"{self.lake}/prod/{system.zone}" for system in SYSTEMS}
        return {
            "raw": self.raw_uri or f"{self.lake}/raw",
            "curated": self.curated_uri or f"{self.lake}/curated",
            "quarantine": self.quarantine_uri or f"{self.lake}/quarantine",
            "pipeline": self.pipeline_uri or f"{self.lake}/pipeline",
            "archive": self.archive_uri or f"{self.lake}/archive",
            **prod,
            **self.prod_uris,
        }


class ServiceSettings(ProcessSettings):
    """Settings of a process that verifies tokens with auth's keys."""

    @model_validator(mode="after")
    def auth_is_known(self) -> Self:
        """Return the settings if they say where those keys come from."""
        if "auth" not in self.services:
            raise ValueError("SERVICES does not say where auth is; set for example SERVICES=auth=127.0.0.1:5001")
        return self
