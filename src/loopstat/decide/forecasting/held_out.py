"""How forecasts do on clusters that they have not seen: bands, the law as a whole, and beside what knows less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int, summed
from ...inference.estimate import Estimate
from ...inference.intervals import mean_by_cluster, share_by_cluster
from ...inference.resample import folds
from ...panel.model import Rng
from ...results.forecast import ForecastQuality, Score
from .histories import Histories
from .predictors import Drawn, Family

FOLDS = 5
DRAWS = 100
VARIANTS = 4  # times that parameters are drawn for them
ORIGINS = 3  # places within the record that sessions are foretold from
HORIZONS = 6  # later steps looked at from each
SESSIONS = 300  # judged at most
SMOOTH = 2.0  # draws' worth of the overall shares of ranges, lest a chance of 0 be given to what came
TENTHS = 10
OF_RECORD = 2 / 3  # of the steps: what is known when the rest is foretold
FEW = 5  # clusters, below which nothing is held out


@dataclass(frozen=True)
class Foretold:
    """What one family said of values it had not seen.

    Attributes
    ----------
    cluster : int array, shape (n,)
    session : int array, shape (n,)
    log_score, pit, error : float arrays, shape (n,)
        Logarithm of the chance given to the range that came; place of the value in its forecast law, ties at random;
        mean of the law less the value.
    inside_50, inside_90 : float arrays, shape (n,)
        Whether the band held the value, 0 or 1.
    """

    cluster: Int
    session: Int
    log_score: Float
    pit: Float
    error: Float
    inside_50: Float
    inside_90: Float


def within_record(h: Histories, families: Mapping[str, Family], rng: Rng) -> dict[str, Foretold]:
    """Foretell later recorded steps of held-out sessions from their first ones, clusters in folds."""
    end = h.x.shape[1] - 1
    return _judged(h, families, sorted({round(end * k / ORIGINS) for k in range(ORIGINS)} - {end}), end, rng)


def beyond_record(h: Histories, families: Mapping[str, Family], rng: Rng) -> dict[str, Foretold]:
    """Foretell the last third of the steps of held-out sessions from a record that ends before them."""
    known, end = int(OF_RECORD * (h.x.shape[1] - 1)), h.x.shape[1] - 1
    return _judged(h, families, [known], known, rng) if 2 <= known < end else {}


def _judged(
    h: Histories, families: Mapping[str, Family], origins: list[int], until: int, rng: Rng
) -> dict[str, Foretold]:
    """Fit on the steps up to `until` of all folds but one, and foretell that one from every origin."""
    if h.n_clusters < FEW or not origins:
        return {}
    fold = folds(h.n_clusters, FOLDS, rng)[h.cluster]
    chosen = np.zeros(len(h), dtype=bool)
    chosen[rng.permutation(len(h))[:SESSIONS]] = True
    edges = _edges(h)
    parts: dict[str, list[Foretold]] = {name: [] for name in families}
    for k in range(FOLDS):
        train = h.take(np.flatnonzero(fold != k)).until(until)
        test = np.flatnonzero((fold == k) & chosen)
        if not len(train.moves.place) or not len(test):
            continue
        ahead = h.x.shape[1] - 1 - until
        fitted = {name: Drawn.of(family, train, ahead, VARIANTS, rng) for name, family in families.items()}
        for origin in origins:
            held = test[(h.last[test] > origin) | ((h.last[test] == origin) & ~h.ended[test])]
            asked = _Asked.of(h, held, origin)
            if not len(asked.value):
                continue
            start = h.take(held).until(origin)
            ties = rng.random(len(asked.value))
            for name, predictor in fitted.items():
                drawn = predictor.predict(start, h.x.shape[1] - 1 - origin, rng, DRAWS) @ h.space.value
                parts[name].append(_foretold(asked, drawn, edges, ties))
    return {name: _together(found) for name, found in parts.items() if found}


def _edges(h: Histories) -> tuple[Float, Float]:
    """Return the ranges that hold about a tenth of the values each, and the share each holds."""
    values = h.known @ h.space.value
    values = values[~np.isnan(values)]
    found = np.unique(values)
    if len(found) <= TENTHS:
        edges = (found[1:] + found[:-1]) / 2
    else:
        edges = np.unique(np.quantile(values, np.arange(1, TENTHS) / TENTHS))
    counts = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1)
    return edges, counts / counts.sum()


@dataclass(frozen=True)
class _Asked:
    """Values to be foretold from one origin: of which session (row of `rows`), how many steps ahead."""

    rows: Int
    row: Int
    ahead: Int
    value: Float
    cluster: Int

    @classmethod
    def of(cls, h: Histories, rows: Int, origin: int) -> _Asked:
        steps = h.x.shape[1] - 1 - origin
        ahead = np.unique(np.round(np.linspace(1, steps, min(HORIZONS, steps))).astype(np.int64))
        values = (h.known[rows] @ h.space.value)[:, origin + ahead]
        row, column = np.nonzero(~np.isnan(values))
        return cls(rows, row, ahead[column] - 1, values[row, column], h.cluster[rows[row]])


def _foretold(asked: _Asked, drawn: Float, edges: tuple[Float, Float], ties: Float) -> Foretold:
    law = np.sort(drawn[:, asked.row, asked.ahead], axis=0)
    y, near = asked.value, 1e-9 * max(float(np.abs(drawn).max()), 1.0)
    below, up_to = (law < y - near).mean(axis=0), (law <= y + near).mean(axis=0)
    bins, shares = edges
    at = np.searchsorted(bins, y, side="left")
    hits = np.sum(np.searchsorted(bins, law, side="left") == at, axis=0)
    low90, low50, high50, high90 = np.quantile(law, [0.05, 0.25, 0.75, 0.95], axis=0, method="weibull")
    return Foretold(
        asked.cluster,
        asked.rows[asked.row],
        np.log((hits + SMOOTH * shares[at]) / (len(law) + SMOOTH)),
        below + ties * (up_to - below),
        law.mean(axis=0) - y,
        ((y >= low50 - near) & (y <= high50 + near)).astype(np.float64),
        ((y >= low90 - near) & (y <= high90 + near)).astype(np.float64),
    )


def _together(parts: list[Foretold]) -> Foretold:
    names = ("cluster", "session", "log_score", "pit", "error", "inside_50", "inside_90")
    return Foretold(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def better_by(one: Foretold, other: Foretold, level: float) -> Estimate:
    """Return the mean difference in log score, one less the other, with its interval by cluster."""
    found = mean_by_cluster((one.log_score - other.log_score)[:, None], *_dense(one.cluster), level=level)
    return found[0]


def _dense(cluster: Int) -> tuple[Int, int]:
    values, codes = np.unique(cluster, return_inverse=True)
    return codes.reshape(-1).astype(np.int64), len(values)


def choose(judged: Mapping[str, Foretold], first: str, others: tuple[str, ...]) -> str:
    """Return the predictor to use: `first`, or one of the others that beats it by more than a standard error."""
    best, name = 0.0, first
    for other in others:
        if other in judged and first in judged:
            found = better_by(judged[other], judged[first], 0.683)
            if float(found.low) > 0 and float(found.value) > best:
                best, name = float(found.value), other
    return name


def quality_of(judged: Mapping[str, Foretold], used: str, level: float) -> ForecastQuality | None:
    """Return how the predictor that is used did, and how much better than each of the others."""
    if used not in judged:
        return None
    f = judged[used]
    codes, n = _dense(f.cluster)
    count = np.bincount(codes, minlength=n).astype(np.float64)
    half, most = (share_by_cluster(summed(codes, w, n), count, level) for w in (f.inside_50, f.inside_90))
    scores = tuple(
        Score(name, float(g.log_score.mean()), better_by(f, g, level), float(np.sqrt(np.mean(g.error**2))))
        for name, g in judged.items()
    )
    pit = np.histogram(f.pit, bins=TENTHS, range=(0.0, 1.0))[0] / len(f.pit)
    return ForecastQuality(len(f.pit), len(np.unique(f.session)), n, half, most, pit, scores)
