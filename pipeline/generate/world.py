"""What a generated shop is made of: its world, one stretch of its time, and the truth that was planted.

`World` is everything that holds for the whole time; `Chunk` one stretch of it, in time order. Both are read-only.
Randomness comes only from `World.rng(stream, chunk)`, a counter-based generator: what it gives depends on seed,
stream and chunk number and on nothing that ran before, so the data do not depend on workers or on file sizes.
Where chunks begin follows from the order of the world's knobs alone (`World.chunks`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from pipeline.generate.columns import ids

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.floating[Any]]
    Whole: TypeAlias = NDArray[np.integer[Any]]
    Flags: TypeAlias = NDArray[np.bool_]

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
SECOND_US = 1_000_000
NEVER = np.iinfo(np.int32).max
"""Of a time in seconds or days: it does not happen."""

DEVICES = ("desktop", "mobile", "tablet", "pos")
CHANNELS = ("online", "mobile", "store", "marketplace")
STATUSES = ("pending", "paid", "shipped", "delivered", "cancelled", "returned")
PENDING, PAID, SHIPPED, DELIVERED, CANCELLED, RETURNED = range(6)
STORE = CHANNELS.index("store")
CARRIERS = ("DHL", "UPS", "FedEx", "DPD", "Postal Service")

Carry: TypeAlias = dict[str, Any]
"""What `consequences` remembers from one chunk for the next; begins empty."""


@dataclass(frozen=True, slots=True)
class Country:
    """A country the shop sells to."""

    code: str
    """ISO 3166-1 alpha-2."""
    currency: str
    """ISO 4217."""
    per_usd: float
    """Units of the currency that one US dollar buys on the first day."""
    decimals: int
    """Decimal places the currency is used with: 0 for JPY, else 2."""
    weight: float
    """Share of the orders on the first day, in any unit."""
    growth: float
    """Growth of orders a year: 0.1 is 10 %."""
    price_level: float
    """Planted: prices here against those of the US, after conversion."""
    tax_rate: float
    """Tax added on top of the discounted subtotal."""
    shipping_usd: float
    time_zone: str
    store_share: float
    """Share of orders taken in a store."""


@dataclass(frozen=True, slots=True)
class Places:
    """Countries, their regions and cities; a city knows its region and a region its country, by index."""

    countries: tuple[Country, ...]
    region_names: tuple[str, ...]
    region_country: Whole
    region_price: Floats
    """Planted: price level of the region against that of its country."""
    city_names: tuple[str, ...]
    city_region: Whole
    city_weight: Floats
    """Share of its country's people."""
    city_latitude: Floats
    city_longitude: Floats

    @property
    def city_country(self) -> Whole:
        """Return the country of each city."""
        made: Whole = self.region_country[self.city_region]
        return made

    def codes(self) -> NDArray[np.object_]:
        """Return the ISO code of each country."""
        return np.array([country.code for country in self.countries], dtype=object)

    def currencies(self) -> NDArray[np.object_]:
        """Return the currency of each country."""
        return np.array([country.currency for country in self.countries], dtype=object)


@dataclass(frozen=True, slots=True)
class Products:
    """The catalogue, one entry a product in every array; money is in US cents."""

    category: Whole
    """Index into `World.categories`."""
    department: Whole
    """Index into `World.departments`."""
    supplier: Whole
    """0 … suppliers-1; the id is `ids("S", supplier)`."""
    suppliers: int
    base_cents: Whole
    """List price in US cents before any change of price."""
    cost_cents: Whole
    elasticity: Floats
    """Planted: d ln(units) / d ln(net price), below 0."""
    weight: Floats
    """Share of the demand at base price: Zipf over a random ranking."""
    launched: Whole
    """Day on which it entered the catalogue, counted from the world's first; may be negative."""
    ended: Whole
    """First day on which it is no longer sold; NEVER for most."""
    decline: Floats
    """Planted: demand lost a year once mature, as a rate; 0 for most."""
    change_day: Whole
    """(products, versions): first day of each price; the first version has the launch day, unused ones NEVER."""
    change_factor: Floats
    """(products, versions): price of the version ÷ base price."""
    partner: Whole
    """Planted: product that is often bought after this one; -1 for most."""
    partner_chance: Floats

    @property
    def count(self) -> int:
        """Return how many products there are."""
        return len(self.category)

    def ids(self, index: Whole | None = None) -> pa.Array:
        """Return the product ids of these indices, by default of all."""
        return ids("P", np.arange(self.count) if index is None else index, 8)

    def version(self, day: int) -> Whole:
        """Return which price version of each product holds on a day."""
        made: Whole = np.maximum((self.change_day <= day).sum(axis=1) - 1, 0)
        return made

    def factor(self, day: int) -> Floats:
        """Return the price of each product on a day ÷ its base price."""
        return np.take_along_axis(self.change_factor, self.version(day)[:, None], axis=1)[:, 0]


