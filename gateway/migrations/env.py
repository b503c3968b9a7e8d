"""What Alembic runs for every migration of the gateway's store."""

from gateway.tables import METADATA
from shared.migrate import run_environment

run_environment(METADATA)
