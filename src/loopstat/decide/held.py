"""The value each session would hand over after each step, out of a panel: which version is kept, what it is worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..arrays import Bool, Float, Int, group_starts
from ..errors import InputError, SettingsError
from ..inference.clusters import Clusters
from ..panel.ends import CUT, OWN, SuccessBar
from ..panel.panel import Panel, first_complete
from .curve import Held

BY_PARENTS = "parents are recorded: the version held is the last accepted one"
BY_ORDER = "the version held is the last one"
LARGEST = 40_000_000  # entries of a table of sessions by steps; the steps that few sessions reach are left out beyond


@dataclass(frozen=True)
class Keeping:
    """Which version a session hands over, and how its worth is counted.

    Attributes
    ----------
    keep : str
        `last`, `best`, `accepted` or `success`.
    select : array, shape (n_obj,)
        Weights of the score that the loop sees and selects by, larger is better.
    value : array, shape (n_obj,)
        Weights of what counts.
    """

    keep: str
    select: Float
    value: Float


def keep_by_default(panel: Panel, bar: SuccessBar | None) -> tuple[str, str]:
    """Return the keep rule where none was asked for, and why."""
    if panel.lineage:
        return "accepted", BY_PARENTS
    if bar is not None and panel.n_obj == 1 and set(np.unique(panel.x[panel.complete])) <= {0.0, 1.0}:
        return "success", f"{panel.names[0]} is 0 or 1 and ends its sessions at 1"
    return "last", BY_ORDER


@dataclass(frozen=True)
class Ends:
    """Which sessions ended by themselves, shape (n_sessions,), and how that is known: a code and a sentence."""

    own: Bool
    kind: str
    sentence: str


def ends_of(panel: Panel, column: str | None, bar: SuccessBar | None) -> Ends:
    """Tell sessions that ended by themselves from those that were cut off.

    Parameters
    ----------
    panel : Panel
    column : str, optional
        Label column that says it.
    bar : SuccessBar, optional
        The value at which sessions of the whole recording end.
    """
    n = panel.n_sessions
    last = np.r_[np.flatnonzero(np.diff(panel.session)), len(panel) - 1]
    if column is not None:
        return _by_column(panel, column, last)
    if bar is not None:
        at = panel.signs[bar.objective] * (panel.x[last, bar.objective] - bar.bar) >= 0
        reached = f"{panel.names[bar.objective]} {bar.bar:g}"
        said = f"sessions that reach {reached} ended by themselves, shorter ones were cut off"
        return Ends(np.asarray(at), "bar", said)
    lengths = panel.step[last] - panel.step[group_starts(panel.session)]
    if np.all(lengths == lengths[:1]):
        return Ends(np.zeros(n, dtype=bool), "alike", "all sessions are of one length")
    said = "sessions shorter than others were cut off, not done (a column of --ended says which)"
    return Ends(np.zeros(n, dtype=bool), "cut", said)


def _by_column(panel: Panel, column: str, last: Int) -> Ends:
    labels = panel.labels[column]
    words = [name.strip().lower() for name in labels.names]
    unknown = [name for name, text in zip(labels.names, words, strict=True) if text not in OWN | CUT]
    if unknown:
        raise InputError(
            f"column `{column}` must say of each session whether it ended by itself: true or false. "
            f"Got {', '.join(map(repr, unknown[:3]))}."
        )
    own = np.array([text in OWN for text in words] + [False])
    return Ends(own[labels.codes[last]], "column", f"column {column} says which sessions ended by themselves")


def scored(panel: Panel) -> bool:
    """Return whether any session has a version with all its scores."""
    return bool(panel.complete.any())


def weights_of(panel: Panel, given: Mapping[str, float]) -> Float:
    """Return weights by objective, minimised ones negative; those not given are 0.

    Raises
    ------
    SettingsError
        A name that is no objective.
    """
    unknown = [name for name in given if name not in panel.names]
    if unknown:
        raise SettingsError(f"no objective `{unknown[0]}` to weigh. Objectives: {', '.join(panel.names)}.")
    return np.array([given.get(name, 0.0) for name in panel.names]) * panel.signs


@dataclass(frozen=True)
class Grid:
    """Rows of a panel by session and step: the version held, the version made, and what has been paid.

    Attributes
    ----------
    held, made : int arrays, shape (n_sessions, n_steps)
        Rows; -1 before there is any, `made` also where the step is missing.
    paid : float array, shape (n_sessions, n_steps)
    last : int array, shape (n_sessions,)
    steps : int array, shape (n_steps,)
    """

    held: Int
    made: Int
    paid: Float
    last: Int
    steps: Int


def grid_of(panel: Panel, keeping: Keeping, cost: str | None) -> Grid:
    """Lay the rows of a panel out by session and step, steps counted from each session's first."""
    starts = group_starts(panel.session)
    first = panel.step[starts]
    offset = panel.step - np.repeat(first, np.diff(np.r_[starts, len(panel)]))
    steps = _steps(offset, panel.n_sessions)
    rows = np.flatnonzero(offset <= steps[-1])
    place = np.searchsorted(steps, offset[rows])
    shape = (panel.n_sessions, len(steps))
    last = np.zeros(panel.n_sessions, dtype=np.int64)
    np.maximum.at(last, panel.session[rows], place)
    # A version is held where it has both the score that selects and the one that counts.
    score = np.where(np.isnan(_weighed(panel.x, keeping.value)), np.nan, _weighed(panel.x, keeping.select))
    held, made = np.full(shape, -1), np.full(shape, -1)
    held[panel.session[rows], place] = _kept(panel, keeping.keep, score)[rows]  # the last row of a step stands
    order = _rising(panel.session[rows] * len(steps) + place, score[rows])  # the best row of a step stands
    made[panel.session[rows[order]], place[order]] = rows[order]
    inside = np.arange(len(steps)) <= last[:, None]
    held = np.where(inside, _carried_on(held), -1)
    paid = np.where(inside, _paid(panel, rows, place, steps, cost, shape), np.nan)
    return Grid(held, made, paid, last, steps + int(np.median(first)))


