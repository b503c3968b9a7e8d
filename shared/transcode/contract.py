"""What the contracts say: every method with its REST rule and its policy, checked once at start."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor import FieldDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import protos
from protos.common.v1 import options_pb2
from shared.errors import Internal
from shared.transcode import fields as f
from shared.transcode.template import PathTemplate

VERBS = ("get", "post", "put", "patch", "delete")
ACCESS = ("permission", "public", "authenticated", "internal")
OAUTH_ENDPOINTS = ("token", "authorization", "revocation")


class ContractError(Internal):
    """A contract that cannot be published; the process refuses to start."""

    reason = "CONTRACT_ERROR"


@dataclass(frozen=True)
class HttpRule:
    """Where a method stands in REST: verb, path, and which request field the body fills (`*`: all)."""

    verb: str
    template: PathTemplate
    body: str


@dataclass(frozen=True)
class Method:
    """One RPC of a contract. `http` is None exactly for internal methods."""

    descriptor: MethodDescriptor
    policy: options_pb2.Policy
    http: HttpRule | None

    @cached_property
    def full_name(self) -> str:
        """Return the name, such as `demand.v1.DemandService.ListSegments`."""
        return str(self.descriptor.full_name)

    @cached_property
    def rpc_path(self) -> str:
        """Return the gRPC path, such as `/demand.v1.DemandService/ListSegments`."""
        return f"/{self.service}/{self.descriptor.name}"

    @property
    def service(self) -> str:
        """Return the full name of the service."""
        return str(self.descriptor.containing_service.full_name)

    @property
    def backend(self) -> str:
        """Return the process that serves the method, by its package; `route_by` overrides it per call."""
        return self.service.split(".", 1)[0]

    @property
    def rule(self) -> HttpRule:
        """Return the REST rule. Raises ContractError for an internal method."""
        if self.http is None:
            raise ContractError(f"{self.full_name} is internal: it has no REST rule")
        return self.http

    @cached_property
    def request_class(self) -> type[Message]:
        """Return the message class of requests."""
        return GetMessageClass(self.descriptor.input_type)

    @cached_property
    def response_class(self) -> type[Message]:
        """Return the message class of answers."""
        return GetMessageClass(self.descriptor.output_type)

    def request_fields(self) -> dict[str, FieldDescriptor]:
        """Return the request's fields by name."""
        return dict(self.descriptor.input_type.fields_by_name)

    def query_fields(self) -> list[str]:
        """Return the request's fields that may be given as query parameters."""
        path, body = self.rule.template.fields, self.rule.body
        rest = [one for one in self.descriptor.input_type.fields if one.name not in (*path, body)]
        return [one.name for one in rest if body != "*" or f.options_of(one).query]


def read_method(descriptor: MethodDescriptor) -> Method:
    """Return a method as its options say. Raises ContractError when they are missing or at odds."""
    options: Any = descriptor.GetOptions()
    if not options.HasExtension(options_pb2.policy):
        raise ContractError(f"{descriptor.full_name} has no (common.v1.policy); say who may call it")
    policy: options_pb2.Policy = options.Extensions[options_pb2.policy]
    rule = options.Extensions[annotations_pb2.http] if options.HasExtension(annotations_pb2.http) else None
    method = Method(descriptor, policy, None if rule is None else read_rule(descriptor, rule))
    for check in CHECKS:
        check(method)
    return method


def read_rule(descriptor: MethodDescriptor, rule: Any) -> HttpRule:
    """Return the REST rule of a method. Raises ContractError for a kind that is not supported."""
    verb = rule.WhichOneof("pattern")
    if verb not in VERBS:
        raise ContractError(f"{descriptor.full_name}: a REST rule of kind {verb!r}; one of {', '.join(VERBS)}")
    if rule.additional_bindings or rule.response_body:
        raise ContractError(f"{descriptor.full_name}: additional_bindings and response_body are not supported")
    return HttpRule(verb.upper(), PathTemplate.parse(getattr(rule, verb)), rule.body)


def one_access(method: Method) -> None:
    """Refuse a policy that says nobody, or two different things, about who may call."""
    said = [name for name in ACCESS if getattr(method.policy, name)]
    if len(said) != 1:
        found = " and ".join(said) or "none"
        raise ContractError(f"{method.full_name}: say exactly one of {', '.join(ACCESS)}; found {found}")


def routed_or_internal(method: Method) -> None:
    """Refuse a method that is both published and internal, or neither."""
    if method.policy.internal and method.http:
        raise ContractError(f"{method.full_name} is internal but has a REST rule; drop one")
    if not method.policy.internal and not method.http:
        raise ContractError(f"{method.full_name} has no REST rule; add google.api.http or say internal")


