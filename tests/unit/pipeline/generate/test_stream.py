"""The stream of events: how many an hour, in what form, and that all of them arrive once."""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import islice, takewhile
from typing import Any

import numpy as np
import pytest
import uvicorn
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from fastapi import FastAPI, Request, Response

from pipeline.generate.orders import Till
from pipeline.generate.sinks import TOPICS, Event, Http, Kafka, StreamBroken, StreamRefused, delay, sink
from pipeline.generate.stream import Pace, events, multiplier, preamble, send, stream, streamed_world
from pipeline.generate.tables import following
from pipeline.generate.world import HOUR_US, Carry, Knobs, Unheard
from shared.tables import CONTRACT

KNOBS = Knobs(orders=2_000, seed=2, start=date(2024, 9, 30), days=70)
MONDAY = date(2024, 11, 4)


def test_an_ordinary_week_has_the_mean_asked_for() -> None:
    week = [multiplier(datetime(2024, 5, 6 + day, hour, tzinfo=UTC)) for day in range(7) for hour in range(24)]
    assert np.mean(week) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("moment", "other", "ratio"),
    [
        (datetime(2024, 5, 6, 10, tzinfo=UTC), datetime(2024, 5, 6, 3, tzinfo=UTC), 1.5 / 0.35),
        (datetime(2024, 5, 11, 10, tzinfo=UTC), datetime(2024, 5, 10, 10, tzinfo=UTC), 0.8),
        (datetime(2024, 11, 29, 14, tzinfo=UTC), datetime(2024, 11, 22, 14, tzinfo=UTC), 3.0),
        (datetime(2024, 12, 2, 3, tzinfo=UTC), datetime(2024, 11, 25, 3, tzinfo=UTC), 1.6),
    ],
)
def test_business_hours_weekends_and_peaks_have_their_multipliers(
    moment: datetime, other: datetime, ratio: float
) -> None:
    assert multiplier(moment) / multiplier(other) == pytest.approx(ratio)


@pytest.fixture(scope="module")
def monday() -> list[Event]:
    world = streamed_world(KNOBS, 1_000, MONDAY)
    end = world.start_us + ((MONDAY - KNOBS.start).days + 1) * 24 * HOUR_US
    return list(takewhile(lambda event: event.at_us < end, events(world)))


