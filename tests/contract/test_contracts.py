"""Every RPC is published or internal, and the OpenAPI document says so, validly and always alike."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import orjson
import pytest
from openapi_spec_validator import validate

import gateway
from gateway.described import document
from shared.systems import SYSTEMS
from shared.transcode import fields as f
from shared.transcode.backends import Backends
from shared.transcode.contract import load_contracts, service_methods
from shared.transcode.endpoint import Edge
from shared.transcode.routes import RouteTable
from shared.transcode.tables import COLUMNS, FILES, JSON
from tests.unit.shared.transcode.samples import compiled

CONTRACTS = load_contracts()
PUBLIC = "option (common.v1.policy) = {public: true};"
PUBLISHED = {method.full_name: method for method in CONTRACTS.published}


@pytest.fixture(scope="module")
def openapi() -> dict:
    return document().build(CONTRACTS)


def well_known(method) -> bool:
    """Return whether others have laid down what the method answers."""
    return method.rule.template.text.startswith("/.well-known/")


def operation(openapi: dict, method) -> dict:
    return openapi["paths"][method.rule.template.text][method.rule.verb.lower()]


def test_every_rpc_is_routed_or_internal():
    served = set(RouteTable(CONTRACTS.published, Edge(Backends({}), None)).paths)
    for method in CONTRACTS.methods:
        assert method.policy.internal != (method.http is not None), method.full_name
        assert method.policy.internal or method.rule.template.text in served, method.full_name
    assert len(CONTRACTS.methods) >= 17


def test_the_document_is_valid_openapi_3_1(openapi):
    validate(openapi)
    assert openapi["openapi"] == "3.1.0"


def test_the_document_holds_exactly_the_published_methods(openapi):
    documented = {(path, verb) for path, item in openapi["paths"].items() for verb in item}
    contracted = {(one.rule.template.text, one.rule.verb.lower()) for one in CONTRACTS.published}
    by_hand = {(path, verb) for path, item in document().extra_paths.items() for verb in item}
    assert documented == contracted | by_hand
    assert not contracted & by_hand


def operations(openapi: dict) -> list[dict]:
    return [one for item in openapi["paths"].values() for one in item.values()]


def test_programs_may_come_by_key_or_oauth_except_where_only_the_person_may(openapi):
    assert set(openapi["components"]["securitySchemes"]) == {"bearer", "apiKey", "oauth2"}
    assert openapi["components"]["securitySchemes"]["apiKey"]["name"] == "X-API-Key"
    alone = {"OWN_SESSION_ONLY", "SESSION_REQUIRED"}
    for one in operations(openapi):
        schemes = {name for way in one["security"] for name in way}
        person = {"bearer"} if alone & set(one["x-error-reasons"]) else {"bearer", "apiKey", "oauth2"}
        assert schemes in (set(), person), one["operationId"]


def test_answers_lead_to_what_can_be_done_with_what_they_name(openapi):
    made = openapi["paths"]["/api/v1/auth/users"]["post"]["responses"]["200"]["links"]
    assert made["UserService_GetUser"]["parameters"] == {"id": "$response.body#/user/id"}
    listed = openapi["paths"]["/api/v1/auth/api-keys"]["get"]["responses"]["200"]["links"]
    assert listed["ApiKeyService_RevokeApiKey"]["parameters"] == {"id": "$response.body#/items/0/id"}
    names = {one["operationId"] for one in operations(openapi)}
    for one in operations(openapi):
        for answer in one["responses"].values():
            assert {link["operationId"] for link in answer.get("links", {}).values()} <= names


def test_every_operation_says_how_it_fails(openapi):
    for one in operations(openapi):
        assert {"400", "default"} <= set(one["responses"]), one["operationId"]
        assert bool(one["security"]) == ({"401", "403"} <= set(one["responses"])), one["operationId"]
        assert {"INVALID_ARGUMENT", "RATE_LIMITED", "SERVICE_UNAVAILABLE"} <= set(one["x-error-reasons"])
        assert ("MALFORMED_BODY" in one["x-error-reasons"]) == ("requestBody" in one), one["operationId"]


def test_every_operation_has_a_name_of_its_own_and_a_tag_that_is_described(openapi):
    names = [one["operationId"] for one in operations(openapi)]
    assert len(names) == len(set(names))
    described = {tag["name"] for tag in openapi["tags"] if tag.get("description")}
    assert {tag for one in operations(openapi) for tag in one["tags"]} <= described


@pytest.mark.parametrize("name", PUBLISHED)
def test_an_operation_says_what_its_contract_says(openapi, name):
    method = PUBLISHED[name]
    found = operation(openapi, method)
    assert found["operationId"] == ".".join(name.split(".")[-2:]).replace(".", "_")
    assert found["summary"]
    assert len(found["description"]) > 20
    assert found.get("x-permission", "") == method.policy.permission
    assert bool(found["security"]) == (not method.policy.public)
    assert set(method.policy.reasons) <= set(found["x-error-reasons"])
    assert all(parameter.get("description") for parameter in found.get("parameters", []))
    done = found["responses"].get("202" if method.policy.long_running else "200")
    assert (done is None) == bool(method.policy.redirect_field)
    for one in (done, found.get("requestBody")):
        contents = one["content"] if one else {}
        assert all("example" in content for kind, content in contents.items() if kind not in (*FILES, COLUMNS))


def broken_list(method) -> str:
    """Return how a method breaks the rule of lists, empty where it keeps it or answers no list."""
    message = method.descriptor.output_type
    repeated = [one for one in message.fields if one.is_repeated and one.message_type and not f.is_map(one)]
    lists = [one.name for one in repeated if one.message_type.full_name != f.TABLE]
    # One thing has its parts under names of their own; beside a page of rows, which are the items, may stand others.
    paged = any(one.message_type and one.message_type.full_name == f.TABLE for one in message.fields)
    if method.rule.verb != "GET" or not lists or paged or method.descriptor.name.startswith("Get"):
        return ""
    if lists != ["items"]:
        return f"its list is called {', '.join(lists)}"
    total = message.fields_by_name.get("total_size")
    return "" if total is not None and total.cpp_type == total.CPPTYPE_INT64 else "it has no int64 total_size"


@pytest.mark.parametrize("name", sorted(name for name, one in PUBLISHED.items() if not well_known(one)))
def test_a_list_is_called_items_and_says_how_many_there_are(name):
    assert broken_list(PUBLISHED[name]) == ""


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("repeated Row rows = 1; int64 total_size = 2;", "its list is called rows"),
        ("repeated Row items = 1;", "it has no int64 total_size"),
        ("repeated Row items = 1; string total_size = 2;", "it has no int64 total_size"),
        ("repeated Row items = 1; repeated Row more = 2; int64 total_size = 3;", "its list is called items, more"),
        ("repeated Row items = 1; int64 total_size = 2;", ""),
        ("repeated string names = 1; map<string, Row> by_name = 2; common.v1.Table table = 3;", ""),
    ],
)
def test_the_rule_of_lists_tells_what_is_wrong(answer, told):
    package = f"lists{abs(crc32(answer.encode()))}.v1"
    rpc = 'rpc List(Ask) returns (Found) { option (google.api.http) = {get: "/l"};'
    text = f"message Ask {{}} message Row {{}} message Found {{ {answer} }} service Lists {{ {rpc} {PUBLIC} }} }}"
    methods = service_methods([compiled(package, text).services_by_name["Lists"]]).methods
    assert broken_list(methods[0]) == told


def test_every_operation_says_where_a_failure_tells_how_long_to_wait(openapi):
    assert openapi["components"]["headers"]["RetryAfter"]["schema"]["type"] == "integer"
    told = {"Retry-After": {"$ref": "#/components/headers/RetryAfter"}}
    operations = [one for item in openapi["paths"].values() for one in item.values()]
    assert operations
    assert all(one["responses"]["default"]["headers"] == told for one in operations)


def test_every_documented_list_says_how_many_there_are(openapi):
    found = []
    for path, item in openapi["paths"].items():
        schema = item.get("get", {}).get("responses", {}).get("200", {}).get("content", {}).get(JSON, {}).get("schema")
        while schema and "$ref" in schema:
            schema = openapi["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        if schema and "items" in schema.get("properties", {}):
            found.append(path)
            assert {"items", "total_size"} <= set(schema["required"]), path
    assert {"/api/v1/systems", "/api/v1/analytics/{system}/tables", "/api/v1/demand-insights/segments"} <= set(found)


def test_every_name_in_the_document_is_a_full_proto_name(openapi):
    names = set(openapi["components"]["schemas"]) - {"Problem", "OAuthError"}
    assert {"auth.v1.LoginRequest", "auth.v1.LoginResponse", "demand.v1.ListSegmentsResponse"} <= names
    assert all(name.split(".")[1] == "v1" for name in names)


def test_the_rows_of_a_table_are_described_by_its_contract(openapi):
    schema = openapi["components"]["schemas"]["demand.v1.ListSegmentsResponse"]
    row = schema["properties"]["items"]["items"]["properties"]
    assert row["customers"]["type"] == "integer"
    assert row["silhouette"]["type"] == ["number", "null"]
    assert "table" not in schema["properties"]


def test_the_document_is_the_same_each_time_and_needs_nothing_running(openapi):
    command = [sys.executable, "-m", "gateway", "openapi"]
    printed = [
        subprocess.run(command, env={"PATH": "", "PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert orjson.loads(printed[0]) == orjson.loads(orjson.dumps(openapi))


def test_no_line_of_the_gateway_names_a_service():
    names = "|".join(sorted({method.backend for method in CONTRACTS.methods} | {one.name for one in SYSTEMS}))
    for path in sorted(Path(gateway.__file__).parent.rglob("*.py")):
        found = re.findall(rf"\b(?:{names})\b", path.read_text())
        assert not set(found) - {"common"}, path


async def test_the_gateway_serves_that_very_document(client, openapi):
    assert (await client.get("/api/v1/openapi.json")).json() == orjson.loads(orjson.dumps(openapi))
