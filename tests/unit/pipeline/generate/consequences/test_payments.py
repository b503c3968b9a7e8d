"""Payments add up to their orders and follow what became of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.unit.pipeline.generate.consequences.shop import Generated, column


def test_what_was_paid_for_an_order_is_its_total(made: Generated) -> None:
    paid = made.tables["payments"]
    settled = paid.filter(pc.is_in(paid["status"], value_set=pa.array(["captured", "refunded", "chargeback"])))
    sums = settled.group_by("order_id").aggregate([("amount", "sum")])
    rows = made.tables["orders"].select(["order_id", "total", "status"]).join(sums, "order_id", join_type="inner")
    delivered = rows.filter(pc.equal(rows["status"], "delivered"))
    exact = pc.equal(delivered["total"], delivered["amount_sum"].cast(delivered["total"].type))
    # The others: a thief's card was declined and only the gift card's part was taken.
    assert pc.sum(exact).as_py() / delivered.num_rows > 0.999


def test_statuses_follow_the_order(made: Generated) -> None:
    rows = made.tables["payments"].join(
        made.tables["orders"].select(["order_id"]).append_column("order_status", made.tables["orders"]["status"]),
        "order_id",
    )
    found = {
        (row["order_status"], row["status"]): row["order_id_count"]
        for row in rows.group_by(["order_status", "status"]).aggregate([("order_id", "count")]).to_pylist()
    }
    assert found["returned", "refunded"] > 0.9 * sum(
        count for (order, _), count in found.items() if order == "returned"
    )
    assert found["delivered", "captured"] > 0.9 * sum(
        count for (order, _), count in found.items() if order == "delivered"
    )
    assert ("cancelled", "captured") not in found
    assert ("pending", "captured") not in found


def test_some_attempts_fail_and_are_tried_again(made: Generated) -> None:
    paid = made.tables["payments"]
    failed = paid.filter(pc.equal(paid["status"], "failed"))["order_id"].unique()
    again = paid.filter(pc.and_(pc.is_in(paid["order_id"], value_set=failed), pc.equal(paid["status"], "captured")))
    assert 0.02 < len(failed) / made.tables["orders"].num_rows < 0.10
    assert again.num_rows > 0.5 * len(failed)


def test_germans_pay_by_card_less_often_than_americans(made: Generated) -> None:
    paid = made.tables["payments"]
    shares = {}
    for country in ("US", "DE"):
        method = column(paid.filter(pc.equal(paid["billing_country"], country)), "method")
        shares[country] = float(np.mean(method == "card"))
    assert shares["DE"] < 0.5 < shares["US"]


def test_fees_are_part_of_the_amount_and_yen_have_no_cents(made: Generated) -> None:
    paid = made.tables["payments"]
    assert pc.all(pc.less_equal(paid["fee"], paid["amount"])).as_py()
    yen = column(paid.filter(pc.equal(paid["currency_code"], "JPY")), "amount").astype(float)
    assert len(yen) > 50
    assert np.all(yen % 1 == 0)
