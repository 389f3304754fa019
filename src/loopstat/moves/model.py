"""One move of a coding loop: candidates, reviewers with correlated errors, and an oracle that sees some defects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float
from .order_statistics import expected_maximum, mean_maximum
from .settings import MoveSettings

MOST_PRIOR = 0.95  # beyond which planning raises neither H nor r
NODES = 96  # Gauss-Legendre points over the law of the best candidate: errors below 1e-9


@dataclass(frozen=True)
class Team:
    """What does not depend on the state of the work: aim, damage, spread, and how the best candidate is found.

    Attributes
    ----------
    aim, damage, spread : float or float array
        A = a1 rho_eff, C = a2 (1 - kappa2 H), S = s0 (1 - kappa1 H), in defects per unit of edit radius.
    k_eff : float or float array
        Independent candidates that choose as well as the K' there are.
    review_variance : float
        v = sigma_r^2 / N_eff, of the mean score of a candidate; in defects squared.
    reviewed : bool
        Without reviewers the pick is random and there is no gate.
    """

    aim: Float
    damage: Float
    spread: Float
    k_eff: Float
    review_variance: Any
    reviewed: Any

    @classmethod
    def of(cls, settings: MoveSettings | SimpleNamespace, human_prior: ArrayLike | None = None) -> Team:
        """Compute a team, with another human prior where one is given (planners raise it).

        Settings whose numbers are arrays that broadcast give a team whose numbers are.
        """
        s = settings
        H = np.asarray(s.human_prior if human_prior is None else human_prior, dtype=np.float64)
        effective = 1 - (1 - s.model_prior) * (1 - H)
        N, reviewed = np.asarray(s.reviewers), np.asarray(s.reviewers) > 0
        n_eff = np.where(reviewed, N, 1) / (1 + (np.where(reviewed, N, 1) - 1) * s.correlation)
        return cls(
            s.a1 * effective,
            s.a2 * (1 - s.kappa2 * H),
            s.s0 * (1 - s.kappa1 * H),
            1 + (s.pool - 1) * (1 - s.tau * H),
            np.where(reviewed, s.sigma_r**2 / n_eff, 0.0)[()],
            reviewed[()],
        )


@cache
def _gauss() -> tuple[Float, Float]:
    node, weight = np.polynomial.legendre.leggauss(NODES)
    return node, weight


class Ends(NamedTuple):
    """What a loop of defect mass mu shows: P_pass, P_good, and the risk of a false pass."""

    p_pass: Float
    p_good: Float
    p_false: Float


def ends(visible: ArrayLike, hidden: ArrayLike) -> Ends:
    """Return P_pass = exp(-mu_v), P_good = exp(-mu_v - mu_h) and, given a pass, 1 - exp(-mu_h)."""
    v, h = np.asarray(visible, dtype=np.float64), np.asarray(hidden, dtype=np.float64)
    return Ends(np.exp(-v), np.exp(-v - h), -np.expm1(-h))


@dataclass(frozen=True)
class MoveLaw:
    """The law of one move at a defect mass and an edit radius; arrays broadcast.

    Attributes
    ----------
    mean, spread : float array
        m and s of one candidate's improvement, in defects.
    team : Team
    oracle_resolution : float or float array
        r of the move.
    order_statistic : str
    offset_variance : float
        leniency / N, of what shifts the scores of all candidates of a move alike.
    """

    mean: Float
    spread: Float
    team: Team
    oracle_resolution: Float
    order_statistic: str = "exact"
    offset_variance: float = 0.0

    @classmethod
    def of(
        cls,
        settings: MoveSettings,
        mass: ArrayLike,
        radius: ArrayLike | None = None,
        *,
        human_prior: ArrayLike | None = None,
        oracle_resolution: ArrayLike | None = None,
    ) -> MoveLaw:
        """Return the law at a defect mass (defects) and an edit radius (default: that of the settings)."""
        s, team = settings, Team.of(settings, human_prior)
        mu = np.asarray(mass, dtype=np.float64)
        delta = np.asarray(s.edit_radius if radius is None else radius, dtype=np.float64)
        share = mu / (mu + s.b)
        mean = team.aim * delta * share - team.damage * delta - s.collateral * delta**2
        r = np.asarray(s.oracle_resolution if oracle_resolution is None else oracle_resolution, dtype=np.float64)
        return cls(mean, team.spread * delta * np.sqrt(share), team, r, s.order_statistic, s.offset_variance)

    @cached_property
    def total_spread(self) -> Float:
        """s_tot, of a reviewed score: sqrt(s^2 + v)."""
        return np.asarray(np.sqrt(self.spread**2 + self.team.review_variance))

    @cached_property
    def pull(self) -> Float:
        """s^2 / s_tot: what one unit of the best score's z adds to the improvement."""
        total = self.total_spread
        return np.asarray(np.divide(self.spread**2, total, out=np.zeros(np.shape(total)), where=total > 0))

    @cached_property
    def rest(self) -> Float:
        """sqrt(s^2 v / s_tot^2): what reviews leave unknown of the improvement of the one they picked."""
        total = self.total_spread
        left = self.spread * np.sqrt(self.team.review_variance)
        return np.asarray(np.divide(left, total, out=np.zeros(np.shape(total)), where=total > 0))

    @property
    def best(self) -> Float:
        """e(K_eff), the expected z of the best of the candidates."""
        if not self.team.reviewed:
            return np.zeros(np.shape(self.team.k_eff))
        return mean_maximum(self.team.k_eff, self.order_statistic)

    @property
    def shift(self) -> Float | float:
        """What is added to z so that its mean is the source's approximation; 0 where it is exact."""
        if self.order_statistic == "exact" or not self.team.reviewed:
            return 0.0
        return np.asarray(self.best - expected_maximum(self.team.k_eff))

    @property
    def expected(self) -> Float:
        """E = m + (s^2/s_tot) e(K_eff): mean improvement of the pick before gate and oracle, in defects."""
        return np.asarray(self.mean + (self.pull * self.best if self.team.reviewed else 0.0))

    # ---------------------------------------------------------------- exact figures of one move

    @property
    def positive(self) -> Float:
        """P(Y > 0), the probability that the reviewers approve of what they picked; 1 without reviewers."""
        return np.minimum(self._over_scores(lambda z: np.ones(np.shape(z))), 1.0)  # the quadrature errs by 1e-9

    @property
    def acceptance(self) -> Float:
        """Probability that a move is accepted: approved, and no new defect that the oracle sees.

        The oracle stays silent with probability exp(-r max(-Delta, 0)), averaged over Delta given the score.
        """
        shares = self._over_scores(lambda z: self._silent(self.mean[..., None] + self.pull[..., None] * z))
        return np.minimum(shares, 1.0)

    @property
    def approved_gain(self) -> Float:
        """E[Delta; Y > 0], in defects."""
        return self._over_scores(lambda z: self.mean[..., None] + self.pull[..., None] * z)

    def _silent(self, centre: Float) -> Float:
        """Return P(oracle silent | z), Delta being normal about `centre` with the spread `rest`."""
        from scipy.special import ndtr

        r = self.oracle_resolution[..., None] if np.ndim(self.oracle_resolution) else self.oracle_resolution
        d = np.maximum((self.rest if self.team.reviewed else self.spread)[..., None], 1e-300)
        with np.errstate(over="ignore", invalid="ignore"):
            tail = np.exp(r * centre + (r * d) ** 2 / 2) * ndtr(-(centre / d + r * d))
        return np.asarray(ndtr(centre / d) + np.where(np.isfinite(tail), tail, 0.0))

    def _over_scores(self, function: Callable[[Float], Float]) -> Float:
        """Integrate a function of z over the approved part of the law of the best score."""
        from scipy.special import log_ndtr, ndtr

        if not self.team.reviewed:  # no score: Delta is normal, and all of it is approved
            return np.asarray(function(np.zeros((*np.shape(self.mean), 1)))[..., 0])
        node, weight = _gauss()
        total = np.maximum(self.total_spread, 1e-300)
        low = np.full(np.shape(self.mean), -9.0)
        if not self.offset_variance:
            low = np.clip(-self.mean / total - self.shift, -9.0, 9.0)
        half = (10.0 - low)[..., None] / 2
        z = low[..., None] + half * (node + 1)
        k = np.asarray(self.team.k_eff)[..., None]
        law = k * np.exp(-(z**2) / 2 + (k - 1) * log_ndtr(z)) / np.sqrt(2 * np.pi)
        z = z + np.asarray(self.shift)[..., None]
        if self.offset_variance:
            law = law * ndtr((self.mean[..., None] + total[..., None] * z) / np.sqrt(self.offset_variance))
        return np.asarray(np.sum(half * weight * law * function(z), axis=-1))


