"""Who is asking, and what they may do."""

from __future__ import annotations

from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass, field

from shared.permissions import allows


@dataclass(frozen=True, slots=True)
class Principal:
    """A verified caller. `regions` None: every region; a set: only rows of those."""

    subject: str
    roles: frozenset[str] = frozenset()
    permissions: frozenset[str] = frozenset()
    regions: frozenset[str] | None = None
    session_id: str = ""
    client_id: str = ""
    """The program that holds the token for the subject, as an OAuth client does. Empty: the person's own session."""
    token: str = field(default="", repr=False)
    """The verified token itself, forwarded to the services behind."""

    def may(self, permission: str) -> bool:
        """Return whether the caller holds a permission such as `demand:read`."""
        return allows(self.permissions, permission)

    def covers(self, regions: Collection[str] | None) -> bool:
        """Return whether the caller sees all that somebody bound to some regions saw; None: bound to none."""
        return self.regions is None or (regions is not None and self.regions.issuperset(regions))


ANONYMOUS = Principal(subject="")
BATCH = Principal(subject="batch", roles=frozenset({"batch"}), permissions=frozenset({"pii:read"}))
"""The pipeline reading its own lake, never a caller from outside."""

current: ContextVar[Principal] = ContextVar("principal", default=ANONYMOUS)
"""The caller of the request being served, set by the interceptor."""
