"""What the world around the shop does: currencies move, rivals price, money is spent on being seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.columns import chosen, days, money
from pipeline.generate.consequences.shop import Campaign
from pipeline.generate.world import DAY_US

if TYPE_CHECKING:
    from pipeline.generate.consequences.shop import Shop
    from pipeline.generate.world import Floats, Whole

DAILY, BACK = 0.0045, 0.012
"""Standard deviation of a day's step of ln(rate), and share of the distance to the mean that is made up a day."""
COMPETITORS = ("MegaMart", "ValueHub", "PrimeShop", "CornerDeals")
LEVEL = (0.97, 1.02, 0.99, 1.05)
"""Planted: each competitor's prices against ours."""
LAG_WEEKS = (1, 2, 3, 1)
"""Planted: weeks after which a competitor follows our price."""
FOLLOWS = (0.8, 0.6, 0.5, 0.3)
"""Planted: how much of our change a competitor follows."""
WATCHED = 1_000
"""Products whose prices are watched: those sold most."""
LISTED = 0.6
"""Share of them that each competitor sells."""
WARS_A_YEAR = 6
WAR_CUT = 0.18
PAID_CHANNELS = ("paid_search", "social", "email", "affiliate", "display")
ALWAYS_ON = (
    ("paid_search", "brand", 0.9), ("paid_search", "generic", 1.6), ("social", "reach", 0.8),
    ("social", "retargeting", 0.5), ("email", "newsletter", 0.15), ("affiliate", "partners", 0.5),
    ("display", "prospecting", 0.7),
)  # fmt: skip
SPEND_AN_ORDER = 1.1
"""US dollars spent a day for each order a day, at a weight of 1."""


