"""Who makes a request: the holder of a token, or of an API key, which is swapped for one."""

from __future__ import annotations

from collections.abc import Mapping

from shared import principal
from shared.api_keys import ApiKeyInvalid, KeyTokens, key_in
from shared.principal import Principal
from shared.rpc.access import TokenMissing, Verifier, bearer
from shared.tokens import TokenExpired, TokenRevoked


class Callers:
    """Tells who calls, by the headers of a request."""

    def __init__(self, verifier: Verifier, api_keys: KeyTokens | None = None) -> None:
        self._verifier, self._api_keys = verifier, api_keys

    async def named(self, headers: Mapping[bytes, bytes]) -> Principal:
        """Return who calls, for the services behind too. Raises Unauthenticated."""
        token = bearer(headers.get(b"authorization", b"").decode("latin-1"))
        key = key_in(headers, token) if self._api_keys else ""
        if not (token or key):
            raise TokenMissing("this needs a token; log in and send it as `Authorization: Bearer …`")
        caller = await (self._key_holder(key) if key else self._verifier.verify(token))
        principal.current.set(caller)
        return caller

    async def _key_holder(self, key: str) -> Principal:
        """Return whom an API key speaks for. Raises ApiKeyInvalid."""
        keys = self._api_keys
        if keys is None:
            raise ApiKeyInvalid()
        try:
            return await self._verifier.verify(await keys.token(key))
        except (TokenRevoked, TokenExpired):
            # The owner may do other things now, or the key was revoked: a new token tells which.
            keys.forget(key)
        return await self._verifier.verify(await keys.token(key))
