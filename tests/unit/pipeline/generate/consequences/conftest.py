from __future__ import annotations

import pytest

from tests.unit.pipeline.generate.consequences.shop import Generated, generated


@pytest.fixture(scope="session")
def made() -> Generated:
    return generated(24_000, days=365, sessions=2.0)
