from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline import raw_compaction
from pipeline.ingest.ingest import OUTSIDE, SOURCE, Ingested, Ingestor
from pipeline.ingest.reading import MalformedRows, TooManyRows, UnknownTable
from pipeline.raw import RawZone
from shared.policy import RegionBound
from shared.principal import Principal

PAN = "4111 1111 1111 1111"
ORDER = {
    "order_id": "o1",
    "customer_id": "c1",
    "ordered_at": "2026-01-31T09:00:00Z",
    "status": "paid",
    "channel": "online",
    "country": "US",
    "currency_code": "USD",
    "subtotal": 10.5,
    "discount": "0.50",
    "shipping": 0,
    "tax": 0,
    "total": 10,
}


@pytest.fixture
def ingestor(tmp_path: Path) -> Ingestor:
    return Ingestor(RawZone.at(tmp_path / "raw"), tmp_path / "keys.json", tmp_path / "state" / "ingest.db")


def sent(ingestor: Ingestor, table: str, *rows: Any) -> Ingested:
    return ingestor.ingest(table, json.dumps({"rows": rows}).encode())


def in_raw(ingestor: Ingestor, table: str) -> list[dict[str, Any]]:
    files = ingestor.raw.files(table, SOURCE)
    return pa.concat_tables([pq.read_table(file.uri) for file in files], promote_options="default").to_pylist()


def reasons(found: Ingested) -> dict[int, list[str]]:
    return {row.index: [rule for rule, _ in row.reasons] for row in found.rejected}


def test_good_rows_are_in_raw_and_bad_ones_come_back_with_every_rule_they_broke(ingestor: Ingestor) -> None:
    bad = ORDER | {"order_id": "o2", "total": "ten", "status": "lost", "country": None}
    found = sent(ingestor, "orders", ORDER, bad, ORDER | {"order_id": "o3", "total": 11})
    assert (found.accepted, found.unchanged) == (1, 0)
    broken = {index: set(rules) for index, rules in reasons(found).items()}
    assert broken == {1: {"castable_total", "not_null_country", "choice_status"}, 2: {"totals_add_up"}}
    (row,) = in_raw(ingestor, "orders")
    assert (row["order_id"], row["discount"], row["_op"], row["_source"]) == ("o1", "0.50", "I", SOURCE)


def test_the_same_rows_again_change_nothing_however_their_numbers_are_written(ingestor: Ingestor) -> None:
    sent(ingestor, "orders", ORDER, ORDER | {"order_id": "o2"})
    again = sent(ingestor, "orders", ORDER | {"discount": 0.5, "ordered_at": "2026-01-31 10:00:00+01:00"})
    assert (again.accepted, again.unchanged, again.batch) == (0, 1, "")
    changed = sent(ingestor, "orders", ORDER | {"status": "shipped"})
    assert changed.accepted == 1
    back = sent(ingestor, "orders", ORDER)
    assert back.accepted == 1
    assert [row["_op"] for row in in_raw(ingestor, "orders")] == ["I", "I", "U", "U"]


def test_what_is_known_is_made_anew_from_raw_where_it_was_lost_or_fell_behind(ingestor: Ingestor) -> None:
    sent(ingestor, "orders", ORDER)
    kept = ingestor.known_path.read_bytes()
    sent(ingestor, "orders", ORDER | {"status": "shipped"})
    for name in ("", "-wal", "-shm"):
        ingestor.known_path.with_name(ingestor.known_path.name + name).unlink(missing_ok=True)
    ingestor.known_path.write_bytes(kept)
    assert sent(ingestor, "orders", ORDER | {"status": "shipped"}).unchanged == 1
    ingestor.known_path.unlink()
    assert sent(ingestor, "orders", ORDER | {"status": "shipped"}).unchanged == 1
    assert sent(ingestor, "orders", ORDER).accepted == 1


def test_of_two_rows_of_one_key_the_last_counts_and_the_first_is_told_so(ingestor: Ingestor) -> None:
    found = sent(ingestor, "orders", ORDER | {"status": "pending"}, ORDER)
    assert reasons(found) == {0: ["repeated_key"]}
    assert [row["status"] for row in in_raw(ingestor, "orders")] == ["paid"]