@dataclass(frozen=True, slots=True)
class Customers:
    """Everybody with an account, one entry a customer in every array; the order of customers says nothing."""

    city: Whole
    """Index into the cities of `World.places`."""
    country: Whole
    region: Whole
    latitude: Floats
    longitude: Floats
    registered: Whole
    """Seconds from the world's start; negative: before it."""
    churned: Whole
    """Seconds from the world's start after which nothing is bought any more; NEVER: beyond the world's end."""
    hazard: Floats
    """Planted: chance a day to leave for good (exponential)."""
    rate: Floats
    """Planted: how often this customer orders against others while there; mean 1."""
    spend: Floats
    """Planted: how large the baskets are against others; median 1."""
    loyalty: Floats
    """Planted: how much of a basket comes from the few favourite products, 0-1."""
    age: Whole
    """Index into AGE_BANDS of pipeline.generate.people."""
    income: Whole
    household: Whole
    opted_in: Flags
    device: Whole
    """Device mostly used, index into DEVICES."""

    @property
    def count(self) -> int:
        """Return how many customers there are."""
        return len(self.city)

    def ids(self, index: Whole | None = None) -> pa.Array:
        """Return the customer ids of these indices, null for -1, by default of all."""
        return ids("C", np.arange(self.count) if index is None else index, 9)


@dataclass(frozen=True, slots=True)
class Promotion:
    """An offer; coupons hold for whole orders, the others for their products."""

    index: int
    name: str
    kind: str
    channel: str
    first_day: int
    last_day: int
    """Last day it runs, included; days are counted from the world's first."""
    discount: float
    """Share of the price that is given away: 0.2 is 20 %."""
    lift: float
    """Planted: demand of its products is multiplied by this beyond the effect of the lower price; for a coupon the
    share of orders that use it."""
    budget_usd: int
    products: Whole
    """Product indices it holds for; empty for a coupon."""

    @property
    def promotion_id(self) -> str:
        """Return its id in the tables."""
        return f"R{self.index:05}"


