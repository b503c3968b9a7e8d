"""What an operation is, as plain values; who may see it, and where a service's operations come from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from shared.errors import FailedPrecondition, NotFound
from shared.permissions import ACTIONS
from shared.principal import Principal

CANCELLED = "OPERATION_CANCELLED"
INTERRUPTED = "OPERATION_INTERRUPTED"
WITHHELD = "OPERATION_RESULT_WITHHELD"
ENDED = "it was ended before it was done"


class OperationNotFound(NotFound):
    """There is no such operation, or none that the caller may see."""

    reason = "OPERATION_NOT_FOUND"


class NotCancellable(FailedPrecondition):
    """The operation cannot be ended from here."""

    reason = "OPERATION_NOT_CANCELLABLE"


class State(StrEnum):
    """How an operation stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Return whether nothing more will come of it."""
        return self not in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as it stands."""

    service: str
    id: str
    kind: str
    owner: str
    """Subject of the caller who began it. Empty: nobody from outside."""
    state: State
    progress_pct: float
    phrase: str
    created_at: datetime
    ended_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    reason: str = ""
    """Why it failed, as a reason and a sentence."""
    detail: str = ""
    is_cancellable: bool = True
    regions: frozenset[str] | None = None
    """Regions that whoever began it saw then, and its result may be made from; None: every one."""

    @property
    def name(self) -> str:
        """Return `<service>/<id>`."""
        return f"{self.service}/{self.id}"

    @property
    def is_done(self) -> bool:
        """Return whether there is a result or an error."""
        return self.state.is_over


class Place(NamedTuple):
    """Where an operation stands among all, newest first; those of one moment by name from the end."""

    created_at: datetime
    name: str


class Source(Protocol):
    """Where the operations of one service are found."""

    @property
    def service(self) -> str:
        """Return the name of the service."""

    async def get(self, operation_id: str) -> Operation:
        """Return one operation, whosever it is. Raises OperationNotFound."""

    async def cancel(self, operation_id: str) -> Operation:
        """Return one operation after telling it to end. Raises OperationNotFound, NotCancellable."""

    async def page(self, owner: str | None, before: Place | None, size: int) -> tuple[Sequence[Operation], int]:
        """Return some operations after a place, without results, and how many there are in all.

        Of one owner or (None) of everybody.
        """

    def watch(self) -> AsyncIterator[Operation]:
        """Yield those that are not done, then each operation whenever it changes, without its result."""


def not_found(service: str, operation_id: str) -> OperationNotFound:
    """Return the error for an operation that is not there, or not for this caller."""
    return OperationNotFound(
        f"no operation {service}/{operation_id[:64]}; GET /api/v1/operations lists yours, for seven days after they end"
    )


def manages(caller: Principal, service: str) -> bool:
    """Return whether a caller sees every operation of a service."""
    return caller.may(f"{service}:manage")


def is_visible(operation: Operation, caller: Principal) -> bool:
    """Return whether a caller may know of an operation: its owner, or whoever manages the service.

    The owner must still hold some permission of the service: an API key for one system shows nothing of another.
    """
    if manages(caller, operation.service):
        return True
    own = bool(caller.subject) and caller.subject == operation.owner
    return own and concerns(caller, operation.service)


def as_seen_by(caller: Principal, operation: Operation) -> Operation:
    """Return an operation, with no result where that may be made from regions that the caller does not see."""
    if operation.result is None or caller.covers(operation.regions):
        return operation
    detail = "its result is made from regions that you do not see now; begin it again to have one from those you see"
    return replace(operation, result=None, reason=WITHHELD, detail=detail)


def concerns(caller: Principal, service: str) -> bool:
    """Return whether a caller may do anything at all with a service."""
    return any(caller.may(f"{service}:{action}") for action in ACTIONS)
