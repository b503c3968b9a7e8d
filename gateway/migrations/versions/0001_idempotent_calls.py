"""Calls with an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

from gateway.store import BODY
from shared.db import UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "idempotent_calls",
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("method", sa.String(200), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(200), nullable=False),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("body", BODY, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_idempotent_calls"),
    )
    op.create_index("ix_idempotent_calls_started_at", "idempotent_calls", ["started_at"])


def downgrade() -> None:
    op.drop_table("idempotent_calls")
