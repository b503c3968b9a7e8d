"""Fields that travel as cookies, for callers that ask for it with the header `X-Session: cookie`.

A page on another site can make a browser send the cookie but neither set that header nor read the answer, and a
browser that names the origin of a request is believed.
"""

from __future__ import annotations

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.descriptor import FieldDescriptor

from shared.errors import PermissionDenied
from shared.transcode import fields as f
from shared.transcode.contract import Method
from shared.transcode.problem import Header
from shared.transcode.tables import printable

ASKED = b"cookie"


class ForeignOrigin(PermissionDenied):
    """A page of another site tries to use the cookie of this one."""

    reason = "FOREIGN_ORIGIN"


class Cookies:
    """The cookie fields of one method."""

    def __init__(self, method: Method, secure: bool) -> None:
        answer = method.descriptor.output_type.fields
        self._given = cookie_names(list(method.request_fields().values()))
        self._taken = cookie_names(list(answer))
        self._ages = {one.name: f.options_of(one).cookie_max_age_field for one in answer if one.name in self._taken}
        self._clears = method.policy.clears_cookie
        path = method.rule.template.text.rpartition("/")[0] or "/"
        self._attributes = f"; Path={path}; HttpOnly; SameSite=Strict" + "; Secure" * secure

    @property
    def used(self) -> bool:
        """Return whether the method has anything to do with cookies."""
        return bool(self._given or self._taken or self._clears)

    def asked(self, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether the caller wants cookies. Raises ForeignOrigin when it is a page of another site."""
        if headers.get(b"x-session", b"").lower() != ASKED:
            return False
        origin = headers.get(b"origin")
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if origin is not None and urlsplit(origin.decode("latin-1")).netloc.lower() != host:
            raise ForeignOrigin("cookie sessions are for pages of this site; send the token in the body instead")
        return True

    def fill(self, body: dict[str, Any], headers: Mapping[bytes, bytes]) -> None:
        """Add to the body what the request's cookies hold and the body leaves out."""
        if not self._given:
            return
        held = read(headers.get(b"cookie", b"").decode("latin-1"))
        for field, cookie in self._given.items():
            if not body.get(field) and cookie in held:
                body[field] = held[cookie]

    def take(self, answer: dict[str, Any]) -> list[Header]:
        """Return the Set-Cookie headers of the answer's cookie fields, which leave the answer."""
        found = []
        for field, cookie in self._taken.items():
            value, age = answer.pop(field, ""), answer.get(self._ages[field])
            lifetime = "" if age is None else f"; Max-Age={age}"
            if value:
                found.append(self._header(f"{cookie}={value}{lifetime}"))
        return found

    def clear(self) -> list[Header]:
        """Return the header that makes the browser forget the cookie, where the method says so."""
        return [self._header(f"{self._clears}=; Max-Age=0")] if self._clears else []

    def _header(self, value: str) -> Header:
        return b"set-cookie", printable(value + self._attributes)


def cookie_names(fields: list[FieldDescriptor]) -> dict[str, str]:
    """Return field → cookie for the fields that have one."""
    return {field.name: f.options_of(field).cookie for field in fields if f.options_of(field).cookie}


def read(header: str) -> dict[str, str]:
    """Return the cookies of a Cookie header; none when it is broken."""
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:
        return {}
