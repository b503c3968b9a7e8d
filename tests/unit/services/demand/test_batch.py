"""The demand tables on the real engine and registry, against plain Python."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.demand import batch, rfm, tiers
from shared.engine import DuckDbEngine, Engine
from shared.models import CHALLENGER, CHAMPION, Registry, Training
from shared.tables import CONTRACT
from tests.unit.services.demand import oracle

CLOCK = dt.date(2017, 12, 30)
ORDERS, CUSTOMERS = (CONTRACT[f"curated.{name}"] for name in ("orders", "customers"))
SCORES, SEGMENTS = (CONTRACT[f"demand.{name}"] for name in ("rfm_scores", "customer_segments"))
PLAIN = {
    "VARCHAR": "x",
    "TIMESTAMP": dt.datetime(2017, 1, 1, tzinfo=dt.UTC),
    "DOUBLE": 1.0,
    "DECIMAL(18,2)": Decimal(0),
}


def table(contract: Any, rows: list[dict[str, Any]]) -> pa.Table:
    plain = {c.name: None if c.nullable else PLAIN[c.type] for c in contract.columns}
    return pa.Table.from_pylist([plain | row for row in rows], contract.arrow_schema())


def orders_of(seed: int, count: int, customers: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    start = dt.datetime(2017, 10, 1, tzinfo=dt.UTC)
    return [
        {
            "order_id": f"o{n}",
            "customer_id": rng.choice([None, *(f"c{c}" for c in range(customers))]),
            "ordered_at": start + dt.timedelta(minutes=rng.randrange(92 * 24 * 60)),
            "status": rng.choice(["delivered", "delivered", "paid", "cancelled", "returned"]),
            "total": Decimal(rng.randrange(30_000)) / 100,
        }
        for n in range(count)
    ]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = DuckDbEngine(threads=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    return Registry.under(tmp_path_factory.mktemp("var"))


def scores_of(engine: Engine, training: Training, orders: list[dict[str, Any]], clock: dt.date = CLOCK) -> pa.Table:
    ids = sorted({order["customer_id"] for order in orders if order["customer_id"]})
    customers = [{"customer_id": i, "full_name": f"Name {i}", "country": "US", "region": "CA"} for i in ids]
    curated = engine.memory("orders", table(ORDERS, orders)), engine.memory("customers", table(CUSTOMERS, customers))
    return batch.rfm_scores(*curated, clock, engine, training)


def segments_of(engine: Engine, training: Training, scores: pa.Table) -> list[dict[str, Any]]:
    made = batch.customer_segments(engine.memory("scores", scores), engine, training)
    return engine.to_arrow(made).to_pylist()


def as_oracle(scores: pa.Table) -> dict[str, tuple[int, int, Decimal, str]]:
    columns = ("recency_days", "frequency", "monetary", "rfm_score")
    return {row["customer_id"]: tuple(row[name] for name in columns) for row in scores.to_pylist()}


@pytest.fixture(scope="module")
def scored(engine: Engine, registry: Registry) -> tuple[pa.Table, Training, list[dict[str, Any]]]:
    orders = orders_of(1, 1_500, 120)
    training = Training(registry, {"curated.orders": 0, "curated.customers": 0}, "abc")
    return scores_of(engine, training, orders), training, orders


ORDER = st.fixed_dictionaries(
    {
        "customer_id": st.sampled_from([None, "a", "b", "c", "d", "e"]),
        "ordered_at": st.datetimes(dt.datetime(2017, 12, 20), dt.datetime(2018, 1, 2), timezones=st.just(dt.UTC)),
        "status": st.sampled_from(["pending", "paid", "delivered", "cancelled", "returned"]),
        "total": st.decimals(0, 10_000, places=2),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=st.lists(ORDER, max_size=25))
def test_rfm_equals_plain_python_customer_by_customer(engine: Engine, orders: list[dict[str, Any]]) -> None:
    numbered = [{"order_id": str(n), **order} for n, order in enumerate(orders)]
    curated = engine.memory("orders", table(ORDERS, numbered)), engine.memory("customers", table(CUSTOMERS, []))
    made = engine.to_arrow(batch.customer_rfm(*curated, CLOCK))
    assert as_oracle(made) == oracle.rfm(numbered, CLOCK)


def test_rfm_of_many_customers_equals_plain_python(scored: Any) -> None:
    scores, _, orders = scored
    wanted = oracle.rfm(orders, CLOCK)
    assert len(wanted) > 100
    assert as_oracle(scores) == wanted


def test_each_row_has_the_segment_of_its_scores(scored: Any) -> None:
    for row in scored[0].to_pylist():
        assert row["segment"] == rfm.segment_of(row["r_score"], row["f_score"], row["m_score"]).name
        assert (row["full_name"], row["country"]) == (f"Name {row['customer_id']}", "US")


def test_the_tables_have_every_column_of_the_contract_but_the_tail(engine: Engine, scored: Any) -> None:
    scores, training, _ = scored
    tail = {"data_through_on", "computed_at"}
    assert set(scores.column_names) == set(SCORES.column_names) - tail
    made = engine.to_arrow(batch.customer_segments(engine.memory("scores", scores), engine, training))
    assert set(made.column_names) == set(SEGMENTS.column_names) - tail
    for rows, contract in ((scores, SCORES), (made, SEGMENTS)):
        wanted = pa.schema([field for field in contract.arrow_schema() if field.name not in tail])
        assert rows.select(wanted.names).cast(wanted).num_rows == rows.num_rows


def test_tiers_are_those_of_the_registered_model(scored: Any) -> None:
    scores, training, _ = scored
    manifest = training.registry.manifest()
    live = manifest.live(tiers.MODEL_NAME)
    assert live is not None
    model = tiers.Tiers.from_artefact(manifest.artefact(live))
    assert scores.column("tier").to_pylist() == model.assign(batch.feature_matrix(scores))
    assert set(scores.column("model_version").to_pylist()) == {live.version}
    assert live.lake_versions == training.lake_versions


def test_segments_add_up_to_the_customers_for_both_methods(engine: Engine, scored: Any) -> None:
    scores, training, _ = scored
    rows = segments_of(engine, training, scores)
    assert len(rows) == 15
    for method, names in (("rfm", [s.name for s in rfm.SEGMENTS]), ("kmeans", list(tiers.TIERS))):
        own = [row for row in rows if row["method"] == method]
        assert sorted(row["segment"] for row in own) == sorted(names)
        assert sum(row["customers"] for row in own) == scores.num_rows
        assert sum(row["revenue"] for row in own) == sum(scores.column("monetary").to_pylist())
        assert sum(row["revenue_share_pct"] for row in own) == pytest.approx(100)


def test_a_segment_is_the_mean_of_its_customers(engine: Engine, scored: Any) -> None:
    scores, training, _ = scored
    for row in segments_of(engine, training, scores):
        column = "segment" if row["method"] == "rfm" else "tier"
        own = [each for each in scores.to_pylist() if each[column] == row["segment"]]
        assert row["customers"] == len(own)
        if own:
            assert row["recency_days_mean"] == pytest.approx(sum(e["recency_days"] for e in own) / len(own))
            assert row["frequency_mean"] == pytest.approx(sum(e["frequency"] for e in own) / len(own))
            assert row["monetary_mean"] == pytest.approx(float(sum(e["monetary"] for e in own)) / len(own), abs=0.006)
        else:
            assert row["recency_days_mean"] is row["frequency_mean"] is row["monetary_mean"] is None


def test_silhouette_stands_beside_the_tiers_alone(engine: Engine, scored: Any) -> None:
    scores, training, _ = scored
    live = training.registry.manifest().live(tiers.MODEL_NAME)
    for row in segments_of(engine, training, scores):
        told = (row["silhouette"], row["silhouette_k"], row["model_version"])
        of_tiers = (live.metrics["silhouette"], int(live.metrics["silhouette_k"]), live.version)
        assert told == (of_tiers if row["method"] == "kmeans" else (None, None, None))


def test_running_again_changes_nothing(engine: Engine, scored: Any) -> None:
    scores, training, orders = scored
    before = json.dumps(json.loads((training.registry.root / "manifest.json").read_text()))
    again = scores_of(engine, training, random.Random(2).sample(orders, len(orders)))
    assert again.equals(scores)
    assert json.dumps(json.loads((training.registry.root / "manifest.json").read_text())) == before


def test_fewer_than_four_distinct_customers_have_no_tier_and_it_is_said(
    engine: Engine, registry: Registry, caplog: pytest.LogCaptureFixture
) -> None:
    training = Training(registry, {}, "few")
    orders = [order | {"customer_id": f"c{n % 3}"} for n, order in enumerate(orders_of(5, 40, 3))]
    with caplog.at_level(logging.WARNING):
        scores = scores_of(engine, training, orders)
    assert scores.column("tier").null_count == scores.num_rows == 3
    assert "fewer than four" in caplog.text
    rows = [row for row in segments_of(engine, training, scores) if row["method"] == "kmeans"]
    assert [(row["customers"], row["action"]) for row in rows] == [(0, tiers.TOO_FEW)] * 4


def test_no_orders_make_empty_segments(engine: Engine, registry: Registry) -> None:
    training = Training(registry, {}, "none")
    scores = scores_of(engine, training, [])
    rows = segments_of(engine, training, scores)
    assert [(row["customers"], row["revenue"], row["revenue_share_pct"]) for row in rows] == [(0, 0, 0.0)] * 15


def test_changed_customers_put_a_new_version_live(engine: Engine, tmp_path: Path) -> None:
    registry = Registry.under(tmp_path)
    for version, seed in enumerate((1, 2)):
        scores_of(engine, Training(registry, {"curated.orders": version}, "abc"), orders_of(seed, 400, 40))
    live = registry.manifest().live(tiers.MODEL_NAME)
    assert live is not None
    assert live.version == "1.1.0"
    log = (tmp_path / "models/deployments.jsonl").read_text().splitlines()
    assert [json.loads(line)["because"] for line in log] == ["first version", "the customers changed"]


def test_other_code_with_a_worse_silhouette_on_the_same_customers_stays_challenger(
    engine: Engine, tmp_path: Path
) -> None:
    registry, orders = Registry.under(tmp_path), orders_of(3, 600, 60)
    first = scores_of(engine, Training(registry, {"curated.orders": 0}, "first"), orders)
    trained = registry.manifest().live(tiers.MODEL_NAME)
    assert trained is not None
    better = registry.manifest().artefact(trained) | {"tiers": ["gold", "bronze", "platinum", "silver"]}
    rival = registry.register(tiers.MODEL_NAME, better, {"silhouette": 0.99}, {"curated.orders": 0}, "rival")
    registry.deploy(rival, CHAMPION, "better")
    kept = scores_of(engine, Training(registry, {"curated.orders": 0}, "later"), orders)
    assert registry.manifest().aliases[tiers.MODEL_NAME] == {CHAMPION: rival.version, CHALLENGER: "1.0.2"}
    assert set(kept.column("model_version").to_pylist()) == {rival.version}
    model = tiers.Tiers.from_artefact(better)
    assert kept.column("tier").to_pylist() == model.assign(batch.feature_matrix(first))
