"""Who may come in to the endpoints that are written by hand, by the same rules as all the others."""

from __future__ import annotations

from starlette.requests import Request

from shared.principal import Principal
from shared.rpc.access import Access
from shared.rpc.access import Door as Kind
from shared.transcode.callers import Callers
from shared.transcode.parts import Limiter


class Door:
    """Asks who calls, takes the call from the caller's limit and checks the permission."""

    def __init__(self, callers: Callers, limiter: Limiter) -> None:
        self._callers, self._limiter = callers, limiter

    async def admit(self, request: Request, permission: str = "", cost: int = 1) -> Principal:
        """Return the caller. Raises Unauthenticated, RateLimited or PermissionMissing."""
        caller = await self._callers.admitted(request.scope, dict(request.scope["headers"]), self._limiter, cost)
        Access(Kind.PERMISSION if permission else Kind.AUTHENTICATED, permission).check(caller, None)
        return caller
