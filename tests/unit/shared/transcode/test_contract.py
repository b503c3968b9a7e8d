"""A contract that says too little, or two things at once, stops the process at start and is named."""

from __future__ import annotations

import itertools

import pytest

from shared.transcode.backends import Backends
from shared.transcode.contract import ContractError, service_methods
from shared.transcode.endpoint import Edge
from shared.transcode.routes import RouteTable
from shared.transcode.template import BadTemplate, PathTemplate
from tests.unit.shared.transcode.samples import service

COUNT = itertools.count()
GET = 'option (google.api.http) = {get: "/x"};'
PUBLIC = "option (common.v1.policy) = {public: true};"


def contract(options: str, returns: str = "Told", name: str = "Do"):
    return service_methods([service(f"broken{next(COUNT)}.v1", f"rpc {name}(Ask) returns ({returns}) {{ {options} }}")])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (GET, "has no"),
        (GET + "option (common.v1.policy) = {};", "none"),
        (GET + 'option (common.v1.policy) = {public: true permission: "a:read"};', "permission and public"),
        (GET + "option (common.v1.policy) = {internal: true};", "internal but has a REST rule"),
        (PUBLIC, "no REST rule"),
        (GET + 'option (common.v1.policy) = {public: true stream_twin: "Watch"};', "stream_twin"),
        ('option (google.api.http) = {get: "/x/{who}"};' + PUBLIC, "no field who"),
        (GET + 'option (common.v1.policy) = {permission: "{who}:read"};', "no field who"),
        (GET + 'option (common.v1.policy) = {public: true route_by: "who"};', "no field who"),
        ('option (google.api.http) = {post: "/x" body: "who"};' + PUBLIC, "no field who"),
        ('option (google.api.http) = {get: "/x" additional_bindings {get: "/y"}};' + PUBLIC, "additional_bindings"),
        ('option (google.api.http) = {custom {kind: "PURGE" path: "/x"}};' + PUBLIC, "custom"),
    ],
)
def test_a_broken_contract_is_refused_by_name(options, told):
    with pytest.raises(ContractError, match=told) as error:
        contract(options)
    assert ".Sample.Do" in error.value.detail


def test_a_published_stream_is_refused_until_it_can_be_carried():
    with pytest.raises(ContractError, match="streams"):
        contract(GET + PUBLIC, returns="stream Told")


def test_two_methods_at_one_place_are_refused():
    both = f"rpc Do(Ask) returns (Told) {{ {GET + PUBLIC} }} rpc Other(Ask) returns (Told) {{ {GET + PUBLIC} }}"
    with pytest.raises(ContractError, match="are both GET /x"):
        service_methods([service(f"broken{next(COUNT)}.v1", both)])


def test_a_query_cannot_hold_a_message():
    with pytest.raises(ContractError, match="cannot stand in a path or query"):
        RouteTable(contract(GET + PUBLIC).published, Edge(Backends({}), None))


@pytest.mark.parametrize("text", ["x", "/x/{a=shelves/*}", "/x/**", "/x/{a}:run", "/x/{a.b}", "/x/{"])
def test_a_path_template_beyond_what_is_supported_is_refused(text):
    with pytest.raises(BadTemplate):
        PathTemplate.parse(text)


def test_a_path_field_holds_one_segment():
    template = PathTemplate.parse("/a/{x}/b.c/{y=*}")
    assert template.match("/a/1%2F2/b.c/%C3%BC") == {"x": "1/2", "y": "ü"}
    assert template.match("/a/1/2/b.c/3") is None
    assert template.match("/a//b.c/3") is None
    assert template.match("/a/1/bxc/3") is None
    assert template.shape == "/a/{}/b.c/{}"
