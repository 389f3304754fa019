"""A potential that is a function of features of a state, V(f) = theta' phi(f), and whether it holds for unseen ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Bool, Float
from .counts import Counts
from .errors import SettingsError
from .feature_fit import ParametricFit
from .feature_table import Describe, Features, common_tokens, objective_means, read_features, text_features
from .held_out import HOLD_OUT, UNKNOWN, Downhill, Folds, Share, correlation, downhill, free_downhill
from .model import Rng
from .pair_errors import ThetaErrors, fit_noise, theta_errors
from .pairwise import Design, Problem, StatePairs, check_settings
from .potential import Potential
from .resample import student_quantile
from .result import Check, Estimate, number

__all__ = [
    "Downhill",
    "Features",
    "ParametricFit",
    "ParametricPotential",
    "Share",
    "free_downhill",
    "objective_means",
    "text_features",
]

KINDS = ("text", "objectives")
ALPHA = 0.05
FEW_VISITS = 20.0
STATES_PER_FEATURE = 10.0  # below, intervals are rough


@dataclass(frozen=True)
class ParametricPotential:
    """Settings of a potential V(f) = theta' phi(f) of features phi of a state.

    theta minimises sum over f != g of T(g|f) K(beta (V(f) - V(g))), T = count/visits, the action of the free potential,
    plus ridge/2 times the sum of T times the sum of squared coefficients of standardised features.

    Parameters
    ----------
    features : "text", "objectives" or callable
        Features of the state's own text (`text_features`); numbers handed to `fit` as `values`, such as mean
        objectives; or a function from the list of state names to an array (n_states, n_features) or a dict of columns.
    kernel : {"softplus", "exp"}
        K(x) = ln(1 + exp(-x)) or exp(-x/2).
    weight : {"action", "counts"}
        `action`: every transition counts T. `counts`: the likelihood of n[f,g] given n[f,g] + n[g,f] in detailed
        balance, 1/(1 + exp(-(beta (V(f) - V(g)) + ln N_f - ln N_g))) with visits N: Bradley-Terry on the counts where
        visits are equal. It is less noisy where visits differ much; kernel softplus only.
    beta : float
        Inverse temperature: V is in units of 1/beta nats.
    ridge : float
        Per unit of weight, on standardised features; it moves theta by about 4 ridge of itself and keeps it finite
        where a feature separates the pairs.
    hold_out : {"states", "pairs", "clusters"}
        What is left out together in cross-validation: states with all their pairs; pairs alone, whose states are then
        known from other pairs, so that chance correlations of features with V pass for skill; or clusters with all
        pairs that occur in them. No pair is ever trained on and judged at once.
    folds : int
    n_tokens : int
        The most common tokens whose numbers are features of texts.
    level : float
        Of the intervals.

    References
    ----------
    Song et al. (2025), arXiv 2512.10047; Bradley & Terry (1952), Biometrika 39, 324; Fafchamps & Gubert (2007), J. Dev.
    Econ. 83, 326 (errors of pairs).

    Examples
    --------
    >>> names = ["a", "aa", "aaa", "aaaa"]
    >>> matrix = [[0, 20, 10, 5], [40, 0, 20, 10], [40, 40, 0, 20], [40, 40, 40, 0]]
    >>> counts = Counts.of_matrix(matrix, states=names, visits=200)
    >>> fit = ParametricPotential(lambda states: {"length": [len(s) for s in states]}, weight="counts").fit(counts)
    >>> fit.theta.value.round(2).tolist()
    [0.69]
    """

    features: str | Describe = "text"
    kernel: str = "softplus"
    weight: str = "action"
    beta: float = 1.0
    ridge: float = 1e-4
    hold_out: str = "states"
    folds: int = 10
    n_tokens: int = 8
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse settings that mean nothing."""
        if not callable(self.features) and self.features not in KINDS:
            raise SettingsError(
                f"`features` must be text, objectives or a function of state names. Got {self.features!r}."
            )
        check_settings(self.kernel, self.weight, self.beta, self.ridge, self.level)
        if self.hold_out not in HOLD_OUT:
            raise SettingsError(f"`hold_out` must be one of {', '.join(HOLD_OUT)}. Got {self.hold_out!r}.")
        for name, least in (("folds", 2), ("n_tokens", 0)):
            value = getattr(self, name)
            if int(value) != value or value < least:
                raise SettingsError(f"`{name}` must be an int of at least {least}. Got {value!r}.")

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
        what they leave unexplained shrinks theta (a spread of V of 0.5 takes 13 % off), as in every logistic
        regression; trajectories that visit states a few times shrink it too, because a state is only seen where it was
        entered (10 visits each: 10-15 %); states entered and never left are left out; visits that are not known shift
        V by their logarithm; below some ten states a feature intervals are rough.
        """
        vocabulary = common_tokens(counts.states, self.n_tokens) if self.features == "text" else ()
        table = self._table(list(counts.states), vocabulary, values, names)
        pairs = StatePairs.of(counts)
        if not len(pairs):
            raise SettingsError(
                "there is no transition between two different states that were both left at least once: no feature "
                'can tell which way is down. Hint: `visits="equal"` counts states that were never left as visited.'
            )
        design = Design.of(table.values, pairs)
        problem = Problem.of(pairs, design.differences(pairs), **self._problem)
        c, settled = problem.minimum()
        held, stuck = problem.separated(c), np.zeros(len(table.names), dtype=np.bool_)
        stuck[np.flatnonzero(design.kept)[held]] = True
        errors = theta_errors(pairs, counts, problem, c, likelihood=self.weight == "counts")
        theta, covariance = self._theta(errors, design, c, stuck)
        rng = np.random.default_rng(0 if rng is None else rng)
        folds = Folds.of(pairs, self.hold_out, self.folds, rng, counts.events)
        judged = folds.judge(pairs, lambda part: self._trained(part, design))
        noise = fit_noise(pairs, problem, c, errors.covariance)
        v = design.X @ (c / self.beta)
        return ParametricFit(
            settings=self,
            states=counts.states,
            features=table,
            theta=theta,
            covariance=covariance,
            error_unit=errors.unit,
            scale=design.scale,
            dropped={table.names[k]: why for k, why in design.dropped.items()},
            separated=tuple(name for name, s in zip(table.names, stuck, strict=True) if s),
            value=v,
            coefficient=np.where(design.kept, _spread_out(c, design.kept) / (self.beta * design.scale), 0.0),
            centre=np.asarray(table.values[pairs.members].mean(axis=0)),
            tokens=vocabulary,
            downhill=downhill(pairs, judged, events=counts.events, level=self.level, fit_noise=noise),
            correlation=_against(free, v, counts, self.level),
            n_transitions=pairs.n_transitions,
            n_pairs=len(pairs),
            n_folds=len(folds),
            checks=self._checks(pairs, table, design, stuck, settled, folds, errors.misfit_p),
        )

    @property
    def _problem(self) -> dict[str, Any]:
        return {"kernel": self.kernel, "weight": self.weight, "ridge": self.ridge}

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
        problem = Problem.of(part, design.differences(part), **self._problem)
        return np.asarray(design.X @ problem.minimum()[0])

    def _theta(self, errors: ThetaErrors, design: Design, c: Float, stuck: Bool) -> tuple[Estimate, Float]:
        """Return theta with its interval, and its covariance."""
        half = student_quantile(self.level, errors.df) * np.sqrt(np.maximum(np.diag(errors.covariance), 0.0))
        per = self.beta * design.scale
        value = np.where(design.kept, _spread_out(c, design.kept) / per, np.nan)
        width = np.where(design.kept & ~stuck, _spread_out(half, design.kept) / per, np.nan)
        unscaled = errors.covariance / np.outer(per[design.kept], per[design.kept])
        return Estimate(value, value - width, value + width), unscaled

    def _checks(
        self,
        pairs: StatePairs,
        table: Features,
        design: Design,
        stuck: Bool,
        settled: bool,
        folds: Folds,
        misfit: float,
    ) -> tuple[Check, ...]:
        n, p = len(pairs.members), int(design.kept.sum())
        held = ", ".join(name for name, s in zip(table.names, stuck, strict=True) if s)
        visits = _typical_visits(pairs)
        share = pairs.n_unvisited / max(pairs.n_unvisited + pairs.n_transitions, 1)
        return (
            Check(
                "separated",
                float(stuck.sum()),
                0.0,
                not stuck.any(),
                f"every transition that changes them goes one way along {held}: theta is held by the ridge alone and "
                "has no interval."
                if stuck.any()
                else "no feature splits all transitions one way.",
            ),
            Check(
                "features_per_state",
                n / max(p, 1),
                STATES_PER_FEATURE,
                n >= STATES_PER_FEATURE * p,
                f"{number(n / max(p, 1))} states for each feature"
                + (": too few to tell them apart well." if n < STATES_PER_FEATURE * p else "."),
            ),
            Check(
                "indistinct_features",
                float(len(design.dropped)),
                None,
                p > 0,
                "; ".join(f"{table.names[k]}: {why}" for k, why in design.dropped.items())
                or "every feature says something of its own.",
            ),
            Check(
                "unexplained",
                misfit,
                ALPHA,
                misfit >= ALPHA,
                "V differs from a function of these features by more than the noise of the counts: theta is what they "
                f"carry on average (p {number(misfit)})."
                if misfit < ALPHA
                else f"the features explain V as far as the counts can tell (p {number(misfit)}).",
            ),
            Check(
                "few_visits",
                visits,
                FEW_VISITS,
                visits >= FEW_VISITS,
                f"half of the transitions leave or enter a state visited at most {number(visits)} times"
                + (": in trajectories that shrinks theta." if visits < FEW_VISITS else "."),
            ),
            Check(
                "never_left",
                share,
                0.2,
                share <= 0.2,
                f"{share:.0%} of the transitions enter a state that was never left: nothing is known of the way back, "
                "and they are left out.",
            ),
            Check(
                "held_out",
                float(len(folds)),
                2.0,
                len(folds) >= 2,
                f"{len(folds)} folds, held out by {self.hold_out}."
                if len(folds) >= 2
                else f"too few {self.hold_out} to hold any out: skill and shares are unknown"
                + (" (each cluster must have pairs of its own)." if self.hold_out == "clusters" else "."),
            ),
            Check(
                "converged",
                None,
                None,
                settled,
                "the minimum was found." if settled else "Newton's steps did not come to rest: do not use theta.",
            ),
        )


def _typical_visits(pairs: StatePairs) -> float:
    """Return the median, over the weight of transitions, of the visits of the rarer state of a pair."""
    rarer = np.minimum(pairs.visits[pairs.a], pairs.visits[pairs.b])
    weight = np.sum(pairs.rates, axis=0)
    order = np.argsort(rarer, kind="stable")
    reached = np.cumsum(weight[order])
    return float(rarer[order][np.searchsorted(reached, reached[-1] / 2)])


def _spread_out(values: Float, kept: Bool) -> Float:
    out = np.zeros(len(kept))
    out[kept] = values
    return out


def _against(free: Potential | ArrayLike | None, v: Float, counts: Counts, level: float) -> Share:
    if free is None:
        return UNKNOWN
    given = np.asarray(free.value if isinstance(free, Potential) else free, dtype=np.float64)
    if given.shape != (counts.n_states,):
        raise SettingsError(f"`free` must have shape ({counts.n_states},). Got {given.shape}.")
    return correlation(v, given, counts.classes.label, level)
