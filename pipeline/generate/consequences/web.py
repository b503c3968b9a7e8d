"""The table `web_events`: what is done in each visit, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.generate.columns import chosen, moments
from pipeline.generate.consequences.draws import mixed
from pipeline.generate.consequences.names import coded
from pipeline.generate.consequences.visits import (
    AFFILIATE,
    BOUNCE,
    BROWSE,
    CART,
    CHECKOUT,
    DISPLAY,
    EMAIL,
    HELP,
    ORDER,
    PAID,
    SOCIAL,
    Visits,
    visits,
)
from pipeline.generate.world import DAY_US, DEVICES, SECOND_US
from shared.tables.marketing import CHANNELS

if TYPE_CHECKING:
    from pipeline.generate.consequences.shop import Campaign, Orders, Shop
    from pipeline.generate.world import Flags, Floats, Whole

STEPS = (
    "email_open", "ad_click", "page_view", "login", "search", "product_view", "product_view", "wishlist_add",
    "product_view", "add_to_cart", "add_to_cart", "remove_from_cart", "checkout_start", "payment_submit", "purchase",
    "support_contact", "logout",
)  # fmt: skip
"""Every step a visit can have, in order; which of them it has depends on its kind."""
CHANCES = {
    BOUNCE: (0, 0, 1, 0, 0, 0.35, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    BROWSE: (0, 0, 1, 0, 0.45, 0.9, 0.5, 0.12, 0.3, 0, 0, 0, 0, 0, 0, 0, 0.05),
    CART: (0, 0, 1, 0, 0.4, 1, 0.5, 0.1, 0.3, 1, 0.25, 0.35, 0, 0, 0, 0, 0.05),
    CHECKOUT: (0, 0, 1, 0, 0.3, 1, 0.4, 0.05, 0.2, 1, 0.3, 0.1, 1, 0.4, 0, 0, 0),
    HELP: (0, 0, 1, 0, 0.1, 0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0.2),
    ORDER: (0, 0, 1, 0, 0.35, 1, 0.6, 0.05, 0.3, 1, 0.5, 0.05, 1, 1, 1, 0, 0.25),
}
LOGIN = 0.6
"""Chance that a known visitor signs in where the kind of visit leaves it open."""
SEEN = np.array([step in ("product_view", "wishlist_add", "add_to_cart", "remove_from_cart") for step in STEPS])
PURCHASE = STEPS.index("purchase")
ADVERTISED = (PAID, SOCIAL, AFFILIATE, DISPLAY)


def web_events(shop: Shop, orders: Orders) -> pa.Table:
    """Return the events of the recorded visits that belong to these orders, in order of time."""
    made = visits(shop, orders)
    campaign = _campaigns(shop, made)
    visit, step = np.nonzero(_taken(shop, made, campaign))
    when = _times(shop, made, visit, step)
    there = np.nonzero((when < shop.end_us) & (when >= shop.start_us))[0]
    there = there[np.argsort(when[there], kind="stable")]
    visit, step = visit[there], step[there]
    key = mixed(made.key[visit] + step.astype(np.uint64))
    return pa.table(
        {
            "event_id": coded("e", key),
            "session_id": coded("v", mixed(made.key)).take(pa.array(visit)),
            "customer_id": shop.people.ids(made.customer[visit]),
            "occurred_at": moments(when[there]),
            "event_type": chosen(STEPS, step),
            "product_id": shop.products.ids(_products(shop, made, visit, step, orders)),
            "channel": chosen(CHANNELS, made.channel[visit]),
            "campaign_id": chosen(tuple(each.campaign_id for each in shop.campaigns) or ("",), campaign[visit]),
            "device_type": chosen(DEVICES, made.device[visit]),
            "country": chosen(tuple(shop.places.codes()), made.country[visit]),
        }
    )


def _taken(shop: Shop, made: Visits, campaign: Whole) -> Flags:
    """Return which steps each visit has: (visits, steps)."""
    chance = np.array([CHANCES[kind] for kind in range(len(CHANCES))], dtype=np.float32)[made.kind]
    bits = np.column_stack([shop.draws.words(f"step {number}", made.key) for number in range(3)])
    # Twenty-one bits a draw are plenty for the chance of a step.
    shifts = np.arange(6, dtype=np.uint64) * np.uint64(10)
    parts = (bits[:, :, None] >> shifts) & np.uint64(1023)
    uniform = parts.reshape(len(made.key), 18)[:, : len(STEPS)].astype(np.float32) / 1024
    taken = uniform < chance
    known = (made.customer >= 0) & ~np.isin(made.kind, (BOUNCE,))
    taken[:, STEPS.index("login")] = known & shop.draws.chance(LOGIN, "login", made.key)
    taken[:, STEPS.index("logout")] &= taken[:, STEPS.index("login")]
    taken[:, STEPS.index("email_open")] = made.channel == EMAIL
    taken[:, STEPS.index("ad_click")] = np.isin(made.channel, ADVERTISED) & (campaign >= 0)
    return taken


def _times(shop: Shop, made: Visits, visit: Whole, step: Whole) -> Whole:
    """Return when each step is taken; an order's purchase at the moment the order is placed."""
    pace = np.exp(shop.draws.normal("pace", made.key) * 0.6 + 3.4)[visit]
    since = np.where(made.kind == ORDER, PURCHASE, 2)[visit]
    jitter = shop.draws.uniform("step", made.key[visit], step) - 0.5
    seconds = pace * (step - since + np.where(step == since, 0, 0.8 * jitter))
    when: Whole = made.at_us[visit] + (seconds * SECOND_US).astype(np.int64)
    return when


