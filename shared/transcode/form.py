"""Bodies that are forms, and the client credentials that HTTP Basic sends in place of two of their fields."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from starlette.types import Receive

from shared.errors import FieldError, Unauthenticated
from shared.transcode import fields as f
from shared.transcode.body import check_uncompressed, media_type, parsed_object, read_bytes
from shared.transcode.contract import Method
from shared.transcode.pairs import Pairs, invalid, known
from shared.transcode.problem import UnsupportedMediaType

FORM = "application/x-www-form-urlencoded"
BASIC = b"basic "


class BadClientCredentials(Unauthenticated):
    """The Authorization header says Basic but holds no name and password."""

    reason = "INVALID_CLIENT"


class BodyReader:
    """What reads the bodies of one method: JSON, and forms where its policy says so."""

    def __init__(self, method: Method) -> None:
        found, oauth = method.request_fields().values(), bool(method.policy.oauth_endpoint)
        self._form = Pairs(known(found), tolerant=oauth) if method.policy.form else None
        self._form_only = method.policy.form and oauth
        self._basic = {f.options_of(one).basic: one.name for one in found if f.options_of(one).basic}

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive, limit: int) -> dict[str, Any]:
        """Return the values in the body. Raises InvalidArgument and what `body` raises."""
        body = await read_bytes(headers, receive, limit)
        if self._form is None or (not self._form_only and media_type(headers) != FORM.encode()):
            return parsed_object(headers, body)
        values = self._form.read(self._checked(headers, body))
        if self._basic:
            self._add_basic(values, headers.get(b"authorization", b""))
        return values

    @staticmethod
    def _checked(headers: Mapping[bytes, bytes], body: bytes) -> bytes:
        if body and media_type(headers) != FORM.encode():
            raise UnsupportedMediaType(f"the body must be a form: send Content-Type: {FORM}")
        check_uncompressed(headers)
        return body

    def _add_basic(self, values: dict[str, Any], authorization: bytes) -> None:
        if authorization[: len(BASIC)].lower() != BASIC:
            return
        username, password = credentials(authorization[len(BASIC) :].strip())
        name, secret = self._basic["username"], self._basic["password"]
        # Two ways at once, or two names, are refused: which of them counts could differ from reader to reader.
        if secret in values or values.get(name, username) != username:
            raise invalid([FieldError(name, "is sent both by HTTP Basic and in the form; send it once")])
        values[name], values[secret] = username, password


def credentials(encoded: bytes) -> tuple[str, str]:
    """Return name and password of HTTP Basic as OAuth clients encode them. Raises BadClientCredentials."""
    try:
        text = b64decode(encoded, validate=True).decode("utf-8")
        username, colon, password = text.partition(":")
        if not (username and colon):
            raise ValueError(text)
        return unquote_plus(username, errors="strict"), unquote_plus(password, errors="strict")
    except (binascii.Error, ValueError):
        raise BadClientCredentials("the Authorization header holds no client id and secret") from None


def tried_basic(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether the caller said by HTTP Basic who it is."""
    return headers.get(b"authorization", b"")[: len(BASIC)].lower() == BASIC