# ---------------------------------------------------------------------- the process


def planned(settings: MoveSettings, move: ArrayLike) -> tuple[Float, Float]:
    """Return H and r of the move after `move` moves: a planner raises both, up to 0.95, for its first moves."""
    done = np.minimum(np.asarray(move, dtype=np.float64), settings.plan_moves) if settings.policy == "planner" else 0.0
    H, r = settings.human_prior, settings.oracle_resolution
    return (
        np.minimum(H + settings.plan_human_step * done, max(H, MOST_PRIOR)),
        np.minimum(r + settings.plan_oracle_step * done, max(r, MOST_PRIOR)),
    )


def winner_band(settings: MoveSettings, k_eff: ArrayLike) -> tuple[Float, Float]:
    """Return the ends of the band of acceptance of the winner: a candidate's A stands for 1 - (1 - A)^K_eff."""
    # As they are where no power is taken: 1 - (1 - 0.3) is above 0.3, and three of ten would fall below the band.
    power = np.asarray(k_eff if settings.tr_band == "candidate" else 1.0)
    low, high = (np.where(power == 1, A, 1 - (1 - A) ** power) for A in (settings.tr_a_low, settings.tr_a_high))
    return low, high


def next_radius(settings: MoveSettings, radius: Float, move: Float, window: Float, k_eff: ArrayLike) -> Float:
    """Return the edit radius of the next move, after `move` moves with `window` of the present window accepted.

    Vibe: times the decay rate, always. Planner: the same once the plan is made. Trust region: at the end of a window,
    times alpha where the share accepted was above the band (see `winner_band`), times beta where it was below.
    """
    s = settings
    if s.policy == "vibe":
        return np.asarray(radius * s.decay_rate)
    if s.policy == "planner":
        return np.asarray(np.where(move > s.plan_moves, radius * s.decay_rate, radius))
    ended = np.asarray(move % s.tr_window == 0)
    if not ended.any():
        return np.asarray(radius)
    share, (low, high) = window / s.tr_window, winner_band(s, k_eff)
    factor = np.where(share > high, s.tr_alpha, np.where(share < low, s.tr_beta, 1.0))
    changed = np.maximum(radius * factor, s.tr_min_radius)
    return np.asarray(np.where(ended, np.minimum(changed, s.tr_max_radius), radius))
