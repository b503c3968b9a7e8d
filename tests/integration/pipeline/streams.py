"""Raw rows made up by Hypothesis, put into a raw zone in any number of runs, and the curated tables they make."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from pipeline.assets import nodes
from pipeline.batch import Batch, Outcome
from pipeline.request import Request
from pipeline.settings import PipelineSettings
from shared.tables import CONTRACT
from tests.integration.pipeline.sample import Pipeline

Row = dict[str, str | None]
SENT = ("_op", "_source_position", "_source_ts", "_extracted_at")
TABLES = ("categories", "products", "orders", "order_items")


@dataclass(frozen=True)
class Sent:
    """One raw row: what it says, who sent it and in which run it arrives."""

    table: str
    row: Row
    feed: str
    run: int


def plant_run(var_dir: Path, run: int, sent: Iterable[Sent]) -> None:
    """Put what arrives in one run into the raw zone: a file for each source and table."""
    files: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for each in sent:
        files[each.feed, each.table].append(each.row)
    for (feed, table), rows in files.items():
        names = [*(column.name for column in CONTRACT[f"curated.{table}"].business_columns), *SENT]
        folder = var_dir / "lake" / "raw" / feed / table
        folder.mkdir(parents=True, exist_ok=True)
        data = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
        pq.write_table(pa.table(data), folder / f"2020010{1 + run}T000000000000Z.parquet")


def refreshed(var_dir: Path, tables: Sequence[str] = TABLES) -> dict[str, Outcome]:
    """Return what became of each table in a run that extracts nothing."""
    wanted = {f"curated.{name}" for name in tables}
    with Batch(PipelineSettings(var_dir=var_dir, engine_memory="300MB"), Request()) as batch:
        made = [outcome for node in nodes() if wanted & set(node.makes) for outcome in node.make(batch)]
    return {outcome.table: outcome for outcome in made}


def content(var_dir: Path, tables: Sequence[str] = TABLES) -> Mapping[str, list[object]]:
    """Return what the tables and their quarantines hold, but for when."""
    pipeline = Pipeline(Path("nowhere"), var_dir)
    found: dict[str, list[object]] = {}
    for name in tables:
        if pipeline.lake.version(f"curated.{name}") is not None:
            found[name] = pipeline.rows(f"curated.{name}").to_pylist()
        if pipeline.lake.version(f"quarantine.{name}") is not None:
            select = f"SELECT * EXCLUDE (first_seen_at, quarantined_at) FROM quarantine.{name} ORDER BY ALL"
            found[f"held {name}"] = pipeline.sql(select).to_pylist()
    return {name: rows for name, rows in found.items() if rows}


def together(stream: Sequence[Sent], var_dir: Path, runs: Iterable[int]) -> None:
    """Make the tables of a stream in as many runs as are asked for; every row must be accounted for after each."""
    for run in runs:
        arriving = [each for each in stream if each.run == run]
        plant_run(var_dir, run, arriving)
        for outcome in refreshed(var_dir).values():
            assert outcome.reconciled, outcome


def _ids(*values: str) -> st.SearchStrategy[str | None]:
    return st.sampled_from([*values, *values, None])


ORDER: Row = {
    "status": "paid", "channel": "store", "currency_code": "USD", "subtotal": "10", "discount": "0", "shipping": "0",
    "tax": "0", "total": "10",
}  # fmt: skip
LINE: Row = {"unit_price": "5", "discount": "0", "line_total": "5", "currency_code": "USD"}
PRODUCT: Row = {"name": "Apple", "currency_code": "USD", "is_active": "true"}
_ROWS: dict[str, st.SearchStrategy[Row]] = {
    "categories": st.fixed_dictionaries(
        {"category_id": _ids("k", "l", "m"), "parent_category_id": st.sampled_from(["k", "l", None])}
    ).map(lambda row: {"name": "Fruit", **row}),
    "products": st.fixed_dictionaries(
        {"product_id": _ids("p", "q"), "category_id": st.sampled_from("kl"), "list_price": st.sampled_from("10")}
    ).map(lambda row: {**PRODUCT, **row}),
    "orders": st.fixed_dictionaries(
        {
            "order_id": _ids("o", "u", "v"),
            "ordered_at": st.sampled_from(["2017-03-01 10:00:00", "2017-04-01 10:00:00"]),
            "country": st.sampled_from(["US", "US", "us"]),
        }
    ).map(lambda row: {**ORDER, **row}),
    "order_items": st.fixed_dictionaries(
        {
            "order_id": _ids("o", "u"),
            "line_number": st.sampled_from(["1", "1.0", "01", "1.7", "2", None]),
            "product_id": st.sampled_from("pq"),
            "quantity": st.sampled_from("110"),
        }
    ).map(lambda row: {**LINE, **row}),
}


@st.composite
def streams(draw: st.DrawFn, most: int = 24, runs: int = 4) -> list[Sent]:
    """Draw raw rows of related tables from two sources; where they stand has nothing to do with when they arrive."""
    tables = draw(st.lists(st.sampled_from(TABLES + TABLES[2:]), min_size=4, max_size=most))
    places = draw(st.permutations(range(len(tables))))
    return [_sent(draw, table, place, runs) for table, place in zip(tables, places, strict=True)]


def _sent(draw: st.DrawFn, table: str, place: int, runs: int) -> Sent:
    operation = draw(st.sampled_from("IIUUUD"))
    row = {**draw(_ROWS[table]), "_op": operation, "_source_position": f"{place:06}"}
    return Sent(table, row, draw(st.sampled_from(["one", "two"])), draw(st.integers(0, runs - 1)))


def shown(found: Mapping[str, list[object]]) -> str:
    """Return content as text, for a failing example to be read."""
    return json.dumps(found, indent=1, default=str)
