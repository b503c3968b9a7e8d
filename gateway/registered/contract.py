"""The contract of a registered system: descriptors that were told, held against what a system may publish.

Whoever registers a system is trusted to choose it; what the system says of itself is not. Its files go into a pool of
their own, in which ours stand as we know them, and each rule below refuses what could reach beyond the system.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

from google.api import annotations_pb2
from google.protobuf import (
    any_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
from google.protobuf.descriptor import Descriptor, FileDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool

from shared.errors import FailedPrecondition, PlatformError
from shared.permissions import ACTIONS
from shared.transcode import fields as f
from shared.transcode.contract import Contracts, Method, contract_files, service_methods
from shared.transcode.template import BadTemplate

OURS = "protos/common/v1/"
GOOGLES = (
    annotations_pb2,
    any_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)
EVERYBODYS = ("common.v1.", "grpc.")
"""Services that any server may have: ours that all systems share, and gRPC's own."""

MOST = {"messages": 300, "fields": 3000, "enum values": 2000, "methods": 100}
MOST_TEXT = 2000
MOST_BODY_BYTES = 16 * 1024 * 1024
MOST_PATTERN = 500
SEGMENT = r"(?:[a-z0-9][a-z0-9._-]*|\{[a-z][a-z0-9_]*\})"
MOST_PATH = 200
FORBIDDEN = (
    *("public", "authenticated", "route_by", "stream_twin"),
    *("clears_cookie", "form", "oauth_endpoint", "redirect_field"),
)
FORBIDDEN_FIELDS = ("cookie", "cookie_max_age_field", "cookie_path", "basic")


class ContractRefused(FailedPrecondition):
    """The system's contract says what no registered system may, or cannot be understood."""

    reason = "SYSTEM_CONTRACT_REFUSED"


class PolicyMissing(FailedPrecondition):
    """A method does not say who may call it."""

    reason = "SYSTEM_POLICY_REFUSED"


class PathRefused(FailedPrecondition):
    """A path is outside the system's prefix."""

    reason = "SYSTEM_PATH_REFUSED"


@cache
def known_files() -> Mapping[str, FileDescriptor]:
    """Return the files that contracts may import, by name: ours that all systems share, and Google's."""
    roots = [one for one in contract_files() if one.name.startswith(OURS)]
    return {one.name: one for one in closure([*roots, *(module.DESCRIPTOR for module in GOOGLES)])}


def closure(roots: Iterable[FileDescriptor]) -> Iterator[FileDescriptor]:
    """Yield files, each after those it imports."""
    for file in roots:
        yield from closure(file.dependencies)
        yield file


def understood(name: str, prefix: str, services: Collection[str], files: Sequence[FileDescriptorProto]) -> Contracts:
    """Return the methods of a system.

    Args:
        name: name of the system; its proto packages begin with it.
        prefix: first part of its paths below /api/v1.
        services: full names of all services of its server.
        files: the files they stand in, without those of `known_files`.

    Raises ContractRefused, PolicyMissing or PathRefused.
    """
    strange = [one for one in services if not one.startswith((f"{name}.", *EVERYBODYS))]
    if strange:
        raise ContractRefused(
            f"service {strange[0][:100]!r}: the proto packages of this system must be `{name}` or begin with `{name}.`"
        )
    for file in files:
        check_file(name, file)
    check_size(files)
    own = [one for one in services if one.startswith(f"{name}.")]
    if not own:
        raise ContractRefused(
            f"the server has no service in a package that begins with `{name}.`; it publishes nothing"
        )
    contracts = methods_of(own, pooled(files))
    for method in contracts.methods:
        for rule in RULES:
            rule(method, name, prefix)
    if not contracts.published:
        raise ContractRefused("all methods of the system are internal; it publishes nothing")
    return contracts


def check_file(name: str, file: FileDescriptorProto) -> None:
    """Refuse a file outside the system's own packages, and what our converters do not know."""
    if file.package != name and not file.package.startswith(f"{name}."):
        raise ContractRefused(
            f"file {file.name[:100]!r} is of package {file.package[:100]!r}; the system's own must be `{name}` or "
            f"begin with `{name}.`, and ours are imported as {OURS}…"
        )
    if file.syntax != "proto3":
        raise ContractRefused(f"file {file.name[:100]!r} is no proto3, which is all that is understood here")
    if file.extension or any(message.extension for message in nested(file.message_type)):
        raise ContractRefused(f"file {file.name[:100]!r} extends messages; a system's contract may not")
    if file.public_dependency or file.weak_dependency:
        raise ContractRefused(f"file {file.name[:100]!r} has public or weak imports; import plainly")


def nested(messages: Iterable[DescriptorProto]) -> Iterator[DescriptorProto]:
    """Yield messages with all that are declared inside them."""
    for message in messages:
        yield message
        yield from nested(message.nested_type)


