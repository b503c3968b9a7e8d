"""Customer tiers by K-Means."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from services.demand import tiers

RNG = np.random.default_rng(7)


def customers(count: int = 400, seed: int = 7) -> tiers.Floats:
    rng = np.random.default_rng(seed)
    frequency = rng.geometric(0.05, count).astype(float)
    return np.column_stack([rng.integers(0, 300, count), frequency, (frequency * rng.gamma(3, 10, count)).round(2)])


@pytest.fixture(scope="module")
def fit() -> tiers.Fit:
    found = tiers.fit(customers())
    assert found is not None
    return found


def test_the_artefact_assigns_exactly_as_scikit_learn_does(fit: tiers.Fit) -> None:
    model = tiers.Tiers.from_artefact(json.loads(json.dumps(fit.artefact())))
    points = (tiers.log_features(customers()) - model.means) / model.scales
    kmeans = tiers.cluster(points, 4)
    assert model.clusters(customers()).tolist() == kmeans.predict(points).tolist() == kmeans.labels_.tolist()


def test_new_customers_get_the_tier_scikit_learn_would_predict(fit: tiers.Fit) -> None:
    fresh = customers(1_000, seed=8)
    points = (tiers.log_features(fresh) - fit.model.means) / fit.model.scales
    trained = (tiers.log_features(customers()) - fit.model.means) / fit.model.scales
    assert fit.model.clusters(fresh).tolist() == tiers.cluster(trained, 4).predict(points).tolist()


def test_training_twice_gives_the_same_bits(fit: tiers.Fit) -> None:
    again = tiers.fit(customers())
    assert again is not None
    assert json.dumps(again.artefact()) == json.dumps(fit.artefact())
    assert again.metrics == fit.metrics


def test_tiers_are_named_by_what_their_customers_spend(fit: tiers.Fit) -> None:
    monetary = customers()[:, 2]
    names = np.array(fit.model.assign(customers()))
    means = [monetary[names == tier].mean() for tier in tiers.TIERS]
    assert means == sorted(means)
    assert set(names) == set(tiers.TIERS)


def test_silhouette_chooses_three_where_three_groups_are_planted() -> None:
    centres = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 9]])
    points = np.concatenate([centre + RNG.normal(0, 0.2, (50, 3)) for centre in centres])
    scores = tiers.silhouettes(points, tiers.cluster(points, 4).labels_)
    assert scores["silhouette_k"] == 3
    assert scores["silhouette_at_3"] > 0.9
    assert scores["silhouette"] == scores["silhouette_at_4"]


def test_every_k_from_two_to_ten_is_measured(fit: tiers.Fit) -> None:
    assert {f"silhouette_at_{k}" for k in range(2, 11)} <= set(fit.metrics)


def test_a_large_base_is_measured_on_a_fixed_sample() -> None:
    chosen = tiers.sample(20_000, 5_000)
    assert len(set(chosen.tolist())) == 5_000
    assert chosen.tolist() == tiers.sample(20_000, 5_000).tolist()
    assert tiers.sample(10, 5_000).tolist() == list(range(10))


def test_tiers_fitted_to_a_part_of_a_large_base_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    centres = np.array([[5, 2, 20.0], [5, 50, 900], [200, 3, 40], [200, 60, 9_000]])
    base = np.repeat(centres, 500, axis=0) * np.random.default_rng(3).uniform(0.9, 1.1, (2_000, 3))
    whole = tiers.fit(base)
    monkeypatch.setattr(tiers, "FITTED", 200)
    monkeypatch.setattr(tiers, "SAMPLE", 100)
    part = tiers.fit(base)
    assert whole is not None
    assert part is not None
    assert part.model.assign(base) == whole.model.assign(base)
    assert part.metrics["customers"] == 2_000
    assert part.metrics["silhouette"] == pytest.approx(whole.metrics["silhouette"], abs=0.05)


@pytest.mark.parametrize("distinct", [0, 1, 3])
def test_fewer_than_four_distinct_customers_have_no_tiers(distinct: int) -> None:
    few = np.repeat(customers(distinct), 20, axis=0) if distinct else np.empty((0, 3))
    assert tiers.fit(few) is None


@pytest.mark.parametrize("copies", [1, 5])
def test_four_distinct_customers_are_four_tiers(copies: int) -> None:
    few = np.repeat(customers(4), copies, axis=0)
    found = tiers.fit(few)
    assert found is not None
    assert set(found.model.assign(few)) == set(tiers.TIERS)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    same = customers()
    same[:, 0] = 3.0
    found = tiers.fit(same)
    assert found is not None
    assert np.isfinite(found.model.centroids).all()


def test_the_demand_service_domain_imports_no_machine_learning() -> None:
    code = "import sys, services.demand.tiers as t; assert 'sklearn' not in sys.modules and 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
