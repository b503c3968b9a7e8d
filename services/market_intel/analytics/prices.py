"""Our prices against competitors' latest, in our currency."""

from __future__ import annotations

import datetime as dt

import ibis

from shared.engine import Engine
from shared.expressions import money
from shared.reconciliation import Untied
from shared.tables import CONTRACT

VIA = "USD"
"""Currency that leads from one to another where there is no direct rate (DEFINITIONS)."""


def competitive_pricing(
    curated_products: ibis.Table,
    engine: Engine,
    clock: dt.date,
    curated_competitor_prices: ibis.Table | None = None,
    curated_exchange_rates: ibis.Table | None = None,
) -> ibis.Table:
    """Return market_intel.competitive_pricing: each competitor's latest price of each product against our list price.

    Prices seen after the clock are not known yet. A price in another currency is converted at the rate of the day it
    was seen, else of the last day before with one, directly or through USD; without such a rate it stands unconverted
    and nothing is compared. Without a table of competitors' prices there is no row.
    """
    if curated_competitor_prices is None:
        nothing = CONTRACT["curated.competitor_prices"].arrow_schema().empty_table()
        curated_competitor_prices = engine.memory("no competitor prices", nothing)
    seen = latest(curated_competitor_prices, clock)
    products = curated_products.select(
        "product_id", "brand", "category_id", "list_price", "currency_code", product_name=curated_products.name
    )
    pairs = products.inner_join(seen, "product_id")
    rated = with_rates(pairs, curated_exchange_rates)
    theirs = money((rated.price_seen.cast("float64") * rated.rate).round(2))
    rated = rated.mutate(competitor_price=ibis.cases((rated.rate == 1.0, rated.price_seen), else_=theirs))
    return ranked(compared(rated))


def latest(curated_competitor_prices: ibis.Table, clock: dt.date) -> ibis.Table:
    """Return the last price seen of each product at each competitor."""
    seen = curated_competitor_prices.filter(curated_competitor_prices.observed_on <= ibis.literal(clock))
    newest = ibis.window(group_by=["product_id", "competitor"], order_by=seen.observed_on.desc())
    placed = seen.mutate(place=ibis.row_number().over(newest))
    last = placed.filter(placed.place == 0)
    return last.select(
        "product_id", "competitor", "observed_on", price_seen=last.price, price_currency_code=last.currency_code
    )


def with_rates(pairs: ibis.Table, curated_exchange_rates: ibis.Table | None) -> ibis.Table:
    """Return the pairs with the rate from the currency seen to ours; null where none leads there."""
    same = pairs.price_currency_code == pairs.currency_code
    if curated_exchange_rates is None:
        return pairs.mutate(rate=ibis.cases((same, 1.0), else_=ibis.null("float64")))
    direct = rate_of(pairs, curated_exchange_rates, "direct", pairs.price_currency_code, pairs.currency_code)
    inward = rate_of(direct, curated_exchange_rates, "inward", direct.price_currency_code, ibis.literal(VIA))
    outward = rate_of(inward, curated_exchange_rates, "outward", ibis.literal(VIA), inward.currency_code)
    same = outward.price_currency_code == outward.currency_code
    through = outward.inward.fill_null(0.0) * outward.outward.fill_null(0.0)
    rate = ibis.cases((same, 1.0), else_=ibis.coalesce(outward.direct, through.nullif(0.0)))
    return outward.mutate(rate=rate).drop("direct", "inward", "outward")


def rate_of(pairs: ibis.Table, rates: ibis.Table, name: str, base: ibis.Value, quote: ibis.Value) -> ibis.Table:
    """Return the pairs with the rate between two currencies on the day seen or the last day before with one.

    A rate the other way round serves as well, as its reciprocal; one of a currency to itself is 1.
    """
    there = rates.select(day=rates.rate_on, base=rates.base_code, quote=rates.quote_code, rate=rates.rate)
    back = rates.select(day=rates.rate_on, base=rates.quote_code, quote=rates.base_code, rate=1.0 / rates.rate)
    named = pairs.mutate(wanted_base=base, wanted_quote=quote)
    keys = named.select("product_id", "competitor", "observed_on", "wanted_base", "wanted_quote")
    found = [newest_rate(keys, side, number) for number, side in enumerate((there, back))]
    for rows in found:
        named = named.left_join(rows, ["product_id", "competitor"])
        named = named.drop("product_id_right", "competitor_right")
    own = named.wanted_base == named.wanted_quote
    value = ibis.cases((own, 1.0), else_=ibis.coalesce(named.rate_0, named.rate_1))
    return named.mutate(**{name: value}).drop("wanted_base", "wanted_quote", "rate_0", "rate_1")


def newest_rate(keys: ibis.Table, rates: ibis.Table, number: int) -> ibis.Table:
    """Return for each pair the rate of the latest day up to the one it was seen on."""
    known = keys.inner_join(
        rates,
        [keys.wanted_base == rates.base, keys.wanted_quote == rates.quote, rates.day <= keys.observed_on],
    )
    newest = ibis.window(group_by=["product_id", "competitor"], order_by=known.day.desc())
    placed = known.mutate(place=ibis.row_number().over(newest))
    last = placed.filter(placed.place == 0)
    return last.select("product_id", "competitor", **{f"rate_{number}": last.rate})


def compared(pairs: ibis.Table) -> ibis.Table:
    """Return the pairs with gap, gap in percent, index and whether they undercut us."""
    ours, theirs = pairs.list_price, pairs.competitor_price
    part = ours.cast("float64") / theirs.cast("float64").nullif(0.0)
    return pairs.mutate(
        gap=money(ours - theirs), gap_pct=(part - 1.0) * 100, price_index=part * 100, undercuts=theirs < ours
    )


def ranked(pairs: ibis.Table) -> ibis.Table:
    """Return the pairs with the place of our price among all sellers of the product; equal prices share the better."""
    of_product = ibis.window(group_by="product_id")
    below = pairs.undercuts.cast("int64").fill_null(0).sum().over(of_product)
    known = pairs.competitor_price.notnull().cast("int64").sum().over(of_product)
    return pairs.mutate(price_rank=below + 1, sellers=known + 1).drop("rate")


TIES = (Untied("market_intel.competitive_pricing", "Holds prices, which are not added up"),)
