"""A response message → status, headers and body, as the method's contract and the caller ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from shared.errors import FieldError, Internal
from shared.transcode import fields as f
from shared.transcode import negotiate
from shared.transcode.contract import Method
from shared.transcode.cookies import Cookies
from shared.transcode.encode import Encoders
from shared.transcode.pairs import invalid
from shared.transcode.problem import Header
from shared.transcode.request import holds_secret
from shared.transcode.tables import (
    ARROW,
    COLUMNS,
    CSV,
    CSV_TYPE,
    FILES,
    FORMATS,
    JSON,
    SUFFIXES,
    XLSX,
    file_body,
    file_headers,
    printable,
)
from shared.transcode.workbook import offered

OPERATIONS = "/api/v1/operations/"
FORMAT = b"format="
EXPORT = b"export="
EXPORTS = {SUFFIXES[one]: one for one in FILES}
Headers = Mapping[bytes, bytes]


@dataclass(slots=True)
class Answer:
    """What goes back."""

    status: int
    body: bytes
    media_type: bytes = JSON.encode()
    headers: list[Header] = field(default_factory=list)
    encoded: dict[str, bytes] | None = None
    """Content coding → the body in it, filled as it is asked for; None for an answer that is given once."""


class Answerer:
    """What makes the answers of one method."""

    def __init__(self, method: Method, encoders: Encoders, cookies: Cookies) -> None:
        self._encode: Callable[[Any], dict[str, Any]] = encoders.message(method.descriptor.output_type)
        self._cookies = cookies
        self._status = 202 if method.policy.long_running else 200
        self._operation = operation_field(method)
        self.file_name = [part for part in method.rule.template.text.split("/") if "{" not in part][-1]
        self.table_field = table_field(method)
        self._offered = (JSON, COLUMNS, CSV, ARROW, *((XLSX,) if offered() else ()))
        self._columnar = Encoders(columnar=True).message(method.descriptor.output_type) if self.table_field else None
        self._names_format = bool(self.table_field) and "format" not in method.request_fields()
        self.exports = exported(method)
        self._redirect = method.policy.redirect_field
        self._redirect_status = 302 if method.rule.verb == "GET" else 303
        self._raw = method.descriptor.output_type.full_name == f.HTTP_BODY
        self._keeps = method.policy.cache_seconds if method.rule.verb == "GET" else 0
        self._caching = caching(method, bool(self.table_field))

    def media_type(self, headers: Headers) -> str:
        """Return what the caller wants: a file or columns where rows can be so, JSON otherwise."""
        accept = headers.get(b"accept", b"*/*")
        return JSON if not self.table_field or accept == b"*/*" else negotiate.chosen(accept, self._offered)

    def named_format(self, query: bytes) -> tuple[str, bytes]:
        """Return the media type that `format=` in a query names, empty where it names none, and the query without it.

        Raises InvalidArgument for a format there is not.
        """
        return self._named(FORMAT, FORMATS, query) if FORMAT in query and self._names_format else ("", query)

    def named_export(self, query: bytes) -> tuple[str, bytes]:
        """Return the media type of the file that `export=` asks the whole list as, and the query without it.

        Raises InvalidArgument for a form there is not.
        """
        return self._named(EXPORT, EXPORTS, query) if EXPORT in query and self.exports else ("", query)

    def _named(self, key: bytes, forms: Mapping[str, str], query: bytes) -> tuple[str, bytes]:
        pairs = query.split(b"&")
        named = [pair[len(key) :].decode("latin-1") for pair in pairs if pair.startswith(key)]
        rest = b"&".join(pair for pair in pairs if not pair.startswith(key))
        if not named:
            return "", query
        media_type = forms.get(named[0]) if len(named) == 1 else None
        if media_type not in self._offered:
            known = ", ".join(name for name, kind in forms.items() if kind in self._offered)
            name = key.decode().rstrip("=")
            raise invalid([FieldError(name, f"must be given once and be one of {known}")])
        return media_type or "", rest

    def answer(self, message: Any, media_type: str, cookie_mode: bool) -> Answer:
        """Return the whole answer, the same for every caller who asks the same."""
        made = self._made(message, media_type, cookie_mode)
        made.headers += self._caching
        if self._keeps:
            made.headers.append((b"etag", negotiate.etag(made.body)))
        return made

    def size(self, message: Any) -> int:
        """Return about how long a message is: its rows, where it has any, as counting them costs nothing."""
        if not self.table_field:
            return int(message.ByteSize())
        table = getattr(message, self.table_field)
        return len(table.json_columns) + len(table.arrow_stream)

    def for_caller(self, answer: Answer, headers: Headers) -> Answer:
        """Return the answer to send: a 304 without body when the caller has it already."""
        held = headers.get(b"if-none-match") if self._keeps else None
        if not held or not negotiate.unchanged(held, dict(answer.headers)[b"etag"]):
            return answer
        return Answer(304, b"", answer.media_type, answer.headers)

    def _made(self, message: Any, media_type: str, cookie_mode: bool) -> Answer:
        if self._redirect:
            return self._redirected(getattr(message, self._redirect))
        if self._raw:
            return Answer(self._status, message.data, printable(message.content_type))
        if media_type in FILES:
            table = getattr(message, self.table_field)
            about = file_headers(table, media_type, self.file_name)
            return Answer(self._status, file_body(table, media_type), charset(media_type), about)
        columnar = self._columnar if media_type == COLUMNS else None
        found = self._encode(message) if columnar is None else columnar(message)
        cookies = self._cookies.take(found) if cookie_mode else []
        status, where = self._standing(message)
        return Answer(status, orjson.dumps(found), media_type.encode(), where + cookies + self._cookies.clear())

    def _standing(self, message: Any) -> tuple[int, list[Header]]:
        """Return the status, and where to ask how the work stands: an answer that has come needs no asking."""
        if not self._operation:
            return self._status, []
        if not message.HasField(self._operation) or getattr(message, self._operation).done:
            return 200, []
        name: str = getattr(message, self._operation).name
        return 202, [(b"location", (OPERATIONS + quote(name)).encode())]

    def _redirected(self, location: str) -> Answer:
        if not location or printable(location) != location.encode("utf-8"):
            raise Internal("the answer redirects to what is no address")
        return Answer(self._redirect_status, b"", b"text/plain", [(b"location", location.encode())])


def table_field(method: Method) -> str:
    """Return the name of the response field that holds the rows, empty when there is none."""
    found = [one.name for one in method.descriptor.output_type.fields if f.is_message(one, f.TABLE)]
    return found[0] if found else ""


def exported(method: Method) -> bool:
    """Return whether a method's whole list can be asked for as one file: a GET that answers rows in pages."""
    fields = method.request_fields()
    paged = method.rule.verb == "GET" and "page_token" in fields and "export" not in fields
    return paged and bool(table_field(method))


