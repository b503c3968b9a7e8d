"""Who may call what, as the policy options say."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool

from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from protos.common.v1 import options_pb2, system_pb2, system_pb2_grpc
from protos.demand.v1 import demand_pb2, demand_pb2_grpc
from shared.errors import PermissionDenied, PlatformError, Unauthenticated
from shared.principal import ANONYMOUS
from shared.rpc import access
from shared.rpc.access import Access, Door, Guard, InternalOnly, NoPolicy, PolicyWrong, bearer

REFUSED = {"no token": "TOKEN_MISSING", "forged": "TOKEN_INVALID", "lacking": "PERMISSION_MISSING"}


async def permission(channel: Any) -> str:
    await demand_pb2_grpc.DemandServiceStub(channel).ListSegments(demand_pb2.ListSegmentsRequest())
    return "answered"


async def template(channel: Any) -> str:
    request = system_pb2.ListTablesRequest(system="demand")
    await system_pb2_grpc.SystemServiceStub(channel).ListTables(request)
    return "answered"


async def other_template(channel: Any) -> str:
    request = system_pb2.ListTablesRequest(system="compliance")
    await system_pb2_grpc.SystemServiceStub(channel).ListTables(request)
    return "answered"


async def authenticated(channel: Any) -> str:
    return str((await auth_pb2_grpc.AuthServiceStub(channel).GetMe(auth_pb2.GetMeRequest())).user.id)


async def public(channel: Any) -> str:
    return str((await auth_pb2_grpc.AuthServiceStub(channel).Refresh(auth_pb2.RefreshRequest())).user.id)


async def internal(channel: Any) -> str:
    await auth_pb2_grpc.AuthServiceStub(channel).CheckRevocation(auth_pb2.CheckRevocationRequest())
    return "answered"


async def internal_stream(channel: Any) -> str:
    watch = system_pb2_grpc.SystemServiceStub(channel).Watch(system_pb2.WatchRequest())
    first = await anext(watch)
    await watch.aclose()
    return str(first.table)


@pytest.mark.parametrize(
    ("call", "name", "outcome"),
    [
        (permission, "", REFUSED["no token"]),
        (permission, "mallory", REFUSED["forged"]),
        (permission, "bob", REFUSED["lacking"]),
        (permission, "ada", "answered"),
        (template, "bob", REFUSED["lacking"]),
        (template, "ada", "answered"),
        (other_template, "ada", REFUSED["lacking"]),
        (authenticated, "", REFUSED["no token"]),
        (authenticated, "mallory", REFUSED["forged"]),
        (authenticated, "bob", "bob"),
        (public, "", ""),
        (public, "mallory", ""),
        (public, "bob", "bob"),
        (internal, "", "answered"),
        (internal, "mallory", REFUSED["forged"]),
        (internal_stream, "", "caller is nobody"),
        (internal_stream, "ada", "caller is ada"),
        (internal_stream, "mallory", REFUSED["forged"]),
    ],
)
async def test_a_method_lets_in_whom_its_policy_names(
    stack: Any, caller: Any, call: Any, name: str, outcome: str
) -> None:
    caller(name)
    try:
        assert await call(stack.channel) == outcome
    except PlatformError as error:
        assert error.error_reason == outcome


async def test_a_missing_permission_is_named(stack: Any, caller: Any) -> None:
    caller("ada")
    with pytest.raises(PermissionDenied, match="compliance:read") as raised:
        await other_template(stack.channel)
    assert raised.value.metadata == {"permission": "compliance:read"}


async def test_a_method_without_policy_is_denied_to_all(stack: Any) -> None:
    guard = Guard({}, verifier=None)  # type: ignore[arg-type]  # it must not come so far as to ask
    with pytest.raises(NoPolicy):
        await guard.admit("/demand.v1.DemandService/ListSegments", None, "ada", "ipv4:127.0.0.1:40000")


@pytest.mark.parametrize(
    ("peer", "trusts_network", "let_in"),
    [
        ("ipv4:127.0.0.1:40000", False, True),
        ("ipv6:[::1]:40000", False, True),
        ("ipv6:%5B::1%5D:40000", False, True),
        ("unix:", False, True),
        ("ipv4:10.0.0.7:40000", False, False),
        ("ipv4:128.0.0.1:40000", False, False),
        ("ipv6:[2001:db8::1]:40000", False, False),
        ("ipv4:10.0.0.7:40000", True, True),
    ],
)
async def test_internal_methods_are_for_loopback_unless_the_network_is_ours(
    peer: str, trusts_network: bool, let_in: bool
) -> None:
    guard = Guard({"/t/Watch": Access(Door.INTERNAL)}, verifier=None, trusts_network=trusts_network)  # type: ignore[arg-type]
    if let_in:
        assert await guard.admit("/t/Watch", None, "", peer) == ANONYMOUS
    else:
        with pytest.raises(InternalOnly, match="TLS_CA"):
            await guard.admit("/t/Watch", None, "", peer)


def methods(**policies: options_pb2.Policy | None) -> Any:
    """Return a service made on the spot: its methods, by name, with these policies."""
    file = descriptor_pb2.FileDescriptorProto(name="t/t.proto", package="t.v1", syntax="proto3")
    message = file.message_type.add(name="Request")
    message.field.add(name="system", number=1, type="TYPE_STRING", label="LABEL_OPTIONAL")
    service = file.service.add(name="T")
    for name, policy in policies.items():
        method = service.method.add(name=name, input_type=".t.v1.Request", output_type=".t.v1.Request")
        if policy is not None:
            method.options.Extensions[options_pb2.policy].CopyFrom(policy)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindServiceByName("t.v1.T")


@pytest.mark.parametrize(
    "policy",
    [
        None,
        options_pb2.Policy(summary="says nothing about who"),
        options_pb2.Policy(public=True, internal=True),
        options_pb2.Policy(permission="{zone}:read"),
    ],
)
def test_a_policy_that_is_not_clear_stops_the_start(policy: options_pb2.Policy | None) -> None:
    with pytest.raises(PolicyWrong, match=r"t\.v1\.T\.Odd"):
        access.compiled([methods(Odd=policy)])


def test_policies_are_compiled_by_full_method_name() -> None:
    found = access.compiled([methods(A=options_pb2.Policy(permission="{system}:read"))])
    assert found == {"/t.v1.T/A": access.Access(Door.PERMISSION, "{system}:read", ("system",))}


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", ""), ("abc", ""), ("", ""), ("Bearer", "")],
)
def test_a_token_is_taken_from_a_bearer_header_only(header: str, token: str) -> None:
    assert bearer(header) == token


async def test_a_refused_caller_is_told_by_the_right_class(stack: Any, caller: Any) -> None:
    with pytest.raises(Unauthenticated, match="log in"):
        await authenticated(stack.channel)
