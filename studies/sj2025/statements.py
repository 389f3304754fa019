"""The paper's statements as tests, and their verdicts: words that follow from figures, p-values after Holm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.stats import rankdata

import loopstat as ls
from loopstat.arrays import Float
from loopstat.drift.derive import derive
from loopstat.drift.readings.skill import cluster_folds, squared_errors
from loopstat.drift.sums import Grams, Moments
from loopstat.inference.clusters import choose_clusters
from loopstat.inference.estimate import Estimate
from loopstat.inference.intervals import percentile_interval, student_quantile
from loopstat.inference.resample import bootstrap_weights, weighted_sums
from loopstat.inference.tests import draws_p, holm, ratio_p

from .fits import LEVEL, SEED, Group, Read, correlations, dealt, grams_of, left_out, of_draws

HOLDS, FAILS, OPEN, NOT_TESTABLE = "holds", "fails", "cannot tell", "not testable here"
WHERE_TOLD = "holds where it can be told"
ALPHA = 1 - LEVEL
DEALS = 200  # of white scores, whose rates and R² are ranked


@dataclass(frozen=True)
class Test:
    """One figure that a statement says is above 0.

    Attributes
    ----------
    of : str
        The group.
    what : str
    value : Estimate
    p : float
        Two-sided, of its being 0.
    p_adjusted : float
        After Holm, over all tests of the page.
    """

    of: str
    what: str
    value: Estimate
    p: float
    p_adjusted: float = float("nan")

    __test__ = False

    @property
    def word(self) -> str:
        """What it says of the statement: it holds where the figure is above 0, fails where it is below."""
        if not np.isfinite(self.p_adjusted):
            return NOT_TESTABLE
        if self.p_adjusted >= ALPHA:
            return OPEN
        return HOLDS if float(self.value.value) > 0 else FAILS


@dataclass(frozen=True)
class Statement:
    """A statement of the paper.

    Attributes
    ----------
    name : str
    said : str
        As the paper has it.
    read_as : str
        What it is taken to say, so that it can be wrong.
    tests : tuple of Test
        Within a group all must be above 0 for the statement to hold there.
    needed : str
        The recording that would test it, where this one does not.
    """

    name: str
    said: str
    read_as: str
    tests: tuple[Test, ...] = ()
    needed: str = ""
    figures: tuple[str, ...] = field(default=())

    def words(self) -> dict[str, str]:
        """Return the verdict in each group."""
        groups = dict.fromkeys(t.of for t in self.tests)
        return {g: joined([t.word for t in self.tests if t.of == g]) for g in groups}

    @property
    def verdict(self) -> str:
        """The verdict over all groups: a statement about loops fails where one of them goes against it."""
        words = list(self.words().values())
        found = joined(words)
        return WHERE_TOLD if found == OPEN and HOLDS in words else found

    @property
    def counts(self) -> dict[str, int]:
        """How many groups say what."""
        words = list(self.words().values())
        return {word: words.count(word) for word in (HOLDS, FAILS, OPEN, NOT_TESTABLE)}


def joined(words: Sequence[str]) -> str:
    """Return the verdict on something that must hold throughout.

    Examples
    --------
    >>> joined(["holds", "cannot tell"]), joined(["holds", "fails"]), joined(["holds", "not testable here"]), joined([])
    ('cannot tell', 'fails', 'holds', 'not testable here')
    """
    told = [w for w in words if w != NOT_TESTABLE]
    if not told:
        return NOT_TESTABLE
    if FAILS in told:
        return FAILS
    return HOLDS if all(w == HOLDS for w in told) else OPEN


def adjusted(statements: Sequence[Statement]) -> list[Statement]:
    """Return the statements with the p-values of all their tests after Holm."""
    every = [t.p for s in statements for t in s.tests]
    found = iter(holm(every).tolist()) if every else iter(())
    return [replace(s, tests=tuple(replace(t, p_adjusted=next(found)) for t in s.tests)) for s in statements]


def above(estimate: Estimate, bar: float, clusters: int) -> tuple[Estimate, float]:
    """Return how far an estimate with Student's interval is above a bar, and the p-value of their being equal."""
    value, low, high = estimate.triple
    error = (high - low) / 2 / student_quantile(LEVEL, clusters - 1) if clusters > 1 else float("nan")
    return Estimate(value - bar, low - bar, high - bar), float(ratio_p(value - bar, error, clusters - 1))


