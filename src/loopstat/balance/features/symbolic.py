"""Formulas for a potential: every small expression of some features, judged on held-out states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ...arrays import Bool, Float
from ...errors import SettingsError
from ...inference.estimate import Estimate, number, show
from ...inference.intervals import student
from ...panel.model import Rng
from ...panel.tally import Counts, Events
from ...results.record import Record, written
from ..rows import KERNEL
from .errors import theta_errors
from .expressions import Expressions, bare
from .held_out import Folds, Judged, Spread, downhill, percents
from .pairs import RIDGE, Problem, StatePairs
from .table import Features

Scales = dict[tuple[int, int], Float]  # folds left out to the scale of every expression
FEWEST_STATES = 8
N_FOLDS = 5  # the choice is repeated inside each: 5 + 10 fits of every expression
BLOCK = 200_000  # cells worked on at a time
STEEPEST, LONGEST_STEP, MOST_STEPS, AT_REST = 50.0, 2.0, 60, 1e-7  # of a scale, in standardised units


@dataclass(frozen=True, eq=False)
class Formula(Record):
    """V = scale times an expression of `size` features and operators, with its held-out skill.

    `scale` is in units of V per unit of the expression, with an interval that takes the expression as given, for the
    chosen formula only; 0 for the constant.
    """

    expression: str
    size: int
    scale: float
    low: float
    high: float
    skill: Estimate = field(metadata=written(nested=True))

    def __str__(self) -> str:
        return "V is constant" if not self.size else f"V = {number(self.scale)} * {self.expression}"


@dataclass(frozen=True, eq=False)
class SymbolicPotential(Record):
    """What a search for a formula found.

    Attributes
    ----------
    chosen : Formula
        The smallest of the front within one standard error of the best; the constant, where the search as a whole
        does not beat a coin on states it has not seen.
    front : tuple of Formula
        The best of every size that beats all smaller ones on held-out pairs, the constant first.
    search_skill : Estimate
        Skill of the whole search: in every fold the choice is made anew without the states that judge it. The skills
        of the front are those of winners, and too good.
    n_tried : int
        Different expressions that were fitted.
    n_left_out : int
        Expressions that are the same as another up to scale and constant.
    largest : int
        Size up to which all were tried.
    """

    KEYS = ("chosen", "front", "search_skill", "n_tried", "n_left_out", "largest", "sentence")

    chosen: Formula
    front: tuple[Formula, ...]
    search_skill: Estimate = field(metadata=written(nested=True))
    n_tried: int
    n_left_out: int
    largest: int

    @property
    def sentence(self) -> str:
        """The answer in words."""
        tried = f"{self.n_tried:,} expressions of up to {self.largest} features and operators tried"
        skill = percents(self.search_skill)
        if not self.chosen.size:
            return f"no formula of the features beats a coin ({tried}; held-out skill of the search {skill})."
        scale = show(self.chosen.scale, self.chosen.low, self.chosen.high)
        return f"V = {scale} * {self.chosen.expression} ({tried}; held-out skill of the search {skill})."

    def __repr__(self) -> str:
        return self.sentence


def symbolic_search(
    counts: Counts,
    features: Features,
    *,
    kernel: str = "likelihood",
    beta: float = 1.0,
    level: float = 0.95,
    rng: Rng | int | None = None,
) -> SymbolicPotential:
    """Fit V = scale * expression for all expressions of up to four features and operators; choose one.

    Operators: + - * / log sqrt square. Each scale is fitted as theta is (`ParametricPotential`), on the pairs of four
    fifths of the states, and judged by log-loss on the rest.

    Parameters
    ----------
    counts : Counts
    features : Features
        Rows follow `counts.states`.
    kernel : {"likelihood", "softplus", "exp"}
    beta : float
    level : float
    rng : Generator or seed, optional
        Of the folds; default: seed 0.

    Returns
    -------
    SymbolicPotential

    Raises
    ------
    SettingsError
        Fewer than eight visited states that follow each other.

    Notes
    -----
    *When it is wrong*: expressions that go along with each other over the recorded states are told apart by chance;
    where pairs times expressions exceed ten million, only expressions of two or three parts are tried; logarithms,
    roots and ratios need features without zeros, or negative numbers, in any state; a formula that needs a second
    number, such as log(x + 3), cannot be found.

    Examples
    --------
    >>> n = [3.0, 4.0, 6.0, 9.0, 14.0, 20.0, 30.0, 45.0]
    >>> flow = [[0 if i == j else 300 * (a / b) for j, b in enumerate(n)] for i, a in enumerate(n)]
    >>> counts = Counts.of_matrix(flow, visits=20_000)
    >>> symbolic_search(counts, Features(("length",), np.array(n)[:, None])).chosen.expression
    'log(length)'
    """
    pairs = StatePairs.of(counts)
    if len(pairs.members) < FEWEST_STATES:
        raise SettingsError(f"a formula needs at least {FEWEST_STATES} visited states that follow each other.")
    pool = Expressions.of(features.values[pairs.members], features.names, len(pairs))
    trial = _Trial.of(pairs, pool, kernel, counts.events)
    folds = Folds.of(pairs, np.random.default_rng(0 if rng is None else rng), N_FOLDS)
    scales = trial.scales(folds)
    front, best = trial.choice(scales, folds)
    searched = trial.search_skill(scales, folds, level)
    best = best if searched.low > 0 else 0
    every = [trial.formula(k, scales, folds, level, beta) for k in front]
    chosen = trial.with_interval(counts, every[front.index(best)], best, level, beta)
    return SymbolicPotential(chosen, tuple(every), searched, len(pool.names) - 1, pool.n_left_out, int(pool.size.max()))


# ----------------------------------------------------------------------------- the trial


@dataclass(frozen=True)
class _Trial:
    """All expressions on one recording: differences over pairs, standardised, and the weights of the problem."""

    pairs: StatePairs
    D: Float  # (n_pairs, n_expressions)
    unit: Float
    pool: Expressions
    problem: Problem
    events: Events | None

    @classmethod
    def of(cls, pairs: StatePairs, pool: Expressions, kernel: str, events: Events | None) -> _Trial:
        KERNEL.read(kernel)
        a, b = np.searchsorted(pairs.members, pairs.a), np.searchsorted(pairs.members, pairs.b)
        D = pool.values[a] - pool.values[b]
        unit = np.sqrt(np.mean(D**2, axis=0))
        unit = np.where(unit > 0, unit, 1.0)
        return cls(pairs, D / unit, unit, pool, Problem.of(pairs, D[:, :1], kernel=kernel), events)

    def scales(self, folds: Folds) -> Scales:
        """Return the scales of all expressions without the pairs of two folds; (f, f) leaves out one."""
        every = np.ones(len(self.pairs), np.bool_)
        start = self._fitted(every, np.zeros(self.D.shape[1]))
        found = {(-1, -1): start}
        for f in range(len(folds)):
            for g in range(f, len(folds)):
                rows = ~(folds.held[f] | folds.held[g])
                found[f, g] = found[g, f] = self._fitted(rows, start)
        return found

    def _fitted(self, rows: Bool, start: Float) -> Float:
        """Return the scale of every expression on some pairs, by Newton steps on all of them at once."""
        D, problem = self.D[rows], self.problem
        up, down, offset = (w[rows][:, None] for w in (problem.forward, problem.backward, problem.offset))
        penalty = RIDGE * max(float(up.sum() + down.sum()), 1e-300)
        K, c = problem.kernel, start.copy()
        if not len(D):
            return np.zeros_like(c)
        for columns in _blocks(D.shape):
            d, at = D[:, columns], c[columns]
            for _ in range(MOST_STEPS):
                x = at * d + offset
                slope = np.sum(d * (down * K.push(-x) - up * K.push(x)), axis=0) + penalty * at
                bend = np.sum(d**2 * (up * K.curvature(x) + down * K.curvature(-x)), axis=0) + penalty
                step = np.clip(slope / bend, -LONGEST_STEP, LONGEST_STEP)
                at = np.clip(at - step, -STEEPEST, STEEPEST)
                if np.abs(step).max(initial=0.0) < AT_REST:
                    break
            c[columns] = at
        return c

    def losses(self, c: Float, share: Float) -> Float:
        """Return the log-loss of every expression, summed over shares of the pairs by transitions per visit."""
        rows = share > 0
        D, out = self.D[rows], np.zeros(self.D.shape[1])
        up, back = ((rate * share)[rows] for rate in self.pairs.rates)
        for columns in _blocks(D.shape):
            d = D[:, columns] * c[columns]
            out[columns] = (up + back) @ np.logaddexp(0.0, -d) + back @ d  # ln(1 + e^d) = ln(1 + e^-d) + d
        return out

    def choice(self, scales: Scales, folds: Folds, outside: int | None = None) -> tuple[list[int], int]:
        """Return the front, smallest first, and the smallest of it within one standard error of its best.

        Pairs of the fold `outside` are neither fitted nor judged.
        """
        inner = [g for g in range(len(folds)) if g != outside]
        held = folds.held[inner] & (True if outside is None else ~folds.held[outside])
        c = [scales[g, g if outside is None else outside] for g in inner]
        share = held / np.maximum(held.sum(axis=0), 1)  # a pair of two folds is judged in both, for one half each
        total = np.sum([self.losses(scale, part) for scale, part in zip(c, share, strict=True)], axis=0)
        front: list[int] = []
        for size in range(int(self.pool.size.max()) + 1):
            some = np.flatnonzero(self.pool.size == size)
            k = int(some[np.argmin(total[some])]) if len(some) else 0
            if not front or total[k] < total[front[-1]]:
                front.append(k)
        judged = [self._judged(k, c, held) for k in front]
        spread = Spread.of(self.pairs, self.events, np.isfinite(judged[0].down))
        for k, one in zip(front, judged, strict=True):
            losses = (
                np.nan_to_num(mine - best)
                for mine, best in ((one.loss_down, judged[-1].loss_down), (one.loss_up, judged[-1].loss_up))
            )
            worse, error, _ = spread.mean(*self.pairs.rates, *losses)
            if k == front[-1] or worse <= error:
                break
        return front, k

    def _judged(self, k: int, c: Sequence[Float], held: Bool) -> Judged:
        return Judged.of(np.array([scale[k] * self.D[:, k] for scale in c]), held)

    def search_skill(self, scales: Scales, folds: Folds, level: float) -> Estimate:
        """Return the skill of choosing without a fold and judging on it."""
        chosen = [self.choice(scales, folds, f)[1] for f in range(len(folds))]
        drop = np.array([scales[f, f][k] * self.D[:, k] for f, k in enumerate(chosen)])
        return downhill(self.pairs, Judged.of(drop, folds.held), events=self.events, level=level).skill

    def formula(self, k: int, scales: Scales, folds: Folds, level: float, beta: float) -> Formula:
        """Return an expression with its scale on all pairs and its held-out skill."""
        judged = self._judged(k, [scales[f, f] for f in range(len(folds))], folds.held)
        skill = downhill(self.pairs, judged, events=self.events, level=level).skill if k else Estimate(0.0, 0.0, 0.0)
        scale = float(scales[-1, -1][k] / (self.unit[k] * beta))
        return Formula(bare(self.pool.names[k]), int(self.pool.size[k]), scale, np.nan, np.nan, skill)

    def with_interval(self, counts: Counts, formula: Formula, k: int, level: float, beta: float) -> Formula:
        """Return a formula with the interval of its scale, the expression taken as given."""
        if not formula.size:
            return formula
        problem = Problem(**{**vars(self.problem), "D": self.D[:, [k]]})
        errors = theta_errors(self.pairs, counts, problem, np.array([formula.scale * self.unit[k] * beta]))
        error = float(np.sqrt(errors.covariance[0, 0])) / (self.unit[k] * beta)
        e = student(formula.scale, error, level=level, df=errors.df)
        return replace(formula, low=float(e.low), high=float(e.high))


def _blocks(shape: tuple[int, int]) -> list[slice]:
    width = max(1, BLOCK // max(shape[0], 1))
    return [slice(k, k + width) for k in range(0, shape[1], width)]
