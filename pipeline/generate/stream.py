"""A shop as it goes on: events of orders, visits and prices, as many an hour as asked for, at their times."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipeline.generate import build, catalogue
from pipeline.generate.calendar import black_friday
from pipeline.generate.columns import moments
from pipeline.generate.orders import Till
from pipeline.generate.sinks import TOPICS, Event, Sink, StreamRefused, ready, sink
from pipeline.generate.tables import following, static
from pipeline.generate.world import DAY_US, HOUR_US, Unheard, World

if TYPE_CHECKING:
    from pipeline.generate.world import Carry, Chunk, Knobs, Whole

HOURS = np.array([0.35] * 7 + [0.8] * 2 + [1.5] * 8 + [1.2] * 5 + [0.6] * 2)
"""By the UTC hour: nights, mornings, business hours (09-17), evenings, late evenings."""
WEEKEND = 0.8
"""On Saturday and Sunday."""
PEAK = 3.0
"""From Black Friday to Cyber Monday, 12:00-22:00; 1.6 in their other hours."""
PEAK_REST = 1.6
PEAK_HOURS = range(12, 22)
VISITS = ("web_events",)
LEAD_DAYS = 60
TRIAL_ORDERS = 200
"""Orders an hour of the day by which events an order are counted."""
FIRST_ORDER = 5_000_000_000
"""Number of the first streamed order."""
REFERRED = ("categories", "suppliers", "customers", "promotions")
TIMES: Mapping[str, str] = {
    "orders": "ordered_at",
    "order_items": "",
    "payments": "authorized_at",
    "web_events": "occurred_at",
}
"""Streamed tables and the column of their time; a line has its order's."""


def multiplier(moment: datetime) -> float:
    """Return events an hour at a time ÷ their mean over an ordinary week."""
    made = float(HOURS[moment.hour] / HOURS.mean()) * (WEEKEND if moment.weekday() >= 5 else 1.0)
    made /= (5 + 2 * WEEKEND) / 7
    if (moment.date() - black_friday(moment.year)).days in range(4):
        made *= PEAK if moment.hour in PEAK_HOURS else PEAK_REST
    return made


def stream(
    knobs: Knobs,
    where: str,
    *,
    rate: float,
    speed: float = 1.0,
    most: int = 0,
    token: str = "",
    referred: bool = True,
    first: date | None = None,
) -> Mapping[str, int]:
    """Return topic → events that arrived at `where`; ends with the world, after `most` events, or by Ctrl-C.

    Args:
        knobs: of the world; how many orders it has follows from `rate`.
        where: kafka://host:port or http://…/api/v1/ingest.
        rate: mean events an hour over an ordinary week, in the shop's time.
        speed: the shop's time against ours; 0: without waiting.
        most: 0: no bound.
        token: bearer token for http.
        first: day of the world with which it begins.
        referred: send what events refer to (`preamble`) first; it counts neither for the rate nor for `most`.
    """
    with sink(where, token) as out:
        world = streamed_world(knobs, rate, first)
        before = send(preamble(world), out, Pace(0)) if referred else {}
        return Counter(before) + Counter(send(events(world), out, Pace(speed), most))


def send(made: Iterator[Event], out: Sink, pace: Pace, most: int = 0) -> Mapping[str, int]:
    """Return topic → events sent; whatever ends it, all that was taken from `made` has arrived."""
    sent: Counter[str] = Counter()
    try:
        for event in made:
            if pace.behind(event.at_us):
                out.tick()
                pace.wait(event.at_us)
            out.send(event)
            sent[event.topic] += 1
            if most and sent.total() >= most:
                break
    except KeyboardInterrupt:
        pass
    finally:
        out.flush()
    return sent


@dataclass(slots=True)
class Pace:
    """Keeps the shop's time in step with ours."""

    speed: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _began: tuple[float, int] | None = field(default=None)

    def behind(self, at_us: int) -> float:
        """Return the seconds until an event is due; 0 where it is."""
        if not self.speed:
            return 0.0
        if self._began is None:
            self._began = self.clock(), at_us
        due = self._began[0] + (at_us - self._began[1]) / 1e6 / self.speed
        return max(due - self.clock(), 0.0)

    def wait(self, at_us: int) -> None:
        """Wait until an event is due."""
        while left := self.behind(at_us):
            self.sleep(min(left, 1.0))


