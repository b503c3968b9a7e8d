"""Where in the binlog something stands, and whether the server still has what comes after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipeline.mysql.connection import Server
from shared.errors import FailedPrecondition

AGAIN = "read everything anew with --snapshot-again"


class BinlogGone(FailedPrecondition):
    """The binlog after the position reached is no longer there, so changes are missing."""

    reason = "MYSQL_BINLOG_GONE"


class BinlogUnusable(FailedPrecondition):
    """The server does not log what change capture needs."""

    reason = "MYSQL_BINLOG_UNUSABLE"


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A place between two events of a binlog."""

    file: str
    position: int
    gtid: str = ""
    """GTIDs up to here, where the server has them."""
    born: int = 0
    """When the file was begun, seconds since 1970; 0: not known yet. Tells a file from a later one of its name."""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Coordinates:
        """Return the coordinates written by `state`."""
        return cls(state["file"], state["position"], state.get("gtid", ""), state.get("born", 0))

    def state(self) -> dict[str, Any]:
        """Return what `of` reads."""
        return {"file": self.file, "position": self.position, "gtid": self.gtid, "born": self.born}

    def at(self, position: int) -> Coordinates:
        """Return another place in the same file."""
        return Coordinates(self.file, position, "", self.born)

    @property
    def order(self) -> tuple[int, int]:
        """Return what coordinates of one server sort by."""
        return file_number(self.file), self.position


@lru_cache
def file_number(name: str) -> int:
    """Return the number that a binlog file's name ends with."""
    match = re.search(r"(\d+)$", name)
    return int(match[1]) if match else 0


def source_position(epoch: str, file: str, position: int, row: int) -> str:
    """Return `_source_position`: it sorts by snapshot epoch, file, position and row, beyond file 999999 too."""
    return f"{event_position(epoch, file, position)}{row:09d}"


def event_position(epoch: str, file: str, position: int) -> str:
    """Return what `_source_position` of all rows of an event begins with; nine digits of the row follow."""
    return f"{epoch}/{_sortable(file)}/{position:015d}/"


@lru_cache
def _sortable(file: str) -> str:
    stem = re.sub(r"\d+$", "", file)
    return f"{stem}{file_number(file):010d}"


def binlog_faults(server: Server) -> dict[str, tuple[str, str]]:
    """Return variable → (value, value needed) of all that keeps the binlog from being followed."""
    wanted = {"log_bin": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "binlog_row_metadata": "FULL"}
    unwanted = {"log_bin_compress": "OFF", "binlog_transaction_compression": "OFF", "binlog_row_value_options": ""}
    found = server.variables(*wanted, *unwanted)
    wrong = {name: value for name, value in wanted.items() if found.get(name, "").upper() != value}
    wrong |= {name: value for name, value in unwanted.items() if found.get(name, value).upper() != value}
    return {name: (found.get(name) or "not known to this server", value) for name, value in wrong.items()}


def check_binlog(server: Server) -> None:
    """Return if the server logs whole rows with their columns' names. Raises BinlogUnusable."""
    wrong = binlog_faults(server)
    if not wrong:
        return
    told = ", ".join(f"{name}={found}" for name, (found, _) in wrong.items())
    remedy = " ".join(
        f"--{name.replace('_', '-')}{f'={value}' if name != 'log_bin' else ''}" for name, (_, value) in wrong.items()
    )
    raise BinlogUnusable(
        f"{server.address.shown}: {told}; change capture needs the server started with {remedy} "
        "(MySQL 8.0.14 or MariaDB 10.5 and later), and then --snapshot-again if it was on before"
    )


def head(server: Server) -> Coordinates:
    """Return where the binlog ends now. Raises BinlogUnusable where there is none."""
    doing = "ask where the binlog ends (REPLICATION CLIENT, on MariaDB also called BINLOG MONITOR)"
    modern = not server.is_mariadb and server.variables("binlog_row_metadata") and _is_modern(server)
    rows = server.rows(doing, "SHOW BINARY LOG STATUS" if modern else "SHOW MASTER STATUS")
    if not rows:
        raise BinlogUnusable(f"{server.address.shown}: the binlog is off; start the server with --log-bin")
    return Coordinates(str(rows[0]["File"]), int(rows[0]["Position"]), str(rows[0].get("Executed_Gtid_Set") or ""))


def gtid_at(server: Server, where: Coordinates) -> str:
    """Return the GTID position at a place of a MariaDB binlog, empty where the server does not say."""
    if not server.is_mariadb:
        return where.gtid
    found = server.rows("ask for a GTID", "SELECT BINLOG_GTID_POS(%s, %s) AS g", (where.file, where.position))
    return str(found[0]["g"] or "")


def check_there(server: Server, where: Coordinates) -> None:
    """Return if the binlog still has all that comes after a place. Raises BinlogGone."""
    doing = "list the binlog's files (REPLICATION CLIENT, on MariaDB also called BINLOG MONITOR)"
    sizes = {str(row["Log_name"]): int(row["File_size"]) for row in server.rows(doing, "SHOW BINARY LOGS")}
    if where.file not in sizes:
        raise BinlogGone(
            f"{server.address.shown}: binlog {where.file}, read up to position {where.position}, was purged "
            f"(oldest there: {min(sizes, key=file_number, default='none')}); changes since are lost to us: {AGAIN}, "
            "and keep binlogs longer (binlog_expire_logs_seconds)"
        )
    if where.position > sizes[where.file]:
        raise BinlogGone(
            f"{server.address.shown}: binlog {where.file} ends at {sizes[where.file]}, before position "
            f"{where.position} that was read already: it is another server's or was reset; {AGAIN}"
        )
    if where.gtid and server.is_mariadb and gtid_at(server, where) != where.gtid:
        raise BinlogGone(
            f"{server.address.shown}: at {where.file} {where.position} stood GTID {where.gtid} and stands another now: "
            f"the binlog was reset or is another server's; {AGAIN}"
        )


def _is_modern(server: Server) -> bool:
    """Return whether it is a MySQL that has forgotten SHOW MASTER STATUS (8.4 and later)."""
    version = str(server.rows("ask the version", "SELECT VERSION() AS v")[0]["v"])
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    return numbers >= (8, 2)
