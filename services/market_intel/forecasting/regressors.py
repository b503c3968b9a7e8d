"""Regressors of a panel from rows in any order, checked: each is known for every period, past and to be forecast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from services.market_intel.forecasting.panel import (
    LARGEST,
    MOST_POINTS,
    Floats,
    InvalidRegressors,
    Panel,
    Regressors,
    invalid_regressors,
)
from services.market_intel.forecasting.periods import Ints

MOST_REGRESSORS = 20


def regressors_of(
    panel: Panel,
    horizon: int,
    days: npt.NDArray[np.datetime64],
    columns: Mapping[str, Floats],
    ids: npt.NDArray[np.str_] | Sequence[str] | None = None,
) -> Regressors:
    """Return the regressors of a panel; rows before its series begin, or beyond the horizon, are left alone.

    Args:
        panel: the series.
        horizon: periods ahead that values must be there for.
        days: day of each row, anywhere in its period.
        columns: name of a regressor → its value in each row; NaN counts as none.
        ids: series of each row; the rows hold for every series when None.

    Raises:
        InvalidRegressors: a value is missing, infinite or huge, a series unknown, two rows fall into one period.
    """
    names = tuple(columns)
    rows = checked(columns, days, ids)
    numbers = panel.frequency.numbers(days)
    spans = panel.lengths + horizon
    begins = np.concatenate([[0], np.cumsum(spans)]).astype(np.int64)
    if ids is None:
        first, last = int(panel.starts.min()), int(panel.ends.max()) + horizon
        inside = (first <= numbers) & (numbers < last)
        common = placed(panel, rows[:, inside], numbers[inside] - first, last - first, numbers[inside])
        when = np.arange(begins[-1]) - np.repeat(begins[:-1], spans) + np.repeat(panel.starts, spans)
        table = common[:, when - first]
    else:
        which = series_of(panel, ids)
        inside = (panel.starts[which] <= numbers) & (numbers < panel.ends[which] + horizon)
        places = (begins[:-1][which] + numbers - panel.starts[which])[inside]
        table = placed(panel, rows[:, inside], places, int(begins[-1]), numbers[inside])
    refuse_gaps(panel, names, table, begins)
    past = np.arange(begins[-1]) < np.repeat(begins[:-1] + panel.lengths, spans)
    return Regressors(names, table[:, past], table[:, ~past].reshape(len(names), len(panel), horizon))


def joined(*parts: Regressors | None) -> Regressors | None:
    """Return the regressors of the same panel together, None where there are none.

    Raises:
        InvalidRegressors: two of them have the same name.
    """
    given = [part for part in parts if part is not None]
    if not given:
        return None
    names = tuple(name for part in given for name in part.names)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise invalid_regressors(f"there are two regressors named {twice}; rename the one you send")
    horizon = min(part.ahead.shape[2] for part in given)
    return Regressors(
        names,
        np.concatenate([part.values for part in given]),
        np.concatenate([part.ahead[:, :, :horizon] for part in given]),
    )


def checked(
    columns: Mapping[str, Floats],
    days: npt.NDArray[np.datetime64],
    ids: npt.NDArray[np.str_] | Sequence[str] | None,
) -> Floats:
    """Return the columns as rows of a matrix; raise InvalidRegressors for what is wrong whatever the series."""
    names = tuple(columns)
    if not names or not all(names):
        raise invalid_regressors("each row of regressors needs at least one {name: value} beside its day")
    if len(names) > MOST_REGRESSORS:
        raise invalid_regressors(f"{len(names)} regressors, more than {MOST_REGRESSORS}; leave out the weakest")
    lengths = {len(column) for column in columns.values()} | {len(days)} | ({len(ids)} if ids is not None else set())
    if len(lengths) > 1:
        raise invalid_regressors("each row of regressors needs a day, every value and, where any has one, a series_id")
    rows = np.array([np.asarray(column, np.float64) for column in columns.values()])
    if len(days) > MOST_POINTS:
        raise invalid_regressors(f"{len(days)} rows of regressors, more than {MOST_POINTS}; send fewer series at once")
    if np.isnat(days).any():
        raise invalid_regressors(f"row {int(np.isnat(days).argmax())} of the regressors has no day")
    wrong = np.isinf(rows) | (np.abs(rows) > LARGEST)
    if wrong.any():
        name, row = np.argwhere(wrong)[0]
        raise invalid_regressors(f"{names[name]} is infinite or beyond {LARGEST:g} in row {row}")
    return rows


def series_of(panel: Panel, ids: npt.NDArray[np.str_] | Sequence[str]) -> Ints:
    """Return the place in the panel of the series of each row."""
    known = np.array(panel.ids)
    order = np.argsort(known)
    asked = np.asarray(ids, dtype=np.str_)
    found = order[np.minimum(np.searchsorted(known, asked, sorter=order), len(known) - 1)]
    unknown = known[found] != asked
    if unknown.any():
        raise invalid_regressors(f"regressors for {asked[unknown.argmax()]}, of which there is no series")
    return np.asarray(found, np.int64)


def placed(panel: Panel, rows: Floats, places: Ints, width: int, numbers: Ints) -> Floats:
    """Return the rows at their places, NaN where there is none; shape (regressors, width)."""
    taken = np.bincount(places, minlength=width)
    if len(places) and taken.max() > 1:
        day = panel.frequency.first_day(int(numbers[places == taken.argmax()][0]))
        raise invalid_regressors(
            f"more than one row of regressors for the {panel.frequency.name} of {day}; send one value a period"
        )
    table = np.full((len(rows), width), np.nan)
    table[:, places] = rows
    return table


def refuse_gaps(panel: Panel, names: tuple[str, ...], table: Floats, begins: Ints) -> None:
    """Raise InvalidRegressors where a value is not there for a period of the history or of those to come."""
    missing = np.isnan(table)
    if missing.any():
        raise gap(panel, names, missing, begins)


def gap(panel: Panel, names: tuple[str, ...], missing: npt.NDArray[np.bool_], begins: Ints) -> InvalidRegressors:
    """Return the error for the first value that is missing, one to come before one of the past."""
    where = np.argwhere(missing)
    series = np.searchsorted(begins, where[:, 1], side="right") - 1
    numbers = panel.starts[series] + where[:, 1] - begins[series]
    coming = numbers >= panel.ends[series]
    at = int(coming.argmax())
    day, name, one = panel.frequency.first_day(int(numbers[at])), names[where[at, 0]], panel.ids[series[at]]
    if coming[at]:
        return invalid_regressors(
            f"{name} of {one} is not there for the {panel.frequency.name} of {day}, which is to be forecast; "
            "send what is planned for every period ahead, or leave the regressor out"
        )
    return invalid_regressors(
        f"{name} of {one} is not there for the {panel.frequency.name} of {day}; send a value, such as 0, for each "
        "period of the history"
    )
