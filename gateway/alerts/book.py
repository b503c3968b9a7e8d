"""The rows of alert rules: read and written in transactions that leave no half."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

import orjson
from sqlalchemy import CursorResult, func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col, delete, select

from gateway.alerts.rules import channels_of
from gateway.alerts.store import WAITING, AlertEvent, AlertNotice, AlertRule, GatewayLease
from gateway.opening import Store
from shared.errors import Aborted, Conflict, ResourceExhausted

LEASE = "alerts"
GUARD = "alert-rules"
"""The row that is held while rules are counted, so that two who add one at once are not both the last."""
KEPT = timedelta(days=90)
"""How long events are kept."""


class RuleExists(Conflict):
    """The caller has a rule of that name already."""

    reason = "ALERT_RULE_EXISTS"


class TooManyRules(ResourceExhausted):
    """The caller has as many rules as one may have."""

    reason = "TOO_MANY_ALERT_RULES"


class RuleChanged(Aborted):
    """Somebody else changed the rule meanwhile."""

    reason = "ALERT_RULE_CHANGED"


class Happened(NamedTuple):
    """An event with its notices."""

    event: AlertEvent
    notices: list[AlertNotice]


class Page(NamedTuple):
    """Some events of rules, newest first, and how many there are."""

    items: list[Happened]
    total: int


class Book:
    """All that is stored of alerts."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rules(self, owner: str | None) -> list[AlertRule]:
        """Return the rules of an owner, of all for None, oldest first."""
        wanted = select(AlertRule).order_by(col(AlertRule.created_at), col(AlertRule.id))
        if owner is not None:
            wanted = wanted.where(AlertRule.owner == owner)
        async with (await self._store.database()).session() as session:
            return list((await session.scalars(wanted)).all())

    async def rule(self, rule_id: str) -> AlertRule | None:
        """Return a rule."""
        async with (await self._store.database()).session() as session:
            return await session.get(AlertRule, rule_id)

    async def add(self, rule: AlertRule, most: int) -> None:
        """Write a new rule. Raises RuleExists or TooManyRules."""
        async with self._named(rule.name) as session:
            await session.get(GatewayLease, GUARD, with_for_update=True)
            names = (await session.scalars(select(AlertRule.name).where(AlertRule.owner == rule.owner))).all()
            free_name(rule.name, names)
            if len(names) >= most:
                raise TooManyRules(f"one caller may have {most} alert rules; delete others first")
            session.add(rule)

    @asynccontextmanager
    async def _named(self, name: str) -> AsyncIterator[AsyncSession]:
        """Yield a transaction that writes a rule. Raises RuleExists, also where another gateway was first."""
        try:
            async with (await self._store.database()).transaction() as session:
                yield session
        except IntegrityError:
            raise taken(name) from None

    async def change(self, rule: AlertRule, values: dict[str, Any], name: str) -> AlertRule:
        """Return a rule with other values. Raises RuleExists, or RuleChanged if it is not as it was read."""
        async with self._named(name) as session:
            others = select(AlertRule.name).where(AlertRule.owner == rule.owner, AlertRule.id != rule.id)
            free_name(name, (await session.scalars(others)).all())
            if not await _changed(session, rule, values):
                raise RuleChanged("the rule was changed meanwhile; read it again and repeat your change")
        found = await self.rule(rule.id)
        if found is None:
            raise RuleChanged("the rule was deleted meanwhile")
        return found

    async def remove(self, rule_id: str) -> None:
        """Remove a rule and all that happened to it."""
        async with (await self._store.database()).transaction() as session:
            await session.execute(delete(AlertNotice).where(col(AlertNotice.rule_id) == rule_id))
            await session.execute(delete(AlertEvent).where(col(AlertEvent.rule_id) == rule_id))
            await session.execute(delete(AlertRule).where(col(AlertRule.id) == rule_id))

    async def note(
        self, rule: AlertRule, values: dict[str, Any], event: AlertEvent | None, waits_until: datetime
    ) -> Happened | None:
        """Write how a rule stands and what happened, with a notice for each channel beside the application's own.

        Nothing is written where the rule is not as it was read, so that no event happens twice; then None comes back.
        """
        async with (await self._store.database()).transaction() as session:
            if not await _changed(session, rule, values):
                return None
            if event is None:
                return Happened(AlertEvent(rule_id=rule.id, kind="", at=waits_until, told=""), [])
            session.add(event)
            await session.flush()
            notices = [
                AlertNotice(
                    event_id=cast(int, event.id),
                    rule_id=rule.id,
                    channel_id=one["id"],
                    kind=one["kind"],
                    next_at=waits_until,
                )
                for one in channels_of(rule)
                if one["kind"] != "in_app"
            ]
            session.add_all(notices)
        return Happened(event, notices)

    async def events(self, rule_ids: Collection[str], before: int | None, most: int) -> Page:
        """Return the newest events of some rules, those before an id where there is one."""
        theirs = col(AlertEvent.rule_id).in_(rule_ids)
        wanted = select(AlertEvent).where(theirs).order_by(col(AlertEvent.id).desc()).limit(most)
        if before is not None:
            wanted = wanted.where(col(AlertEvent.id) < before)
        async with (await self._store.database()).session() as session:
            total = await session.scalar(select(func.count()).select_from(AlertEvent).where(theirs))
            events = (await session.scalars(wanted)).all()
            return Page(await _with_notices(session, events), int(total or 0))

    async def newest_event(self) -> int:
        """Return the id of the newest event of all, 0 where there is none."""
        async with (await self._store.database()).session() as session:
            return int(await session.scalar(select(func.max(AlertEvent.id))) or 0)

    async def events_after(self, event_id: int, most: int) -> list[tuple[AlertEvent, str]]:
        """Return events after an id with their rules' owners, oldest first."""
        wanted = (
            select(AlertEvent, AlertRule.owner)
            .join(AlertRule, col(AlertRule.id) == col(AlertEvent.rule_id))
            .where(col(AlertEvent.id) > event_id)
            .order_by(col(AlertEvent.id))
            .limit(most)
        )
        async with (await self._store.database()).session() as session:
            return [(event, owner) for event, owner in (await session.execute(wanted)).all()]

    async def due(self, now: datetime, most: int) -> list[tuple[AlertNotice, AlertEvent, AlertRule]]:
        """Return notices whose time has come, with what they are about."""
        wanted = (
            select(AlertNotice, AlertEvent, AlertRule)
            .join(AlertEvent, col(AlertEvent.id) == col(AlertNotice.event_id))
            .join(AlertRule, col(AlertRule.id) == col(AlertNotice.rule_id))
            .where(AlertNotice.outcome == WAITING, col(AlertNotice.next_at) <= now)
            .order_by(col(AlertNotice.next_at))
            .limit(most)
        )
        async with (await self._store.database()).session() as session:
            return [(one[0], one[1], one[2]) for one in (await session.execute(wanted)).all()]

    async def claim(self, notice: AlertNotice, again_at: datetime) -> bool:
        """Return whether a notice is ours to send now; if we die meanwhile it is due again then."""
        async with (await self._store.database()).transaction() as session:
            claimed = await session.execute(
                update(AlertNotice)
                .where(
                    col(AlertNotice.id) == notice.id,
                    col(AlertNotice.attempts) == notice.attempts,
                    col(AlertNotice.outcome) == WAITING,
                )
                .values(attempts=notice.attempts + 1, next_at=again_at)
            )
        return cast(CursorResult[Any], claimed).rowcount == 1

    async def settle(self, notice_id: str, outcome: str, reason: str = "") -> None:
        """Write what became of a notice."""
        async with (await self._store.database()).transaction() as session:
            await session.execute(
                update(AlertNotice).where(col(AlertNotice.id) == notice_id).values(outcome=outcome, reason=reason)
            )

    async def lease(self, holder: str, now: datetime, until: datetime) -> bool:
        """Return whether this holder is the one who evaluates until then."""
        async with (await self._store.database()).transaction() as session:
            row = await session.get(GatewayLease, LEASE, with_for_update=True)
            if row is None:
                session.add(GatewayLease(name=LEASE, holder=holder, expires_at=until))
                return True
            if row.holder != holder and row.expires_at > now:
                return False
            row.holder, row.expires_at = holder, until
        return True

    async def release(self, holder: str, now: datetime) -> None:
        """Let another evaluate at once."""
        async with (await self._store.database()).transaction() as session:
            row = await session.get(GatewayLease, LEASE, with_for_update=True)
            if row is not None and row.holder == holder:
                row.expires_at = now

    async def forget_old(self, now: datetime) -> None:
        """Remove events older than they are kept."""
        async with (await self._store.database()).transaction() as session:
            old = select(AlertEvent.id).where(col(AlertEvent.at) < now - KEPT)
            await session.execute(delete(AlertNotice).where(col(AlertNotice.event_id).in_(old)))
            await session.execute(delete(AlertEvent).where(col(AlertEvent.at) < now - KEPT))


