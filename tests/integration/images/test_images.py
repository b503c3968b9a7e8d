"""Each image holds what its Dockerfile copies and its lock installs: enough to answer, and nothing of another service.

No container engine is needed: the files are laid out as the Dockerfile says, beside an environment that holds what the
lock names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from deploy.local.plan import free_ports
from deploy.local.preflight import HOST
from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from tests.integration.images.dockerfile import ROOT, lay_out, stages
from tests.integration.images.locked import environment

PASSWORD = "seven-quiet-Herons-2041"
PATIENCE_SECONDS = 40

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Image:
    """An image's files and the Python of its own environment."""

    folder: Path
    python: Path

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        command = [str(self.python), "-c", code]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Image]:
    def build(target: str, image: str) -> Image:
        folder = tmp_path_factory.mktemp(image)
        lay_out(target, image, folder / "app")
        python = environment(ROOT / "requirements" / f"{image}.txt", folder / "venv")
        return Image(folder / "app", python)

    return build


@contextmanager
def process(python: Path | str, module: str, folder: Path, **environment: str) -> Iterator[None]:
    """Run a module until the block ends, and show what it said if it could not be stopped cleanly."""
    command = [str(python), "-m", module]
    running = subprocess.Popen(command, cwd=folder, env={**clean_environment(), **environment})
    try:
        yield
    finally:
        running.terminate()
        assert running.wait(timeout=30) == 0


def clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}


def answer(url: str, body: dict[str, str] | None = None, token: str = "") -> tuple[int, dict[str, object]]:
    """Return status and JSON of a call, waiting for the server to be up."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as problem:
            with problem:
                if problem.code != 503 or time.monotonic() > deadline:
                    return problem.code, json.load(problem)
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


@pytest.fixture(scope="module")
def auth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running auth service of this checkout, with one viewer account; its gRPC address."""
    var_dir = tmp_path_factory.mktemp("auth")
    grpc, http = (f"{HOST}:{port}" for port in free_ports(2))
    settings = {"VAR_DIR": str(var_dir), "GRPC_ADDRESS": grpc, "HTTP_ADDRESS": http}
    create = ["create-user", "--email", "vi@example.com", "--full-name", "Vi Ewer", "--role", "viewer"]
    subprocess.run(
        [sys.executable, "-m", "services.auth", *create],
        input=PASSWORD.encode(),
        cwd=ROOT,
        env={**os.environ, **settings},
        check=True,
    )
    with process(sys.executable, "services.auth", ROOT, **settings):
        yield grpc


def test_the_gateway_image_serves_a_login_and_no_service(
    built: Callable[[str, str], Image], auth: str, tmp_path: Path
) -> None:
    image = built("gateway", "gateway")
    address = f"{HOST}:{free_ports(1)[0]}"
    settings = {"HTTP_ADDRESS": address, "SERVICES": f"auth={auth}", "VAR_DIR": str(tmp_path)}
    with process(image.python, "gateway", image.folder, **settings):
        status, login = answer(f"http://{address}/api/v1/auth/login", {"email": "vi@example.com", "password": PASSWORD})
        assert status == 200
        assert answer(f"http://{address}/api/v1/auth/me", token=str(login["access_token"]))[0] == 200
    assert "No module named 'services'" in image.run("import services.demand").stderr


def test_the_demand_image_answers_a_verified_caller_and_holds_no_other_service(
    built: Callable[[str, str], Image], auth: str, tmp_path: Path
) -> None:
    image = built("service", "demand")
    grpc, http = (f"{HOST}:{port}" for port in free_ports(2))
    settings = {"GRPC_ADDRESS": grpc, "HTTP_ADDRESS": http, "SERVICES": f"auth={auth}", "VAR_DIR": str(tmp_path)}
    with process(image.python, "services.demand", image.folder, **settings):
        url = f"http://{http}/api/v1/demand-insights/segments"
        assert answer(url)[0] == 401
        status, problem = answer(url, token=token_from(auth))
        assert (status, problem["reason"]) == (400, "LAKE_TABLE_MISSING")
    for other in ("services.auth", "gateway", "pipeline"):
        assert f"No module named '{other}'" in image.run(f"import {other}").stderr