# ------------------------------------------------------------------------------- who makes the coupling


def source_tests(name: str, panel: ls.Panel, objective: int) -> list[Test]:
    """Test whether an objective is the primary source of interference, of three.

    It is more coupled than objective j if |I[o,k]| > |I[j,k]|, k the third; the figure is the difference of squares.

    Parameters
    ----------
    name : str
    panel : Panel
        Of three objectives.
    objective : int
    """
    sums = grams_of(panel)
    tests = []
    for j in (k for k in range(3) if k != objective):
        third = 3 - objective - j
        value, p = left_out(sums, _more_coupled(objective, j, third))
        tests.append(Test(name, f"{_short(panel, objective)} above {_short(panel, j)}", value, p))
    return tests


def _more_coupled(i: int, j: int, k: int) -> Read:
    def read(moments: Moments) -> Float:
        r = correlations(moments)
        return np.asarray(r[:, i, k] ** 2 - r[:, j, k] ** 2)

    return read


def largest_drift(name: str, panel: ls.Panel) -> tuple[int, list[Test]]:
    """Return the objective of the largest drift coefficient on the diagonal, and tests that it leads."""
    sums = grams_of(panel)
    A = Moments.of(sums.total(), sums).A[0]
    top = int(np.abs(np.diag(A)).argmax())
    tests = []
    for j in (k for k in range(panel.n_obj) if k != top):
        value, p = left_out(sums, _stronger(top, j))
        tests.append(Test(name, f"drift of {_short(panel, top)} above that of {_short(panel, j)}", value, p))
    return top, tests


def _stronger(i: int, j: int) -> Read:
    return lambda moments: np.abs(moments.A[:, i, i]) - np.abs(moments.A[:, j, j])


def dominance_tests(name: str, panel: ls.Panel) -> list[Test]:
    """Test whether the objective with the largest drift coefficient is the most coupled; nothing where none leads."""
    top, leads = largest_drift(name, panel)
    certain = all(t.p < ALPHA and float(t.value.value) > 0 for t in leads)
    return source_tests(name, panel, top) if certain else []


def _short(panel: ls.Panel, j: int) -> str:
    return panel.names[j].split("_", 1)[-1]


# ------------------------------------------------------------------------------------ rates and figures


def rate_tests(groups: Sequence[Group], lowest: float, highest: float) -> list[Test]:
    """Test whether rates lie between the published ends; of plain loops alone."""
    tests = []
    for g in groups:
        sums = grams_of(g.panel)
        for what, read in (("above the lowest", _rate(1, lowest)), ("below the highest", _rate(-1, highest))):
            tests.append(Test(g.name, f"rate {what}", *left_out(sums, read)))
    return tests


def _rate(sign: int, bar: float) -> Read:
    return lambda moments: sign * (derive(moments, None, None)["rate_euler"] - bar)


def explained_tests(groups: Sequence[Group], bar: float) -> list[Test]:
    """Test whether the regression explains more of the changes than a share, mean over the objectives."""
    tests = []
    for g in groups:
        value, p = left_out(grams_of(g.panel), lambda moments: _explained(moments) - bar)
        tests.append(Test(g.name, f"R² above {bar:g}", value, p))
    return tests


def _explained(moments: Moments) -> Float:
    return np.asarray(derive(moments, None, None)["r2_increments"].mean(axis=1))


# ------------------------------------------------------------------------------- stability, predictability


