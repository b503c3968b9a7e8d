"""The tables of the demand zone: each function is named as the table it makes, each argument as a table it reads.

`clock` is the batch clock, `engine` runs what must be computed at once, `training` is the model registry bound to
this run's inputs. The tail of every prod row (data_through_on, computed_at) is the pipeline's to add; model_name
and model_version stand here, because only the function knows them.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

import ibis
import numpy as np
import pyarrow as pa

from services.demand import rfm, tiers
from shared.clock import through
from shared.engine import Engine
from shared.expressions import money, money_mean, money_sum, quantile_score, safe_divide, share_pct
from shared.lineage import GENERATED, ModelStep
from shared.metrics import recency_days, revenue, valid_order_count, valid_orders
from shared.models import CHALLENGER, CHAMPION, ModelVersion, Training
from shared.reconciliation import Reason, Tie
from shared.tables import CONTRACT
from shared.tables.demand import TIERS

log = logging.getLogger(__name__)

GROUP_COLUMNS = ("method", "segment", "action", "silhouette", "silhouette_k", "model_name", "model_version")


def customer_rfm(curated_orders: ibis.Table, curated_customers: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return recency, frequency, monetary value, their scores and the RFM segment of each customer who bought.

    Guest orders belong to no customer. A score is 1-5, 5 best, by the share of customers who do strictly worse:
    1 + floor(5 × share), so that equal customers score alike; for recency fewer days are better.
    """
    orders = valid_orders(through(curated_orders, clock))
    bought = orders.filter(orders.customer_id.notnull())
    features = bought.group_by("customer_id").aggregate(
        last_order_on=bought.ordered_at.max().date(),
        recency_days=recency_days(bought, clock),
        frequency=valid_order_count(bought).cast("int32"),
        monetary=revenue(bought),
    )
    names = curated_customers.select("customer_id", "full_name", "country", "region")
    named = features.left_join(names, "customer_id").drop("customer_id_right")
    return segmented(scored(named))


def scored(features: ibis.Table) -> ibis.Table:
    """Return the customers with r_score, f_score, m_score and the three written together."""
    scores = features.mutate(
        r_score=quantile_score(features.recency_days, best="low"),
        f_score=quantile_score(features.frequency),
        m_score=quantile_score(features.monetary),
    )
    digits = (scores[name].cast("string") for name in ("r_score", "f_score", "m_score"))
    return scores.mutate(rfm_score=ibis.literal("").concat(*digits))


def segmented(scores: ibis.Table) -> ibis.Table:
    """Return the customers with the segment of their cell in the grid of R and F + M."""
    cell = scores.r_score.cast("int32") * 100 + scores.f_score.cast("int32") + scores.m_score.cast("int32")
    names = [(cell == 100 * r + f_plus_m, name) for r, f_plus_m, name in rfm.cells()]
    return scores.mutate(segment=ibis.cases(*names))


def rfm_scores(
    curated_orders: ibis.Table,
    curated_customers: ibis.Table,
    clock: dt.date,
    engine: Engine,
    training: Training,
) -> pa.Table:
    """Return demand.rfm_scores: a row for each customer with a valid order, their segment and their tier.

    Trains and registers the tiers; all rows are assigned by the artefact of the version that is live.
    """
    customers = engine.to_arrow(customer_rfm(curated_orders, curated_customers, clock).order_by("customer_id"))
    features = feature_matrix(customers)
    live = live_tiers(features, training)
    count = customers.num_rows
    if live is None:
        log.warning("%s (%d customers); tier stays empty", tiers.TOO_FEW, count)
        return with_model(customers, pa.nulls(count, pa.string()), None)
    model = tiers.Tiers.from_artefact(training.registry.manifest().artefact(live))
    return with_model(customers, pa.array(model.assign(features), pa.string()), live)


def with_model(customers: pa.Table, tier: pa.Array, live: ModelVersion | None) -> pa.Table:
    """Return the customers with their tier and the model that gave it."""
    count = customers.num_rows
    name, version = (live.name, live.version) if live else (None, None)
    model = {"model_name": name, "model_version": version}
    table = customers.append_column("tier", tier)
    for column, value in model.items():
        table = table.append_column(column, pa.array([value] * count, pa.string()))
    return table


def feature_matrix(customers: pa.Table) -> tiers.Floats:
    """Return (recency_days, frequency, monetary) of each row as floats."""
    columns = [customers.column(name).cast(pa.float64()).to_numpy() for name in tiers.FEATURES]
    return np.column_stack(columns) if customers.num_rows else np.empty((0, len(columns)))


def live_tiers(features: tiers.Floats, training: Training) -> ModelVersion | None:
    """Return the version whose tiers are in force after training on these customers; None when they are too few.

    A newly trained version goes live when the customers changed (the old centroids describe others), or when it
    was trained on the same customers by other code and its silhouette is not worse. Otherwise it is the challenger.
    """
    fit = tiers.fit(features)
    if fit is None:
        return None
    artefact = fit.artefact()
    version = training.register(tiers.MODEL_NAME, artefact, fit.metrics)
    manifest = training.registry.manifest()
    live = manifest.live(tiers.MODEL_NAME)
    because = reason_to_replace(version, artefact, live, manifest.artefact(live) if live else {})
    training.registry.deploy(version, CHAMPION if because else CHALLENGER, because or "worse silhouette")
    return version if because else live


