"""The regions that a result may be made from, so that it is told to nobody who does not see them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # None is every region: of rows of the release before it is not known.
    op.add_column("operations", sa.Column("regions", sa.Text(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("operations") as table:
        table.drop_column("regions")
