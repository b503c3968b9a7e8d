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
from shared.engine import Engine
from shared.expressions import date_of, days_between, end_of_day, money_mean, quantile_score, safe_divide
from shared.metrics import valid_orders
from shared.models import CHALLENGER, CHAMPION, ModelVersion, Training

log = logging.getLogger(__name__)

SCORES = 5


def customer_rfm(curated_orders: ibis.Table, curated_customers: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return recency, frequency, monetary value, their scores and the RFM segment of each customer who bought.

    Guest orders belong to no customer. Scores are 1-5, 5 best, by the share of customers with a smaller value
    (equal values score alike); recency is reversed, so that who bought last scores 5.
    """
    bought = valid_orders(curated_orders).filter(
        curated_orders.customer_id.notnull(), curated_orders.ordered_at <= end_of_day(clock)
    )
    per_customer = bought.group_by("customer_id").aggregate(
        last_order_on=date_of(bought.ordered_at.max()),
        frequency=bought.count().cast("int32"),
        monetary=bought.total.sum().cast("decimal(18, 2)"),
    )
    features = per_customer.mutate(recency_days=days_between(per_customer.last_order_on, clock).cast("int32"))
    named = features.left_join(
        curated_customers.select("customer_id", "full_name", "region", "country"), "customer_id"
    ).drop("customer_id_right")
    return segmented(scored(named))


def scored(features: ibis.Table) -> ibis.Table:
    """Return the customers with r_score, f_score, m_score and the three written together."""
    scores = features.mutate(
        r_score=(SCORES + 1 - quantile_score(features.recency_days, SCORES)).cast("int16"),
        f_score=quantile_score(features.frequency, SCORES).cast("int16"),
        m_score=quantile_score(features.monetary, SCORES).cast("int16"),
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


def customer_segments(
    demand_rfm_scores: ibis.Table, clock: dt.date, engine: Engine, training: Training
) -> ibis.Table:
    """Return demand.customer_segments: the eleven RFM segments and the four tiers, also those without customers.

    Silhouette and the k it would choose are those noted when the version behind the tiers was trained; they stand
    in the rows, so that an older version of this table tells its own.
    """
    metrics = model_metrics(demand_rfm_scores, engine, training)
    by_rfm = aggregated(demand_rfm_scores, "rfm", "segment")
    by_tier = aggregated(demand_rfm_scores.filter(demand_rfm_scores.tier.notnull()), "kmeans", "tier")
    groups = by_rfm.union(by_tier)
    every = ibis.memtable(all_groups(metrics))
    joined = every.left_join(groups, ["method", "segment"]).drop("method_right", "segment_right")
    whole = joined.revenue.sum().over(ibis.window(group_by="method"))
    return joined.mutate(
        customers=joined.customers.fill_null(0).cast("int64"),
        revenue=joined.revenue.fill_null(0).cast("decimal(18, 2)"),
        revenue_share_pct=(100 * safe_divide(joined.revenue.cast("float64"), whole.cast("float64"))).fill_null(0.0),
    )


def aggregated(customers: ibis.Table, method: str, column: str) -> ibis.Table:
    """Return size, revenue and means of each group of `column`."""
    return customers.group_by(method=ibis.literal(method), segment=customers[column]).aggregate(
        customers=customers.count(),
        revenue=customers.monetary.sum().cast("decimal(18, 2)"),
        recency_days_mean=customers.recency_days.cast("float64").mean(),
        frequency_mean=customers.frequency.cast("float64").mean(),
        monetary_mean=money_mean(customers.monetary),
    )


def all_groups(metrics: Mapping[str, float] | None) -> pa.Table:
    """Return every segment and tier with its action; `metrics` of the tiers' model, None when there are no tiers."""
    known = metrics or {}
    silhouette, k = known.get("silhouette"), known.get("silhouette_k")
    rows: list[dict[str, Any]] = [
        {"method": "rfm", "segment": segment.name, "action": segment.action} for segment in rfm.SEGMENTS
    ]
    for tier in tiers.TIERS:
        action = tiers.TOO_FEW if metrics is None else tiers.ACTIONS[tier]
        rows.append({"method": "kmeans", "segment": tier, "action": action, "silhouette": silhouette, "silhouette_k": k})
    text, number = pa.string(), pa.float64()
    schema = {"method": text, "segment": text, "action": text, "silhouette": number, "silhouette_k": pa.int32()}
    columns = {name: pa.array([row.get(name) for row in rows], kind) for name, kind in schema.items()}
    return pa.table(columns)


def model_metrics(scores: ibis.Table, engine: Engine, training: Training) -> Mapping[str, float] | None:
    """Return the metrics of the model behind the tiers, None where there are no tiers."""
    used = engine.to_arrow(scores.select("model_name", "model_version").distinct().order_by("model_version"))
    named = [(row["model_name"], row["model_version"]) for row in used.to_pylist() if row["model_version"]]
    return training.registry.manifest().version(*named[0]).metrics if named else None
