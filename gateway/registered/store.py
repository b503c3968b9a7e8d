"""The registered systems in the gateway's store, which every replica follows."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from gateway.store import BODY, METADATA
from shared.db import UtcDateTime


class RegisteredSystem(SQLModel, table=True):
    """One system as it was registered, with the contract that its reflection told then."""

    __tablename__ = "registered_systems"
    metadata = METADATA
    name: str = Field(primary_key=True, max_length=32)
    """Name of the system, of its prod zone and of its permissions; first part of its proto packages."""
    registration_id: str = Field(max_length=32)
    """Random for each registration, so that a replica sees one that was removed and made anew."""
    title: str = Field(max_length=120)
    prefix: str = Field(max_length=64, unique=True)
    """First part of its REST paths below /api/v1."""
    address: str = Field(max_length=255)
    """`host:port` of its gRPC server."""
    tls: bool
    description: str = Field(max_length=500)
    descriptors: bytes = Field(sa_type=BODY)
    """A google.protobuf.FileDescriptorSet of its own files; what they import of ours is not in it."""
    registered_by: str = Field(max_length=64)
    """Subject of who registered it."""
    registered_at: datetime = Field(sa_type=UtcDateTime)
