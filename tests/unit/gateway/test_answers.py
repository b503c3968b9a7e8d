"""What comes back: caching, files, cookies, compression, headers."""

from __future__ import annotations

import gzip

import brotli
import httpx
import pyarrow as pa
import pytest
import zstandard

from protos.auth.v1 import auth_pb2
from protos.common.v1 import table_pb2
from protos.demand.v1 import demand_pb2
from shared.transcode.cookies import CookieNames
from tests.contract.backend import ISSUER, gateway, settings_for

SEGMENTS = "/api/v1/demand-insights/segments"
SEGMENTS_RPC = "/demand.v1.DemandService/ListSegments"
LOGIN, LOGIN_RPC = "/api/v1/auth/login", "/auth.v1.AuthService/Login"
REFRESH, REFRESH_RPC = "/api/v1/auth/refresh", "/auth.v1.AuthService/Refresh"
CREDENTIALS = {"email": "ada@example.com", "password": "correct horse battery"}
COOKIE = {"X-Session": "cookie"}
OURS = CookieNames(ISSUER, secure=False).of("refresh_token")
THEIRS = CookieNames("http://testserver:8001", secure=False).of("refresh_token")


def segments(request, context):
    """Return two rows in the encoding that the metadata ask for."""
    asked = dict(context.invocation_metadata()).get("table-encoding")
    table = table_pb2.Table(
        columns=[table_pb2.Column(name="segment", type="VARCHAR"), table_pb2.Column(name="customers", type="BIGINT")],
        row_count=2,
        total_size=5,
        next_page_token="next",
        lineage=table_pb2.Lineage(table="demand.customer_segments", version=7, data_through_on="2017-12-30"),
    )
    if asked == "arrow":
        sink = pa.BufferOutputStream()
        rows = pa.table({"segment": ["=1+1", "Champions"], "customers": [3, 4]})
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        table.arrow_stream = bytes(sink.getvalue())
    else:
        table.json_columns = b'{"segment":["=1+1","Champions"],"customers":[3,4]}'
    return demand_pb2.ListSegmentsResponse(table=table, method=demand_pb2.SEGMENT_METHOD_RFM)


def tokens(request, context):
    return auth_pb2.LoginResponse(
        access_token="access" * 300, refresh_token="refresh-1", token_type="Bearer", refresh_expires_in=3600
    )


def refreshed(request, context):
    return auth_pb2.RefreshResponse(refresh_token=f"after-{request.refresh_token}", refresh_expires_in=60)


async def test_rows_are_laid_flat_beside_the_other_fields(client, backend):
    backend.answers[SEGMENTS_RPC] = segments
    body = (await client.get(SEGMENTS, headers=backend.bearer("viewer"))).json()
    assert body["items"] == [{"segment": "=1+1", "customers": 3}, {"segment": "Champions", "customers": 4}]
    assert [column["name"] for column in body["columns"]] == ["segment", "customers"]
    assert (body["next_page_token"], body["total_size"], body["method"]) == ("next", 5, "rfm")
    assert body["lineage"]["version"] == 7
    assert "table" not in body


async def test_the_same_rows_come_as_a_csv_file(client, backend):
    backend.answers[SEGMENTS_RPC] = segments
    response = await client.get(SEGMENTS, headers={**backend.bearer("viewer"), "Accept": "text/csv"})
    assert response.headers["content-type"].startswith("text/csv")
    assert response.headers["content-disposition"] == 'attachment; filename="segments.csv"'
    assert response.text.splitlines() == ["segment,customers", "'=1+1,3", "Champions,4"]
    found = [response.headers[name] for name in ("x-next-page-token", "x-total-count", "x-lake-version")]
    assert found == ["next", "5", "7"]