def _rising(place: Int, score: Float) -> Int | slice:
    """Return rows in the order of their scores; as they are where each has a place of its own."""
    alone = len(place) < 2 or bool(np.all(np.diff(place) > 0))
    return slice(None) if alone else np.argsort(np.nan_to_num(score, nan=-np.inf), kind="stable")


def _steps(offset: Int, n_sessions: int) -> Int:
    steps = np.unique(offset)
    return steps[: max(2, LARGEST // max(n_sessions, 1))]


def _carried_on(rows: Int) -> Int:
    """Fill steps without a row by the one before."""
    places = np.maximum.accumulate(np.where(rows >= 0, np.arange(rows.shape[1]), -1), axis=1)
    return np.where(places >= 0, np.take_along_axis(rows, np.maximum(places, 0), axis=1), -1)


def _kept(panel: Panel, keep: str, score: Float) -> Int:
    """Return the row of the version held after each row, -1 before any."""
    rows = np.arange(len(panel), dtype=np.int64)
    if keep == "accepted":  # before any version is known to have been kept, the first one with scores is held
        first = np.full(panel.n_sessions, len(panel))
        begun = first_complete(panel.session, panel.complete)
        first[panel.session[begun]] = begun
        first = first[panel.session]
        return np.where(panel.kept_rows >= 0, panel.kept_rows, np.where(rows >= first, first, -1))
    starts = np.repeat(group_starts(panel.session), np.diff(np.r_[group_starts(panel.session), len(panel)]))
    scored = ~np.isnan(score)
    if keep == "last":
        found = np.maximum.accumulate(np.where(scored, rows, -1))
        return np.where(found >= starts, found, -1)
    # Best so far: a row is held from where it is better than every one before it in its session.
    rank = np.where(scored, _ranks(score), -1) + panel.session * (len(panel) + 1)
    top = np.maximum.accumulate(rank)
    record = scored & np.r_[True, top[1:] > top[:-1]]
    found = np.maximum.accumulate(np.where(record, rows, -1))
    return np.where(found >= starts, found, -1)


def _ranks(score: Float) -> Int:
    return np.unique(score, return_inverse=True)[1].reshape(-1).astype(np.int64)


def _paid(panel: Panel, rows: Int, place: Int, steps: Int, cost: str | None, shape: tuple[int, int]) -> Float:
    """Return what has been paid: steps and further candidates, or a column's sum, after a session's first step."""
    session = panel.session[rows]
    added = np.zeros(shape)
    if cost is None:
        np.add.at(added, (session, place), 1.0)
        # A step pays once for every candidate; one that was not recorded still took place.
        apart = np.r_[0.0, np.diff(steps)]
        added = np.maximum(added, np.where(added > 0, 1.0, 0.0)) if np.all(apart[1:] == 1) else np.maximum(added, apart)
    else:
        np.add.at(added, (session, place), numbers_of(panel, cost)[rows])
    added[:, 0] = 0.0
    return np.cumsum(added, axis=1)


def numbers_of(panel: Panel, column: str) -> Float:
    """Return a label column as numbers, shape (n_rows,).

    Raises
    ------
    InputError
        A value that is no finite number of at least 0, or none.
    """
    labels = panel.labels[column]
    out = np.full(len(labels.names) + 1, np.nan)
    for k, name in enumerate(labels.names):
        try:
            out[k] = float(name)
        except ValueError:
            out[k] = np.nan
        if not (np.isfinite(out[k]) and out[k] >= 0):
            raise InputError(f"cost column `{column}` must hold numbers of at least 0. Got {name!r}.")
    values = out[labels.codes]
    if np.isnan(values).any():
        row = int(np.flatnonzero(np.isnan(values))[0])
        session, step = panel.session_names[panel.session[row]], int(panel.step[row])
        raise InputError(f"cost column `{column}` is empty at session {session}, step {step}.")
    return values


def held_values(panel: Panel, grid: Grid, keeping: Keeping, ends: Ends, clusters: Clusters, floor: float) -> Held:
    """Return the value held by session and step.

    Parameters
    ----------
    floor : float
        Worth of having no scored version yet; NaN where nothing is known of it: such steps take the first score.
    """
    worth = np.r_[_weighed(panel.x, keeping.value), np.nan]
    seen = np.r_[_weighed(panel.x, keeping.select), np.nan]
    value = worth[grid.held]
    inside = np.arange(len(grid.steps)) <= grid.last[:, None]
    value = np.where(inside & np.isnan(value), floor if np.isfinite(floor) else _next(value), value)
    some = np.isfinite(value[:, 0])
    place = group_starts(panel.session)
    return Held(
        np.where(inside, value, np.nan)[some],
        grid.paid[some],
        np.where(inside, seen[grid.made], np.nan)[some],
        grid.last[some],
        ends.own[some],
        clusters.row[place][some],
        grid.steps,
    )


def _weighed(x: Float, weights: Float) -> Float:
    """Return weighted sums of rows; what is missing of an objective of no weight is not missed."""
    used = weights != 0
    return np.asarray(x[:, used] @ weights[used])


def _next(value: Float) -> Float:
    """Return for missing entries the next one of the session."""
    reverse = value[:, ::-1]
    places = np.maximum.accumulate(np.where(np.isnan(reverse), -1, np.arange(value.shape[1])), axis=1)
    filled = np.take_along_axis(reverse, np.maximum(places, 0), axis=1)
    return np.where(places >= 0, filled, np.nan)[:, ::-1]


def equal_weights(panel: Panel, spreads: Mapping[str, float]) -> dict[str, float]:
    """Return 1/(n sd) for every objective that varies: a step of one sd in all of them is worth 1."""
    vary = [name for name in panel.names if spreads[name] > 0]
    return {name: 1.0 / (len(vary) * spreads[name]) for name in vary}


def pooled_spread(helds: Sequence[Held]) -> float:
    """Return the root mean square, over groups and recorded steps, of the sd of value held between sessions."""
    return mean_spread([(h.spread, len(h.steps)) for h in helds])


def mean_spread(spreads: Sequence[tuple[float, int]]) -> float:
    """Return the root mean square of spreads of groups, each with its number of recorded steps."""
    squares = [spread**2 for spread, n in spreads for _ in range(n)]
    return float(np.sqrt(np.mean(squares))) if squares else 0.0
