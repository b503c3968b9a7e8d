"""Systems of the tests' own: a package with one batch module a system, each making one table of the contract.

A file `<system>.<what>` in the folder EXTRA_ORDERS tells a system to be killed, to hang, to fail, or to find its store
away once.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from rich.console import Console

from pipeline.display import Plain
from pipeline.records import RunRecord
from pipeline.request import Request
from pipeline.run import run
from shared.errors import Unavailable
from shared.tables import CONTRACT
from tests.integration.pipeline.sample import Pipeline

SYSTEMS = {
    "market_intel": "trends",
    "demand": "churn_predictions",
    "compliance": "fraud_detections",
    "copilot": "query_patterns",
    "market_pulse": "trend_changes",
}
TABLES = {system: f"{system}.{table}" for system, table in SYSTEMS.items()}
MODULE = '''"""A system of the tests' own."""
import pyarrow as pa
from tests.integration.orchestration.extra import one_row

CODE_VERSION = "1"


def {table}(curated_orders) -> pa.Table:
    """Return one row."""
    return one_row("{system}", "{system}.{table}")
'''
FOLLOWING = '''

def trends(demand_churn_predictions) -> pa.Table:
    """Return one row, made of what another system made."""
    return one_row("market_intel", "market_intel.trends")
'''
HEAD = "import pyarrow as pa\nfrom tests.integration.orchestration.extra import one_row\n\nCODE_VERSION = '1'\n"
FOLLOWING_ALONE = HEAD + FOLLOWING
VALUES: dict[str, Any] = {
    "VARCHAR": "x",
    "DATE": date(2017, 1, 1),
    "TIMESTAMP": datetime(2017, 1, 1, tzinfo=UTC),
    "BOOLEAN": True,
    "DOUBLE": 0.5,
}


def write_systems(folder: Path, name: str = "extra_systems") -> None:
    """Write a package of the five systems. One that is changed needs a name of its own: Python imports a name once."""
    for system, table in SYSTEMS.items():
        module = folder / name / system
        module.mkdir(parents=True)
        for package in (module, module.parent):
            (package / "__init__.py").write_text("")
        (module / "batch.py").write_text(MODULE.format(system=system, table=table))


def one_row(system: str, table: str) -> pa.Table:
    """Return a row of the contract's types, after doing what the system is told."""
    orders = Path(os.environ["EXTRA_ORDERS"])
    (orders / f"{system}.pid").write_text(str(os.getpid()))
    if (orders / f"{system}.fail").exists():
        raise ZeroDivisionError
    if (away := orders / f"{system}.away").exists():
        away.unlink()
        raise Unavailable("the store is away")
    if (orders / f"{system}.kill").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    while (orders / f"{system}.hang").exists():
        time.sleep(0.05)
    columns = CONTRACT[table].columns
    row = {c.name: c.choices[0] if c.choices else VALUES.get(c.type, _number(c.type)) for c in columns}
    return pa.Table.from_pylist([row], CONTRACT[table].arrow_schema()).drop_columns(
        ["data_through_on", "model_name", "model_version", "computed_at"]
    )


def _number(kind: str) -> int | Decimal:
    return Decimal(1) if kind.startswith("DECIMAL") else 1


@dataclass
class Systems:
    """The pipeline over the five."""

    pipeline: Pipeline
    orders: Path

    def run(self, clock: date | None = None, only: tuple[str, ...] = tuple(TABLES.values())) -> RunRecord:
        """Make the systems' tables alone."""
        request = Request(source_dir=self.pipeline.folder, only=only, clock=clock)
        return run(self.pipeline.settings, request, Plain(Console(file=self.pipeline.shown, width=200)))

    def versions(self) -> dict[str, int | None]:
        """Return the newest version of each table, by system."""
        lake = self.pipeline.lake
        return {system: lake.version(table) for system, table in TABLES.items()}

    def tell(self, system: str, what: str) -> Path:
        """Tell a system what to do at work; unlink what comes back to take it back."""
        order = self.orders / f"{system}.{what}"
        order.write_text("")
        return order
