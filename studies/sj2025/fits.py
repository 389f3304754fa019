"""What the package says of every group, beside white scores of the same spread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

import loopstat as ls
from loopstat.arrays import Float
from loopstat.decide.analysis import Decisions, analyze_decisions
from loopstat.drift.analysis import analyze_drift
from loopstat.drift.derive import derive
from loopstat.drift.fit import LinearDriftFit
from loopstat.drift.sums import Grams, Moments
from loopstat.inference.clusters import choose_clusters
from loopstat.inference.estimate import Estimate
from loopstat.inference.intervals import Scale, jackknife, percentile_interval
from loopstat.inference.pareto import ParetoGroup
from loopstat.inference.tests import jackknife_p
from loopstat.results.decision import Decision

from .recordings import BY, Recording

LEVEL = 0.95
FEWEST = 5  # sessions with a transition: fewer carry no interval
WHITE = 40  # times that the scores of a group are dealt out anew
SEED = 0
NEEDED = ("drift.A", "r2_increments", "interference.total")

Read = Callable[[Moments], Float]


@dataclass(frozen=True)
class White:
    """What scores of the same spread show that know nothing of the version before.

    Attributes
    ----------
    r2 : Estimate, shape (n_obj,)
        Mean over deals, and the range of 95 % of them.
    rate : Estimate
    """

    r2: Estimate
    rate: Estimate


@dataclass(frozen=True)
class Group:
    """One group of a recording.

    Attributes
    ----------
    name : str
    panel : Panel
        Scores of all programs, the low baseline of those that do not parse included.
    fit : LinearDriftFit
        The published way: least squares over all transitions.
    stands : LinearDriftFit or None
        What the package chooses; None for a lineage, where nothing is to choose.
    white, white_inside : White
        Scores dealt out among all versions of the group, and inside each session; the second None for a lineage.
    among_read, for_length : Estimate
        Interference of efficiency and functionality among programs that parse, and the same for one length of program.
    p_read, p_length : float
    by_scores, by_tests : Decision or None
        When to stop, for the static scores and for the share of tests passed (the fitness of a lineage).
    """

    name: str
    panel: ls.Panel
    fit: LinearDriftFit
    stands: LinearDriftFit | None
    white: White
    white_inside: White | None
    among_read: Estimate
    p_read: float
    for_length: Estimate
    p_length: float
    by_scores: Decision | None
    by_tests: Decision | None

    @property
    def within(self) -> Estimate | None:
        """Slowest modulus by the estimator that allows sessions to differ; None where there is none."""
        found = () if self.stands is None else self.stands.estimators
        return next((r.modulus for r in found if r.name == "within" and np.isfinite(float(r.modulus.value))), None)


@dataclass(frozen=True)
class Fitted:
    """All groups of a recording at one suite, those left out, and their standing on all objectives at once."""

    recording: Recording
    suite: str
    objectives: tuple[str, ...]
    groups: tuple[Group, ...]
    left_out: tuple[str, ...]
    pareto: tuple[ParetoGroup, ...]
    price_of_scores: float
    price_of_tests: float


# ---------------------------------------------------------------------------------- leaving out clusters


def grams_of(panel: ls.Panel, column: str | None = None) -> Grams:
    """Return the sums of a panel's transitions by cluster."""
    clusters = choose_clusters(panel, column)
    pairs = panel.pairs()
    return Grams.of(pairs, clusters.row[pairs.start], clusters.names)


def left_out(grams: Grams, read: Read, *, scale: Scale = "identity") -> tuple[Estimate, float]:
    """Return what is read of the moments of a panel, one number, with its interval and p-value by cluster.

    Parameters
    ----------
    grams : Grams
    read : callable
        Moments of a batch to one number each, shape (batch,).
    scale : Scale
        On which the interval is made.
    """
    filled = grams.g[:, 0, 0] > 0
    value = float(read(Moments.of(grams.total(), grams))[0])
    without = read(Moments.of(grams.left_out()[filled], grams))
    return jackknife(value, without, level=LEVEL, scale=scale), float(jackknife_p(value, without))


def correlations(moments: Moments) -> Float:
    """Return the correlations of the changes, shape (batch, n_obj, n_obj); NaN where one never changes."""
    return np.asarray(derive(moments, None, None)["interference.total"])


def of_pair(i: int, j: int) -> Read:
    """Return what reads the interference of two objectives."""
    return lambda moments: correlations(moments)[:, i, j]


