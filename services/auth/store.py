"""The tables of the auth service. Rows only: what they mean is decided in the modules named for it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import BigInteger, Text
from sqlmodel import Field, SQLModel

from shared.db import UtcDateTime, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
METADATA = metadata()


def new_id() -> str:
    """Return a fresh id of 32 hexadecimal digits."""
    return uuid.uuid4().hex


def now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


class Row(SQLModel):
    """A row of this service, in its own metadata."""

    metadata = METADATA


class UserRow(Row, table=True):
    """An account. The e-mail is kept in lower case, so that the unique index means what people mean."""

    __tablename__ = "users"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    email: str = Field(max_length=254, unique=True)
    full_name: str = Field(max_length=200)
    password_hash: str = Field(max_length=255)
    """Empty until somebody who was invited has chosen a password: nobody can log in with that."""
    email_verified_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_login_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Erased: the row stays for what refers to it, with nothing personal in it."""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class UserRoleRow(Row, table=True):
    """A role that a user has."""

    __tablename__ = "user_roles"
    user_id: str = Field(primary_key=True, max_length=32, foreign_key="users.id", ondelete="CASCADE")
    role: str = Field(primary_key=True, max_length=32)


class UserRegionRow(Row, table=True):
    """A region that a user is bound to. None at all: every region."""

    __tablename__ = "user_regions"
    user_id: str = Field(primary_key=True, max_length=32, foreign_key="users.id", ondelete="CASCADE")
    region: str = Field(primary_key=True, max_length=100)


