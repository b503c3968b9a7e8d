"""The notices of rules: signed, in the form of their receivers, sent again where that may help."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from gateway.alerts.webhooks import DELIVERY, SIGNATURE
from tests.integration.alerts.conftest import World, standing
from tests.integration.alerts.test_evaluation import state
from tests.waiting import ASK_AGAIN_SECONDS


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
