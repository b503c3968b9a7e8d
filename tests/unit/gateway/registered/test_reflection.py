"""Reading a server's reflection: what is told is taken within bounds, whoever tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2 as pb

from gateway.registered import reflection
from gateway.registered.channel import connected
from gateway.registered.contract import known_files
from shared.errors import PlatformError
from tests.unit.gateway.registered.sources import files
from tests.waiting import free_port

Answer = Callable[[Any], Any]
OURS = "weather.v1.WeatherService"


def listing(*names: str) -> Any:
    return pb.ServerReflectionResponse(
        list_services_response=pb.ListServiceResponse(service=[pb.ServiceResponse(name=name) for name in names])
    )


def telling(*found: FileDescriptorProto) -> Any:
    data = [one.SerializeToString() for one in found]
    return pb.ServerReflectionResponse(file_descriptor_response=pb.FileDescriptorResponse(file_descriptor_proto=data))


def plain(question: Any) -> Any:
    return listing(OURS, "grpc.health.v1.Health") if question.list_services else telling(*files())


class Server(grpc.GenericRpcHandler):
    def __init__(self, answer: Answer, version: str) -> None:
        self.path, self.answer = reflection.METHOD.format(version), answer

    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method != self.path:
            return None
        return grpc.stream_stream_rpc_method_handler(
            self.answered, pb.ServerReflectionRequest.FromString, pb.ServerReflectionResponse.SerializeToString
        )

    async def answered(self, questions: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for question in questions:
            made = self.answer(question)
            if asyncio.iscoroutine(made):
                made = await made
            yield made


@asynccontextmanager
async def serving(answer: Answer, version: str = "v1alpha") -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Server(answer, version),))
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    channel = connected(address, False, None, max_receive_message_length=reflection.MOST_BYTES)
    try:
        yield channel
    finally:
        await channel.close()
        await server.stop(None)


async def read(answer: Answer, version: str = "v1alpha") -> tuple[list[str], list[FileDescriptorProto]]:
    async with serving(answer, version) as channel:
        return await reflection.read(channel, known_files())


async def reason(answer: Answer) -> str:
    with pytest.raises(PlatformError) as raised:
        await read(answer)
    return raised.value.error_reason


@pytest.mark.parametrize("version", reflection.VERSIONS)
async def test_services_and_their_files_are_read_by_either_version(version: str) -> None:
    services, found = await read(plain, version)
    assert services == [OURS, "grpc.health.v1.Health"]
    assert [file.name for file in found] == ["weather.proto"]


async def test_files_told_one_by_one_are_asked_for() -> None:
    (file,) = files()
    file.dependency.append("weather/units.proto")
    units = FileDescriptorProto(name="weather/units.proto", package="weather.v1", syntax="proto3")

    def answer(question: Any) -> Any:
        if question.list_services:
            return listing(OURS)
        return telling(units) if question.file_by_filename == units.name else telling(file)

    _, found = await read(answer)
    assert [one.name for one in found] == ["weather.proto", "weather/units.proto"]


async def test_what_a_server_tells_of_our_own_files_is_not_taken() -> None:
    forged = FileDescriptorProto(name="protos/common/v1/options.proto", package="common.v1", syntax="proto3")
    _, found = await read(lambda question: plain(question) if question.list_services else telling(*files(), forged))
    assert [one.name for one in found] == ["weather.proto"]


async def test_a_server_without_reflection_is_told_to_switch_it_on() -> None:
    with pytest.raises(PlatformError) as raised:
        await read(plain, "v0")
    assert raised.value.error_reason == "SYSTEM_WITHOUT_REFLECTION"


async def test_more_than_a_system_needs_is_refused() -> None:
    large = "SYSTEM_CONTRACT_TOO_LARGE"
    assert await reason(lambda _: listing(*(f"weather.v1.S{n}" for n in range(17)))) == large
    huge = FileDescriptorProto(name="weather.proto", package="weather.v1" + "x" * reflection.MOST_BYTES)
    assert await reason(lambda question: plain(question) if question.list_services else telling(huge)) == large
    half = "y" * (reflection.MOST_BYTES * 2 // 3)
    parts = [
        FileDescriptorProto(name=f"weather/{n}.proto", package=half, dependency=["weather/1.proto"]) for n in (0, 1)
    ]

    def in_parts(question: Any) -> Any:
        return listing(OURS) if question.list_services else telling(parts[question.file_by_filename != ""])

    assert await reason(in_parts) == large


async def test_files_without_end_end() -> None:
    count = iter(range(10_000))

    def answer(question: Any) -> Any:
        if question.list_services:
            return listing(OURS)
        number = next(count)
        name = question.file_by_filename or "weather/0.proto"
        return telling(FileDescriptorProto(name=name, package="weather.v1", dependency=[f"weather/{number + 1}.proto"]))

    assert await reason(answer) == "SYSTEM_CONTRACT_TOO_LARGE"
    assert next(count) <= reflection.MOST_FILES + 1


@pytest.mark.parametrize(
    "told",
    [
        pb.ServerReflectionResponse(error_response=pb.ErrorResponse(error_code=5)),
        pb.ServerReflectionResponse(
            file_descriptor_response=pb.FileDescriptorResponse(file_descriptor_proto=[b"\xff\xff"])
        ),
    ],
)
async def test_an_answer_that_tells_nothing_is_refused(told: Any) -> None:
    wanted = "SYSTEM_WITHOUT_REFLECTION"
    assert await reason(lambda question: plain(question) if question.list_services else told) == wanted


async def test_a_file_that_is_not_told_is_refused() -> None:
    (file,) = files()
    file.dependency.append("weather/missing.proto")
    assert await reason(lambda question: listing(OURS) if question.list_services else telling(file)) == (
        "SYSTEM_WITHOUT_REFLECTION"
    )


async def test_a_server_that_never_answers_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "SECONDS", 0.5)

    async def never() -> Any:
        await asyncio.Event().wait()

    assert await reason(lambda _: never()) == "SYSTEM_UNREACHABLE"


async def test_an_address_where_nobody_is_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflection, "SECONDS", 0.5)
    channel = connected(f"127.0.0.1:{free_port()}", False, None)
    with pytest.raises(PlatformError) as raised:
        await reflection.read(channel, known_files())
    assert raised.value.error_reason == "SYSTEM_UNREACHABLE"
    await channel.close()
