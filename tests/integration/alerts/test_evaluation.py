"""Rules that fire and are resolved, once each, and the notices that go out."""

from __future__ import annotations

import asyncio
import math
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.alerts.evaluate import event_of
from gateway.realtime import figures as figures_module
from tests.contract.backend import Backend
from tests.integration.alerts.conftest import World, alert_settings, standing
from tests.integration.realtime.conftest import running


async def state(world: World, rule: dict[str, Any]) -> str:
    answer = await world.call("GET", f"/{rule['id']}")
    found: str = answer.json()["state"]
    return found


async def kinds(world: World, rule: dict[str, Any]) -> list[str]:
    return [one["kind"] for one in await world.events(rule)]


async def test_a_rule_fires_once_while_it_holds_and_is_resolved_when_it_does_not(world: World) -> None:
    rule = await world.rule()
    for revenue, expected, events in [
        (100, "ok", []),
        (101, "firing", ["fired"]),
        (150, "firing", ["fired"]),
        (99, "ok", ["resolved", "fired"]),
        (99, "ok", ["resolved", "fired"]),
        (120, "firing", ["fired", "resolved", "fired"]),
    ]:
        await world.turn(minutes=1, revenue=revenue)
        assert (await state(world, rule), await kinds(world, rule)) == (expected, events)
    newest = (await world.events(rule))[0]
    assert (newest["value"], newest["threshold"], newest["operator"], newest["metric"]) == (
        120,
        100,
        ">",
        "demand.revenue",
    )


async def test_a_rule_with_a_window_fires_after_it_has_held_that_long_without_a_break(world: World) -> None:
    rule = await world.rule(for_minutes=10)
    for minutes, revenue, expected in [(0, 200, "pending"), (9, 200, "pending"), (0.5, 50, "ok"), (1, 200, "pending")]:
        await world.turn(minutes, revenue=revenue)
        assert await state(world, rule) == expected
    assert await kinds(world, rule) == []
    await world.turn(10, revenue=200)
    assert (await state(world, rule), await kinds(world, rule)) == ("firing", ["fired"])


@pytest.mark.parametrize(
    ("operator", "threshold", "value", "change", "fires"),
    [
        (">", 10, 10, None, False),
        (">=", 10, 10, None, True),
        ("<", 10, 10, None, False),
        ("<=", 10, 10, None, True),
        ("change_pct<", -5, 1000, -5.1, True),
        ("change_pct<", -5, -1000, -5, False),
        ("change_pct<=", -5, 1000, -5, True),
        ("change_pct>", 5, 0, 5.5, True),
        ("change_pct>=", 5, 0, 5, True),
    ],
)
async def test_each_operator_compares_what_it_says(
    world: World, operator: str, threshold: float, value: float, change: float | None, fires: bool
) -> None:
    rule = await world.rule(condition={"operator": operator, "threshold": threshold})
    world.tiles["revenue"] = (value, change)
    await world.turn()
    assert await state(world, rule) == ("firing" if fires else "ok")


async def test_a_system_that_answers_nonsense_does_not_keep_the_other_rules_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = await world.rule()

    async def nonsense(system: str) -> Any:
        raise AttributeError("what gRPC makes of bytes that are no message")

    monkeypatch.setattr(world.alerts.evaluator, "_figures", nonsense)
    await world.turn()
    assert (await world.call("GET", f"/{rule['id']}")).json()["problem"] == "NO_FIGURE"


async def test_without_a_figure_nothing_is_decided_and_the_rule_says_so(world: World) -> None:
    rule = await world.rule()
    await world.turn(revenue=200)
    world.tiles.clear()
    await world.turn(1)
    found = (await world.call("GET", f"/{rule['id']}")).json()
    assert (found["state"], found["problem"]) == ("firing", "NO_FIGURE")
    await world.turn(1, revenue=200)
    found = (await world.call("GET", f"/{rule['id']}")).json()
    assert (found["state"], found["problem"], await kinds(world, rule)) == ("firing", "", ["fired"])
    change = await world.rule(name="change", condition={"operator": "change_pct>", "threshold": 1})
    await world.turn(1)
    assert (await world.call("GET", f"/{change['id']}")).json()["problem"] == "NO_FIGURE"


