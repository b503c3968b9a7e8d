"""The binlog from one place on, event by event, by `mysql-replication` with file and position.

The library reconnects for ever by itself; here a lost connection ends the stream, and who reads it decides how often
to try again. It reads a table's description anew before every statement, which costs more than the rows: a
description that is the same as the one before is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.constants.COMMAND import COM_BINLOG_DUMP
from pymysql.protocol import MysqlPacket
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.constants.BINLOG import ROTATE_EVENT, TABLE_MAP_EVENT
from pymysqlreplication.event import (
    FormatDescriptionEvent,
    NotImplementedEvent,
    QueryEvent,
    RotateEvent,
    XAPrepareEvent,
    XidEvent,
)
from pymysqlreplication.row_event import DeleteRowsEvent, PartialUpdateRowsEvent, UpdateRowsEvent, WriteRowsEvent

from pipeline.mysql.address import Address
from pipeline.mysql.connection import MySqlUnreachable, explain
from pipeline.mysql.coordinates import AGAIN, BinlogGone, Coordinates

READ_BINLOG_FAILED = 1236
STALLED_SECONDS = 60
EVENTS = (
    FormatDescriptionEvent,
    RotateEvent,
    QueryEvent,
    XidEvent,
    XAPrepareEvent,
    WriteRowsEvent,
    UpdateRowsEvent,
    DeleteRowsEvent,
    PartialUpdateRowsEvent,
    NotImplementedEvent,
)
UNUSED = frozenset({33, 34, 35, 160, 161, 162, 163})
"""Types of events that say nothing of rows or of where transactions end: GTIDs, annotations, checkpoints."""
_TYPE, _TABLE_ID, _CHECKSUM = 5, slice(20, 26), -4


class StreamConnection(Connection):
    """A connection that passes over descriptions of tables that are known already."""

    def __init__(self, **settings: Any) -> None:
        self._dumping = False
        self._described: dict[bytes, bytes] = {}
        super().__init__(**settings)

    def _write_bytes(self, data: bytes) -> None:
        self._dumping = self._dumping or data[4:5] == bytes([COM_BINLOG_DUMP])
        super()._write_bytes(data)  # type: ignore[misc]  # not in the stubs

    def _read_packet(self, packet_type: Any = MysqlPacket) -> Any:
        packet = super()._read_packet(packet_type)  # type: ignore[no-untyped-call]
        while self._dumping and self._is_passed_over(packet._data):
            packet = super()._read_packet(packet_type)  # type: ignore[no-untyped-call]
        return packet

    def _is_passed_over(self, data: bytes) -> bool:
        if len(data) < 26 or data[0]:
            return False
        if data[_TYPE] in UNUSED:
            return True
        if data[_TYPE] == ROTATE_EVENT:
            self._described.clear()
        if data[_TYPE] != TABLE_MAP_EVENT:
            return False
        table, description = data[_TABLE_ID], data[20:_CHECKSUM]
        if self._described.get(table) == description:
            return True
        self._described[table] = description
        return False


class Opener:
    """Opens the library's two connections, once each."""

    def __init__(self) -> None:
        self._streams = 0

    def __call__(self, **settings: Any) -> Connection[Any]:
        """Return a connection. Raises OperationalError where the library would reconnect."""
        if "db" in settings:
            settings["database"] = settings.pop("db")  # the old word, which pymysql warns of
            return pymysql.connect(**settings)
        self._streams += 1
        if self._streams > 1:
            raise pymysql.err.OperationalError(2013, "the binlog stream was cut")
        return StreamConnection(**settings)


def events(address: Address, start: Coordinates, server_id: int, tables: list[str]) -> Iterator[Any]:
    """Yield the binlog's events from a place to its end, rows of the tables alone.

    Raises:
        BinlogGone: the server no longer has what comes after `start`.
        MySqlUnreachable: the connection was lost, or nothing came for a minute.
    """
    settings = {**address.settings(), "read_timeout": STALLED_SECONDS}
    stream = BinLogStreamReader(
        connection_settings=settings,
        server_id=server_id,
        log_file=start.file,
        log_pos=start.position,
        resume_stream=True,
        blocking=False,
        only_schemas=[address.database],
        only_tables=tables,
        only_events=list(EVENTS),
        filter_non_implemented_events=False,
        pymysql_wrapper=Opener(),
        enable_logging=False,
    )
    with closing(stream):
        yield from _told(address, start, stream.fetchone)


def _told(address: Address, start: Coordinates, fetch: Callable[[], Any]) -> Iterator[Any]:
    while True:
        try:
            event = fetch()
        except (pymysql.err.Error, OSError) as error:
            if error.args and error.args[0] == READ_BINLOG_FAILED:
                raise BinlogGone(
                    f"{address.shown}: the server cannot send its binlog from {start.file} {start.position} on "
                    f"(MySQL error {READ_BINLOG_FAILED}: it was purged or reset); {AGAIN}"
                ) from None
            explain(error, address, "read the binlog")
        except (IndexError, AttributeError, ValueError) as error:
            # A socket closed under pymysql shows as any of these.
            raise MySqlUnreachable(
                f"{address.shown}: the binlog stream broke off ({type(error).__name__}); run again"
            ) from error
        if event is None:
            return
        yield event