def test_the_rate_holds_by_the_shops_own_time(monday: list[Event]) -> None:
    begin = int(datetime(2024, 11, 4, tzinfo=UTC).timestamp()) * 1_000_000
    hours = Counter((event.at_us - begin) // HOUR_US for event in monday if event.table != "products")
    wanted = [1_000 * multiplier(datetime(2024, 11, 4, hour, tzinfo=UTC)) for hour in range(24)]
    assert set(hours) == set(range(24))
    assert sum(hours.values()) == pytest.approx(sum(wanted), rel=0.05)


def test_business_hours_have_as_many_more_events_than_nights_as_their_multipliers_say() -> None:
    world = streamed_world(replace(KNOBS, orders=20_000), 20_000, MONDAY)
    first = (MONDAY - KNOBS.start).days * 24
    slots = np.zeros_like(world.slot_orders)
    slots[[first + 3, first + 10]] = world.slot_orders[[first + 3, first + 10]]
    hours = Counter(
        (event.at_us - world.start_us) // HOUR_US - first for event in events(replace(world, slot_orders=slots))
    )
    assert hours[10] / hours[3] == pytest.approx(1.5 / 0.35, rel=0.12)


def test_a_night_hour_has_visits_by_its_orders_and_not_by_the_few_buyers_whose_visit_is_recorded() -> None:
    world = streamed_world(replace(KNOBS, orders=20_000), 20_000, MONDAY)
    three = (MONDAY - KNOBS.start).days * 24 + 3
    till, made = Till(world), []
    carry: Carry = {}
    for hour in range(three, three + 6 * 24, 24):
        chunk = till.chunk((hour, hour, hour + 1))
        made.append(following()(world, chunk, carry, Unheard())["web_events"].num_rows / chunk.orders.num_rows)
    # Hung on the 5 % of buyers that are recorded, they varied by 0.2.
    assert np.std(made) / np.mean(made) < 0.08


def test_events_come_in_the_order_of_time_and_an_order_before_its_lines(monday: list[Event]) -> None:
    assert [event.at_us for event in monday] == sorted(event.at_us for event in monday)
    seen: set[str] = set()
    for event in monday:
        if event.table == "orders":
            seen.add(event.row["order_id"])
        elif event.topic == "transactions":
            assert event.row["order_id"] in seen


def test_events_are_keyed_by_customer_and_lie_in_their_topics(monday: list[Event]) -> None:
    assert {event.topic for event in monday} <= {"transactions", "user-events", "product-updates"}
    owner = {e.row["order_id"]: e.row["customer_id"] or e.row["order_id"] for e in monday if e.table == "orders"}
    assert len(set(owner.values())) > 200
    assert all(event.key == owner[event.row["order_id"]] for event in monday if event.topic == "transactions")


def test_bodies_are_json_in_the_form_of_the_contract(monday: list[Event]) -> None:
    for table in {event.table for event in monday}:
        event = next(each for each in monday if each.table == table)
        row, contract = json.loads(event.body()), CONTRACT[f"curated.{table}"]
        columns = {column.name: column for column in contract.business_columns}
        assert set(row) <= set(columns)
        assert {name for name, column in columns.items() if not column.nullable} <= set(row)
        for name, value in row.items():
            kind = columns[name].type
            if kind == "TIMESTAMP":
                assert value.endswith("Z")
                datetime.fromisoformat(value)
            elif kind.startswith("DECIMAL"):
                assert isinstance(value, float)
        assert None not in row.values()


def test_what_events_refer_to_goes_ahead(monday: list[Event]) -> None:
    before = list(preamble(streamed_world(KNOBS, 1_000, MONDAY)))
    customers = {event.row["customer_id"] for event in before if event.table == "customers"}
    assert {e.row["customer_id"] for e in monday if e.table == "orders"} - {None} <= customers
    assert [event.table for event in before].index("categories") < [event.table for event in before].index("products")
    assert all(event.topic == TOPICS[event.table] for event in before)


def test_a_day_outside_the_world_is_refused() -> None:
    with pytest.raises(StreamRefused, match="outside the world's days"):
        streamed_world(KNOBS, 1_000, date(2030, 1, 1))


def event(number: int, at_us: int = 0) -> Event:
    return Event("transactions", "orders", f"C{number}", at_us, {"order_id": f"O{number}", "customer_id": None})


class Memory:
    """Keeps what arrives; stops like Ctrl-C when asked to."""

    def __init__(self, stop_after: int = 0) -> None:
        self.sent: list[Event] = []
        self.arrived: list[Event] = []
        self._stop_after = stop_after

    def send(self, event: Event) -> None:
        self.sent.append(event)
        if len(self.sent) == self._stop_after:
            raise KeyboardInterrupt

    def tick(self) -> None:
        pass

    def flush(self) -> None:
        self.arrived = list(self.sent)


def test_the_shops_time_goes_as_fast_as_asked_for() -> None:
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    out = Memory()
    made = (event(number, at_us=number * 60_000_000) for number in range(11))
    assert send(made, out, Pace(60.0, lambda: now[0], sleep)) == {"transactions": 11}
    assert now[0] == pytest.approx(110.0)
    send((event(number, at_us=number * 60_000_000) for number in range(11)), out, Pace(0, lambda: now[0], sleep))
    assert now[0] == pytest.approx(110.0)


def test_ctrl_c_lets_everything_arrive_that_was_sent() -> None:
    out = Memory(stop_after=3)
    send(map(event, range(10)), out, Pace(0))
    assert [each.key for each in out.arrived] == ["C0", "C1", "C2"]


def test_a_bounded_stream_ends_after_so_many_events() -> None:
    out = Memory()
    assert send(map(event, range(10)), out, Pace(0), most=4) == {"transactions": 4}
    assert len(out.arrived) == 4


@contextmanager
def broker() -> Iterator[str]:
    """A cluster of librdkafka's own, on loopback."""
    owner = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "ignored:9"})
    brokers = owner.list_topics(timeout=10).brokers
    yield ",".join(f"{each.host}:{each.port}" for each in brokers.values())
    owner.flush(1)


def consumed(servers: str, topics: list[str], count: int) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "test", "auto.offset.reset": "earliest"})
    known = consumer.list_topics(timeout=10).topics
    consumer.assign(
        [TopicPartition(name, part, OFFSET_BEGINNING) for name in topics for part in known[name].partitions]
    )
    found: list[Any] = []
    while len(found) < count:
        messages = consumer.consume(min(1_000, count - len(found)), timeout=20)
        assert messages, f"only {len(found)} of {count} events arrived"
        found += messages
    found += consumer.consume(10, timeout=0.2)
    consumer.close()
    return found


