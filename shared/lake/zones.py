"""Where each zone of the lake lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from shared.errors import NotFound
from shared.systems import SYSTEMS

SHARED_ZONES = ("raw", "curated", "quarantine", "pipeline", "archive")


class LakeZoneUnknown(NotFound):
    """The lake has no such zone."""

    reason = "LAKE_ZONE_UNKNOWN"


def _absolute(uri: str) -> str:
    return uri.rstrip("/") if "://" in uri else str(Path(uri).absolute())


@dataclass(frozen=True, slots=True)
class Zones:
    """The URI of every zone: a local folder or an object store's (`s3://bucket/prefix`)."""

    uris: Mapping[str, str]

    @classmethod
    def under(cls, root: str | Path, overrides: Mapping[str, str] | None = None) -> Zones:
        """Return the zones under one root, `overrides` (zone → URI) put elsewhere."""
        base = _absolute(str(root))
        uris = {zone: f"{base}/{zone}" for zone in SHARED_ZONES}
        uris |= {system.zone: f"{base}/prod/{system.zone}" for system in SYSTEMS}
        uris |= {zone: _absolute(uri) for zone, uri in (overrides or {}).items() if uri}
        return cls(MappingProxyType(uris))

    def zone(self, name: str) -> str:
        """Return the URI of a zone; raises LakeZoneUnknown."""
        if name not in self.uris:
            raise LakeZoneUnknown(f"{name!r}: the lake has no such zone; it has {', '.join(sorted(self.uris))}")
        return self.uris[name]

    def uri(self, table: str) -> str:
        """Return the URI of a table given as `<zone>.<table>`; raises LakeZoneUnknown."""
        zone, _, name = table.partition(".")
        return f"{self.zone(zone)}/{name}"