def free_name(name: str, others: Iterable[str]) -> None:
    """Raise RuleExists where a name is taken."""
    if name in set(others):
        raise taken(name)


def taken(name: str) -> RuleExists:
    """Return the refusal of a name."""
    return RuleExists(f"you have an alert rule called {name!r} already; change that one, or choose another name")


async def _changed(session: AsyncSession, rule: AlertRule, values: dict[str, Any]) -> bool:
    """Return whether a rule was still as it was read, and has these values now."""
    done = await session.execute(
        update(AlertRule)
        .where(col(AlertRule.id) == rule.id, col(AlertRule.revision) == rule.revision)
        .values(**values, revision=rule.revision + 1)
    )
    return cast(CursorResult[Any], done).rowcount == 1


async def _with_notices(session: AsyncSession, events: Sequence[AlertEvent]) -> list[Happened]:
    ids = [event.id for event in events]
    found = (await session.scalars(select(AlertNotice).where(col(AlertNotice.event_id).in_(ids)))).all()
    return [Happened(event, [one for one in found if one.event_id == event.id]) for event in events]


def event_json(happened: Happened) -> dict[str, Any]:
    """Return an event as its rule's owner is told."""
    event, notices = happened
    told: dict[str, Any] = {"event_id": event.id, **orjson.loads(event.told)}
    told["deliveries"] = [
        {"channel_id": one.channel_id, "kind": one.kind, "outcome": one.outcome, "reason": one.reason}
        for one in sorted(notices, key=lambda one: (one.kind, one.channel_id))
    ]
    return told
