"""What the OpenAPI document says of /api/v1/alert-rules."""

from __future__ import annotations

from typing import Any

from gateway.alerts.rest import EVENTS as EVENTS_PATH
from gateway.alerts.rest import LARGEST_PAGE, PAGE, PATH
from gateway.alerts.rules import LINE, METRIC
from shared.systems import SYSTEMS

TEXT, BOOL = {"type": "string"}, {"type": "boolean"}
FLOAT, WHOLE, LONG = {"type": "number"}, {"type": "integer", "format": "int32"}, {"type": "integer", "format": "int64"}
MOMENT = {"type": "string", "format": "date-time"}
OPERATORS = [change + sign for change in ("", "change_pct") for sign in (">", "<", ">=", "<=")]
FIGURE = f"{SYSTEMS[1].name}.revenue"
RULE_ID, CHANNEL_ID = "4f2a9c1e0b7d4a63b1c5d8e9f0a1b2c3", "9d1c7e5a3b2f4c6d8e0a1b2c3d4e5f60"
NAME = {**TEXT, "minLength": 1, "maxLength": 120, "pattern": LINE}
NAME |= {"description": "In words; each of one's rules has another."}
METRIC_FIELD = {**TEXT, "pattern": METRIC, "description": "`<system>.<tile>`: a figure of a dashboard."}
WINDOW = {**WHOLE, "minimum": 0, "maximum": 1440, "description": "Minutes the condition must hold before it fires."}
ENABLED = {**BOOL, "description": "False: it is not looked at."}
CONDITION = {
    "type": "object",
    "required": ["operator", "threshold"],
    "additionalProperties": False,
    "description": "`change_pct…` compares the change against the period before.",
    "properties": {
        "operator": {**TEXT, "enum": OPERATORS},
        "threshold": {**FLOAT, "minimum": -1e15, "maximum": 1e15},
    },
}
KIND = {**TEXT, "enum": ["in_app", "email", "webhook"], "description": "email: to the owner's confirmed address."}
TEMPLATE = {**TEXT, "enum": ["plain", "slack", "pagerduty", "sms"], "description": "Form of a webhook's body."}
SIGNS = "Signs a webhook (HMAC-SHA-256); for pagerduty the routing key. Never told back."
CHANNELS_IN = {
    "type": "array",
    "minItems": 1,
    "maxItems": 5,
    "description": "Whom to tell; `in_app` when left out.",
    "items": {
        "type": "object",
        "required": ["kind"],
        "additionalProperties": False,
        "properties": {
            "id": {**TEXT, "maxLength": 32, "description": "Of a channel the rule has: what is left out here stays."},
            "kind": KIND,
            "template": TEMPLATE,
            "url": {**TEXT, "maxLength": 2000, "description": "Where a webhook is sent: https, a public host."},
            "secret": {**TEXT, "maxLength": 500, "description": SIGNS},
        },
    },
}
CHANNELS_OUT = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["id", "kind"],
        "properties": {
            "id": TEXT,
            "kind": KIND,
            "template": TEMPLATE,
            "url": {**TEXT, "description": "Scheme and host; the rest is not told."},
            "has_secret": BOOL,
        },
    },
}


