"""Where sessions come from, failed logins, links sent by mail, API keys, and the audit log that is only added to."""

import sqlalchemy as sa
import structlog
from alembic import op

from shared.db import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSED = "the audit log is only added to"
TRIGGER_NEEDS_RIGHTS = 1419
log = structlog.get_logger(__name__)


def upgrade() -> None:
    for name in ("email_verified_at", "last_login_at", "deleted_at"):
        op.add_column("users", sa.Column(name, UtcDateTime(), nullable=True))
    op.add_column("sessions", sa.Column("last_used_at", UtcDateTime(), nullable=True))
    op.add_column("sessions", sa.Column("user_agent", sa.String(256), nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("address", sa.String(64), nullable=False, server_default=""))
    op.add_column("refresh_tokens", sa.Column("sealed_successor", sa.String(64), nullable=False, server_default=""))
    make_attempts()
    make_links()
    make_api_keys()
    make_audit()


def make_attempts() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=False),
        sa.Column("blocked_until", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key_hash", name="pk_login_attempts"),
    )
    op.create_index("ix_login_attempts_failed_at", "login_attempts", ["failed_at"])


def make_links() -> None:
    op.create_table(
        "mail_links",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash", name="pk_mail_links"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_mail_links_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_mail_links_user_id", "mail_links", ["user_id"])
    op.create_index("ix_mail_links_expires_at", "mail_links", ["expires_at"])


def make_api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("prefix", sa.String(8), nullable=False),
        sa.Column("key_hash", sa.String(64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("rotated_from", sa.String(32), nullable=False),
        sa.Column("overlap_ends_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("prefix", name="uq_api_keys_prefix"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_keys_user_id_users", ondelete="CASCADE"),
    )
    op.create_index("ix_api_keys_user_id", "api_keys", ["user_id"])


def make_audit() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(64), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("prev_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit_log"),
    )
    for column in ("at", "actor", "action"):
        op.create_index(f"ix_audit_log_{column}", "audit_log", [column])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.bulk_insert(head, [{"id": 1, "seq": 0, "hash": "0" * 64}])
    for change in ("UPDATE", "DELETE"):
        make_trigger(change)


def make_trigger(change: str) -> None:
    """Have the database itself refuse to change what was written."""
    begin = f"CREATE TRIGGER audit_log_no_{change.lower()} BEFORE {change} ON audit_log FOR EACH ROW"
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"{begin} BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END")
        return
    try:
        op.execute(f"{begin} SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{REFUSED}'")
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "args", [None])[0] != TRIGGER_NEEDS_RIGHTS:
            raise
        # A binary log is kept and this login may not make triggers; the hash chain still tells of every change.
        log.warning("auth.audit_without_triggers", remedy="SET GLOBAL log_bin_trust_function_creators = 1")


def downgrade() -> None:
    for table in ("audit_head", "audit_log", "api_keys", "mail_links", "login_attempts"):
        op.drop_table(table)
    op.drop_column("refresh_tokens", "sealed_successor")
    for name in ("address", "user_agent", "last_used_at"):
        op.drop_column("sessions", name)
    for name in ("deleted_at", "last_login_at", "email_verified_at"):
        op.drop_column("users", name)
