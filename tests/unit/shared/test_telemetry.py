"""Traces that go on from process to process, and logs that give no secret away."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared import logs, telemetry
from shared.settings import ProcessSettings

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HEADER = f"00-{TRACE}-{SPAN}-01"


@pytest.fixture(autouse=True)
def outside_of_any_request() -> Iterator[None]:
    token = telemetry.current.set(None)
    yield
    telemetry.current.reset(token)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Give what was logged, and leave logging as it was."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    yield lambda: capsys.readouterr().err
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_outside_of_a_request_there_is_no_trace_id() -> None:
    assert telemetry.trace_id() == ""


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        HEADER.upper(),
    ],
)
def test_a_header_that_breaks_the_standard_begins_a_new_trace(wrong: str) -> None:
    assert telemetry.parse(wrong) is None
    assert telemetry.continued(wrong).trace_id != TRACE


def test_a_later_version_of_the_header_is_read_as_far_as_it_is_known() -> None:
    assert telemetry.parse(f"01-{TRACE}-{SPAN}-01-more") == telemetry.Trace(TRACE, SPAN, "01")


@given(st.text(max_size=80))
def test_whatever_a_caller_sends_the_trace_that_goes_on_is_well_formed(sent: str) -> None:
    assert telemetry.parse(telemetry.continued(sent).traceparent) is not None


def test_with_telemetry_off_a_request_has_a_trace_id_and_no_span() -> None:
    telemetry.Telemetry().end(span := telemetry.Telemetry().begin("GET /", HEADER))
    assert span is None and telemetry.trace_id() == TRACE


def test_with_telemetry_on_spans_of_two_processes_make_one_trace() -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces = telemetry.Telemetry(provider)
    front = traces.begin("GET /segments", HEADER)
    ours = telemetry.current.get()
    assert ours is not None
    back = traces.begin("/demand.v1.DemandService/ListSegments", ours.traceparent)
    traces.end(back, "LAKE_TABLE_MISSING")
    traces.end(front)
    traces.close()
    second, first = exporter.get_finished_spans()
    assert first.context and second.context and second.parent and first.parent
    assert f"{first.context.trace_id:032x}" == f"{second.context.trace_id:032x}" == TRACE
    assert second.parent.span_id == first.context.span_id and f"{first.parent.span_id:016x}" == SPAN
    assert (first.status.is_ok, second.status.description) == (True, "LAKE_TABLE_MISSING")


def test_console_telemetry_names_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    traces = telemetry.start("demand", ProcessSettings(telemetry="console"))
    with traces.span("refresh"):
        pass
    traces.close()
    span = json.loads(capsys.readouterr().err)
    assert span["name"] == "refresh" and span["resource"]["attributes"]["service.name"] == "demand"


def test_otlp_telemetry_starts_without_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    telemetry.start("demand", ProcessSettings(telemetry="otlp")).close()


async def test_every_http_request_gets_a_trace_id() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": telemetry.trace_id().encode()})

    transport = httpx.ASGITransport(telemetry.TraceMiddleware(app, telemetry.Telemetry()))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/", headers={"traceparent": HEADER})).text == TRACE
        assert len((await client.get("/")).text) == 32


def test_a_log_entry_names_its_service_and_trace(written: Callable[[], str]) -> None:
    logs.configure("demand", ProcessSettings(log_format="json"))
    telemetry.current.set(telemetry.Trace(TRACE, SPAN))
    structlog.get_logger("shared.rpc").info("serving", port=7)
    entry = json.loads(written())
    assert (entry["event"], entry["port"], entry["level"]) == ("serving", 7, "info")
    assert (entry["service"], entry["trace_id"], entry["span_id"]) == ("demand", TRACE, SPAN)


def test_logs_of_libraries_go_the_same_way(written: Callable[[], str]) -> None:
    logs.configure("gateway", ProcessSettings(log_format="json"))
    logging.getLogger("uvicorn.error").warning("lost %s", "a connection")
    logging.getLogger("uvicorn.error").info("chatter")
    entry = json.loads(written())
    assert (entry["event"], entry["service"]) == ("lost a connection", "gateway")


@pytest.mark.parametrize("shape", ["json", "console"])
def test_no_secret_reaches_the_log(written: Callable[[], str], shape: Any) -> None:
    logs.configure("auth", ProcessSettings(log_format=shape))
    log = structlog.get_logger("auth")
    log.info("login", password="hunter2", headers={"Authorization": "Bearer hunter2", "Set-Cookie": "hunter2"})
    log.info("refreshed", body=[{"refresh_token": "hunter2", "cardNumber": "hunter2"}], cvv="hunter2", pan="hunter2")
    log.info("sent Authorization: Bearer hunter2 to mysql://root:hunter2@db/shop")
    try:
        raise ValueError("cannot connect to redis://:hunter2@cache")
    except ValueError:
        log.exception("failed", user="ada")
    logging.getLogger("httpx").warning("token eyJhdunter2.eyJhdunter2.hunter2 refused")
    said = written()
    assert "unter2" not in said
    assert said.count("[redacted]") >= 9 and "ada" in said and "Traceback" in said


@pytest.mark.parametrize(
    "key", ["password", "newPassword", "refresh_token", "X-Api-Key", "apiKey", "client_secret", "PAN", "card_number"]
)
def test_a_key_of_a_secret_is_known_in_every_spelling(key: str) -> None:
    assert logs.is_secret(key)


@pytest.mark.parametrize("key", ["company", "panel", "tokenizer", "expansion", "spinning", "key", "table", "user_id"])
def test_a_harmless_key_is_left_alone(key: str) -> None:
    assert not logs.is_secret(key)