@dataclass(frozen=True, slots=True)
class Knobs:
    """What the person who generates may turn; the data are a function of these alone."""

    orders: int
    seed: int = 1
    start: date = date(2024, 1, 1)
    days: int = 730
    customers: int = 0
    """0: 5 · orders^0.74."""
    products: int = 0
    """0: 8 · √orders, at least 200, at most 100,000."""
    growth: float = 0.0
    """Added to each country's growth a year."""
    season: float = 1.0
    """How strong the yearly seasonality is; 0: none."""
    guests: float = 0.12
    """Share of web orders without an account."""
    sessions: float = 1.0
    """How many web sessions there are against the normal."""
    fraud: bool = True
    dirt: float = 0.0
    """Percent of rows that are planted to be bad."""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that holds for the whole time."""

    knobs: Knobs
    places: Places
    departments: tuple[str, ...]
    categories: tuple[str, ...]
    category_department: Whole
    products: Products
    customers: Customers
    promotions: tuple[Promotion, ...]
    intensity: Floats
    """(hours, countries) expected orders: trend × year × weekday × hour of the local day × holidays."""
    season: Floats
    """(departments, days) planted: yearly seasonality of demand, mean 1."""
    slot_orders: Whole
    """Orders in each hour of the world; they add up to `knobs.orders`."""
    first_order: int = 0
    """Number of the first order."""

    @property
    def seed(self) -> int:
        """Return the seed."""
        return self.knobs.seed

    @property
    def days(self) -> int:
        """Return how many days the world lasts."""
        return self.knobs.days

    @property
    def start_us(self) -> int:
        """Return the world's first moment in microseconds of the epoch (UTC midnight)."""
        return self.knobs.start.toordinal() * DAY_US - date(1970, 1, 1).toordinal() * DAY_US

    @property
    def end_us(self) -> int:
        """Return the first moment after the world; nothing in its tables is dated at or after it."""
        return self.start_us + self.days * DAY_US

    def day(self, number: int) -> date:
        """Return the date of a day counted from the world's first."""
        return self.knobs.start + timedelta(days=number)

    def moment(self, number: int) -> datetime:
        """Return the UTC midnight with which a day begins."""
        return datetime.combine(self.day(number), datetime.min.time(), UTC)

    def day_of(self, moments_us: Whole) -> Whole:
        """Return the day of moments, counted from the world's first."""
        return (moments_us - self.start_us) // DAY_US

    def rng(self, stream: str, chunk: int = 0) -> np.random.Generator:
        """Return the generator of one stream of randomness in one chunk; the same each time it is asked for."""
        return rng(self.seed, stream, chunk)

    def chunks(self, orders: int = 0) -> Iterator[tuple[int, int, int]]:
        """Return (number, first hour, end hour) of each chunk, in time order; a chunk has about 32,768 orders."""
        yield from _cut(self.slot_orders, orders or CHUNK_ORDERS)


CHUNK_ORDERS = 32_768


@dataclass(frozen=True, slots=True)
class Chunk:
    """One stretch of time: its orders in time order, their lines, and the same as arrays.

    Arrays named below have one entry an order, those beginning with `line_` one a line of an order.
    """

    number: int
    start_us: int
    end_us: int
    """First moment after the chunk."""
    first_order: int
    """Orders before this chunk: order `i` of the chunk is number `first_order + i` of all, for ids of other tables."""
    orders: pa.Table
    """The contract's columns without those about the row (leading underscore)."""
    order_items: pa.Table
    ordered_us: Whole
    customer: Whole
    """Index into the world's customers; -1 for a guest."""
    country: Whole
    region: Whole
    city: Whole
    channel: Whole
    device: Whole
    status: Whole
    """As of the world's end; consistent with shipped_us and delivered_us."""
    total_cents: Whole
    """Order total in hundredths of the order's currency (so 1 yen is 100)."""
    carrier: Whole
    """Index into CARRIERS; -1 in a store."""
    shipped_us: Whole
    """When the parcel leaves; 0 where it never does (cancelled orders); for a store order its own time.
    May lie after the world's end: not yet, then."""
    delivered_us: Whole
    """When it arrives, with planted delays by carrier and season; 0 where it never does (cancelled orders)."""
    returned_us: Whole
    """When it came back; 0: it does not. May lie after the world's end: not yet returned, then."""
    line_order: Whole
    """Index of the order, within the chunk."""
    line_product: Whole
    line_quantity: Whole
    line_total_cents: Whole


class Truth(Protocol):
    """Collects what was planted; each name becomes a file of `truth/`."""

    def add(self, name: str, rows: pa.Table) -> None:
        """Append rows to the truth of that name."""


class Unheard:
    """Truth that nobody wants."""

    def add(self, name: str, rows: pa.Table) -> None:
        """Forget the rows."""


def rng(seed: int, stream: str, chunk: int = 0) -> np.random.Generator:
    """Return the counter-based generator that belongs to seed, stream and chunk."""
    key = np.array([seed, (zlib.crc32(stream.encode()) << 32) | chunk], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def _cut(slot_orders: Whole, most: int) -> Iterator[tuple[int, int, int]]:
    first, held, number = 0, 0, 0
    for hour, count in enumerate(slot_orders.tolist()):
        if held and held + count > most:
            yield number, first, hour
            first, held, number = hour, 0, number + 1
        held += count
    yield number, first, len(slot_orders)
