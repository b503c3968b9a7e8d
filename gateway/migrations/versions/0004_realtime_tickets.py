"""Tickets that open a WebSocket."""

import sqlalchemy as sa
from alembic import op

from shared.collation import exact_collation
from shared.db import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "realtime_tickets",
        sa.Column("ticket_hash", sa.String(64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("ticket_hash", name="pk_realtime_tickets"),
        mysql_collate=exact_collation(op.get_bind()),
    )
    op.create_index("ix_realtime_tickets_expires_at", "realtime_tickets", ["expires_at"])


def downgrade() -> None:
    op.drop_table("realtime_tickets")
