"""Who makes a request: the holder of a token, or of an API key, which is swapped for one."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from shared import principal
from shared.api_keys import ApiKeyInvalid, KeyTokens, Pay, key_in
from shared.errors import Unauthenticated
from shared.principal import ANONYMOUS, Principal
from shared.rpc.access import TokenMissing, Verifier, bearer
from shared.tokens import TokenExpired, TokenRevoked
from shared.transcode.parts import ANSWER_HEADERS, Limiter, Taken


class Callers:
    """Tells who calls, by the headers of a request."""

    def __init__(self, verifier: Verifier, api_keys: KeyTokens | None = None) -> None:
        self._verifier, self._api_keys = verifier, api_keys

    async def admitted(self, scope: Scope, headers: Mapping[bytes, bytes], limiter: Limiter, cost: int) -> Principal:
        """Return who calls, after taking the call from its rate limit. Raises Unauthenticated, RateLimited.

        Guessing is paid by the address it comes from: a token that does not hold after it was looked at, an API key
        before the auth service is asked about it.
        """
        paid = False

        async def pay() -> None:
            nonlocal paid
            paid = True
            await take(limiter, 1, ANONYMOUS, scope)

        try:
            caller = await self.named(headers, pay)
        except Unauthenticated:
            if not paid:
                await take(limiter, cost, ANONYMOUS, scope)
            raise
        await take(limiter, cost, caller, scope)
        return caller

    async def named(self, headers: Mapping[bytes, bytes], pay: Pay | None = None) -> Principal:
        """Return who calls, for the services behind too; `pay` is awaited before a key is swapped.

        Raises Unauthenticated, and what `pay` raises.
        """
        token = bearer(headers.get(b"authorization", b"").decode("latin-1"))
        key = key_in(headers, token) if self._api_keys else ""
        if not (token or key):
            raise TokenMissing("this needs a token; log in and send it as `Authorization: Bearer …`")
        caller = await (self._key_holder(key, pay) if key else self._verifier.verify(token))
        principal.current.set(caller)
        return caller

    async def _key_holder(self, key: str, pay: Pay | None) -> Principal:
        """Return whom an API key speaks for. Raises ApiKeyInvalid."""
        keys = self._api_keys
        if keys is None:
            raise ApiKeyInvalid()
        try:
            return await self._verifier.verify(await keys.token(key, pay))
        except (TokenRevoked, TokenExpired):
            # The owner may do other things now, or the key was revoked: a new token tells which.
            keys.forget(key)
        return await self._verifier.verify(await keys.token(key, pay))


async def take(limiter: Limiter, cost: int, caller: Principal, scope: Scope) -> None:
    """Take a call from its caller's limit. Raises the limiter's refusal."""
    found = limiter.take(cost, caller, scope)
    taken = found if isinstance(found, Taken) else await found
    scope[ANSWER_HEADERS] = taken.headers
    if taken.refusal is not None:
        raise taken.refusal
