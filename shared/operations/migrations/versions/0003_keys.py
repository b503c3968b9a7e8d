"""What a caller may ask for an operation by once more, where the first answer was lost."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default, so that a replica of the release before can still add rows.
    op.add_column("operations", sa.Column("idempotency_key", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("operations") as table:
        table.drop_column("idempotency_key")