PANEL = """
import numpy as np
from services.market_intel.forecasting.panel import panel_of
from services.market_intel.forecasting.periods import DAY
from services.market_intel.forecasting.registry import MODELS

days = np.arange("2024-01-01", "2024-07-01", dtype="datetime64[D]")
panel = panel_of(DAY, days, np.arange(len(days)) % 7 + np.arange(len(days)) % 5 + 1.0)
"""
FORECASTS = f"""{PANEL}
made = {{name: one.make().forecast(panel, 7) for name, one in MODELS.items() if name not in ("lstm", "pretrained")}}
assert all(np.isfinite(one.mean).all() for one in made.values())
print(*made)
"""


def test_the_market_intel_image_has_what_its_models_need_and_holds_no_other_service(
    built: Callable[[str, str], Image], auth: str, tmp_path: Path
) -> None:
    image = built("service", "market_intel")
    grpc, http = (f"{HOST}:{port}" for port in free_ports(2))
    settings = {"GRPC_ADDRESS": grpc, "HTTP_ADDRESS": http, "SERVICES": f"auth={auth}", "VAR_DIR": str(tmp_path)}
    with process(image.python, "services.market_intel", image.folder, **settings):
        url = f"http://{http}/api/v1/market-intelligence/forecasts"
        assert answer(url)[0] == 401
        status, problem = answer(url, token=token_from(auth))
        assert (status, problem["reason"]) == (400, "LAKE_TABLE_MISSING")
    made = image.run(FORECASTS)
    assert {"arima", "ets", "gbm", "prophet", "theta"} <= set(made.stdout.split()), made.stderr
    # Whoever wants the LSTM adds torch; without it the model says so.
    assert "make deep" in image.run(f"{PANEL}\nMODELS['lstm'].make().forecast(panel, 7)").stderr
    for other in ("services.auth", "services.demand", "gateway", "pipeline"):
        assert f"No module named '{other}'" in image.run(f"import {other}").stderr


def test_the_auth_image_logs_somebody_in_and_holds_no_other_service(
    built: Callable[[str, str], Image], tmp_path: Path
) -> None:
    image = built("service", "auth")
    grpc, http = (f"{HOST}:{port}" for port in free_ports(2))
    settings = {"GRPC_ADDRESS": grpc, "HTTP_ADDRESS": http, "VAR_DIR": str(tmp_path)}
    who = {"email": "vi@example.com", "password": PASSWORD}
    with process(image.python, "services.auth", image.folder, **settings):
        assert len(answer(f"http://{http}/.well-known/jwks.json")[1]["keys"]) == 1  # type: ignore[arg-type]
        made = answer(f"http://{http}/api/v1/auth/register", {**who, "full_name": "Vi Ewer"})
        assert made[0] == 200
        status, login = answer(f"http://{http}/api/v1/auth/login", who)
        assert status == 200
        assert answer(f"http://{http}/api/v1/auth/me", token=str(login["access_token"]))[0] == 200
    for other in ("services.demand", "gateway", "pipeline"):
        assert f"No module named '{other}'" in image.run(f"import {other}").stderr


def test_the_image_of_the_pipelines_service_answers_a_verified_caller_and_can_be_no_other(
    built: Callable[[str, str], Image], auth: str, tmp_path: Path
) -> None:
    image = built("pipeline-service", "pipeline")
    grpc, http = (f"{HOST}:{port}" for port in free_ports(2))
    settings = {"GRPC_ADDRESS": grpc, "HTTP_ADDRESS": http, "SERVICES": f"auth={auth}", "VAR_DIR": str(tmp_path)}
    with process(image.python, "pipeline.service", image.folder, **settings):
        url = f"http://{http}/api/v1/pipeline/runs"
        assert answer(url)[0] == 401
        status, problem = answer(url, token=token_from(auth))
        assert (status, problem["reason"]) == (403, "PERMISSION_MISSING")
    for other in ("gateway", "services.auth.__main__"):
        assert "No module named" in image.run(f"import {other}").stderr
    # What a run needs is there too: every batch module and every command can be imported.
    code = "import pipeline.__main__, pipeline.ingest.ingest, pipeline.glue.registered, services.demand.batch"
    assert image.run(code).stderr == ""


def token_from(auth: str) -> str:
    with grpc.insecure_channel(auth) as channel:
        request = auth_pb2.LoginRequest(email="vi@example.com", password=PASSWORD)
        return str(auth_pb2_grpc.AuthServiceStub(channel).Login(request).access_token)


def test_no_image_runs_as_root() -> None:
    known = stages()
    assert "USER app" in known["base"].lines
    assert not any(line.startswith("USER root") for stage in known.values() for line in stage.lines)
    assert {known[name].base for name in ("service", "gateway", "pipeline")} == {"base"}
