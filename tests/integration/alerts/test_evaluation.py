"""Rules that fire and are resolved, once each, and the notices that go out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from gateway.alerts.evaluate import event_of
from gateway.alerts.webhooks import DELIVERY, SIGNATURE
from tests.contract.backend import Backend
from tests.integration.alerts.conftest import World, alert_settings, standing
from tests.integration.realtime.conftest import running
from tests.waiting import ASK_AGAIN_SECONDS


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


async def test_mail_and_webhook_go_out_signed_and_what_is_taken_is_written_down(world: World) -> None:
    hook = {"kind": "webhook", "url": world.hook.url, "secret": "hook-secret"}
    rule = await world.rule(channels=[{"kind": "in_app"}, {"kind": "email"}, hook])
    await world.turn(revenue=200)
    mail = message_from_bytes(world.smtp.taken[0], policy=default)
    assert (mail["To"], mail["Subject"]) == ("ada@example.com", "Alert: Revenue is high")
    assert "demand.revenue is 200" in mail.get_content()
    ((headers, body, raw),) = world.hook.taken
    assert headers["line"] == "POST /hook/s3cret-path HTTP/1.1"
    at, _, mac = headers[SIGNATURE.lower()].partition(",v1=")
    signed = hmac.new(b"hook-secret", at.removeprefix("t=").encode() + b"." + raw, hashlib.sha256).hexdigest()
    assert mac == signed and headers[DELIVERY.lower()]
    assert (body["kind"], body["rule_id"], body["value"], body["in_app"]) == ("fired", rule["id"], 200, True)
    assert body["link"].endswith(f"/alerts/{rule['id']}")
    (event,) = await world.events(rule)
    assert sorted((one["kind"], one["outcome"]) for one in event["deliveries"]) == [
        ("email", "sent"),
        ("webhook", "sent"),
    ]
    await world.turn(1, revenue=1)
    assert [body["kind"] for _, body, _ in world.hook.taken] == ["fired", "resolved"]
    assert len(world.smtp.taken) == 2


async def test_each_template_has_the_form_of_its_receiver(world: World) -> None:
    name = "<!channel> & co"
    channels = [
        {"kind": "webhook", "url": world.hook.url, "template": "slack"},
        {"kind": "webhook", "url": world.hook.url, "template": "sms"},
        {"kind": "webhook", "url": world.hook.url, "template": "pagerduty", "secret": "routing-key"},
    ]
    rule = await world.rule(name=name, channels=channels)
    await world.turn(revenue=200)
    await world.turn(1, revenue=1)
    bodies = [body for _, body, _ in world.hook.taken]
    assert all(SIGNATURE.lower() not in headers for headers, _, _ in world.hook.taken)
    slack = [body["text"] for body in bodies if "mrkdwn" not in body and "*" in body.get("text", "")]
    assert slack[0].startswith("*Alert: &lt;!channel&gt; &amp; co*") and slack[1].startswith("*Resolved")
    texts = [body["text"] for body in bodies if "text" in body and "*" not in body["text"]]
    assert texts[0].startswith("Alert: <!channel> & co. demand.revenue is 200") and len(texts[0]) <= 160
    fired, resolved = sorted((body for body in bodies if "routing_key" in body), key=lambda one: -len(one))
    assert (fired["event_action"], resolved["event_action"]) == ("trigger", "resolve")
    assert fired["dedup_key"] == resolved["dedup_key"] == f"shop-insight-{rule['id']}"
    assert fired["payload"]["severity"] == "error" and fired["routing_key"] == "routing-key"


async def test_what_was_not_taken_is_sent_again_later_and_given_up_at_last(world: World) -> None:
    world.hook.statuses = [503, 429, 200]
    rule = await world.rule(channels=[{"kind": "webhook", "url": world.hook.url}])
    await world.turn(revenue=200)
    assert [len(world.hook.taken), (await world.events(rule))[0]["deliveries"][0]["outcome"]] == [1, "waiting"]
    await world.turn(0.1)
    assert len(world.hook.taken) == 1
    await world.turn(0.1)
    await world.turn(1)
    assert len(world.hook.taken) == 3
    assert len({headers[DELIVERY.lower()] for headers, _, _ in world.hook.taken}) == 1
    assert (await world.events(rule))[0]["deliveries"][0]["outcome"] == "sent"
    await world.turn(100)
    assert len(world.hook.taken) == 3
    world.hook.statuses = [500] * 10
    await world.turn(1, revenue=1)
    for _ in range(8):
        await world.turn(31)
    assert len(world.hook.taken) == 3 + 5
    (delivery,) = (await world.events(rule))[0]["deliveries"]
    assert (delivery["outcome"], delivery["reason"]) == ("failed", "WEBHOOK_FAILED")


@pytest.mark.parametrize("status", [302, 400, 404, 410])
async def test_a_no_is_taken_for_one_and_no_redirect_is_followed(world: World, status: int) -> None:
    world.hook.statuses = [status]
    rule = await world.rule(channels=[{"kind": "webhook", "url": world.hook.url}])
    await world.turn(revenue=200)
    await world.turn(60)
    assert len(world.hook.taken) == 1
    (delivery,) = (await world.events(rule))[0]["deliveries"]
    assert (delivery["outcome"], delivery["reason"]) == ("failed", "WEBHOOK_REJECTED")


async def test_a_mail_server_that_is_away_is_tried_again_and_an_address_not_confirmed_is_not(world: World) -> None:
    world.smtp.refuses = True
    rule = await world.rule(channels=[{"kind": "email"}])
    await world.turn(revenue=200)
    (delivery,) = (await world.events(rule))[0]["deliveries"]
    assert (delivery["outcome"], world.smtp.taken) == ("waiting", [])
    world.smtp.refuses = False
    await world.turn(1)
    assert len(world.smtp.taken) == 1
    world.owners["ada"] = standing(email="")
    await world.turn(1, revenue=1)
    (delivery,) = (await world.events(rule))[0]["deliveries"]
    assert (delivery["outcome"], delivery["reason"]) == ("failed", "EMAIL_NOT_VERIFIED")


async def test_a_test_notice_tells_at_once_how_each_channel_took_it(world: World) -> None:
    world.hook.statuses = [200, 500]
    hooks = [{"kind": "webhook", "url": world.hook.url}, {"kind": "webhook", "url": world.hook.url}]
    rule = await world.rule(channels=[*hooks, {"kind": "email"}])
    answer = await world.call("POST", f"/{rule['id']}/test")
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["kind"], told["rule_id"]) == ("test", rule["id"])
    outcomes = sorted((one["kind"], one["outcome"], one["reason"]) for one in told["deliveries"])
    assert outcomes == [("email", "sent", ""), ("webhook", "failed", "WEBHOOK_FAILED"), ("webhook", "sent", "")]
    assert await world.events(rule) == [told]
    await world.turn(60 * 24)
    assert len(world.hook.taken) == 2 and len(world.smtp.taken) == 1
    assert message_from_bytes(world.smtp.taken[0], policy=default)["Subject"] == "Test: Revenue is high"


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


async def test_a_webhook_that_takes_its_time_keeps_no_rule_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go, stop = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> None:
        begun.set()
        await go.wait()

    monkeypatch.setattr(world.alerts.delivery._webhooks, "post", slow)
    monkeypatch.setattr(world.alerts.evaluator, "_seconds", 0.01)
    first = await world.rule(channels=[{"kind": "webhook", "url": world.hook.url}])
    world.tiles["revenue"] = (200.0, None)
    task = asyncio.create_task(world.alerts.evaluator.run(stop))
    async with asyncio.timeout(20):
        await begun.wait()
        other = await world.rule(name="Other")
        while await state(world, other) != "firing":  # noqa: ASYNC110
            await asyncio.sleep(ASK_AGAIN_SECONDS)
        go.set()
        stop.set()
        await task
    [fired] = await world.events(first)
    assert [one["outcome"] for one in fired["deliveries"]] == ["sent"], "what was begun is ended"


async def test_a_notice_that_goes_wrong_by_our_mistake_is_given_up_and_the_others_are_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = world.alerts.delivery._webhooks.post

    async def broken(url: str, *more: Any) -> None:
        if url.endswith("/wrong"):
            raise RuntimeError("a mistake")
        await post(url, *more)

    monkeypatch.setattr(world.alerts.delivery._webhooks, "post", broken)
    wrong, right = ({"kind": "webhook", "url": url} for url in (world.hook.url + "/wrong", world.hook.url))
    rule = await world.rule(channels=[wrong, right])
    await world.turn(revenue=200)
    [fired] = await world.events(rule)
    assert sorted(one["outcome"] for one in fired["deliveries"]) == ["sent", "waiting"]
    for _ in range(5):
        await world.turn(minutes=31)
    [fired] = await world.events(rule)
    assert sorted((one["outcome"], one["reason"]) for one in fired["deliveries"]) == [
        ("failed", "INTERNAL"),
        ("sent", ""),
    ]
