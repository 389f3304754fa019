"""Rules judged on recorded sessions: cutting a session where a rule stops is what the rule would have done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

import numpy as np

from ...arrays import Float, Int, relabel
from ...errors import InputError
from ...inference.estimate import Estimate
from ...inference.intervals import mean_by_cluster
from ...inference.resample import folds
from ...panel.model import Rng
from ...results.record import Record, written
from ..curve import Held
from .families import FullRun, LoopGainBands, Patience, Rule, rule_from
from .filled import filled
from .grids import tuned_over

HALVINGS = 5
NEAR = 0.01  # standard deviations of the value within which settings are as good as the best: then the fewest steps
CHOICES = ("fixed", "patience", "threshold", "recent_mean")  # from simple to less so
FEWEST = 10  # clusters with which more than a number of steps is tuned
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class RuleTrial(Record):
    """What one rule, or one family tuned anew on each part of the clusters, came to on sessions it was not tuned on.

    Attributes
    ----------
    name : str
        The family, or the baseline; `clairvoyant`, which no rule can be, knows each session's best step beforehand.
    rule : Rule or None
        Its settings; of a tuned family those tuned on all clusters. None for the clairvoyant.
    tuned : bool
        Judged on clusters it was not tuned on.
    may_be_chosen : bool
    net : Estimate
        Value held less the price of the steps, mean over sessions.
    against_fixed, against_full : Estimate
        What `net` is above that of the best fixed number of steps (tuned likewise) and of the full run, by cluster.
    gross_loss : Estimate
        Value held at the record's end less that held where the rule stops: what is lost if steps were free.
    steps : float
        Mean number of steps taken.
    saved : float
        Share of the recorded steps that is not taken.
    cut_short : int
        Sessions that were cut off before the rule would have stopped them, and count as carried on (`filled`).
    """

    name: str
    rule: Rule | None = field(
        metadata=written(
            write=lambda rule: rule and rule.to_dict(), read=lambda data: None if data is None else rule_from(data)
        )
    )
    tuned: bool
    may_be_chosen: bool
    net: Estimate
    against_fixed: Estimate
    against_full: Estimate
    gross_loss: Estimate
    steps: float
    saved: float
    cut_short: int


@dataclass(frozen=True, eq=False)
class Trials(Record):
    """All rules on one recording, and the one to use.

    Attributes
    ----------
    chosen : str
        Name of the trial whose rule is to be used: the simplest within one standard error of the best.
    because : str
        `simplest_near_best`; or `scorer_noise`: only a fixed number of steps may be chosen, because a noisy score
        that decides and counts wins by luck; or `few_clusters`: likewise, because there are too few to tune more.
    clusters : int
    rules : tuple of RuleTrial
    """

    chosen: str
    because: str
    clusters: int
    rules: tuple[RuleTrial, ...]

    def __getitem__(self, name: str) -> RuleTrial:
        """Return the trial of a name."""
        return next(trial for trial in self.rules if trial.name == name)

    @property
    def rule(self) -> Rule:
        """The rule to use."""
        return next(t.rule for t in self.rules if t.name == self.chosen and t.rule is not None)


@dataclass(frozen=True)
class Recorded:
    """Recorded sessions at a price: what stopping each of them anywhere comes to.

    Attributes
    ----------
    held : Held
        Sessions that were cut off carried on.
    recorded : Held
        The same as they are in the file.
    price : float
    cluster : int array, shape (n_sessions,)
        Without gaps.
    half : int array, shape (n_halvings, n_sessions)
        0 or 1: in which half of the clusters a session is, each time they are halved.
    """

    held: Held
    recorded: Held
    price: float
    cluster: Int
    half: Int

    @classmethod
    def of(cls, held: Held, price: float, rng: Rng) -> Recorded:
        """Carry on what was cut off, and halve the clusters a few times."""
        names, cluster = relabel(held.cluster)
        half = np.array([folds(len(names), 2, rng)[cluster] for _ in range(HALVINGS)])
        return cls(filled(held, rng), held, price, cluster, half)

    def cut_short(self, wanted: Int) -> int:
        """Return how many sessions were cut off before the places of a rule, shape (n_halvings, n_sessions)."""
        return round(float(np.sum(self.recorded.cut & (wanted > self.recorded.last), axis=1).mean()))

    @cached_property
    def table(self) -> Float:
        """Value held less price after each step, shape (n_sessions, n_steps)."""
        return np.ascontiguousarray(self.held.value - self.price * self.held.paid)

    @cached_property
    def _row(self) -> Int:
        return np.arange(self.held.n_sessions) * len(self.held.steps)

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.cluster.max()) + 1

    def at(self, values: Float, place: Int) -> Float:
        """Return the entries of a table of sessions by steps at places of shape (..., n_sessions)."""
        return np.asarray(values.reshape(-1).take(np.minimum(place, self.held.last) + self._row))

    def net(self, place: Int) -> Float:
        """Return value less price where sessions stop, mean over halvings, shape (n_sessions,)."""
        net = self.at(self.table, place)
        return np.asarray(net.mean(axis=0)) if net.ndim > 1 else net

    def tuned(self, rules: Sequence[Rule]) -> tuple[Rule, Int]:
        """Return the best rule on all clusters, and where that on the other half stops each session.

        Returns
        -------
        Rule
        int array, shape (n_halvings, n_sessions)
        """
        inside = np.stack([self.half == 0, self.half == 1], axis=1).reshape(2 * HALVINGS, -1).astype(np.float64)
        net, steps = np.empty((2, len(rules), HALVINGS, 2))
        for base, same in groupby(range(len(rules)), lambda g: rules[g].capped(None)):
            which = list(same)
            stop = base.stops(self.held.seen, self.held.last)
            limits = [stop.max() if rules[g].at_most is None else rules[g].at_most for g in which]
            place = np.minimum(stop, np.array(limits)[:, None])
            net[which] = (self.at(self.table, place) @ inside.T).reshape(-1, HALVINGS, 2)
            steps[which] = (place @ inside.T).reshape(-1, HALVINGS, 2)
        count = inside.sum(axis=1).reshape(HALVINGS, 2)
        best = self._best(net, steps, count)
        wanted = np.empty(self.half.shape, dtype=np.int64)
        places = {g: rules[g].wanted(self.held.seen) for g in np.unique(best)}
        for h, half in enumerate(self.half):
            wanted[h] = np.where(half == 0, places[best[h, 1]], places[best[h, 0]])
        return rules[int(self._best(net[:, 0].sum(-1), steps[:, 0].sum(-1), count[0].sum(-1)))], wanted

    def _best(self, net: Float, steps: Float, count: Float) -> Int:
        """Return, of the rules as good as the best, the one of fewest steps; all are sums of shape (n_rules, ...)."""
        mean = net / np.maximum(count, 1)
        top = mean.max(axis=0)
        near = mean >= top - NEAR * self.held.spread - 1e-12 * np.abs(top)
        return np.asarray(np.where(near, steps, np.inf).argmin(axis=0))

    def mean(self, values: Float, level: float) -> Estimate:
        """Return the mean over sessions with its interval by cluster."""
        return mean_by_cluster(values[:, None], self.cluster, self.n_clusters, level=level)[0]

    def clairvoyant(self) -> Int:
        """Return the best place of each session in hindsight."""
        over = np.arange(len(self.held.steps)) > self.held.last[:, None]
        return np.asarray(np.where(over | np.isnan(self.table), -np.inf, self.table).argmax(axis=1))


@dataclass(frozen=True)
class _Attempt:
    """A rule as it was tried: where it wants to stop sessions, shape (n_sessions,) or (n_halvings, n_sessions)."""

    rule: Rule | None
    tuned: bool
    wanted: Int


def judge(held: Held, price: float, *, exact: bool, rng: Rng, level: float = LEVEL) -> Trials:
    """Judge rules on recorded sessions and choose the simplest that is within one standard error of the best.

    Every family is tuned on one half of the clusters and judged on the other, both ways, five times: what is claimed
    for it was not tuned for. Halves, because larger parts choose nearly alike, which makes intervals too short: where
    no step is better than another (30 sessions x 5 steps) 0.12 of the claims for ten parts exclude the truth from
    above, 0.04 of those for halves.

    Parameters
    ----------
    held : Held
    price : float
        Of one unit of `held.paid`, in units of the value.
    exact : bool
        The recorded score is free of noise, or another score than the one that counts: rules that look at it may be
        chosen. Else only a fixed number of steps may.
    rng : Rng
        Draws the halves.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        There is no session.

    Notes
    -----
    When it is wrong: with `exact` where the score is noisy, a threshold on it wins by luck. Where many sessions were
    cut off (`cut_short`), by something that the value held does not show.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees, section 3.4 (one standard error).
    """
    if not held.n_sessions:
        raise InputError("rules are judged on recorded sessions, and there is none.")
    recorded = Recorded.of(held, price, rng)
    attempts = _attempts(recorded)
    clusters = recorded.n_clusters
    because = "scorer_noise" if not exact else "few_clusters" if clusters < FEWEST else "simplest_near_best"
    eligible = [n for n in (CHOICES if because == "simplest_near_best" else CHOICES[:1]) if n in attempts]
    chosen = _chosen(recorded, {name: recorded.net(attempts[name].wanted) for name in eligible})
    trials = tuple(_trial(recorded, name, attempts, name in eligible, level) for name in attempts)
    return Trials(chosen, because, clusters, trials)


def _attempts(recorded: Recorded) -> dict[str, _Attempt]:
    """Return every rule that is tried, by name."""
    held = recorded.held
    top = float(np.nanmax(held.seen, initial=-np.inf))
    given: dict[str, Rule] = {"full_run": FullRun(), "patience_3": Patience(3)}
    if np.isfinite(top):
        given["loop_gain"] = LoopGainBands(top)
    out = {name: _Attempt(rule, False, rule.wanted(held.seen)) for name, rule in given.items()}
    for name, rules in tuned_over(held.seen).items():
        if rules:
            best, wanted = recorded.tuned(rules)
            out[name] = _Attempt(best, True, wanted)
    return {**out, "clairvoyant": _Attempt(None, False, recorded.clairvoyant())}


def _chosen(recorded: Recorded, net: Mapping[str, Float]) -> str:
    """Return the first name whose mean is less than one standard error, of the difference, below the best."""
    best = max(net, key=lambda name: float(net[name].mean()))
    for name in net:
        if name == best:
            break
        mean, error = _mean_and_error(recorded, net[best] - net[name])
        if mean <= error:
            return name
    return best


def _mean_and_error(recorded: Recorded, values: Float) -> tuple[float, float]:
    n = recorded.n_clusters
    mean = float(values.mean())
    rest = np.bincount(recorded.cluster, values - mean, n)
    return mean, float(np.sqrt(np.sum(rest**2) * n / max(n - 1, 1))) / len(values)


def _trial(
    recorded: Recorded, name: str, attempts: Mapping[str, _Attempt], may_be_chosen: bool, level: float
) -> RuleTrial:
    held, attempt = recorded.held, attempts[name]
    wanted = np.atleast_2d(attempt.wanted)
    stop = np.minimum(wanted, held.last).mean(axis=0)
    net = recorded.net(wanted)
    other = {n: recorded.net(attempts[n].wanted) for n in ("fixed", "full_run")}
    lost = recorded.at(held.value, held.last) - recorded.at(held.value, wanted).mean(axis=0)
    return RuleTrial(
        name,
        attempt.rule,
        attempt.tuned,
        may_be_chosen,
        net=recorded.mean(net, level),
        against_fixed=recorded.mean(net - other["fixed"], level),
        against_full=recorded.mean(net - other["full_run"], level),
        gross_loss=recorded.mean(lost, level),
        steps=float(stop.mean()),
        saved=float(1 - stop.sum() / max(held.last.sum(), 1)),
        cut_short=recorded.cut_short(wanted),
    )
