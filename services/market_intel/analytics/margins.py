"""What is left of sales after costs, each cost attributed as its `CostAttribution` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.market_intel.analytics.columns import Floats, Ints, cents, money
from services.market_intel.analytics.revenue import COLUMN_OF, PLACES, period_column
from services.market_intel.analytics.selection import Filters, Period, SourceTableMissing, within
from shared.tables import Column

COGS = (
    "quantity × the product's unit cost, on the lines whose product has one in the line's currency; the others are in"
    " no gross profit"
)
METHODS = {
    "shipping_cost": "what carriers charge for the parcels of an order, at the order's own day, channel and place",
    "payment_fees": "what providers took of the payments of an order, at the order's own day, channel and place",
    "marketing": "each day's spend shared out alike over that day's valid orders, whichever channel of marketing",
}
TABLES = {"shipping_cost": "shipping_daily", "payment_fees": "payments_daily", "marketing": "marketing_daily"}
VALUES = {"shipping_cost": "cost", "payment_fees": "fees", "marketing": "spend"}
SOURCES = {"shipping_cost": "shipments", "payment_fees": "payments", "marketing": "marketing_spend"}
MUCH_UNKNOWN_PCT = 5.0
"""Share of sales without a known cost from which the answer warns of it."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """How a cost came to stand at the rows, or why it does not."""

    cost: str
    method: str
    is_included: bool = True


@dataclass(frozen=True)
class Margins:
    """The rows with their columns, and how each cost was attributed."""

    rows: pa.Table
    columns: tuple[Column, ...]
    attributions: tuple[Attribution, ...]
    cost_unknown_pct: float | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Asked:
    """Of what margins are asked."""

    by: str
    grain: str
    period: Period
    filters: Filters

    def keys(self, rows: pa.Table) -> list[tuple[object, ...]]:
        """Return period and value of each row."""
        periods = period_column(rows["ds"], self.grain, self.period).to_pylist()
        if not self.by:
            return [(each,) for each in periods]
        return list(zip(periods, rows[COLUMN_OF.get(self.by, self.by)].to_pylist(), strict=True))


def margins(lines: pa.Table, orders: pa.Table, costs: Mapping[str, pa.Table | None], asked: Asked) -> Margins:
    """Return sales, costs and what is left by period and value, oldest first, then largest sales first.

    Args:
        lines: rows of sales_daily or sales_monthly in the selection.
        orders: rows of revenue_daily in the selection, for the fees that customers paid.
        costs: cost → rows in the selection, of those tables that are there, None of one without a single amount; only
            for the whole and by place.
        asked: what is asked.

    Raises SourceTableMissing where no unit cost in the currency of its line is known.
    """
    known = cents(lines["sales_with_cost"])
    if len(known) and not known.any():
        raise SourceTableMissing(
            f"products: of nothing that was sold here a unit cost in {', '.join(sorted(currencies(lines)))} is known"
            " (curated.products.unit_cost); import a source that has unit costs"
        )
    of_orders = asked.by in ("", *PLACES)
    money_of_sales = currencies(lines) | currencies(orders)
    others = [attributed(cost, costs, money_of_sales, "" if of_orders else asked.by) for cost in METHODS]
    spent = {each.cost: costs[each.cost] for each in others if each.is_included}
    # Costs may stand where nothing was sold: spend of a day without an order.
    beside = [orders, *spent.values()] if of_orders else []
    keys = list(dict.fromkeys(key for rows in (lines, *beside) for key in asked.keys(rows)))
    sums = {name: of(keys, asked, lines, name) for name in ("sales", "sales_with_cost", "cost")}
    sums["gross_profit"] = sums["sales_with_cost"] - sums["cost"]
    if of_orders:
        sums["shipping_fees"] = of(keys, asked, orders, "shipping_fees")
        sums |= {cost: of(keys, asked, rows, VALUES[cost]) for cost, rows in spent.items()}
        left = sums["gross_profit"] + sums["shipping_fees"]
        sums["contribution"] = left - sum((sums[cost] for cost in spent), np.zeros(len(keys), np.int64))
    whole, there = int(sums["sales"].sum()), int(sums["sales_with_cost"].sum())
    unknown = (whole - there) / whole * 100 if whole else None
    attributions = (Attribution("cogs", COGS), *others)
    return Margins(*told(keys, sums, asked.by), attributions, unknown, notes(unknown, is_whole=of_orders))


def notes(unknown_pct: float | None, *, is_whole: bool) -> tuple[str, ...]:
    """Return a warning where much of what was sold has no known cost; `is_whole`: the other costs are told, too."""
    if unknown_pct is None or unknown_pct < MUCH_UNKNOWN_PCT:
        return ()
    note = f"{unknown_pct:.0f} % of sales have no known cost of goods and are in no gross profit"
    return (f"{note}, while the other costs are those of all orders: contribution is too low" if is_whole else note,)


def attributed(cost: str, costs: Mapping[str, pa.Table | None], currency: set[str], by: str) -> Attribution:
    """Return how a cost is attributed, or why it is not.

    Args:
        cost: shipping_cost, payment_fees or marketing.
        costs: rows of each cost, as `margins` has them.
        currency: currencies of sales and orders.
        by: dimension that tells apart what one order has together; empty: none.
    """
    rows, why = costs.get(cost), ""
    if by:
        why = f"an order's, which cannot be told apart by {by}"
    elif cost not in costs:
        why = f"{SOURCES[cost]}: no such table in the lake; import a source that has it"
    elif rows is None:
        why = f"{SOURCES[cost]}: no amount of any row is known; import a source that has them"
    elif not currencies(rows) <= currency:
        why = f"paid in {', '.join(sorted(currencies(rows)))}, sales are in {', '.join(sorted(currency))}"
    return Attribution(cost, why or METHODS[cost], is_included=not why)


def currencies(rows: pa.Table) -> set[str]:
    """Return the currencies of rows."""
    return set(rows["currency_code"].unique().to_pylist())


def of(keys: Sequence[tuple[object, ...]], asked: Asked, rows: pa.Table, column: str) -> Ints:
    """Return the sums of a column of money by key, in cents."""
    at = {key: number for number, key in enumerate(keys)}
    place = np.array([at[key] for key in asked.keys(rows)], np.int64)
    sums = np.zeros(len(keys), np.int64)
    np.add.at(sums, place, cents(rows[column]))
    return sums


def costs_selected(rows: pa.Table, asked: Asked) -> pa.Table:
    """Return the rows of a cost that period and filters leave; where none is in that currency, those of others.

    `attributed` then says in which money it was paid; nothing at all would look as if it had cost nothing.
    """
    own = selected(rows, asked)
    anywhere = {name: value for name, value in asked.filters.values.items() if name != "currency_code"}
    return own if own.num_rows else Filters(anywhere).matching(within(rows, asked.period))


def selected(rows: pa.Table, asked: Asked) -> pa.Table:
    """Return the rows that period and filters leave, of a table that may lack some of the values asked for."""
    return asked.filters.matching(within(rows, asked.period))


WORDS = {
    "sales": "Sales of lines of valid orders",
    "sales_with_cost": "Those whose unit cost is known",
    "cost": "Cost of goods of those",
    "gross_profit": "Sales with a known cost - their cost",
    "shipping_fees": "Shipping fees that customers paid",
    "shipping_cost": "What carriers charge",
    "payment_fees": "What payment providers took",
    "marketing": "Marketing attributed",
    "contribution": "Gross profit + shipping fees - shipping cost - payment fees - marketing, of those that are known",
}


def told(keys: Sequence[tuple[object, ...]], sums: Mapping[str, Ints], by: str) -> tuple[pa.Table, tuple[Column, ...]]:
    """Return the rows in order, and what their columns are."""
    made = {"period_on": pa.array([key[0] for key in keys], pa.date32())}
    columns = [Column("period_on", "DATE", False, "First day of the period")]
    if by:
        made[by] = pa.array([key[1] for key in keys], pa.string())
        columns.append(Column(by, "VARCHAR", False, f"The {by}"))
    for name, values in sums.items():
        shown = "cogs" if name == "cost" else name
        made[shown] = money(values)
        columns.append(Column(shown, "DECIMAL(18,2)", False, WORDS[name], "currency_code"))
    shares = [("gross_margin_pct", "gross_profit", "sales_with_cost", "Gross profit in % of the same lines' sales")]
    if "contribution" in sums:
        shares.append(("contribution_margin_pct", "contribution", "sales", "Contribution in % of sales"))
    for name, part, whole, words in shares:
        made[name] = percent(sums[part], sums[whole])
        columns.append(Column(name, "DOUBLE", True, words, "%"))
    made["cost_unknown_pct"] = percent(sums["sales"] - sums["sales_with_cost"], sums["sales"])
    columns.append(Column("cost_unknown_pct", "DOUBLE", True, "Share of sales whose cost is unknown", "%"))
    order = [("period_on", "ascending"), ("sales", "descending"), *([(by, "ascending")] if by else [])]
    return pa.table(made).sort_by(order), tuple(columns)


def percent(part: Ints, whole: Ints) -> pa.Array:
    """Return part ÷ whole in percent, null where whole is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Floats = np.where(whole != 0, part / whole * 100, np.nan)
    return pa.array(found, pa.float64(), from_pandas=True)
