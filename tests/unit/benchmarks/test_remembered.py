"""Answers of peers kept from one measurement to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.forecasts import remembered as module
from benchmarks.forecasts.remembered import remembered
from services.market_intel.forecasting.model import Forecast, normal
from tests.unit.services.market_intel.test_models import panel, weekly_pattern

PANEL = panel(weekly_pattern(2, 60))


class Peer:
    """Answers with how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> tuple[Forecast, float]:
        self.times += 1
        mean = np.full((len(PANEL), 7), float(self.times))
        return normal(mean, np.ones_like(mean)), 12.5


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEPT", tmp_path)


def test_a_peer_is_asked_once_of_the_same():
    peer = Peer()
    first, _ = remembered("v1", "Peer (of others)", PANEL, 7, peer)
    again, seconds = remembered("v1", "Peer (of others)", PANEL, 7, peer)
    assert peer.times == 1
    assert seconds == 12.5
    np.testing.assert_array_equal(again.mean, first.mean)
    np.testing.assert_array_equal(again.quantiles, first.quantiles)


def test_a_peer_is_asked_anew_when_anything_is_different():
    peer, values = Peer(), PANEL.values.copy()
    values[-1] += 1e-9
    remembered("v1", "Peer", PANEL, 7, peer)
    remembered("v2", "Peer", PANEL, 7, peer)
    remembered("v1", "Peer", PANEL, 8, peer)
    remembered("v1", "Peer", replace(PANEL, values=values), 7, peer)
    assert peer.times == 4