def test_events_arrive_in_kafka_once_with_key_table_and_time() -> None:
    with broker() as servers:
        sent = stream(KNOBS, f"kafka://{servers}", rate=1_000, speed=0, most=1_500, referred=False, first=MONDAY)
        assert sum(sent.values()) == 1_500
        messages = consumed(servers, list(sent), 1_500)
    assert len(messages) == 1_500
    assert Counter(each.topic() for each in messages) == sent
    wanted = list(islice(events(streamed_world(KNOBS, 1_000, MONDAY)), 1_500))
    assert Counter((each.topic(), each.value()) for each in messages) == Counter(
        (each.topic, each.body()) for each in wanted
    )
    one = next(each for each in messages if dict(each.headers())["table"] == b"orders")
    assert one.key().decode() == json.loads(one.value()).get("customer_id", json.loads(one.value())["order_id"])


def test_a_full_queue_holds_the_stream_back_and_loses_nothing() -> None:
    with broker() as servers, Kafka(f"kafka://{servers}?queue.buffering.max.messages=10") as out:
        send(map(event, range(500)), out, Pace(0))
        found = consumed(servers, ["transactions"], 500)
    assert sorted(each.key().decode() for each in found) == sorted(f"C{number}" for number in range(500))


def test_a_broker_that_is_not_there_is_told() -> None:
    with Kafka("kafka://127.0.0.1:1?message.timeout.ms=200&log_level=0") as out, pytest.raises(StreamBroken):
        send(map(event, range(3)), out, Pace(0))


@contextmanager
def gateway(answers: list[int]) -> Iterator[tuple[str, list[tuple[str, str, list[dict[str, Any]]]]]]:
    """A little server that takes rows; its first answers are those given, then 200."""
    app, taken = FastAPI(), []

    @app.post("/api/v1/ingest/{table}")
    async def ingest(table: str, request: Request) -> Response:
        status = answers.pop(0) if answers else 200
        body = await request.json()
        taken.append((f"{status} {table}", request.headers["Idempotency-Key"], body["rows"]))
        return Response(status_code=status, headers={"Retry-After": "3"} if status == 429 else {})

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/ingest", taken
        finally:
            server.should_exit = True
            thread.join(10)


def test_rows_are_posted_by_table_at_most_ten_thousand_at_once_and_referred_tables_first() -> None:
    with gateway([]) as (url, taken), Http(url) as out:
        for number in range(10_500):
            out.send(event(number))
        out.send(Event("user-events", "customers", "C1", 0, {"customer_id": "C1"}))
        out.flush()
    assert [(name, len(rows)) for name, _, rows in taken] == [
        ("200 orders", 10_000),
        ("200 customers", 1),
        ("200 orders", 500),
    ]
    assert taken[0][2][0] == {"order_id": "O0"}


def test_a_server_that_cannot_now_is_asked_again_under_the_same_key() -> None:
    slept: list[float] = []
    with gateway([503, 429]) as (url, taken), Http(url, sleep=slept.append) as out:
        out.send(event(1))
        out.flush()
    assert [name for name, *_ in taken] == ["503 orders", "429 orders", "200 orders"]
    assert len({key for _, key, _ in taken}) == 1
    assert slept == [0.2, 3.0]


def test_a_server_that_never_can_ends_the_stream_with_its_answer() -> None:
    with gateway([503] * 20) as (url, taken), Http(url, sleep=lambda _: None) as out:
        out.send(event(1))
        with pytest.raises(StreamBroken, match="1 rows of orders were not taken: 503"):
            out.flush()
    assert len(taken) == 8


def test_what_was_broken_off_is_posted_again_under_the_same_key() -> None:
    with gateway([503] * 8) as (url, taken), Http(url, sleep=lambda _: None) as out:
        out.send(event(1))
        with pytest.raises(StreamBroken):
            out.flush()
        out.flush()
        out.send(event(1))
        out.flush()
    keys = [key for _, key, _ in taken]
    assert (len(keys), len(set(keys[:9])), keys[9] != keys[8]) == (10, 1, True)


def test_a_server_that_refuses_is_not_asked_again() -> None:
    with gateway([401]) as (url, taken), Http(url) as out:
        out.send(event(1))
        with pytest.raises(StreamRefused, match="answered 401"):
            out.flush()
    assert len(taken) == 1


def test_waiting_doubles_to_ten_seconds() -> None:
    assert [delay(attempt, "503") for attempt in (1, 2, 3, 7, 8)] == [0.2, 0.4, 0.8, 10.0, 10.0]


def test_a_place_that_takes_no_stream_is_named() -> None:
    with pytest.raises(StreamRefused, match="cannot go to ftp://"):
        sink("ftp://somewhere")
