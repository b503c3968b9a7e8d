"""Alert rules, their events and notices, and who evaluates them."""

import sqlalchemy as sa
from alembic import op

from gateway.alerts.store import EVENT_ID
from shared.collation import exact_collation
from shared.db import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    exact = exact_collation(op.get_bind())
    op.create_table(
        "alert_rules",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("system", sa.String(64), nullable=False),
        sa.Column("tile", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(16), nullable=False),
        sa.Column("threshold", sa.Double(), nullable=False),
        sa.Column("for_minutes", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("state_since", UtcDateTime(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("evaluated_at", UtcDateTime(), nullable=True),
        sa.Column("problem", sa.String(64), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_rules"),
        mysql_collate=exact,
    )
    op.create_index("ix_alert_rules_owner", "alert_rules", ["owner"])
    op.create_table(
        "alert_events",
        sa.Column("id", EVENT_ID, nullable=False, autoincrement=True),
        sa.Column("rule_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_events"),
        mysql_collate=exact,
    )
    op.create_index("ix_alert_events_rule_id", "alert_events", ["rule_id"])
    op.create_index("ix_alert_events_at", "alert_events", ["at"])
    op.create_table(
        "alert_notices",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("event_id", EVENT_ID, nullable=False),
        sa.Column("rule_id", sa.String(32), nullable=False),
        sa.Column("channel_id", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alert_notices"),
        mysql_collate=exact,
    )
    for column in ("event_id", "rule_id", "next_at"):
        op.create_index(f"ix_alert_notices_{column}", "alert_notices", [column])
    op.create_table(
        "gateway_leases",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("holder", sa.String(32), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_gateway_leases"),
        mysql_collate=exact,
    )


def downgrade() -> None:
    for table in ("gateway_leases", "alert_notices", "alert_events", "alert_rules"):
        op.drop_table(table)
