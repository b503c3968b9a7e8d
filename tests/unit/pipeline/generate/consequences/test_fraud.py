"""Fraud can be found, but by no single feature; labels come late and not all of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

from tests.unit.pipeline.generate.consequences.oracle import coded, features, joined
from tests.unit.pipeline.generate.consequences.shop import Generated, column, generated, paid

SCHEMES = {"stolen_card", "account_takeover", "ring", "card_testing", "refund_abuse", "friendly"}
Numbers = np.ndarray[Any, Any]


@pytest.fixture(scope="module")
def rows(made: Generated) -> pa.Table:
    tables = made.tables
    return joined(tables["payments"], tables["orders"], tables["customers"], made.truth["fraud"])


def fraud_of(rows: pa.Table) -> Numbers:
    return np.asarray(rows["is_fraud"].to_numpy(zero_copy_only=False))


def test_about_one_payment_in_a_hundred_and_thirty_is_fraud_and_every_scheme_is_there(made: Generated) -> None:
    fraud = made.truth["fraud"]
    assert 0.005 <= fraud.num_rows / made.tables["payments"].num_rows <= 0.01
    assert set(fraud["scheme"].to_pylist()) == SCHEMES
    assert set(fraud["payment_id"].to_pylist()) <= set(made.tables["payments"]["payment_id"].to_pylist())


def test_no_single_feature_gives_fraud_away(rows: pa.Table) -> None:
    found = {name: best for name, values in raw_features(rows).items() if (best := separates(rows, values)) >= 0.5}
    assert found == {}


def test_no_value_of_a_single_column_that_fraud_was_seen_with_gives_later_fraud_away(rows: pa.Table) -> None:
    fraud, early = fraud_of(rows), rows.num_rows * 6 // 10
    for name in ("device_id", "card_token", "billing_address_hmac", "customer_id", "order_id", "card_last4"):
        code = coded(rows[name]) + 1
        seen, hits = (np.bincount(code[:early], weight, code.max() + 1) for weight in (None, fraud[:early]))
        score = (hits / np.maximum(seen, 1))[code[early:]]
        assert average_precision_score(fraud[early:], score) < 0.5, name


def raw_features(rows: pa.Table) -> dict[str, Numbers]:
    """Return every column and what can simply be made of it alone: how often, how long, which hour, which cents."""
    made: dict[str, Numbers] = {"place": np.arange(rows.num_rows)}
    for name in set(rows.column_names) - {"is_fraud", "_card"}:
        values, kind = rows[name].combine_chunks(), rows[name].type
        if pa.types.is_string(kind):
            code = coded(rows[name])
            made[f"{name} count"] = np.bincount(code + 1)[code + 1]
            made[f"{name} rank"] = np.unique(values.fill_null("").to_numpy(zero_copy_only=False), return_inverse=True)[
                1
            ]
            made[f"{name} length"] = pc.fill_null(pc.utf8_length(values), -1).to_numpy(zero_copy_only=False)
        elif pa.types.is_timestamp(kind):
            time = pc.fill_null(values.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
            made |= {name: time, f"{name} hour": time // 3_600_000_000 % 24, f"{name} tail": time % 1_000_000}
            made[f"{name} weekday"] = time // 86_400_000_000 % 7
        else:
            number = pc.fill_null(values.cast(pa.float64()), -999.0).to_numpy(zero_copy_only=False)
            made |= {name: number, f"{name} rest": np.round(number * 100) % 100}
    return made


def separates(rows: pa.Table, values: Numbers) -> float:
    """Return the AUPRC of the best cuts of one feature: a tree trained on one half, told of the other."""
    fraud, scores = fraud_of(rows), np.zeros(rows.num_rows)
    for half in (0, 1):
        there = np.arange(rows.num_rows) % 2 == half
        tree = DecisionTreeClassifier(max_leaf_nodes=48, min_samples_leaf=8, random_state=0)
        tree.fit(values[there, None], fraud[there])
        scores[~there] = tree.predict_proba(values[~there, None])[:, 1]
    return float(average_precision_score(fraud, scores))


def test_the_expert_features_together_find_most_of_it() -> None:
    # Some hundred frauds are needed to learn six schemes from: a larger shop, its payments alone.
    rows = joined(*paid(60_000))
    fraud, early = fraud_of(rows), rows.num_rows * 6 // 10
    known = np.column_stack(list(features(rows).values()))
    # Of honest payments every fourth is enough to learn from.
    learned = np.nonzero(fraud[:early] | (np.arange(early) % 4 == 0))[0]
    model = HistGradientBoostingClassifier(
        max_iter=100, learning_rate=0.08, max_leaf_nodes=12, min_samples_leaf=10, l2_regularization=1.0, random_state=0
    )
    with threadpool_limits(1):
        model.fit(known[learned], fraud[learned])
    assert average_precision_score(fraud[early:], model.predict_proba(known[early:])[:, 1]) >= 0.8


def test_amounts_and_hours_of_fraud_are_those_of_honest_payments(made: Generated, rows: pa.Table) -> None:
    scheme = dict(
        zip(made.truth["fraud"]["payment_id"].to_pylist(), made.truth["fraud"]["scheme"].to_pylist(), strict=True)
    )
    tested = np.array([scheme.get(name) == "card_testing" for name in rows["payment_id"].to_pylist()])
    fraud, usd = fraud_of(rows), pc.equal(rows["currency_code"], "USD").to_numpy(zero_copy_only=False)
    amount = rows["amount"].cast(pa.float64()).to_numpy()
    honest, planted = amount[usd & ~fraud], amount[usd & fraud & ~tested]
    assert np.quantile(honest, 0.3) < np.median(planted) < np.quantile(honest, 0.7)
    hour = rows["authorized_at"].cast(pa.int64()).to_numpy() // 3_600_000_000 % 24
    shares = [np.bincount(hour[where], minlength=24) / where.sum() for where in (fraud, ~fraud)]
    assert np.abs(shares[0] - shares[1]).sum() / 2 < 0.35


def test_rings_share_devices_and_cards_among_five_accounts_or_more(rows: pa.Table, made: Generated) -> None:
    truth = (
        made.truth["fraud"].filter(pc.equal(made.truth["fraud"]["scheme"], "ring")).select(["payment_id", "ring_id"])
    )
    members = rows.join(truth, "payment_id", join_type="inner")
    counted = [(name, "count_distinct") for name in ("customer_id", "device_id", "card_token")]
    rings = members.group_by("ring_id").aggregate([*counted, ("payment_id", "count")]).to_pylist()
    large = [ring for ring in rings if ring["payment_id_count"] >= 10]
    assert large
    for ring in large:
        assert ring["customer_id_count_distinct"] >= 5
        assert ring["device_id_count_distinct"] < ring["payment_id_count"]
        assert ring["card_token_count_distinct"] < ring["payment_id_count"]


def test_honest_people_share_devices_and_cards_and_travel_too(rows: pa.Table) -> None:
    honest = rows.filter(pc.invert(rows["is_fraud"]))
    for name in ("device_id", "card_token"):
        known = honest.filter(pc.and_(pc.is_valid(honest[name]), pc.is_valid(honest["customer_id"])))
        shared = known.group_by(name).aggregate([("customer_id", "count_distinct")])
        assert int((column(shared, "customer_id_count_distinct") >= 2).sum()) > 50
    abroad = pc.sum(pc.not_equal(honest["ip_country"], honest["billing_country"])).as_py()
    assert abroad > 3 * fraud_of(rows).sum()


def test_labels_come_after_their_delay_and_not_for_all_fraud(made: Generated, rows: pa.Table) -> None:
    labels = made.tables["fraud_labels"].join(rows.select(["payment_id", "authorized_at"]).append_column(
        "truth", rows["is_fraud"]), "payment_id").to_pylist()  # fmt: skip
    spans = {"chargeback": (5, 60), "investigator": (1, 5), "settled": (75, 76)}
    for label in labels:
        first, last = (timedelta(days=days) for days in spans[label["label_source"]])
        assert first <= label["labelled_at"] - label["authorized_at"] <= last
        assert label["is_fraud"] == label["truth"]
    found = sum(label["is_fraud"] for label in labels) / fraud_of(rows).sum()
    assert 0.6 < found < 0.97
    assert sum(not label["is_fraud"] and label["label_source"] != "settled" for label in labels) > 50


def test_a_world_without_fraud_has_none() -> None:
    calm = generated(1_500, days=120, fraud=False, sessions=0.1)
    assert calm.truth["fraud"].num_rows == 0
    assert not pc.any(calm.tables["fraud_labels"]["is_fraud"]).as_py()
