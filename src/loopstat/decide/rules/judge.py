"""Rules judged on recorded sessions: cutting a session where a rule stops is what the rule would have done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ...arrays import Bool, Float, Int, relabel
from ...errors import InputError
from ...inference.estimate import Estimate
from ...inference.intervals import mean_by_cluster
from ...inference.resample import folds
from ...panel.model import Rng
from ...results.record import Record, written
from ..curve import Held
from .families import FullRun, LoopGainBands, Patience, Rule, rule_from
from .grids import tuned_over

FOLDS = 10
NEAR = 0.01  # standard deviations of the value within which settings are as good as the best: then the fewest steps
CHOICES = ("fixed", "patience", "threshold", "recent_mean")  # from simple to less so
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
        Judged by nested folds.
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
        Sessions that were cut off before the rule would have stopped them; they count with their last value.
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
        that decides and counts wins by luck; or `few_clusters`: nothing can be tuned.
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
        rule = self[self.chosen].rule
        assert rule is not None
        return rule


@dataclass(frozen=True)
class Recorded:
    """Recorded sessions at a price: what stopping each of them anywhere comes to.

    Attributes
    ----------
    held : Held
    price : float
    cluster : int array, shape (n_sessions,)
        Without gaps.
    fold : int array, shape (n_sessions,)
    """

    held: Held
    price: float
    cluster: Int
    fold: Int

    @classmethod
    def of(cls, held: Held, price: float, rng: Rng) -> Recorded:
        """Put clusters into folds."""
        names, cluster = relabel(held.cluster)
        return cls(held, price, cluster, folds(len(names), min(FOLDS, len(names)), rng)[cluster])

    def net(self, place: Int) -> Float:
        """Return value less price where each session stops, shape (n_sessions,)."""
        rows = np.arange(len(place))
        return self.held.value[rows, place] - self.price * self.held.paid[rows, place]

    def wanted(self, rules: Iterable[Rule]) -> Iterable[Int]:
        """Return the places at which rules want to stop; rules that differ in their limit alone are run once."""
        done: dict[Rule, Int] = {}
        for rule in rules:
            base = rule.capped(None)
            if base not in done:
                done = {base: base.wanted(self.held.seen)}
            place = done[base]
            yield place if rule.at_most is None else np.minimum(place, rule.at_most)

    def tuned(self, rules: Sequence[Rule]) -> tuple[Rule, Int]:
        """Return the best rule on all clusters, and where that of the others stops the sessions of each fold."""
        n_folds = int(self.fold.max()) + 1
        net, steps = np.empty((len(rules), n_folds)), np.empty((len(rules), n_folds))
        for g, place in enumerate(self.wanted(rules)):
            stop = np.minimum(place, self.held.last)
            net[g] = np.bincount(self.fold, self.net(stop), n_folds)
            steps[g] = np.bincount(self.fold, stop, n_folds)
        count = np.bincount(self.fold, minlength=n_folds)
        best = [self._best(net, steps, count, np.arange(n_folds) != f) for f in range(n_folds)]
        wanted = np.zeros(len(self.fold), dtype=np.int64)
        for g in sorted(set(best)):
            mine = np.isin(self.fold, [f for f in range(n_folds) if best[f] == g])
            wanted[mine] = rules[g].wanted(self.held.seen[mine])
        return rules[self._best(net, steps, count, np.ones(n_folds, dtype=np.bool_))], wanted

    def _best(self, net: Float, steps: Float, count: Int, on: Bool) -> int:
        """Return, of the rules as good as the best on some folds, the one with the fewest steps."""
        mean = net[:, on].sum(axis=1) / max(count[on].sum(), 1)
        near = np.flatnonzero(mean >= mean.max() - NEAR * self.held.spread - 1e-12 * abs(mean.max()))
        return int(near[np.argmin(steps[near][:, on].sum(axis=1))])

    def mean(self, values: Float, level: float) -> Estimate:
        """Return the mean over sessions with its interval by cluster."""
        found = mean_by_cluster(values[:, None], self.cluster, int(self.cluster.max()) + 1, level=level)
        return found[0]

    def clairvoyant(self) -> Int:
        """Return the best place of each session in hindsight."""
        net = self.held.value - self.price * self.held.paid
        over = np.arange(net.shape[1]) > self.held.last[:, None]
        return np.where(over | np.isnan(net), -np.inf, net).argmax(axis=1)


@dataclass(frozen=True)
class _Attempt:
    """A rule as it was tried: where it wants to stop each session."""

    rule: Rule | None
    tuned: bool
    wanted: Int


def judge(held: Held, price: float, *, exact: bool, rng: Rng, level: float = LEVEL) -> Trials:
    """Judge rules on recorded sessions and choose the simplest that is within one standard error of the best.

    Every family is tuned on nine parts of the clusters in ten and judged on the tenth, so that what is claimed for it
    was not tuned for.

    Parameters
    ----------
    held : Held
    price : float
        Of one unit of `held.paid`, in units of the value.
    exact : bool
        The recorded score is free of noise, or another score than the one that counts: rules that look at it may be
        chosen. Else only a fixed number of steps may.
    rng : Rng
        Draws which clusters are judged together.
    level : float
        Of the intervals.

    Raises
    ------
    InputError
        There is no session.

    Notes
    -----
    When it is wrong: with `exact` where the score is noisy, a threshold on it wins by luck. Sessions that were cut off
    count with their last value, which is too little where values still rise: `cut_short` says how many.

    References
    ----------
    Breiman, Friedman, Olshen and Stone (1984), Classification and Regression Trees, section 3.4 (one standard error).
    """
    if not held.n_sessions:
        raise InputError("rules are judged on recorded sessions, and there is none.")
    recorded = Recorded.of(held, price, rng)
    attempts = _attempts(recorded)
    eligible = CHOICES if exact else CHOICES[:1]
    chosen = _chosen(recorded, {name: recorded.net(_stop(held, attempts[name])) for name in eligible if name in attempts})
    clusters = int(recorded.cluster.max()) + 1
    because = "few_clusters" if clusters < 3 else "simplest_near_best" if exact else "scorer_noise"
    trials = tuple(_trial(recorded, name, attempts, name in eligible, level) for name in attempts)
    return Trials(chosen if clusters >= 3 else "fixed", because, clusters, trials)


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


def _stop(held: Held, attempt: _Attempt) -> Int:
    return np.minimum(attempt.wanted, held.last)


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
    n = int(recorded.cluster.max()) + 1
    mean = float(values.mean())
    rest = np.bincount(recorded.cluster, values - mean, n)
    return mean, float(np.sqrt(np.sum(rest**2) * n / max(n - 1, 1))) / len(values)


def _trial(
    recorded: Recorded, name: str, attempts: Mapping[str, _Attempt], may_be_chosen: bool, level: float
) -> RuleTrial:
    held, attempt = recorded.held, attempts[name]
    stop = _stop(held, attempt)
    net = recorded.net(stop)
    rows = np.arange(len(stop))
    other = {n: recorded.net(_stop(held, attempts[n])) for n in ("fixed", "full_run")}
    return RuleTrial(
        name,
        attempt.rule,
        attempt.tuned,
        may_be_chosen,
        net=recorded.mean(net, level),
        against_fixed=recorded.mean(net - other["fixed"], level),
        against_full=recorded.mean(net - other["full_run"], level),
        gross_loss=recorded.mean(held.value[rows, held.last] - held.value[rows, stop], level),
        steps=float(stop.mean()),
        saved=float(1 - stop.sum() / max(held.last.sum(), 1)),
        cut_short=int(np.sum(held.cut & (attempt.wanted > held.last))),
    )


