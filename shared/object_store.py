"""Files of a zone, wherever it lies: one file system for a local folder and for an object store."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow.fs as pafs


def filesystem(uri: str, options: Mapping[str, str]) -> pafs.FileSystem:
    """Return the file system whose root is `uri`, with delta-rs's storage options.

    Without keys among them, those of the environment, the shared configuration or the instance are taken.
    """
    if "://" not in uri:
        return pafs.SubTreeFileSystem(uri, pafs.LocalFileSystem())
    return pafs.SubTreeFileSystem(uri.partition("://")[2], _s3({key.lower(): text for key, text in options.items()}))


def _s3(options: Mapping[str, str]) -> pafs.S3FileSystem:
    # Not delta-rs's own file system: its output streams take no Arrow buffers.
    endpoint = options.get("aws_endpoint_url", "")
    scheme, _, host = endpoint.rpartition("://")
    given = {
        "access_key": options.get("aws_access_key_id"),
        "secret_key": options.get("aws_secret_access_key"),
        "session_token": options.get("aws_session_token"),
        "region": options.get("aws_region"),
        "endpoint_override": host,
        "scheme": scheme,
    }
    return pafs.S3FileSystem(**{name: text for name, text in given.items() if text})