def exchange_rates(shop: Shop) -> pa.Table:
    """Return daily rates of every currency against the US dollar, both ways: a walk that comes back to its mean."""
    codes, levels = _currencies(shop)
    day = np.arange(shop.days)
    steps = shop.draws.normal("rate", *(each.ravel() for each in np.meshgrid(day, np.arange(len(codes)))))
    walk = np.zeros((len(codes), shop.days))
    for number, step in enumerate(steps.reshape(len(codes), shop.days).T):
        before = walk[:, number - 1] if number else walk[:, 0]
        walk[:, number] = before * (1 - BACK) + DAILY * step
    rate = (levels[:, None] * np.exp(walk)).T.ravel()
    quote, on = np.tile(np.arange(len(codes)), shop.days), np.repeat(day, len(codes))
    dollar = pa.repeat(pa.scalar("USD"), len(on))
    epoch = days(shop.start_us // DAY_US + on)
    there = pa.table([epoch, dollar, chosen(codes, quote), pa.array(rate.round(6))], names=_RATES)
    back = pa.table([epoch, chosen(codes, quote), dollar, pa.array((1 / rate).round(8))], names=_RATES)
    return pa.concat_tables([there, back])


_RATES = ["rate_on", "base_code", "quote_code", "rate"]


def _currencies(shop: Shop) -> tuple[tuple[str, ...], Floats]:
    found = {c.currency: c.per_usd for c in shop.places.countries if c.currency != "USD"}
    return tuple(found), np.array(list(found.values()))


def always_on(orders: int, number_of_days: int) -> tuple[Campaign, ...]:
    """Return the campaigns that run all the time, with budgets that fit a shop of this size."""
    a_day = orders / max(number_of_days, 1) * SPEND_AN_ORDER
    return tuple(
        Campaign(f"{channel}-{name}", channel, 0, number_of_days - 1, round(a_day * weight, 2))
        for channel, name, weight in ALWAYS_ON
    )


def marketing_spend(shop: Shop) -> pa.Table:
    """Return what is spent a day on each campaign: by its budget, the traffic of the day and some noise."""
    parts = [_spent(shop, number, campaign) for number, campaign in enumerate(shop.campaigns)]
    day, campaign, cents = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((campaign, day))
    names = tuple(each.campaign_id for each in shop.campaigns)
    channels = tuple(each.channel for each in shop.campaigns)
    return pa.table(
        {
            "spend_on": days(shop.start_us // DAY_US + day[order]),
            "channel": chosen(channels, campaign[order]),
            "campaign_id": chosen(names, campaign[order]),
            "amount": money(cents[order]),
            "currency_code": pa.repeat(pa.scalar("USD"), len(order)),
        }
    )


def _spent(shop: Shop, number: int, campaign: Campaign) -> tuple[Whole, Whole, Whole]:
    day = np.arange(max(campaign.first_day, 0), min(campaign.last_day + 1, shop.days))
    traffic = daily(shop)[day]
    noise = np.exp(0.15 * shop.draws.normal("spend", day, number))
    usd = campaign.daily_usd * np.sqrt(traffic) * noise
    return day, np.full(len(day), number), np.rint(usd * 100).astype(np.int64)


def daily(shop: Shop) -> Floats:
    """Return each day's traffic ÷ the mean."""
    hours = np.zeros(shop.days * 24)
    hours[: min(len(shop.hours), len(hours))] = shop.hours[: len(hours)]
    by_day = hours.reshape(shop.days, 24).sum(axis=1)
    made: Floats = by_day / max(float(by_day.mean()), 1e-12)
    return made


def competitor_prices(shop: Shop) -> pa.Table:
    """Return the prices seen each Monday of the products sold most; competitors follow ours late, and fight wars."""
    watched = np.argsort(-shop.products.weight, kind="stable")[:WATCHED]
    watched = watched[shop.products.weight[watched] > 0]
    first = -(shop.start_us // DAY_US + 3) % 7
    mondays = np.arange(first, shop.days, 7)
    ours = np.array([shop.products.factor(int(day)) for day in mondays]) if len(mondays) else np.empty((0, 0))
    parts = [_seen(shop, rival, watched, mondays, ours) for rival in range(len(COMPETITORS))]
    product, rival, day, cents = (np.concatenate(each) for each in zip(*parts, strict=True))
    order = np.lexsort((rival, product, day))
    return pa.table(
        {
            "product_id": shop.products.ids(product[order]),
            "competitor": chosen(COMPETITORS, rival[order]),
            "price": money(cents[order]),
            "currency_code": pa.repeat(pa.scalar("USD"), len(order)),
            "observed_on": days(shop.start_us // DAY_US + day[order]),
        }
    )


def _seen(shop: Shop, rival: int, watched: Whole, mondays: Whole, ours: Floats) -> tuple[Whole, Whole, Whole, Whole]:
    draws, key = shop.draws, shop.products.key
    sold = watched[draws.chance(LISTED, "listed", key[watched], rival)]
    week, column = (each.ravel() for each in np.meshgrid(np.arange(len(mondays)), np.arange(len(sold)), indexing="ij"))
    product, day = sold[column], mondays[week] if len(mondays) else week
    level = LEVEL[rival] * np.exp(0.05 * draws.normal("own level", key[product], rival))
    past = ours[np.maximum(week - LAG_WEEKS[rival], 0), product] if len(mondays) else level
    price = shop.products.price_cents[product] * level * past ** FOLLOWS[rival]
    price = price * (1 - WAR_CUT * in_war(shop, rival, shop.products.department[product], day))
    price = price * np.exp(0.012 * draws.normal("week's price", key[product], rival, week))
    there = (shop.products.first_day[product] <= day) & (day < shop.products.end_day[product])
    cents = np.maximum(np.rint(price).astype(np.int64), 1)
    return product[there], np.full(int(there.sum()), rival), day[there], cents[there]


def in_war(shop: Shop, rival: int, department: Whole, day: Whole) -> Floats:
    """Return 1 where a competitor cuts the prices of a department on a day, else 0."""
    flags = np.zeros(len(day))
    for war in _wars(shop):
        flags[(war[0] == rival) & (war[1] == department) & (day >= war[2]) & (day <= war[3])] = 1.0
    return flags


def wars(shop: Shop) -> pa.Table:
    """Return the planted price wars: who, in which department, when and by how much."""
    rows = _wars(shop)
    epoch = shop.start_us // DAY_US
    return pa.table(
        {
            "competitor": pa.array([COMPETITORS[war[0]] for war in rows], pa.string()),
            "department": pa.array([war[1] for war in rows], pa.int32()),
            "starts_on": days(np.array([epoch + war[2] for war in rows])),
            "ends_on": days(np.array([epoch + war[3] for war in rows])),
            "cut": pa.array([WAR_CUT] * len(rows), pa.float64()),
        }
    )


def competitor_truth() -> pa.Table:
    """Return each competitor's planted level, lag and how far it follows our prices."""
    return pa.table({"competitor": COMPETITORS, "level": LEVEL, "lag_weeks": LAG_WEEKS, "follows": FOLLOWS})


def _wars(shop: Shop) -> list[tuple[int, int, int, int]]:
    number = np.arange(max(1, round(WARS_A_YEAR * shop.days / 365)))
    draws, departments = shop.draws, int(shop.products.department.max(initial=0)) + 1
    rival, department = draws.below(len(COMPETITORS), "warrior", number), draws.below(departments, "where", number)
    first, length = draws.below(shop.days, "war", number), 14 + draws.below(28, "long", number)
    rows = np.column_stack([rival, department, first, np.minimum(first + length, shop.days - 1)])
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in rows]
