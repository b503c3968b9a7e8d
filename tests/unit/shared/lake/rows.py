"""Small tables of the contract, made by hand."""

from datetime import UTC, datetime

import pyarrow as pa

from shared.tables import CONTRACT

NOW = datetime(2017, 7, 1, 12, 30, tzinfo=UTC)
TAIL = {"_ingested_at": NOW, "_source": "test", "_quality_score": 1.0}


def categories(*ids: str, name: str = "Bread") -> pa.Table:
    rows = [{"category_id": i, "name": name, "parent_category_id": None, **TAIL} for i in ids]
    return pa.Table.from_pylist(rows, schema=CONTRACT["curated.categories"].arrow_schema())


def customers(**region_of: str | None) -> pa.Table:
    rows = [
        {"customer_id": i, "full_name": f"Name {i}", "country": "US", "region": region, **TAIL}
        for i, region in region_of.items()
    ]
    return pa.Table.from_pylist(rows, schema=CONTRACT["curated.customers"].arrow_schema())


def ids(table: pa.Table) -> list[str]:
    return sorted(table.column(0).to_pylist())