def streamed_world(knobs: Knobs, rate: float, first: date | None = None) -> World:
    """Return the world of the knobs with other orders: so many an hour as make `rate` events, times multipliers.

    Customers, products and promotions are those that the same knobs give in a folder; order numbers begin beyond its.

    Args:
        knobs: of the world.
        rate: mean events an hour over an ordinary week.
        first: day of the world with which the stream begins; None: the 61st, so that no order lacks the visits before.

    Raises:
        StreamRefused: `first` is not a day of the world.
    """
    begin = min(LEAD_DAYS, knobs.days // 2) if first is None else (first - knobs.start).days
    if not 0 <= begin < knobs.days:
        raise StreamRefused(f"the stream is to begin on {first}, outside the world's days; see --start and --days")
    world, start = build.world(knobs), datetime.combine(knobs.start, datetime.min.time(), UTC)
    wanted = rate * np.array([multiplier(start + timedelta(hours=hour)) for hour in range(knobs.days * 24)])
    orders = world.rng("stream slots").poisson(wanted / events_an_order(world))
    orders[: begin * 24] = 0
    return replace(world, slot_orders=orders, first_order=FIRST_ORDER)


def events_an_order(world: World) -> float:
    """Return how many events an order brings with it, visits without an order included, by a chunk of its own."""
    day = world.days // 2
    slots = np.zeros(world.days * 24, dtype=np.int64)
    slots[day * 24 : day * 24 + 24] = TRIAL_ORDERS
    trial = replace(world, slot_orders=slots, first_order=FIRST_ORDER)
    chunk = Till(trial).chunk((0, day * 24, day * 24 + 24))
    carry: Carry = {}
    rows = {**_own(chunk), **following()(trial, chunk, carry, Unheard())}
    counted: int = sum(rows[name].num_rows for name in TIMES if name in rows)
    return counted / int(chunk.orders.num_rows)


def preamble(world: World) -> Iterator[Event]:
    """Return what events refer to, as it is when the stream begins: products, customers, promotions and the like."""
    for name, rows in static(world, Unheard()):
        if name in REFERRED:
            yield from _given(world, name, rows)
    for held in _prices(world):
        if held.at_us < world.start_us:
            yield held.event()


def _given(world: World, name: str, rows: pa.Table) -> Iterator[Event]:
    for row in ready(rows).to_pylist():
        yield Event(TOPICS[name], name, str(row.get("customer_id", name)), world.start_us, row)


def events(world: World) -> Iterator[Event]:
    """Return the events of a streamed world in time order.

    The visits round an order lie up to weeks from it; here they are drawn together into the hour of the order, at the
    same minute of the hour: what is ordered next week is not known when its first visit would have to be sent.
    """
    till, follow = Till(world), following()
    carry: Carry = {}
    busy = np.nonzero(world.slot_orders)[0].tolist()
    waiting = [held for held in _prices(world) if busy and held.at_us >= world.start_us + busy[0] * HOUR_US]
    heapq.heapify(waiting)
    for hour in busy:
        chunk = till.chunk((hour, hour, hour + 1))
        rows = {**_own(chunk), **follow(world, chunk, carry, Unheard())}
        for held in _held(rows, chunk.start_us):
            heapq.heappush(waiting, held)
        while waiting and waiting[0].at_us < chunk.end_us:
            yield heapq.heappop(waiting).event()


class _Held(NamedTuple):
    """An event that waits for its time; `number` keeps the order of those at the same time."""

    at_us: int
    rank: int
    number: int
    table: str
    key: str
    row: dict[str, Any]

    def event(self) -> Event:
        return Event(TOPICS[self.table], self.table, self.key, self.at_us, self.row)


def _own(chunk: Chunk) -> dict[str, pa.Table]:
    return {"orders": chunk.orders, "order_items": chunk.order_items}


def _held(rows: Mapping[str, pa.Table], since_us: int) -> Iterator[_Held]:
    """Return the rows of an hour as events: an order before its lines and payments where their times are equal."""
    orders = rows["orders"]
    ids, who = orders["order_id"].to_pylist(), orders["customer_id"].to_pylist()
    key_of = {order: customer or order for order, customer in zip(ids, who, strict=True)}
    time_of = dict(zip(ids, _times(orders["ordered_at"]).tolist(), strict=True))
    for rank, (name, column) in enumerate(TIMES.items()):
        if name not in rows:
            continue
        part = rows[name]
        if column:
            times = _times(part[column])
            if name in VISITS:
                times = since_us + (times - since_us) % HOUR_US
            part = part.set_column(part.schema.get_field_index(column), column, moments(times))
        plain = ready(part).to_pylist()
        at = times.tolist() if column else [time_of[row["order_id"]] for row in plain]
        for number, (row, moment) in enumerate(zip(plain, at, strict=True)):
            yield _Held(moment, rank, number, name, _key(row, key_of), row)


def _times(column: pa.ChunkedArray) -> Whole:
    made: Whole = column.cast(pa.int64()).to_numpy()
    return made


def _key(row: Mapping[str, Any], key_of: Mapping[str, str]) -> str:
    """Return what an event is partitioned by: the customer; a guest's order or a visitor's session by itself."""
    if "order_id" in row:
        return key_of.get(row["order_id"], str(row["order_id"]))
    return str(row.get("customer_id") or row["session_id"])


def _prices(world: World) -> Iterator[_Held]:
    made = catalogue.versions(world)
    times = _times(made["_source_ts"]).tolist()
    rows = ready(made.drop_columns(["_source_ts"])).to_pylist()
    for number, (row, moment) in enumerate(zip(rows, times, strict=True)):
        if moment >= world.start_us:
            # Prices change in the course of the day they are for, not all at midnight.
            moment += number * 7_919 * 1_000_003 % (DAY_US - HOUR_US)  # noqa: PLW2901
        yield _Held(moment, len(TIMES), number, "products", row["product_id"], row)
