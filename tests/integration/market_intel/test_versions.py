"""Which version is live, by whose word, and the way back."""

from __future__ import annotations

import asyncio
from typing import Any

from shared.models import CHALLENGER, CHAMPION, Registry, Training
from tests.integration.market_intel.conftest import Served

MODEL = "market_intel.forecasts"


def registered(served: Served) -> Registry:
    """Return a registry with three versions: the second was champion before the third."""
    registry = Registry.under(served.settings.var_dir)
    for lake_version, alias in ((1, CHAMPION), (2, CHAMPION), (3, CHALLENGER)):
        training = Training(registry, {"curated.orders": lake_version}, "abc")
        version = training.register(MODEL, {"kind": "choice", "at": lake_version}, {"mase": 1.0 / lake_version})
        registry.deploy(version, alias, "the test says so")
    return registry


async def test_a_person_moves_the_champion_and_goes_back(served: Served):
    registry = registered(served)

    async def live() -> dict[str, list[str]]:
        items = (await served.ask("GET", "models")).json()["items"]
        return {one["version"]: one["aliases"] for one in items}

    async def ask(path: str, **body: Any) -> Any:
        response = await served.ask("POST", f"models/{path}", role="admin", who="eve", json=body)
        return response.json()

    assert await live() == {"1.2.0": ["challenger"], "1.1.0": ["champion"], "1.0.0": []}
    assert (await ask("1.2.0/promote", because="better on Mondays"))["model"]["version"] == "1.2.0"
    assert (await live())["1.2.0"] == ["challenger", "champion"]
    # The pipeline, which reads the registry through MLflow, sees the same champion.
    assert registry.manifest().live(MODEL).version == "1.2.0"
    assert (await ask("1.2.0/promote"))["reason"] == "MODEL_ALREADY_LIVE"
    assert (await ask("7.0.0/promote"))["reason"] == "UNKNOWN_MODEL"
    assert (await ask("rollback"))["model"]["version"] == "1.1.0"
    assert (await ask("rollback"))["model"]["version"] == "1.0.0"
    assert (await ask("rollback"))["reason"] == "NOTHING_TO_ROLL_BACK"
    assert registry.manifest().live(MODEL).version == "1.0.0"
    moves = (await served.ask("GET", "models/moves")).json()
    assert moves["total_size"] == 6
    assert (moves["items"][2]["version"], moves["items"][2]["previous"]) == ("1.2.0", "1.1.0")
    assert moves["items"][2]["because"] == "better on Mondays"


async def test_only_a_manager_moves_it_and_before_a_run_there_is_nothing(served: Served):
    response = await served.ask("POST", "models/1.0.0/promote", role="analyst", json={})
    assert response.json()["reason"] == "PERMISSION_MISSING"
    assert (await served.ask("GET", "models")).json()["reason"] == "MODEL_MANIFEST_MISSING"
    assert (await served.ask("GET", "models/moves")).json()["items"] == []


async def test_a_rollback_never_brings_back_what_the_pipeline_rolled_back_itself(served: Served):
    registry = registered(served)
    bad = registry.manifest().live(MODEL, CHALLENGER)
    good = registry.manifest().live(MODEL)
    registry.deploy(bad, CHAMPION, "no worse")
    registry.deploy(good, CHAMPION, "1.2.0 rolled back, worse", rollback=True)
    response = await served.ask("POST", "models/rollback", role="admin", json={})
    assert response.json()["model"]["version"] == "1.0.0"


async def test_models_of_another_system_are_not_ours_to_move(served: Served):
    registry = registered(served)
    for lake_version in (1, 2):
        training = Training(registry, {"curated.orders": lake_version}, "abc")
        other = training.register("demand.customer_tiers", {"kind": "tiers", "at": lake_version}, {})
        registry.deploy(other, CHAMPION, "theirs")
    for path in ("1.0.0/promote", "rollback"):
        body = {"model": "demand.customer_tiers"}
        response = await served.ask("POST", f"models/{path}", role="admin", json=body)
        assert response.json()["reason"] == "UNKNOWN_MODEL"
    assert registry.manifest().live("demand.customer_tiers").version == "1.1.0"


async def test_of_many_who_promote_the_same_version_at_once_one_does(served: Served):
    registered(served)
    calls = [served.ask("POST", "models/1.2.0/promote", role="admin", json={}) for _ in range(12)]
    answers = [response.json() for response in await asyncio.gather(*calls)]
    assert sorted(answer.get("reason", "") for answer in answers) == ["", *["MODEL_ALREADY_LIVE"] * 11]
    moves = (await served.ask("GET", "models/moves")).json()["items"]
    assert [move["version"] for move in moves if move["alias"] == "champion"][:2] == ["1.2.0", "1.1.0"]
