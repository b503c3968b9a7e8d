"""Forms, HTTP Basic client credentials, redirects and OAuth errors, through one endpoint over a channel."""

from __future__ import annotations

import base64

import httpx
import pytest
from openapi_spec_validator import validate

from shared.errors import ResourceExhausted, Unauthenticated, Unavailable
from shared.transcode.backends import Backends
from shared.transcode.contract import ContractError, Contracts, service_methods
from shared.transcode.endpoint import Edge
from shared.transcode.openapi import Document
from shared.transcode.routes import RouteTable
from tests.unit.shared.transcode.samples import compiled, service

PACKAGE = "forms.v1"
CONTRACT = """
message Grant {
  string grant_type = 1 [(common.v1.field) = {required: true}];
  string code = 2 [(common.v1.field) = {secret: true max_length: 8}];
  string client_id = 3 [(common.v1.field) = {basic: "username"}];
  string client_secret = 4 [(common.v1.field) = {basic: "password" secret: true}];
  repeated string resource = 5;
  int32 size = 6;
}
message Given { string access_token = 1 [(common.v1.field) = {secret: true}]; }
message Where { string location = 1; }
message Go { string state = 1; string scope = 2; }
service Forms {
  rpc Token(Grant) returns (Given) {
    option (google.api.http) = {post: "/token" body: "*"};
    option (common.v1.policy) = {public: true form: true oauth_endpoint: "token"};
  }
  rpc Either(Grant) returns (Given) {
    option (google.api.http) = {post: "/either" body: "*"};
    option (common.v1.policy) = {public: true form: true};
  }
  rpc Authorize(Go) returns (Where) {
    option (google.api.http) = {get: "/authorize"};
    option (common.v1.policy) = {public: true oauth_endpoint: "authorization" redirect_field: "location"};
  }
  rpc Posted(Go) returns (Where) {
    option (google.api.http) = {post: "/posted" body: "*"};
    option (common.v1.policy) = {public: true redirect_field: "location"};
  }
}
"""


class Channel:
    """Where calls end: remembers the request, answers what it was given or raises it."""

    def __init__(self):
        self.answer, self.request = None, None

    async def call(self, path, request, serializer, deserializer, **about):
        self.request = request
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if self.answer is not None else deserializer(b"")


def methods():
    return service_methods([compiled(PACKAGE, CONTRACT).services_by_name["Forms"]]).published


@pytest.fixture
def channel():
    return Channel()


@pytest.fixture
async def client(channel):
    table = RouteTable(methods(), Edge(Backends({"forms": channel}), None))

    async def app(scope, receive, send):
        _, child = table.matches(scope)
        await table.handle({**scope, **child}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def answer_to(name: str, **fields):
    method = next(one for one in methods() if one.descriptor.name == name)
    return method.response_class(**fields)


async def test_a_form_fills_the_request(client, channel):
    form = {"grant_type": "authorization_code", "code": "a b+ü", "resource": ["x", "y"], "size": "3"}
    channel.answer = answer_to("Token", access_token="t")
    response = await client.post("/token", data=form)
    assert response.status_code == 200, response.text
    assert response.json() == {"access_token": "t"}
    assert response.headers["cache-control"] == "no-store, no-transform"
    asked = channel.request
    assert (asked.grant_type, asked.code, list(asked.resource), asked.size) == (
        form["grant_type"],
        "a b+ü",
        ["x", "y"],
        3,
    )


async def test_what_an_oauth_endpoint_does_not_know_and_what_is_empty_counts_as_left_out(client, channel):
    response = await client.post("/token", data={"grant_type": "x", "audience": "other", "code": ""})
    assert response.status_code == 200, response.text
    assert channel.request.code == ""
    empty = await client.post("/token", data={"grant_type": ""})
    assert empty.json() == {"error": "invalid_request", "error_description": "grant_type is required"}


@pytest.mark.parametrize("twice", ["grant_type=a&grant_type=a", "grant_type=a&code=1&code=2", "grant_type=a&x=1&x=2"])
async def test_a_parameter_given_twice_is_refused(client, channel, twice):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post("/token", content=twice, headers=headers)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert "more than once" in response.json()["error_description"]
    assert channel.request is None


async def test_parameters_of_a_form_are_refused_in_the_query(client, channel):
    response = await client.post("/token?client_secret=hunter2", data={"grant_type": "a"})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "hunter2" not in response.text
    assert channel.request is None


async def test_an_oauth_endpoint_takes_forms_alone_and_others_json_too(client, channel):
    refused = await client.post("/token", json={"grant_type": "a"})
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert (await client.post("/either", json={"grant_type": "a", "size": 2})).status_code == 200
    assert channel.request.size == 2
    assert (await client.post("/either", data={"grant_type": "b"})).status_code == 200
    assert channel.request.grant_type == "b"
    unknown = await client.post("/either", data={"grant_type": "b", "audience": "other"})
    assert unknown.json()["errors"] == [{"field": "audience", "detail": "is not a parameter of this endpoint"}]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"grant_type=%ff", {}),
        (b"grant_type=\xff", {}),
        (b"&".join(b"a%d=1" % number for number in range(201)), {}),
        (b"grant_type=a", {"Content-Encoding": "gzip"}),
        (b"grant_type=a&size=many", {}),
        (b"grant_type=a&code=123456789", {}),
    ],
)
async def test_a_form_that_cannot_be_read_is_an_invalid_request(client, channel, body, headers):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post("/token", content=body, headers=form | headers)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert "123456789" not in response.text
    assert channel.request is None


