"""The web application, the pages about the API, the health of the stack."""

from __future__ import annotations

import asyncio
import re

import grpc
import pytest
from grpc_health.v1 import health as grpc_health
from grpc_health.v1.health_pb2 import HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from gateway import health
from shared.transcode.contract import load_contracts
from tests.contract.backend import gateway, settings_for

INDEX = '<html><head><meta name="csp-nonce" content="__CSP_NONCE__"></head><body>app</body></html>'


@pytest.fixture
def dist(tmp_path):
    root = tmp_path / "dist"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text(INDEX)
    (root / "assets" / "index-abc123.js").write_text("export const answer = 42;\n" * 200)
    (root / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    return root


@pytest.fixture
async def site(backend, dist):
    async with gateway(settings_for(backend, web_dist=dist)) as (client, _):
        yield client


@pytest.mark.parametrize(
    "path", ["/", "/login", "/systems/demand/segments", "/apiary", "/metrics-of-ours", "/index.html"]
)
async def test_the_applications_own_paths_answer_it_with_a_fresh_nonce(site, path):
    nonces = set()
    for _ in range(2):
        response = await site.get(path)
        nonce = re.search(r'content="([^"]+)"', response.text)[1]
        assert f"style-src 'self' 'nonce-{nonce}'" in response.headers["content-security-policy"]
        assert response.headers["cache-control"] == "no-cache"
        nonces.add(nonce)
    assert len(nonces) == 2


async def test_hashed_assets_are_kept_for_ever_and_compressed(site):
    response = await site.get("/assets/index-abc123.js", headers={"Accept-Encoding": "br"})
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "br"
    assert response.text.startswith("export const answer")
    headers = {"If-None-Match": response.headers["etag"], "Accept-Encoding": "br"}
    assert (await site.get("/assets/index-abc123.js", headers=headers)).status_code == 304


@pytest.mark.parametrize("path", ["/.git/config", "/.env", "/assets/.npmrc", "/assets/", "/assets"])
async def test_hidden_files_and_folders_of_the_build_are_not_told(site, dist, path):
    (dist / ".git").mkdir()
    for name in (".git/config", ".env", "assets/.npmrc"):
        (dist / name).write_text("s3cret")
    response = await site.get(path)
    assert "s3cret" not in response.text
    assert "index-abc123" not in response.text


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/assets/index-abc123.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml; charset=utf-8"),
        ("/api/v1/docs", "text/html; charset=utf-8"),
        ("/api/v1/openapi.json", "application/json"),
        ("/api/v1/nothing", "application/problem+json"),
        ("/nothing.js", "application/problem+json"),
    ],
)
async def test_every_body_says_what_it_is_and_texts_their_characters(site, path, kind):
    response = await site.get(path)
    assert response.content
    assert response.headers["content-type"] == kind


