"""The daily work that registered systems were told to do."""

import sqlalchemy as sa
from alembic import op

from shared.collation import exact_collation
from shared.db import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "system_batches",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("registration_id", sa.String(32), nullable=False),
        sa.Column("batch_id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("again_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(100), nullable=False),
        sa.Column("operation", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_system_batches"),
        mysql_collate=exact_collation(op.get_bind()),
    )


def downgrade() -> None:
    op.drop_table("system_batches")