@dataclass(frozen=True)
class Ranking:
    """Rank correlation, over groups, of the convergence rate with how well changes are predicted.

    Attributes
    ----------
    inside, held_out : Estimate
        With R² inside the sample, and with that of held-out clusters.
    p_held_out : float
    white : Estimate
        With R² inside the sample, for scores dealt out at random: mean and range.
    n : int
        Groups.
    """

    inside: Estimate
    held_out: Estimate
    p_held_out: float
    white: Estimate
    n: int


def ranking(groups: Sequence[Group], *, n_boot: int = 1000, seed: int = SEED) -> Ranking | None:
    """Correlate rates with predictability over groups that share tasks; draws by task.

    Parameters
    ----------
    groups : sequence of Group
        Of plain loops.
    n_boot, seed : int

    Returns
    -------
    Ranking or None
        None for fewer than three groups.
    """
    if len(groups) < 3:
        return None
    names = sorted({name for g in groups for name in g.panel.label_values("task")})
    weights = bootstrap_weights(len(names), n_boot, np.random.default_rng(seed))
    place = {name: k for k, name in enumerate(names)}
    rate, inside, held_out = (np.array(c) for c in zip(*(_drawn(g, weights, place) for g in groups), strict=True))
    found = [_spearman(rate, other) for other in (inside, held_out)]
    ends = [percentile_interval(f[1:], LEVEL) for f in found]
    one, two = (Estimate(f[0], *e) for f, e in zip(found, ends, strict=True))
    draws = found[1][1:][np.isfinite(found[1][1:])]
    p = min(1.0, 2 * float(min(draws_p(np.sum(draws <= 0), len(draws)), draws_p(np.sum(draws >= 0), len(draws)))))
    return Ranking(one, two, p, _white_ranking(groups, seed), len(groups))


def _drawn(g: Group, weights: Float, place: dict[str, int]) -> tuple[Float, Float, Float]:
    """Return rate, R² inside and R² held out of one group, the estimate first, then draws, shape (1 + n_boot,) each."""
    sums = grams_of(g.panel, "task")
    own = np.concatenate([np.ones((1, len(sums)), weights.dtype), weights[:, [place[n] for n in sums.names]]])
    read = derive(Moments.of(sums.weighted(own), sums), None, None)
    return read["rate_euler"], read["r2_increments"].mean(axis=1), _held_out(g.panel, sums, own)


def _held_out(panel: ls.Panel, sums: Grams, weights: Float) -> Float:
    pairs, clusters = panel.pairs(), choose_clusters(panel, "task")
    cluster = clusters.row[pairs.start]
    fold = cluster_folds(sums, np.random.default_rng(SEED))
    if fold is None:
        return np.full(len(weights), np.nan)
    errors = squared_errors(panel, pairs, sums, cluster, fold)
    ours, theirs = (_by_cluster(errors[name], cluster, len(sums)) for name in ("linear", "constant_drift"))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((1 - weighted_sums(weights, ours) / weighted_sums(weights, theirs)).mean(axis=1))


def _by_cluster(values: Float, cluster: Float, n: int) -> Float:
    out = np.zeros((n, values.shape[1]))
    np.add.at(out, cluster, values)
    return out


def _spearman(a: Float, b: Float) -> Float:
    """Return rank correlations over groups, shape (batch,), of arrays of shape (n_groups, batch); NaN where one is."""
    x, y = (rankdata(v, axis=0) - (len(v) + 1) / 2 for v in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (x * y).sum(axis=0) / np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    return np.where(np.isfinite(a).all(axis=0) & np.isfinite(b).all(axis=0), found, np.nan)


def _white_ranking(groups: Sequence[Group], seed: int) -> Estimate:
    rng = np.random.default_rng(seed)
    found = [[dealt(g.panel, rng) for _ in range(DEALS)] for g in groups]
    rates, shares = (np.array([[read(d) for d in own] for own in found]) for read in (lambda d: d[0], _mean_share))
    return of_draws(_spearman(rates, shares))


def _mean_share(found: tuple[float, Float]) -> float:
    return float(found[1].mean())
