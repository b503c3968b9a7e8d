"""Who tries again: the run itself at a shell, Dagster where Dagster runs the assets, never both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from pipeline.assets import Node, run_node
from pipeline.batch import Batch, Outcome
from pipeline.dagster_assets import BATCH, to_asset
from pipeline.definitions import AGAIN, apart, defs
from pipeline.retry import ATTEMPTS
from pipeline.settings import PipelineSettings
from shared.errors import Unavailable

TABLE = "curated.orders"
AT_ONCE = dg.RetryPolicy(max_retries=ATTEMPTS - 1)
SECRET = "4111111111111111"


class Failing:
    """A step that fails so many times before it is done."""

    def __init__(self, times: int, error: Exception) -> None:
        self.left, self.error, self.tried = times, error, 0

    def __call__(self, batch: Batch) -> list[Outcome]:
        self.tried += 1
        if self.left:
            self.left -= 1
            raise self.error
        return [Outcome(TABLE)]


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(PipelineSettings(var_dir=tmp_path))


def materialized(batch: Batch, make: Callable[[Batch], list[Outcome]]) -> dg.ExecuteInProcessResult:
    asset = to_asset(Node((TABLE,), (), "", make), apart, AT_ONCE)
    resources = {BATCH: dg.ResourceDefinition.hardcoded_resource(batch)}
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize([asset], instance=instance, resources=resources, raise_on_error=False)


def counted(result: dg.ExecuteInProcessResult, kind: str) -> int:
    return sum(event.event_type_value == kind for event in result.all_events)


def test_what_may_pass_is_tried_again_by_dagster_and_its_events_tell_so(batch: Batch) -> None:
    step = Failing(2, Unavailable("the store is away"))
    result = materialized(batch, step)
    assert result.success
    assert step.tried == 3
    assert (counted(result, "STEP_UP_FOR_RETRY"), counted(result, "STEP_RESTARTED")) == (2, 2)


def test_dagster_gives_up_after_as_many_attempts_as_a_run_of_our_own(batch: Batch) -> None:
    step = Failing(ATTEMPTS, Unavailable("the store is away"))
    result = materialized(batch, step)
    assert not result.success
    assert (step.tried, counted(result, "STEP_UP_FOR_RETRY")) == (ATTEMPTS, ATTEMPTS - 1)


def test_a_mistake_is_not_tried_again_and_dagster_keeps_nothing_of_what_it_quotes(batch: Batch) -> None:
    step = Failing(1, ValueError(f"no number: {SECRET}"))
    result = materialized(batch, step)
    assert (result.success, step.tried, counted(result, "STEP_UP_FOR_RETRY")) == (False, 1, 0)
    kept = [str(event.event_specific_data) for event in result.all_events]
    assert any("ValueError at tests/unit/pipeline/test_retries.py:" in each for each in kept)
    assert not any(SECRET in each for each in kept)


def test_every_asset_that_dagster_makes_has_the_policy(batch: Batch) -> None:
    assets = [each for each in defs.assets or () if isinstance(each, dg.AssetsDefinition)]
    assert len(assets) > 20
    assert {asset.op.retry_policy for asset in assets} == {AGAIN}
    assert AGAIN.max_retries == ATTEMPTS - 1


def test_a_step_that_a_run_of_our_own_makes_is_not_given_to_dagster_to_try_again(batch: Batch) -> None:
    asset = to_asset(Node((TABLE,), (), "", Failing(0, ValueError())), run_node)
    assert asset.op.retry_policy is None
