"""The mapping, on a source small enough to read."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipeline.extract import Extraction
from pipeline.raw import RawZone
from pipeline.sources import SourceUnreadable, UnknownSource, Window, source

FILES = {
    "transactions": """
        (1, 9, 100, 10, 2, 3.0, 0.5, 0.5, 0.0, TIMESTAMP '2017-01-31 23:59:59'),
        (1, 9, 100, 11, 9000, 20.0, 0.0, 0.0, 0.0, TIMESTAMP '2017-01-31 23:59:59'),
        (1, 9, 100, 10, 0, 5.0, 0.0, 0.0, 0.0, TIMESTAMP '2017-01-31 23:59:59'),
        (2, 9, 101, 99, 1, 7.0, 0.0, 0.0, 0.0, TIMESTAMP '2017-02-01 00:00:00'),
        (2, 9, 102, 10, 0, 0.0, 0.0, 0.0, 0.0, TIMESTAMP '2017-02-02 08:00:00')""",
    "products": """
        (10, 'GROCERY', 'National', 'FRZN ICE', 'ICE - CRUSHED'), (11, 'FUEL', 'Private', 'FUEL', 'GASOLINE-REG'),
        (12, 'GROCERY', 'National', 'FRZN ICE', 'ICE - CRUSHED'), (13, 'MISC', 'Private', NULL, NULL)""",
    "demographics": "(1, '45-54', '35-49K', '5+')",
    "campaign_descriptions": "(7, 'Type B', TIMESTAMP '2017-03-03', TIMESTAMP '2017-04-09')",
    "coupons": "(1000, 10, 7), (1001, 10, 7)",
}
COLUMNS = {
    "transactions": "household_id, store_id, basket_id, product_id, quantity, sales_value, retail_disc, coupon_disc,"
    " coupon_match_disc, transaction_timestamp",
    "products": "product_id, department, brand, product_category, product_type",
    "demographics": "household_id, age, income, household_size",
    "campaign_descriptions": "campaign_id, campaign_type, start_date, end_date",
    "coupons": "coupon_upc, product_id, campaign_id",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "source"
    place.mkdir()
    for name, values in FILES.items():
        write(place, name, values)
    return place


def write(folder: Path, name: str, values: str) -> None:
    duckdb.sql(f"COPY (FROM (VALUES {values}) t({COLUMNS[name]})) TO '{folder / name}.parquet'")


def extracted(folder: Path, table: str, window: Window | None = None, *, overlay: bool = True) -> list[dict[str, Any]]:
    """Return the raw rows that one more batch appends."""
    raw = RawZone.at(folder.parent / "raw")
    origin = source("complete-journey", folder, overlay=overlay)
    with Extraction(origin, raw, window or Window(), temp_dir=folder.parent, memory="200MB", threads=1) as extraction:
        file = extraction.extract(table).file
    if file is None:
        return []
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.sql(f"FROM '{file.uri}' ORDER BY _source_position").to_arrow_table().to_pylist()


def picked(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def test_an_order_adds_up_its_kept_lines(folder: Path) -> None:
    rows = extracted(folder, "orders")
    amounts = [tuple(map(float, row)) for row in picked(rows, "subtotal", "discount", "total")]
    assert amounts == [(24.0, 1.0, 23.0), (7.0, 0.0, 7.0), (0.0, 0.0, 0.0)]
    assert picked(rows, "order_id", "customer_id") == [("100", "1"), ("101", "2"), ("102", "2")]
    assert rows[0]["ordered_at"].isoformat() == "2017-01-31T23:59:59+00:00"


def test_lines_keep_their_order_and_fuel_is_one_unit(folder: Path) -> None:
    rows = extracted(folder, "order_items")
    assert picked(rows, "order_id", "line_number", "quantity") == [
        ("100", 1, 2), ("100", 2, 1), ("100", 3, 0), ("101", 1, 1), ("102", 1, 0),
    ]  # fmt: skip
    assert [float(row["unit_price"]) for row in rows] == [2.0, 20.0, 5.0, 7.0, 0.0]


def test_products_get_the_median_unit_price_of_their_own_or_their_kind(folder: Path) -> None:
    found = {row["product_id"]: row for row in extracted(folder, "products")}
    assert {key: float(row["list_price"]) for key, row in found.items()} == {
        "10": 2.0, "11": 20.0, "12": 2.0, "13": 7.0, "99": 7.0,
    }  # fmt: skip
    assert found["10"]["_source"] == "complete-journey:simulated(unit_cost,supplier_id,created_at)"
    assert (
        found["12"]["_source"]
        == found["13"]["_source"]
        == ("complete-journey:inferred(list_price):simulated(unit_cost,supplier_id,created_at)")
    )
    assert (found["99"]["_source"], found["99"]["category_id"]) == ("inferred", "unknown")
    assert (found["10"]["category_id"], found["13"]["category_id"]) == ("grocery.frzn-ice", "misc")


def test_categories_are_departments_and_pairs(folder: Path) -> None:
    rows = extracted(folder, "categories")
    assert set(picked(rows, "category_id", "name", "parent_category_id")) == {
        ("grocery", "GROCERY", None), ("fuel", "FUEL", None), ("misc", "MISC", None), ("unknown", "Unknown", None),
        ("grocery.frzn-ice", "FRZN ICE", "grocery"), ("fuel.fuel", "FUEL", "fuel"),
    }  # fmt: skip


def test_every_household_is_a_customer_with_what_is_known_of_it(folder: Path) -> None:
    rows = extracted(folder, "customers")
    known = sorted(picked(rows, "customer_id", "age_band", "household_size", "country"))
    assert known == [("1", "45-54", 5, "US"), ("2", None, None, "US")]


def test_campaigns_are_promotions_and_their_coupons_name_products_once(folder: Path) -> None:
    (promotion,) = extracted(folder, "promotions")
    assert (promotion["promotion_id"], promotion["starts_on"]) == ("7", date(2017, 3, 3))
    assert picked(extracted(folder, "promotion_products"), "promotion_id", "product_id") == [("7", "10")]


def test_only_what_is_new_changed_or_gone_is_appended(folder: Path) -> None:
    assert {row["_op"] for row in extracted(folder, "customers")} == {"I"}
    assert extracted(folder, "customers") == []
    write(folder, "demographics", "(1, '55-64', '35-49K', '5+'), (3, '25-34', NULL, '1')")
    assert sorted(picked(extracted(folder, "customers"), "customer_id", "_op")) == [("1", "U"), ("3", "I")]
    write(folder, "demographics", FILES["demographics"])
    assert sorted(picked(extracted(folder, "customers"), "customer_id", "_op")) == [("1", "U"), ("3", "D")]


def test_a_later_batch_sorts_after_an_earlier_one_by_position(folder: Path) -> None:
    first = extracted(folder, "customers")
    write(folder, "demographics", "(1, '55-64', '35-49K', '5+')")
    assert extracted(folder, "customers")[0]["_source_position"] > max(row["_source_position"] for row in first)


def test_a_window_includes_both_its_days_and_deletes_nothing_outside(folder: Path) -> None:
    january = Window(date(2017, 1, 31), date(2017, 1, 31))
    assert picked(extracted(folder, "orders", january), "order_id", "_op") == [("100", "I")]
    february = Window(first=date(2017, 2, 1))
    assert picked(extracted(folder, "orders", february), "order_id", "_op") == [("101", "I"), ("102", "I")]
    assert extracted(folder, "orders", january) == []
    assert extracted(folder, "orders") == []


def test_a_missing_file_or_column_is_named(folder: Path) -> None:
    columns = "1 AS campaign_id, DATE '2017-01-01' AS start_date, DATE '2017-01-02' AS end_date"
    duckdb.sql(f"COPY (SELECT {columns}) TO '{folder}/campaign_descriptions.parquet'")
    with pytest.raises(SourceUnreadable, match="campaign_type"):
        extracted(folder, "promotions")
    (folder / "coupons.parquet").unlink()
    with pytest.raises(SourceUnreadable, match=r"has no coupons\.parquet"):
        extracted(folder, "promotions")


def test_a_value_that_cannot_be_read_is_told_without_the_value(folder: Path) -> None:
    write(folder, "campaign_descriptions", "(7, 'Type B', 'secret', 'secret')")
    with pytest.raises(SourceUnreadable) as told:
        extracted(folder, "promotions")
    assert "secret" not in told.value.detail


def test_an_unknown_source_is_told_which_there_are() -> None:
    with pytest.raises(UnknownSource, match="complete-journey"):
        source("nowhere")


GIVEN = {
    "orders": "order_id, customer_id, ordered_at, status, channel, device_type, country, currency_code, subtotal,"
    " discount, shipping, tax, total, promotion_id, _source_ts, _file, _row",
    "order_items": "*",
    "categories": "*",
    "promotion_products": "*",
    "promotions": "promotion_id, name, kind, starts_on, ends_on, _file, _row",
    "products": "product_id, name, brand, category_id, list_price, currency_code, is_active, _file, _row",
    "customers": "customer_id, country, age_band, income_band, household_size, _file, _row",
}
"""Columns that the source gives."""


def given(folder: Path, table: str, *, overlay: bool) -> pa.Table:
    origin = source("complete-journey", folder, overlay=overlay)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        origin.open(connection)
        return connection.execute(f"SELECT {GIVEN[table]} FROM ({origin.tables[table]}) ORDER BY ALL").to_arrow_table()


@pytest.mark.parametrize("table", list(GIVEN))
def test_the_overlay_changes_nothing_that_was_given(folder: Path, table: str) -> None:
    assert given(folder, table, overlay=True).equals(given(folder, table, overlay=False))


def test_without_the_overlay_there_is_only_what_was_given(folder: Path) -> None:
    bare = source("complete-journey", folder, overlay=False)
    assert set(bare.tables) == set(GIVEN)
    (row, *_) = extracted(folder, "customers", overlay=False)
    assert (row["full_name"], row["region"], row["_source"]) == (None, None, "complete-journey")


def test_what_was_made_up_says_so_and_the_rest_does_not(folder: Path) -> None:
    assert extracted(folder, "orders")[0]["_source"] == "complete-journey:simulated(region)"
    assert {row["_source"] for row in extracted(folder, "order_items")} == {"complete-journey"}
    assert {row["_source"] for row in extracted(folder, "payments")} == {"simulated"}
    (household, *_) = extracted(folder, "customers")
    assert household["_source"].startswith("complete-journey:simulated(full_name,")
    assert household["full_name"] and household["region"] and household["registered_at"]


def test_every_order_that_cost_something_is_paid_in_full(folder: Path) -> None:
    paid: dict[str, float] = {}
    for row in extracted(folder, "payments"):
        if row["status"] != "failed":
            paid[row["order_id"]] = paid.get(row["order_id"], 0) + float(row["amount"])
    assert paid == {"100": 23.0, "101": 7.0}


def test_a_window_of_orders_has_their_payments_and_no_others(folder: Path) -> None:
    rows = extracted(folder, "payments", Window(date(2017, 1, 31), date(2017, 1, 31)))
    assert {row["order_id"] for row in rows} == {"100"}


def test_a_new_basket_leaves_what_was_simulated_of_the_others(folder: Path) -> None:
    first = {row["payment_id"]: row["card_token"] for row in extracted(folder, "payments")}
    late = "(2, 9, 105, 11, 1, 4.0, 0.0, 0.0, 0.0, TIMESTAMP '2017-03-02 08:00:00')"
    write(folder, "transactions", f"{FILES['transactions']}, {late}")
    changed = extracted(folder, "payments")
    assert {row["order_id"] for row in changed if row["_op"] == "I"} == {"105"}
    assert all(first[row["payment_id"]] == row["card_token"] for row in changed if row["_op"] == "U")
