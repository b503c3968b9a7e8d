"""What callers say of a rule, what is kept of it, and what is told back: no address and no secret of a webhook."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from gateway.alerts.store import AlertRule, new_id
from shared.errors import FieldError, InvalidArgument
from shared.seal import Seal

Operator = Literal[">", "<", ">=", "<=", "change_pct>", "change_pct<", "change_pct>=", "change_pct<="]
Kind = Literal["in_app", "email", "webhook"]
Template = Literal["plain", "slack", "pagerduty", "sms"]
CHANGE = "change_pct"
PAGERDUTY_URL = "https://events.pagerduty.com/v2/enqueue"
MOST_CHANNELS = 5
Body = TypeVar("Body", bound=BaseModel)
LINE, METRIC = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$", r"^[a-z][a-z0-9_]{0,62}\.[A-Za-z0-9_]{1,64}$"
Line = Annotated[str, Field(min_length=1, max_length=120, pattern=LINE)]


def whole(value: object) -> object:
    """Return 15 for 15.0, which is the same number in JSON; anything else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Minutes = Annotated[int, BeforeValidator(whole), Field(ge=0, le=1440)]


class Told(BaseModel):
    """A part of a request: other fields than these are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Condition(Told):
    """What a figure is compared with; `change_pct…` compares its change against the period before."""

    operator: Operator
    threshold: float = Field(allow_inf_nan=False, ge=-1e15, le=1e15)

    def holds(self, value: float, change: float | None) -> bool | None:
        """Return whether the condition holds; None where there is no figure to compare."""
        found = change if self.operator.startswith(CHANGE) else value
        return None if found is None else COMPARED[self.operator.removeprefix(CHANGE)](found, self.threshold)


COMPARED: dict[str, Any] = {
    ">": float.__gt__,
    "<": float.__lt__,
    ">=": float.__ge__,
    "<=": float.__le__,
}


class Channel(Told):
    """Whom to tell. An `id` that the rule has already keeps the address and the secret that are left out."""

    id: str = Field(default="", max_length=32)
    kind: Kind
    template: Template = "plain"
    url: str = Field(default="", max_length=2000)
    secret: str = Field(default="", max_length=500, repr=False)


class NewRule(Told):
    """A rule to be made."""

    name: Line
    metric: str = Field(pattern=METRIC)
    condition: Condition
    for_minutes: Minutes = 0
    channels: list[Channel] = Field(default=[Channel(kind="in_app")], min_length=1, max_length=MOST_CHANNELS)
    enabled: bool = True


class ChangedRule(Told):
    """What of a rule shall be changed; None stays."""

    name: Line | None = None
    metric: str | None = Field(default=None, pattern=METRIC)
    condition: Condition | None = None
    for_minutes: Minutes | None = None
    channels: list[Channel] | None = Field(default=None, min_length=1, max_length=MOST_CHANNELS)
    enabled: bool | None = None


def parsed(kind: type[Body], body: dict[str, Any]) -> Body:
    """Return a body as that kind. Raises InvalidArgument with each wrong field."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        errors = [FieldError(".".join(map(str, one["loc"])) or "body", one["msg"]) for one in error.errors()]
        raise InvalidArgument(f"{errors[0].field}: {errors[0].detail}", errors=errors) from None


def channel_error(index: int, field: str, detail: str) -> InvalidArgument:
    """Return what is wrong with a field of a channel."""
    name = f"channels.{index}.{field}"
    return InvalidArgument(f"{name}: {detail}", errors=[FieldError(name, detail)])


def kept(channels: list[Channel], known: list[dict[str, str]], seal: Seal, rule_id: str) -> list[dict[str, str]]:
    """Return channels as they are kept, what was left out taken from those known. Raises InvalidArgument."""
    before = {one["id"]: one for one in known}
    found = []
    for index, channel in enumerate(channels):
        old = before.get(channel.id, {})
        one = {"id": old.get("id") or new_id(), "kind": channel.kind}
        if channel.kind == "webhook":
            one["template"] = channel.template
            url = channel.url or (PAGERDUTY_URL if channel.template == "pagerduty" and not old else "")
            one["url"] = seal.close(url, rule_id) if url else old.get("url", "")
            one["secret"] = seal.close(channel.secret, rule_id) if channel.secret else old.get("secret", "")
            if one["secret"] and not channel.secret and is_elsewhere(channel, old, seal, rule_id):
                raise channel_error(index, "secret", "say the secret again: the one kept is not sent to somewhere else")
            if not one["url"]:
                raise channel_error(index, "url", "a webhook needs the address it is sent to")
            if channel.template == "pagerduty" and not one["secret"]:
                raise channel_error(index, "secret", "PagerDuty needs the integration's routing key here")
        elif channel.url or channel.secret:
            raise channel_error(index, "url" if channel.url else "secret", "only a webhook has one")
        found.append(one)
    return found


def is_elsewhere(channel: Channel, old: dict[str, str], seal: Seal, rule_id: str) -> bool:
    """Return whether a channel would show its kept secret to others than those it was said for.

    A secret is not told back, so whoever may change a rule must not have it sent to themselves: neither to another
    address nor in PagerDuty's message where it only signed those before.
    """
    moved = bool(channel.url) and channel.url != seal.open(old["url"], rule_id)
    return moved or (channel.template == "pagerduty") != (old["template"] == "pagerduty")


def channels_of(rule: AlertRule) -> list[dict[str, str]]:
    """Return the channels of a rule as they are kept."""
    found: list[dict[str, str]] = orjson.loads(rule.channels)
    return found


def rule_json(rule: AlertRule, seal: Seal) -> dict[str, Any]:
    """Return a rule as its owner is told."""
    return {
        "id": rule.id,
        "owner": rule.owner,
        "name": rule.name,
        "metric": f"{rule.system}.{rule.tile}",
        "condition": {"operator": rule.operator, "threshold": rule.threshold},
        "for_minutes": rule.for_minutes,
        "channels": [channel_json(one, seal, rule.id) for one in channels_of(rule)],
        "enabled": rule.enabled,
        "state": rule.state,
        "state_since": stamp(rule.state_since),
        "value": rule.value,
        "evaluated_at": stamp(rule.evaluated_at) if rule.evaluated_at else None,
        "problem": rule.problem,
        "created_at": stamp(rule.created_at),
        "updated_at": stamp(rule.updated_at),
    }


def channel_json(channel: dict[str, str], seal: Seal, rule_id: str) -> dict[str, Any]:
    """Return a channel as it is told: of a webhook's address the host alone, since the rest is often a secret."""
    if channel["kind"] != "webhook":
        return {"id": channel["id"], "kind": channel["kind"]}
    address = urlsplit(seal.open(channel["url"], rule_id))
    shown = f"{address.scheme}://{address.netloc.rpartition('@')[2]}/…"
    return {
        "id": channel["id"],
        "kind": channel["kind"],
        "template": channel["template"],
        "url": shown,
        "has_secret": bool(channel["secret"]),
    }


def stamp(moment: Any) -> str:
    """Return a moment as RFC 3339 in UTC."""
    return str(moment.isoformat(timespec="milliseconds")).replace("+00:00", "Z")
