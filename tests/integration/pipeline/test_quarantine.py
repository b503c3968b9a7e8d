"""One bad row for every rule of every curated table, planted, found by the rule's name, mended and replayed.

The rules come from the contract: a new one without a way to break it below fails here.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.assets import curated_functions
from shared.tables import CONTRACT, Table
from shared.tables.card_numbers import MASK
from shared.tables.validation import Check, checks_of
from tests.integration.pipeline.sample import Pipeline, plant

Row = dict[str, str | None]

CARD = "4111111111111111"
"""A number made for tests by the brand; it passes the Luhn check."""

GOOD: dict[str, Row] = {
    "customers": {"customer_id": "c", "country": "US", "household_size": "2", "latitude": "1.5", "longitude": "2"},
    "categories": {"category_id": "k", "name": "Fruit"},
    "suppliers": {"supplier_id": "s", "name": "Farm", "country": "US"},
    "products": {
        "product_id": "p", "name": "Apple", "category_id": "k", "supplier_id": "s", "list_price": "1.20",
        "unit_cost": "0.50", "currency_code": "USD", "created_at": "2017-01-01 00:00:00", "is_active": "true",
    },
    "inventory": {
        "product_id": "p", "warehouse_id": "w", "on_hand": "5", "reserved": "1", "reorder_point": "2",
        "lead_time_days": "7", "updated_at": "2017-01-01T00:00:00Z",
    },
    "promotions": {
        "promotion_id": "m", "name": "Spring", "kind": "coupon", "starts_on": "2017-01-01", "ends_on": "2017-02-01",
        "discount_pct": "10", "budget": "100", "currency_code": "USD",
    },
    "promotion_products": {"promotion_id": "m", "product_id": "p"},
    "orders": {
        "order_id": "o", "customer_id": "c", "ordered_at": "2017-03-01 10:00:00", "status": "paid", "channel": "store",
        "device_type": "pos", "country": "US", "currency_code": "USD", "subtotal": "10", "discount": "1",
        "shipping": "2", "tax": "1", "total": "12", "promotion_id": "m",
    },
    "order_items": {
        "order_id": "o", "line_number": "1", "product_id": "p", "quantity": "2", "unit_price": "5.5000",
        "discount": "1", "line_total": "10", "currency_code": "USD",
    },
    "payments": {
        "payment_id": "y", "order_id": "o", "method": "card", "amount": "12", "currency_code": "USD",
        "status": "captured", "card_brand": "visa", "card_bin": "411111", "card_last4": "1111",
        "card_token": "k1:0123456789abcdef", "fee": "0.30", "billing_country": "US", "ip_country": "US",
        "billing_address_hmac": "0123456789abcdef", "ip_latitude": "1.5", "ip_longitude": "2", "device_id": "d",
        "merchant_category": "5411", "authorized_at": "2017-03-01 10:00:05",
    },
    "fraud_labels": {
        "payment_id": "y", "is_fraud": "false", "labelled_at": "2017-04-01 00:00:00", "label_source": "investigator",
    },
    "shipments": {
        "shipment_id": "h", "order_id": "o", "carrier": "Post", "status": "delivered", "destination_country": "US",
        "destination_region": "Ohio", "address_hmac": "0123456789abcdef", "shipped_at": "2017-03-02 08:00:00",
        "delivered_at": "2017-03-04 08:00:00", "cost": "4.50", "currency_code": "USD",
    },
    "reviews": {
        "review_id": "r", "product_id": "p", "customer_id": "c", "rating": "5", "title": "Crisp", "body": "Good apple",
        "is_verified": "true", "created_at": "2017-03-09 08:00:00",
    },
    "web_events": {
        "event_id": "e", "session_id": "v", "customer_id": "c", "occurred_at": "2017-03-01 09:58:00",
        "event_type": "page_view", "product_id": "p", "channel": "direct", "device_type": "desktop", "country": "US",
    },
    "marketing_spend": {
        "spend_on": "2017-03-01", "channel": "email", "campaign_id": "a", "amount": "50", "currency_code": "USD",
    },
    "competitor_prices": {
        "product_id": "p", "competitor": "Other", "price": "1.10", "currency_code": "USD", "observed_on": "2017-03-01",
    },
    "exchange_rates": {"rate_on": "2017-03-01", "base_code": "USD", "quote_code": "EUR", "rate": "0.94"},
}  # fmt: skip

ONE_OF_ITS_OWN = {
    "inventory": "warehouse_id", "order_items": "line_number", "promotion_products": None,
    "marketing_spend": "campaign_id", "competitor_prices": "competitor", "exchange_rates": "rate_on",
}  # fmt: skip
"""Column that tells the planted rows of a table apart; else its whole key. None: the broken value does."""

BROKEN: dict[tuple[str, str], Row] = {
    ("customers", "country_well_formed"): {"country": "usa"},
    ("customers", "household_size_positive"): {"household_size": "0"},
    ("customers", "latitude_in_range"): {"latitude": "91"},
    ("customers", "longitude_in_range"): {"longitude": "-181"},
    ("categories", "not_its_own_parent"): {"category_id": "own", "parent_category_id": "own"},
    ("suppliers", "country_well_formed"): {"country": "us"},
    ("products", "list_price_positive"): {"list_price": "0"},
    ("products", "unit_cost_not_negative"): {"unit_cost": "-1"},
    ("products", "currency_code_well_formed"): {"currency_code": "$"},
    ("inventory", "stock_not_negative"): {"reserved": "-1"},
    ("promotions", "dates_in_order"): {"ends_on": "2016-12-31"},
    ("promotions", "discount_pct_in_range"): {"discount_pct": "101"},
    ("promotions", "budget_not_negative"): {"budget": "-1"},
    ("promotions", "currency_code_well_formed"): {"currency_code": "usd"},
    ("orders", "totals_add_up"): {"total": "12.02"},
    ("orders", "amounts_not_negative"): {"tax": "-1", "total": "10"},
    ("orders", "country_well_formed"): {"country": "U"},
    ("orders", "currency_code_well_formed"): {"currency_code": "DOLLAR"},
    ("order_items", "line_number_positive"): {"line_number": "0"},
    ("order_items", "quantity_positive"): {"quantity": "0", "discount": "0", "line_total": "0"},
    ("order_items", "unit_price_not_negative"): {"unit_price": "-0.0050", "discount": "0", "line_total": "0"},
    ("order_items", "amounts_not_negative"): {"discount": "-1", "line_total": "12"},
    ("order_items", "line_total_adds_up"): {"line_total": "10.03"},
    ("order_items", "currency_code_well_formed"): {"currency_code": "us"},
    ("customers", "email_hmac_well_formed"): {"email_hmac": "name@example.com"},
    ("customers", "no_card_number"): {"city": CARD},
    ("categories", "no_card_number"): {"name": CARD},
    ("suppliers", "no_card_number"): {"name": CARD},
    ("products", "no_card_number"): {"brand": CARD},
    ("promotions", "no_card_number"): {"name": f"call {CARD}"},
    ("orders", "no_card_number"): {"region": CARD},
    ("payments", "amount_not_negative"): {"amount": "-0.01"},
    ("payments", "fee_not_negative"): {"fee": "-0.01"},
    ("payments", "currency_code_well_formed"): {"currency_code": "usd"},
    ("payments", "billing_country_well_formed"): {"billing_country": "USA"},
    ("payments", "ip_country_well_formed"): {"ip_country": "us"},
    ("payments", "card_bin_well_formed"): {"card_bin": CARD},
    ("payments", "card_last4_well_formed"): {"card_last4": CARD},
    ("payments", "card_token_well_formed"): {"card_token": CARD},
    ("payments", "billing_address_hmac_well_formed"): {"billing_address_hmac": "12 High Street, Springfield"},
    ("payments", "merchant_category_well_formed"): {"merchant_category": "grocer"},
    ("payments", "ip_latitude_in_range"): {"ip_latitude": "-91"},
    ("payments", "ip_longitude_in_range"): {"ip_longitude": "nan"},
    ("payments", "no_card_number"): {"card_brand": CARD},
    ("fraud_labels", "no_card_number"): {"label_source": CARD},
    ("shipments", "dates_in_order"): {"delivered_at": "2017-03-01 08:00:00"},
    ("shipments", "cost_not_negative"): {"cost": "-1"},
    ("shipments", "destination_country_well_formed"): {"destination_country": "Ohio"},
    ("shipments", "currency_code_well_formed"): {"currency_code": "U$"},
    ("shipments", "address_hmac_well_formed"): {"address_hmac": "12 High Street, Springfield"},
    ("shipments", "no_card_number"): {"carrier": CARD},
    ("reviews", "rating_in_range"): {"rating": "6"},
    ("reviews", "no_card_number"): {"body": f"they charged {CARD[:4]}-{CARD[4:8]}-{CARD[8:12]}-{CARD[12:]} twice"},
    ("web_events", "country_well_formed"): {"country": "usa"},
    ("marketing_spend", "amount_not_negative"): {"amount": "-1"},
    ("marketing_spend", "currency_code_well_formed"): {"currency_code": ""},
    ("competitor_prices", "price_positive"): {"price": "0"},
    ("competitor_prices", "currency_code_well_formed"): {"currency_code": "euro"},
    ("exchange_rates", "base_code_well_formed"): {"base_code": "us"},
    ("exchange_rates", "quote_code_well_formed"): {"quote_code": "eu"},
    ("exchange_rates", "rate_positive"): {"rate": "0"},
}
FOLLOWS = {"not_its_own_parent": {"resolves_parent_category_id"}}
"""Rules that break with another: a category that is not good is nobody's parent, not even its own."""
AUTOMATIC = {"castable": "no such value", "not_null": None, "choice": "no such value", "resolves": "nobody"}


