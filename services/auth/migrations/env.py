"""What Alembic runs for every migration of the auth service."""

from services.auth.store import METADATA
from shared.migrate import run_environment

run_environment(METADATA)
