"""The gateway one would write by hand: FastAPI, a JWT dependency, one unary grpc.aio call."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from google.protobuf.json_format import MessageToDict
from jose import JWTError, jwt

from protos.auth.v1 import auth_pb2, auth_pb2_grpc

KEY = Path(os.environ["PUBLIC_KEY"]).read_text()


@asynccontextmanager
async def lifespan(app: FastAPI):
    async with grpc.aio.insecure_channel(os.environ["BACKEND"]) as channel:
        app.state.auth = auth_pb2_grpc.AuthServiceStub(channel)
        yield


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


def caller(token: HTTPAuthorizationCredentials = Depends(bearer)) -> dict:
    try:
        return jwt.decode(token.credentials, KEY, algorithms=["RS256"], audience="shop-insight", issuer="http://bench")
    except JWTError as error:
        raise HTTPException(401, "the token does not hold") from error


@app.get("/api/v1/auth/me")
async def me(claims: dict = Depends(caller), token: HTTPAuthorizationCredentials = Depends(bearer)):
    if "demand:read" not in claims["permissions"]:
        raise HTTPException(403, "not allowed")
    metadata = (("authorization", f"Bearer {token.credentials}"),)
    answer = await app.state.auth.GetMe(auth_pb2.GetMeRequest(), timeout=10, metadata=metadata)
    return MessageToDict(answer, preserving_proto_field_name=True)
