"""The process that writes one exported workbook: pages of rows on stdin, each after its length; 0 ends them.

`python -m shared.transcode.workbook_process FILE`. It takes a core for as long as it lasts and gives way to others.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from typing import BinaryIO

from protos.common.v1 import table_pb2
from shared.transcode.workbook import write_book

MODULE = "shared.transcode.workbook_process"
LENGTH = struct.Struct(">I")
YIELDING = 10


def pages(source: BinaryIO) -> Iterator[table_pb2.Table]:
    """Yield the pages. Raises EOFError when they end before they are said to."""
    while True:
        (length,) = LENGTH.unpack(whole(source, LENGTH.size))
        if not length:
            return
        yield table_pb2.Table.FromString(whole(source, length))


def whole(source: BinaryIO, size: int) -> bytes:
    """Return that many bytes. Raises EOFError."""
    found = source.read(size)
    if len(found) != size:
        raise EOFError("whoever sent the rows is gone")
    return found


def main() -> None:
    """Write the workbook of the rows on stdin."""
    os.nice(YIELDING)
    write_book(sys.argv[1], pages(sys.stdin.buffer))


if __name__ == "__main__":
    main()