def reason_to_replace(
    new: ModelVersion, artefact: Mapping[str, Any], live: ModelVersion | None, live_artefact: Mapping[str, Any]
) -> str:
    """Return why the new version goes live, or nothing when the live one stays."""
    if live is None:
        return "first version"
    if live.version == new.version:
        return "already live"
    if artefact["features_sha256"] != live_artefact["features_sha256"]:
        return "the customers changed"
    better = new.metrics.get("silhouette", -1.0) >= live.metrics.get("silhouette", -1.0)
    return "silhouette not worse on the same customers" if better else ""


def customer_segments(demand_rfm_scores: ibis.Table, engine: Engine, training: Training) -> ibis.Table:
    """Return demand.customer_segments: the eleven RFM segments and the four tiers, also those without customers.

    Silhouette and the k it would choose are those noted when the version behind the tiers was trained; they stand
    in the rows, so that an older version of this table tells its own.
    """
    by_rfm = aggregated(demand_rfm_scores, "rfm", "segment")
    by_tier = aggregated(demand_rfm_scores.filter(demand_rfm_scores.tier.notnull()), "kmeans", "tier")
    groups = by_rfm.union(by_tier)
    every = engine.memory("customer_groups", all_groups(model_behind(demand_rfm_scores, engine, training)))
    joined = every.left_join(groups, ["method", "segment"]).drop("method_right", "segment_right")
    spent = joined.mutate(customers=joined.customers.fill_null(0), revenue=money(joined.revenue.fill_null(0)))
    whole = spent.revenue.sum().over(ibis.window(group_by=spent.method))
    return spent.mutate(revenue_share_pct=share_pct(spent.revenue, whole).fill_null(0.0))


def aggregated(customers: ibis.Table, method: str, column: str) -> ibis.Table:
    """Return size, revenue and means of each group of `column`."""
    return customers.group_by(method=ibis.literal(method), segment=customers[column]).aggregate(
        customers=customers.count(),
        revenue=money_sum(customers.monetary),
        recency_days_mean=safe_divide(customers.recency_days.sum(), customers.count()),
        frequency_mean=safe_divide(customers.frequency.sum(), customers.count()),
        monetary_mean=money_mean(customers.monetary),
    )


def all_groups(model: ModelVersion | None) -> pa.Table:
    """Return every segment and tier with its action, the tiers with their model, None when there are no tiers."""
    rfm_rows = [{"method": "rfm", "segment": segment.name, "action": segment.action} for segment in rfm.SEGMENTS]
    figures = tier_figures(model) if model else {}
    tier_rows = [
        {"method": "kmeans", "segment": tier, "action": tiers.ACTIONS[tier] if model else tiers.TOO_FEW, **figures}
        for tier in TIERS
    ]
    columns = [CONTRACT["demand.customer_segments"].column(name) for name in GROUP_COLUMNS]
    return pa.Table.from_pylist(rfm_rows + tier_rows, pa.schema([column.arrow_field() for column in columns]))


def tier_figures(model: ModelVersion) -> dict[str, Any]:
    """Return what the rows of the tiers say of their model."""
    silhouette, k = model.metrics.get("silhouette"), model.metrics.get("silhouette_k")
    best = None if k is None else int(k)
    return {"silhouette": silhouette, "silhouette_k": best, "model_name": model.name, "model_version": model.version}


def model_behind(scores: ibis.Table, engine: Engine, training: Training) -> ModelVersion | None:
    """Return the model that gave the tiers, None where there are none."""
    used = engine.to_arrow(scores.select("model_name", "model_version").distinct()).to_pylist()
    named = [(row["model_name"], row["model_version"]) for row in used if row["model_version"]]
    return training.registry.manifest().version(*named[0]) if named else None


_VALID_ORDERS_OF_CUSTOMERS = (
    Reason("cancelled", lambda orders, _: orders.status == "cancelled"),
    Reason("returned", lambda orders, _: orders.status == "returned"),
    Reason("guest", lambda orders, _: orders.customer_id.isnull()),
    Reason("after_clock", lambda orders, clock: orders.ordered_at.date() > ibis.literal(clock)),
)
"""Why the ledger does not look for an order in these tables; the order of reasons is the order they are tried in."""

TIES = (
    Tie(
        "demand.rfm_scores",
        "curated.orders",
        _VALID_ORDERS_OF_CUSTOMERS,
        amount=lambda scores: money_sum(scores.monetary),
        rows=lambda scores: scores.frequency.sum(),
    ),
    Tie(
        "demand.customer_segments",
        "curated.orders",
        _VALID_ORDERS_OF_CUSTOMERS,
        amount=lambda groups: money_sum(groups.revenue, where=groups.method == "rfm"),
    ),
)

LINEAGE = {
    "rfm_scores": ModelStep(
        features=customer_rfm,
        columns={"tier": tiers.FEATURES, "model_name": GENERATED, "model_version": GENERATED},
    )
}
