"""`python -m benchmarks.load [seconds]`: the gateway under open-loop load, as Markdown tables.

Three rows of the targets: a kept answer at 2,000 requests/s (with the keeping off beside it), 1,000 connections at
1,000 requests/s, and twice what the gateway can do at most (its shedding off and on). The gateway has one core to
itself; the client and the service behind share another, where the machine lets processes be placed.
"""

from __future__ import annotations

import http.client
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import uvloop

from benchmarks.gateway.__main__ import PATH, credentials, measured, server
from benchmarks.load.client import Result, get, run

KEPT = "/api/v1/demand-insights/segments"
CLOSED_CONNECTIONS = 64
HEADER = "| what | requests/s | connections | answered well a second | median | p99 | other answers | broken |"


def place(pid: int, core: int) -> None:
    """Let a process run on one core alone, where there are several."""
    cores = sorted(os.sched_getaffinity(0) | {*range(os.cpu_count() or 1)})
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core % len(cores)]})


@contextmanager
def gateway(environment: dict[str, str], **settings: str):
    """Give the port and the process of a gateway with these settings, on a core of its own."""
    with server("ours", {**environment, **settings}) as (port, process):
        place(process.pid, 0)
        yield port, process


def row(what: str, rate: float, connections: int, found: Result) -> None:
    """Print one row."""
    others = ", ".join(f"{count} × {status}" for status, count in sorted(found.statuses.items()) if status != 200)
    cells = [what, f"{rate:,.0f}", f"{connections:,}", f"{found.goodput():,.0f}"]
    cells += [f"{found.took_ms(0.5):.1f} ms", f"{found.took_ms(0.99):.1f} ms", others or "none", str(found.broken)]
    print(f"| {' | '.join(cells)} |", flush=True)
    if found.late > 0.02:
        print(f"| (the client itself was up to {found.late * 1000:.0f} ms late) |||||||", flush=True)


def etag(port: int, token: str) -> str:
    """Return the ETag of the kept answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", KEPT, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.getheader("etag") or ""


def kept(environment: dict[str, str], token: str, seconds: float) -> None:
    """Print what keeping an answer is worth whose making takes the service 5 ms."""
    for what, room in (("not kept", "0"), ("kept", str(64 * 1024 * 1024))):
        with gateway(environment, CACHE_BYTES=room) as (port, _):
            uvloop.run(run(port, [get(KEPT, token)], 100, 8, 2))
            row(what, 2000, 64, uvloop.run(run(port, [get(KEPT, token)], 2000, 64, seconds)))
            if room != "0":
                asked = [get(KEPT, token), get(KEPT, token, If_None_Match=etag(port, token))]
                row("kept, every other asks If-None-Match", 2000, 64, uvloop.run(run(port, asked, 2000, 64, seconds)))


def many(environment: dict[str, str], token: str, seconds: float) -> None:
    """Print a thousand connections that each ask once a second."""
    with gateway(environment) as (port, _):
        row("small call", 1000, 1000, uvloop.run(run(port, [get(PATH, token)], 1000, 1000, seconds)))


def overload(environment: dict[str, str], token: str, seconds: float) -> None:
    """Print what is left of the peak at twice the peak, with the shedding off and on."""
    for what, most in (("shedding off", "0"), ("shedding on", ""), ("shedding at 64", "64")):
        with gateway(environment, MOST_REQUESTS=most, MOST_CALLS="0" if most == "0" else "") as (port, process):
            measured(port, process, token, 1.0)
            peak = measured(port, process, token, seconds / 2, CLOSED_CONNECTIONS)[0]
            found = uvloop.run(run(port, [get(PATH, token)], 2 * peak, 2000, seconds))
            row(f"{what}; peak {peak:,.0f}/s", 2 * peak, 2000, found)
            share, refused = found.goodput() / peak, found.took_ms(0.99, 429, 503)
            print(f"| goodput {share:.0%} of the peak; refused within {refused:.0f} ms at p99 |||||||", flush=True)


def main(seconds: float = 10.0) -> None:
    with tempfile.TemporaryDirectory() as folder:
        token, environment = credentials(Path(folder))
        with server("backend", environment) as (backend, process):
            place(process.pid, 1)
            place(os.getpid(), 1)
            environment["BACKEND"] = f"127.0.0.1:{backend}"
            print(HEADER, "|---|---:|---:|---:|---:|---:|---|---:|", sep="\n")
            kept(environment, token, seconds)
            many(environment, token, max(seconds, 60.0) if seconds >= 10 else seconds)
            overload(environment, token, seconds)


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
