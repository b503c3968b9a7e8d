"""What a gRPC server says of itself by reflection: the files of its services, read within bounds.

Nothing it says is believed yet; `contract.py` judges it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import DecodeError
from grpc_reflection.v1alpha import reflection_pb2 as pb

from shared.errors import FailedPrecondition, Unavailable

METHOD = "/grpc.reflection.{}.ServerReflection/ServerReflectionInfo"
VERSIONS = ("v1", "v1alpha")
"""The newer one has other names and the same messages; servers offer either or both."""
SECONDS = 5.0
MOST_BYTES = 1024 * 1024
MOST_FILES = 64
MOST_SERVICES = 16
GRPC = "grpc."
"""Package of gRPC's own services, health and reflection; they belong to no system."""


class SystemUnreachable(Unavailable):
    """Nothing answers at the address, or not in time."""

    reason = "SYSTEM_UNREACHABLE"


class NoReflection(FailedPrecondition):
    """The server tells nothing of its services."""

    reason = "SYSTEM_WITHOUT_REFLECTION"


class TooMuchTold(FailedPrecondition):
    """The server's descriptors are longer than any system of ours needs."""

    reason = "SYSTEM_CONTRACT_TOO_LARGE"


class NotOffered(Exception):
    """The server does not have this version of reflection."""


async def read(raw: grpc.aio.Channel, known: Collection[str]) -> tuple[list[str], list[FileDescriptorProto]]:
    """Return the names of the server's services and the files they stand in, without those that are `known` by name.

    Raises SystemUnreachable, NoReflection or TooMuchTold.
    """
    try:
        async with asyncio.timeout(SECONDS):
            await raw.channel_ready()
            for version in VERSIONS:
                try:
                    return await Reading(raw, version, known).all()
                except NotOffered:
                    continue
    except TimeoutError:
        raise SystemUnreachable(f"nothing answers gRPC at the address within {SECONDS:g} s; is it right?") from None
    raise NoReflection("the server offers no gRPC reflection; switch it on, as its contract is read by it")


class Reading:
    """One conversation with a server's reflection."""

    def __init__(self, raw: grpc.aio.Channel, version: str, known: Collection[str]) -> None:
        self._raw, self._path, self._known = raw, METHOD.format(version), frozenset(known)
        self._files: dict[str, FileDescriptorProto] = {}
        self._bytes = 0

    async def all(self) -> tuple[list[str], list[FileDescriptorProto]]:
        """Return services and files. Raises NotOffered where the server has no reflection of this version."""
        told = await self._asked(pb.ServerReflectionRequest(list_services="*"))
        services = [one.name for one in told.list_services_response.service]
        if len(services) > MOST_SERVICES:
            raise TooMuchTold(f"the server has {len(services)} services; {MOST_SERVICES} is the most")
        for name in services:
            if name.startswith(GRPC):
                continue
            self._note(await self._asked(pb.ServerReflectionRequest(file_containing_symbol=name)))
        while missing := self._missing():
            self._note(await self._asked(pb.ServerReflectionRequest(file_by_filename=missing)))
            if missing not in self._files:
                raise NoReflection(f"the server does not tell its file {missing[:100]!r}; it cannot be understood")
        return services, list(self._files.values())

    def _missing(self) -> str:
        needed = (name for file in self._files.values() for name in file.dependency)
        return next((name for name in needed if name not in self._files and name not in self._known), "")

    async def _asked(self, question: Any) -> Any:
        """Return the server's answer to one question, on a stream of its own that ends with it.

        To the server that is a stream as any other; here a refusal cannot cross the question on its way.
        """
        stream = self._raw.unary_stream(
            self._path,
            request_serializer=pb.ServerReflectionRequest.SerializeToString,
            response_deserializer=pb.ServerReflectionResponse.FromString,
        )
        # A connection that breaks off between two questions is made anew, within the time of all.
        call = stream(question, wait_for_ready=True)
        try:
            answer = await call.read()
        except grpc.aio.AioRpcError as error:
            raise refused(error) from error
        finally:
            call.cancel()
        if answer is grpc.aio.EOF or answer is None:  # None is what gRPC makes of bytes that are no answer
            raise NoReflection("the server's reflection ended without an answer that can be understood")
        if answer.HasField("error_response"):
            raise NoReflection("the server's reflection does not tell the services that it lists")
        return answer

    def _note(self, answer: Any) -> None:
        for data in answer.file_descriptor_response.file_descriptor_proto:
            self._bytes += len(data)
            if self._bytes > MOST_BYTES:
                raise TooMuchTold(f"the server's descriptors are longer than {MOST_BYTES} bytes")
            try:
                file = FileDescriptorProto.FromString(data)
            except DecodeError:
                raise NoReflection("the server's reflection answers with what is no descriptor") from None
            if file.name not in self._known:
                self._files[file.name] = file
            if len(self._files) > MOST_FILES:
                raise TooMuchTold(f"the server's contract is of more than {MOST_FILES} files")


def refused(error: grpc.aio.AioRpcError) -> Exception:
    """Return what a failed conversation means."""
    code = error.code()
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return NotOffered()
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return TooMuchTold(f"the server's descriptors are longer than {MOST_BYTES} bytes")
    return SystemUnreachable(f"the server does not answer reflection ({code.name.lower()})")
