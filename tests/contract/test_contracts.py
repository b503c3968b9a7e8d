"""Every RPC is published or internal, and the OpenAPI document says so, validly and always alike."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from openapi_spec_validator import validate

import gateway
from gateway.app import document
from shared.systems import SYSTEMS
from shared.transcode.backends import Backends
from shared.transcode.contract import load_contracts
from shared.transcode.endpoint import Edge
from shared.transcode.routes import RouteTable

CONTRACTS = load_contracts()
PUBLISHED = {method.full_name: method for method in CONTRACTS.published}


@pytest.fixture(scope="module")
def openapi() -> dict:
    return document().build(CONTRACTS)


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
    assert documented - contracted == {("/api/v1/systems", "get")}
    assert contracted <= documented


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
    shown = [found["responses"]["200"], found.get("requestBody")]
    assert all("example" in one["content"]["application/json"] for one in shown if one)


def test_every_name_in_the_document_is_a_full_proto_name(openapi):
    names = set(openapi["components"]["schemas"]) - {"Problem"}
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
