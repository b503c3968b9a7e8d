"""The lake: versioned Delta tables in zones, on a local folder or an object store."""

from shared.lake.as_of import AsOf, AsOfOutOfRange, InvalidAsOf, parse_as_of
from shared.lake.conflict import LakeConflict
from shared.lake.lake import Lake, LakeTableUnknown
from shared.lake.log import Commit
from shared.lake.repair import LakeTableBroken
from shared.lake.snapshot import Reading, Snapshot
from shared.lake.target import LakeDiskFull, telling_disk_full
from shared.lake.versions import LakeTableMissing, LakeTableUnreadable
from shared.lake.writing import LakeNotByMonth
from shared.lake.zones import LakeZoneUnknown, Zones

__all__ = [
    "AsOf",
    "AsOfOutOfRange",
    "Commit",
    "InvalidAsOf",
    "Lake",
    "LakeConflict",
    "LakeDiskFull",
    "LakeNotByMonth",
    "LakeTableBroken",
    "LakeTableMissing",
    "LakeTableUnknown",
    "LakeTableUnreadable",
    "LakeZoneUnknown",
    "Reading",
    "Snapshot",
    "Zones",
    "parse_as_of",
    "telling_disk_full",
]
