"""Where each zone of the lake lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

SHARED_ZONES = ("raw", "curated", "quarantine")
SYSTEMS = ("market_intel", "demand", "compliance", "copilot", "market_pulse")


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
        uris |= {system: f"{base}/prod/{system}" for system in SYSTEMS}
        uris |= {zone: _absolute(uri) for zone, uri in (overrides or {}).items() if uri}
        return cls(MappingProxyType(uris))

    def uri(self, table: str) -> str:
        """Return the URI of a table given as `<zone>.<table>`; KeyError for an unknown zone."""
        zone, _, name = table.partition(".")
        return f"{self.uris[zone]}/{name}"