async def test_the_same_rows_come_as_an_arrow_stream(client, backend):
    backend.answers[SEGMENTS_RPC] = segments
    accept = "application/vnd.apache.arrow.stream, application/json;q=0.5"
    response = await client.get(SEGMENTS, headers={**backend.bearer("viewer"), "Accept": accept})
    assert response.headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert pa.ipc.open_stream(response.content).read_all()["customers"].to_pylist() == [3, 4]


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html", "text/csv;q=0.1, application/*", ""])
async def test_json_is_the_answer_when_no_file_is_asked_for(client, backend, accept):
    backend.answers[SEGMENTS_RPC] = segments
    response = await client.get(SEGMENTS, headers={**backend.bearer("viewer"), "Accept": accept})
    assert response.headers["content-type"] == "application/json"


async def test_an_answer_the_caller_holds_is_not_sent_again(client, backend):
    backend.answers[SEGMENTS_RPC] = segments
    headers = backend.bearer("viewer")
    first = await client.get(SEGMENTS, headers=headers)
    assert first.headers["cache-control"] == "private, max-age=60"
    again = await client.get(SEGMENTS, headers={**headers, "If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = await client.get(SEGMENTS, headers={**headers, "If-None-Match": '"other"'})
    assert other.status_code == 200


async def test_what_may_not_be_kept_says_so(client, backend):
    response = await client.get("/api/v1/auth/me", headers=backend.bearer("viewer"))
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


async def test_head_answers_as_get_without_a_body(client, backend):
    backend.answers[SEGMENTS_RPC] = segments
    got = await client.get(SEGMENTS, headers=backend.bearer("viewer"))
    response = await client.head(SEGMENTS, headers=backend.bearer("viewer"))
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(got.content))


async def test_an_api_client_gets_the_refresh_token_in_the_body(client, backend):
    backend.answers[LOGIN_RPC] = tokens
    response = await client.post(LOGIN, json=CREDENTIALS)
    assert response.json()["refresh_token"] == "refresh-1"
    assert "set-cookie" not in response.headers


async def test_a_browser_gets_the_refresh_token_as_a_cookie_only_the_server_reads(client, backend):
    backend.answers[LOGIN_RPC] = tokens
    response = await client.post(LOGIN, json=CREDENTIALS, headers=COOKIE)
    assert "refresh_token" not in response.json()
    parts = response.headers["set-cookie"].split("; ")
    assert parts == [f"{OURS}=refresh-1", "Max-Age=3600", "Path=/api/v1/auth", "HttpOnly", "SameSite=Strict"]


async def test_cookies_travel_over_tls_alone_where_the_platform_does(backend):
    backend.answers[LOGIN_RPC] = tokens
    async with gateway(settings_for(backend, issuer="https://shop.example")) as (client, _):
        response = await client.post(LOGIN, json=CREDENTIALS, headers=COOKIE)
        name, _, value = response.headers["set-cookie"].partition("=")
        assert name == CookieNames("https://shop.example").of("refresh_token")
        assert name.startswith("__Secure-refresh_token_")
        assert value.startswith("refresh-1; ")
        assert value.endswith("; Secure")


async def test_the_cookie_fills_the_request_for_a_caller_that_asks_for_it(client, backend):
    backend.answers[REFRESH_RPC] = refreshed
    headers = {**COOKIE, "Cookie": f"other=1; {OURS}=mine", "Origin": "http://testserver"}
    response = await client.post(REFRESH, headers=headers)
    assert response.headers["set-cookie"].startswith(f"{OURS}=after-mine; Max-Age=60")


@pytest.mark.parametrize("other", ["refresh_token", THEIRS, f"__Secure-{OURS}"])
async def test_the_cookie_of_another_installation_on_this_host_is_left_alone(client, backend, other):
    backend.answers[REFRESH_RPC] = refreshed
    alone = await client.post(REFRESH, headers={**COOKIE, "Cookie": f"{other}=theirs"})
    assert alone.headers["set-cookie"].startswith(f"{OURS}=after-; ")
    both = await client.post(REFRESH, headers={**COOKIE, "Cookie": f"{OURS}=mine; {other}=theirs"})
    assert both.headers.get_list("set-cookie") == [both.headers["set-cookie"]]
    assert both.headers["set-cookie"].startswith(f"{OURS}=after-mine; ")


@pytest.mark.parametrize("other", ['settings={"theme": "dark"}', "a b=1", "x[1]=2,3", "=", "flag"])
async def test_a_strange_cookie_of_another_program_does_not_hide_ours(client, backend, other):
    backend.answers[REFRESH_RPC] = refreshed
    response = await client.post(REFRESH, headers={**COOKIE, "Cookie": f"{other}; {OURS}=mine"})
    assert response.headers["set-cookie"].startswith(f"{OURS}=after-mine; ")


async def test_two_installations_on_one_host_keep_their_sessions_in_one_browser(backend):
    backend.answers.update({LOGIN_RPC: tokens, REFRESH_RPC: refreshed})
    jar = httpx.Cookies()
    for port in (8000, 8001):
        root = f"http://127.0.0.1:{port}"
        async with gateway(settings_for(backend, issuer=root)) as (client, _):
            jar.extract_cookies(await client.post(f"{root}{LOGIN}", json=CREDENTIALS, headers=COOKIE))
    assert len(jar) == 2
    assert set(jar.values()) == {"refresh-1"}


async def test_a_cookie_alone_does_nothing(client, backend):
    backend.answers[REFRESH_RPC] = refreshed
    response = await client.post(REFRESH, headers={"Cookie": f"{OURS}=mine"})
    assert response.json()["refresh_token"] == "after-"


@pytest.mark.parametrize("how", ["", "cookies", "body"])
async def test_a_misspelt_session_header_is_refused_rather_than_answered_with_the_token(client, backend, how):
    response = await client.post(LOGIN, json=CREDENTIALS, headers={"X-Session": how})
    assert (response.status_code, response.json()["reason"]) == (400, "INVALID_ARGUMENT")
    assert LOGIN_RPC not in [path for path, _, _ in backend.asked]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example", "http://"])
async def test_a_page_of_another_site_cannot_use_the_cookie(client, backend, origin):
    headers = {**COOKIE, "Cookie": f"{OURS}=mine", "Origin": origin}
    response = await client.post(REFRESH, headers=headers)
    assert (response.status_code, response.json()["reason"]) == (403, "FOREIGN_ORIGIN")
    assert REFRESH_RPC not in [path for path, _, _ in backend.asked]


async def test_logging_out_clears_the_cookie(client, backend):
    response = await client.post("/api/v1/auth/logout", headers=backend.bearer("viewer"))
    assert response.headers["set-cookie"].startswith(f"{OURS}=; Max-Age=0; Path=/api/v1/auth;")


async def test_logging_out_clears_the_secure_cookie_by_the_name_it_was_set_by(backend):
    async with gateway(settings_for(backend, secure_cookies=True)) as (client, _):
        response = await client.post("/api/v1/auth/logout", headers=backend.bearer("viewer"))
        assert response.headers["set-cookie"].startswith(f"__Secure-{OURS}=; Max-Age=0; Path=/api/v1/auth;")
        assert response.headers["set-cookie"].endswith("; Secure")


DECODERS = {"br": brotli.decompress, "zstd": zstandard.ZstdDecompressor().decompress, "gzip": gzip.decompress}


@pytest.mark.parametrize(
    ("accept", "codec"),
    [("gzip, br, zstd", "br"), ("gzip", "gzip"), ("zstd, br;q=0.5", "zstd"), ("*", "br"), ("br;q=0, *", "zstd")],
)
async def test_long_answers_are_compressed_as_the_caller_likes(client, codec, accept):
    plain = await client.get("/api/v1/openapi.json", headers={"Accept-Encoding": "identity"})
    async with client.stream("GET", "/api/v1/openapi.json", headers={"Accept-Encoding": accept}) as response:
        raw = b"".join([part async for part in response.aiter_raw()])
    assert response.headers["content-encoding"] == codec
    assert "Accept-Encoding" in response.headers["vary"]
    assert int(response.headers["content-length"]) == len(raw)
    assert DECODERS[codec](raw) == plain.content


@pytest.mark.parametrize("accept", ["identity", "br;q=0", "deflate", ""])
async def test_nothing_is_compressed_against_the_callers_wish(client, accept):
    response = await client.get("/api/v1/openapi.json", headers={"Accept-Encoding": accept})
    assert "content-encoding" not in response.headers


async def test_an_answer_that_holds_a_token_is_never_compressed(client, backend):
    backend.answers[LOGIN_RPC] = tokens
    for headers in ({}, COOKIE):
        response = await client.post(LOGIN, json=CREDENTIALS, headers={"Accept-Encoding": "br", **headers})
        assert len(response.content) > 1024
        assert "content-encoding" not in response.headers
        assert response.headers["cache-control"] == "no-store, no-transform"


async def test_every_answer_has_the_headers_that_guard_the_user(client):
    for path in ("/", "/api/v1/nothing", "/api/v1/openapi.json", "/health/live", "/api/v1/docs"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in headers


async def test_hsts_is_sent_where_it_is_switched_on(backend):
    async with gateway(settings_for(backend, hsts_seconds=3600)) as (client, _):
        response = await client.get("/health/live")
        assert response.headers["strict-transport-security"].startswith("max-age=3600")


async def test_a_plain_request_id_comes_back_and_any_other_is_replaced(client):
    assert (await client.get("/health/live", headers={"X-Request-ID": "job-7"})).headers["x-request-id"] == "job-7"
    made = (await client.get("/health/live", headers={"X-Request-ID": "a b\tc"})).headers["x-request-id"]
    assert len(made) == 32


async def test_the_trace_of_the_caller_goes_on_behind_the_gateway(client, backend):
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {**backend.bearer("viewer"), "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    response = await client.get(SEGMENTS, headers=headers)
    assert response.headers["x-request-id"] == trace
    _, _, metadata = next(one for one in backend.asked if one[0] == SEGMENTS_RPC)
    assert metadata["traceparent"].split("-")[1] == trace
    assert metadata["authorization"].startswith("Bearer ey")


async def test_other_sites_may_call_only_where_the_settings_say(backend):
    ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    async with gateway(settings_for(backend)) as (client, _):
        assert "access-control-allow-origin" not in (await client.options(SEGMENTS, headers=ask)).headers
    async with gateway(settings_for(backend, cors_origins="https://shop.example")) as (client, _):
        allowed = await client.options(SEGMENTS, headers=ask)
        assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
        refused = await client.options(SEGMENTS, headers={**ask, "Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in refused.headers