def object_of(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of an object."""
    return {
        "type": "object",
        "required": [name for name in properties if name not in optional],
        "properties": properties,
    }


RULE = object_of(
    {
        "id": TEXT,
        "owner": {**TEXT, "description": "Subject of who made it."},
        "name": NAME,
        "metric": METRIC_FIELD,
        "condition": CONDITION,
        "for_minutes": WINDOW,
        "channels": CHANNELS_OUT,
        "enabled": ENABLED,
        "state": {**TEXT, "enum": ["ok", "pending", "firing"], "description": "pending: holds, but not long enough."},
        "state_since": MOMENT,
        "value": {"type": ["number", "null"], "description": "What was compared last."},
        "evaluated_at": {"type": ["string", "null"], "format": "date-time", "description": "When that was."},
        "problem": {**TEXT, "description": "Why it cannot be looked at: NO_FIGURE, OWNER_MAY_NOT_READ; or empty."},
        "created_at": MOMENT,
        "updated_at": MOMENT,
    }
)
DELIVERY = object_of(
    {
        "channel_id": TEXT,
        "kind": KIND,
        "outcome": {**TEXT, "enum": ["waiting", "sent", "failed"]},
        "reason": {**TEXT, "description": "Why it was not taken, or not yet."},
    }
)
EVENT = object_of(
    {
        "event_id": LONG,
        "rule_id": TEXT,
        "name": TEXT,
        "kind": {**TEXT, "enum": ["fired", "resolved", "test"]},
        "metric": TEXT,
        "value": {"type": ["number", "null"]},
        "operator": {**TEXT, "enum": OPERATORS},
        "threshold": FLOAT,
        "at": MOMENT,
        "in_app": {**BOOL, "description": "Whether the application shall show it."},
        "detail": {**TEXT, "description": "A sentence."},
        "deliveries": {"type": "array", "items": DELIVERY},
    }
)
AT = "2026-11-21T07:15:30.000Z"
RULE_EXAMPLE = {
    "id": RULE_ID,
    "owner": "8c1f",
    "name": "Revenue falls",
    "metric": FIGURE,
    "condition": {"operator": "change_pct<", "threshold": -10.0},
    "for_minutes": 15,
    "channels": [
        {
            "id": CHANNEL_ID,
            "kind": "webhook",
            "template": "slack",
            "url": "https://hooks.slack.com/…",
            "has_secret": False,
        }
    ],
    "enabled": True,
    "state": "ok",
    "state_since": AT,
    "value": None,
    "evaluated_at": None,
    "problem": "",
    "created_at": AT,
    "updated_at": AT,
}
NEW_EXAMPLE = {
    "name": "Revenue falls",
    "metric": FIGURE,
    "condition": {"operator": "change_pct<", "threshold": -10.0},
    "for_minutes": 15,
    "channels": [{"kind": "in_app"}, {"kind": "email"}],
}
EVENT_EXAMPLE = {
    "event_id": 7,
    "rule_id": RULE_ID,
    "name": "Revenue falls",
    "kind": "fired",
    "metric": FIGURE,
    "value": -12.5,
    "operator": "change_pct<",
    "threshold": -10.0,
    "at": AT,
    "in_app": True,
    "detail": f"the change of {FIGURE} against the period before is -12.5 %; the rule: below -10 %",
    "deliveries": [{"channel_id": CHANNEL_ID, "kind": "webhook", "outcome": "sent", "reason": ""}],
}
FIELDS_IN = {
    "name": NAME,
    "metric": METRIC_FIELD,
    "condition": CONDITION,
    "for_minutes": {**WINDOW, "default": 0},
    "channels": CHANNELS_IN,
    "enabled": {**ENABLED, "default": True},
}
OPTIONAL = ("for_minutes", "channels", "enabled")
CHECKED = ["UNKNOWN_METRIC", "REGION_BOUND", "PERMISSION_MISSING", "WEBHOOK_ADDRESS_REFUSED", "ALERT_RULE_EXISTS"]
NOT_FOUND = ["ALERT_RULE_NOT_FOUND"]
STORE = ["RATE_LIMITED", "STORE_UNAVAILABLE"]
OWN = "One's own rules alone; `platform:manage` reaches everybody's."
ID_PARAMETER = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "Id of the rule.",
    "schema": TEXT,
    "example": RULE_ID,
}


def query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a parameter of a query."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def body(schema: dict[str, Any], example: Any, *, required: bool = True) -> dict[str, Any]:
    """Return what a request sends."""
    return {"required": required, "content": {"application/json": {"schema": schema, "example": example}}}


def operation(
    name: str, summary: str, text: str, answer: tuple[str, dict[str, Any], Any], reasons: list[str], **more: Any
) -> dict[str, Any]:
    """Return one operation; `answer` is its status, schema and example."""
    status, schema, example = answer
    return {
        "tags": ["Alerts"],
        "operationId": f"Alerts_{name}",
        "summary": summary,
        "description": f"{text}\n\n{OWN} Needs a token, but no permission beside that of the figure's system.",
        "security": [{"bearer": []}],
        "x-error-reasons": [*reasons, *STORE],
        "responses": {
            status: {"description": "Done.", "content": {"application/json": {"schema": schema, "example": example}}}
        },
        **more,
    }


PERSON = {"x-own-session": True}
LIST = object_of({"items": {"type": "array", "items": RULE}, "total_size": LONG})
EVENTS = object_of(
    {"items": {"type": "array", "items": EVENT}, "total_size": LONG, "next_page_token": TEXT}, ("next_page_token",)
)
PAGING = [
    query("page_size", "Events a page.", {**WHOLE, "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE}),
    query("page_token", "Token from the page before.", TEXT),
]
CHANGED = {"type": "object", "additionalProperties": False, "properties": {**FIELDS_IN}}
NEW = {**object_of(FIELDS_IN, OPTIONAL), "additionalProperties": False}
PATHS: dict[str, Any] = {
    PATH: {
        "get": operation(
            "ListRules",
            "Alert rules",
            "Lists the rules, oldest first; they are never paged.",
            ("200", LIST, {"items": [RULE_EXAMPLE], "total_size": 1}),
            ["PERMISSION_MISSING"],
            parameters=[query("all", "Everybody's; needs `platform:manage`.", {**BOOL, "default": False})],
        ),
        "post": operation(
            "CreateRule",
            "Make an alert rule",
            "Makes a rule. The figure must be one that the caller may see in every region.",
            ("201", RULE, RULE_EXAMPLE),
            [*CHECKED, "TOO_MANY_ALERT_RULES"],
            requestBody=body(NEW, NEW_EXAMPLE),
            **PERSON,
        ),
    },
    EVENTS_PATH: {
        "get": operation(
            "ListAllEvents",
            "What happened to all of one's rules",
            "Lists when one's own rules fired and were resolved, newest first, of figures that one may still see.",
            ("200", EVENTS, {"items": [EVENT_EXAMPLE], "total_size": 1}),
            ["INVALID_PAGE_TOKEN"],
            parameters=PAGING,
        )
    },
    PATH + "/{id}": {
        "get": operation("GetRule", "One alert rule", "Answers a rule.", ("200", RULE, RULE_EXAMPLE), NOT_FOUND)
        | {"parameters": [ID_PARAMETER]},
        "patch": operation(
            "ChangeRule",
            "Change an alert rule",
            "Changes a rule; what is left out stays. Another condition or figure begins anew, as `ok`.",
            ("200", RULE, RULE_EXAMPLE),
            [*CHECKED, *NOT_FOUND, "ALERT_RULE_CHANGED"],
            requestBody=body(CHANGED, {"enabled": False}, required=False),
            parameters=[ID_PARAMETER],
            **PERSON,
        ),
        "delete": operation(
            "DeleteRule",
            "Delete an alert rule",
            "Deletes a rule and its events.",
            ("200", {"type": "object"}, {}),
            NOT_FOUND,
            parameters=[ID_PARAMETER],
            **PERSON,
        ),
    },
    PATH + "/{id}/events": {
        "get": operation(
            "ListEvents",
            "What happened to an alert rule",
            "Lists when it fired and was resolved, newest first, and how each channel took it. Kept for 90 days.",
            ("200", EVENTS, {"items": [EVENT_EXAMPLE], "total_size": 1}),
            [*NOT_FOUND, "INVALID_PAGE_TOKEN"],
            parameters=[ID_PARAMETER, *PAGING],
        )
    },
    PATH + "/{id}/test": {
        "post": operation(
            "TestRule",
            "Send a test notice",
            "Sends a test event to every channel, once, and answers how each took it. Costs 10 points.",
            ("200", EVENT, {**EVENT_EXAMPLE, "kind": "test"}),
            NOT_FOUND,
            parameters=[ID_PARAMETER],
            **PERSON,
        )
    },
}
TAGS = ({"name": "Alerts", "description": "Rules on figures, and whom to tell when they hold."},)
