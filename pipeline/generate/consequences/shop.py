"""What the consequences need to know of a shop and its orders, whether those were generated or given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.generate.consequences.draws import Draws

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from pipeline.generate.consequences.draws import Words
    from pipeline.generate.world import Flags, Floats, Places, Whole


@dataclass(frozen=True, slots=True)
class People:
    """The customers, one entry each in every array."""

    key: Words
    """Who it is, to the draws: stays the same when others come or go."""
    city: Whole
    """Index into the cities of the places."""
    country: Whole
    latitude: Floats
    longitude: Floats
    registered_us: Whole
    left_us: Whole
    """When they buy for the last time, at the latest."""
    rate: Floats
    """How often a customer orders against others, mean 1."""
    ids: Callable[[Whole], pa.Array]
    """Gives the ids of customer indices, null for -1."""


@dataclass(frozen=True, slots=True)
class Assortment:
    """The products, one entry each in every array."""

    key: Words
    department: Whole
    weight: Floats
    """Share of the demand."""
    price_cents: Whole
    """Base list price in US cents."""
    factor: Callable[[int], Floats]
    """Gives every product's price on a day (counted from the first) ÷ its base price."""
    first_day: Whole
    end_day: Whole
    """First day on which it is no longer sold."""
    ids: Callable[[Whole], pa.Array]


@dataclass(frozen=True, slots=True)
class Campaign:
    """What money is spent on, and what clicks name."""

    campaign_id: str
    channel: str
    first_day: int
    last_day: int
    """Included; days are counted from the shop's first."""
    daily_usd: float


@dataclass(frozen=True, slots=True)
class Shop:
    """Everything about a shop that holds for its whole time."""

    seed: int
    start_us: int
    end_us: int
    """First moment after the data; nothing is dated at or after it."""
    orders: int
    """About how many orders there are."""
    remote_share: float
    """About which share of them is placed from afar: web, app."""
    hours: Floats
    """Share of the orders in each hour."""
    places: Places
    people: People
    products: Assortment
    merchant_codes: tuple[str, ...]
    """Merchant category code (ISO 18245) of each department."""
    campaigns: tuple[Campaign, ...]
    fraud: bool = True
    tracked: float = 0.1
    """Share of visitors whose visits are recorded: those who consented."""

    @property
    def draws(self) -> Draws:
        """Return the shop's randomness."""
        return Draws(self.seed)

    @property
    def days(self) -> int:
        """Return how many days the data cover, begun ones included."""
        return -(-(self.end_us - self.start_us) // 86_400_000_000)


@dataclass(frozen=True, slots=True)
class Orders:
    """Some orders, one entry each in every array; those beginning with `line_` one a line."""

    key: Words
    """Which order it is, to the draws; no two orders have the same."""
    ids: pa.Array
    customer: Whole
    """Index into the people; -1 for a guest."""
    ordered_us: Whole
    country: Whole
    """Index into the countries of the places."""
    region: pa.Array
    city: Whole
    currency: NDArray[Any]
    """Currency code of each order."""
    per_usd: Floats
    """Units of that currency that one US dollar buys."""
    channel: Whole
    device: Whole
    """Index into DEVICES."""
    status: Whole
    total_cents: Whole
    remote: Flags
    """Placed from afar, so that there are a device, an address of the caller, a parcel."""
    carrier: Whole
    shipped_us: Whole
    delivered_us: Whole
    line_order: Whole
    line_product: Whole
    line_number: Whole

    @property
    def count(self) -> int:
        """Return how many orders there are."""
        return len(self.key)


Made = Mapping[str, "pa.Table"]
"""Tables by name."""
