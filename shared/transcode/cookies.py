"""Fields that travel as cookies, for callers that ask for it with the header `X-Session: cookie`.

A page on another site can make a browser send the cookie but neither set that header nor read the answer, and a
browser that names the origin of a request is believed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from google.protobuf.descriptor import FieldDescriptor
from starlette.requests import cookie_parser

from shared.errors import InvalidArgument, PermissionDenied
from shared.transcode import fields as f
from shared.transcode.contract import Method
from shared.transcode.problem import Header
from shared.transcode.tables import printable

ASKED = b"cookie"


class ForeignOrigin(PermissionDenied):
    """A page of another site tries to use the cookie of this one."""

    reason = "FOREIGN_ORIGIN"


@dataclass(frozen=True, slots=True)
class CookieNames:
    """What browsers know cookies by. They keep one jar a host, whatever the port, so a name tells whose it is."""

    issuer: str = ""
    """Public root of the platform; two installations on one host differ in it."""
    secure: bool = True
    """Whether cookies travel over TLS alone."""

    def of(self, cookie: str) -> str:
        """Return the name of a contract's cookie, such as `__Secure-refresh_token_5c1d0f3a`."""
        root = self.issuer.rstrip("/").encode()
        own = f"_{blake2b(root, digest_size=4).hexdigest()}" if root else ""
        return "__Secure-" * self.secure + cookie + own

    def of_fields(self, fields: Iterable[FieldDescriptor]) -> dict[str, str]:
        """Return field → cookie for the fields that have one."""
        found = {field.name: f.options_of(field).cookie for field in fields}
        return {field: self.of(cookie) for field, cookie in found.items() if cookie}


class Cookies:
    """The cookie fields of one method."""

    def __init__(self, method: Method, names: CookieNames) -> None:
        answer = method.descriptor.output_type.fields
        self._given = names.of_fields(method.request_fields().values())
        self._taken = names.of_fields(answer)
        self._ages = {one.name: f.options_of(one).cookie_max_age_field for one in answer if one.name in self._taken}
        cleared = method.policy.clears_cookie
        self._clears = names.of(cleared) if cleared else ""
        self._paths = {one.name: f.options_of(one).cookie_path for one in answer if one.name in self._taken}
        self._path = method.rule.template.text.rpartition("/")[0] or "/"
        self._flags = "; HttpOnly; SameSite=Strict" + "; Secure" * names.secure

    @property
    def used(self) -> bool:
        """Return whether the method has anything to do with cookies."""
        return bool(self._given or self._taken or self._clears)

    def asked(self, headers: Mapping[bytes, bytes]) -> bool:
        """Return whether the caller wants cookies. Raises InvalidArgument or ForeignOrigin."""
        how = headers.get(b"x-session")
        if how is None:
            return False
        if how.lower() != ASKED:
            # Whoever misspells it would be shown in the body what a script is never to see.
            raise InvalidArgument("X-Session is `cookie` or left out")
        origin = headers.get(b"origin")
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if origin is not None and urlsplit(origin.decode("latin-1")).netloc.lower() != host:
            raise ForeignOrigin("cookie sessions are for pages of this site; send the token in the body instead")
        return True

    def fill(self, body: dict[str, Any], headers: Mapping[bytes, bytes]) -> None:
        """Add to the body what the request's cookies hold and the body leaves out."""
        if not self._given:
            return
        # Read leniently: other programs on this host put into the jar what the standard's own reader chokes on.
        held = cookie_parser(headers.get(b"cookie", b"").decode("latin-1"))
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
                found.append(self._header(f"{cookie}={value}{lifetime}", self._paths[field]))
        return found

    def clear(self) -> list[Header]:
        """Return the header that makes the browser forget the cookie, where the method says so."""
        return [self._header(f"{self._clears}=; Max-Age=0")] if self._clears else []

    def _header(self, value: str, path: str = "") -> Header:
        return b"set-cookie", printable(f"{value}; Path={path or self._path}{self._flags}")
