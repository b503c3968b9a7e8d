"""Fifty households cut out of the Complete Journey data, in the package's own layout, and a pipeline over a folder."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa
from rich.console import Console

from pipeline.batch import open_lake
from pipeline.display import Plain
from pipeline.query import query
from pipeline.records import RunRecord
from pipeline.replay import replay
from pipeline.request import Request
from pipeline.run import run
from pipeline.settings import PipelineSettings
from pipeline.sources import Window, source
from shared.lake import Lake, parse_as_of

FILES = ("transactions", "products", "demographics", "campaign_descriptions", "coupons")
HOUSEHOLDS = 50
DEMAND_ALONE = "tests.integration.pipeline.demand_alone"
EVERY_SYSTEM = "services"
VOLATILE = ("_ingested_at", "computed_at", "model_version")
CURATED = (
    "customers",
    "categories",
    "suppliers",
    "products",
    "promotions",
    "promotion_products",
    "orders",
    "order_items",
)
MADE = (
    *(f"raw.{name}" for name in CURATED),
    *(f"curated.{name}" for name in (*CURATED, "customers_history", "products_history")),
    *("demand.rfm_scores", "demand.customer_segments"),
)
"""What stands on what the package itself has, without what is simulated on top of it, and demand's tables."""


def cut(folder: Path) -> Path:
    """Return the folder with a sample in it that has every oddity of the whole.

    Those are fuel, lines of quantity 0, and products that nobody catalogued.
    """
    folder.mkdir(parents=True)
    package = source("complete-journey").folder
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        for name in FILES:
            connection.execute(f"CREATE VIEW all_{name} AS FROM '{package / name}.parquet'")
        connection.execute(
            f"""
            CREATE TABLE chosen AS
            (SELECT DISTINCT household_id FROM all_transactions GROUP BY household_id, basket_id
             HAVING max(quantity) = 0 ORDER BY 1 LIMIT 2)
            UNION (SELECT DISTINCT household_id FROM all_transactions
                   WHERE product_id NOT IN (SELECT product_id FROM all_products) AND quantity > 0 LIMIT 2)
            UNION (SELECT household_id FROM all_transactions GROUP BY 1 HAVING count(*) < 400
                   ORDER BY hash(household_id) LIMIT {HOUSEHOLDS - 4})
            """
        )
        sold = "SELECT product_id FROM all_transactions SEMI JOIN chosen USING (household_id)"
        cuts = {
            "transactions": "SELECT t.* FROM all_transactions t SEMI JOIN chosen USING (household_id)",
            "products": f"FROM all_products WHERE product_id IN ({sold}) OR product_id % 500 = 0",
            "demographics": "SELECT d.* FROM all_demographics d SEMI JOIN chosen USING (household_id)",
            "campaign_descriptions": "FROM all_campaign_descriptions",
            "coupons": f"FROM all_coupons WHERE product_id IN ({sold})"
            " OR product_id NOT IN (SELECT product_id FROM all_products)",
        }
        for name, select in cuts.items():
            connection.execute(f"COPY ({select}) TO '{folder / name}.parquet'")
    return folder


def edit(folder: Path, name: str, select: str) -> None:
    """Replace a file of the source by a SELECT over it, named `rows`."""
    path = folder / f"{name}.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE rows AS SELECT *, row_number() OVER () AS nth FROM '{path}'")
        connection.execute(f"COPY (SELECT * EXCLUDE nth FROM ({select}) ORDER BY nth) TO '{path}'")


@dataclass
class Pipeline:
    """The pipeline over one source folder and one VAR_DIR."""

    folder: Path
    var_dir: Path
    shown: io.StringIO = field(default_factory=io.StringIO)
    systems: str = DEMAND_ALONE
    """Where the systems' batch modules are looked for, unless BATCH_MODULES says it."""

    @property
    def settings(self) -> PipelineSettings:
        systems = os.environ.get("BATCH_MODULES", self.systems)
        return PipelineSettings(var_dir=self.var_dir, engine_memory="500MB", batch_modules=systems)

    @property
    def lake(self) -> Lake:
        return open_lake(self.settings)

    def run(self, *only: str, window: Window | None = None) -> RunRecord:
        request = Request(source_dir=self.folder, window=window or Window(), only=only)
        return run(self.settings, request, Plain(Console(file=self.shown, width=200)))

    def curated(self, window: Window | None = None) -> RunRecord:
        """Run raw and curated alone: the models take seconds."""
        names = [f"{zone}.{name}" for zone in ("raw", "curated") for name in CURATED]
        return self.run(*names, window=window)

    def replay(self, *tables: str) -> RunRecord:
        return replay(self.settings, tables, Plain(Console(file=self.shown, width=200)))

    def sql(self, select: str, as_of: str = "") -> pa.Table:
        return query(self.lake, select, parse_as_of(as_of), self.var_dir / "tmp")

    def one(self, select: str, as_of: str = "") -> object:
        (row,) = self.sql(select, as_of).to_pylist()
        (value,) = row.values()
        return value

    def rows(self, table: str, as_of: str = "") -> pa.Table:
        """Return a table in order, without what differs between two runs over the same."""
        columns = [name for name in self.lake.snapshot(table).schema.names if name not in VOLATILE]
        listed = ", ".join(f'"{name}"' for name in columns)
        return self.sql(f"SELECT {listed} FROM {table} ORDER BY ALL", as_of)

    def versions(self) -> dict[str, int]:
        lake = self.lake
        zones = ("curated", "quarantine", "demand")
        return {table: lake.version(table) for zone in zones for table in lake.tables(zone)}

    def files(self) -> list[tuple[str, int, int]]:
        """Return every file of the lake with its size and time."""
        found = (path for path in (self.var_dir / "lake").rglob("*") if path.is_file())
        return sorted((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in found)


def moved(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Return the tables whose version moved."""
    return {table for table in after if after[table] != before.get(table)}


def clone(pipeline: Pipeline, to: Path) -> Pipeline:
    """Return a pipeline of its own that stands where `pipeline` does."""
    shutil.copytree(pipeline.folder, to / "source")
    shutil.copytree(pipeline.var_dir, to / "var", ignore=shutil.ignore_patterns("tmp"))
    return replace(pipeline, folder=to / "source", var_dir=to / "var", shown=io.StringIO())


def plant(var_dir: Path, table: str, rows: Iterable[dict[str, str | None]], columns: Iterable[str], batch: str) -> None:
    """Append a raw file as a source of its own would: all text, one row a dict, `_op` I unless said otherwise."""
    names = (*columns, "_op")
    filled = [{"_op": "I", **row} for row in rows]
    data = {name: pa.array([row.get(name) for row in filled], pa.string()) for name in names}
    data["_source_position"] = pa.array([f"{batch}/planted/{nth:06}" for nth in range(len(filled))], pa.string())
    folder = var_dir / "lake" / "raw" / "planted" / table
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.register("planted", pa.table(data))
        connection.execute(f"COPY planted TO '{folder / batch}.parquet'")
