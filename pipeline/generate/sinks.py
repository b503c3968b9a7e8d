"""Where a stream of events goes: to Kafka, or in batches to the gateway's /ingest. Nothing is lost, nothing doubled.

An event is one row of the contract as JSON: names as in the contract, times as RFC 3339, money as numbers, what is
empty left out. Kafka has the table in the header `table` and the customer as the key.
"""

from __future__ import annotations

import hashlib
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import Message
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import parse_qsl, urlsplit

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from shared.errors import InvalidArgument, Unavailable

if TYPE_CHECKING:
    from confluent_kafka import KafkaError
    from confluent_kafka import Message as KafkaMessage

TOPICS: Mapping[str, str] = MappingProxyType(
    {
        "categories": "product-updates",
        "suppliers": "product-updates",
        "products": "product-updates",
        "promotions": "product-updates",
        "customers": "user-events",
        "orders": "transactions",
        "order_items": "transactions",
        "payments": "transactions",
        "web_events": "user-events",
    }
)
"""Topic of each table; tables before those that refer to them."""
ROWS_A_POST = 10_000
ATTEMPTS = 8
FLUSH_SECONDS = 60.0
POST_SECONDS = 1.0
"""A batch that is not full is posted after this long."""
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class StreamRefused(InvalidArgument):
    """The place a stream was to go to is none, or it does not take the events."""

    reason = "STREAM_REFUSED"


class StreamBroken(Unavailable):
    """Events could not be delivered."""

    reason = "STREAM_BROKEN"


class Event(NamedTuple):
    """One row on its way."""

    topic: str
    table: str
    key: str
    at_us: int
    row: Mapping[str, Any]

    def body(self) -> bytes:
        """Return the row as JSON."""
        return orjson.dumps({name: value for name, value in self.row.items() if value is not None})


class Sink(Protocol):
    """Takes events; those sent before `flush` returns have arrived."""

    def send(self, event: Event) -> None:
        """Take an event; waits while too many are on their way."""

    def tick(self) -> None:
        """Let time pass: called before waiting."""

    def flush(self) -> None:
        """Return once everything has arrived. Raises StreamBroken."""


def sink(where: str, token: str = "") -> AbstractContextManager[Sink]:
    """Return the sink of kafka://… or http(s)://…. Raises StreamRefused."""
    scheme = where.partition("://")[0]
    if scheme == "kafka":
        return Kafka(where)
    if scheme in {"http", "https"}:
        return Http(where, token or os.environ.get("INGEST_TOKEN", ""))
    raise StreamRefused(
        f"a stream cannot go to {scheme or 'nothing'}://…; give kafka://host:port or http://…/api/v1/ingest"
    )


def ready(rows: pa.Table) -> pa.Table:
    """Return the rows with times as RFC 3339 text and money as numbers: as JSON has them."""
    return pa.table([_as_in_json(column) for column in rows.columns], names=rows.schema.names)


class Kafka(AbstractContextManager["Kafka"]):
    """A producer: idempotent, so that what is sent again does not arrive twice, and in order within a key."""

    def __init__(self, where: str) -> None:
        from confluent_kafka import Producer  # noqa: PLC0415  loads librdkafka

        parts = urlsplit(where)
        settings = {
            "bootstrap.servers": parts.netloc,
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 20,
            "queue.buffering.max.messages": 50_000,
            "message.timeout.ms": 60_000,
            **dict(parse_qsl(parts.query)),
        }
        self._producer = Producer(settings)
        self._failed = ""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._producer.flush(0)

    def send(self, event: Event) -> None:
        """Take an event; waits while the producer's queue is full. Raises StreamBroken."""
        while True:
            try:
                self._producer.produce(
                    event.topic,
                    event.body(),
                    event.key,
                    timestamp=event.at_us // 1_000,
                    headers={"table": event.table},
                    on_delivery=self._delivered,
                )
                break
            except BufferError:
                self._producer.poll(0.2)
                self._check()
        self._producer.poll(0)
        self._check()

    def tick(self) -> None:
        """Hear of deliveries."""
        self._producer.poll(0)

    def flush(self) -> None:
        """Return once everything has arrived. Raises StreamBroken."""
        left = self._producer.flush(FLUSH_SECONDS)
        self._check()
        if left:
            raise StreamBroken(f"{left:,} events did not reach the broker within {FLUSH_SECONDS:.0f} s; is it up?")

    def _delivered(self, error: KafkaError | None, _: KafkaMessage) -> None:
        if error is not None:
            self._failed = str(error.str())

    def _check(self) -> None:
        if self._failed:
            raise StreamBroken(f"the broker did not take an event: {self._failed}")


@dataclass(slots=True)
class Http(AbstractContextManager["Http"]):
    """Posts rows by table, at most 10,000 at once, again with the same Idempotency-Key while the server cannot."""

    base: str
    token: str = field(default="", repr=False)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _rows: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    _posted: float = 0.0
    _batch: int = 0

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._rows.clear()

    def send(self, event: Event) -> None:
        """Take an event; posts what has come together once a table has 10,000."""
        rows = self._rows.setdefault(event.table, [])
        rows.append({name: value for name, value in event.row.items() if value is not None})
        if len(rows) >= ROWS_A_POST:
            self.flush()

    def tick(self) -> None:
        """Post what has waited long enough."""
        if self._rows and self.clock() - self._posted >= POST_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Return once everything has been taken. Raises StreamBroken, StreamRefused."""
        for table in (name for name in TOPICS if self._rows.get(name)):
            self._post(table, self._rows[table])
            # Not before: what was broken off is posted under the same key again.
            del self._rows[table]
            self._batch += 1
        self._posted = self.clock()

    def _post(self, table: str, rows: list[Mapping[str, Any]]) -> None:
        body = orjson.dumps({"rows": rows})
        key = hashlib.sha256(f"{table}/{self._batch}/".encode() + body).hexdigest()[:32]
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(f"{self.base.rstrip('/')}/{table}", body, headers)  # noqa: S310  http(s), see sink()
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.sleep(delay(attempt, why))
            why = _posted(request)
            if not why:
                return
        raise StreamBroken(f"{self.base}: {len(rows):,} rows of {table} were not taken: {why.partition(';')[0]}")


def delay(attempt: int, why: str) -> float:
    """Return the seconds before trying again: what the server asked for, else 0.2, 0.4, … at most 10."""
    asked = why.partition(";retry-after=")[2]
    return float(asked) if asked.isdigit() else min(0.1 * 2.0**attempt, 10.0)


def _posted(request: urllib.request.Request) -> str:
    """Return an empty text once the server took it, else why it should be asked again. Raises StreamRefused."""
    try:
        with urllib.request.urlopen(request, timeout=30):  # noqa: S310  http(s), see sink()
            return ""
    except urllib.error.HTTPError as error:
        headers: Message = error.headers
        error.close()
        if error.code not in AGAIN:
            raise StreamRefused(
                f"{request.full_url} answered {error.code} {error.reason}; see that it takes rows so"
            ) from None
        return f"{error.code} {error.reason};retry-after={headers.get('Retry-After', '')}"
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        return f"{getattr(error, 'reason', error)}"


def _as_in_json(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(column.type):
        return pc.strftime(column, "%Y-%m-%dT%H:%M:%SZ")
    if pa.types.is_date(column.type):
        return column.cast(pa.string())
    return column.cast(pa.float64()) if pa.types.is_decimal(column.type) else column
