"""The binlog from one place on, event by event, as the replication protocol sends it.

The protocol is spoken here and not by a library: one that makes an object of every event, with a reader object for
every value, spends more on the five events of a single-row transaction than all that comes after, stops at what a
newer server adds to events nobody needs, and reconnects by itself without saying so.

Source: MySQL Internals, "COM_BINLOG_DUMP", "Binlog Event header" and "Binlog Checksums"; MariaDB sends the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from struct import Struct
from typing import Any, NamedTuple, NoReturn
from zlib import crc32

import pymysql
from pymysql.constants.COMMAND import COM_BINLOG_DUMP

from pipeline.mysql.address import Address
from pipeline.mysql.connection import MySqlUnreachable, connect, explain, explaining
from pipeline.mysql.coordinates import AGAIN, BinlogGone, BinlogUnusable, Coordinates

READ_BINLOG_FAILED = 1236
STALLED_SECONDS = 60
NON_BLOCKING = 1
FORMAT_DESCRIPTION = 15
UNUSED = frozenset({27, 33, 34, 35, 41, 42, 160, 161, 162, 163})
"""Kinds of events that say nothing of rows or of where transactions end: heartbeats, GTIDs, annotations."""
HEADER = Struct("<xIB4xII")
"""Of a packet: an OK byte; seconds, kind, (server), length, place after it in the file; two bytes of flags follow."""
BODY = 20
OK, END = 0, 0xFE
ASKED = (
    "SET @master_binlog_checksum = @@global.binlog_checksum, @source_binlog_checksum = @@global.binlog_checksum,"
    # Less, and MariaDB replaces events that we do not need by others.
    " @mariadb_slave_capability = 4"
)


class BinlogDamaged(BinlogUnusable):
    """An event is not what the server wrote."""

    reason = "MYSQL_BINLOG_DAMAGED"


class Event(NamedTuple):
    """One event of the binlog."""

    kind: int
    seconds: int
    """When, in seconds since 1970."""
    position: int
    """The place after it in its file."""
    body: bytes
    """What stands between its header and its checksum."""


def events(address: Address, start: Coordinates, server_id: int) -> Iterator[Event]:
    """Yield the binlog's events from a place to its end, without those that nobody needs.

    Raises:
        BinlogGone: the server no longer has what comes after `start`.
        BinlogDamaged: an event's checksum is wrong.
        MySqlUnreachable: the connection was lost, or nothing came for a minute.
    """
    with closing(connect(address, read_timeout=STALLED_SECONDS)) as connection:
        has_checksums = _begin(connection, address, start, server_id)
        yield from _told(address, start, connection._read_packet, has_checksums)


def _begin(connection: Any, address: Address, start: Coordinates, server_id: int) -> bool:
    """Ask for the binlog; return whether events carry a checksum."""
    with explaining(address, "read the binlog (REPLICATION SLAVE)"):
        with connection.cursor() as cursor:
            cursor.execute(ASKED)
            cursor.execute("SELECT @@global.binlog_checksum")
            has_checksums = cursor.fetchone()[0] != "NONE"
        asked = Struct("<IHI").pack(start.position, NON_BLOCKING, server_id) + start.file.encode()
        connection._execute_command(COM_BINLOG_DUMP, asked)
        return bool(has_checksums)


def _told(address: Address, start: Coordinates, read: Callable[[], Any], has_checksums: bool) -> Iterator[Event]:
    unpacked = HEADER.unpack_from
    while True:
        try:
            data: bytes = read()._data
        except (pymysql.err.Error, OSError) as error:
            _explain(error, address, start)
        except (IndexError, AttributeError, ValueError) as error:
            # A socket closed under pymysql shows as any of these.
            raise MySqlUnreachable(
                f"{address.shown}: the binlog stream broke off ({type(error).__name__}); run again"
            ) from error
        if data[0] == END:
            return
        seconds, kind, _, position = unpacked(data)
        if kind in UNUSED:
            continue
        if kind == FORMAT_DESCRIPTION:
            # Each file says for itself whether its events have checksums; the byte before this event's own.
            has_checksums = data[-5] != 0
        if not has_checksums:
            yield Event(kind, seconds, position, data[BODY:])
            continue
        if crc32(memoryview(data)[1:-4]) != int.from_bytes(data[-4:], "little"):
            raise BinlogDamaged(
                f"{address.shown}: the event before {position} after {start.file} {start.position} has a wrong "
                f"checksum; look after the server's disk, then {AGAIN}"
            )
        yield Event(kind, seconds, position, data[BODY:-4])


def _explain(error: Exception, address: Address, start: Coordinates) -> NoReturn:
    if error.args and error.args[0] == READ_BINLOG_FAILED:
        raise BinlogGone(
            f"{address.shown}: the server cannot send its binlog from {start.file} {start.position} on "
            f"(MySQL error {READ_BINLOG_FAILED}: it was purged or reset); {AGAIN}"
        ) from None
    explain(error, address, "read the binlog")
