"""What Alembic runs for every migration of the operations' store."""

from shared.migrate import run_environment
from shared.operations.store import METADATA

run_environment(METADATA)