def operation_field(method: Method) -> str:
    """Return the name of the response field that holds the operation of long work, empty where there is none."""
    field = method.descriptor.output_type.fields_by_name.get("operation")
    return "operation" if method.policy.long_running and field and f.is_message(field, f.OPERATION) else ""


def may_be_kept(method: Method) -> bool:
    """Return whether answers of a method may be given again: its contract says how long, and they hold no secret."""
    policy, answer = method.policy, method.descriptor.output_type
    cookies = any(f.options_of(field).cookie for field in (*answer.fields, *method.descriptor.input_type.fields))
    changes = policy.long_running or policy.clears_cookie or policy.redirect_field or policy.oauth_endpoint
    return bool(policy.cache_seconds and not changes and not cookies and not holds_secret(answer))


def caching(method: Method, negotiated: bool) -> list[Header]:
    """Return the headers that say who may keep an answer, how long and whether it may be compressed."""
    if holds_secret(method.descriptor.output_type) or method.policy.oauth_endpoint:
        # A secret compressed beside text that the caller chooses can be guessed by length (BREACH).
        return [(b"cache-control", b"no-store, no-transform")]
    if not method.policy.cache_seconds or method.rule.verb != "GET":
        return [(b"cache-control", b"no-store")]
    vary = b"Accept, Authorization, X-API-Key" if negotiated else b"Authorization, X-API-Key"
    return [(b"cache-control", f"private, max-age={method.policy.cache_seconds}".encode()), (b"vary", vary)]


def charset(media_type: str) -> bytes:
    """Return the content type of a file."""
    return CSV_TYPE if media_type == CSV else media_type.encode()
