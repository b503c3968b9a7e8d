"""`python -m gateway` serves; `python -m gateway openapi` prints the OpenAPI document and needs nothing running."""

from __future__ import annotations

import sys

import orjson

from gateway.app import create_app, document
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
    await serve_http("gateway", settings, app, meters, refuse=app.state.refuse, web_sockets=wire.UVICORN)


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
