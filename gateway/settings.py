"""What the gateway is told from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from limits import parse
from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from shared.mail.settings import MailSettings
from shared.settings import Address, words


def rate_text(value: object) -> str:
    """Return the text of a rate limit if it is one."""
    text = str(value)
    if text != "off":
        try:
            parse(text)
        except ValueError:
            raise ValueError(f"{text!r} is no limit; write for example 600/minute, 10/second or off") from None
    return text


def by_role(value: object) -> object:
    """Return role → limit from `admin=1200/minute,api_user=3000/minute`; a mapping comes back as it is."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    return {role.strip(): limit.strip() for role, _, limit in pairs}


def networks(value: object) -> object:
    """Return the networks in a text separated by commas. Raises ValueError for what is none."""
    found = words(value)
    for one in found if isinstance(found, Sequence) else ():
        ip_network(one)
    return found


RateText = Annotated[str, BeforeValidator(rate_text)]


class GatewaySettings(MailSettings):
    """Settings of the gateway: those of every process, of one that sends mail, and its own."""

    http_address: Address = "127.0.0.1:8000"
    web_dist: Path = Path("web/dist")
    """WEB_DIST: the built web application; without it `/` says how to build it."""
    cors_origins: Annotated[Sequence[str], NoDecode, BeforeValidator(words)] = ()
    """CORS_ORIGINS: other sites whose pages may call, separated by commas; none by default."""
    hsts_seconds: int = Field(default=0, ge=0)
    """HSTS_SECONDS: how long browsers shall insist on TLS; 0 sends no such header."""
    secure_cookies: bool | None = None
    """SECURE_COOKIES: cookies over TLS alone; when not set, as ISSUER begins with https."""
    max_body_bytes: int = Field(default=1024 * 1024, ge=1024)
    """MAX_BODY_BYTES: the longest request body read."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=30)
    """TIMEOUT_SECONDS: deadline of a call for which the caller names none."""
    oauth_password_grant: bool = False
    """OAUTH_PASSWORD_GRANT: show in the document that the token endpoint takes passwords; set it for both."""
    identity_service: str = ""
    """IDENTITY_SERVICE: name of the service that signs tokens; when not set, whichever publishes the keys."""

    redis_url: str = Field(default="", repr=False)
    """REDIS_URL: `redis://host:6379/0`, where several gateways keep limits and answers together; none by default."""
    trusted_proxies: Annotated[Sequence[str], NoDecode, BeforeValidator(networks)] = ()
    """TRUSTED_PROXIES: CIDRs whose X-Forwarded-For and X-Forwarded-Proto are believed; of the addresses there the
    last one that is not itself a trusted proxy is the caller's."""
    rate_limit_user: RateText = "600/minute"
    """RATE_LIMIT_USER: points a signed-in user may spend, such as `10/second`; `off` for no limit."""
    rate_limit_api_key: RateText = "1200/minute"
    """RATE_LIMIT_API_KEY: the same for each API key."""
    rate_limit_address: RateText = "240/minute"
    """RATE_LIMIT_ADDRESS: the same for each address that calls without a token or with one that does not hold; a login
    costs 10 points."""
    rate_limit_roles: Annotated[Mapping[str, RateText], NoDecode, BeforeValidator(by_role)] = Field(
        default_factory=dict
    )
    """RATE_LIMIT_ROLES: other limits for the users of some roles, `admin=1200/minute,api_user=3000/minute`; of several
    roles the most generous counts."""

    cache_bytes: int = Field(default=64 * 1024 * 1024, ge=0)
    """CACHE_BYTES: room in this process for answers given again; 0 keeps none. With REDIS_URL they are kept there
    instead, within what Redis itself is given."""

    circuit_breaker: bool = True
    """CIRCUIT_BREAKER: leave a service that does not answer alone for a moment, and say so at once."""
    retries: bool = True
    """RETRIES: ask a question again, up to twice, when the connection failed; for a tenth of all calls at most."""
    hedging: bool = False
    """HEDGING: ask a second time when an answer to a question is later than 95 % are, and take the first."""
    most_calls: int = Field(default=256, ge=0)
    """MOST_CALLS: calls under way to each service; more are answered 503 at once. 0: any number."""
    linger_seconds: float = Field(default=0, ge=0, le=60)
    """LINGER_SECONDS: once told to stop, requests are still taken for so long while /health/ready says no, so that a
    balancer sends none to a closed door; a little more than it takes to ask twice."""
    export_rows: int = Field(default=1_000_000, ge=1)
    """EXPORT_ROWS: rows of a list that `?export=` answers as one file; a workbook has 1,048,575 at most in any case."""
    exports_at_once: int = Field(default=4, ge=1)
    """EXPORTS_AT_ONCE: such files made at once by this process, two of them for one caller; each takes some 100 MB."""
    export_seconds: float = Field(default=600.0, gt=0)
    """EXPORT_SECONDS: for how long a file may be made and read."""
    most_requests: int = Field(default=1024, ge=0)
    """MOST_REQUESTS: requests of the API being answered at once; more are answered 503 at once. 0: any number."""
    realtime_connections: int = Field(default=10_000, ge=0)
    """REALTIME_CONNECTIONS: WebSockets served at once by this process."""
    realtime_connections_each: int = Field(default=20, ge=1)
    """REALTIME_CONNECTIONS_EACH: WebSockets of one caller in this process."""
    realtime_queue: int = Field(default=256, ge=1)
    """REALTIME_QUEUE: messages that may wait for one slow reader; with one more the connection is closed."""
    alert_seconds: float = Field(default=15.0, ge=0, le=300)
    """ALERT_SECONDS: pause between two looks at the figures of all alert rules; 0: this gateway takes no turns."""
    alert_rules_each: int = Field(default=50, ge=0)
    """ALERT_RULES_EACH: alert rules of one caller."""
    alert_webhook_hosts: Annotated[Sequence[str], NoDecode, BeforeValidator(words)] = ()
    """ALERT_WEBHOOK_HOSTS: `host` or `host:port`, separated by commas, that webhooks may reach although they are not on
    the public internet or without TLS; none by default."""
    alert_key_file: Path | None = None
    """ALERT_KEY_FILE: key that seals addresses and secrets of webhooks, mode 600; below VAR_DIR/secrets when not set,
    and made when missing. Several gateways must share one."""
    gateway_database_url: str = Field(default="", repr=False)
    """GATEWAY_DATABASE_URL: the gateway's own small store, `sqlite+aiosqlite:///…` or `mysql+asyncmy://…`; a file below
    VAR_DIR when not set. Several gateways must share one, or a repeated call may meet another that does not know it."""

    system_networks: Annotated[Sequence[str], NoDecode, BeforeValidator(networks)] = ()
    """SYSTEM_NETWORKS: CIDRs that registered systems must be in; when not set, anywhere docs/systems.md allows."""
    systems_tls_ca: Path | None = None
    """SYSTEMS_TLS_CA: PEM file of who signs the certificates of registered systems; when not set, the public CAs."""

    systems_batch_at: Annotated[time | None, BeforeValidator(lambda value: None if value == "" else value)] = time(
        3, 15
    )
    """SYSTEMS_BATCH_AT: time of day in UTC from which registered systems are told to do their daily work, an hour after
    the usual time of the nightly run; empty: never."""

    @property
    def store_url(self) -> str:
        """Return the URL of the gateway's store."""
        return self.gateway_database_url or f"sqlite+aiosqlite:///{self.var_dir.absolute()}/gateway/gateway.db"

    @property
    def alert_key(self) -> Path:
        """Return where the key is that seals addresses and secrets of webhooks."""
        return self.alert_key_file or self.var_dir / "secrets" / "alerts.key"

    @property
    def cookies_need_tls(self) -> bool:
        """Return whether cookies are marked Secure."""
        return self.issuer.startswith("https:") if self.secure_cookies is None else self.secure_cookies
