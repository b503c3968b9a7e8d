"""S3 for DuckDB, which has no extension for it here: reached as delta-rs reaches it, by the same options."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pyarrow.fs as pafs
from fsspec.implementations.arrow import ArrowFile, ArrowFSWrapper  # type: ignore[import-untyped]
from fsspec.spec import AbstractFileSystem  # type: ignore[import-untyped]

from shared.engine.placing import is_remote


def s3(options: Mapping[str, str]) -> pafs.S3FileSystem:
    """Return S3 as delta-rs's storage options and the AWS_… variables describe it.

    Not delta-rs's own file system: that one holds Python's lock while it waits, so that reads stand in a queue.
    """
    told = {name.lower(): value for name, value in os.environ.items() if name.startswith("AWS_")}
    told |= {f"aws_{name.lower().removeprefix('aws_')}": value for name, value in options.items()}
    endpoint = urlsplit(told.get("aws_endpoint_url") or told.get("aws_endpoint") or "")
    given = {
        "access_key": told.get("aws_access_key_id"),
        "secret_key": told.get("aws_secret_access_key"),
        "session_token": told.get("aws_session_token"),
        "region": told.get("aws_region") or told.get("aws_default_region"),
        "endpoint_override": endpoint.netloc,
        "scheme": endpoint.scheme,
    }
    return pafs.S3FileSystem(**{name: value for name, value in given.items() if value})


class Buckets(AbstractFileSystem):  # type: ignore[misc]
    """S3 as DuckDB takes it: read-only, `s3://bucket/key`, a range of a file at a time."""

    protocol = ("s3", "s3a")
    cachable = False

    def __init__(self, options: Mapping[str, str], **asked: Any) -> None:
        super().__init__(**asked)
        self._files = ArrowFSWrapper(s3(options))

    def info(self, path: str, **asked: Any) -> dict[str, Any]:
        """Return what is known of a file."""
        return dict(self._files.info(_key(path)))

    def exists(self, path: str, **asked: Any) -> bool:
        """Return whether a file is there."""
        return bool(self._files.exists(_key(path)))

    def glob(self, path: str, **asked: Any) -> list[str]:
        """Return the path itself: files are always named one by one."""
        return [path]

    def modified(self, path: str) -> Any:
        """Return when a file was last written."""
        return self.info(path)["mtime"]

    def _open(self, path: str, mode: str = "rb", **asked: Any) -> ArrowFile:
        return self._files.open(_key(path), mode)


def reach(connection: duckdb.DuckDBPyConnection, uris: Iterable[str], options: Mapping[str, str]) -> None:
    """Let a connection read the files of `uris` where some of them lie in a store; what it can do already stays."""
    if any(is_remote(uri) for uri in uris) and not connection.filesystem_is_registered("s3"):
        connection.register_filesystem(Buckets(options))


def _key(path: str) -> str:
    """Return `bucket/key`."""
    return path.partition("://")[2] or path
