"""The pages that show the OpenAPI document: Swagger UI and ReDoc, without a line of inline script."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse

from gateway.headers import CSP_NAME, csp

READ = ["GET", "HEAD"]
STATIC = Path(__file__).parent / "static"
# Both libraries write style elements at run time, and ReDoc searches in a worker made from a blob.
POLICY = {CSP_NAME.decode(): csp("'unsafe-inline'", "blob:").decode(), "Cache-Control": "no-cache"}
PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>{title}</title>
    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
    {head}
  </head>
  <body>
    <div id="{root}"></div>
    <noscript>This page needs JavaScript. The document itself is at /api/v1/openapi.json.</noscript>
    {scripts}
  </body>
</html>
"""
SWAGGER = PAGE.format(
    title="Shop Insight: try the API",
    head='<link rel="stylesheet" href="/vendor/swagger-ui/swagger-ui.css" />',
    root="swagger-ui",
    scripts='<script src="/vendor/swagger-ui/swagger-ui-bundle.js"></script>'
    '<script src="/api/v1/docs/swagger-init.js"></script>',
)
OAUTH_REDIRECT = PAGE.format(
    title="Shop Insight: logged in",
    head="",
    root="oauth2-redirect",
    scripts='<script src="/vendor/swagger-ui/oauth2-redirect.js"></script>',
)
REDOC = PAGE.format(
    title="Shop Insight: the API",
    head="",
    root="redoc",
    scripts='<script src="/vendor/redoc/redoc.standalone.js"></script>'
    '<script src="/api/v1/docs/redoc-init.js"></script>',
)


def router() -> APIRouter:
    """Return the pages and the scripts that start them."""
    routes = APIRouter(prefix="/api/v1", include_in_schema=False)

    @routes.api_route("/docs", methods=READ)
    async def swagger() -> HTMLResponse:
        """Show the document with a form for each endpoint."""
        return HTMLResponse(SWAGGER, headers=POLICY)

    @routes.api_route("/docs/oauth2-redirect.html", methods=READ)
    async def oauth2_redirect() -> HTMLResponse:
        """Hand the code of an OAuth login to the page that asked for it, and close."""
        return HTMLResponse(OAUTH_REDIRECT, headers={"Cache-Control": "no-store"})

    @routes.api_route("/redoc", methods=READ)
    async def redoc() -> HTMLResponse:
        """Show the document to read."""
        return HTMLResponse(REDOC, headers=POLICY)

    @routes.api_route("/docs/swagger-init.js", methods=READ)
    async def swagger_script() -> FileResponse:
        """Start Swagger UI."""
        return script("swagger-init.js")

    @routes.api_route("/docs/redoc-init.js", methods=READ)
    async def redoc_script() -> FileResponse:
        """Start ReDoc."""
        return script("redoc-init.js")

    return routes


def script(name: str) -> FileResponse:
    """Return one of our own scripts."""
    return FileResponse(STATIC / name, media_type="text/javascript", headers={"Cache-Control": "no-cache"})
