import re
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import Schema

from shared.tables import CONTRACT, Pii, Table, tables_of
from shared.tables.columns import CURATED_TAIL, PROD_TAIL
from shared.tables.derived import glue_columns, mysql_ddl, vocabulary
from shared.tables.dictionary import data_dictionary
from shared.tables.types import arrow_type, ibis_type
from shared.tables.validation import rule_names

ROOT = Path(__file__).parents[4]
CURATED = {
    "customers",
    "categories",
    "suppliers",
    "products",
    "inventory",
    "orders",
    "order_items",
    "payments",
    "shipments",
    "reviews",
    "promotions",
    "promotion_products",
    "web_events",
    "marketing_spend",
    "competitor_prices",
    "exchange_rates",
    "fraud_labels",
    "customers_history",
    "products_history",
}
VALIDITY = ("valid_from", "valid_to")
"""What everybody calls the ends of a version in a slowly changing dimension."""
every_table = pytest.mark.parametrize("table", CONTRACT.values(), ids=CONTRACT)


def test_the_contract_has_seventeen_curated_tables_two_histories_and_every_prod_zone() -> None:
    assert {table.name for table in tables_of("curated")} == CURATED
    sizes = {zone: len(tables_of(zone)) for zone in ("market_intel", "demand", "compliance", "market_pulse", "copilot")}
    assert sizes == {"market_intel": 18, "demand": 13, "compliance": 5, "market_pulse": 10, "copilot": 4}


@every_table
def test_a_tables_key_rules_and_references_name_columns_that_are_there(table: Table) -> None:
    assert len(set(table.column_names)) == len(table.columns)
    assert all(not table.column(name).nullable for name in table.key)
    for rule in table.rules:
        assert set(rule.columns) <= set(table.column_names)
        assert re.fullmatch("[a-z][a-z0-9_]*", rule.name)
    for reference in table.references:
        target = CONTRACT[reference.table]
        assert target.key == (reference.target_column,)
        assert target.column(reference.target_column).type == table.column(reference.column).type
    if table.region_column:
        assert table.column(table.region_column).type == "VARCHAR"
        assert not table.region_free
    assert len(set(rule_names(table))) == len(rule_names(table))


@every_table
def test_a_tables_columns_follow_the_conventions(table: Table) -> None:
    if table.zone != "pipeline":
        assert table.columns[-len(CURATED_TAIL) :] == CURATED_TAIL or table.columns[-len(PROD_TAIL) :] == PROD_TAIL
    for column in table.columns:
        assert re.fullmatch("_?[a-z][a-z0-9_]*", column.name)
        assert column.description and not column.description.endswith(".") and "\n" not in column.description
        assert (column.name.endswith("_at") or column.name in VALIDITY) == (column.type == "TIMESTAMP")
        assert column.name.endswith("_on") or column.name == "ds" or column.type != "DATE"
        assert column.name.startswith("is_") <= (column.type == "BOOLEAN")
        assert not column.name.endswith("_id") or column.type == "VARCHAR"
        assert not column.choices or all(choice == choice.lower() for choice in column.choices)
        if column.unit == "currency_code":
            assert "currency_code" in table.column_names or table.zone != "curated"


@every_table
def test_every_type_is_known_to_arrow_ibis_delta_and_glue(table: Table) -> None:
    schema = table.arrow_schema()
    assert schema.names == list(table.column_names)
    assert pa.schema(Schema.from_arrow(schema).to_arrow()) == schema
    for column in table.columns:
        assert ibis_type(column.type)
        assert schema.field(column.name).nullable == column.nullable
    assert {entry["Type"].split("(")[0] for entry in glue_columns(table)} <= {
        "string",
        "decimal",
        "timestamp",
        "date",
        "smallint",
        "int",
        "bigint",
        "double",
        "boolean",
    }


def test_names_addresses_card_digits_and_places_of_people_are_personal() -> None:
    personal = {
        f"{table.full_name}.{column.name}"
        for table in CONTRACT.values()
        for column in table.columns
        if column.pii is Pii.PERSONAL
    }
    telling = re.compile(r"full_name|email_|_hmac$|latitude|longitude|card_(bin|last4|token)|device_id|\.body$")
    named = {f"{t.full_name}.{c.name}" for t in CONTRACT.values() for c in t.columns if telling.search(f".{c.name}")}
    assert personal == named


def test_money_is_a_decimal_and_never_a_float() -> None:
    for table in tables_of("curated"):
        for column in table.columns:
            if column.unit == "currency_code":
                assert pa.types.is_decimal(arrow_type(column.type)), column.name


def test_the_data_dictionary_has_every_column_and_is_current() -> None:
    text = data_dictionary()
    assert all(f"## {name}" in text for name in CONTRACT)
    assert (ROOT / "docs" / "data-dictionary.md").read_text() == text, (
        "run `python -m shared.tables > docs/data-dictionary.md`"
    )


def test_importing_the_contract_loads_neither_arrow_nor_an_engine() -> None:
    code = "import sys, shared.tables; print([n for n in ('pyarrow', 'ibis', 'pandas') if n in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT).strip() == "[]"


def test_the_ddl_of_a_source_table_has_its_key_its_types_and_its_comments() -> None:
    ddl = mysql_ddl(CONTRACT["curated.order_items"])
    assert "PRIMARY KEY (`order_id`, `line_number`)" in ddl
    assert "`order_id` VARCHAR(64) NOT NULL COMMENT 'Order the line belongs to'" in ddl
    assert "`unit_price` DECIMAL(18,4) NOT NULL" in ddl
    assert "_ingested_at" not in ddl
    assert "customer''s" not in ddl and "What the customer paid" in mysql_ddl(CONTRACT["curated.orders"])


def test_a_word_leads_to_the_columns_it_may_mean() -> None:
    words = vocabulary(tables_of("curated"))
    assert words["state"] == ("curated.customers.region", "curated.orders.region")
    assert "curated.products.list_price" in words["price"]
    assert not [column for columns in words.values() for column in columns if "_history." in column]


def test_an_unknown_column_is_named_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="has no column nme; it has category_id, name"):
        CONTRACT["curated.categories"].column("nme")