def test_a_card_number_becomes_a_token_and_neither_it_nor_its_code_is_anywhere(
    ingestor: Ingestor, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    payment = {
        "payment_id": "p1",
        "order_id": "o1",
        "method": "card",
        "amount": "5.00",
        "currency_code": "USD",
        "status": "captured",
        "authorized_at": "2026-01-31 09:00:00",
        "device_id": f"paid with {PAN}",
    }
    found = sent(ingestor, "payments", payment | {"card_number": PAN, "cvv": "code 917"}, payment | {"payment_id": PAN})
    assert found.accepted == 2
    row, other = in_raw(ingestor, "payments")
    assert row["card_token"].startswith("k1.")
    assert (row["card_bin"], row["card_last4"], row["card_brand"]) == ("411111", "1111", "visa")
    assert other["payment_id"].startswith("k1.")
    assert {(v.column, v.kind, v.rows) for v in found.violations} == {
        ("cvv", "forbidden_column", (0,)),
        ("device_id", "card_number_in_text", (0, 1)),
        ("payment_id", "card_number_as_id", (1,)),
    }
    bad = sent(ingestor, "payments", payment | {"amount": PAN, PAN: "x", "card_number": {"is": PAN}})
    said = repr(found) + repr(bad) + capfd.readouterr().out + capfd.readouterr().err
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for digits in ("4111111111111111", PAN, "code 917"):
        assert digits not in said
        assert digits.encode() not in written


@pytest.mark.parametrize("given", [f"c {PAN}", "C-4111111111111111", "4111111111111111/a"])
def test_an_id_with_a_card_number_in_it_becomes_one_without_the_same_each_time(ingestor: Ingestor, given: str) -> None:
    found = sent(ingestor, "categories", {"category_id": given, "name": "Kites"})
    assert [(v.column, v.kind) for v in found.violations] == [("category_id", "card_number_as_id")]
    (row,) = in_raw(ingestor, "categories")
    assert row["category_id"].startswith("k1.") and "4111" not in row["category_id"]
    assert sent(ingestor, "categories", {"category_id": given, "name": "Kites"}).unchanged == 1
    other = sent(ingestor, "categories", {"category_id": PAN, "name": "Kites"})
    assert other.accepted == 1, "another id than the card number alone"


def test_an_address_is_kept_masked_and_one_in_the_masks_place_is_refused(ingestor: Ingestor) -> None:
    found = sent(
        ingestor,
        "customers",
        {"customer_id": "c1", "country": "US", "email": "jan@example.com"},
        {"customer_id": "c2", "country": "US", "email_masked": "jan@example.com"},
    )
    assert reasons(found) == {1: ["masked_email"]}
    assert [row["email_masked"] for row in in_raw(ingestor, "customers")] == ["j***@***.com"]


@pytest.mark.parametrize(
    ("row", "rules"),
    [
        (7, ["not_an_object"]),
        (ORDER | {"colour": "red"}, ["unknown_column"]),
        (ORDER | {"_source": "me"}, ["unknown_column"]),
        (ORDER | {"total": [1]}, ["readable_total"]),
        (ORDER | {"order_id": "a\x00b"}, ["readable_order_id"]),
        ({key: value for key, value in ORDER.items() if key != "order_id"}, ["not_null_order_id"]),
    ],
)
def test_a_row_that_cannot_be_read_says_why(ingestor: Ingestor, row: Any, rules: list[str]) -> None:
    assert reasons(sent(ingestor, "orders", row)) == {0: rules}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"rows": []}', b'{"rows": {}}', b'{"rows": [{}], "x": 1}', b"\xff", b"{"]
)
def test_a_body_of_another_form_is_refused(ingestor: Ingestor, body: bytes) -> None:
    with pytest.raises(MalformedRows):
        ingestor.ingest("orders", body)


def test_brackets_without_end_are_refused_and_not_followed(ingestor: Ingestor) -> None:
    with pytest.raises(MalformedRows):
        ingestor.ingest("orders", b'{"rows": ' + b"[" * 1_000_000)


def test_rows_that_name_column_after_column_are_refused_before_they_cost_memory(ingestor: Ingestor) -> None:
    with pytest.raises(MalformedRows, match="more than 500 columns"):
        sent(ingestor, "orders", {f"card_{n}": 1 for n in range(501)}, ORDER)


def test_what_is_told_of_a_hostile_row_is_bounded(ingestor: Ingestor) -> None:
    found = sent(ingestor, "orders", {f"card_{n}": [] for n in range(400)})
    assert sum(rule.startswith("readable_") for rule in reasons(found)[0]) == 20


def test_endless_text_is_refused_by_its_column(ingestor: Ingestor) -> None:
    found = sent(ingestor, "orders", ORDER | {"channel": "4 " * 40_000}, ORDER)
    assert reasons(found)[0] == ["readable_channel"]


@pytest.mark.parametrize("name", ["x" * 50 + PAN, f"card_{PAN}", f"card_{PAN.replace(' ', '')}"])
@pytest.mark.parametrize("value", ["1", []])
def test_a_card_number_in_the_name_of_a_column_is_told_to_nobody(ingestor: Ingestor, name: str, value: Any) -> None:
    found = sent(ingestor, "payments", {"payment_id": "p1", name: value})
    digits = "".join(c for c in repr(found) if c.isdecimal())
    assert "unknown_column" in reasons(found)[0]
    assert "411111111111" not in digits


def test_more_than_ten_thousand_rows_and_tables_of_no_contract_are_refused(ingestor: Ingestor) -> None:
    with pytest.raises(TooManyRows):
        sent(ingestor, "orders", *[{}] * 10_001)
    for name in ("nothing", "customers_history", "rfm_scores", "../orders"):
        with pytest.raises(UnknownTable):
            sent(ingestor, name, ORDER)


