"""What a caller may see of a table: the one row and column policy, applied by `lake.read` and `read_of` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import PermissionDenied
from shared.principal import Principal
from shared.tables import Column, Pii, Table

if TYPE_CHECKING:
    import pyarrow as pa

READ_PII = "pii:read"


class RegionBound(PermissionDenied):
    """The caller sees some regions only, and this table cannot be cut by region."""

    reason = "REGION_BOUND"


def visible_columns(table: Table, principal: Principal) -> tuple[Column, ...]:
    """Return the columns the caller may see: without `pii:read`, none that tells who a person is."""
    if principal.may(READ_PII):
        return table.columns
    return tuple(column for column in table.columns if column.pii is Pii.NONE)


def require_regions(table: Table, principal: Principal) -> None:
    """Raise RegionBound where the caller is bound to regions and the table does not say whose rows are whose."""
    if principal.regions is not None and table.region_column is None and not table.region_free:
        raise RegionBound(
            f"{table.full_name} has no region column, so it is closed to callers bound to regions; "
            "ask an administrator for access to every region",
            metadata={"table": table.full_name},
        )


def visible_rows(data: pa.Table, table: Table, principal: Principal) -> pa.Table:
    """Return the rows the caller may see: of a region-bound caller's regions; rows without a region are nobody's."""
    require_regions(table, principal)
    if principal.regions is None or table.region_column is None:
        return data
    import pyarrow as pa  # noqa: PLC0415  already loaded by whoever holds `data`
    import pyarrow.compute as pc  # noqa: PLC0415

    allowed = pa.array(sorted(principal.regions), type=pa.string())
    return data.filter(pc.is_in(data[table.region_column], value_set=allowed))


def rows_of(data: pa.Table, column: str, owners: pa.ChunkedArray) -> pa.Table:
    """Return the rows whose column names one of the owners; rows of nobody are left out."""
    import pyarrow.compute as pc  # noqa: PLC0415  already loaded by whoever holds `data`

    return data.filter(pc.is_in(data[column], value_set=owners.drop_null().combine_chunks()))
