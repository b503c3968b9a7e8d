"""`python -m gateway` serves; `python -m gateway openapi` prints the OpenAPI document and needs nothing running."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

import orjson
from fastapi import FastAPI

from gateway.app import create_app
from gateway.described import document
from gateway.realtime import wire
from gateway.settings import GatewaySettings
from shared.rpc.http import serve_http
from shared.rpc.process import run
from shared.telemetry_metrics import Meters
from shared.transcode.contract import load_contracts

FORMAT = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


async def serve() -> None:
    """Serve until told to stop."""
    settings = GatewaySettings()
    meters = Meters()
    app = create_app(settings, meters)
    leaving = partial(leave, app, settings)
    await serve_http(
        "gateway", settings, app, meters, refuse=app.state.refuse, web_sockets=wire.UVICORN, leaving=leaving
    )


async def leave(app: FastAPI, settings: GatewaySettings) -> None:
    """Tell the balancer to send nothing more, and give it time to hear that."""
    app.state.ready = False
    await asyncio.sleep(settings.linger_seconds)


def main(arguments: list[str]) -> None:
    """Do what the arguments say."""
    if arguments == ["openapi"]:
        sys.stdout.buffer.write(orjson.dumps(document().build(load_contracts()), option=FORMAT))
    elif arguments:
        sys.exit("usage: python -m gateway [openapi]")
    else:
        run(serve())


if __name__ == "__main__":
    main(sys.argv[1:])
