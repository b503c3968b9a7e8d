"""Systems registered at run time."""

import sqlalchemy as sa
from alembic import op

from gateway.store import BODY
from shared.collation import exact_collation
from shared.db import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registered_systems",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("registration_id", sa.String(32), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("prefix", sa.String(64), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("tls", sa.Boolean(), nullable=False),
        sa.Column("description", sa.String(500), nullable=False),
        sa.Column("descriptors", BODY, nullable=False),
        sa.Column("registered_by", sa.String(64), nullable=False),
        sa.Column("registered_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_registered_systems"),
        sa.UniqueConstraint("prefix", name="uq_registered_systems_prefix"),
        mysql_collate=exact_collation(op.get_bind()),
    )


def downgrade() -> None:
    op.drop_table("registered_systems")
