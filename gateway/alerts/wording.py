"""An event in the words of each channel."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.alerts.rules import CHANGE
from gateway.alerts.store import FIRED, RESOLVED
from shared.mail import Mail

COMPARED = {">": "above", "<": "below", ">=": "at least", "<=": "at most"}
HEADINGS = {FIRED: "Alert", RESOLVED: "Resolved"}
SMS_LENGTH = 160


def heading(told: dict[str, Any]) -> str:
    """Return the first line of an event."""
    return f"{HEADINGS.get(told['kind'], 'Test')}: {told['name']}"


def sentence(metric: str, operator: str, threshold: float, value: float | None) -> str:
    """Return what is compared and how it stands, such as `… is 2460; the rule: below 2500`."""
    of_change, unit = operator.startswith(CHANGE), " %" if operator.startswith(CHANGE) else ""
    what = f"the change of {metric} against the period before" if of_change else metric
    now = "not known" if value is None else f"{value:g}{unit}"
    return f"{what} is {now}; the rule: {COMPARED[operator.removeprefix(CHANGE)]} {threshold:g}{unit}"


def mail_of(told: dict[str, Any], to: str, link: str) -> Mail:
    """Return the mail of an event."""
    return Mail(to, heading(told), f"{told['detail']}\n\nAt {told['at']}.\n\nThe rule: {link}\n")


def webhook_body(told: dict[str, Any], template: str, secret: str, link: str) -> bytes:
    """Return the body of a webhook. `secret` is PagerDuty's routing key and goes into no other."""
    if template == "slack":
        return orjson.dumps({"text": f"*{slack_text(heading(told))}*\n{slack_text(told['detail'])}\n<{link}>"})
    if template == "sms":
        return orjson.dumps({"text": f"{heading(told)}. {told['detail']}"[:SMS_LENGTH]})
    if template == "pagerduty":
        return orjson.dumps(pagerduty(told, secret, link))
    return orjson.dumps({**told, "link": link})


def slack_text(text: str) -> str:
    """Return a text in which nothing is markup of Slack's, such as a mention of everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def pagerduty(told: dict[str, Any], routing_key: str, link: str) -> dict[str, Any]:
    """Return an event of PagerDuty's Events API v2; what fired and what resolved it have one key."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": "resolve" if told["kind"] == RESOLVED else "trigger",
        "dedup_key": f"shop-insight-{told['rule_id']}" + ("" if told["kind"] in HEADINGS else "-test"),
    }
    if told["kind"] != RESOLVED:
        event["payload"] = {
            "summary": f"{heading(told)}. {told['detail']}"[:1024],
            "source": told["metric"],
            "severity": "error" if told["kind"] == FIRED else "info",
            "timestamp": told["at"],
            "custom_details": told,
        }
        event["links"] = [{"href": link, "text": "The rule"}]
    return event