class OAuthClientRow(Row, table=True):
    """A program that may ask for tokens. Lists are separated by spaces."""

    __tablename__ = "oauth_clients"
    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=200)
    secret_hash: str = Field(default="", max_length=64)
    """SHA-256 of the secret; empty for a public client, which can keep none."""
    redirect_uris: str = Field(default="", sa_type=Text)
    grant_types: str = Field(max_length=255)
    scopes: str = Field(sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class OAuthCodeRow(Row, table=True):
    """An authorization code by its SHA-256, good once. `session_id` is the session that it gave."""

    __tablename__ = "oauth_codes"
    code_hash: str = Field(primary_key=True, max_length=64)
    client_id: str = Field(max_length=32, foreign_key="oauth_clients.id", ondelete="CASCADE", index=True)
    user_id: str = Field(max_length=32, foreign_key="users.id", ondelete="CASCADE", index=True)
    redirect_uri: str = Field(max_length=2048)
    scope: str = Field(sa_type=Text)
    code_challenge: str = Field(max_length=64)
    nonce: str = Field(default="", max_length=255)
    authenticated_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    session_id: str = Field(default="", max_length=32)


class OAuthConsentRow(Row, table=True):
    """What a user has agreed to that a client may have without asking; scopes separated by spaces."""

    __tablename__ = "oauth_consents"
    user_id: str = Field(primary_key=True, max_length=32, foreign_key="users.id", ondelete="CASCADE")
    client_id: str = Field(primary_key=True, max_length=32, foreign_key="oauth_clients.id", ondelete="CASCADE")
    scope: str = Field(sa_type=Text)
    granted_at: datetime = Field(sa_type=UtcDateTime)


class MfaFactorRow(Row, table=True):
    """The authenticator app of a user: its secret, sealed, and what was last believed."""

    __tablename__ = "mfa_factors"
    user_id: str = Field(primary_key=True, max_length=32, foreign_key="users.id", ondelete="CASCADE")
    sealed_secret: str = Field(max_length=255)
    created_at: datetime = Field(sa_type=UtcDateTime)
    enabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_step: int = Field(default=0, sa_type=BigInteger)
    """Time step of the last code taken: that one and all before it are spent."""
    failures: int = 0
    failed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MfaRecoveryCodeRow(Row, table=True):
    """A recovery code by its SHA-256, good once."""

    __tablename__ = "mfa_recovery_codes"
    code_hash: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(max_length=32, foreign_key="users.id", ondelete="CASCADE", index=True)
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class MfaChallengeRow(Row, table=True):
    """A login that waits for its code, by the SHA-256 of the challenge."""

    __tablename__ = "mfa_challenges"
    challenge_hash: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(max_length=32, foreign_key="users.id", ondelete="CASCADE", index=True)
    tries: int = 0
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SessionRow(Row, table=True):
    """A login: the family of refresh tokens that follow from it. `id` is the `sid` of its access tokens."""

    __tablename__ = "sessions"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    user_id: str = Field(max_length=32, foreign_key="users.id", ondelete="CASCADE", index=True)
    client_id: str = Field(default="", max_length=32)
    """The OAuth client that the session was opened for; empty for the person's own."""
    scope: str = Field(default="", sa_type=Text)
    """What the client was granted, separated by spaces."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    user_agent: str = Field(default="", max_length=256)
    address: str = Field(default="", max_length=64)


class RefreshTokenRow(Row, table=True):
    """A refresh token by its SHA-256; the token itself is nowhere."""

    __tablename__ = "refresh_tokens"
    token_hash: str = Field(primary_key=True, max_length=64)
    session_id: str = Field(max_length=32, foreign_key="sessions.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    sealed_successor: str = Field(default="", max_length=64)
    """The next token, readable only with this one; empty once the next one is spent."""


class RevocationRow(Row, table=True):
    """A session (or, without one, a subject) whose access tokens are refused until they have expired."""

    __tablename__ = "revocations"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    session_id: str = Field(default="", max_length=32)
    subject: str = Field(max_length=32)
    revoked_at: datetime = Field(sa_type=UtcDateTime, index=True)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)


class LoginAttemptRow(Row, table=True):
    """Failed logins of one account or address, by a hash of it: whether there is such an account plays no part."""

    __tablename__ = "login_attempts"
    key_hash: str = Field(primary_key=True, max_length=64)
    failures: int
    failed_at: datetime = Field(sa_type=UtcDateTime, index=True)
    blocked_until: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LinkRow(Row, table=True):
    """A link sent by mail, by the SHA-256 of its token; good once."""

    __tablename__ = "mail_links"
    token_hash: str = Field(primary_key=True, max_length=64)
    user_id: str = Field(max_length=32, foreign_key="users.id", ondelete="CASCADE", index=True)
    purpose: str = Field(max_length=16)
    email: str = Field(max_length=254)
    """Where it was sent: whoever opens it reads mail there."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class ApiKeyRow(Row, table=True):
    """A key for programs, by the SHA-256 of the whole. `id` is the `sid` of the access tokens it is swapped for."""

    __tablename__ = "api_keys"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    user_id: str = Field(max_length=32, foreign_key="users.id", ondelete="CASCADE", index=True)
    name: str = Field(max_length=100)
    prefix: str = Field(max_length=8, unique=True)
    key_hash: str = Field(max_length=64)
    scopes: str = Field(sa_type=Text)
    """Permissions, separated by spaces."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    last_used_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rotated_from: str = Field(default="", max_length=32)
    overlap_ends_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Set once a successor was made: until then both hold."""


class AuditRow(Row, table=True):
    """One thing that was done. Rows are only added; each holds the hash of the one before."""

    __tablename__ = "audit_log"
    seq: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor: str = Field(max_length=64, index=True)
    action: str = Field(max_length=64, index=True)
    target: str = Field(max_length=64)
    address: str = Field(max_length=64)
    details: str = Field(sa_type=Text)
    prev_hash: str = Field(max_length=64)
    hash: str = Field(max_length=64)


class AuditHeadRow(Row, table=True):
    """The one row that says where the chain ends; locked by whoever adds to it."""

    __tablename__ = "audit_head"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    seq: int = Field(sa_type=BigInteger)
    hash: str = Field(max_length=64)
