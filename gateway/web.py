"""The web application at `/`: hashed assets for ever, index.html each time anew with its own nonce."""

from __future__ import annotations

import mimetypes
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from starlette.datastructures import URLPath
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from gateway.files import Files
from gateway.headers import CSP_NAME, csp

NONCE = "__CSP_NONCE__"
OURS = ("/api/", "/health/", "/metrics/", "/.well-known/")
SHORT, FOR_EVER = "no-cache", "public, max-age=31536000, immutable"
NOT_BUILT = """<!doctype html>
<html lang="en">
  <head><meta charset="utf-8" /><title>Shop Insight</title></head>
  <body>
    <h1>The web application is not built yet</h1>
    <p>Run <code>make web</code> and load this page again. The API works without it:
       see <a href="/api/v1/openapi.json">its OpenAPI document</a>.</p>
  </body>
</html>
"""


class WebRoute(BaseRoute):
    """The last route: files of the built application, and index.html for its own paths."""

    def __init__(self, root: Path) -> None:
        self._files = Files(root)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match what belongs to nobody else; paths of the API that nobody took stay unknown."""
        path = scope.get("path", "") + "/"
        return (Match.NONE if scope["type"] != "http" or path.startswith(OURS) else Match.FULL), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a file or the application itself."""
        scope["http.route"] = "/{file}"
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await self._response(scope)
        await response(scope, receive, send)

    async def _response(self, scope: Scope) -> Response:
        path = unquote(scope["path"]).strip("/")
        last = path.rpartition("/")[2]
        if "." in last and path != "index.html":
            return await self._file(path, scope)
        return await self._index()

    async def _file(self, path: str, scope: Scope) -> Response:
        found = await self._files.read(path, scope)
        if found is None:
            raise HTTPException(404)
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        if kind.endswith("+xml"):  # of texts the response says so by itself
            kind += "; charset=utf-8"
        kept = FOR_EVER if path.startswith("assets/") else SHORT
        headers = {"Cache-Control": kept, "ETag": found.etag, "Vary": "Accept-Encoding"}
        if found.etag in [tag.strip() for tag in header(scope, b"if-none-match").split(",")]:
            return Response(status_code=304, headers=headers)
        if found.encoding:
            headers["Content-Encoding"] = found.encoding
        return Response(found.body, media_type=kind, headers=headers)

    async def _index(self) -> Response:
        found = await self._files.text("index.html")
        if found is None:
            return HTMLResponse(NOT_BUILT, 503, headers={"Cache-Control": "no-store"})
        nonce = secrets.token_urlsafe(16)
        headers = {CSP_NAME.decode(): csp(f"'nonce-{nonce}'").decode(), "Cache-Control": SHORT}
        return HTMLResponse(found.replace(NONCE, nonce), headers=headers)

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Raise NoMatchFound: files have no names beside their paths."""
        raise NoMatchFound(name, path_params)


def header(scope: Scope, wanted: bytes) -> str:
    """Return a header of a request, empty when it is not there."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")
