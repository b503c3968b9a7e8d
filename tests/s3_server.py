"""An S3 API server on loopback, in a process of its own: in ours, its thread and delta-rs would wait for each other."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import boto3

from tests.waiting import eventually, free_port

KEYS = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}


@contextmanager
def s3_server(bucket: str = "lake") -> Iterator[dict[str, str]]:
    """Yield delta-rs storage options for a server that has one empty bucket."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _await(endpoint, server)
            boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **KEYS).create_bucket(Bucket=bucket)
            place = {"aws_endpoint_url": endpoint, "aws_region": "us-east-1", "aws_allow_http": "true"}
            yield {**place, **KEYS, "aws_conditional_put": "etag"}
        finally:
            server.kill()


def _await(endpoint: str, server: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        if server.poll() is not None:
            raise RuntimeError("the S3 server ended at once")
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=1).close()
        except OSError:
            return False
        return True

    eventually(answers)
