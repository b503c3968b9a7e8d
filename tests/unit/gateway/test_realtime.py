"""What the hub keeps and forgets, and whom the room sends away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from gateway.realtime import hub as hubs
from gateway.realtime import wire
from gateway.realtime.hub import Hub
from gateway.realtime.listener import Key, Listener
from gateway.realtime.room import Room
from shared.errors import PlatformError
from shared.principal import Principal
from shared.revocation import RevocationUnknown
from shared.telemetry_metrics import Counter
from shared.tokens import Verified
from tests.waiting import until

NOW = 1000.0


@dataclass
class Line:
    """A connection that remembers what was written."""

    paused: bool = False
    written: list[bytes] = field(default_factory=list)
    ended: tuple[int, str] | None = None
    resumed: Callable[[], None] = wire.unheard

    def write(self, frame: bytes) -> None:
        self.written.append(frame)

    def finish(self, code: int, reason: str) -> None:
        self.ended = (code, reason)


@dataclass
class Revocations:
    """Knows who was revoked, or nothing."""

    epoch: int | None = 1
    revoked: set[str] = field(default_factory=set)
    knows: bool = True

    async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
        if not self.knows:
            raise RevocationUnknown("auth is away")
        return session_id in self.revoked


def verified(subject: str = "ada", session: str = "s", epoch: int | None = 1, until: float = NOW + 900) -> Verified:
    return Verified(Principal(subject, session_id=session), NOW - 1, until, epoch)


def listening(most: int = 4) -> tuple[Line, Listener]:
    line = Line()
    return line, Listener(line, verified(), most)


def test_what_a_slow_reader_cannot_take_waits_and_comes_in_order() -> None:
    line, listener = listening(most=3)
    listener.tell(b"0")
    line.paused = True
    for frame in (b"1", b"2", b"3"):
        listener.tell(frame)
    assert line.written == [b"0"]
    line.paused = False
    line.resumed()
    listener.tell(b"4")
    assert line.written == [b"0", b"1", b"2", b"3", b"4"]
    assert line.ended is None


def test_with_one_more_than_may_wait_the_reader_is_closed_and_nothing_follows() -> None:
    line, listener = listening(most=2)
    line.paused = True
    for frame in (b"1", b"2", b"3", b"4"):
        listener.tell(frame)
    assert line.ended is not None and line.ended[0] == wire.SLOW
    line.paused = False
    line.resumed()
    listener.tell(b"5")
    assert line.written == []


def test_streams_without_listeners_are_forgotten_and_who_resumes_one_is_reset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubs, "MOST_IDLE_TOPICS", 2)
    hub = Hub()
    hub.publish([(Key("alerts", "ada"), 1)])
    last = hub.seq()
    hub.publish([(Key("alerts", "ada"), 2)])
    hub.publish([(Key("alerts", "bob"), 3)])
    _, listener = listening()
    assert hub.join(listener, Key("alerts", "ada"), last)
    hub.leave(listener, [Key("alerts", "ada")])
    hub.publish([(Key("alerts", "eve"), 4)])
    assert hub.join(listener, Key("alerts", "ada"), last)
    hub.leave(listener, [Key("alerts", "ada")])
    for subject in ("bob", "eve", "mia"):
        hub.publish([(Key("alerts", subject), 5)])
    assert not hub.join(listener, Key("alerts", "ada"), last)


def test_no_event_is_lost_between_two_streams_of_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "MOST_IDLE_TOPICS", 1)
    hub = Hub()
    hub.publish([(Key("alerts", "ada"), 1)])
    before = hub.seq()
    hub.publish([(Key("alerts", "ada"), 2)])
    hub.publish([(Key("alerts", "bob"), 3)])
    seen = hub.seq()
    hub.publish([(Key("alerts", "ada"), 4)])
    line, listener = listening()
    assert not hub.join(listener, Key("alerts", "ada"), before)
    hub.leave(listener, [Key("alerts", "ada")])
    assert hub.join(listener, Key("alerts", "ada"), seen)
    assert len(line.written) == 1


async def test_a_listener_who_breaks_takes_no_event_from_the_others() -> None:
    class Broken(Line):
        def write(self, frame: bytes) -> None:
            raise RuntimeError("broken")

    lines = [Broken(), Line()]
    async with Hub() as hub:
        for line in lines:
            hub.join(Listener(line, verified(), 4), Key("alerts"), None)
        hub.publish([(Key("alerts"), 1)])
        await until(lambda: lines[1].written)


async def test_a_mistake_over_one_token_does_not_keep_the_next_look_from_the_others() -> None:
    class Mistaken(Revocations):
        looks = 0

        async def is_revoked(self, session_id: str, subject: str, issued_at: float) -> bool:
            self.looks += 1
            if self.looks == 1:
                raise RuntimeError("a mistake")
            return True

    revocations = Mistaken()
    async with room(revocations) as inside:
        line = Line()
        inside.enter(line, verified())
        revocations.epoch = 2
        await until(lambda: line.ended)
    assert line.ended == (wire.ENDED, "TOKEN_REVOKED")


def room(revocations: Revocations) -> Room:
    return Room(
        revocations, most=9, most_each=9, most_waiting=4, ended=Counter("ended", "", ("code",)), clock=lambda: NOW
    )


async def test_the_room_sends_away_whose_token_ended_and_nobody_else() -> None:
    revocations = Revocations()
    inside = room(revocations)
    lines = {name: Line() for name in ("good", "expired", "revoked")}
    inside.enter(lines["good"], verified(session="good"))
    inside.enter(lines["expired"], verified(session="expired", until=NOW))
    inside.enter(lines["revoked"], verified(session="revoked"))
    await inside.look()
    assert lines["revoked"].ended is None
    revocations.revoked.add("revoked")
    revocations.epoch = 2
    await inside.look()
    ended = {name: line.ended for name, line in lines.items()}
    assert ended == {
        "good": None,
        "expired": (wire.ENDED, "TOKEN_EXPIRED"),
        "revoked": (wire.ENDED, "TOKEN_REVOKED"),
    }


async def test_a_token_revoked_between_its_ticket_and_its_connection_is_found() -> None:
    revocations = Revocations(epoch=2, revoked={"s"})
    inside, line = room(revocations), Line()
    inside.enter(line, verified(epoch=1))
    await inside.look()
    assert line.ended == (wire.ENDED, "TOKEN_REVOKED")


@pytest.mark.parametrize("knows", [True, False])
async def test_while_nobody_can_tell_whose_session_ended_nobody_listens(knows: bool) -> None:
    revocations = Revocations()
    inside, line = room(revocations), Line()
    inside.enter(line, verified())
    revocations.epoch, revocations.knows = (None, True) if knows else (2, False)
    await inside.look()
    assert line.ended is not None and line.ended[0] == wire.LATER
    with pytest.raises(PlatformError) as refused:
        inside.enter(Line(), verified(epoch=None))
    assert refused.value.error_reason == "SERVICE_UNAVAILABLE"
