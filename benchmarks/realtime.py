"""`python -m benchmarks.realtime`: how long until the last of 5,000 listeners has an event.

Three processes: one that stands for the service that signs tokens (its keys, its revocation stream), the gateway as it
is served, and one that holds all listeners. Each listener has a token of its own, shows a ticket and subscribes. The
gateway's process then publishes events at a steady pace; each carries the moment it was published, by the clock that
both processes share. What is printed is the time until the last listener's process has read the event from its socket.
In the second turn some listeners do not read: their socket, then their queue fills, until they are closed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import cast

import httpx
import orjson
import uvloop
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from deploy.local.plan import free_ports
from gateway.app import create_app
from gateway.realtime import wire
from gateway.realtime.listener import Key
from gateway.settings import GatewaySettings
from shared.rpc.http import serve_http
from shared.tokens import SigningKey, TokenSigner

ISSUER, AUDIENCE = "http://bench", "shop-insight"
TOPIC, FILLING_TOPIC = "metrics.demand", "metrics.copilot"
PING = b"\x89\x04"
FILLING = "x" * 64 * 1024
UPGRADE = (
    "GET /api/v1/realtime?ticket={ticket} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
)
UPGRADE += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"


async def serve(port: int, backend: str, folder: str) -> None:
    """Serve a gateway that publishes when told to by a line: how many events, seconds between them, filling or not."""
    settings = GatewaySettings(
        services={"auth": backend},
        issuer=ISSUER,
        var_dir=Path(folder),
        http_address=f"127.0.0.1:{port}",
        log_level="warning",
        rate_limit_user="off",
    )
    app = create_app(settings)

    async def publish() -> None:
        hub, lines = app.state.realtime.hub, asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        while line := (await lines.readline()).split():
            events, apart, filled = int(line[0]), float(line[1]), line[2] == b"1"
            for number in range(events):
                await asyncio.sleep(apart)
                if filled:
                    hub.publish([(Key(FILLING_TOPIC), FILLING)])
                hub.publish([(Key(TOPIC), {"n": number, "sent": time.monotonic_ns(), "filling": "y" * 300})])
            print("done", len(app.state.realtime.room), flush=True)

    publishing = asyncio.create_task(publish())
    await serve_http("gateway", settings, app, web_sockets=wire.UVICORN)
    publishing.cancel()


class Listener(asyncio.Protocol):
    """Keeps what arrives with the moment it did; everything else waits until it is asked for."""

    def __init__(self, ticket: str, topics: list[str], arrived: list[tuple[int, bytes]]) -> None:
        self._ticket, self._topics, self._arrived = ticket, topics, arrived
        self.ready = asyncio.get_running_loop().create_future()
        self.lost = False
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(UPGRADE.format(ticket=self._ticket).encode())

    def data_received(self, data: bytes) -> None:
        if self.ready.done():
            self._arrived.append((time.monotonic_ns(), data))
            self._answer_ping(data)
            return
        self._heard = data
        if data.startswith(b"HTTP/1.1 101"):
            said = orjson.dumps({"op": "subscribe", "topics": self._topics})
            mask = secrets.token_bytes(4)
            masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(said))
            self.transport.write(bytes((0x81, 0x80 | len(said))) + mask + masked)
        if b'"subscribed"' in data:
            self.ready.set_result(None)

    def _answer_ping(self, data: bytes) -> None:
        """Answer a ping, which may stand between events; they are ASCII."""
        at = data.find(PING)
        if at >= 0:  # masked with zeros
            self.transport.write(b"\x8a\x84\x00\x00\x00\x00" + data[at + 2 : at + 6])

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(f"closed before it was subscribed: {self._heard[-60:]!r}"))


async def tickets(url: str, key: SigningKey, first: int, many: int) -> list[str]:
    """Return a ticket for each of so many callers, numbered from `first`."""
    signer = TokenSigner(key, ISSUER, AUDIENCE, lifetime_seconds=3600)
    found: list[str] = []
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        for number in range(first, first + many):
            token = signer.sign(f"u{number}", ["viewer"], ["demand:read", "copilot:read"], f"s{number}")
            answer = await http.post("/api/v1/realtime/ticket", headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
            found.append(answer.json()["ticket"])
    return found


async def listeners(port: int, key: SigningKey, many: int, topics: list[str]) -> tuple[list[Listener], list]:
    """Return so many who have subscribed, and the list that fills with what they read."""
    arrived: list[tuple[int, bytes]] = []
    made: list[Listener] = []
    loop = asyncio.get_running_loop()
    for begin in range(0, many, 100):  # a ticket holds for 30 s
        wanted = min(100, many - begin)
        while wanted:
            for ticket in await tickets(f"http://127.0.0.1:{port}", key, len(made), wanted):
                _, one = await loop.create_connection(lambda t=ticket: Listener(t, topics, arrived), "127.0.0.1", port)
                try:
                    await one.ready
                except ConnectionError as error:
                    print(f"one comes again: {error}", file=sys.stderr)
                    await asyncio.sleep(0.5)
                else:
                    made.append(one)
                    wanted -= 1
    return made, arrived


def latencies(arrived: list[tuple[int, bytes]], expected: int) -> list[float]:
    """Return the milliseconds until the last of the expected readers had each event; all must have had all."""
    last: dict[int, int] = defaultdict(int)
    sent: dict[int, int] = {}
    counts: Counter[int] = Counter()
    for moment, data in arrived:
        begin = 0
        while (begin := data.find(b'{"type":"event"', begin)) >= 0:
            end = data.index(b'"}}', begin) + 3
            told = orjson.loads(data[begin:end])["data"]
            number, begin = told["n"], end
            sent[number] = told["sent"]
            counts[number] += 1
            last[number] = max(last[number], moment)
    short = {number: count for number, count in counts.items() if count != expected}
    if short:
        sys.exit(f"events that not every listener has had: {short}")
    return [(last[number] - sent[number]) / 1e6 for number in sorted(sent)]


def row(name: str, found: list[float]) -> str:
    cut = statistics.quantiles(found, n=100, method="inclusive")
    return (
        f"| {name} | {len(found)} | {statistics.median(found):.1f} | {cut[94]:.1f} | {cut[98]:.1f} | {max(found):.1f} |"
    )


async def turn(gateway: subprocess.Popen[str], options: argparse.Namespace, filled: bool) -> tuple[int, float]:
    """Publish the events of one turn; return how many are connected then and the gateway's CPU µs a message."""
    before = cpu_seconds(gateway.pid)
    assert gateway.stdin and gateway.stdout
    gateway.stdin.write(f"{options.events} {options.apart} {int(filled)}\n")
    gateway.stdin.flush()
    told = await asyncio.to_thread(gateway.stdout.readline)
    await asyncio.sleep(2)
    used = cpu_seconds(gateway.pid) - before
    return int(told.split()[1]), used * 1e6 / (options.events * options.listeners)


