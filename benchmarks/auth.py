"""`python -m benchmarks.auth`: how long others wait while people log in.

One auth process over SQLite, as `make run` starts it. GET /auth/me over HTTP at a fixed rate (an open loop: a late
answer does not hold back the next request), alone and then while more logins come than the hashing pool takes, in
turns. Prints median and p99 of both and their ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx

EMAIL, PASSWORD = "bench@example.com", secrets.token_urlsafe(18)
SERVING = re.compile(r"serving .*http=(\S+)")


def start(var_dir: Path) -> tuple[subprocess.Popen[str], str]:
    """Return a running auth process and its address."""
    environment = os.environ | {"VAR_DIR": str(var_dir), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "services.auth"]
    make = [*command, "create-user", "--email", EMAIL, "--full-name", "Bench", "--role", "viewer"]
    subprocess.run(make, input=PASSWORD, text=True, env=environment, check=True, capture_output=True)
    log = (var_dir / "log").open("w+")
    process = subprocess.Popen(command, stderr=log, env=environment, text=True)
    while not (found := SERVING.search((var_dir / "log").read_text())):
        if process.poll() is not None:
            raise RuntimeError((var_dir / "log").read_text()[-2000:])
        time.sleep(0.05)
    return process, f"http://{found[1]}/api/v1/auth"


async def ask(client: httpx.AsyncClient, seconds: float, rate: float) -> list[float]:
    """Return the seconds each GET /me took, from when it was due."""
    took: list[float] = []

    async def once(due: float) -> None:
        (await client.get("/me")).raise_for_status()
        took.append(time.perf_counter() - due)

    began, tasks = time.perf_counter(), []
    for number in range(int(seconds * rate)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(once(due)))
    await asyncio.gather(*tasks)
    return took


async def log_in_for_ever(client: httpx.AsyncClient, outcomes: Counter[int]) -> None:
    """Log in again and again."""
    while True:
        answer = await client.post("/login", json={"email": EMAIL, "password": PASSWORD})
        outcomes[answer.status_code] += 1


def row(name: str, took: list[float]) -> str:
    """Return one line of the table."""
    cut = statistics.quantiles(took, n=100)
    return f"| {name} | {len(took)} | {statistics.median(took) * 1e3:.2f} | {cut[98] * 1e3:.2f} |"


async def measure(url: str, options: argparse.Namespace) -> None:
    """Print the table."""
    limits, outcomes = httpx.Limits(max_connections=None), Counter[int]()
    quiet, loaded = [], []
    async with (
        httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client,
        httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as others,
    ):
        answer = await client.post("/login", json={"email": EMAIL, "password": PASSWORD})
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        await ask(client, 2, options.rate)
        for _ in range(options.turns):
            quiet += await ask(client, options.seconds, options.rate)
            tasks = [asyncio.create_task(log_in_for_ever(others, outcomes)) for _ in range(options.logins)]
            await asyncio.sleep(1)
            loaded += await ask(client, options.seconds, options.rate)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(1)
    print("| GET /auth/me | n | median ms | p99 ms |\n|---|---|---|---|")
    print(row("alone", quiet))
    print(row(f"beside {options.logins} people logging in", loaded))
    ratio = statistics.quantiles(loaded, n=100)[98] / statistics.quantiles(quiet, n=100)[98]
    print(f"\np99 beside logins / alone: {ratio:.2f}; logins by status: {dict(outcomes)}")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.auth", description=__doc__)
    parser.add_argument("--rate", type=float, default=40, help="GET /me a second")
    parser.add_argument("--logins", type=int, default=8, help="people who log in again and again")
    parser.add_argument("--seconds", type=float, default=8, help="a turn")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, url = start(Path(folder))
        try:
            asyncio.run(measure(url, options))
        except httpx.TransportError as error:
            told = (Path(folder) / "log").read_text()[-2000:]
            sys.exit(f"{error!r}; the process ended with {process.poll()}:\n{told}")
        finally:
            process.terminate()
            process.wait(30)


if __name__ == "__main__":
    main()
