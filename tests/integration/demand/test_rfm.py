"""RFM of the lake as it stands, against twenty lines of plain Python."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from services.demand.rfm import segment_of
from shared.lake import AsOf, Lake, Zones
from shared.principal import BATCH
from tests.unit.services.demand import oracle


@pytest.fixture
def lake() -> Lake:
    """The lake under VAR_DIR; without a pipeline run there is nothing to compare."""
    lake = Lake(Zones.under(Path(os.environ.get("VAR_DIR", "var")) / "lake"))
    if lake.version("demand.rfm_scores") is None:
        pytest.skip("no pipeline run under VAR_DIR; run `python -m pipeline run` first")
    return lake


def test_rfm_of_the_lake_equals_plain_python_customer_by_customer(lake: Lake) -> None:
    assert_rfm_equals_plain_python(lake)


def assert_rfm_equals_plain_python(lake: Lake) -> None:
    """Compare demand.rfm_scores with a recomputation from the very version of curated.orders it was made from."""
    scores = lake.read("demand.rfm_scores", BATCH)
    made_from = lake.snapshot("demand.rfm_scores").metadata["input.curated.orders"]
    orders = lake.read("curated.orders", BATCH, AsOf(version=int(made_from))).data
    rows = scores.data.to_pylist()
    facts = ("recency_days", "frequency", "monetary", "rfm_score")
    found = {row["customer_id"]: tuple(row[fact] for fact in facts) for row in rows}
    columns = ["customer_id", "ordered_at", "status", "total"]
    assert found == oracle.rfm(orders.select(columns).to_pylist(), rows[0]["data_through_on"])
    for row in rows:
        assert row["segment"] == segment_of(row["r_score"], row["f_score"], row["m_score"]).name