async def measure(port: int, key: SigningKey, gateway: subprocess.Popen[str], options: argparse.Namespace) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                await http.get(f"http://127.0.0.1:{port}/health/live")
                break
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    await asyncio.sleep(2)  # until the revocations are known
    began = time.monotonic()
    made, arrived = await listeners(port, key, options.listeners, [TOPIC])
    print(f"{len(made)} listeners subscribed in {time.monotonic() - began:.0f} s; load {os.getloadavg()[0]:.1f}")
    print("| listeners | events | median ms | p95 | p99 | longest |\n|---|---|---|---|---|---|")
    _, cost = await turn(gateway, options, False)
    print(row(f"{len(made)}", latencies(arrived, len(made))), f"gateway CPU µs a message: {cost:.1f}", flush=True)
    arrived.clear()
    stalled, _ = await listeners(port, key, options.stalled, [TOPIC, FILLING_TOPIC])
    for one in stalled:
        one.transport.pause_reading()
    left, _ = await turn(gateway, options, True)
    print(row(f"{len(made)}, and {len(stalled)} who do not read", latencies(arrived, len(made))))
    print(f"connected at the end: {left}; load {os.getloadavg()[0]:.1f}; {memory(gateway.pid)}")
    if any(one.lost for one in made):
        sys.exit("a listener who reads was closed")


def cpu_seconds(pid: int) -> float:
    """Return what a process has used of the processors."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> str:
    """Return what the kernel says of the gateway's resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((f"gateway {line}" for line in lines if line.startswith("VmRSS")), "")


def new_key() -> SigningKey:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return SigningKey("bench", made.private_bytes(*form).decode())


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.realtime", description=__doc__)
    parser.add_argument("--listeners", type=int, default=5000)
    parser.add_argument("--stalled", type=int, default=10)
    parser.add_argument("--events", type=int, default=200, help="in each of two turns")
    parser.add_argument("--apart", type=float, default=0.25, help="seconds between events")
    parser.add_argument("--serve", nargs=3, metavar=("PORT", "BACKEND", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    if options.serve:
        uvloop.run(serve(int(options.serve[0]), *options.serve[1:]))
        return
    key, (backend_port, port) = new_key(), free_ports(2)
    public = key.public()
    jwk = f"{public.kid} {public.n} {public.e}"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.gateway.servers", "backend", str(backend_port)]
        backend = subprocess.Popen(command, env=os.environ | {"JWK": jwk})
        ours = [sys.executable, "-m", "benchmarks.realtime", "--serve", str(port), f"127.0.0.1:{backend_port}", folder]
        gateway = subprocess.Popen(ours, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            uvloop.run(measure(port, key, gateway, options))
        finally:
            for process in (gateway, backend):
                process.terminate()
                process.wait(30)


if __name__ == "__main__":
    main()