async def test_basic_credentials_fill_their_fields_decoded_as_forms_are(client, channel):
    response = await client.post("/token", data={"grant_type": "a"}, headers=basic("acme%3Aeu:s%2Bcr et+1"))
    assert response.status_code == 200, response.text
    assert (channel.request.client_id, channel.request.client_secret) == ("acme:eu", "s+cr et 1")


async def test_naming_the_same_client_in_the_form_too_is_allowed(client, channel):
    response = await client.post("/token", data={"grant_type": "a", "client_id": "acme"}, headers=basic("acme:s"))
    assert response.status_code == 200, response.text


@pytest.mark.parametrize(
    "form", [{"client_id": "other"}, {"client_secret": "s"}, {"client_id": "acme", "client_secret": "t"}]
)
async def test_two_ways_to_show_who_a_client_is_are_refused(client, channel, form):
    response = await client.post("/token", data={"grant_type": "a", **form}, headers=basic("acme:s"))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert channel.request is None


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic YWJj", "Basic Og==", "Basic /w==", "basic =="])
async def test_credentials_that_are_none_are_challenged(client, channel, header):
    response = await client.post("/token", data={"grant_type": "a"}, headers={"Authorization": header})
    if header == "Basic":  # no scheme with credentials: as if nothing was sent
        assert response.status_code == 200
        return
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic ")


async def test_a_client_refused_without_basic_sees_no_challenge(client, channel):
    channel.answer = Unauthenticated("no such client", reason="INVALID_CLIENT")
    plain = await client.post("/token", data={"grant_type": "a", "client_id": "x", "client_secret": "y"})
    assert (plain.status_code, plain.json()["error"]) == (400, "invalid_client")
    assert "www-authenticate" not in plain.headers
    challenged = await client.post("/token", data={"grant_type": "a"}, headers=basic("x:y"))
    assert (challenged.status_code, "www-authenticate" in challenged.headers) == (401, True)


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (Unauthenticated("x", reason="INVALID_GRANT"), 400, "invalid_grant"),
        (Unauthenticated("x", reason="ACCOUNT_GONE"), 400, "invalid_request"),
        (Unavailable("x"), 503, "temporarily_unavailable"),
        (ResourceExhausted("x"), 429, "temporarily_unavailable"),
        (ValueError("x"), 500, "server_error"),
    ],
)
async def test_a_failure_has_the_form_of_rfc_6749(client, channel, error, status, name):
    channel.answer = error
    response = await client.post("/token", data={"grant_type": "a"})
    assert (response.status_code, response.json()["error"]) == (status, name)
    assert set(response.json()) == {"error", "error_description"}
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert ("retry-after" in response.headers) == (status in (429, 503))


