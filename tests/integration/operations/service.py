"""A service with long work and nothing else, for tests that kill it: `python -m … [begin]`."""

from __future__ import annotations

import sys
from datetime import timedelta

from shared.operations import schedule
from shared.operations.operations import Operations
from shared.operations.settings import OperationSettings
from shared.principal import Principal
from shared.rpc.process import run, stopping
from tests.integration.operations import work


async def main(arguments: list[str]) -> None:
    # Sooner than in earnest, so that the test need not wait for a lease of a quarter of a minute to end.
    schedule.LEASE, schedule.IDLE_SECONDS = timedelta(seconds=3), 0.5
    settings = OperationSettings()
    async with stopping(settings) as stop, Operations("demand", settings, packages={"tests"}) as operations:
        if arguments:
            folder = {"folder": str(settings.var_dir)}
            await operations.begin("waiting", work.with_a_child, folder, Principal("ada"))
        await stop.wait()


if __name__ == "__main__":
    run(main(sys.argv[1:]))
