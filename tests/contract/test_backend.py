"""The gateways of these tests keep what they write with their backend, not where the tests are run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.backend import Backend, gateway, settings_for


async def test_a_gateway_writes_nothing_where_the_tests_are_run(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    headers = {**backend.bearer("admin"), "Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    async with gateway(settings_for(backend)) as (client, _):
        answer = await client.post("/api/v1/pipeline/runs", json={}, headers=headers)
    assert answer.status_code < 300, answer.text
    assert (backend.var_dir / "gateway" / "gateway.db").exists()
    assert contents(tmp_path) == []


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
