"""The registered choices of models of one frequency: which answers, which is on trial, which is in the shadow.

A version holds how every series of a frequency is forecast. When a trial is over, its alias points at the champion's
version: nothing is on trial then. Nothing ever deletes a version or a line of the log.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import pyarrow as pa

from services.market_intel.forecasting import life
from services.market_intel.forecasting.accuracy import errors_of
from services.market_intel.forecasting.kept import Kept
from services.market_intel.forecasting.life import Errors, Evidence, Rules
from services.market_intel.forecasting.periods import EPOCH
from shared.models import CHALLENGER, CHAMPION, SHADOW, Manifest, ModelVersion, Registry, Training

KIND = "chosen_models"
FEATURES = tuple(field.name for field in fields(Kept))
"""What an artefact says of each series. One of another form, made by other code, cannot forecast any more."""

THROUGH = "through_day"
"""Metric of a version: the last complete day when it was made, in days since 1970."""


Tuning = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Version:
    """One registered version.

    Attributes:
        model: as the registry knows it.
        series: how each series is forecast.
        follows: versions that forecast the series they had as this one does: it has more series, no other choice.
        tuning: by name of a tuned model what tuning found, and all that it tried.
    """

    model: ModelVersion
    series: Mapping[str, Kept]
    follows: tuple[str, ...] = ()
    tuning: Tuning = field(default_factory=dict)

    @property
    def family(self) -> tuple[str, ...]:
        """Return the versions whose record is this one's too."""
        return (self.model.version, *self.follows)

    @property
    def mostly_tuned(self) -> Tuning:
        """Return the tuned model that most series are of, with what tuning found; empty where none is."""
        counts = Counter(name for kept in self.series.values() for name in kept.models & self.tuning.keys())
        return {name: self.tuning[name] for name, _ in counts.most_common(1)}

    def differs(self, other: Version) -> set[str]:
        """Return the series that two versions forecast in different ways."""
        both = self.series.keys() & other.series.keys()
        return {name for name in both if self.series[name].way != other.series[name].way}


@dataclass(frozen=True)
class Roles:
    """Who does what. `share` is the part of the series, 0-100, that the challenger answers for."""

    champion: Version
    challenger: Version | None = None
    shadow: Version | None = None
    share: int = 0

    def answering(self, series: str) -> Version:
        """Return the version whose forecast of a series is published."""
        trial = self.challenger
        if trial is not None and series in trial.series and life.answers(series, trial.model.version, self.share):
            return trial
        return self.champion

    @property
    def by_role(self) -> dict[str, Version]:
        """Return the versions that forecast, by role."""
        found = {CHAMPION: self.champion, CHALLENGER: self.challenger, SHADOW: self.shadow}
        return {role: version for role, version in found.items() if version is not None}


def name_of(frequency: str) -> str:
    """Return the name of the model that forecasts series of a frequency."""
    return f"market_intel.forecasts_{frequency}"


def is_past(manifest: Manifest, name: str, clock: dt.date) -> bool:
    """Return whether tables are made as of a day before the champion was: that decides nothing for today."""
    live = manifest.live(name)
    return live is not None and through(live) > clock


def through(model: ModelVersion) -> dt.date:
    """Return the last complete day when a version was made."""
    return EPOCH + dt.timedelta(days=int(model.metrics[THROUGH]))


def loaded(manifest: Manifest, model: ModelVersion) -> Version:
    """Return a version with what its artefact says."""
    written = manifest.artefact(model)
    series = {name: Kept.of(each) for name, each in written["series"].items()}
    return Version(model, series, tuple(written["follows"]), written.get("tuning", {}))


def readable(manifest: Manifest, model: ModelVersion | None) -> Version | None:
    """Return a version if there is one whose artefact this code understands."""
    if model is None or manifest.artefact(model).get("features") != list(FEATURES):
        return None
    return loaded(manifest, model)


def standing(registry: Registry, name: str, clock: dt.date) -> Roles | None:
    """Return the roles as they stand, None where nothing that was known by the clock's day can forecast.

    As of a day before the champion was made, the last version made by that day answers alone: a choice made later
    would know what came.
    """
    manifest = registry.manifest()
    live = manifest.live(name)
    if live is None or is_past(manifest, name, clock):
        past = [model for model in manifest.versions.get(name, {}).values() if through(model) <= clock]
        newest_first = sorted(past, key=lambda model: (through(model), model.registered_at), reverse=True)
        known = (readable(manifest, model) for model in newest_first)
        return next((Roles(version) for version in known if version is not None), None)
    champion = readable(manifest, live)
    others = [manifest.live(name, alias) for alias in (CHALLENGER, SHADOW)]
    trial, shadow = (model if model and model.version != live.version else None for model in others)
    return Roles(champion, readable(manifest, trial), readable(manifest, shadow)) if champion else None


def judged(roles: Roles, accuracy: pa.Table, frequency: str, rules: Rules, registry: Registry) -> Roles:
    """Return the roles after what came has been held against what was forecast; moves are written to the log.

    Args:
        roles: as they stand.
        accuracy: rows of `forecast_accuracy`, actuals filled in.
        frequency: of the series.
        rules: what a trial asks for.
        registry: where the moves go.
    """
    roles = watched(roles, accuracy, frequency, rules, registry)
    trial, champion = roles.challenger, roles.champion
    if trial is None:
        return roles
    verdict = life.trial(found_between({CHALLENGER: trial, CHAMPION: champion}, accuracy, frequency), rules)
    if verdict.action == "promote":
        registry.deploy(champion.model, SHADOW, f"watched after {trial.model.version} took its place")
        registry.deploy(trial.model, CHAMPION, verdict.why)
        return Roles(trial, None, champion)
    if verdict.action == "roll_back":
        registry.deploy(champion.model, CHALLENGER, f"{trial.model.version} rolled back, {verdict.why}", 0)
        return Roles(champion, None, roles.shadow)
    registry.deploy(trial.model, CHALLENGER, verdict.why, verdict.share)
    return Roles(champion, trial, roles.shadow, verdict.share)