async def test_other_files_are_asked_for_again(site):
    response = await site.get("/favicon.svg")
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize("path", ["/nothing.js", "/..%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "/%00.txt"])
async def test_a_file_that_is_not_there_is_not_the_application(site, path):
    response = await site.get(path)
    assert (response.status_code, response.json()["reason"]) == (404, "UNKNOWN_PATH")


@pytest.mark.parametrize(
    "path", ["/api/v1/unknown", "/api", "/health/unknown", "/.well-known/unknown", "/metrics", "/metrics/"]
)
async def test_an_unknown_path_of_the_api_is_not_the_application(site, path):
    response = await site.get(path)
    assert (response.status_code, response.json()["reason"]) == (404, "UNKNOWN_PATH")
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_missing_build_says_what_to_run(backend, tmp_path):
    async with gateway(settings_for(backend, web_dist=tmp_path / "none")) as (client, _):
        response = await client.get("/")
        assert response.status_code == 503
        assert "make web" in response.text


@pytest.mark.parametrize("path", ["/api/v1/docs", "/api/v1/docs/oauth2-redirect.html", "/api/v1/redoc"])
async def test_the_pages_about_the_api_have_no_inline_script(client, path):
    response = await client.get(path)
    assert response.status_code == 200
    assert all(body == "" for body in re.findall(r"<script[^>]*>(.*?)</script>", response.text))
    for script in re.findall(r'src="(/api/[^"]+)"', response.text):
        assert (await client.get(script)).headers["content-type"].startswith("text/javascript")


async def test_live_and_ready_speak_for_the_gateway_alone(backend):
    services = {"auth": "127.0.0.1:1", "demand": "127.0.0.1:1"}
    async with gateway(settings_for(backend, services=services)) as (client, _):
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/health/ready")).json() == {"status": "ready"}
        stack = await client.get("/health/stack")
        assert stack.status_code == 503
        assert stack.json()["services"]["demand"] == {"status": "down", "data": "missing"}


async def test_the_stack_is_well_only_when_the_data_are_served(client, backend, monkeypatch):
    monkeypatch.setattr(health, "FRESH_SECONDS", 0)
    nobody = await client.get("/health/stack")
    assert nobody.status_code == 503
    assert nobody.json()["services"]["demand"] == {"status": "serving", "data": "none"}
    await backend.health.set("data", HealthCheckResponse.NOT_SERVING)
    missing = await client.get("/health/stack")
    assert (missing.status_code, missing.json()["status"]) == (503, "degraded")
    await backend.health.set("data", HealthCheckResponse.SERVING)
    served = await client.get("/health/stack")
    assert (served.status_code, served.json()["status"]) == (200, "ok")
    await backend.health.set("demand.v1.DemandService", HealthCheckResponse.NOT_SERVING)
    assert (await client.get("/health/stack")).status_code == 503


async def test_another_service_at_an_address_is_told_as_the_wrong_one(backend):
    server, known = grpc.aio.server(), grpc_health.aio.HealthServicer()
    add_HealthServicer_to_server(known, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    for name in ("", "data", "market_intel.v1.MarketService"):
        await known.set(name, HealthCheckResponse.SERVING)
    services = {"auth": backend.address, "demand": f"127.0.0.1:{port}"}
    async with gateway(settings_for(backend, services=services)) as (client, _):
        stack = await client.get("/health/stack")
        assert stack.status_code == 503
        assert stack.json()["services"]["demand"] == {"status": "wrong", "data": "missing"}
    await server.stop(None)


async def test_whoever_asks_for_the_stack_without_end_makes_nobody_ask_the_services_without_end(backend):
    asked, now = [], [100.0]

    class Channel:
        def unary_unary(self, *_, **__):
            async def check(request, **_):
                asked.append(request.service)
                await asyncio.sleep(0)
                return HealthCheckResponse(status=HealthCheckResponse.SERVING)

            return check

        unary_stream = unary_unary

    pulse = health.Pulse({"demand": Channel()}, load_contracts(), lambda: now[0])
    first = asyncio.create_task(pulse.services())
    others = [asyncio.create_task(pulse.services()) for _ in range(50)]
    await asyncio.sleep(0)
    first.cancel()
    assert all([(await one)["demand"].good for one in others])
    now[0] += 0.9
    await pulse.services()
    assert sorted(asked) == ["data", "demand.v1.DemandService"], "one flight for all, for a second"
    now[0] += 0.2
    await pulse.services()
    assert len(asked) == 4


async def test_the_list_of_systems_tells_which_run(client, backend):
    assert (await client.get("/api/v1/systems")).status_code == 401
    body = (await client.get("/api/v1/systems", headers=backend.bearer("viewer"))).json()
    status = {item["name"]: item["status"] for item in body["items"]}
    assert status["demand"] == "up"
    assert status["copilot"] == "not_running"
    assert len(status) == body["total_size"] == 5


async def test_a_system_whose_service_is_gone_is_down(backend):
    services = {"auth": backend.address, "demand": "127.0.0.1:1"}
    async with gateway(settings_for(backend, services=services)) as (client, _):
        body = (await client.get("/api/v1/systems", headers=backend.bearer("viewer"))).json()
        assert {item["name"]: item["status"] for item in body["items"]}["demand"] == "down"
