"""What a process counts and times, in the text form that Prometheus reads; names by OpenTelemetry's conventions.

OpenTelemetry's own instruments cost 40-60 µs a record in Python, a fifth of a whole request, so what is recorded for
every request is a dictionary look-up and an addition here, and prometheus_client alone writes it out. One event loop
records; another thread that does too may at worst lose a count.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
MOST_SERIES = 2000
"""Label sets a metric may have; what comes later is counted together under `other`."""

CONTENT_TYPE = CONTENT_TYPE_LATEST


class Counter(Collector):
    """A number that only grows, for each set of label values."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str] = ()) -> None:
        self._name, self._help, self._labels = name, help_text, tuple(labels)
        self._values: dict[tuple[str, ...], float] = {} if labels else {(): 0.0}

    def add(self, *labels: str, amount: float = 1.0) -> None:
        """Add to the number of those label values."""
        values = self._values
        if labels not in values and len(values) >= MOST_SERIES:
            labels = ("other",) * len(self._labels)
        values[labels] = values.get(labels, 0.0) + amount

    def value(self, *labels: str) -> float:
        """Return the number of those label values."""
        return self._values.get(labels, 0.0)

    def collect(self) -> Iterator[Metric]:
        """Yield the counter as it stands."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, value in list(self._values.items()):
            family.add_metric(labels, value)
        yield family


class Histogram(Collector):
    """How often values fell into which bucket, for each set of label values."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], bounds: Sequence[float] = SECONDS) -> None:
        self._name, self._help, self._labels = name, help_text, tuple(labels)
        self._bounds = tuple(bounds)
        self._series: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}

    def record(self, value: float, *labels: str) -> None:
        """Count one value."""
        series = self._series.get(labels)
        if series is None:
            series = self._begun(labels)
        counts, total = series
        counts[bisect_left(self._bounds, value)] += 1
        total[0] += value

    def count(self, *labels: str) -> int:
        """Return how many values of those labels were counted."""
        series = self._series.get(labels)
        return sum(series[0]) if series else 0

    def _begun(self, labels: tuple[str, ...]) -> tuple[list[int], list[float]]:
        if len(self._series) >= MOST_SERIES:
            labels = ("other",) * len(self._labels)
        return self._series.setdefault(labels, ([0] * (len(self._bounds) + 1), [0.0]))

    def collect(self) -> Iterator[Metric]:
        """Yield the histogram as it stands."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        ends = [f"{bound:g}" for bound in self._bounds] + ["+Inf"]
        for labels, (counts, total) in list(self._series.items()):
            reached, buckets = 0, []
            for end, number in zip(ends, counts, strict=True):
                reached += number
                buckets.append((end, reached))
            family.add_metric(labels, buckets, total[0])
        yield family


class Gauge(Collector):
    """Numbers as they are when asked for: label values → number."""

    def __init__(
        self, name: str, help_text: str, labels: Sequence[str], read: Callable[[], dict[tuple[str, ...], float]]
    ) -> None:
        self._name, self._help, self._labels, self._read = name, help_text, tuple(labels), read

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers of this moment."""
        family = GaugeMetricFamily(self._name, self._help, labels=self._labels)
        for labels, value in self._read().items():
            family.add_metric(labels, value)
        yield family


class Meters:
    """Everything one process measures. The names are explained in docs/metrics.md."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        for own in (ProcessCollector, PlatformCollector, GCCollector):
            own(registry=self.registry)
        self.active_requests = 0
        self.http_duration = self.histogram(
            "http_server_request_duration_seconds",
            "Time to answer an HTTP request.",
            ("http_request_method", "http_route", "http_response_status_code"),
        )
        self.rpc_server = self.histogram(
            "rpc_server_duration_seconds",
            "Time to answer a gRPC call; streams are counted when they end.",
            ("rpc_method", "outcome"),
        )
        self.rpc_client = self.histogram(
            "rpc_client_duration_seconds",
            "Time of a gRPC call made to another service.",
            ("peer_service", "outcome"),
        )
        self.gauge(
            "http_server_active_requests",
            "HTTP requests being answered now.",
            (),
            lambda: {(): float(self.active_requests)},
        )

    def counter(self, name: str, help_text: str, labels: Sequence[str] = ()) -> Counter:
        """Return a new counter; its name gets `_total` where it is read."""
        made = Counter(name, help_text, labels)
        self.registry.register(made)
        return made

    def histogram(
        self, name: str, help_text: str, labels: Sequence[str], bounds: Sequence[float] = SECONDS
    ) -> Histogram:
        """Return a new histogram."""
        made = Histogram(name, help_text, labels, bounds)
        self.registry.register(made)
        return made

    def gauge(
        self, name: str, help_text: str, labels: Sequence[str], read: Callable[[], dict[tuple[str, ...], float]]
    ) -> None:
        """Have `read` called whenever the metrics are read."""
        self.registry.register(Gauge(name, help_text, labels, read))

    def text(self) -> bytes:
        """Return all of it in Prometheus' text form."""
        return generate_latest(self.registry)