def watched(roles: Roles, accuracy: pa.Table, frequency: str, rules: Rules, registry: Registry) -> Roles:
    """Return the roles after the champion was held against the one before it, which comes back if it was better."""
    champion, shadow = roles.champion, roles.shadow
    if shadow is None:
        return roles
    verdict = life.watch(found_between({CHAMPION: champion, SHADOW: shadow}, accuracy, frequency), rules)
    if verdict.action == "roll_back":
        registry.deploy(shadow.model, CHAMPION, f"{champion.model.version} rolled back, {verdict.why}", rollback=True)
        registry.deploy(shadow.model, SHADOW, "answers again")
        # What was on trial against the one that went is on trial no more.
        registry.deploy(shadow.model, CHALLENGER, f"{champion.model.version} rolled back", 0)
        return Roles(shadow)
    if verdict.action == "retire":
        registry.deploy(champion.model, SHADOW, verdict.why)
        return Roles(champion, roles.challenger, None, roles.share)
    return roles


def found_between(by_role: Mapping[str, Version], accuracy: pa.Table, frequency: str) -> Evidence:
    """Return what came says of two versions while they had these roles, over the series that they forecast differently.

    Args:
        by_role: the newer version and the older.
        accuracy: rows of `forecast_accuracy`.
        frequency: of the series.
    """
    newer, older = by_role.values()
    different = newer.differs(older)
    found: list[Errors] = []
    for role, version in by_role.items():
        errors = errors_of(accuracy, frequency, name_of(frequency), version.family, role)
        found.append({key: error for key, error in errors.items() if key[0] in different})
    return life.evidence(*found)


def registered(
    training: Training,
    frequency: str,
    series: Mapping[str, Kept],
    clock: dt.date,
    follows: tuple[str, ...] = (),
    *,
    tuning: Tuning | None = None,
) -> Version:
    """Return a newly registered version."""
    artefact = {
        "kind": KIND,
        "features": list(FEATURES),
        "frequency": frequency,
        "follows": list(follows),
        "series": {name: series[name].written() for name in sorted(series)},
        **({"tuning": dict(tuning)} if tuning else {}),
    }
    errors = [kept.error for kept in series.values() if kept.error is not None]
    metrics = {THROUGH: float((clock - EPOCH).days), "series": float(len(series))}
    metrics |= {"mase": sum(errors) / len(errors)} if errors else {}
    return Version(training.register(name_of(frequency), artefact, metrics), series, follows, tuning or {})


def extended(
    version: Version, training: Training, frequency: str, new: Mapping[str, Kept], clock: dt.date, *, tuning: Tuning
) -> Version:
    """Return a version that forecasts as another does, and new series too."""
    series = {**version.series, **new}
    return registered(training, frequency, series, clock, version.family, tuning=still_used(version, series, tuning))


def still_used(version: Version, series: Mapping[str, Kept], tuning: Tuning) -> Tuning:
    """Return what was tuned now, and of what a version was tuned before what these choices are still of."""
    used = {name for kept in series.values() for name in kept.models}
    return {**{name: record for name, record in version.tuning.items() if name in used}, **tuning}


def renewed(
    roles: Roles | None,
    new: Mapping[str, Kept],
    again: Mapping[str, Kept],
    why: str,
    *,
    training: Training,
    frequency: str,
    clock: dt.date,
    tuning: Tuning,
) -> Roles:
    """Return the roles after series have been chosen for.

    Args:
        roles: as they stood; None: there were none.
        new: choices for series that had none. They come into force at once: nothing is there to hold them against.
        again: choices for series that had one. They are on trial first.
        why: why these were chosen again, in words.
        training: where versions are registered.
        frequency: of the series.
        clock: last complete day.
        tuning: by name of a tuned model that the choices may be of, what tuning found.
    """
    registry = training.registry
    manifest = registry.manifest()
    past = is_past(manifest, name_of(frequency), clock)
    if roles is None:
        first = registered(training, frequency, new, clock, tuning=tuning)
        if not past:
            for alias in (CHAMPION, *manifest.aliases.get(first.model.name, {})):
                registry.deploy(first.model, alias, "first version, or the first that this code understands")
        return Roles(first)
    if past:
        series = {**roles.champion.series, **new, **again}
        both = still_used(roles.champion, series, tuning)
        return Roles(registered(training, frequency, series, clock, tuning=both))
    champion, trial, shadow, share = roles.champion, roles.challenger, roles.shadow, roles.share
    if new:
        champion = extended(champion, training, frequency, new, clock, tuning=tuning)
        registry.deploy(champion.model, CHAMPION, f"{len(new)} new series")
        if trial is not None:
            trial = extended(trial, training, frequency, new, clock, tuning=tuning)
            registry.deploy(trial.model, CHALLENGER, f"{len(new)} new series", share)
    if again:
        series = {**champion.series, **again}
        both = still_used(champion, series, tuning)
        trial, share = registered(training, frequency, series, clock, tuning=both), life.FIRST_SHARE
        registry.deploy(trial.model, CHALLENGER, why, share)
    return Roles(champion, trial, shadow, share)