def tables() -> Iterator[Table]:
    return (CONTRACT[f"curated.{name}"] for name in curated_functions() if not name.endswith("_history"))


def broken(table: Table, check: Check) -> Row:
    """Return the values that break one rule."""
    for kind, value in AUTOMATIC.items():
        if check.name == f"{kind}_{check.columns[0]}":
            return {check.columns[0]: value}
    assert (table.name, check.name) in BROKEN, f"say in BROKEN how a row of {table.name} breaks {check.name}"
    return BROKEN[table.name, check.name]


def bad_row(table: Table, check: Check, nth: int) -> Row:
    """Return a row that is good but for one rule, with a key of its own."""
    own = {ONE_OF_ITS_OWN[table.name]} if table.name in ONE_OF_ITS_OWN else set(table.key)
    nth += 1000 if table.name == "payments" else 100
    key = {name: f"2018-01-{nth - 99:02}" if name == "rate_on" else str(nth) for name in own if name}
    return {**GOOD[table.name], **key, **broken(table, check)}


def good_rows(table: Table) -> list[Row]:
    """Return the good row of a table, and of payments one for each label."""
    labels = checks_of(CONTRACT["curated.fraud_labels"]) if table.name == "payments" else ()
    return [GOOD[table.name], *({**GOOD["payments"], "payment_id": str(100 + nth)} for nth, _ in enumerate(labels))]


