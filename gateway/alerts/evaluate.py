"""Looks at the figures of all rules, in one gateway at a time, and writes down what happens to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
import structlog

from gateway.alerts.book import Book, Happened
from gateway.alerts.deliver import Delivery
from gateway.alerts.rules import CHANGE, Condition, channels_of, stamp
from gateway.alerts.store import FIRED, FIRING, OK, PENDING, RESOLVED, AlertEvent, AlertRule, new_id
from gateway.alerts.wording import sentence
from shared.errors import PlatformError
from shared.standing import Standings

LEASE_TURNS = 3
"""A gateway that is gone is replaced after so many turns."""

NO_FIGURE, OWNER_MAY_NOT_READ = "NO_FIGURE", "OWNER_MAY_NOT_READ"
FORGET_EVERY = timedelta(hours=1)
OWNERS_AT_ONCE = 8

log = structlog.stdlib.get_logger("gateway")


class Figure(NamedTuple):
    """A figure and its change against the period before, in percent."""

    value: float
    change: float | None = None


Figures = Callable[[str], Awaitable[Mapping[str, Figure]]]
"""Asks a system for its figures by tile. Raises PlatformError."""


class Step(NamedTuple):
    """What a look at a figure makes of a rule."""

    values: dict[str, Any]
    kind: str = ""
    """What happened; empty: nothing that anybody is told."""


def step(rule: AlertRule, figure: Figure | None, now: datetime) -> Step:
    """Return how a rule stands after a look at its figure: it fires once its condition has held for its window, and is
    resolved as soon as it does not hold."""
    condition = Condition(operator=rule.operator, threshold=rule.threshold)  # type: ignore[arg-type]
    holds = None if figure is None else condition.holds(figure.value, figure.change)
    if figure is None or holds is None:
        return Step({"problem": NO_FIGURE, "evaluated_at": now})
    compared = figure.change if rule.operator.startswith(CHANGE) else figure.value
    seen = {"problem": "", "evaluated_at": now, "value": compared}
    if not holds:
        if rule.state == OK:
            return Step(seen)
        return Step({**seen, "state": OK, "state_since": now}, RESOLVED if rule.state == FIRING else "")
    if rule.state == FIRING:
        return Step(seen)
    since = rule.state_since if rule.state == PENDING else now
    if now - since >= timedelta(minutes=rule.for_minutes):
        return Step({**seen, "state": FIRING, "state_since": now}, FIRED)
    return Step({**seen, "state": PENDING, "state_since": since})


def event_of(rule: AlertRule, kind: str, value: float | None, now: datetime) -> AlertEvent:
    """Return an event of a rule."""
    metric = f"{rule.system}.{rule.tile}"
    told = {
        "rule_id": rule.id,
        "name": rule.name,
        "kind": kind,
        "metric": metric,
        "value": value,
        "operator": rule.operator,
        "threshold": rule.threshold,
        "at": stamp(now),
        "in_app": any(one["kind"] == "in_app" for one in channels_of(rule)),
        "detail": sentence(metric, rule.operator, rule.threshold, value),
    }
    return AlertEvent(rule_id=rule.id, kind=kind, at=now, value=value, told=orjson.dumps(told).decode())


class Evaluator:
    """Takes its turn where no other gateway does."""

    def __init__(
        self,
        book: Book,
        delivery: Delivery,
        *,
        figures: Figures,
        standings: Standings,
        clock: Callable[[], datetime],
        seconds: float,
    ) -> None:
        self._book, self._delivery, self._figures, self._standings = book, delivery, figures, standings
        self._clock, self._seconds = clock, seconds
        self._holder = new_id()
        self._forgot_at: datetime | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Take turns until told to stop, then let another gateway take over at once."""
        sending: asyncio.Task[None] | None = None
        while not stop.is_set():
            with self._told():
                # Apart from looking: who is slow to take a notice must keep no rule waiting.
                if await self.look() and (sending is None or sending.done()):
                    sending = asyncio.create_task(self._send(), name="alert-notices")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._seconds)
        if sending is not None:
            await sending
        try:
            await self._book.release(self._holder, self._clock())
        except PlatformError:
            log.info("the lease of the alert rules runs out by itself")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Go on after a failure, which the log tells."""
        try:
            yield
        except PlatformError as error:
            log.warning("alert rules were not evaluated", reason=error.error_reason)
        except Exception:
            log.exception("alert rules were not evaluated to the end")

    async def _send(self) -> None:
        with self._told():
            await self._delivery.send_due(self._clock)

    async def turn(self) -> bool:
        """Return whether it was ours: each rule was looked at, and what was due was sent."""
        if not await self.look():
            return False
        await self._delivery.send_due(self._clock)
        return True

    async def look(self) -> bool:
        """Return whether it was ours to look at each rule."""
        now = self._clock()
        if not await self._book.lease(self._holder, now, now + timedelta(seconds=LEASE_TURNS * self._seconds)):
            return False
        rules = [rule for rule in await self._book.rules(None) if rule.enabled]
        may = await self._standing({(rule.owner, rule.system) for rule in rules})
        async for system, figures in self._answers({rule.system for rule in rules}):
            for rule in rules:
                allowed = may[rule.owner, rule.system] if rule.system == system else None
                if allowed is not None:
                    await self._tried(rule, figures.get(rule.tile) if allowed else None, allowed, now)
        if self._forgot_at is None or now - self._forgot_at > FORGET_EVERY:
            self._forgot_at = now
            await self._book.forget_old(now)
        return True

    async def _tried(self, rule: AlertRule, figure: Figure | None, allowed: bool, now: datetime) -> None:
        try:
            await self._look(rule, figure, allowed, now)
        except PlatformError:
            raise  # of the store, which the others need too
        except Exception:
            log.exception("a rule was not looked at; the others are", rule=rule.id)

    async def _look(self, rule: AlertRule, figure: Figure | None, allowed: bool, now: datetime) -> Happened | None:
        made = step(rule, figure, now) if allowed else Step({"problem": OWNER_MAY_NOT_READ, "value": None})
        event = event_of(rule, made.kind, made.values.get("value"), now) if made.kind else None
        return await self._book.note(rule, made.values, event, now)

    async def _answers(self, systems: Collection[str]) -> AsyncIterator[tuple[str, Mapping[str, Figure]]]:
        """Yield each system's figures as it answers: one that takes its time keeps no rule of another waiting."""
        asking = [asyncio.create_task(self._asked(system)) for system in systems]
        try:
            for answered in asyncio.as_completed(asking):
                yield await answered
        finally:
            for task in asking:
                task.cancel()

    async def _asked(self, system: str) -> tuple[str, Mapping[str, Figure]]:
        try:
            return system, await self._figures(system)
        except PlatformError as error:
            log.warning("a system did not tell its figures", system=system, reason=error.error_reason)
        except Exception:  # whatever it is, the rules of the other systems are looked at
            log.exception("a system's figures were not understood", system=system)
        return system, {}

    async def _standing(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], bool | None]:
        """Return whether each owner may see each system's figures, a few asked at the same time."""
        room = asyncio.Semaphore(OWNERS_AT_ONCE)

        async def one(owner: str, system: str) -> bool | None:
            async with room:
                return await self._may(owner, system)

        wanted = list(pairs)
        return dict(zip(wanted, await asyncio.gather(*(one(*pair) for pair in wanted)), strict=True))

    async def _may(self, owner: str, system: str) -> bool | None:
        """Return whether an owner may see a system's figures, None where nobody can tell now."""
        try:
            return (await self._standings.of(owner)).may_read_all(system)
        except PlatformError as error:
            log.warning("an owner's standing is not known", reason=error.error_reason)
            return None
