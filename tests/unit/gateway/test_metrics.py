"""What the gateway measures: by the template of the path, never by the path."""

from __future__ import annotations

import httpx
import pytest

from gateway.app import create_app
from shared.telemetry import Telemetry, TraceMiddleware
from tests.contract.backend import ISSUER, settings_for

SEGMENTS = "/api/v1/demand-insights/segments"
TABLES = "/api/v1/analytics/{system}/tables"


@pytest.mark.parametrize(
    ("verb", "path", "route", "status"),
    [
        ("GET", SEGMENTS, SEGMENTS, "200"),
        ("GET", "/api/v1/analytics/demand/tables", TABLES, "200"),
        ("GET", "/api/v1/analytics/nobody/tables", TABLES, "404"),
        ("PUT", "/api/v1/analytics/nobody/tables", TABLES, "405"),
        ("GET", "/api/v1/systems", "/api/v1/systems", "200"),
        ("GET", "/health/live", "/health/live", "200"),
        ("GET", "/api/v1/secret-in-a-path", "unmatched", "404"),
        ("GET", "/customers/42", "/{file}", "503"),
        ("BREW", "/customers/42", "/{file}", "405"),
    ],
)
async def test_a_request_is_counted_under_its_route(backend, tmp_path, verb, path, route, status):
    traces = Telemetry()
    app = create_app(settings_for(backend, web_dist=tmp_path), traces.meters)
    transport = httpx.ASGITransport(TraceMiddleware(app, traces))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        await client.request(verb, path, headers=backend.bearer("viewer"))
    label = "_OTHER" if verb == "BREW" else verb
    assert traces.meters.http_duration.count(label, route, status) == 1
    assert traces.meters.active_requests == 0
    assert path not in traces.meters.text().decode() or path == route
