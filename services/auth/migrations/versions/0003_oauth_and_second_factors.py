"""OAuth clients and their codes; second factors."""

import sqlalchemy as sa
from alembic import op

from shared.db import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _user(table: str) -> list[sa.Constraint]:
    name = f"fk_{table}_user_id_users"
    return [sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=name, ondelete="CASCADE")]


def _oauth() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("redirect_uris", sa.Text(), nullable=False),
        sa.Column("grant_types", sa.String(255), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_oauth_clients"),
    )
    client = sa.ForeignKeyConstraint(
        ["client_id"], ["oauth_clients.id"], name="fk_oauth_codes_client_id_oauth_clients", ondelete="CASCADE"
    )
    op.create_table(
        "oauth_codes",
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("client_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("redirect_uri", sa.String(2048), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(255), nullable=False),
        sa.Column("authenticated_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        sa.Column("session_id", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("code_hash", name="pk_oauth_codes"),
        client,
        *_user("oauth_codes"),
    )
    for column in ("client_id", "user_id", "expires_at"):
        op.create_index(f"ix_oauth_codes_{column}", "oauth_codes", [column])


def _mfa() -> None:
    op.create_table(
        "mfa_factors",
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("sealed_secret", sa.String(255), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("enabled_at", UtcDateTime(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name="pk_mfa_factors"),
        *_user("mfa_factors"),
    )
    op.create_table(
        "mfa_recovery_codes",
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("code_hash", name="pk_mfa_recovery_codes"),
        *_user("mfa_recovery_codes"),
    )
    op.create_table(
        "mfa_challenges",
        sa.Column("challenge_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("spent_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("challenge_hash", name="pk_mfa_challenges"),
        *_user("mfa_challenges"),
    )
    op.create_index("ix_mfa_recovery_codes_user_id", "mfa_recovery_codes", ["user_id"])
    op.create_index("ix_mfa_challenges_user_id", "mfa_challenges", ["user_id"])
    op.create_index("ix_mfa_challenges_expires_at", "mfa_challenges", ["expires_at"])


def upgrade() -> None:
    _oauth()
    _mfa()
    # Added empty, then required: MySQL takes no default for TEXT.
    with op.batch_alter_table("sessions") as sessions:
        sessions.add_column(sa.Column("client_id", sa.String(32), nullable=True))
        sessions.add_column(sa.Column("scope", sa.Text(), nullable=True))
    op.execute("UPDATE sessions SET client_id = '', scope = ''")
    with op.batch_alter_table("sessions") as sessions:
        sessions.alter_column("client_id", existing_type=sa.String(32), nullable=False)
        sessions.alter_column("scope", existing_type=sa.Text(), nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("sessions") as sessions:
        sessions.drop_column("scope")
        sessions.drop_column("client_id")
    for table in ("mfa_challenges", "mfa_recovery_codes", "mfa_factors", "oauth_codes", "oauth_clients"):
        op.drop_table(table)
