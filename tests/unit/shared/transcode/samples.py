"""Contracts that hold everything the transcoder must carry, compiled from text."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import google.api.annotations_pb2
import grpc_tools
from google.api import http_pb2, httpbody_pb2  # noqa: F401  their descriptors must be in the pool
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, struct_pb2, timestamp_pb2, wrappers_pb2  # noqa: F401
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

import protos
from protos.common.v1 import options_pb2, table_pb2  # noqa: F401

HEAD = """
syntax = "proto3";
package {package};
import "google/api/annotations.proto";
import "google/api/httpbody.proto";
import "google/protobuf/duration.proto";
import "google/protobuf/struct.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
import "protos/common/v1/options.proto";
import "protos/common/v1/table.proto";
"""
EVERYTHING = """
enum Colour { COLOUR_UNSPECIFIED = 0; COLOUR_RED = 1; COLOUR_DARK_BLUE = 2; }
enum Switch { OFF = 0; ON = 1; }
message Everything {
  int32 i32 = 1; int64 i64 = 2; uint32 u32 = 3; uint64 u64 = 4; sint64 s64 = 5; fixed32 f32 = 6;
  double real = 7; float single = 8; bool flag = 9; string text = 10; bytes raw = 11; Colour colour = 12;
  optional int32 maybe_number = 13; optional string maybe_text = 14; optional Colour maybe_colour = 15;
  repeated int64 numbers = 16; repeated string texts = 17; repeated Colour colours = 18; repeated bytes raws = 19;
  Everything inner = 20; repeated Everything inners = 21;
  map<string, int64> counts = 22; map<int32, Everything> by_number = 23; map<bool, string> by_flag = 24;
  oneof choice { string name = 25; int64 number = 26; Everything nested = 27; }
  google.protobuf.Timestamp at = 28; google.protobuf.Duration took = 29;
  google.protobuf.Struct object = 30; google.protobuf.Value value = 31; google.protobuf.ListValue list = 32;
  google.protobuf.Int64Value wrapped_number = 33; google.protobuf.StringValue wrapped_text = 34;
  google.protobuf.BoolValue wrapped_flag = 35;
  repeated double reals = 36; repeated google.protobuf.Timestamp times = 37; Switch switch = 38;
  map<string, Colour> colour_of = 39; google.protobuf.DoubleValue wrapped_real = 40; repeated float singles = 41;
}
message Price { double amount = 1 [(common.v1.field) = {money: true}]; }
message Rules {
  string name = 1 [(common.v1.field) = {required: true max_length: 5 pattern: "[a-z]+"}];
  int32 size = 2 [(common.v1.field) = {min: 1 max: 10 default: "3"}];
  string mail = 3 [(common.v1.field) = {format: "email"}];
  string day = 4 [(common.v1.field) = {format: "date"}];
  string moment = 5 [(common.v1.field) = {format: "date-time"}];
  string link = 6 [(common.v1.field) = {format: "uri"}];
  string kind = 7 [(common.v1.field) = {choices: ["a", "b"]}];
  repeated string tags = 8 [(common.v1.field) = {max_length: 2 choices: ["x", "y", "z"]}];
  double share = 9 [(common.v1.field) = {min: 0 max: 1}];
  oneof pick { string left = 10; string right = 11; }
  uint32 count = 12;
  google.protobuf.Timestamp at = 13;
  google.protobuf.Duration took = 14;
  bytes raw = 15;
  map<int32, string> names = 16;
}
"""


@cache
def compiled(package: str, body: str) -> FileDescriptor:
    """Return the descriptor of a contract made of that text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{package.replace('.', '_')}.proto"
        path.write_text(HEAD.replace("{package}", package) + body)
        out = Path(folder) / "out.binpb"
        site = Path(google.api.annotations_pb2.__file__).parents[2]
        includes = [folder, str(Path(next(iter(protos.__path__))).parent), str(site)]
        includes.append(str(Path(grpc_tools.__file__).parent / "_proto"))
        code = protoc.main(["protoc", *(f"-I{one}" for one in includes), f"--descriptor_set_out={out}", str(path)])
        assert code == 0, body
        found = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file[0]
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(found.SerializeToString())
    return pool.FindFileByName(found.name)


def sample(name: str) -> Any:
    """Return a message class of the sample contract."""
    return GetMessageClass(compiled("samples.v1", EVERYTHING).message_types_by_name[name])


def service(package: str, methods: str) -> Any:
    """Return the descriptor of a service made of that text."""
    messages = "message Ask { string name = 1; message In { string deep = 1; } In inner = 2; } message Told {}\n"
    return compiled(package, f"{messages} service Sample {{ {methods} }}").services_by_name["Sample"]
