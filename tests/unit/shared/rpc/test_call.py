"""One call between two processes: deadline, trace, caller and errors."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from protos.common.v1 import system_pb2, system_pb2_grpc
from protos.demand.v1 import demand_pb2
from shared import principal, telemetry
from shared.errors import (
    Conflict,
    DeadlineExceeded,
    FieldError,
    Internal,
    InvalidArgument,
    PlatformError,
    Unavailable,
    Unimplemented,
)
from shared.rpc import deadline
from shared.rpc.channel import DEFAULT_TIMEOUT_SECONDS

Answer = demand_pb2.ListSegmentsResponse
ROUNDED_UP = 1.05
"""gRPC rounds a deadline up, to a hundredth or so, to send it in fewer bytes."""
PATH = "/demand.v1.DemandService/ListSegments"


@pytest.fixture(params=["alone", "carried"], autouse=True)
def way(request: pytest.FixtureRequest, stack: Any) -> str:
    """Run every test over a call of its own and over the stream of carried calls."""
    stack.carried = request.param == "carried"
    return str(request.param)


async def forever(*_: Any) -> Answer:
    await asyncio.Event().wait()
    return Answer()


async def test_a_call_answers_through_the_generated_stub(stack: Any, caller: Any) -> None:
    caller("ada")
    assert await stack.segments() == Answer()


async def test_call_and_stream_take_a_path_and_serializers(stack: Any, caller: Any) -> None:
    caller("ada")
    request, to_bytes = demand_pb2.ListSegmentsRequest(), demand_pb2.ListSegmentsRequest.SerializeToString
    for _ in range(2):
        assert await stack.channel.call(PATH, request, to_bytes, Answer.FromString) == Answer()
    watch = stack.channel.stream(
        "/common.v1.SystemService/Watch",
        system_pb2.WatchRequest(),
        system_pb2.WatchRequest.SerializeToString,
        system_pb2.WatchResponse.FromString,
    )
    assert (await anext(watch)).table == "caller is ada"
    await watch.aclose()


async def test_a_call_not_answered_in_time_is_ended_on_both_sides(stack: Any, caller: Any) -> None:
    caller("ada")
    stack.demand.answer = forever
    with pytest.raises(DeadlineExceeded) as raised:
        await stack.segments(timeout=0.1)
    assert raised.value.metadata == {"service": "demand"}
    await asyncio.wait_for(stack.demand.cancelled.wait(), 30)


async def test_a_call_without_timeout_has_the_default_deadline(stack: Any, caller: Any) -> None:
    caller("ada")
    left: list[float] = []

    async def note(_request: Any, context: Any) -> Answer:
        left.append(context.time_remaining())
        return Answer()

    stack.demand.answer = note
    await stack.segments()
    assert 0 < left[0] <= DEFAULT_TIMEOUT_SECONDS * ROUNDED_UP


async def test_a_call_made_for_a_request_never_outlives_its_deadline(stack: Any, caller: Any) -> None:
    caller("ada")
    left: list[float | None] = []

    async def note(_request: Any, _context: Any) -> Answer:
        left.append(deadline.within(DEFAULT_TIMEOUT_SECONDS))
        return Answer()

    stack.demand.answer = note
    await stack.segments(timeout=3)
    assert left[0] is not None and 0 < left[0] <= 3 * ROUNDED_UP
    deadline.begin(0)
    with pytest.raises(DeadlineExceeded):
        await stack.segments()


async def test_cancelling_the_caller_cancels_the_work_behind(stack: Any, caller: Any) -> None:
    caller("ada")
    stack.demand.answer = forever
    task = asyncio.create_task(stack.segments())
    await asyncio.wait_for(stack.demand.began.wait(), 30)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(stack.demand.cancelled.wait(), 30)


async def test_leaving_a_stream_cancels_the_work_behind(stack: Any) -> None:
    stub = system_pb2_grpc.SystemServiceStub(stack.channel)
    watch = stub.Watch(system_pb2.WatchRequest())
    assert (await anext(watch)).table == "caller is nobody"
    await watch.aclose()
    await asyncio.wait_for(stack.system.ended.wait(), 30)


async def test_the_trace_goes_on_in_the_next_process(stack: Any, caller: Any) -> None:
    caller("ada")
    ours = telemetry.continued("")
    telemetry.current.set(ours)
    seen: list[telemetry.Trace | None] = []

    async def note(_request: Any, _context: Any) -> Answer:
        seen.append(telemetry.current.get())
        return Answer()

    stack.demand.answer = note
    await stack.segments()
    theirs = seen[0]
    assert theirs is not None and theirs.trace_id == ours.trace_id and theirs.span_id != ours.span_id


async def test_a_stream_has_a_trace_too_and_a_new_one_where_the_caller_has_none(stack: Any) -> None:
    stub = system_pb2_grpc.SystemServiceStub(stack.channel)
    watch = stub.Watch(system_pb2.WatchRequest())
    await anext(watch)
    assert len((await anext(watch)).table) == 32
    await watch.aclose()


async def test_the_token_goes_on_with_the_calls_made_for_its_request(stack: Any, caller: Any) -> None:
    caller("ada")
    seen: list[principal.Principal] = []

    async def note(_request: Any, _context: Any) -> Answer:
        seen.append(principal.current.get())
        return Answer()

    stack.demand.answer = note
    await stack.segments()
    assert seen[0].subject == "ada" and seen[0].token == "ada"


class EmailTaken(Conflict):
    reason = "EMAIL_TAKEN"


async def test_an_error_arrives_as_it_was_raised(stack: Any, caller: Any) -> None:
    caller("ada")

    async def refuse(*_: Any) -> Answer:
        raise EmailTaken("that one is taken – ältere Konten", metadata={"at": "7"}, errors=[FieldError("email", "x")])

    stack.demand.answer = refuse
    with pytest.raises(Conflict) as raised:
        await stack.segments()
    error = raised.value
    assert (error.detail, error.error_reason) == ("that one is taken – ältere Konten", "EMAIL_TAKEN")
    assert (error.metadata, error.errors) == ({"at": "7"}, (FieldError("email", "x"),))


async def test_many_field_errors_still_arrive(stack: Any, caller: Any) -> None:
    caller("ada")
    wrong = [FieldError(f"items.{number}.name", "must not be empty" * 5) for number in range(100)]

    async def refuse(*_: Any) -> Answer:
        raise InvalidArgument("a hundred things are wrong", errors=wrong)

    stack.demand.answer = refuse
    with pytest.raises(InvalidArgument) as raised:
        await stack.segments()
    assert raised.value.errors == tuple(wrong)


async def test_an_unexpected_exception_hides_its_text(stack: Any, caller: Any, way: str) -> None:
    caller("ada")

    async def fail(*_: Any) -> Answer:
        raise RuntimeError("password is hunter2")

    stack.demand.answer = fail
    with pytest.raises(Internal) as raised:
        await stack.segments()
    assert "hunter2" not in raised.value.detail
    cause = raised.value.__cause__
    if way == "carried":
        assert cause is None
        return
    assert isinstance(cause, grpc.aio.AioRpcError)
    assert "hunter2" not in repr(cause) and "hunter2" not in str(cause.trailing_metadata())


async def test_an_unavailable_store_keeps_its_reason_and_names_the_service(stack: Any, caller: Any) -> None:
    caller("ada")

    async def fail(*_: Any) -> Answer:
        raise Unavailable("the database does not answer", reason="DATABASE_DOWN")

    stack.demand.answer = fail
    with pytest.raises(Unavailable) as raised:
        await stack.segments()
    assert (raised.value.error_reason, raised.value.metadata) == ("DATABASE_DOWN", {"service": "demand"})


async def test_a_method_that_is_not_there_says_so(stack: Any) -> None:
    with pytest.raises(Unimplemented, match="demand"):
        await stack.channel.call("/demand.v1.DemandService/Nothing", b"", bytes, bytes)


async def test_an_answer_by_context_abort_keeps_its_code(stack: Any, caller: Any) -> None:
    caller("ada")

    async def refuse(_request: Any, context: Any) -> None:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such thing")

    stack.demand.answer = refuse
    with pytest.raises(PlatformError, match="no such thing") as raised:
        await stack.segments()
    assert raised.value.code is grpc.StatusCode.NOT_FOUND
