"""Lineage ends at the columns of the sources, and what is said of those is held against the sources themselves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.extract import Extraction
from pipeline.generate.generate import generate
from pipeline.generate.world import Knobs
from pipeline.lineage import sources
from pipeline.lineage.graph import COMPUTED, DECLARED, GIVEN, MADE, Lineage, from_sources, lineage
from pipeline.lineage.read import DOWN, UP, neighbours
from pipeline.lineage.sources import LineageOfSourceUnknown, Origins, origins
from pipeline.mysql.schema import PRIVATE, extractable
from pipeline.pci import Guard
from pipeline.raw import RawZone
from pipeline.settings import PipelineSettings
from pipeline.sources import Source, Window, source
from pipeline.sources.csv_mapping import csv_source
from pipeline.sources.olist import FILES
from pipeline.sources.synthetic import MANIFEST
from shared.tokenise import Tokeniser
from tests.unit.pipeline.sources.shop import open_shop
from tests.unit.pipeline.sources.test_olist import CONTENT
from tests.unit.pipeline.sources.test_online_retail import HEADER, LINES

META = {"_file", "_row"}


@pytest.fixture(scope="module")
def begun() -> Lineage:
    return lineage()


def described(connection: duckdb.DuckDBPyConnection, select: str) -> set[str]:
    return {name for name, *_ in connection.execute(f"DESCRIBE {select}").fetchall()}


def assert_complete(found: Source, said: Origins) -> None:
    """Assert that lineage has exactly the columns that the source's own SQL gives, table by table."""
    with duckdb.connect() as connection:
        found.open(connection)
        for table, sql in found.tables.items():
            assert set(said.made[table]) == described(connection, sql), table
    assert set(said.made) == set(found.tables)
    assert_there(said)


def assert_there(said: Origins) -> None:
    """Assert that every column that something is made of is one of a table of the source."""
    used = {place for columns in said.made.values() for places in columns.values() for place in places}
    for table, column in used:
        assert table in said.given and (not column or column in said.given[table]), f"{table}.{column}"


def test_olist_is_followed_to_the_columns_of_its_nine_files(tmp_path: Path) -> None:
    for name, (file, columns) in FILES.items():
        (tmp_path / file).write_text(columns.replace(" ", ",") + "\n" + CONTENT.get(name, ""))
    assert_complete(source("olist", tmp_path), sources.olist())
    orders = sources.olist().made["orders"]
    assert orders["total"] == {
        ("olist.olist_order_items_dataset", "price"),
        ("olist.olist_order_items_dataset", "freight_value"),
    }
    assert orders["customer_id"] == {("olist.olist_customers_dataset", "customer_unique_id")}


