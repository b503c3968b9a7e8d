"""Customer tiers, bronze to platinum: K-Means with four clusters over recency, frequency and monetary value.

    z = (log1p(x) − mean) / scale,   x = (recency in days, number of valid orders, revenue)
    tier = the centroid nearest to z in Euclidean distance

Clusters are named by the mean monetary value of their customers, ascending. The logarithm tames the long right
tail of all three. What is registered is a JSON artefact (means, scales, centroids, names): scoring is six lines of
numpy, and nothing is ever unpickled.

Source: Lloyd, "Least squares quantization in PCM" (1982); k-means++ seeding of Arthur and Vassilvitskii (2007);
silhouette of Rousseeuw (1987).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from shared.tables.demand import TIERS

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

MODEL_NAME = "demand.customer_tiers"
FEATURES = ("recency_days", "frequency", "monetary")
KS = range(2, 11)
SAMPLE = 5_000
"""Most customers that silhouette is measured on, and that the k it compares are fitted to."""
FITTED = 100_000
"""Most customers that the tiers are fitted to; the others are assigned to the nearest centroid."""
SEED = 20170101
ACTIONS = {
    "bronze": "Keep the cost of serving them low, and find what brings them back",
    "silver": "Recommend related products to raise the number of orders",
    "gold": "Invite to the loyalty programme with a goal that leads to platinum",
    "platinum": "Keep them: first service, early access, a named contact",
}
TOO_FEW = "No tiers: fewer than four distinct customers to group"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Tiers:
    """A fitted model: what standardises a customer, the four centroids and their names in the same order."""

    means: Floats
    scales: Floats
    centroids: Floats
    names: tuple[str, ...]

    def assign(self, features: Floats) -> list[str]:
        """Return the tier of each row of (recency_days, frequency, monetary)."""
        return [self.names[cluster] for cluster in self.clusters(features)]

    def clusters(self, features: Floats) -> npt.NDArray[np.intp]:
        """Return the index of the nearest centroid of each row."""
        points = (log_features(features) - self.means) / self.scales
        distances = [((points - centroid) ** 2).sum(axis=1) for centroid in self.centroids]
        return np.asarray(np.argmin(distances, axis=0), np.intp)

    @classmethod
    def from_artefact(cls, artefact: Mapping[str, Any]) -> Tiers:
        """Return the model that `artefact` was made from."""
        means, scales, centroids = (np.array(artefact[key], float) for key in ("means", "scales", "centroids"))
        return cls(means, scales, centroids, tuple(artefact["tiers"]))


@dataclass(frozen=True)
class Fit:
    """A trained model with its figures and the fingerprint of what it was trained on."""

    model: Tiers
    metrics: Mapping[str, float]
    features_sha256: str

    def artefact(self) -> dict[str, Any]:
        """Return all that scoring needs, as JSON."""
        return {
            "kind": "kmeans",
            "features": list(FEATURES),
            "transform": "log1p",
            "means": self.model.means.tolist(),
            "scales": self.model.scales.tolist(),
            "centroids": self.model.centroids.tolist(),
            "tiers": list(self.model.names),
            "features_sha256": self.features_sha256,
        }


def log_features(features: Floats) -> Floats:
    """Return log1p of each feature, money below zero (refunds beyond purchases) counted as zero."""
    return np.log1p(np.maximum(features, 0.0))


def fit(features: Floats) -> Fit | None:
    """Return the tiers of these customers, or None when fewer than four of them differ.

    Args:
        features: a row a customer in a fixed order, columns as FEATURES, untransformed.
    """
    import sklearn.cluster  # noqa: F401, PLC0415  loaded before the limit, which only reaches loaded libraries
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415

    logs = log_features(features)
    chosen = sample(len(logs), FITTED)
    if len(np.unique(logs[chosen], axis=0)) < len(TIERS):
        return None
    means, spread = logs.mean(axis=0), logs.std(axis=0)
    scales = np.where(spread > 0, spread, 1.0)
    points = (logs - means) / scales
    with threadpool_limits(limits=1):  # sums in one order: the same customers give the same bits
        labels = cluster(points[chosen], len(TIERS)).predict(points)
        metrics = silhouettes(points, labels)
    names = tier_names(features[:, FEATURES.index("monetary")], labels)
    # Means of the final clusters summed in row order: no trace of how the training summed them.
    centroids = np.stack([points[labels == label].mean(axis=0) for label in range(len(TIERS))])
    model = Tiers(means, scales, centroids, names)
    return Fit(model, {**metrics, "customers": float(len(features))}, fingerprint(features))


def cluster(points: Floats, k: int) -> KMeans:
    """Return K-Means fitted with k clusters until no point moves, the same for the same points."""
    from sklearn.cluster import KMeans  # noqa: PLC0415

    return KMeans(n_clusters=k, n_init=10, max_iter=1_000, tol=0.0, random_state=SEED).fit(points)


def tier_names(monetary: Floats, labels: npt.NDArray[np.int32]) -> tuple[str, ...]:
    """Return the name of each cluster: the one whose customers spend least on average is bronze."""
    spend = [monetary[labels == label].mean() for label in range(len(TIERS))]
    ranks = np.argsort(np.argsort(spend, kind="stable"), kind="stable")
    return tuple(TIERS[rank] for rank in ranks)


def silhouettes(points: Floats, labels: npt.NDArray[np.int32]) -> dict[str, float]:
    """Return the mean silhouette for each k of 2 to 10, that of the four tiers, and the k with the highest.

    Measured on all points up to SAMPLE, beyond that on a sample of that size drawn with a fixed seed, which the other k
    are fitted to as well: nine more fits of all customers would cost far more than the tiers themselves.

    Args:
        points: standardised customers.
        labels: which of the four tiers each is in.
    """
    from sklearn.metrics import silhouette_score  # noqa: PLC0415

    chosen = sample(len(points), SAMPLE)
    measured = points[chosen]
    distinct = len(np.unique(measured, axis=0))
    scores: dict[int, float] = {}
    for k in KS:
        if k <= distinct and k < len(measured):
            found = labels[chosen] if k == len(TIERS) else cluster(measured, k).labels_
            if len(np.unique(found)) > 1:
                scores[k] = float(silhouette_score(measured, found))
    best = {"silhouette_k": float(max(scores, key=lambda k: (scores[k], -k)))} if scores else {}
    own = {"silhouette": scores[len(TIERS)]} if len(TIERS) in scores else {}
    return {**{f"silhouette_at_{k}": score for k, score in scores.items()}, **best, **own}


def sample(count: int, most: int) -> npt.NDArray[np.intp]:
    """Return the positions of all of `count`, or of `most` of them drawn with a fixed seed."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(SEED).choice(count, most, replace=False))


def fingerprint(features: Floats) -> str:
    """Return the SHA-256 of the features, which tells whether a later training saw other data."""
    return hashlib.sha256(np.ascontiguousarray(features, dtype="<f8").tobytes()).hexdigest()
