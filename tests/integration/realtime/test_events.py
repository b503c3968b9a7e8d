"""Events of a lake that moves, as those who may see them get them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from gateway.realtime.hub import KEPT_EVENTS
from gateway.realtime.listener import Key
from gateway.settings import GatewaySettings
from protos.common.v1 import operation_pb2, system_pb2
from shared.rpc import patience
from tests.contract.backend import Backend
from tests.integration.realtime.conftest import Gateway, Listening, running
from tests.waiting import until

TILES_RPC = "/common.v1.SystemService/Tiles"
TOPIC = "metrics.demand"


def tiles(revenue: float) -> Callable[..., system_pb2.TilesResponse]:
    """Return what answers tiles: revenue and customers on the executive dashboard, none on the other."""

    def answer(request: Any, context: Any) -> system_pb2.TilesResponse:
        found = system_pb2.TilesResponse()
        if request.dashboard == "executive":
            found.tiles.add(key="revenue", title="Revenue", value=revenue, unit="USD", change_pct=2.5)
            found.tiles.add(key="customers", title="Customers", value=7)
        return found

    return answer


async def subscribed(gateway: Gateway, *topics: str, **options: Any) -> Listening:
    listener = await gateway.listener(*topics, **options)
    told = await listener.hear()
    assert (told["type"], told["topics"]) == ("subscribed", list(topics))
    return listener


async def moved(gateway: Gateway, backend: Backend, listener: Listening) -> dict[str, Any]:
    """Return the first event of a table that moves until the gateway, which is still learning the lake, tells of it."""
    for version in range(2, 100):
        backend.move("demand.rfm_scores", version)
        try:
            async with asyncio.timeout(1):
                told = await listener.connection.recv()
        except TimeoutError:
            continue
        return dict(orjson.loads(told))
    raise AssertionError("no event came")


async def test_a_table_that_moves_is_told_with_the_tiles_that_changed(gateway: Gateway, backend: Backend) -> None:
    backend.answers[TILES_RPC] = tiles(100)
    listener = await subscribed(gateway, TOPIC)
    first = await moved(gateway, backend, listener)
    assert (first["type"], first["topic"], first["data"]["system"]) == ("event", TOPIC, "demand")
    backend.answers[TILES_RPC] = tiles(120)
    backend.move("demand.customer_segments", 5)
    second = await listener.hear()
    revenue = {"dashboard": "executive", "key": "revenue", "title": "Revenue", "unit": "USD", "change_pct": 2.5}
    assert second["data"] == {
        "system": "demand",
        "tables": {"demand.customer_segments": 5},
        "tiles": [{**revenue, "value": 120.0}],
    }
    assert second["at"].endswith("Z") and second["seq"] != first["seq"]


async def test_a_listener_may_say_nothing_for_as_long_as_it_likes(gateway: Gateway, monkeypatch: Any) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 0.2)
    listener = await subscribed(gateway, TOPIC)
    host, _, port = gateway.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    assert await reader.read() == b"", "who opened later and says nothing in HTTP is closed"
    writer.close()
    await listener.say({"op": "ping"})
    assert await listener.hear() == {"type": "pong"}


async def test_who_is_bound_to_regions_learns_that_a_table_moved_and_no_figure(
    gateway: Gateway, backend: Backend
) -> None:
    backend.answers[TILES_RPC] = tiles(100)
    bound = backend.token(permissions=["demand:read"], subject="bound", regions=["CA"])
    listener = await subscribed(gateway, TOPIC, token=bound)
    told = await moved(gateway, backend, listener)
    assert told["data"]["tiles"] is None
    assert set(told["data"]["tables"]) == {"demand.rfm_scores"}


async def test_tiles_that_cannot_be_asked_do_not_hold_the_event_back(gateway: Gateway, backend: Backend) -> None:
    async def breaks(request: Any, context: Any) -> None:
        raise RuntimeError("broken")

    backend.answers[TILES_RPC] = breaks
    listener = await subscribed(gateway, TOPIC)
    assert (await moved(gateway, backend, listener))["data"]["tiles"] is None


async def test_a_caller_who_comes_back_gets_what_was_missed_in_its_order(gateway: Gateway) -> None:
    hub = gateway.realtime.hub
    first = await subscribed(gateway, TOPIC)
    hub.publish([(Key(TOPIC), {"n": 0})])
    last = (await first.hear())["seq"]
    await first.connection.close()
    for number in (1, 2, 3):
        hub.publish([(Key(TOPIC), {"n": number})])
        hub.publish([(Key("metrics.copilot"), {"n": number})])
    again = await gateway.listener(TOPIC, resume={TOPIC: last})
    missed = [await again.hear() for _ in range(4)]
    assert [one.get("data") for one in missed] == [{"n": 1}, {"n": 2}, {"n": 3}, None]
    assert (missed[3]["type"], missed[3]["topics"]) == ("subscribed", [TOPIC])
    hub.publish([(Key(TOPIC), {"n": 4})])
    assert (await again.hear())["data"] == {"n": 4}


async def test_the_seq_of_a_subscription_resumes_from_it(gateway: Gateway) -> None:
    listener = await gateway.listener(TOPIC)
    seq = (await listener.hear())["seq"]
    await listener.connection.close()
    gateway.realtime.hub.publish([(Key(TOPIC), "missed")])
    again = await gateway.listener(TOPIC, resume={TOPIC: seq})
    assert (await again.hear())["data"] == "missed"


async def test_who_resumes_at_another_gateway_is_told_to_read_anew_and_hears_what_comes(
    gateway: Gateway, backend: Backend, settings: GatewaySettings
) -> None:
    backend.answers[TILES_RPC] = tiles(100)
    here = await subscribed(gateway, TOPIC)
    last = (await moved(gateway, backend, here))["seq"]
    async with running(settings, backend) as other:
        for topic in (TOPIC, "alerts", "operations"):
            there = await other.listener(topic, resume={topic: last})
            assert await there.hear() == {"type": "reset", "topic": topic}
            told = await there.hear()
            assert told["type"] == "subscribed"
            # A sequence id of that gateway is none here either, and a reset is told each time.
            back = await gateway.listener(topic, resume={topic: told["seq"]})
            assert await back.hear() == {"type": "reset", "topic": topic}
        there = await other.listener(TOPIC, resume={TOPIC: last})
        assert [(await there.hear())["type"] for _ in range(2)] == ["reset", "subscribed"]
        assert (await moved(other, backend, there))["topic"] == TOPIC


@pytest.mark.parametrize("seq", ["", "elsewhere.3", "x" * 40, "{epoch}.999999999999", "{epoch}.-1", "{epoch}.1"])
async def test_a_resume_that_is_not_known_is_reset(gateway: Gateway, seq: str) -> None:
    hub = gateway.realtime.hub
    for number in range(KEPT_EVENTS + 2):
        hub.publish([(Key(TOPIC), number)])
    known = seq.format(epoch=hub.seq().partition(".")[0])
    listener = await gateway.listener(TOPIC, resume={TOPIC: known})
    assert await listener.hear() == {"type": "reset", "topic": TOPIC}
    assert (await listener.hear())["type"] == "subscribed"


async def test_own_topics_are_one_callers_alone(gateway: Gateway, backend: Backend) -> None:
    ada = await subscribed(gateway, "alerts", "operations", token=backend.token("viewer", subject="ada"))
    bob = await subscribed(gateway, "alerts", "operations", token=backend.token("viewer", subject="bob"))
    gateway.realtime.hub.publish([(Key("alerts", "bob"), "bob's")])
    gateway.realtime.hub.publish([(Key("operations", "ada"), "ada's")])
    assert (await ada.hear())["data"] == "ada's"
    assert (await bob.hear())["data"] == "bob's"


async def test_an_event_that_needs_a_permission_is_left_out_for_who_lacks_it(
    gateway: Gateway, backend: Backend
) -> None:
    narrow = backend.token(permissions=["copilot:read"], subject="ada")
    listener = await subscribed(gateway, "alerts", token=narrow)
    gateway.realtime.hub.publish([(Key("alerts", "ada"), "not for this token")], needs="demand:read")
    gateway.realtime.hub.publish([(Key("alerts", "ada"), "for it")], needs="copilot:read")
    assert (await listener.hear())["data"] == "for it"


async def test_who_unsubscribes_hears_no_more_and_may_subscribe_again(gateway: Gateway) -> None:
    hub = gateway.realtime.hub
    listener = await subscribed(gateway, TOPIC)
    await listener.say({"op": "unsubscribe", "topics": [TOPIC, "alerts"]})
    assert await listener.hear() == {"type": "unsubscribed", "topics": [TOPIC]}
    hub.publish([(Key(TOPIC), "unheard")])
    await listener.say({"op": "subscribe", "topics": [TOPIC]})
    assert (await listener.hear())["type"] == "subscribed"
    hub.publish([(Key(TOPIC), "heard")])
    assert (await listener.hear())["data"] == "heard"


async def test_a_topic_one_may_not_hear_is_refused_and_the_others_are_had(gateway: Gateway, backend: Backend) -> None:
    listener = await gateway.listener("metrics.compliance", "metrics.nothing", TOPIC, token=backend.token("viewer"))
    told = [await listener.hear() for _ in range(3)]
    assert [(one["type"], one.get("reason"), one.get("topic")) for one in told[:2]] == [
        ("error", "PERMISSION_MISSING", "metrics.compliance"),
        ("error", "UNKNOWN_TOPIC", "metrics.nothing"),
    ]
    assert told[2]["topics"] == [TOPIC]
    gateway.realtime.hub.publish([(Key("metrics.compliance"), "secret")])
    gateway.realtime.hub.publish([(Key(TOPIC), "open")])
    assert (await listener.hear())["data"] == "open"


async def test_how_ones_long_work_stands_is_told_live_without_its_result(gateway: Gateway, backend: Backend) -> None:
    ada = await subscribed(gateway, "operations", token=backend.token("viewer", subject="ada"))
    bob = await subscribed(gateway, "operations", token=backend.token("viewer", subject="bob"))
    await until(lambda: backend._told)
    operation = operation_pb2.Operation(name="demand/1", done=True, progress_pct=100, kind="forecast")
    operation.result.update({"rows": 3})
    backend.tell_operation(operation, "ada")
    backend.tell_operation(operation_pb2.Operation(name="demand/2"), "")
    backend.tell_operation(operation_pb2.Operation(name="demand/3", phrase="reading"), "bob")
    told = await ada.hear()
    assert (told["topic"], told["data"]["name"], told["data"]["done"]) == ("operations", "demand/1", True)
    assert "result" not in told["data"]
    assert (await bob.hear())["data"]["name"] == "demand/3"
