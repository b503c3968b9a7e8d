"""`python -m benchmarks.gateway [seconds [pairs]]`: requests/s beside the references, as a Markdown table."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import grpc
import psutil
import uvloop
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks.gateway import load
from protos.auth.v1 import auth_pb2, auth_pb2_grpc
from shared.tokens import SigningKey, TokenSigner

PATH = "/api/v1/auth/me"
KINDS = ("ours", "reference", "echo")
CONNECTIONS = 32


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def server(kind: str, environment: dict[str, str]) -> Iterator[tuple[int, psutil.Process]]:
    """Give port and process of a running server."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.gateway.servers", kind, str(port)]
    process = subprocess.Popen(command, env={**os.environ, **environment})
    try:
        wait_for(port, process)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(10)


def wait_for(port: int, process: subprocess.Popen) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit("a server did not start; its error stands above")
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("a server did not start in 20 s")


def credentials(folder: Path) -> tuple[str, dict[str, str]]:
    """Return a token, and the environment that tells the servers its key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    signing = SigningKey("bench", pem)
    own = signing.public()
    (folder / "key.pem").write_bytes(public)
    token = TokenSigner(signing, "http://bench", "shop-insight").sign("u-1", ["viewer"], ["demand:read"], "s-1")
    return token, {"PUBLIC_KEY": str(folder / "key.pem"), "JWK": f"{own.kid} {own.n} {own.e}"}


def measured(port: int, process: psutil.Process, token: str, seconds: float, connections: int = CONNECTIONS):
    """Return requests/s, CPU µs a request and the median latency in ms."""
    before = sum(process.cpu_times()[:2])
    counts = uvloop.run(load.run(port, PATH, token, connections, seconds))
    spent = sum(process.cpu_times()[:2]) - before
    return counts.per_second, spent / len(counts.latencies) * 1e6, median(counts.latencies) * 1e3


async def direct(address: str, token: str, seconds: float) -> float:
    """Return the median latency in ms of the gRPC call made directly, one at a time."""
    metadata = (("authorization", f"Bearer {token}"),)
    found, end = [], time.perf_counter() + seconds
    async with grpc.aio.insecure_channel(address) as channel:
        call = auth_pb2_grpc.AuthServiceStub(channel).GetMe
        while (begin := time.perf_counter()) < end:
            await call(auth_pb2.GetMeRequest(), timeout=10, metadata=metadata)
            found.append(time.perf_counter() - begin)
    return median(found) * 1e3


def rounds(running, address: str, token: str, seconds: float, pairs: int):
    """Yield the figures of each interleaved round: throughput of all, then latency of ours and of the call."""
    for number in range(pairs):
        order = KINDS if number % 2 == 0 else KINDS[::-1]
        figures = {kind: measured(*running[kind], token, seconds) for kind in order}
        one = measured(*running["ours"], token, seconds / 2, connections=1)[2]
        yield figures, one - uvloop.run(direct(address, token, seconds / 2)), one


def report(found: list) -> None:
    """Print the medians and the ratios over the rounds."""
    print(f"{CONNECTIONS} connections, {len(found)} interleaved rounds, {os.cpu_count()} cores, {platform.machine()}\n")
    print("| what | requests/s | CPU µs a request |")
    print("|---|---:|---:|")
    for kind in KINDS:
        figures = [one[0][kind] for one in found]
        print(f"| {kind} | {median(f[0] for f in figures):,.0f} | {median(f[1] for f in figures):.0f} |")
    print("\n| ratio (median of pairs) | measured | range | target |")
    print("|---|---:|---|---|")
    for kind, target in (("reference", "≥ 3"), ("echo", "≥ 0.75")):
        ratios = sorted(one[0]["ours"][0] / one[0][kind][0] for one in found)
        print(f"| requests/s, ours ÷ {kind} | {median(ratios):.2f} | {ratios[0]:.2f}–{ratios[-1]:.2f} | {target} |")
        cpu = sorted(one[0][kind][1] / one[0]["ours"][1] for one in found)
        print(f"| requests per CPU second, ours ÷ {kind} | {median(cpu):.2f} | {cpu[0]:.2f}–{cpu[-1]:.2f} | |")
    added = sorted(one[1] for one in found)
    print(f"| added latency, one client (ms) | {median(added):.2f} | {added[0]:.2f}–{added[-1]:.2f} | ≤ 0.4 |")


def main(seconds: float = 3.0, pairs: int = 5) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        token, environment = credentials(Path(folder))
        port, _ = stack.enter_context(server("backend", environment))
        environment["BACKEND"] = f"127.0.0.1:{port}"
        running = {kind: stack.enter_context(server(kind, environment)) for kind in KINDS}
        for kind in KINDS:
            measured(*running[kind], token, 1.0)
        report(list(rounds(running, environment["BACKEND"], token, seconds, pairs)))


if __name__ == "__main__":
    main(*(kind(text) for kind, text in zip((float, int), sys.argv[1:], strict=False)))
