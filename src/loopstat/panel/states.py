"""Discrete states out of scores and texts: a panel goes in, the same panel with a `state` label comes out.

States are made of all rows together, so that groups split off later share them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..arrays import Float, Int, frozen, relabel
from ..errors import InputError, SettingsError, argument
from .model import Rng
from .panel import MISSING, Labels, Panel

STATE = "state"
FEWEST, MOST = 2, 200
LISTED_CUTS = 10
FEWEST_STARTS, MOST_STARTS, MOST_ROUNDS = 8, 50, 100
STARTED = 200_000  # points of all starts together: few points can afford many starts
SETTLED = 1e-6  # share of the cost below which another round is not worth its time
MOST_POINTS = 20_000  # distinct score vectors the centres are sought among; all are assigned afterwards
BLOCK = 1 << 22  # distances held at a time


def normalised(text: str) -> str:
    """Return a text without differences of case, width, composition and white space.

    Unicode's NFKC case folding; every run of white space becomes one blank, none is left at the ends. Doing it twice
    changes nothing.

    Parameters
    ----------
    text : str

    Returns
    -------
    str

    Examples
    --------
    >>> normalised("  The\\tQUICK\\n ﬁx ")
    'the quick fix'
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFD", text).casefold()).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def binned(panel: Panel, k: int) -> Panel:
    """Return the panel with states made by cutting every objective at its k-quantiles.

    The i-th cut is the smallest value that at least a share i/k of the rows does not exceed; bin b holds the values
    above cut b - 1, up to and with cut b. A state is one bin per objective, such as `security 2/4 | length 1/4`.

    Parameters
    ----------
    panel : Panel
    k : int
        Bins per objective, 2 to 200.

    Returns
    -------
    Panel
        With the label `state`, its names in the order of the bins; rows in which an objective is missing have none.
        Where the cuts lie is added to `source.notes`.

    Raises
    ------
    SettingsError
        `k` is out of range.
    InputError
        There is no objective, or there are fewer complete rows than bins.

    Notes
    -----
    *When it is wrong*: binned scores are rarely a Markov chain, because where in its bin a score lies matters for where
    it goes; a reversible stationary process stays reversible. Equal values are never torn apart, so that bins of a
    score with many ties hold unequal numbers of rows, or none.

    Examples
    --------
    >>> panel = Panel.from_arrays([[[1.0], [2.0], [8.0], [9.0]]], objectives=["score"])
    >>> binned(panel, 2).labels["state"].values()
    ['score 1/2', 'score 1/2', 'score 2/2', 'score 2/2']
    """
    rows, x = _scored(panel, k, "bins")
    places = -(-len(x) * np.arange(1, k) // k) - 1
    cuts = np.sort(x, axis=0)[places]
    bins = np.stack([np.searchsorted(cuts[:, j], x[:, j]) for j in range(panel.n_obj)], axis=1)
    code = np.zeros(len(x), dtype=np.int64)
    for column in bins.T:
        _, code = relabel(code * k + column)
    _, first = np.unique(code, return_index=True)
    names = [" | ".join(f"{o} {b + 1}/{k}" for o, b in zip(panel.names, row, strict=True)) for row in bins[first]]
    return _labelled(panel, rows, code, names, _cuts_note(panel, k, cuts, bins, len(names)))


def clustered(panel: Panel, k: int, *, rng: Rng | int | None = 0) -> Panel:
    """Return the panel with states made by k-means on the objectives, each in units of its standard deviation.

    Lloyd's rounds from 8 to 50 starts spread out as in k-means++; the start that ends with the least sum of squares
    counts. A state is a cluster, named by its centre in the panel's units, such as `c1 (security 3.1, length 410)`.

    Parameters
    ----------
    panel : Panel
    k : int
        Clusters, 2 to 200.
    rng : Generator or seed
        The same seed gives the same states.

    Returns
    -------
    Panel
        With the label `state`, its names in the order of the centres; rows in which an objective is missing have none.

    Raises
    ------
    SettingsError
        `k` is out of range.
    InputError
        There is no objective, or there are fewer different score vectors than clusters.

    Notes
    -----
    *When it is wrong*: clusters of scores are rarely a Markov chain, and k-means cuts a cloud without gaps at
    arbitrary places. Beyond 20,000 different score vectors the centres are sought among a random 20,000 of them.

    References
    ----------
    Lloyd (1982), IEEE Trans. Inf. Theory 28, 129; Arthur & Vassilvitskii (2007), SODA, 1027 (the starts).

    Examples
    --------
    >>> panel = Panel.from_arrays([[[1.0], [1.2], [9.0], [9.4]]], objectives=["score"])
    >>> clustered(panel, 2).labels["state"].names
    ('c1 (score 1.1)', 'c2 (score 9.2)')
    """
    rows, x = _scored(panel, k, "kmeans")
    points, which, weight = np.unique(_standardised(x), axis=0, return_inverse=True, return_counts=True)
    if k > len(points):
        raise _too_few(panel, k, "kmeans", f"{len(points):,} different score vectors")
    centres = _centres(points, weight.astype(np.float64), k, np.random.default_rng(rng))
    nearest, _ = _nearest(points, centres)
    _, code = relabel(nearest[which.reshape(-1)])
    means = _means(x, np.ones(len(x)), code, int(code.max()) + 1)
    order = np.lexsort(means.T[::-1])
    place = np.argsort(order)
    names = [f"c{i + 1} ({_centre_text(panel.names, means[c])})" for i, c in enumerate(order)]
    note = f"states: {len(names)} clusters of {', '.join(panel.names)}, each in units of its standard deviation."
    return _labelled(panel, rows, place[code], names, note)


# ---------------------------------------------------------------------------------------------------- both


def _scored(panel: Panel, k: int, kind: str) -> tuple[Int, Float]:
    """Return the complete rows and their scores, or refuse what cannot be cut into `k`."""
    if isinstance(k, bool) or int(k) != k or not FEWEST <= k <= MOST:
        raise SettingsError(f"`{kind}:K` needs a whole number K from {FEWEST} to {MOST}. Got {k!r}.")
    if panel.n_obj == 0:
        raise InputError(
            f"no objective to make states of with `{kind}:{k}`: it needs at least one column of numbers.",
            file=_file(panel),
            hint=f"name one with {argument('objectives')}, or take states from a column with "
            + f"{argument('state', 'COL')}.",
        )
    rows = np.flatnonzero(panel.complete).astype(np.int64)
    if k > len(rows):
        raise _too_few(panel, k, kind, f"{len(rows):,} rows in which no objective is missing")
    return rows, np.asarray(panel.x[rows])


def _too_few(panel: Panel, k: int, kind: str, found: str) -> InputError:
    return InputError(
        f"`{kind}:{k}` asks for more than the {found}.", file=_file(panel), hint=f"choose a smaller K in {kind}:K."
    )


def _file(panel: Panel) -> str | None:
    return ", ".join(panel.source.files[:3]) or None


def _labelled(panel: Panel, rows: Int, code: Int, names: Sequence[str], note: str) -> Panel:
    codes = np.full(len(panel), MISSING, dtype=np.int64)
    codes[rows] = code
    state = Labels(frozen(codes, np.int64), tuple(names))
    source = replace(panel.source, notes=(*panel.source.notes, note))
    return replace(panel, labels={**panel.labels, STATE: state}, source=source)


def _cuts_note(panel: Panel, k: int, cuts: Float, bins: Int, n_states: int) -> str:
    said = []
    for name, cut, column in zip(panel.names, cuts.T, bins.T, strict=True):
        filled = len(np.unique(column))
        where = f" at {', '.join(_short(v) for v in np.unique(cut))}" if k <= LISTED_CUTS else ""
        said.append(f"{name} cut{where}{f' (equal values fill only {filled} of {k} bins)' if filled < k else ''}")
    return f"states: {'; '.join(said)}: {k} bins each, {n_states:,} combinations seen."


def _short(value: float) -> str:
    return f"{value:.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.3g}"


# ---------------------------------------------------------------------------------------------------- k-means


def _standardised(x: Float) -> Float:
    """Return every column with mean 0 and standard deviation 1; a column that never changes becomes 0."""
    largest = np.abs(x).max(axis=0)
    x = x / np.where(largest > 0, largest, 1.0)  # scaled first: squares of large scores would overflow
    apart = x - x.mean(axis=0)
    spread = np.where(np.ptp(x, axis=0) > 0, apart.std(axis=0), 0.0)
    return np.asarray(np.where(spread > 0, apart / np.where(spread > 0, spread, 1.0), 0.0))


def _centres(points: Float, weight: Float, k: int, rng: Rng) -> Float:
    """Return the centres of the best of several starts, shape (at most k, n_obj)."""
    if len(points) > MOST_POINTS:
        kept = rng.choice(len(points), MOST_POINTS, replace=False)
        points, weight = points[kept], weight[kept]
    n_starts = max(FEWEST_STARTS, min(MOST_STARTS, STARTED // len(points)))
    found = [_lloyd(points, weight, _spread_out(points, weight, k, rng)) for _ in range(n_starts)]
    return min(found, key=lambda pair: pair[1])[0]


def _spread_out(points: Float, weight: Float, k: int, rng: Rng) -> Float:
    """Draw centres one by one, each with a chance that grows with the squared distance to those before it."""
    chosen: list[int] = []
    chance = weight
    for _ in range(k):
        total = np.cumsum(chance)
        if total[-1] == 0:
            break
        at = min(int(np.searchsorted(total, rng.random() * total[-1], side="right")), len(points) - 1)
        apart = weight * ((points - points[at]) ** 2).sum(axis=1)
        chance = np.minimum(chance, apart) if chosen else apart
        chosen.append(at)
    return points[chosen]


def _lloyd(points: Float, weight: Float, centres: Float) -> tuple[Float, float]:
    cost = float("inf")
    for _ in range(MOST_ROUNDS):
        nearest, apart = _nearest(points, centres)
        now = float(weight @ apart)
        if now >= cost * (1 - SETTLED):
            break
        cost = now
        centres = _means(points, weight, nearest, len(centres), weight * apart)
    return centres, cost


def _nearest(points: Float, centres: Float) -> tuple[Int, Float]:
    """Return for every point the nearest centre and the squared distance to it."""
    nearest, apart = np.empty(len(points), dtype=np.int64), np.empty(len(points))
    size = (centres**2).sum(axis=1)
    block = max(1, BLOCK // len(centres))
    for s in range(0, len(points), block):
        part = points[s : s + block]
        distance = size - 2 * part @ centres.T
        nearest[s : s + block] = distance.argmin(axis=1)
    apart[:] = ((points - centres[nearest]) ** 2).sum(axis=1)
    return nearest, apart


def _means(points: Float, weight: Float, code: Int, k: int, cost: Float | None = None) -> Float:
    """Return weighted means per cluster; a cluster that lost all its points starts anew at the worst-placed one."""
    mass = np.bincount(code, weight, k)
    sums = np.stack([np.bincount(code, weight * column, k) for column in points.T], axis=1)
    empty = np.flatnonzero(mass == 0)
    means = sums / np.where(mass > 0, mass, 1.0)[:, None]
    if empty.size and cost is not None:
        means[empty] = points[np.argsort(-cost, kind="stable")[: empty.size]]
    return np.asarray(means)


def _centre_text(names: Sequence[str], centre: Float) -> str:
    return ", ".join(f"{name} {_short(v)}" for name, v in zip(names, centre.tolist(), strict=True))
