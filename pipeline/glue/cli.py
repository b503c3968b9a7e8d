"""`python -m pipeline glue`: the lake's tables in the AWS Glue catalogue, for Athena."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pipeline.settings import PipelineSettings
from shared.errors import Unavailable

DONE, DIFFERS = 0, 1


class GlueUnavailable(Unavailable):
    """AWS did not take the call."""

    reason = "GLUE_UNAVAILABLE"


def add(commands: Any) -> None:
    """Add the command's words."""
    glue = commands.add_parser("glue", help="show or mend the lake's entries in the AWS Glue catalogue")
    glue.description = (
        "Holds the Glue catalogue against the contract and shows what differs (exit code 1); --apply puts it right. "
        "Nothing is deleted. AWS_… variables say who asks and where."
    )
    way = glue.add_mutually_exclusive_group()
    way.add_argument("--dry-run", action="store_true", help="only show what differs; this is the default")
    way.add_argument("--apply", action="store_true", help="make databases and tables, bring them up to date")


def execute(asked: argparse.Namespace, settings: PipelineSettings) -> int:
    """Return 0 where the catalogue is as the contract says, or was put right; 1 where it differs."""
    from pipeline.glue import catalogue, registered  # noqa: PLC0415

    wanted = catalogue.entries(settings.zone_uris(), settings.glue_prefix)
    wanted += registered.entries(settings)
    with telling_aws():
        found = (catalogue.apply if asked.apply else catalogue.drift)(_client(), wanted)
    for each in found:
        sys.stdout.write(f"{each}\n")
    told = f"{len(found)} mended" if asked.apply else f"{len(found)} to mend: `python -m pipeline glue --apply`"
    sys.stdout.write(f"{len(wanted)} tables, {told if found else 'all as the contract says'}\n")
    return DIFFERS if found and not asked.apply else DONE


@contextmanager
def telling_aws() -> Iterator[None]:
    """Turn what AWS refuses into a sentence. Raises GlueUnavailable."""
    from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        remedy = "see to AWS_REGION, the credentials and the right to use glue:*Database* and glue:*Table*"
        raise GlueUnavailable(f"the Glue catalogue did not take the call: {error}; {remedy}") from error


def _client() -> Any:
    import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  half a second

    return boto3.client("glue")
