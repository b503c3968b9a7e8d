"""/api/v1/alert-rules: own rules; whoever holds `platform:manage` sees and changes all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

import orjson

from gateway.alerts.book import Book, Happened, Page, event_json
from gateway.alerts.deliver import Delivery
from gateway.alerts.evaluate import Figures, event_of
from gateway.alerts.rules import ChangedRule, Channel, NewRule, channel_error, channels_of, kept, parsed, rule_json
from gateway.alerts.store import OK, TEST, AlertNotice, AlertRule, new_id
from gateway.alerts.webhooks import WebhookFailed, WebhookRefused, Webhooks
from shared.errors import FieldError, InvalidArgument, NotFound, PermissionDenied
from shared.principal import Principal
from shared.rpc.access import PermissionMissing
from shared.seal import Seal

MANAGE = "platform:manage"
NEVER = timedelta(days=36_500)
"""A notice of a test is sent at once and never again."""


class UnknownMetric(InvalidArgument):
    """There is no such figure."""

    reason = "UNKNOWN_METRIC"


class RuleNotFound(NotFound):
    """The caller has no such rule."""

    reason = "ALERT_RULE_NOT_FOUND"


class RegionBound(PermissionDenied):
    """The caller sees some regions only, and rules look at the figures of all."""

    reason = "REGION_BOUND"


class AlertEndpoints:
    """What the endpoints do."""

    def __init__(
        self,
        book: Book,
        delivery: Delivery,
        *,
        seal: Callable[[], Seal],
        webhooks: Webhooks,
        figures: Figures,
        systems: Callable[[], Collection[str]],
        clock: Callable[[], datetime],
        most: int,
    ) -> None:
        self._book, self._delivery, self._seal, self._webhooks = book, delivery, seal, webhooks
        self._figures, self._systems, self._clock, self._most = figures, systems, clock, most

    async def rules(self, caller: Principal, everybodys: bool) -> dict[str, Any]:
        """Return the caller's rules; everybody's where that is asked for and allowed."""
        if everybodys and not caller.may(MANAGE):
            raise PermissionMissing(f"all=true needs the permission {MANAGE}", metadata={"permission": MANAGE})
        found = await self._book.rules(None if everybodys else caller.subject)
        items = [rule_json(rule, self._seal()) for rule in found if sees(caller, rule)]
        return {"items": items, "total_size": len(items)}

    async def create(self, caller: Principal, body: dict[str, Any]) -> dict[str, Any]:
        """Return a new rule."""
        wanted = parsed(NewRule, body)
        system, tile = await self._metric(caller, wanted.metric)
        now, rule_id = self._clock(), new_id()
        await self._check(wanted.channels)
        rule = AlertRule(
            id=rule_id,
            owner=caller.subject,
            name=wanted.name,
            system=system,
            tile=tile,
            operator=wanted.condition.operator,
            threshold=wanted.condition.threshold,
            for_minutes=wanted.for_minutes,
            channels=orjson.dumps(kept(wanted.channels, [], self._seal(), rule_id)).decode(),
            enabled=wanted.enabled,
            state_since=now,
            created_at=now,
            updated_at=now,
        )
        await self._book.add(rule, self._most)
        return rule_json(rule, self._seal())

    async def get(self, caller: Principal, rule_id: str) -> dict[str, Any]:
        """Return a rule."""
        return rule_json(await self._own(caller, rule_id), self._seal())

    async def change(self, caller: Principal, rule_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return a rule with what the body says changed."""
        rule, wanted = await self._own(caller, rule_id), parsed(ChangedRule, body)
        values: dict[str, Any] = {"updated_at": self._clock()}
        if wanted.metric is not None:
            values["system"], values["tile"] = await self._metric(caller, wanted.metric)
        if wanted.condition is not None:
            values |= {"operator": wanted.condition.operator, "threshold": wanted.condition.threshold}
        if wanted.channels is not None:
            await self._check(wanted.channels)
            channels = kept(wanted.channels, channels_of(rule), self._seal(), rule.id)
            values["channels"] = orjson.dumps(channels).decode()
        for name in ("name", "for_minutes", "enabled"):
            if (value := getattr(wanted, name)) is not None:
                values[name] = value
        if {"system", "operator", "for_minutes", "enabled"} & values.keys():
            # Another question: how the old one stood says nothing about it.
            values |= {"state": OK, "state_since": self._clock(), "value": None, "problem": "", "evaluated_at": None}
        return rule_json(await self._book.change(rule, values, wanted.name or rule.name), self._seal())

    async def delete(self, caller: Principal, rule_id: str) -> None:
        """Remove a rule with its events."""
        await self._book.remove((await self._own(caller, rule_id)).id)

    async def events(self, caller: Principal, rule_id: str, size: int, before: int | None) -> dict[str, Any]:
        """Return what happened to a rule, newest first."""
        rule = await self._own(caller, rule_id)
        return page_json(await self._book.events([rule.id], before, size + 1), size)

    async def all_events(self, caller: Principal, size: int, before: int | None) -> dict[str, Any]:
        """Return what happened to the caller's rules, newest first; nothing of figures that they may see no more."""
        mine = [rule.id for rule in await self._book.rules(caller.subject) if sees(caller, rule)]
        return page_json(await self._book.events(mine, before, size + 1), size)

    async def test(self, caller: Principal, rule_id: str) -> dict[str, Any]:
        """Return a test event, sent to every channel once; how each took it stands in `deliveries`."""
        rule, now = await self._own(caller, rule_id), self._clock()
        event = event_of(rule, TEST, rule.value, now)
        noted = await self._book.note(rule, {"evaluated_at": rule.evaluated_at}, event, now + NEVER)
        if noted is None:
            return await self.test(caller, rule_id)  # it was evaluated meanwhile

        async def sent(notice: AlertNotice) -> None:
            await self._delivery.send(notice, noted.event, rule, last=True)

        await asyncio.gather(*(sent(notice) for notice in noted.notices))
        return event_json(Happened(noted.event, noted.notices))

    async def _own(self, caller: Principal, rule_id: str) -> AlertRule:
        """Return a rule that the caller may see; of others' nothing is told."""
        rule = await self._book.rule(rule_id) if len(rule_id) <= 32 else None
        if rule is None or not sees(caller, rule) or (rule.owner != caller.subject and not caller.may(MANAGE)):
            raise RuleNotFound(f"you have no alert rule {rule_id[:40]!r}")
        return rule

    async def _metric(self, caller: Principal, metric: str) -> tuple[str, str]:
        """Return system and tile of a figure that there is and the caller may see in every region."""
        system, _, tile = metric.partition(".")
        if system not in self._systems():
            raise unknown_metric(f"there is no system {system!r}")
        if not caller.may(f"{system}:read"):
            raise PermissionMissing(
                f"this needs the permission {system}:read, which you do not have; ask an administrator",
                metadata={"permission": f"{system}:read"},
            )
        if caller.regions is not None:
            raise RegionBound("rules look at the figures of every region, and you see some only")
        tiles = await self._figures(system)
        if tile not in tiles:
            names = ", ".join(sorted(tiles)[:20]) or "none at all"
            raise unknown_metric(f"{system} has no figure {tile!r}; it has {names}")
        return system, tile

    async def _check(self, channels: list[Channel]) -> None:
        """Raise InvalidArgument for a webhook that would never be called."""
        for index, channel in enumerate(channels):
            if channel.kind != "webhook" or not channel.url:
                continue
            try:
                await self._webhooks.check(channel.url)
            except WebhookRefused as error:
                wrong = channel_error(index, "url", error.detail)
                raise WebhookRefused(wrong.detail, errors=wrong.errors) from None
            except WebhookFailed:
                continue  # a name that is not known now may be later


def page_json(page: Page, size: int) -> dict[str, Any]:
    """Return a page of events; `page` has one more than fit where another follows."""
    told: dict[str, Any] = {"items": [event_json(one) for one in page.items[:size]], "total_size": page.total}
    if len(page.items) > size:
        told["next_page_token"] = str(page.items[size - 1].event.id)
    return told


def unknown_metric(detail: str) -> UnknownMetric:
    """Return the refusal of a figure."""
    return UnknownMetric(detail, errors=[FieldError("metric", detail)])


def sees(caller: Principal, rule: AlertRule) -> bool:
    """Return whether the caller's token lets them see a rule's figure, which is of every region.

    Who was bound to regions later keeps their own rules, whose figures are told no more.
    """
    everywhere = caller.regions is None or rule.owner == caller.subject
    return everywhere and caller.may(f"{rule.system}:read")