def of_pair_given(i: int, j: int, k: int) -> Read:
    """Return what reads the correlation of two changes for one change of a third: the partial correlation."""

    def read(moments: Moments) -> Float:
        r = correlations(moments)
        with np.errstate(invalid="ignore", divide="ignore"):
            rest = np.sqrt((1 - r[:, i, k] ** 2) * (1 - r[:, j, k] ** 2))
            return np.asarray((r[:, i, j] - r[:, i, k] * r[:, j, k]) / rest)

    return read


# ------------------------------------------------------------------------------------------- white scores


def dealt(panel: ls.Panel, rng: np.random.Generator, *, inside: bool = False) -> tuple[float, Float]:
    """Return rate and R² of a panel whose scores are dealt out at random, among all versions or inside each session."""
    rows = np.flatnonzero(panel.complete)
    order = rng.permutation(rows)
    if inside:
        order = order[np.argsort(panel.session[order], kind="stable")]  # sessions in order, each shuffled
    x = panel.x.copy()
    x[rows] = x[order]
    pairs = replace(panel, x=x).pairs()
    grams = Grams.of(pairs, np.zeros(len(pairs), dtype=np.int64), ("all",))
    read = derive(Moments.of(grams.total(), grams), None, None)
    return float(read["rate_euler"][0]), np.asarray(read["r2_increments"][0])


def white_of(panel: ls.Panel, *, inside: bool = False, deals: int = WHITE, seed: int = SEED) -> White:
    """Fit scores that know nothing of the version before.

    Parameters
    ----------
    panel : Panel
    inside : bool
        Dealt out inside each session: sessions then still differ.
    deals, seed : int
    """
    rng = np.random.default_rng(seed)
    draws = np.array([np.r_[r2, rate] for rate, r2 in (dealt(panel, rng, inside=inside) for _ in range(deals))])
    every = of_draws(draws)
    return White(every[:-1], every[-1])


def of_draws(draws: Float) -> Estimate:
    """Return the mean over the first axis and the range of 95 % of the draws; those with NaN are left out."""
    known = np.isfinite(draws)
    n = known.sum(axis=0)
    mean = np.where(n > 0, np.where(known, draws, 0.0).sum(axis=0) / np.maximum(n, 1), np.nan)
    return Estimate(mean, *percentile_interval(draws, LEVEL))


# ------------------------------------------------------------------------------------------------ groups


def fitted(recording: Recording, suite: str, objectives: Sequence[str], *, n_boot: int = 1000) -> Fitted:
    """Fit every group of a recording.

    Parameters
    ----------
    recording : Recording
    suite : str
    objectives : sequence of str
        Those of the suite that are not nearly constant.
    n_boot : int
    """
    kind = recording.kind
    names = [f"{suite}_{o}" for o in objectives]
    labels = [] if kind.lineage else ["ended"]
    panel = recording.panel(names, labels=labels)
    with_length = recording.parsing(recording.panel([*names, "lines"]))
    pooled = analyze_drift(panel, by=BY, estimator=ls.LinearDrift("pooled", n_boot=n_boot), seed=SEED)
    chosen = None if kind.lineage else analyze_drift(panel, by=BY, estimator=ls.LinearDrift(n_boot=n_boot), seed=SEED)
    tests = recording.panel([kind.tests], labels=labels)
    told = [_decided(p, kind.lineage, n_boot) for p in (panel, tests)]
    parts = {_name(by): part for by, part in panel.split(BY)}
    measured = {_name(by): part for by, part in with_length.split(BY)}
    decisions = [{_name(g.by): g.decision for g in d.groups} for d in told]
    groups, lost = [], []
    for place, fit in enumerate(pooled.groups):
        name = _name(fit.by)
        part, lengths = parts[name], measured.get(name)
        if lengths is None or len(np.unique(part.pairs().session)) < FEWEST or not set(NEEDED) <= fit.estimates.keys():
            lost.append(name)
            continue
        sums = grams_of(lengths)
        read = left_out(sums, of_pair(-3, -2), scale="fisher")
        given = left_out(sums, of_pair_given(-3, -2, -1), scale="fisher")
        stands = None if chosen is None else chosen.groups[place]
        own = (d.get(name) for d in decisions)
        inside = None if kind.lineage else white_of(part, inside=True)
        groups.append(Group(name, part, fit, stands, white_of(part), inside, *read, *given, *own))
    prices = [0.0 if d.units is None else d.units.price for d in told]
    return Fitted(recording, suite, tuple(objectives), tuple(groups), tuple(lost), pooled.pareto, *prices)


def _decided(panel: ls.Panel, lineage: bool, n_boot: int) -> Decisions:
    estimator = ls.MeanCurve(n_boot=n_boot, ended=None if lineage else "ended")
    return analyze_decisions(panel, by=BY, estimator=estimator, seed=SEED)


def _name(by: dict[str, str]) -> str:
    return ", ".join(by[column] for column in BY)
