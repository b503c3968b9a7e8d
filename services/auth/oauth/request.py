"""Our messages as the requests that Authlib's grants read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from google.protobuf.message import Message

from shared.principal import Principal


class Request(OAuth2Request):  # type: ignore[misc]  # Authlib has no types
    """A request to an OAuth endpoint. The edge has refused repeated parameters and dropped empty ones."""

    def __init__(self, method: str, issuer: str, values: Mapping[str, str], caller: Principal | None = None) -> None:
        # Authlib refuses what does not travel over TLS, unless it stays on this machine.
        super().__init__(method, issuer)
        self.payload = BasicOAuth2Payload(dict(values))
        self.caller = caller

    @property
    def args(self) -> dict[str, Any]:
        """Return the parameters."""
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, Any]:
        """Return the parameters: the edge knows where they stood."""
        return dict(self.payload.data)


def values_of(message: Message) -> dict[str, str]:
    """Return the parameters in a message, without the empty ones."""
    return {field.name: value for field, value in message.ListFields()}