@pytest.mark.parametrize("who", [{"active": False}, {"permissions": ["copilot:read"]}, {"region_bound": True}, None])
async def test_a_rule_tells_nothing_to_an_owner_who_may_not_see_the_figure_any_more(
    world: World, who: dict[str, Any] | None
) -> None:
    rule = await world.rule(channels=[{"kind": "email"}, {"kind": "webhook", "url": world.hook.url}])
    if who is None:
        del world.owners["ada"]
    else:
        world.owners["ada"] = standing(**who)
    await world.turn(revenue=200)
    found = (await world.call("GET", f"/{rule['id']}")).json()
    assert (found["problem"], found["state"], found["value"]) == ("OWNER_MAY_NOT_READ", "ok", None)
    assert world.hook.taken == [] and world.smtp.taken == []


async def test_a_disabled_rule_is_not_looked_at_and_a_changed_one_begins_anew(world: World) -> None:
    rule = await world.rule(enabled=False)
    await world.turn(revenue=200)
    assert (await world.call("GET", f"/{rule['id']}")).json()["evaluated_at"] is None
    await world.call("PATCH", f"/{rule['id']}", {"enabled": True})
    await world.turn(1)
    assert await state(world, rule) == "firing"
    await world.call("PATCH", f"/{rule['id']}", {"condition": {"operator": ">", "threshold": 500}})
    assert await state(world, rule) == "ok"
    await world.turn(1)
    assert await kinds(world, rule) == ["fired"]


async def test_of_two_gateways_one_evaluates_and_the_other_takes_over(
    world: World, backend: Backend, tmp_path: Path
) -> None:
    rule = await world.rule(channels=[{"kind": "webhook", "url": world.hook.url}])
    settings = alert_settings(backend, tmp_path, world.hook, world.smtp)
    async with running(settings.model_copy(update={"alert_seconds": 0.0}), backend) as other:
        second = other.app.state.alerts
        second.clock = lambda: world.at
        for one in (world.alerts, second):
            one.evaluator._seconds = 15.0
        await world.turn(revenue=200)
        assert not await second.evaluator.turn()
        await world.turn(0.5)
        assert not await second.evaluator.turn()
        world.at += timedelta(minutes=1)
        assert await second.evaluator.turn()
        assert not await world.alerts.evaluator.turn()
    assert await kinds(world, rule) == ["fired"]
    assert len(world.hook.taken) == 1


async def test_two_who_decide_at_once_make_one_event(world: World) -> None:
    rule = await world.rule()
    (row,) = await world.alerts.book.rules(None)
    event = [event_of(row, "fired", 200.0, world.at) for _ in range(2)]
    first = await world.alerts.book.note(row, {"state": "firing"}, event[0], world.at)
    second = await world.alerts.book.note(row, {"state": "firing"}, event[1], world.at)
    assert first is not None and second is None
    assert await kinds(world, rule) == ["fired"]


