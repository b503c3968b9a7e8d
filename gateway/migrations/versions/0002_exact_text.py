"""Keys and fingerprints compared exactly on MySQL and MariaDB too."""

from alembic import op

from shared.collation import compare_by_default, compare_exactly

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES: dict[str, dict[str, str]] = {"idempotent_calls": {}}


def upgrade() -> None:
    compare_exactly(op.get_bind(), TABLES)


def downgrade() -> None:
    compare_by_default(op.get_bind(), TABLES)
