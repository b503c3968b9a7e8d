"""One name a rule of one owner, whoever writes at the same moment; and what is held while rules are counted."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

RULES = sa.table("alert_rules", *map(sa.column, ("id", "owner", "name", "created_at")))
LEASES = sa.table("gateway_leases", sa.column("name"), sa.column("holder"), sa.column("expires_at", UtcDateTime()))
LONGEST = 120
GUARD = "alert-rules"


def upgrade() -> None:
    connection = op.get_bind()
    seen: set[tuple[str, str]] = set()
    for row in connection.execute(
        sa.select(RULES.c.id, RULES.c.owner, RULES.c.name).order_by(RULES.c.created_at)
    ).all():
        if (row.owner, row.name) in seen:
            # Two gateways may have written it twice before.
            name = f"{row.name[: LONGEST - 9]} {row.id[:8]}"
            connection.execute(sa.update(RULES).where(RULES.c.id == row.id).values(name=name))
        seen.add((row.owner, row.name))
    with op.batch_alter_table("alert_rules") as table:
        table.create_unique_constraint("uq_alert_rules_owner_name", ["owner", "name"])
    op.bulk_insert(LEASES, [{"name": GUARD, "holder": "", "expires_at": datetime(2000, 1, 1, tzinfo=UTC)}])


def downgrade() -> None:
    with op.batch_alter_table("alert_rules") as table:
        table.drop_constraint("uq_alert_rules_owner_name", type_="unique")
    op.execute(sa.delete(LEASES).where(LEASES.c.name == GUARD))
