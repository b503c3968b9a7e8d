"""A backend for every contract and a gateway before it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.contract.backend import Backend, gateway, serving, settings_for


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    async with serving() as one:
        yield one


@pytest.fixture
async def client(backend: Backend) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway(settings_for(backend)) as (one, _):
        yield one
