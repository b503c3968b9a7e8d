"""Long work, of all services that share the database."""

import sqlalchemy as sa
from alembic import op

from shared.collation import exact_collation
from shared.db import UtcDateTime
from shared.operations.store import LONG_TEXT

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operations",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("service", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("function", sa.String(200), nullable=False),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("arguments", LONG_TEXT, nullable=False),
        sa.Column("memory_mb", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("runner", sa.String(64), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("is_cancelled", sa.Boolean(), nullable=False),
        sa.Column("progress_pct", sa.Double(), nullable=False),
        sa.Column("phrase", sa.String(200), nullable=False),
        sa.Column("result", LONG_TEXT, nullable=True),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_operations"),
        mysql_collate=exact_collation(op.get_bind()),
    )
    op.create_index("ix_operations_ended_at", "operations", ["ended_at"])
    op.create_index("ix_operations_service_state", "operations", ["service", "state"])
    op.create_index("ix_operations_service_owner_created_at", "operations", ["service", "owner", "created_at"])
    op.create_index("ix_operations_service_changed_at", "operations", ["service", "changed_at"])


def downgrade() -> None:
    op.drop_table("operations")
