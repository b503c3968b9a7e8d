"""What peers said, kept in build/: a change of ours is measured again without asking minutes of them again.

A peer is asked anew when anything that its answer depends on is another: the series, the horizon, its version, or the
code that sets it up. The seconds are those of the time it was asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from services.market_intel.forecasting.model import Forecast
from services.market_intel.forecasting.panel import Panel

KEPT = Path("build/forecasts/peers")


def remembered(
    setup: str, name: str, panel: Panel, horizon: int, ask: Callable[[], tuple[Forecast, float]]
) -> tuple[Forecast, float]:
    """Return a peer's forecast and the seconds it took, as kept from before, or by asking it.

    Args:
        setup: whatever its answer depends on besides the series: versions, settings.
        name: of the peer, for people who look into the folder.
        panel: what it is asked of.
        horizon: periods ahead.
        ask: makes the forecast and says how long that took.
    """
    place = KEPT / f"{name.lower().replace(' ', '-')}-{key(setup, panel, horizon)}.npz"
    if place.exists():
        with np.load(place) as kept:
            return Forecast(kept["mean"], kept["quantiles"]), float(kept["seconds"])
    found, seconds = ask()
    place.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all, as a run may be stopped while it writes.
    half = place.with_suffix(".half.npz")
    np.savez_compressed(half, mean=found.mean, quantiles=found.quantiles, seconds=seconds)
    half.rename(place)
    return found, seconds


def key(setup: str, panel: Panel, horizon: int) -> str:
    """Return a digest of everything that a peer's answer depends on."""
    digest = hashlib.sha256(repr((setup, horizon, panel.frequency, panel.ids)).encode())
    for part in (panel.offsets, panel.starts, panel.values):
        digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:24]
