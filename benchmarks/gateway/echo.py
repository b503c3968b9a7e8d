"""The least a FastAPI application can do: answer bytes."""

from __future__ import annotations

from fastapi import FastAPI, Response

app = FastAPI()
BODY = b'{"user":{"id":"u-1","email":"ada@example.com","full_name":"Ada Lovelace","roles":["viewer"]}}'


@app.get("/api/v1/auth/me")
async def me() -> Response:
    return Response(BODY, media_type="application/json")
