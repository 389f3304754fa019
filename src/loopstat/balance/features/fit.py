"""A potential that is a function of features of a state, V(f) = theta' phi(f), and whether it holds for unseen ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Bool, Float
from ...errors import SettingsError
from ...inference.estimate import Estimate
from ...inference.intervals import student
from ...panel.model import Rng
from ...panel.tally import Counts
from ...parameters import LEVEL, checked
from ...results.check import run_checks
from ..potentials.potential import Potential
from ..rows import BETA, KERNEL
from .checks import OF_TEXTS, RULES, Evidence
from .errors import ThetaErrors, fit_noise, theta_errors
from .held_out import Downhill, Folds, correlation, downhill
from .pairs import Design, Problem, StatePairs
from .record import Effect, ParametricFit
from .symbolic import FEWEST_STATES, symbolic_search
from .table import Describe, Features, common_tokens, objective_means, read_features, text_features

__all__ = [
    "Downhill",
    "Features",
    "ParametricFit",
    "ParametricPotential",
    "objective_means",
    "text_features",
]

KINDS = ("text", "objectives")


@dataclass(frozen=True)
class ParametricPotential:
    """Settings of a potential V(f) = theta' phi(f) of features phi of a state.

    theta minimises sum over f != g of w(f,g) K(beta (V(f) - V(g))), plus a ridge too small to be seen that keeps it
    finite where a feature separates the pairs.

    Parameters
    ----------
    features : "text", "objectives" or callable
        Features of the state's own text (`text_features`); numbers handed to `fit` as `values`, such as mean
        objectives; or a function from the list of state names to an array (n_states, n_features) or a dict of columns.
    kernel : {"likelihood", "softplus", "exp"}
        `likelihood`: of n[f,g] given n[f,g] + n[g,f] in detailed balance, w = n and K(x) = ln(1 + exp(-x)) with
        ln N_f - ln N_g added to x, N visits. The others are least actions, w = T(g|f) = n[f,g]/N_f: K(x) =
        ln(1 + exp(-x)) or exp(-x/2).
    beta : float
        Inverse temperature: V is in units of 1/beta nats.
    level : float
        Of the intervals.
    symbolic : bool
        Search a formula, too (`symbolic_search`).

    References
    ----------
    Song et al. (2025), arXiv 2512.10047; Bradley & Terry (1952), Biometrika 39, 324; Fafchamps & Gubert (2007), J. Dev.
    Econ. 83, 326 (errors of pairs).

    Examples
    --------
    >>> names = ["a", "aa", "aaa", "aaaa"]
    >>> matrix = [[0, 20, 10, 5], [40, 0, 20, 10], [40, 40, 0, 20], [40, 40, 40, 0]]
    >>> counts = Counts.of_matrix(matrix, states=names, visits=200)
    >>> fit = ParametricPotential(lambda states: {"length": [len(s) for s in states]}).fit(counts)
    >>> fit.theta.value.round(2).tolist()
    [0.69]
    """

    features: str | Describe = "text"
    kernel: str = "likelihood"
    beta: float = 1.0
    level: float = 0.95
    symbolic: bool = False

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing."""
        if not callable(self.features) and self.features not in KINDS:
            raise SettingsError(
                f"`features` must be text, objectives or a function of state names. Got {self.features!r}."
            )
        checked(self, (KERNEL, BETA, LEVEL))

    def fit(
        self,
        counts: Counts,
        *,
        values: Any = None,
        names: Sequence[str] | None = None,
        free: Potential | ArrayLike | None = None,
        rng: Rng | int | None = None,
    ) -> ParametricFit:
        """Fit one recording.

        Parameters
        ----------
        counts : Counts
        values : array of shape (n_states, n_features), mapping of columns, or Features, optional
            For `objectives`: rows follow `counts.states`.
        names : sequence of str, optional
            Of the columns of an array.
        free : Potential or array of shape (n_states,), optional
            A potential with one number per state to correlate with.
        rng : Generator or seed, optional
            Of the folds; default: seed 0.

        Returns
        -------
        ParametricFit

        Raises
        ------
        SettingsError
            Features of a wrong shape or not finite, or a recording without two visited states that follow each other.

        Notes
        -----
        Errors of theta: cluster-robust over sessions where there are at least 8, else the moves out of each state
        are multinomial draws. Where a test at 5 % finds that the features do not explain all of V, the states are what
        is drawn, and pairs that share one go together: theta is meant for all states of the kind, not for the
        recorded ones alone. *When it is wrong*: features that only go along with what the loop follows get its credit;
        what they leave unexplained can shrink theta, as in every logistic regression; trajectories that visit states a
        few times shrink it, because a state is only seen where it was entered (10 visits each: 13-18 %, 40: 3 %);
        states entered and never left are left out; visits that are not known shift V by their logarithm; below some ten
        states a feature intervals are rough.
        """
        vocabulary = common_tokens(counts.states) if self.features == "text" else ()
        table = self._table(list(counts.states), vocabulary, values, names)
        pairs = StatePairs.of(counts)
        if not len(pairs):
            raise SettingsError(
                "there is no transition between two different states that were both left at least once: no feature "
                'can tell which way is down. Hint: `visits="equal"` counts states that were never left as visited.'
            )
        design = Design.of(table.values, pairs)
        problem = Problem.of(pairs, design.differences(pairs), kernel=self.kernel)
        c, settled = problem.minimum()
        held, stuck = problem.separated(c), np.zeros(len(table.names), dtype=np.bool_)
        stuck[np.flatnonzero(design.kept)[held]] = True
        errors = theta_errors(pairs, counts, problem, c)
        theta, covariance = self._theta(errors, design, c, stuck)
        rng = np.random.default_rng(0 if rng is None else rng)
        folds = Folds.of(pairs, rng)
        judged = folds.judge(pairs, lambda part: self._trained(part, design))
        noise = fit_noise(pairs, problem, c, errors.covariance)
        v = design.X @ (c / self.beta)
        searched = self.symbolic and len(pairs.members) >= FEWEST_STATES
        down = downhill(pairs, judged, events=counts.events, level=self.level, fit_noise=noise)
        return ParametricFit(
            asked=self._asked,
            settings=self,
            states=counts.states,
            effects=_effects(table, theta, design, stuck),
            features=table,
            covariance=covariance,
            error_unit=errors.unit,
            value=v,
            symbolic=symbolic_search(counts, table, kernel=self.kernel, beta=self.beta, level=self.level, rng=rng)
            if searched
            else None,
            coefficient=np.where(design.kept, _spread_out(c, design.kept) / (self.beta * design.scale), 0.0),
            centre=np.asarray(table.values[pairs.members].mean(axis=0)),
            tokens=vocabulary,
            downhill=down,
            sentence=ParametricFit.said_of(down, tells=bool(design.kept.any())),
            correlation=_against(free, v, counts, self.level),
            n_transitions=pairs.n_transitions,
            n_pairs=len(pairs),
            n_folds=len(folds),
            checks=(
                *run_checks(RULES, Evidence(pairs, counts, table, design, stuck, settled, judged, errors.misfit_p)),
                *(run_checks(OF_TEXTS, counts.states) if self.features == "text" else ()),
            ),
        )

    @property
    def _asked(self) -> dict[str, Any]:
        kind = self.features if isinstance(self.features, str) else "function"
        return {"features": kind, "kernel": self.kernel, "beta": self.beta, "level": self.level}

    def _table(
        self, states: list[str], tokens: Sequence[str], values: Any = None, names: Sequence[str] | None = None
    ) -> Features:
        """Return the features of states."""
        if self.features == "objectives":
            if values is None:
                raise SettingsError(
                    "features `objectives` need `values`: one row of numbers per state, in the order of "
                    "`counts.states`. Hint: objective_means(panel, counts.states)."
                )
            return read_features(values, len(states), names=names)
        if values is not None:
            raise SettingsError('`values` were given, but features are not taken from them: set features="objectives".')
        if callable(self.features):
            made = self.features(list(states))
            return read_features(made, len(states), names=names, what="what `features` returns")
        return text_features(states, tokens=tokens)

    def _trained(self, part: StatePairs, design: Design) -> Float:
        """Return beta V of all states by the pairs of a training set."""
        problem = Problem.of(part, design.differences(part), kernel=self.kernel)
        return np.asarray(design.X @ problem.minimum()[0])

    def _theta(self, errors: ThetaErrors, design: Design, c: Float, stuck: Bool) -> tuple[Estimate, Float]:
        """Return theta with its interval, and its covariance."""
        error = np.sqrt(np.maximum(np.diag(errors.covariance), 0.0))
        per = self.beta * design.scale
        value = np.where(design.kept, _spread_out(c, design.kept) / per, np.nan)
        known = np.where(design.kept & ~stuck, _spread_out(error, design.kept) / per, np.nan)
        unscaled = errors.covariance / np.outer(per[design.kept], per[design.kept])
        return student(value, known, level=self.level, df=errors.df), unscaled


def _spread_out(values: Float, kept: Bool) -> Float:
    out = np.zeros(len(kept))
    out[kept] = values
    return out


def _against(free: Potential | ArrayLike | None, v: Float, counts: Counts, level: float) -> Estimate:
    if free is None:
        return Estimate.unknown()
    given = np.asarray(free.value if isinstance(free, Potential) else free, dtype=np.float64)
    if given.shape != (counts.n_states,):
        raise SettingsError(f"`free` must have shape ({counts.n_states},). Got {given.shape}.")
    return correlation(v, given, counts.classes.label, level)


def _effects(table: Features, theta: Estimate, design: Design, stuck: Bool) -> tuple[Effect, ...]:
    separated = "every transition that changes it goes one way: no interval."
    why = [separated if s else design.dropped.get(k) for k, s in enumerate(stuck)]
    rows = zip(table.names, design.scale.tolist(), why, strict=True)
    return tuple(Effect(name, scale, theta[k], reason) for k, (name, scale, reason) in enumerate(rows))
