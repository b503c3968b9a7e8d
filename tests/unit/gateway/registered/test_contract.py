"""What a registered system may not say, each refused with its reason; the least that is wrong is enough."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from gateway.registered.contract import known_files, understood
from gateway.registered.live import prepared
from gateway.registered.store import RegisteredSystem
from shared.errors import PlatformError
from shared.transcode.backends import Backends
from shared.transcode.contract import load_contracts
from shared.transcode.endpoint import Edge
from shared.transcode.openapi import Document
from tests.unit.gateway.registered.sources import files, services

CONTRACT, POLICY, PATH = "SYSTEM_CONTRACT_REFUSED", "SYSTEM_POLICY_REFUSED", "SYSTEM_PATH_REFUSED"
READ = 'permission: "weather:read" '
OPTIONS = {
    "no policy": (POLICY, {"methods": "rpc Other(GetRequest) returns (GetResponse);"}),
    "open to all": (POLICY, {"policy": "public: true"}),
    "open to any token": (POLICY, {"policy": "authenticated: true"}),
    "two doors": (POLICY, {"policy": READ + "public: true"}),
    "another system's permission": (POLICY, {"policy": 'permission: "demand:read"'}),
    "the permission for all registered systems": (POLICY, {"policy": 'permission: "systems:read"'}),
    "an administrator's permission": (POLICY, {"policy": 'permission: "platform:manage"'}),
    "an unknown action": (POLICY, {"policy": 'permission: "weather:own"'}),
    "a permission made of a field": (POLICY, {"policy": 'permission: "{city}:read"'}),
    "routed to another system": (POLICY, {"policy": READ + 'route_by: "city"'}),
    "a redirect": (POLICY, {"policy": READ + 'redirect_field: "text"'}),
    "a cookie cleared": (POLICY, {"policy": READ + 'clears_cookie: "refresh_token"'}),
    "an OAuth endpoint": (POLICY, {"policy": READ + 'oauth_endpoint: "token"'}),
    "a form": (POLICY, {"policy": READ + "form: true", "rule": 'post: "/api/v1/weather/today" body: "*"'}),
    "bodies without an end": (CONTRACT, {"policy": READ + "max_body_bytes: 4294967295"}),
    "a cookie set": (CONTRACT, {"response": 'string text = 1 [(common.v1.field) = {cookie: "refresh_token"}];'}),
    "a page of its own": (
        CONTRACT,
        {
            "imports": 'import "google/api/httpbody.proto";',
            "methods": "rpc Page(GetRequest) returns (google.api.HttpBody) {"
            'option (google.api.http) = {get: "/api/v1/weather/page"};'
            'option (common.v1.policy) = {permission: "weather:read"}; }',
        },
    ),
    "markup in a text": (CONTRACT, {"policy": READ + 'doc: "<img src=x onerror=alert(1)>"'}),
    "markup in an example": (CONTRACT, {"request": "string city = 1 [(common.v1.field) = {example: '\"<b>\"'}];"}),
    "an endless pattern": (
        CONTRACT,
        {"request": f'string city = 1 [(common.v1.field) = {{pattern: "{"a" * 501}"}}];'},
    ),
    "a pattern that is none": (CONTRACT, {"request": 'string city = 1 [(common.v1.field) = {pattern: "(((" }];'}),
    "a default that is no JSON": (CONTRACT, {"request": 'string city = 1 [(common.v1.field) = {default: "{" }];'}),
    "a stream": (
        CONTRACT,
        {
            "methods": "rpc Flow(GetRequest) returns (stream GetResponse) {"
            'option (google.api.http) = {get: "/api/v1/weather/flow"};'
            'option (common.v1.policy) = {permission: "weather:read"}; }'
        },
    ),
    "two methods at one place": (
        CONTRACT,
        {
            "methods": "rpc Again(GetRequest) returns (GetResponse) {"
            'option (google.api.http) = {get: "/api/v1/weather/today"};'
            'option (common.v1.policy) = {permission: "weather:read"}; }'
        },
    ),
    "nothing published": (CONTRACT, {"rule": "", "policy": "internal: true"}),
    "our own package": (CONTRACT, {"package": "common.v1x"}),
    "another service's package": (CONTRACT, {"package": "demand.v1"}),
    "a package that only begins alike": (CONTRACT, {"package": "weatherman.v1"}),
    "an extension": (
        CONTRACT,
        {
            "imports": 'import "google/protobuf/descriptor.proto";',
            "rest": "extend google.protobuf.MethodOptions { string own = 60001; }",
        },
    ),
    "more messages than it needs": (CONTRACT, {"rest": "\n".join(f"message M{n} {{}}" for n in range(300))}),
    "more values than it needs": (
        CONTRACT,
        {"rest": "enum E {" + " ".join(f"E_V{n} = {n};" for n in range(2001)) + "}"},
    ),
}
PATHS = (
    "/health/live",
    "/metrics",
    "/api/v1/auth/login",
    "/api/v1/weatherman/today",
    "/api/v1/weather/../auth/login",
    "/api/v1/weather//today",
    "/api/v1/weather/%2e%2e/auth",
    "/api/v1/weather/today?x=1",
    "/api/v1/weather/x{city}",
    "/api/v1/{city}/today",
    "/api/v1/weather/{city=**}",
    "/api/v1/weather/today:run",
    "/" + "api/v1/weather" + "/a" * 150,
)
EDGE = Edge(Backends({}), None)  # type: ignore[arg-type]


def registered(found: list[FileDescriptorProto]) -> RegisteredSystem:
    return RegisteredSystem(
        name="weather",
        registration_id="one",
        title="Weather",
        prefix="weather",
        address="127.0.0.1:1",
        tls=False,
        description="",
        descriptors=FileDescriptorSet(file=found).SerializeToString(),
        registered_by="ada",
        registered_at=datetime.now(UTC),
    )


def refusal(found: list[FileDescriptorProto]) -> str:
    with pytest.raises(PlatformError) as raised:
        prepared(registered(found), EDGE)
    assert raised.value.http_status == 400
    return raised.value.error_reason


def test_a_plain_contract_is_published() -> None:
    (method,) = prepared(registered(files()), EDGE).contracts.published
    assert (method.rule.verb, method.rule.template.text) == ("GET", "/api/v1/weather/today")
    assert (method.policy.permission, method.backend) == ("weather:read", "weather")


@pytest.mark.parametrize("name", OPTIONS)
def test_what_reaches_beyond_the_system_is_refused(name: str) -> None:
    reason, changes = OPTIONS[name]
    assert refusal(files(**changes)) == reason


@pytest.mark.parametrize("path", PATHS)
def test_a_path_beside_the_prefix_is_refused(path: str) -> None:
    assert refusal(files(rule=f'get: "{path}"')) == PATH


def test_messages_that_hold_each_other_are_published_and_documented() -> None:
    tree = "message Tree { string name = 1; repeated Tree children = 2; map<string, Tree> named = 3; Leaf leaf = 4; }"
    found = files(response="Tree tree = 1;", rest=f"{tree} message Leaf {{ Tree back = 1; }}")
    made = prepared(registered(found), EDGE)
    document = Document(title="x").build(made.contracts, {"weather": "Weather"})
    assert "weather.v1.Tree" in document["components"]["schemas"]


def test_messages_that_hold_each_other_many_times_over_make_no_endless_document() -> None:
    many = " ".join(f"Tree t{n} = {n};" for n in range(1, 100))
    made = prepared(registered(files(response="Tree tree = 1;", rest=f"message Tree {{ {many} }}")), EDGE)
    assert Document(title="x").build(made.contracts, {"weather": "Weather"})


def test_messages_in_layers_that_hold_each_other_are_looked_at_once_each() -> None:
    fields = [" ".join(f"L{level + 1} f{n} = {n};" for n in range(1, 50)) for level in range(12)]
    layers = "\n".join(f"message L{level} {{ {some} }}" for level, some in enumerate(fields))
    found = files(
        response="L0 first = 1;",
        request="L0 first = 1;",
        rest=f"{layers} message L12 {{}}",
        rule='post: "/api/v1/weather/today" body: "*"',
    )
    made = prepared(registered(found), EDGE)
    assert Document(title="x").build(made.contracts, {"weather": "Weather"})


def test_messages_that_all_hold_all_are_looked_at_once_each() -> None:
    fields = " ".join(f"M{n} f{n} = {n + 1};" for n in range(50))
    every = "\n".join(f"message M{n} {{ {fields} }}" for n in range(50))
    made = prepared(registered(files(response="M0 first = 1;", rest=every)), EDGE)
    assert Document(title="x").build(made.contracts, {"weather": "Weather"})


def test_messages_in_a_chain_longer_than_the_stack_are_refused() -> None:
    chain = "\n".join(f"message M{n} {{ M{n + 1} next = 1; }}" for n in range(290))
    found = files(response="M0 first = 1;", rest=f"{chain} message M290 {{}}")
    assert refusal(found) == CONTRACT


def test_messages_declared_deep_inside_each_other_break_nothing() -> None:
    (file,) = files()
    inner = file.message_type.add(name="D")
    for _ in range(90):
        inner = inner.nested_type.add(name="D")
    assert prepared(registered([file]), EDGE).contracts.published


def test_a_service_outside_the_systems_packages_is_refused() -> None:
    for strange in ("demand.v1.DemandService", "auth.v1.AuthService", "weatherman.v1.Other", "Bare"):
        with pytest.raises(PlatformError) as raised:
            understood("weather", "weather", [strange], files())
        assert raised.value.error_reason == CONTRACT


def test_a_service_that_is_listed_and_not_described_is_refused() -> None:
    with pytest.raises(PlatformError) as raised:
        understood("weather", "weather", ["weather.v1.Ghost"], files())
    assert raised.value.error_reason == CONTRACT


def test_old_and_newer_syntax_than_is_understood_is_refused() -> None:
    for syntax in ("", "proto2", "editions"):
        (file,) = files()
        file.syntax = syntax
        assert refusal([file]) == CONTRACT


def test_files_that_import_each_other_in_a_circle_are_refused() -> None:
    (file,) = files()
    file.dependency.append("other.proto")
    other = FileDescriptorProto(name="other.proto", package="weather.v1", syntax="proto3", dependency=["weather.proto"])
    assert refusal([file, other]) == CONTRACT


def test_descriptors_at_odds_with_themselves_are_refused() -> None:
    (file,) = files()
    file.message_type[0].field[0].type = 11  # a message, of no type
    assert refusal([file]) == CONTRACT
    (file,) = files()
    file.message_type[0].name = "Get Request\n"
    assert refusal([file]) == CONTRACT
    (file,) = files()
    file.service[0].method[0].input_type = ".weather.v1.Missing"
    assert refusal([file]) == CONTRACT


def test_bytes_that_are_no_descriptors_are_refused() -> None:
    row = registered(files())
    row.descriptors = b"\xff\xff\xff"
    with pytest.raises(PlatformError) as raised:
        prepared(row, EDGE)
    assert raised.value.error_reason == CONTRACT


def test_what_a_system_calls_our_options_is_not_taken_for_them() -> None:
    """Our files stand in the pool as we know them, whatever a server tells under their names."""
    assert {"protos/common/v1/options.proto", "google/api/annotations.proto"} <= known_files().keys()
    (file,) = files()
    forged = FileDescriptorProto(name="protos/common/v1/evil.proto", package="common.v1", syntax="proto3")
    assert refusal([file, forged]) == CONTRACT


def test_no_system_has_a_package_of_ours() -> None:
    names = {method.service.partition(".")[0] for method in load_contracts().methods}
    assert "weather" not in names
    assert services(files()) == ["weather.v1.WeatherService"]
