"""The customers: where they live, when they came, how often they order and when they leave for good."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.generate.columns import chosen, moments
from pipeline.generate.world import NEVER, SECOND_US, Customers, rng

if TYPE_CHECKING:
    from pipeline.generate.world import Flags, Floats, Knobs, Places, Whole, World

AGE_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65+")
INCOME_BANDS = ("Under 25K", "25-49K", "50-74K", "75-99K", "100-149K", "150K+")
GIVEN_NAMES = (
    "Anna", "Ben", "Carla", "David", "Elena", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Maria",
    "Noah", "Olga", "Paul", "Quinn", "Rosa", "Sven", "Tara", "Umar", "Vera", "Wei", "Ximena", "Yuki", "Zoe", "Amir",
    "Bianca", "Chen", "Dario", "Emma", "Farid",
)  # fmt: skip
FAMILY_NAMES = (
    "Alvarez", "Brandt", "Costa", "Dubois", "Eriksson", "Fischer", "Garcia", "Hansen", "Ito", "Jansen", "Kowalski",
    "Lopez", "Martin", "Novak", "Olsen", "Patel", "Rossi", "Sato", "Schmidt", "Tanaka", "Singh", "Silva", "Taylor",
    "Ueda", "Weber", "Young", "Zhang", "Moreau", "Nguyen", "Okafor", "Larsen", "Keller",
)  # fmt: skip
DAY = 86_400
YEARS_BEFORE = 3
MEAN_HAZARD = 1 / 500
"""Mean chance a day to leave."""


def count_of(knobs: Knobs) -> int:
    """Return how many customers a world of these knobs has."""
    return knobs.customers or max(20, int(5 * knobs.orders**0.74))


def customers(knobs: Knobs, places: Places, demand: Floats) -> Customers:
    """Return everybody with an account; `demand` (hours, countries) says how many each country has over time."""
    count, draw = count_of(knobs), rng(knobs.seed, "customers")
    shares = demand.sum(axis=0)
    country = draw.choice(len(shares), count, p=shares / shares.sum()).astype(np.int8)
    city = _cities(draw, places, country)
    registered = _registered(draw, knobs, count)
    opted_in = draw.random(count) < 0.55
    age, income = draw.choice(6, count, p=(0.12, 0.24, 0.22, 0.18, 0.14, 0.10)), draw.integers(0, 6, count)
    hazard = _hazards(draw, age, opted_in)
    left = np.minimum(np.maximum(registered, 0) + draw.exponential(1 / hazard) * DAY, NEVER)
    return Customers(
        city=city,
        country=country,
        region=places.city_region[city],
        latitude=(places.city_latitude[city] + draw.normal(0, 0.08, count)).astype(np.float32),
        longitude=(places.city_longitude[city] + draw.normal(0, 0.08, count)).astype(np.float32),
        registered=registered,
        churned=np.where(left < knobs.days * DAY, left, NEVER).astype(np.int32),
        hazard=hazard.astype(np.float32),
        rate=draw.gamma(0.9, 1 / 0.9, count).astype(np.float32) + np.float32(0.02),
        spend=np.exp(draw.normal(0, 0.4, count)).astype(np.float32),
        loyalty=draw.beta(2, 2, count).astype(np.float32),
        age=age.astype(np.int8),
        income=income.astype(np.int8),
        household=(1 + draw.poisson(1.3, count)).clip(1, 8).astype(np.int16),
        opted_in=opted_in,
        device=draw.choice(3, count, p=(0.38, 0.53, 0.09)).astype(np.int8),
    )


def full_names(index: Whole) -> pa.Array:
    """Return the full name of each customer index."""
    given, family = chosen(GIVEN_NAMES, index * 13 % 32), chosen(FAMILY_NAMES, index // 32 % 32)
    return pc.binary_join_element_wise(given, family, " ")


def emails(index: Whole) -> list[str]:
    """Return the e-mail address of each customer index, in a domain that can never be mailed to."""
    return [f"{GIVEN_NAMES[i * 13 % 32]}.{FAMILY_NAMES[i // 32 % 32]}{i}@example.com".lower() for i in index.tolist()]


def table(world: World, index: Whole) -> pa.Table:
    """Return the rows of `customers` of these indices; e-mail addresses only masked and as an HMAC."""
    who, places = world.customers, world.places
    addresses = emails(index)
    unknown = rng(world.seed, "unknown", int(index[0]) if len(index) else 0).random((3, len(index)))
    return pa.table(
        {
            "customer_id": who.ids(index),
            "full_name": full_names(index),
            "email_masked": pa.array([f"{text[0]}***@example.com" for text in addresses], pa.string()),
            "email_hmac": pa.array(_hmacs(world.seed, addresses), pa.string()),
            "registered_at": moments(world.start_us + who.registered[index].astype(np.int64) * SECOND_US),
            "country": chosen(tuple(places.codes()), who.country[index]),
            "region": chosen(places.region_names, who.region[index]),
            "city": chosen(places.city_names, who.city[index]),
            "age_band": chosen(AGE_BANDS, np.where(unknown[0] < 0.3, -1, who.age[index])),
            "income_band": chosen(INCOME_BANDS, np.where(unknown[1] < 0.5, -1, who.income[index])),
            "household_size": pa.array(who.household[index], mask=unknown[2] < 0.4),
            "marketing_opt_in": pa.array(who.opted_in[index]),
            "latitude": pa.array(who.latitude[index].astype(np.float64).round(4)),
            "longitude": pa.array(who.longitude[index].astype(np.float64).round(4)),
        }
    )


def truth(world: World, index: Whole) -> pa.Table:
    """Return what was planted of these customers: hazard, when they left (empty: not within the world), rates."""
    who = world.customers
    return pa.table(
        {
            "customer_id": who.ids(index),
            "hazard_per_day": pa.array(who.hazard[index].astype(np.float64)),
            "churned_at": moments(
                world.start_us + who.churned[index].astype(np.int64) * SECOND_US, who.churned[index] == NEVER
            ),
            "order_rate": pa.array(who.rate[index].astype(np.float64)),
            "basket_factor": pa.array(who.spend[index].astype(np.float64)),
            "loyalty": pa.array(who.loyalty[index].astype(np.float64)),
        }
    )


def _hmacs(seed: int, addresses: list[str]) -> list[str]:
    # Made-up addresses under a key made of the seed: equal seeds give equal files.
    base = hmac.new(f"synthetic-{seed}".encode(), digestmod=hashlib.sha256)
    made = []
    for address in addresses:
        digest = base.copy()
        digest.update(address.encode())
        made.append(digest.hexdigest())
    return made


def _cities(draw: np.random.Generator, places: Places, country: Whole) -> Whole:
    where = draw.random(len(country))
    city, owners = np.zeros(len(country), dtype=np.int16), places.city_country
    for number in range(len(places.countries)):
        mine, own = np.nonzero(country == number)[0], np.nonzero(owners == number)[0]
        bounds = np.cumsum(places.city_weight[own])
        city[mine] = own[np.searchsorted(bounds, where[mine] * bounds[-1], side="right").clip(0, len(own) - 1)]
    return city


def _registered(draw: np.random.Generator, knobs: Knobs, count: int) -> Whole:
    """Return when each customer registered: as many were there at the start, as leave later, as the shop grows."""
    # Of those there at any time MEAN_HAZARD leave a day; growth of a tenth a year comes on top.
    coming = knobs.days * (MEAN_HAZARD + 0.1 / 365)
    before = draw.random(count) < 1 / (1 + coming)
    return np.where(
        before,
        -draw.integers(1, YEARS_BEFORE * 365 * DAY, count),
        draw.integers(0, max(knobs.days * DAY - 1, 1), count),
    ).astype(np.int32)


def _hazards(draw: np.random.Generator, age: Whole, opted_in: Flags) -> Floats:
    """Return each customer's hazard: gamma, lower for those who opted in and for the old."""
    known = np.exp(-0.5 * opted_in + 0.12 * (2 - age))
    return np.clip(MEAN_HAZARD * known * draw.gamma(1.6, 1 / 1.6, len(age)), 1e-5, 0.2)
