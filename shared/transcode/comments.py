"""The comments of the .proto files, from a descriptor set made with source information."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

import protos

FILE_NAME = "contracts.binpb"
MESSAGES, ENUMS, SERVICES = 4, 5, 6
FIELDS, NESTED, NESTED_ENUMS = 2, 3, 4
"""Field numbers in FileDescriptorProto and DescriptorProto, which locations are made of."""


def load_comments(path: Path | None = None) -> Mapping[str, str]:
    """Return full name → comment. Without the generated file there are none, and nothing else is missing."""
    file = path or Path(next(iter(protos.__path__))) / FILE_NAME
    if not file.exists():
        return {}
    found: dict[str, str] = {}
    for one in descriptor_pb2.FileDescriptorSet.FromString(file.read_bytes()).file:
        if one.name.startswith("protos/"):
            found.update(file_comments(one))
    return found


def file_comments(file: Any) -> dict[str, str]:
    """Return the comments of one file by full name."""
    found: dict[str, str] = {}
    for location in file.source_code_info.location:
        text = " ".join((location.leading_comments or location.trailing_comments).split())
        name = full_name(file, list(location.path)) if text else ""
        if name:
            found[name] = text
    return found


def full_name(file: Any, path: list[int]) -> str:
    """Return the full name of what a location points at; empty when it is no named thing."""
    groups = {MESSAGES: file.message_type, ENUMS: file.enum_type, SERVICES: file.service}
    if len(path) < 2 or len(path) % 2 or path[0] not in groups:
        return ""
    here = groups[path[0]][path[1]]
    names = [file.package, here.name]
    kind = path[0]
    for number, index in zip(path[2::2], path[3::2], strict=True):
        inner = members(kind, here).get(number)
        if inner is None:
            return ""
        here, kind = inner[index], {NESTED_ENUMS: ENUMS}.get(number, MESSAGES) if kind == MESSAGES else 0
        names.append(here.name)
    return ".".join(names)


def members(kind: int, here: Any) -> dict[int, Any]:
    """Return what can stand inside a message, an enum or a service, by field number."""
    if kind == MESSAGES and isinstance(here, descriptor_pb2.DescriptorProto):
        return {FIELDS: here.field, NESTED: here.nested_type, NESTED_ENUMS: here.enum_type}
    if kind == ENUMS:
        return {2: here.value}
    return {2: here.method} if kind == SERVICES else {}
