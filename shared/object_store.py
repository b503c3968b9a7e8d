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


def put_new(uri: str, options: Mapping[str, str], path: str, content: bytes) -> bool:
    """Return whether the object store took the file under a name that was free; False: somebody else has that name."""
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  half a second, which only writers to an object store pay
    from botocore.exceptions import ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

    given = {key.lower(): text for key, text in options.items()}
    bucket, _, prefix = uri.partition("://")[2].partition("/")
    client = boto3.client(
        "s3",
        endpoint_url=given.get("aws_endpoint_url"),
        region_name=given.get("aws_region"),
        aws_access_key_id=given.get("aws_access_key_id"),
        aws_secret_access_key=given.get("aws_secret_access_key"),
        aws_session_token=given.get("aws_session_token"),
    )
    key = f"{prefix}/{path}".lstrip("/")
    try:
        client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
            raise
        # A request whose answer was lost is sent again and then meets itself.
        return bool(client.get_object(Bucket=bucket, Key=key)["Body"].read() == content)
    return True


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