def unary_when_published(method: Method) -> None:
    """Refuse what the edge cannot carry yet rather than pretend to."""
    streams = method.descriptor.client_streaming or method.descriptor.server_streaming
    if method.http and streams:
        raise ContractError(f"{method.full_name} streams; only unary methods are published over REST")
    if method.policy.stream_twin:
        raise ContractError(f"{method.full_name}: stream_twin is not supported yet; leave it out")


def fields_exist(method: Method) -> None:
    """Refuse a path, body, route or permission that names a field the request lacks."""
    if method.http is None:
        return
    named = set(method.http.template.fields) | set(template_fields(method.policy.permission))
    named |= {name for name in (method.policy.route_by, method.http.body) if name not in ("", "*")}
    missing = sorted(named - set(method.request_fields()))
    if missing:
        raise ContractError(f"{method.full_name}: its request has no field {', '.join(missing)}")


def forms_are_whole(method: Method) -> None:
    """Refuse a form where none can be read, and one that a page of another site could send with our cookie."""
    policy, found = method.policy, method.request_fields().values()
    basic = [one for one in found if f.options_of(one).basic]
    if (policy.form or basic) and (method.http is None or method.http.body != "*"):
        raise ContractError(f'{method.full_name}: a form fills the whole request; say body: "*"')
    if basic and not policy.form:
        raise ContractError(f"{method.full_name}: HTTP Basic stands in for fields of a form; say form: true")
    if policy.form and any(f.options_of(one).cookie for one in found):
        raise ContractError(f"{method.full_name}: a form comes from any site, so no field of it may be a cookie")


def oauth_endpoint_known(method: Method) -> None:
    """Refuse a kind of OAuth endpoint that there is none of."""
    kind = method.policy.oauth_endpoint
    if kind not in ("", *OAUTH_ENDPOINTS):
        raise ContractError(f"{method.full_name}: oauth_endpoint {kind!r}; one of {', '.join(OAUTH_ENDPOINTS)}")


def redirect_is_text(method: Method) -> None:
    """Refuse a redirect to what is no text of the answer."""
    name = method.policy.redirect_field
    field = method.descriptor.output_type.fields_by_name.get(name)
    if name and (field is None or field.type != FieldDescriptor.TYPE_STRING or field.is_repeated):
        raise ContractError(f"{method.full_name}: redirect_field {name!r} is no string of its answer")


def unread_body_is_bytes(method: Method) -> None:
    """Refuse a body that is to stay unread in a field that is no bytes, or that shows no message of its file."""
    field = f.as_it_came(method.descriptor, method.http.body) if method.http else None
    if field is None:
        return
    if field.type != FieldDescriptor.TYPE_BYTES or field.is_repeated:
        raise ContractError(f"{method.full_name}: json_as stands at {field.name}, which is no bytes")
    if f.message_named(field) is None:
        raise ContractError(f"{method.full_name}: json_as names no message of its file")


def template_fields(permission: str) -> list[str]:
    """Return the request fields in a permission such as `{system}:read`."""
    return [part.split("}", 1)[0] for part in permission.split("{")[1:]]


CHECKS: tuple[Callable[[Method], None], ...] = (
    one_access,
    routed_or_internal,
    unary_when_published,
    fields_exist,
    forms_are_whole,
    oauth_endpoint_known,
    redirect_is_text,
    unread_body_is_bytes,
)


@dataclass(frozen=True)
class Contracts:
    """Every method known to this process, in the order of service and declaration."""

    methods: tuple[Method, ...]

    def of(self, services: Collection[str]) -> Contracts:
        """Return only the methods of some services, by full name."""
        return Contracts(tuple(method for method in self.methods if method.service in services))

    @property
    def published(self) -> tuple[Method, ...]:
        """Return the methods with a place in REST."""
        return tuple(method for method in self.methods if method.http)


def contract_files() -> Iterator[FileDescriptor]:
    """Yield the descriptor of every generated contract under protos/."""
    root = Path(next(iter(protos.__path__)))
    for path in sorted(root.rglob("*_pb2.py")):
        name = ".".join(("protos", *path.relative_to(root).with_suffix("").parts))
        yield importlib.import_module(name).DESCRIPTOR


def service_methods(services: Collection[ServiceDescriptor]) -> Contracts:
    """Return the methods of the given services. Raises ContractError when two share a place in REST."""
    methods = tuple(read_method(method) for service in services for method in service.methods)
    seen: dict[tuple[str, str], Method] = {}
    for method in methods:
        if method.http:
            place = (method.http.verb, method.http.template.shape)
            if place in seen:
                raise ContractError(f"{method.full_name} and {seen[place].full_name} are both {' '.join(place)}")
            seen[place] = method
    return Contracts(methods)


def load_contracts() -> Contracts:
    """Return every method of every contract under protos/, by service name."""
    services = [service for file in contract_files() for service in file.services_by_name.values()]
    return service_methods(sorted(services, key=lambda service: str(service.full_name)))
