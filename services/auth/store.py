"""The tables of the auth service. Rows only: what they mean is decided in the modules named for it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

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
    disabled_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
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


class SessionRow(Row, table=True):
    """A login: the family of refresh tokens that follow from it. `id` is the `sid` of its access tokens."""

    __tablename__ = "sessions"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    user_id: str = Field(max_length=32, foreign_key="users.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RefreshTokenRow(Row, table=True):
    """A refresh token by its SHA-256; the token itself is nowhere."""

    __tablename__ = "refresh_tokens"
    token_hash: str = Field(primary_key=True, max_length=64)
    session_id: str = Field(max_length=32, foreign_key="sessions.id", ondelete="CASCADE", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    spent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RevocationRow(Row, table=True):
    """A session (or, without one, a subject) whose access tokens are refused until they have expired."""

    __tablename__ = "revocations"
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    session_id: str = Field(default="", max_length=32)
    subject: str = Field(max_length=32)
    revoked_at: datetime = Field(sa_type=UtcDateTime, index=True)
    expires_at: datetime = Field(sa_type=UtcDateTime, index=True)