NORTH = Principal("ada", regions=frozenset({"North"}))


def of_region(name: str, region: str | None) -> dict[str, Any]:
    return ORDER | {"order_id": name, "region": region}


def sent_by(ingestor: Ingestor, caller: Principal, table: str, *rows: Any) -> Ingested:
    return ingestor.ingest(table, json.dumps({"rows": rows}).encode(), caller)


def test_who_is_bound_to_regions_brings_rows_of_those_alone(ingestor: Ingestor) -> None:
    rows = [of_region("n", "North"), of_region("s", "South"), of_region("none", None)]
    found = sent_by(ingestor, NORTH, "orders", *rows)
    assert (found.accepted, reasons(found)) == (1, {1: [OUTSIDE], 2: [OUTSIDE]})
    assert [row["order_id"] for row in in_raw(ingestor, "orders")] == ["n"]
    assert not any("South" in detail for row in found.rejected for _, detail in row.reasons)
    nobody = Principal("eve", regions=frozenset())
    assert sent_by(ingestor, nobody, "orders", rows[0]).accepted == 0


def test_who_is_bound_to_regions_takes_over_no_row_of_another_by_its_key(ingestor: Ingestor) -> None:
    sent(ingestor, "orders", of_region("s", "South"), of_region("n", "North"))
    found = sent_by(ingestor, NORTH, "orders", of_region("s", "North"), of_region("n", "North") | {"status": "shipped"})
    assert (found.accepted, found.unchanged, reasons(found)) == (1, 0, {0: [OUTSIDE]})
    # Nor one that the shop's own source told of, which stands in curated.
    ingestor.regions = lambda table, rows: {each.identity: "South" for each in rows if each.key == ("c",)}
    found = sent_by(ingestor, NORTH, "orders", of_region("c", "North"), of_region("new", "North"))
    assert (found.accepted, reasons(found)) == (1, {0: [OUTSIDE]})
    # Nor may one's own be given away.
    assert reasons(sent_by(ingestor, NORTH, "orders", of_region("n", "South"))) == {0: [OUTSIDE]}


def test_rows_of_no_one_region_are_refused_to_who_is_bound_to_some(ingestor: Ingestor) -> None:
    for table in ("categories", "order_items"):
        with pytest.raises(RegionBound):
            sent_by(ingestor, NORTH, table, {"category_id": "c", "name": "C"})


def test_what_was_noted_by_an_older_release_is_made_anew_from_raw(ingestor: Ingestor) -> None:
    sent(ingestor, "orders", of_region("s", "South"))
    with closing(sqlite3.connect(ingestor.known_path)) as old:
        old.executescript(
            "DROP TABLE known; CREATE TABLE known (name TEXT, identity BLOB, content BLOB); PRAGMA user_version = 0;"
        )
    assert sent(ingestor, "orders", of_region("s", "South")).unchanged == 1
    assert reasons(sent_by(ingestor, NORTH, "orders", of_region("s", "North"))) == {0: [OUTSIDE]}


def test_rows_sent_again_after_files_were_made_fewer_change_nothing(
    ingestor: Ingestor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_compaction, "FEWEST", 2)
    rows = [of_region(f"o{number}", "North") for number in range(6)]
    for row in rows:
        sent(ingestor, "orders", row)
    assert raw_compaction.compact(ingestor.raw, SOURCE, lambda _: True).files_after == 1
    again = sent(ingestor, "orders", *rows)
    assert (again.accepted, again.unchanged) == (0, 6)
    ingestor.known_path.unlink()
    assert sent(ingestor, "orders", *rows).unchanged == 6
    assert sent(ingestor, "orders", rows[0] | {"status": "shipped"}).accepted == 1
    assert len(in_raw(ingestor, "orders")) == 7


def test_what_is_known_is_made_anew_from_all_files_that_were_made_of_one_table(
    ingestor: Ingestor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raw_compaction, "FEWEST", 2)
    monkeypatch.setattr(raw_compaction, "LARGE_ROWS", 2)
    rows = [of_region(f"o{number}", "South") for number in range(6)]
    for row in rows:
        sent(ingestor, "orders", row)
    assert raw_compaction.compact(ingestor.raw, SOURCE, lambda _: True).files_after == 3
    ingestor.known_path.unlink()
    mine = [row | {"region": "North"} for row in rows]
    assert reasons(sent_by(ingestor, NORTH, "orders", *mine)) == {number: [OUTSIDE] for number in range(6)}
    assert sent(ingestor, "orders", *rows).unchanged == 6


def test_a_raw_zone_emptied_by_hand_is_begun_anew_by_a_process_that_goes_on(ingestor: Ingestor) -> None:
    first = sent(ingestor, "orders", ORDER)
    shutil.rmtree(ingestor.raw.local or "")
    again = sent(ingestor, "orders", ORDER)
    assert again.batch > first.batch
    assert (again.accepted, sent(ingestor, "orders", ORDER).unchanged) == (1, 1)
    assert [file.batch for file in ingestor.raw.files("orders", SOURCE)] == [again.batch]