def _products(shop: Shop, made: Visits, visit: Whole, step: Whole, orders: Orders) -> Whole:
    """Return the product of each event, -1: none. Those who buy look at what they buy, mostly."""
    day = np.clip((made.at_us[visit] - shop.start_us) // DAY_US, 0, shop.days - 1)
    what = shop.draws.picked(shop.products.weight, "seen", made.key[visit], (step + 1) // 3)
    order = made.order[visit]
    if orders.count and len(orders.line_order):
        first = np.searchsorted(orders.line_order, np.arange(orders.count))
        count = np.bincount(orders.line_order, minlength=orders.count)
        line = first[order] + step % np.maximum(count[order], 1)
        bought = orders.line_product[np.minimum(line, len(orders.line_product) - 1)]
        cart = np.isin(step, (9, 10)) | shop.draws.chance(0.6, "bought", made.key[visit], step)
        what = np.where((order >= 0) & (count[order] > 0) & cart, bought, what)
    there = (shop.products.first_day[what] <= day) & (shop.products.end_day[what] > day)
    return np.where(SEEN[step] & there, what, -1)


def _campaigns(shop: Shop, made: Visits) -> Whole:
    """Return the campaign that brought each visit: one that its channel ran on that day; -1: none."""
    found = np.full(len(made.key), -1)
    day = (made.at_us - shop.start_us) // DAY_US
    by_channel: dict[str, list[tuple[int, Campaign]]] = {}
    for number, campaign in enumerate(shop.campaigns):
        by_channel.setdefault(campaign.channel, []).append((number, campaign))
    for name, running in by_channel.items():
        mine = np.nonzero(made.channel == CHANNELS.index(name))[0]
        found[mine] = _running(shop, running, day[mine], made.key[mine])
    return found


def _running(shop: Shop, campaigns: list[tuple[int, Campaign]], day: Whole, key: Whole) -> Whole:
    """Return one of the campaigns that run on each day, by what is spent on them."""
    days = np.arange(shop.days)
    spent: Floats = np.array([((c.first_day <= days) & (days <= c.last_day)) * c.daily_usd for _, c in campaigns])
    bounds = np.cumsum(spent, axis=0)
    on = np.clip(day, 0, shop.days - 1)
    goal = shop.draws.uniform("campaign", key) * bounds[-1][on]
    which = np.minimum((bounds[:, on] <= goal).sum(axis=0), len(campaigns) - 1)
    made = np.array([number for number, _ in campaigns])[which]
    return np.where((day >= 0) & (day < shop.days) & (bounds[-1][on] > 0), made, -1)