def mended(table: Table, row: Row, check: Check, nth: int) -> Row:
    """Return what the source sends once it has mended a row; one with a wrong key it takes back."""
    wrong_key = set(table.key) & set(broken(table, check))
    return {**row, "_op": "D"} if wrong_key else {**bad_row(table, check, nth), **good_values(table, check)}


def good_values(table: Table, check: Check) -> Row:
    return {name: GOOD[table.name].get(name) for name in broken(table, check)}


def without_card(value: str | None) -> str | None:
    """Return what quarantine may keep of a value."""
    return masked(value) if value and CARD in value.replace("-", "") else value


def masked(value: str) -> str:
    return re.sub(r"[0-9]([0-9-]*)[0-9]", MASK, value)


def columns(table: Table) -> list[str]:
    return [column.name for column in table.business_columns]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A lake of one good row a table and one bad row a rule."""
    var_dir = tmp_path_factory.mktemp("planted")
    for table in tables():
        rows = [*good_rows(table), *(bad_row(table, check, nth) for nth, check in enumerate(checks_of(table)))]
        plant(var_dir, table.name, rows, columns(table), "20200101T000000000000Z")
    pipeline = Pipeline(Path("nowhere"), var_dir)
    replayed(pipeline)
    return pipeline


def replayed(pipeline: Pipeline) -> None:
    record = pipeline.replay()
    assert not [name for name in record.failures if name.startswith("curated.")], record.failures
    made = {name for name in record.tables if name.startswith("curated.") and not name.endswith("_history")}
    assert made == {table.full_name for table in tables()}
    assert all(record.tables[name].reconciled for name in made)


RULES = [
    pytest.param(table, nth, check, id=f"{table.name}-{check.name}")
    for table in tables()
    for nth, check in enumerate(checks_of(table))
]


@pytest.mark.parametrize(("table", "nth", "check"), RULES)
def test_a_row_that_breaks_a_rule_is_in_quarantine_with_its_name(
    planted: Pipeline, table: Table, nth: int, check: Check
) -> None:
    row = bad_row(table, check, nth)
    held = planted.sql(f"SELECT * FROM quarantine.{table.name}").to_pylist()
    key = {name: row.get(name) for name in table.key}
    (found,) = [each for each in held if json.loads(each["key"]) == key]
    assert [name for name in found["_reasons"] if name not in FOLLOWS.get(check.name, ())] == [check.name]
    assert json.loads(found["_row"]) == {name: without_card(row.get(name)) for name in columns(table)}


def test_good_rows_are_in_their_tables(planted: Pipeline) -> None:
    for table in tables():
        assert planted.one(f"SELECT count(*) FROM {table.full_name}") == len(good_rows(table)), table.name


def test_replay_after_the_fix_leaves_only_rows_that_no_row_can_replace(planted: Pipeline, tmp_path: Path) -> None:
    fixed = Pipeline(Path("nowhere"), tmp_path / "var")
    shutil.copytree(planted.var_dir, fixed.var_dir)
    for table in tables():
        fixes = [mended(table, bad_row(table, check, nth), check, nth) for nth, check in enumerate(checks_of(table))]
        plant(fixed.var_dir, table.name, fixes, columns(table), "20200102T000000000000Z")
    replayed(fixed)
    for table in tables():
        keyless = {f"not_null_{name}" for name in table.key}
        held = fixed.sql(f"SELECT _reasons FROM quarantine.{table.name}")["_reasons"].to_pylist()
        # A row without a key is nobody's older version: it stays until its source takes it back.
        assert all(keyless & set(reasons) for reasons in held), table.name
        assert len(held) == sum(check.name in keyless for check in checks_of(table)), table.name


def test_a_row_that_only_waited_for_what_it_refers_to_is_let_through_when_that_arrives(
    planted: Pipeline, tmp_path: Path
) -> None:
    later = Pipeline(Path("nowhere"), tmp_path / "var")
    shutil.copytree(planted.var_dir, later.var_dir)
    nobody = {**GOOD["customers"], "customer_id": "nobody"}
    plant(later.var_dir, "customers", [nobody], columns(CONTRACT["curated.customers"]), "20200103T000000000000Z")
    replayed(later)
    assert later.one("SELECT count(*) FROM curated.orders WHERE customer_id = 'nobody'") == 1
    held = "SELECT count(*) FROM quarantine.orders WHERE list_contains(_reasons, 'resolves_customer_id')"
    assert later.one(held) == 0


def test_a_good_row_that_turns_bad_moves_to_quarantine_and_keeps_the_time_it_was_first_seen(
    planted: Pipeline, tmp_path: Path
) -> None:
    turned = Pipeline(Path("nowhere"), tmp_path / "var")
    shutil.copytree(planted.var_dir, turned.var_dir)
    names = columns(CONTRACT["curated.orders"])
    times = 'SELECT first_seen_at, quarantined_at FROM quarantine.orders WHERE key = \'{"order_id":"o"}\''
    plant(turned.var_dir, "orders", [{**GOOD["orders"], "_op": "U", "status": "lost"}], names, "20200104T000000000000Z")
    replayed(turned)
    assert turned.one("SELECT count(*) FROM curated.orders WHERE order_id = 'o'") == 0
    (first,) = turned.sql(times).to_pylist()
    plant(turned.var_dir, "orders", [{**GOOD["orders"], "_op": "U", "status": "gone"}], names, "20200105T000000000000Z")
    replayed(turned)
    (second,) = turned.sql(times).to_pylist()
    assert first["first_seen_at"] == first["quarantined_at"] == second["first_seen_at"] < second["quarantined_at"]


def test_a_number_with_a_fraction_is_not_rounded_into_an_integer(planted: Pipeline, tmp_path: Path) -> None:
    half = Pipeline(Path("nowhere"), tmp_path / "var")
    shutil.copytree(planted.var_dir, half.var_dir)
    row = {**GOOD["order_items"], "line_number": "77", "quantity": "1.7"}
    plant(half.var_dir, "order_items", [row], columns(CONTRACT["curated.order_items"]), "20200106T000000000000Z")
    replayed(half)
    reasons = half.one("SELECT _reasons FROM quarantine.order_items WHERE key LIKE '%\"77\"%'")
    assert "castable_quantity" in reasons  # type: ignore[operator]