def check_size(files: Sequence[FileDescriptorProto]) -> None:
    """Refuse a contract whose compilation would take memory or time that nobody meant to give."""
    messages = [message for file in files for message in nested(file.message_type)]
    enums = [enum for file in files for enum in file.enum_type]
    enums += [enum for message in messages for enum in message.enum_type]
    found = {
        "messages": len(messages),
        "fields": sum(len(message.field) for message in messages),
        "enum values": sum(len(enum.value) for enum in enums),
        "methods": sum(len(service.method) for file in files for service in file.service),
    }
    for what, most in MOST.items():
        if found[what] > most:
            raise ContractRefused(f"the system's contract has {found[what]} {what}; {most} is the most")


def pooled(files: Sequence[FileDescriptorProto]) -> DescriptorPool:
    """Return a pool of the files over ours. Raises ContractRefused for files that do not fit together."""
    pool = DescriptorPool()
    for known in known_files().values():
        pool.AddSerializedFile(known.serialized_pb)
    left = {file.name: file for file in files}
    while left:
        ready = [one for one in left.values() if not left.keys() & set(one.dependency)]
        if not ready:
            raise ContractRefused("the system's files import each other in a circle")
        for file in ready:
            del left[file.name]
            try:
                pool.AddSerializedFile(file.SerializeToString())
            except (TypeError, ValueError):
                raise ContractRefused(f"file {file.name[:100]!r} is no sound descriptor") from None
    return pool


def methods_of(services: Iterable[str], pool: DescriptorPool) -> Contracts:
    """Return the methods of services, read by the rules of every contract. Raises PolicyMissing or ContractRefused."""
    found: list[ServiceDescriptor] = []
    for service in services:
        try:
            found.append(pool.FindServiceByName(service))
        except KeyError:
            raise ContractRefused(f"the server lists the service {service[:100]!r} and does not describe it") from None
    try:
        return service_methods(found)
    except BadTemplate as error:
        raise PathRefused(str(error)) from None
    except PlatformError as error:
        wrong = PolicyMissing if "policy" in error.detail or "say exactly one" in error.detail else ContractRefused
        raise wrong(error.detail) from None


def guarded(method: Method, name: str, prefix: str) -> None:
    """Refuse whatever is open to more than those who hold one of the system's own permissions."""
    policy = method.policy
    for option in FORBIDDEN:
        if getattr(policy, option):
            raise PolicyMissing(f"{method.full_name}: a registered system may not say `{option}`")
    allowed = [f"{name}:{action}" for action in ACTIONS]
    if not policy.internal and policy.permission not in allowed:
        raise PolicyMissing(f"{method.full_name}: permission {policy.permission[:80]!r}; one of {', '.join(allowed)}")


def bounded(method: Method, name: str, prefix: str) -> None:
    """Refuse a method that would have the gateway take in more at once than others may send."""
    if method.policy.max_body_bytes > MOST_BODY_BYTES:
        raise ContractRefused(
            f"{method.full_name}: max_body_bytes may be up to {MOST_BODY_BYTES}; send long data to the system itself"
        )


def below_prefix(method: Method, name: str, prefix: str) -> None:
    """Refuse a path beside the system's prefix, and one that is not plainly below it."""
    if method.http is None:
        return
    path, root = method.http.template.text, f"/api/v1/{prefix}"
    if len(path) > MOST_PATH or not re.fullmatch(rf"{re.escape(root)}(?:/{SEGMENT})*", path):
        raise PathRefused(f"{method.full_name} is at {path[:MOST_PATH]!r}; its path must be {root}/… of plain segments")


def plain_texts(method: Method, name: str, prefix: str) -> None:
    """Refuse texts of the document that are markup, or endless."""
    policy = method.policy
    for text in (policy.summary, policy.doc, *policy.reasons):
        if len(text) > MOST_TEXT or "<" in text:
            raise ContractRefused(
                f"{method.full_name}: its texts must be plain, without `<`, and up to {MOST_TEXT} long"
            )


def plain_messages(method: Method, name: str, prefix: str) -> None:
    """Refuse messages that set cookies, answer with pages of their own, or hold patterns without bound."""
    for message in reached(method.descriptor.input_type, method.descriptor.output_type):
        if message.full_name == f.HTTP_BODY:
            raise ContractRefused(f"{method.full_name}: a registered system answers with JSON, not with {f.HTTP_BODY}")
        for field in message.fields:
            options = f.options_of(field)
            for option in FORBIDDEN_FIELDS:
                if getattr(options, option):
                    raise ContractRefused(f"{field.full_name}: a registered system may not say `{option}`")
            if len(options.pattern) > MOST_PATTERN:
                raise ContractRefused(f"{field.full_name}: its pattern is longer than {MOST_PATTERN}")
            if any(len(text) > MOST_TEXT or "<" in text for text in (options.example, options.default, options.unit)):
                raise ContractRefused(f"{field.full_name}: its texts must be plain, without `<`, and short")


def reached(*messages: Descriptor) -> list[Descriptor]:
    """Return messages with all that can stand inside them, however they refer to each other."""
    found: dict[str, Descriptor] = {}
    left = list(messages)
    while left:
        message = left.pop()
        if message.full_name not in found:
            found[message.full_name] = message
            left += [field.message_type for field in message.fields if field.message_type is not None]
    return list(found.values())


RULES: tuple[Callable[[Method, str, str], None], ...] = (guarded, bounded, below_prefix, plain_texts, plain_messages)