def test_online_retail_is_followed_to_the_columns_of_its_invoice_lines(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(f"{HEADER}\n{LINES}")
    said = sources.online_retail()
    assert_complete(source("online-retail", tmp_path), said)
    assert said.given == {"online-retail.invoice_lines": tuple(HEADER.split(","))}
    columns = {name: {column for _, column in places} for name, places in said.made["order_items"].items()}
    assert (columns["product_id"], columns["unit_price"]) == ({"StockCode"}, {"UnitPrice"})
    assert "Quantity" in columns["line_total"] and "Quantity" in columns["matched_units"]


def test_a_generated_folder_is_followed_to_the_columns_of_its_files(tmp_path: Path) -> None:
    generate(Knobs(orders=50, seed=5, start=date(2024, 9, 1), days=30), tmp_path / "shop", lambda _: None)
    said = sources.synthetic()
    manifest = json.loads((tmp_path / "shop" / MANIFEST).read_text())["tables"]
    there = {f"synthetic.{name}": each["files"] for name, each in manifest.items() if each["files"]}
    assert set(said.given) >= {name for name in there if "@" not in name and "truth/" not in name} - {
        "synthetic.products"
    }
    for table, columns in said.given.items():
        for file in there.get(table, []):
            assert set(columns) <= set(pq.read_schema(tmp_path / "shop" / file).names), table
    found = source("synthetic", tmp_path / "shop")
    with duckdb.connect() as connection:
        for table, sql in found.tables.items():
            assert set(said.made[table]) | META | {"_source"} == described(connection, sql), table
    assert_there(said)


def test_a_shops_database_is_followed_as_the_guard_lets_its_columns_out() -> None:
    said = sources.database("mysql-shop")
    guard = Guard(Tokeniser({"k1": b"x" * 32}))
    for name, table in extractable().items():
        columns = (*(column.name for column in table.business_columns), *PRIVATE.get(name, ()))
        cleaned = guard.clean(table, {column: pa.array(["4"], pa.string()) for column in columns})
        assert set(said.made[name]) == set(cleaned.columns), name
        assert all(said.made[name].values())
    assert_there(said)
    payments = said.made["payments"]
    assert ("mysql-shop.payments", "card_number") in payments["card_token"]
    assert not any(column == "cvv" for places in payments.values() for _, column in places)


def extracted(found: Source, raw: Path) -> None:
    with Extraction(found, RawZone.at(raw), Window(), temp_dir=raw / "tmp", memory="500MB", threads=1) as extraction:
        for table in found.tables:
            extraction.extract(table)


@pytest.fixture
def mapped(tmp_path: Path) -> PipelineSettings:
    """An installation that has taken in a small shop's files by a mapping."""
    settings = PipelineSettings(var_dir=tmp_path / "var")
    shop = csv_source(open_shop(tmp_path / "shop"), None, 1.0, tmp_path / "keys.json")
    extracted(shop, Path(settings.zone_uris()["raw"]))
    return settings


def test_what_a_mapping_file_says_is_kept_with_the_rows_and_followed_without_it(
    mapped: PipelineSettings, begun: Lineage
) -> None:
    whole = from_sources(begun, origins(mapped))
    file = "gartenshop.bestellungen*.csv"
    assert upstream(whole, "raw.orders", "total") == {f"{file}.Netto", f"{file}.Versand"}
    assert upstream(whole, "raw.customers", "email_hmac") == {"gartenshop.kunden.csv.E-Mail"}
    assert whole.columns["raw.orders", "total"].how == DECLARED
    assert whole.columns["raw.orders", "channel"].how == MADE
    assert whole.tables["raw.orders"] == (file,)
    reached = {edge.target for edge in neighbours(whole, f"{file}.Netto", DOWN).edges}
    assert "demand.customer_segments.revenue" in reached


def upstream(whole: Lineage, table: str, column: str) -> set[str]:
    return {f"{of}.{name}" for of, name in whole.columns[table, column].upstream}


def test_every_source_that_raw_has_rows_of_is_told_and_one_alone_where_it_is_asked_for(
    mapped: PipelineSettings, begun: Lineage
) -> None:
    extracted(source("olist", olist_folder(mapped.var_dir / "olist")), Path(mapped.zone_uris()["raw"]))
    both, one = (from_sources(begun, origins(mapped, name)) for name in ("", "olist"))
    assert {table.partition(".")[0] for table in both.tables["raw.orders"]} == {"gartenshop", "olist"}
    assert {table.partition(".")[0] for table in one.tables["raw.orders"]} == {"olist"}


def olist_folder(folder: Path) -> Path:
    folder.mkdir()
    for name, (file, columns) in FILES.items():
        (folder / file).write_text(columns.replace(" ", ",") + "\n" + CONTENT.get(name, ""))
    return folder


def test_before_anything_was_extracted_the_source_that_is_set_is_told(tmp_path: Path, begun: Lineage) -> None:
    whole = from_sources(begun, origins(PipelineSettings(var_dir=tmp_path)))
    edges = neighbours(whole, "demand.customer_segments.revenue", UP).edges
    assert "complete-journey.transactions.sales_value" in {edge.source for edge in edges}
    assert whole.columns["complete-journey.transactions", "sales_value"].how == GIVEN
    assert whole.columns["complete-journey.simulated_payments", "amount"].how == MADE
    assert whole.columns["raw.orders", "total"].how == COMPUTED


def test_a_source_that_nobody_knows_is_refused_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(LineageOfSourceUnknown, match=r"'shopify' is not known; known are: complete-journey"):
        origins(PipelineSettings(var_dir=tmp_path), "shopify")


@pytest.mark.parametrize("name", sources.KNOWN)
def test_nothing_is_left_hanging_where_lineage_goes_on_into_a_source(name: str, begun: Lineage) -> None:
    whole = from_sources(begun, [sources.KNOWN[name]()])
    for column in whole.columns.values():
        for table, of in column.upstream:
            assert (table, of) in whole.columns or (not of and table in whole.tables), f"{table}.{of}"
    assert {read for reads in whole.tables.values() for read in reads} <= set(whole.tables)


def names(places: Iterable[tuple[str, str]]) -> set[str]:
    return {f"{table.partition('.')[2]}.{column}" for table, column in places}


def test_complete_journey_is_followed_to_the_columns_of_the_package_and_to_what_is_simulated() -> None:
    made: Mapping[str, Mapping[str, frozenset[tuple[str, str]]]] = sources.complete_journey().made
    assert names(made["customers"]["age_band"]) == {"demographics.age"}
    assert names(made["customers"]["full_name"]) == {"more_customers.full_name"}
    assert names(made["order_items"]["line_total"]) == {"transactions.sales_value"}
    assert names(made["promotions"]["starts_on"]) == {"campaign_descriptions.start_date"}
    assert names(made["payments"]["amount"]) == {"simulated_payments.amount"}
    assert_there(sources.complete_journey())
