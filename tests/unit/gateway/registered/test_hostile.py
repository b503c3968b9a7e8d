"""A registered system that answers with nonsense: it fails as itself, and nothing else does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from shared.errors import DOMAIN
from tests.unit.gateway.registered.test_registration import TODAY, System, Two, system, two

__all__ = ["two"]

NO_MESSAGE = b"\xff\xff\xff"


def status(**metadata: str) -> bytes:
    """Return a status that says, as ours do, that the call was refused."""
    found = status_pb2.Status(code=grpc.StatusCode.PERMISSION_DENIED.value[0], message="no")
    found.details.add().Pack(error_details_pb2.ErrorInfo(reason="NO", domain=DOMAIN, metadata=metadata))
    return found.SerializeToString()


async def turn(weather: System, details: bytes | None) -> None:
    """Let a system answer everything but reflection with a message that is none, or with a status."""
    reflected = System.service.__get__(weather)

    async def nonsense(request: bytes, context: Any) -> bytes:
        if details is not None:
            context.set_trailing_metadata((("grpc-status-details-bin", details),))
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")
        return NO_MESSAGE

    def service(called: Any) -> Any:
        if "reflection" in called.method:
            return reflected(called)
        return grpc.unary_unary_rpc_method_handler(nonsense)

    weather.service = service  # type: ignore[method-assign]


@pytest.mark.parametrize(
    "details",
    [None, NO_MESSAGE, status(http_status="4" * 5000)],
    ids=["no message", "no status", "endless number"],
)
async def test_a_system_that_answers_nonsense_is_down_and_the_rest_is_not(two: Two, details: bytes | None) -> None:
    async with system() as weather:
        assert (await two.register(weather.address)).status_code == 201
        await turn(weather, details)
        listed = await two.call("GET", "/api/v1/systems")
        assert listed.status_code == 200, listed.text
        assert {one["name"]: one["status"] for one in listed.json()["items"]}["weather"] == "down"
        board = await two.call("GET", "/api/v1/dashboards/executive")
        assert board.status_code == 200, board.text
        assert "weather" in [one["system"] for one in board.json()["missing"]]
        answer = await two.call("GET", TODAY)
        assert (answer.status_code, answer.json()["reason"]) == (503, "SYSTEM_ANSWER_INVALID")


async def test_a_system_sends_no_caller_to_log_in_again(two: Two) -> None:
    async with system() as weather:
        made = await two.register(weather.address)
        assert made.status_code == 201, made.text
        await turn(weather, status(http_status="401"))
        answer = await two.call("GET", TODAY)
        assert (answer.status_code, answer.json()["reason"]) == (403, "NO")


async def test_reflection_that_answers_nonsense_is_refused(two: Two) -> None:
    async def nonsense(questions: Any, context: Any) -> AsyncIterator[bytes]:
        yield NO_MESSAGE

    async with system() as weather:
        weather.service = lambda called: grpc.stream_stream_rpc_method_handler(nonsense)  # type: ignore[method-assign]
        answer = await two.register(weather.address)
        assert (answer.status_code, answer.json()["reason"]) == (400, "SYSTEM_WITHOUT_REFLECTION"), answer.text
