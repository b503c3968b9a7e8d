"""What Alembic runs for every migration of the shop's database."""

from alembic import context

from pipeline.mysql.schema import tables
from shared.migrate import run_environment

if context.is_offline_mode():
    context.configure(
        dialect_name="mysql",
        target_metadata=tables(),
        literal_binds=True,
        version_table=context.config.attributes["version_table"],
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    run_environment(tables())
