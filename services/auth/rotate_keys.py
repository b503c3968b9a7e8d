"""`rotate-keys`: a new signing key now, instead of when the present one is old enough."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from services.auth.keys import LocalKeys
from services.auth.settings import AuthSettings


async def rotate_keys(argv: Sequence[str], settings: AuthSettings) -> None:
    """Make a key. Running replicas publish it within half a minute, and sign with it once it has been for a while."""
    argparse.ArgumentParser("python -m services.auth rotate-keys", description=__doc__).parse_args(argv)
    key = LocalKeys(settings.keys_dir, rotation=settings.rotation).rotate()
    sys.stdout.write(f"{key.kid} signs in {settings.key_publish_minutes:g} minutes\n")
