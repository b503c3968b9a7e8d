"""Alert rules, what happened to them, and what is still to be told, in the gateway's store."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Double, Integer, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from gateway.store import METADATA
from shared.db import UtcDateTime

OK, PENDING, FIRING = "ok", "pending", "firing"
FIRED, RESOLVED, TEST = "fired", "resolved", "test"
WAITING, SENT, FAILED = "waiting", "sent", "failed"
EVENT_ID = BigInteger().with_variant(Integer(), "sqlite")


def new_id() -> str:
    """Return a fresh id of 32 hexadecimal digits."""
    return uuid.uuid4().hex


class AlertRule(SQLModel, table=True):
    """One rule and how it stands."""

    __tablename__ = "alert_rules"
    __table_args__ = (UniqueConstraint("owner", "name"),)
    metadata = METADATA
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    owner: str = Field(max_length=64, index=True)
    """Subject of who made it."""
    name: str = Field(max_length=120)
    system: str = Field(max_length=64)
    tile: str = Field(max_length=64)
    operator: str = Field(max_length=16)
    threshold: float = Field(sa_type=Double)
    for_minutes: int
    channels: str = Field(sa_type=Text)
    """JSON list; addresses and secrets of webhooks are sealed for the rule."""
    enabled: bool
    state: str = Field(default=OK, max_length=16)
    state_since: datetime = Field(sa_type=UtcDateTime)
    value: float | None = Field(default=None, sa_type=Double)
    evaluated_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    problem: str = Field(default="", max_length=64)
    """Reason why it cannot be evaluated; empty: it can."""
    revision: int = 0
    """Grows with every change, so that what was decided about an older one is not written."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class AlertEvent(SQLModel, table=True):
    """Something that happened to a rule."""

    __tablename__ = "alert_events"
    metadata = METADATA
    id: int | None = Field(default=None, sa_type=EVENT_ID, primary_key=True)
    rule_id: str = Field(max_length=32, index=True)
    kind: str = Field(max_length=16)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    value: float | None = Field(default=None, sa_type=Double)
    told: str = Field(sa_type=Text)
    """The event as listeners and webhooks are told, JSON."""


class AlertNotice(SQLModel, table=True):
    """One event for one channel."""

    __tablename__ = "alert_notices"
    metadata = METADATA
    id: str = Field(default_factory=new_id, primary_key=True, max_length=32)
    event_id: int = Field(sa_type=EVENT_ID, index=True)
    rule_id: str = Field(max_length=32, index=True)
    channel_id: str = Field(max_length=32)
    kind: str = Field(max_length=16)
    outcome: str = Field(default=WAITING, max_length=16)
    reason: str = Field(default="", max_length=64)
    attempts: int = 0
    next_at: datetime = Field(sa_type=UtcDateTime, index=True)


class GatewayLease(SQLModel, table=True):
    """What one gateway does at a time, and until when it may."""

    __tablename__ = "gateway_leases"
    metadata = METADATA
    name: str = Field(primary_key=True, max_length=32)
    holder: str = Field(max_length=32)
    expires_at: datetime = Field(sa_type=UtcDateTime)
