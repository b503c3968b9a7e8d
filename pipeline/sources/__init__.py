"""Where data come from: each source by the name given to `--source`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from pipeline.sources.complete_journey import NAME, complete_journey
from pipeline.sources.source import OpenSource, Source, SourceUnreadable, UnknownSource, Window

__all__ = [
    "DEFAULT",
    "KNOWN",
    "RAW",
    "Asked",
    "OpenSource",
    "Source",
    "SourceUnreadable",
    "UnknownSource",
    "Window",
    "source",
]

DEFAULT = NAME
RAW = "raw"
"""Names no source: what raw holds already, brought by `extract`, by AWS DMS or by an earlier run."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a source was asked for beside its name."""

    folder: Path | None = None
    mapping: Path | None = None
    """Of `csv` alone: the mapping file; by default `mapping.yaml` in the folder."""
    max_rejected: float = 1.0
    """Of `csv` alone: most lines of a file, in percent, that may be unreadable."""
    overlay: bool = True
    """Of `complete-journey` alone: whether what the data lack is simulated on top."""


# Each imports its source when it is asked for: naming the sources must cost nothing.


def _online_retail(asked: Asked) -> Source:
    from pipeline.sources.online_retail import online_retail  # noqa: PLC0415

    return online_retail(asked.folder)


def _olist(asked: Asked) -> Source:
    from pipeline.sources.olist import olist  # noqa: PLC0415

    return olist(asked.folder)


def _csv(asked: Asked) -> Source:
    from pipeline.sources.csv_mapping import csv_source  # noqa: PLC0415

    return csv_source(asked.folder, asked.mapping, asked.max_rejected)


def _synthetic(asked: Asked) -> Source:
    from pipeline.sources.synthetic import synthetic  # noqa: PLC0415

    return synthetic(asked.folder)


KNOWN: Mapping[str, Callable[[Asked], Source]] = MappingProxyType(
    {
        NAME: lambda asked: complete_journey(asked.folder, overlay=asked.overlay),
        "online-retail": _online_retail,
        "olist": _olist,
        "csv": _csv,
        "synthetic": _synthetic,
        RAW: lambda asked: Source(RAW, Path(), (), (), {}),
    }
)


def source(
    name: str,
    folder: Path | None = None,
    *,
    mapping: Path | None = None,
    max_rejected: float | None = None,
    overlay: bool = True,
) -> Source:
    """Return the source of that name, read from `folder` where given. Raises UnknownSource, SourceUnreadable."""
    if name not in KNOWN:
        raise UnknownSource(f"no source {name!r}; there are: {', '.join(KNOWN)}")
    return KNOWN[name](Asked(folder, mapping, Asked().max_rejected if max_rejected is None else max_rejected, overlay))
