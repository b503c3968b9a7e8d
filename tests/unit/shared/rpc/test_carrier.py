"""Calls carried in batches over one stream: each its own answer, and none harmed by another."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from protos.auth.v1 import auth_pb2
from protos.common.v1 import system_pb2
from protos.demand.v1 import demand_pb2
from shared.errors import (
    DeadlineExceeded,
    InvalidArgument,
    OutOfRange,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from shared.rpc import carried, carrier
from shared.rpc.channel import channel
from shared.settings import ProcessSettings

SEGMENTS = "/demand.v1.DemandService/ListSegments"
Request, Answer = demand_pb2.ListSegmentsRequest, demand_pb2.ListSegmentsResponse


async def forever(*_: Any) -> Answer:
    await asyncio.Event().wait()
    return Answer()


async def call(stack: Any, request: Any = None, **more: Any) -> Any:
    return await stack.channel.call(
        SEGMENTS, request or Request(), Request.SerializeToString, Answer.FromString, **more
    )


async def echo(request: Any, _context: Any) -> Answer:
    # The later a call was made, the sooner it is answered.
    for _ in range(200 - int(request.as_of)):
        await asyncio.sleep(0)
    return Answer(table={"next_page_token": request.as_of})


async def echo_length(request: Any, _context: Any) -> Answer:
    return Answer(table={"next_page_token": str(len(request.as_of))})


def answering(text: str) -> Any:
    async def answer(*_: Any) -> Answer:
        return Answer(table={"next_page_token": text})

    return answer


async def test_each_of_many_calls_at_once_gets_its_own_answer(stack: Any, caller: Any) -> None:
    caller("ada")
    stack.demand.answer = echo
    answers = await asyncio.gather(*(call(stack, Request(as_of=str(number))) for number in range(200)))
    assert [answer.table.next_page_token for answer in answers] == [str(number) for number in range(200)]


async def test_calls_that_come_turn_after_turn_of_the_loop_travel_together(
    stack: Any, caller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller("ada")
    stack.demand.answer = echo_length
    await call(stack)
    sizes: list[int] = []
    batch = carrier.Stream._batch

    def counted(stream: carrier.Stream) -> Any:
        sizes.append(len(found := batch(stream)))
        return found

    async def later(turns: int) -> Any:
        for _ in range(turns):
            await asyncio.sleep(0)
        return await call(stack)

    monkeypatch.setattr(carrier.Stream, "_batch", counted)
    await asyncio.gather(*(later(turns) for turns in range(carrier.ENOUGH_GATHERED)))
    assert sizes == [carrier.ENOUGH_GATHERED]


async def test_requests_and_answers_longer_than_a_batch_arrive_whole(
    stack: Any, caller: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller("ada")
    long = "x" * (carrier.MOST_BATCH_BYTES // 2 + 1)

    async def lengthen(request: Any, _context: Any) -> Answer:
        return Answer(table={"next_page_token": request.as_of * 2})

    stack.demand.answer = lengthen
    answers = await asyncio.gather(*(call(stack, Request(as_of=long)) for _ in range(5)))
    assert {answer.table.next_page_token for answer in answers} == {long * 2}


async def test_a_long_answer_does_not_hold_up_short_ones(stack: Any, caller: Any, monkeypatch: Any) -> None:
    """Answers that are ready while a long one is on its way overtake it."""
    caller("ada")
    arrived: list[str] = []
    settle, long_begun = carrier.Stream._settle, asyncio.Event()

    def noted(self: Any, answer: Any) -> None:
        arrived.append(f"{answer.id} {answer.WhichOneof('outcome')}")
        long_begun.set()
        settle(self, answer)

    monkeypatch.setattr(carrier.Stream, "_settle", noted)
    text = "x" * (20 * 1024 * 1024)

    async def some(request: Any, _context: Any) -> Answer:
        return Answer(table={"next_page_token": text if request.as_of == "long" else "short"})

    stack.demand.answer = some
    long = asyncio.create_task(call(stack, Request(as_of="long")))
    async with asyncio.timeout(60):
        await long_begun.wait()
        assert (await call(stack)).table.next_page_token == "short"
        assert not long.done()
        assert (await long).table.next_page_token == text
    assert arrived[0] == "1 part"
    assert arrived.index("2 response") < arrived.index("1 response")


async def test_a_long_answer_that_nobody_waits_for_any_more_is_not_sent_to_its_end(
    stack: Any, caller: Any, monkeypatch: Any
) -> None:
    caller("ada")
    begun, parts, settle = asyncio.Event(), [], carrier.Stream._settle

    def noted(self: Any, answer: Any) -> None:
        parts.append(answer)
        begun.set()
        settle(self, answer)

    monkeypatch.setattr(carrier.Stream, "_settle", noted)
    stack.demand.answer = answering("x" * (40 * 1024 * 1024))
    long = asyncio.create_task(call(stack))
    async with asyncio.timeout(60):
        await begun.wait()
        long.cancel()
        await asyncio.wait([long])
        assert stack.channel._carrier._stream._parts == {}
        stack.demand.answer = stack.demand.nothing
        await call(stack)
        await call(stack)
    assert not any(one.id == 1 and one.WhichOneof("outcome") == "response" for one in parts)
    assert len(parts) < 160


async def test_an_answer_over_the_limit_fails_alone(stack: Any, caller: Any, monkeypatch: Any) -> None:
    caller("ada")
    go = asyncio.Event()

    async def some(request: Any, _context: Any) -> Answer:
        if request.as_of == "held":
            await go.wait()
            return Answer(table={"next_page_token": "held"})
        return Answer(table={"next_page_token": "x" * 2_000_000})

    stack.demand.answer = some
    held = asyncio.create_task(call(stack, Request(as_of="held")))
    for where in (carried, carrier):  # the service's own limit, and the one of whoever asks
        with monkeypatch.context() as patch:
            patch.setattr(where, "MAX_MESSAGE_BYTES", 1_000_000)
            with pytest.raises(OutOfRange) as refused:
                await call(stack)
            assert refused.value.error_reason == "ANSWER_TOO_LARGE"
    go.set()
    assert (await held).table.next_page_token == "held"


async def test_a_long_request_goes_by_itself(stack: Any, caller: Any, monkeypatch: Any) -> None:
    caller("ada")
    sent: list[int] = []
    put = carrier.Stream._put

    def noted(self: Any, one: Any) -> None:
        sent.append(len(one.request))
        put(self, one)

    monkeypatch.setattr(carrier.Stream, "_put", noted)
    stack.demand.answer = echo_length
    for length in (10, carrier.PART_BYTES + 1):
        assert (await call(stack, Request(as_of="x" * length))).table.next_page_token == str(length)
    assert len(sent) == 1


async def test_whoever_takes_no_parts_gets_a_long_answer_whole(stack: Any, caller: Any, monkeypatch: Any) -> None:
    """A gateway of an earlier release, while the services are rolled out."""
    caller("ada")
    monkeypatch.setattr(carrier, "TAKES_PARTS", "something-else")
    outcomes, settle = [], carrier.Stream._settle

    def noted(self: Any, answer: Any) -> None:
        outcomes.append(answer.WhichOneof("outcome"))
        settle(self, answer)

    monkeypatch.setattr(carrier.Stream, "_settle", noted)
    stack.demand.answer = answering("x" * 2_000_000)
    assert len((await call(stack)).table.next_page_token) == 2_000_000
    assert outcomes == ["response"]


async def test_one_call_given_up_leaves_the_others_alone(stack: Any, caller: Any) -> None:
    caller("ada")
    waiting = asyncio.Event()

    async def some(request: Any, _context: Any) -> Answer:
        if request.as_of == "slow":
            return await forever()
        await waiting.wait()
        return Answer()

    stack.demand.answer = some
    other = asyncio.create_task(call(stack))
    with pytest.raises(DeadlineExceeded):
        await call(stack, Request(as_of="slow"), timeout=0.05)
    await asyncio.wait_for(stack.demand.cancelled.wait(), 30)
    waiting.set()
    assert await other == Answer()


async def test_deadlines_pass_in_their_own_order(stack: Any, caller: Any) -> None:
    caller("ada")
    stack.demand.answer = forever
    passed: list[float] = []

    async def given_up(seconds: float) -> None:
        with pytest.raises(DeadlineExceeded):
            await call(stack, timeout=seconds)
        passed.append(seconds)

    await asyncio.gather(*(given_up(seconds) for seconds in (0.3, 0.1, 0.2)))
    assert passed == [0.1, 0.2, 0.3]


async def test_a_carried_call_is_let_in_by_the_policy_of_its_own_method(stack: Any, caller: Any) -> None:
    with pytest.raises(Unauthenticated):
        await call(stack)
    caller("bob")
    with pytest.raises(PermissionDenied):
        await call(stack)
    caller("mallory")
    with pytest.raises(Unauthenticated):
        await call(stack)


async def test_a_request_that_is_no_such_message_is_refused(stack: Any, caller: Any) -> None:
    caller("ada")
    with pytest.raises(InvalidArgument):
        await stack.channel.call(SEGMENTS, b"\xff\xff\xff", bytes, Answer.FromString)


async def test_a_streaming_method_is_not_carried(stack: Any) -> None:
    with pytest.raises(Unimplemented):
        await stack.channel.call("/common.v1.SystemService/Watch", b"", bytes, system_pb2.WatchResponse.FromString)


async def test_a_call_that_finds_the_process_gone_names_it_and_the_next_finds_the_new_one(caller: Any) -> None:
    from tests.unit.shared.rpc.conftest import Stack  # noqa: PLC0415

    caller("ada")
    settings = ProcessSettings()
    one = Stack()
    one.demand.answer = forever
    async with one.started(settings) as bound:
        again = ProcessSettings(grpc_address=bound.grpc_address)
        one.channel = channel("demand", bound.grpc_address, settings)
        held = asyncio.create_task(call(one))
        await asyncio.wait_for(one.demand.began.wait(), 30)
        held.cancel()
        await asyncio.gather(held, return_exceptions=True)
    with pytest.raises(Unavailable) as raised:
        await call(one, timeout=5)
    assert raised.value.metadata == {"service": "demand"}
    one.demand.answer = one.demand.nothing
    async with one.started(again):
        for _ in range(100):
            try:
                assert await call(one, timeout=5) == Answer()
                break
            except Unavailable:
                await asyncio.sleep(0.05)
        else:
            pytest.fail("the new process was not found")
        await one.channel.close()


async def test_a_stopping_process_answers_what_it_holds_and_is_sent_nothing_more(caller: Any) -> None:
    from tests.unit.shared.rpc.conftest import Stack  # noqa: PLC0415

    caller("ada")
    settings, one, go = ProcessSettings(), Stack(), asyncio.Event()

    async def held(*_: Any) -> Answer:
        await go.wait()
        return Answer(table={"next_page_token": "held"})

    one.demand.answer = held
    running = one.started(settings)
    bound = await running.__aenter__()
    one.channel = channel("demand", bound.grpc_address, settings)
    early = asyncio.create_task(call(one))
    await asyncio.wait_for(one.demand.began.wait(), 30)
    stream = one.channel._carrier._stream
    assert stream is not None
    stop = asyncio.create_task(running.__aexit__(None, None, None))
    while not stream.ended:  # noqa: ASYNC110  the stream has no event for it
        await asyncio.sleep(0.01)
    go.set()
    assert (await early).table.next_page_token == "held"
    await stop
    await one.channel.close()


async def test_a_service_without_the_stream_is_called_method_by_method(caller: Any) -> None:
    server = grpc.aio.server()
    asked: list[str] = []

    class Plain(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            asked.append(details.method)
            if details.method != "/auth.v1.AuthService/GetMe":
                return None

            async def answer(_request: Any, _context: Any) -> Any:
                return auth_pb2.GetMeResponse(user={"id": "ada"})

            return grpc.unary_unary_rpc_method_handler(
                answer, auth_pb2.GetMeRequest.FromString, auth_pb2.GetMeResponse.SerializeToString
            )

    server.add_generic_rpc_handlers((Plain(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    to_bytes, from_bytes = auth_pb2.GetMeRequest.SerializeToString, auth_pb2.GetMeResponse.FromString
    async with channel("auth", f"127.0.0.1:{port}", ProcessSettings()) as plain:
        for _ in range(3):
            me = await plain.call("/auth.v1.AuthService/GetMe", auth_pb2.GetMeRequest(), to_bytes, from_bytes)
            assert me.user.id == "ada"
    await server.stop(None)
    assert asked == [carrier.CARRY, *["/auth.v1.AuthService/GetMe"] * 3]


async def test_a_stopping_process_tells_streams_opened_meanwhile_too(caller: Any) -> None:
    from tests.unit.shared.rpc.conftest import Stack  # noqa: PLC0415

    caller("ada")
    settings, one, go = ProcessSettings(), Stack(), asyncio.Event()

    async def held(*_: Any) -> Answer:
        await go.wait()
        return Answer()

    one.demand.answer = held
    running = one.started(settings)
    bound = await running.__aenter__()
    one.channel = channel("demand", bound.grpc_address, settings)
    early = asyncio.create_task(call(one))
    await asyncio.wait_for(one.demand.began.wait(), 30)
    stop = asyncio.create_task(running.__aexit__(None, None, None))
    first = one.channel._carrier._stream
    while not first.ended:  # noqa: ASYNC110  the stream has no event for it
        await asyncio.sleep(0.01)
    late = asyncio.create_task(call(one))
    await asyncio.sleep(0.05)
    second = one.channel._carrier._stream
    assert second is not first
    while not second.ended:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    go.set()
    await asyncio.gather(early, late, return_exceptions=True)
    assert early.result() == Answer()
    await stop
    await one.channel.close()


async def test_a_call_given_up_before_it_was_sent_is_never_sent(stack: Any, caller: Any) -> None:
    caller("ada")
    seen: list[str] = []

    async def note(request: Any, _context: Any) -> Answer:
        seen.append(request.as_of)
        return Answer()

    stack.demand.answer = note
    await call(stack, Request(as_of="first"))
    stream, taken, gate = stack.channel._carrier._stream, asyncio.Event(), asyncio.Event()
    write = stream._call.write

    async def stalled(batch: Any) -> None:
        taken.set()
        await gate.wait()
        await write(batch)

    stream._call.write = stalled
    held = asyncio.create_task(call(stack, Request(as_of="held")))
    await asyncio.wait_for(taken.wait(), 30)
    with pytest.raises(DeadlineExceeded):
        await call(stack, Request(as_of="given up"), timeout=0.05)
    gate.set()
    await held
    await call(stack, Request(as_of="last"))
    assert seen == ["first", "held", "last"]


async def test_a_call_after_closing_says_that_the_service_cannot_be_reached(stack: Any, caller: Any) -> None:
    caller("ada")
    await call(stack)
    await stack.channel._carrier.close()
    with pytest.raises(Unavailable):
        await call(stack)
