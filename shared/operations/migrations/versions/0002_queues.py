"""What is held while the operations of a service are counted."""

import sqlalchemy as sa
from alembic import op

from shared.collation import exact_collation

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "operation_queues",
        sa.Column("service", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("service", name="pk_operation_queues"),
        mysql_collate=exact_collation(op.get_bind()),
    )


def downgrade() -> None:
    op.drop_table("operation_queues")