async def test_a_description_holds_only_what_rfc_6749_allows(client, channel):
    channel.answer = Unauthenticated('a "quoted" \\ ü\r\nSet-Cookie: x', reason="INVALID_GRANT")
    told = (await client.post("/token", data={"grant_type": "a"})).json()["error_description"]
    assert told == "a 'quoted' / ???Set-Cookie: x"


async def test_a_redirect_has_the_place_and_no_body(client, channel):
    channel.answer = answer_to("Authorize", location="https://shop.example.com/authorize?a=b%20c")
    response = await client.get("/authorize", params={"state": "s", "unknown": "x", "scope": ""})
    assert (response.status_code, response.content) == (302, b"")
    assert response.headers["location"] == "https://shop.example.com/authorize?a=b%20c"
    assert response.headers["cache-control"] == "no-store, no-transform"
    assert channel.request.state == "s"
    channel.answer = answer_to("Posted", location="/there")
    assert (await client.post("/posted", json={})).status_code == 303


@pytest.mark.parametrize("location", ["", "/a\r\nSet-Cookie: x=y", "/ü"])
async def test_what_is_no_address_is_not_redirected_to(client, channel, location):
    channel.answer = answer_to("Authorize", location=location)
    response = await client.get("/authorize")
    assert (response.status_code, response.json()["error"]) == (500, "server_error")
    assert "location" not in response.headers


async def test_a_query_parameter_given_twice_is_refused_there_too(client, channel):
    response = await client.get("/authorize?state=a&state=b")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_the_document_describes_forms_redirects_and_flows():
    document = Document(title="t", comments={}, password_grant=True).build(Contracts(methods()))
    validate(document)
    token, either = document["paths"]["/token"]["post"], document["paths"]["/either"]["post"]
    assert list(token["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
    assert list(either["requestBody"]["content"]) == ["application/json", "application/x-www-form-urlencoded"]
    refused = token["responses"]["401"]["content"]["application/json"]["schema"]
    assert refused == {"$ref": "#/components/schemas/OAuthError"}
    redirect = document["paths"]["/authorize"]["get"]["responses"]
    assert "200" not in redirect
    assert "Location" in redirect["302"]["headers"]
    flows = document["components"]["securitySchemes"]["oauth2"]["flows"]
    assert set(flows) == {"authorizationCode", "clientCredentials", "password"}
    assert flows["authorizationCode"]["authorizationUrl"] == "/authorize"
    assert flows["password"]["tokenUrl"] == "/token"
    without = Document(title="t", comments={}).build(Contracts(methods()))
    assert "password" not in without["components"]["securitySchemes"]["oauth2"]["flows"]


REST = 'option (google.api.http) = {post: "/x" body: "*"};'
WRONG = {
    "a form without a body": REST.replace("post", "get").replace('body: "*"', "")
    + "option (common.v1.policy) = {public: true form: true};",
    "an unknown endpoint": REST + 'option (common.v1.policy) = {public: true oauth_endpoint: "device"};',
    "a redirect to nothing": REST + 'option (common.v1.policy) = {public: true redirect_field: "location"};',
}


@pytest.mark.parametrize("name", WRONG)
def test_a_contract_at_odds_with_itself_is_refused(name):
    package = f"wrongform{list(WRONG).index(name)}.v1"
    with pytest.raises(ContractError):
        service_methods([service(package, f"rpc Do(Ask) returns (Told) {{ {WRONG[name]} }}")])


FIELDS = {
    "a cookie in a form": ("form: true", 'cookie: "c"'),
    "basic without a form": ("", 'basic: "username"'),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_at_odds_with_its_method_is_refused(name):
    policy, option = FIELDS[name]
    package = f"wrongfield{list(FIELDS).index(name)}.v1"
    text = (
        f"message A {{ string a = 1 [(common.v1.field) = {{{option}}}]; }} message B {{}}"
        f"service S {{ rpc Do(A) returns (B) {{ {REST} option (common.v1.policy) = {{public: true {policy}}}; }} }}"
    )
    with pytest.raises(ContractError):
        service_methods([compiled(package, text).services_by_name["S"]])
