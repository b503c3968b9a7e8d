"""Ids, addresses and every other text compared exactly on MySQL and MariaDB too."""

from alembic import op

from shared.collation import compare_by_default, compare_exactly

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

USER = {"user_id": "users"}
TABLES: dict[str, dict[str, str]] = {
    "users": {},
    "user_roles": USER,
    "user_regions": USER,
    "sessions": USER,
    "refresh_tokens": {"session_id": "sessions"},
    "revocations": {},
    "login_attempts": {},
    "mail_links": USER,
    "api_keys": USER,
    "audit_log": {},
    "audit_head": {},
    "oauth_clients": {},
    "oauth_codes": {"client_id": "oauth_clients", "user_id": "users"},
    "mfa_factors": USER,
    "mfa_recovery_codes": USER,
    "mfa_challenges": USER,
}


def upgrade() -> None:
    compare_exactly(op.get_bind(), TABLES)


def downgrade() -> None:
    compare_by_default(op.get_bind(), TABLES)
