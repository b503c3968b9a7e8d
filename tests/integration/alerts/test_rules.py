"""Rules over REST: whose they are, what is refused, and what is never told back."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.integration.alerts.conftest import PATH, RULE, World


async def told(world: World, verb: str, path: str = "", body: Any = None, **options: Any) -> tuple[int, str]:
    answer = await world.call(verb, path, body, **options)
    return answer.status_code, answer.json().get("reason", "")


async def test_a_rule_is_made_read_changed_and_deleted(world: World) -> None:
    answer = await world.call("POST", body=RULE)
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"{PATH}/{made['id']}")
    assert (made["owner"], made["state"], made["for_minutes"], made["enabled"]) == ("ada", "ok", 0, True)
    assert [one["kind"] for one in made["channels"]] == ["in_app"]
    assert (await world.call("GET", f"/{made['id']}")).json() == made
    assert (await world.call("GET")).json() == {"items": [made], "total_size": 1}
    changed = (await world.call("PATCH", f"/{made['id']}", {"enabled": False, "name": "Other"})).json()
    assert changed == {**made, "enabled": False, "name": "Other"} | {
        name: changed[name] for name in ("updated_at", "state_since")
    }
    assert (await world.call("DELETE", f"/{made['id']}")).status_code == 200
    assert await told(world, "GET", f"/{made['id']}") == (404, "ALERT_RULE_NOT_FOUND")


async def test_others_have_no_such_rule_and_whoever_manages_the_platform_has_all(world: World) -> None:
    rule = await world.rule()
    for verb, path, body in [
        ("GET", "", None),
        ("PATCH", "", {"enabled": False}),
        ("DELETE", "", None),
        ("GET", "/events", None),
        ("POST", "/test", None),
    ]:
        assert await told(world, verb, f"/{rule['id']}{path}", body, who="eve") == (404, "ALERT_RULE_NOT_FOUND")
    assert (await world.call("GET", who="eve")).json()["items"] == []
    assert await told(world, "GET", "?all=true", who="eve") == (403, "PERMISSION_MISSING")
    everybodys = (await world.call("GET", "?all=true", who="root", role="admin")).json()
    assert [one["id"] for one in everybodys["items"]] == [rule["id"]]
    assert (await world.call("GET", who="root", role="admin")).json()["items"] == []
    assert (
        await world.call("PATCH", f"/{rule['id']}", {"enabled": False}, who="root", role="admin")
    ).status_code == 200


async def test_a_token_that_may_not_see_the_figure_sees_no_rule_of_it(world: World) -> None:
    rule = await world.rule()
    narrow = {"permissions": ["copilot:read"]}
    assert (await world.call("GET", **narrow)).json()["items"] == []
    assert await told(world, "GET", f"/{rule['id']}", **narrow) == (404, "ALERT_RULE_NOT_FOUND")
    assert await told(world, "POST", body={**RULE, "name": "x"}, **narrow) == (403, "PERMISSION_MISSING")


async def test_a_program_may_read_rules_and_make_none(world: World) -> None:
    await world.rule()
    assert (await world.call("GET", api_key="k1")).json()["total_size"] == 1
    assert await told(world, "POST", body={**RULE, "name": "x"}, api_key="k1") == (403, "OWN_SESSION_ONLY")


async def test_who_is_bound_to_regions_has_no_rules_on_figures_of_all(world: World) -> None:
    assert await told(world, "POST", body=RULE, regions=["CA"]) == (403, "REGION_BOUND")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "a\r\nBcc: eve@example.com"}, "name"),
    ({"name": "x" * 121}, "name"),
    ({"metric": "demand"}, "metric"),
    ({"metric": "demand.nothing"}, "metric"),
    ({"metric": "nothing.revenue"}, "metric"),
    ({"condition": {"operator": "=", "threshold": 1}}, "condition.operator"),
    ({"condition": {"operator": ">", "threshold": "1"}}, "condition.threshold"),
    ({"condition": {"operator": ">", "threshold": 1e16}}, "condition.threshold"),
    ({"condition": {"operator": ">"}}, "condition.threshold"),
    ({"for_minutes": -1}, "for_minutes"),
    ({"for_minutes": 1.5}, "for_minutes"),
    ({"for_minutes": 1441}, "for_minutes"),
    ({"enabled": "yes"}, "enabled"),
    ({"channels": []}, "channels"),
    ({"channels": [{"kind": "in_app"}] * 6}, "channels"),
    ({"channels": [{"kind": "carrier pigeon"}]}, "channels.0.kind"),
    ({"channels": [{"kind": "email", "url": "https://example.com"}]}, "channels.0.url"),
    ({"channels": [{"kind": "webhook"}]}, "channels.0.url"),
    ({"channels": [{"kind": "webhook", "template": "pagerduty"}]}, "channels.0.secret"),
    ({"owner": "eve"}, "owner"),
]


@pytest.mark.parametrize(("change", "field"), WRONG)
async def test_a_wrong_field_is_named(world: World, change: dict[str, Any], field: str) -> None:
    answer = await world.call("POST", body={**RULE, **change})
    assert answer.status_code == 400, answer.text
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    assert (await world.call("GET")).json()["total_size"] == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x",
        "ftp://example.com/x",
        "https://",
        "nonsense",
        "https://user:pass@example.com/x",
        "https://127.0.0.1/x",
        "https://127.0.0.1:1/x",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://169.254.169.254/latest/meta-data",
        "https://10.1.2.3/x",
        "https://0.0.0.0/x",
        "https://2130706433/x",
        "https://localhost/x",
        "https://a..example/x",
        f"https://{'a' * 64}.example/x",
    ],
)
async def test_a_webhook_to_what_is_not_public_is_refused(world: World, url: str) -> None:
    answer = await world.call("POST", body={**RULE, "channels": [{"kind": "webhook", "url": url}]})
    assert (answer.status_code, answer.json()["reason"]) == (400, "WEBHOOK_ADDRESS_REFUSED")
    assert answer.json()["errors"][0]["field"] == "channels.0.url"


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"name": NaN}', b"[" * 100, b'{"a":' * 100, b"x" * 40_000])
async def test_a_body_that_is_no_object_of_ours_is_refused(world: World, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {world.backend.token('analyst')}", "Content-Type": "application/json"}
    answer = await world.gateway.http.post(PATH, content=body, headers=headers)
    assert answer.status_code in (400, 413)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_neither_secret_nor_address_is_told_back_or_kept_in_the_clear(world: World, tmp_path: Path) -> None:
    channel = {"kind": "webhook", "url": world.hook.url, "secret": "hook-s3cret"}
    answer = await world.call("POST", body={**RULE, "channels": [channel]})
    rule = answer.json()
    (shown,) = rule["channels"]
    assert shown["url"] == f"http://{world.hook.address}/…"
    assert shown["has_secret"] is True
    assert "s3cret" not in answer.text + (await world.call("GET")).text
    wrong = await world.call("PATCH", f"/{rule['id']}", {"channels": [{"kind": "email", "secret": "hook-s3cret"}]})
    assert "s3cret" not in wrong.text
    kept = {"channels": [{"id": shown["id"], "kind": "webhook", "template": "slack"}, {"kind": "in_app"}]}
    changed = (await world.call("PATCH", f"/{rule['id']}", kept)).json()["channels"]
    assert changed[0] == {**shown, "template": "slack"}
    with sqlite3.connect(tmp_path / "gateway" / "gateway.db") as store:
        assert "s3cret" not in "\n".join(store.iterdump())
    assert (tmp_path / "secrets" / "alerts.key").stat().st_mode & 0o777 == 0o600


async def test_names_are_each_ones_own_and_rules_are_counted(world: World) -> None:
    await world.rule()
    assert await told(world, "POST", body=RULE) == (409, "ALERT_RULE_EXISTS")
    other = await world.rule(name="Other")
    assert await told(world, "PATCH", f"/{other['id']}", {"name": RULE["name"]}) == (409, "ALERT_RULE_EXISTS")
    assert (await world.call("POST", body=RULE, who="bob")).status_code == 201
    several = await asyncio.gather(*(world.call("POST", body={**RULE, "name": f"n{n}"}) for n in range(55)))
    assert sorted(one.status_code for one in several) == [201] * 48 + [429] * 7


@pytest.mark.parametrize(("minutes", "status"), [(15.0, 201), (15.5, 400), ("15", 400), (True, 400), (None, 400)])
async def test_minutes_are_a_whole_number_however_it_is_written(world: World, minutes: object, status: int) -> None:
    made = await world.call("POST", body={**RULE, "for_minutes": minutes})
    assert made.status_code == status
    assert status == 400 or made.json()["for_minutes"] == 15


async def test_pages_of_events_are_whole(world: World) -> None:
    rule = await world.rule()
    for number in range(5):
        await world.turn(minutes=1, revenue=200 if number % 2 == 0 else 10)
    first = (await world.call("GET", f"/{rule['id']}/events?page_size=2")).json()
    token = first["next_page_token"]
    second = (await world.call("GET", f"/{rule['id']}/events?page_size=3&page_token={token}")).json()
    kinds = [one["kind"] for one in [*first["items"], *second["items"]]]
    assert kinds == ["fired", "resolved", "fired", "resolved", "fired"]
    assert "next_page_token" not in second and first["total_size"] == 5
    for wrong in ("page_size=0", "page_size=201", "page_size=x", "other=1"):
        assert await told(world, "GET", f"/{rule['id']}/events?{wrong}") == (400, "INVALID_ARGUMENT")
    for wrong in ("page_token=-1", "page_token=x"):
        assert await told(world, "GET", f"/{rule['id']}/events?{wrong}") == (400, "INVALID_PAGE_TOKEN")


async def test_a_secret_that_is_not_told_is_not_sent_to_a_new_address_either(world: World) -> None:
    secret = {"kind": "webhook", "template": "pagerduty", "url": world.hook.url, "secret": "routing-key-1"}
    rule = await world.rule(channels=[secret])
    channel = rule["channels"][0]
    kept = {"id": channel["id"], "kind": "webhook", "template": "pagerduty"}
    admin = {"who": "root", "role": "admin"}
    for change in ({"url": world.hook.url.replace("hook", "elsewhere")}, {"template": "plain", "url": world.hook.url}):
        body = {"channels": [{**kept, **change}]}
        answer = await world.call("PATCH", f"/{rule['id']}", body, **admin)
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"][0]["field"] == "channels.0.secret"
    # Nor into the body of a message where it only signed those before.
    plain = await world.rule(name="Plain", channels=[{**secret, "template": "plain"}])
    body = {"channels": [{"id": plain["channels"][0]["id"], "kind": "webhook", "template": "pagerduty"}]}
    assert (await world.call("PATCH", f"/{plain['id']}", body, **admin)).status_code == 400
    # What stays as it is stays, and so does what is said anew.
    for same in ({}, {"url": world.hook.url}, {"url": world.hook.url + "/new", "secret": "routing-key-2"}):
        answer = await world.call("PATCH", f"/{rule['id']}", {"channels": [{**kept, **same}]}, **admin)
        assert answer.status_code == 200, answer.text


async def test_who_is_bound_to_regions_sees_no_figure_of_all_in_the_rules_of_others(world: World) -> None:
    rule = await world.rule()
    await world.turn(revenue=200)
    bound = {"who": "root", "role": "admin", "regions": ["south"]}
    assert (await world.call("GET", "?all=true", **bound)).json()["items"] == []
    for verb, path in (("GET", ""), ("GET", "/events"), ("POST", "/test")):
        assert await told(world, verb, f"/{rule['id']}{path}", **bound) == (404, "ALERT_RULE_NOT_FOUND")


async def test_all_own_rules_tell_what_happened_in_one_list_paged_by_its_newest_event(world: World) -> None:
    first, second = await world.rule(), await world.rule(name="Other")
    await world.turn(revenue=200)
    await world.turn(1, revenue=1)
    seen: list[tuple[str, str]] = []
    token = ""
    while True:
        page = (await world.call("GET", f"/events?page_size=3&page_token={token}")).json()
        seen += [(one["rule_id"], one["kind"]) for one in page["items"]]
        assert page["total_size"] == 4
        if not (token := page.get("next_page_token", "")):
            break
    assert sorted(seen) == sorted((rule["id"], kind) for rule in (first, second) for kind in ("fired", "resolved"))
    assert [kind for _, kind in seen] == ["resolved", "resolved", "fired", "fired"]
    # Others have none of it, nor has the owner once the system may not be read any more.
    assert (await world.call("GET", "/events", who="eve")).json() == {"items": [], "total_size": 0}
    narrow = await world.call("GET", "/events", permissions=["copilot:read"])
    assert narrow.json() == {"items": [], "total_size": 0}
    wrong = await world.call("GET", "/events?page_token=x")
    assert (wrong.status_code, wrong.json()["reason"]) == (400, "INVALID_PAGE_TOKEN")
