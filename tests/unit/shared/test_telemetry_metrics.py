"""What is counted and timed, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from shared import telemetry_metrics
from shared.telemetry_metrics import SECONDS, Counter, Histogram, Meters


def samples(meters: Meters) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return (name, label values in the order of their names) → value, by a parser that is not ours."""
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(meters.text().decode())
        for sample in family.samples
    }


@given(st.lists(st.floats(0, 100), max_size=50))
def test_each_bucket_holds_all_values_up_to_its_bound(values: list[float]):
    meters = Meters()
    timed = meters.histogram("work_seconds", "Work.", ("kind",))
    for value in values:
        timed.record(value, "a")
    found = samples(meters)
    for bound in SECONDS if values else ():
        # Label values come in the order of the labels' names: kind, le.
        assert found["work_seconds_bucket", ("a", f"{bound:g}")] == sum(value <= bound for value in values)
    assert found.get(("work_seconds_count", ("a",)), 0) == len(values)
    assert found.get(("work_seconds_sum", ("a",)), 0) == pytest.approx(sum(values))


def test_a_counter_without_labels_is_there_before_anything_was_counted():
    meters = Meters()
    failures = meters.counter("store_failures", "Failures.")
    assert samples(meters)["store_failures_total", ()] == 0
    failures.add()
    failures.add(amount=2)
    assert samples(meters)["store_failures_total", ()] == failures.value() == 3


def test_a_gauge_is_read_when_asked():
    meters, kept = Meters(), [1.0]
    meters.gauge("keys", "Keys.", ("kind",), lambda: {("a",): kept[0]})
    kept[0] = 7
    assert samples(meters)["keys", ("a",)] == 7


@pytest.mark.parametrize("kind", [Counter, Histogram])
def test_labels_without_end_take_no_memory_without_end(kind: type, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(telemetry_metrics, "MOST_SERIES", 3)
    meters = Meters()
    made = meters.counter("a", "A.", ("x",)) if kind is Counter else meters.histogram("a", "A.", ("x",))
    for number in range(10):
        made.add(str(number)) if isinstance(made, Counter) else made.record(1, str(number))
    name = "a_total" if kind is Counter else "a_count"
    found = {labels: value for (sample, labels), value in samples(meters).items() if sample == name}
    assert found == {("0",): 1, ("1",): 1, ("2",): 1, ("other",): 7}


def test_the_process_itself_is_told_of():
    names: Iterable[str] = {name for name, _ in samples(Meters())}
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total", "python_gc_collections_total"} <= set(names)
