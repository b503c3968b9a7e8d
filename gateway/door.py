"""Who may come in to the endpoints that are written by hand, by the same rules as all the others."""

from __future__ import annotations

from starlette.requests import Request

from shared import principal
from shared.errors import Unauthenticated
from shared.principal import ANONYMOUS, Principal
from shared.rpc.access import Access, TokenMissing, Verifier, bearer
from shared.rpc.access import Door as Kind
from shared.transcode.endpoint import take
from shared.transcode.parts import Limiter


class Door:
    """Verifies the token, takes the call from the caller's limit and checks the permission."""

    def __init__(self, verifier: Verifier, limiter: Limiter) -> None:
        self._verifier, self._limiter = verifier, limiter

    async def admit(self, request: Request, permission: str = "", cost: int = 1) -> Principal:
        """Return the caller. Raises Unauthenticated, RateLimited or PermissionMissing."""
        headers = dict(request.scope["headers"])
        try:
            caller = await self._caller(request)
        except Unauthenticated:
            await take(self._limiter, cost, ANONYMOUS, request.scope, headers)
            raise
        await take(self._limiter, cost, caller, request.scope, headers)
        Access(Kind.PERMISSION if permission else Kind.AUTHENTICATED, permission).check(caller, None)
        principal.current.set(caller)
        return caller

    async def _caller(self, request: Request) -> Principal:
        token = bearer(request.headers.get("authorization", ""))
        if not token:
            raise TokenMissing("this needs a token; log in and send it as `Authorization: Bearer …`")
        return await self._verifier.verify(token)