async def test_the_owner_hears_of_it_live_on_every_gateway_and_nobody_else_does(
    world: World, backend: Backend, tmp_path: Path
) -> None:
    async with running(alert_settings(backend, tmp_path, world.hook, world.smtp), backend) as other:
        mine = await other.listener("alerts", token=backend.token("analyst", subject="ada"))
        eves = await world.gateway.listener("alerts", token=backend.token("analyst", subject="eve"))
        narrow = await other.listener("alerts", token=backend.token(permissions=[], subject="ada"))
        for one in (mine, eves, narrow):
            assert (await one.hear())["type"] == "subscribed"
        rule = await world.rule()
        await world.turn(revenue=200)
        told = await mine.hear()
        assert (told["topic"], told["data"]["kind"], told["data"]["rule_id"]) == ("alerts", "fired", rule["id"])
        assert told["data"]["event_id"] == (await world.events(rule))[0]["event_id"]
        await world.turn(1, revenue=1)
        assert (await mine.hear())["data"]["kind"] == "resolved"
        for one in (eves, narrow):
            await one.say({"op": "ping"})
            assert await one.hear() == {"type": "pong"}


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
async def test_a_figure_that_is_no_number_is_none(world: World, value: float) -> None:
    rule = await world.rule()
    await world.turn(revenue=value)
    found = await world.call("GET", f"/{rule['id']}")
    assert found.status_code == 200
    assert (found.json()["state"], found.json()["value"], found.json()["problem"]) == ("ok", None, "NO_FIGURE")
    world.tiles["revenue"] = (50.0, value)
    condition = {"operator": "change_pct>", "threshold": 1}
    await world.call("PATCH", f"/{rule['id']}", {"condition": condition})
    await world.turn()
    assert (await world.call("GET", f"/{rule['id']}")).json()["problem"] == "NO_FIGURE"


async def test_a_mistake_with_one_system_leaves_the_rules_of_others_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [await world.rule(), await world.rule(name="Other")]
    other = await world.alerts.book.rule(rules[1]["id"])
    assert other is not None
    await world.alerts.book.change(other, {"system": "copilot"}, other.name)
    asked = world.alerts.evaluator._figures

    async def figures(system: str) -> Any:
        if system == "copilot":
            raise RuntimeError("a mistake")
        return await asked(system)

    monkeypatch.setattr(world.alerts.evaluator, "_figures", figures)
    await world.turn(revenue=200)
    found = [(await world.call("GET", f"/{rule['id']}")).json() for rule in rules]
    assert [(one["state"], one["problem"]) for one in found] == [("firing", ""), ("ok", "NO_FIGURE")]


async def test_a_system_that_hangs_keeps_no_rule_of_another_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = [await world.rule(name="Hangs"), await world.rule()]
    hanging = await world.alerts.book.rule(rules[0]["id"])
    assert hanging is not None
    await world.alerts.book.change(hanging, {"system": "copilot"}, hanging.name)
    asked, note, noted = world.alerts.evaluator._figures, world.alerts.book.note, asyncio.Event()

    async def figures(system: str) -> Any:
        if system == "copilot":
            await noted.wait()  # answers once the other's rule was looked at, and not before
        return await asked("demand")

    async def noting(rule: Any, *arguments: Any) -> Any:
        found = await note(rule, *arguments)
        if rule.id == rules[1]["id"]:
            noted.set()
        return found

    monkeypatch.setattr(world.alerts.evaluator, "_figures", figures)
    monkeypatch.setattr(world.alerts.book, "note", noting)
    async with asyncio.timeout(20):
        await world.turn(revenue=200)
    assert [await state(world, rule) for rule in rules] == ["firing", "firing"]


async def test_a_system_that_never_answers_costs_a_turn_no_more_than_its_bound(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = await world.rule()
    asked: list[str] = []

    async def hangs(request: Any, context: Any) -> None:
        asked.append(request.dashboard)
        await asyncio.Event().wait()

    monkeypatch.setattr(figures_module, "TIMEOUT_SECONDS", 0.5)
    world.backend.answers["/common.v1.SystemService/Tiles"] = hangs
    async with asyncio.timeout(20):
        await world.turn()
    assert sorted(asked) == ["executive", "operations"], "both are asked at the same time"
    assert (await world.call("GET", f"/{rule['id']}")).json()["problem"] == "NO_FIGURE"


async def test_a_rule_that_cannot_be_written_leaves_the_others_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = await world.rule(), await world.rule(name="Other")
    note = world.alerts.book.note

    async def noted(rule: Any, *arguments: Any) -> Any:
        if rule.id == first["id"]:
            raise RuntimeError("a mistake")
        return await note(rule, *arguments)

    monkeypatch.setattr(world.alerts.book, "note", noted)
    await world.turn(revenue=200)
    assert (await world.call("GET", f"/{second['id']}")).json()["state"] == "firing"
