"""`verify-audit`: read the whole audit log and say whether it is as it was written."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from services.auth.audit_log import AuditLog, Chain
from services.auth.settings import AuthSettings
from services.auth.wiring import accounts


def chain(text: str) -> Chain:
    """Return the end of a chain from `SEQ:HASH`."""
    seq, _, digest = text.partition(":")
    if not seq.isdigit() or len(digest) != 64:
        raise argparse.ArgumentTypeError("write it as an earlier run printed it, SEQ:HASH")
    return Chain(int(seq), digest)


async def verify_audit(argv: Sequence[str], settings: AuthSettings) -> None:
    """Print where the log ends. Raises AuditBroken at the first row that is not as it was written."""
    parser = argparse.ArgumentParser("python -m services.auth verify-audit", description=__doc__)
    parser.add_argument("--known", type=chain, help="SEQ:HASH that an earlier run printed, or that the log has")
    known = parser.parse_args(argv).known
    async with accounts(settings) as (database, _):
        end = await AuditLog(database).verify(known)
    sys.stdout.write(f"the audit log is whole: {end.seq}:{end.hash}\n")
