"""Contracts written in a test, as a server's reflection would tell them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import google.api.annotations_pb2 as annotations
import grpc_tools
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parents[4]
HEAD = """
syntax = "proto3";
package {package};
import "google/api/annotations.proto";
import "protos/common/v1/options.proto";
{imports}
service {service} {{
  rpc Get(GetRequest) returns (GetResponse) {{
    option (google.api.http) = {{{rule}}};
    option (common.v1.policy) = {{{policy}}};
  }}
  {methods}
}}
message GetRequest {{ {request} }}
message GetResponse {{ {response} }}
{rest}
"""
DEFAULTS = {
    "package": "weather.v1",
    "service": "WeatherService",
    "imports": "",
    "rule": 'get: "/api/v1/weather/today"',
    "policy": 'permission: "weather:read"',
    "methods": "",
    "request": "string city = 1;",
    "response": "string text = 1;",
    "rest": "",
}


def files(**changes: str) -> list[FileDescriptorProto]:
    """Return the one file of a contract that is as plain as can be but for the changes."""
    return [compiled(HEAD.format(**{**DEFAULTS, **changes}))]


def compiled(source: str) -> FileDescriptorProto:
    """Return the descriptor of a .proto."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "weather.proto").write_text(source)
        out = Path(folder) / "out.binpb"
        site = Path(annotations.__file__).parents[2]
        includes = [f"-I{folder}", f"-I{ROOT}", f"-I{site}", f"-I{Path(grpc_tools.__file__).parent / '_proto'}"]
        assert protoc.main(["protoc", *includes, f"--descriptor_set_out={out}", "weather.proto"]) == 0
        return FileDescriptorSet.FromString(out.read_bytes()).file[0]


def services(found: list[FileDescriptorProto]) -> list[str]:
    """Return the full names of the services in files."""
    return [f"{file.package}.{service.name}" for file in found for service in file.service]
