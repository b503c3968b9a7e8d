"""Files as AWS DMS writes them to S3: full load, then changes, in raw/<schema>/<table>/."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.mysql.schema import PRIVATE
from pipeline.pci import CardDataInRaw
from tests.integration.pipeline.streams import content, refreshed

TABLES = ("customers", "orders", "payments")
TASK = Path(__file__).parents[3] / "deploy/aws/dms-task.json"
WHEN = datetime(2026, 11, 21, 10, 15, tzinfo=UTC)
MONEY = {"subtotal": 10, "discount": 0, "shipping": 0, "tax": 0, "total": 10}


def written(var_dir: Path, table: str, file: str, rows: list[dict[str, object]]) -> None:
    """One file as DMS writes it: zone-less timestamps, `Op` first, no `_op`."""
    folder = var_dir / "lake" / "raw" / "shop" / table
    folder.mkdir(parents=True, exist_ok=True)
    plain = [{n: v.replace(tzinfo=None) if isinstance(v, datetime) else v for n, v in row.items()} for row in rows]
    pq.write_table(pa.Table.from_pylist(plain), folder / f"{file}.parquet", compression="gzip")


def order(key: str, op: str = "I", status: str = "paid", **more: object) -> dict[str, object]:
    amounts = {name: Decimal(value).quantize(Decimal("0.01")) for name, value in MONEY.items()}
    row = {
        "order_id": key,
        "customer_id": None,
        "ordered_at": WHEN,
        "status": status,
        "channel": "online",
        "country": "US",
    }
    return {"Op": op, **row, "currency_code": "USD", **amounts, "_source_ts": WHEN, **more}


def payment(key: str, **more: object) -> dict[str, object]:
    row = {"payment_id": key, "order_id": "o1", "method": "card", "amount": Decimal("10.00"), "currency_code": "USD"}
    return {"Op": "I", **row, "status": "captured", "authorized_at": WHEN, "_source_ts": WHEN, **more}


@pytest.mark.parametrize("position", [{}, {"_source_position": "20261121101500000000000000000000001"}])
def test_a_load_and_its_changes_make_the_curated_table(tmp_path: Path, position: dict[str, str]) -> None:
    written(tmp_path, "orders", "LOAD00000001", [order(f"o{n}", **position) for n in range(1, 6)])
    written(tmp_path, "orders", "LOAD00000002", [order("o6", **position)])
    changes = [order("o1", "U", "shipped", **position), order("o2", "D", **position), order("o7", **position)]
    written(tmp_path, "orders", "20261121-101500123", changes)
    written(tmp_path, "orders", "20261121-101600456", [order("o1", "U", "delivered", **position)])
    refreshed(tmp_path, TABLES)
    found = {row["order_id"]: row["status"] for row in content(tmp_path, TABLES)["orders"]}  # type: ignore[index]
    assert found == {"o1": "delivered", **dict.fromkeys(("o3", "o4", "o5", "o6", "o7"), "paid")}


def test_a_load_without_operations_counts_as_inserts(tmp_path: Path) -> None:
    rows = [
        {name: value for name, value in order(f"o{n}").items() if name not in {"Op", "_source_ts"}} for n in range(3)
    ]
    written(tmp_path, "orders", "LOAD00000001", rows)
    written(tmp_path, "orders", "20261121-101500123", [order("o0", "D")])
    refreshed(tmp_path, TABLES)
    assert [row["order_id"] for row in content(tmp_path, TABLES)["orders"]] == ["o1", "o2"]  # type: ignore[index]


@pytest.mark.parametrize("column", ["card_number", "cvv"])
def test_a_folder_with_card_data_is_refused_before_a_row_is_read(tmp_path: Path, column: str) -> None:
    written(tmp_path, "orders", "LOAD00000001", [order("o1")])
    written(tmp_path, "payments", "LOAD00000001", [payment("p1", **{column: "4111111111111111"})])
    with pytest.raises(CardDataInRaw, match=column) as refused:
        refreshed(tmp_path, TABLES)
    assert "4111" not in refused.value.detail
    assert "payments" not in content(tmp_path, TABLES)


def test_the_recommended_task_removes_every_private_column_and_names_operation_and_time() -> None:
    task = json.loads(TASK.read_text())
    rules = task["ReplicationTask"]["TableMappings"]["rules"]
    removed = {
        (rule["object-locator"]["table-name"], rule["object-locator"]["column-name"])
        for rule in rules
        if rule["rule-action"] == "remove-column"
    }
    assert removed == {(table, column) for table, columns in PRIVATE.items() for column in columns}
    assert len({rule["rule-id"] for rule in rules}) == len(rules)
    target = task["TargetEndpoint"]["S3Settings"]
    assert (target["IncludeOpForFullLoad"], target["TimestampColumnName"]) == (True, "_source_ts")
