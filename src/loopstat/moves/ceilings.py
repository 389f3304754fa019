"""Closed forms of the mean path: where improvement stops, what a shrinking radius walks, the best radius."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float
from ..results.record import Record, absent, written
from .model import MoveLaw, Team, planned
from .order_statistics import mean_maximum
from .settings import PARAMETERS, MoveSettings

MOST_NEWTON = 100  # Newton is monotone here: a handful of steps does, save next to a double root

Many = MoveSettings | Sequence[MoveSettings]


# ---------------------------------------------------------------------------------- closed forms


def resting_share(
    aim: ArrayLike,
    damage: ArrayLike,
    *,
    radius: ArrayLike,
    spread: ArrayLike = 0.0,
    best: ArrayLike = 0.0,
    review_variance: ArrayLike = 0.0,
    collateral: ArrayLike = 0.0,
) -> Float:
    r"""Return q, the share mu/(mu + b) at which the mean improvement of a move is 0; all arguments broadcast.

    A q - D + e S^2 delta q / sqrt(S^2 delta^2 q + v) = 0 with D = C + a3 delta. Without selection (e = 0) q = D/A; with
    it u = sqrt(S^2 delta^2 q + v) is the positive root, beyond sqrt(v), of A u^3 + e S^2 delta u^2 -
    (A v + D S^2 delta^2) u - e S^2 delta v = 0.

    Parameters
    ----------
    aim, damage, spread : float or array
        A, C, S, in defects per unit of edit radius.
    radius : float or array
        delta, above 0.
    best : float or array
        e, the expected z of the best candidate.
    review_variance : float or array
        v, in defects squared.
    collateral : float or array
        a3, in defects per squared edit size.

    Returns
    -------
    float array
        1 or more (infinite without any aim): it never improves. 0: it always does.

    Notes
    -----
    The left side is concave and rises in q for e >= 0, so Newton climbs to the root from the root for v = 0; for e < 0,
    which the approximation of order statistics gives below two candidates, it is convex, and Newton comes down.

    Examples
    --------
    >>> float(resting_share(0.81, 0.123, radius=1.0).round(4))
    0.1519
    """
    A, D, S, e, v, delta = np.broadcast_arrays(
        *(np.asarray(part, dtype=np.float64) for part in (aim, damage, spread, best, review_variance, radius))
    )
    D = D + np.asarray(collateral) * delta
    some = (A > 0) | ((e > 0) & (S > 0))
    c, lift = (S * delta) ** 2, e * S**2 * delta
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        q = np.where(some, _start(A, D, e * S), np.inf)
        for _ in range(MOST_NEWTON):
            w = c * q + v
            value = A * q - D + np.where(w > 0, lift * q / np.sqrt(w), 0.0)
            slope = A + np.where(w > 0, lift * (c * q / 2 + v) / w**1.5, 0.0)
            step = np.where(np.isfinite(q) & (q > 0) & (slope > 0), value / slope, 0.0)
            q = np.maximum(q - step, 0.0)
            if not np.any(np.abs(step) > 1e-15 * q):
                break
    return np.asarray(q)


def _start(A: Float, D: Float, eS: Float) -> Float:
    """Return the root for v = 0, where sqrt(q) solves A x^2 + e S x = D, without cancellation for either sign of e."""
    root = np.sqrt(eS**2 + 4 * A * D)
    return np.asarray(np.where(eS >= 0, np.where(D > 0, 2 * D / (eS + root), 0.0), (root - eS) / (2 * A)) ** 2)


@dataclass(frozen=True, eq=False)
class RestingPoint(Record):
    """Where the mean path rests: float arrays of one shape.

    Attributes
    ----------
    share, mass : float array
        q, and mu* = b q/(1 - q) in defects; infinite where it never improves (q >= 1).
    p_pass, p_good : float array
        exp(-r mu*) and exp(-mu*), one mass being seen with probability r.
    radius : float array
    """

    KEYS = ("mass", "radius", "p_pass", "p_good")

    share: Float = field(metadata=absent(lambda: np.array(np.nan)))
    mass: Float = field(metadata=written("mu"))
    p_pass: Float
    p_good: Float
    radius: Float = field(metadata=written("delta"))


def resting_point(settings: Many, *, radius: ArrayLike | None = None, selection: bool = True) -> RestingPoint:
    """Return where the mean path rests at a radius that stays; a planner with the priors its plan ends with.

    Parameters
    ----------
    settings : MoveSettings, or a sequence of them
    radius : float array, optional
        Edit radii; default those of the settings. For a sequence, its last axis is that of the settings.
    selection : bool
        False: the pick is random.

    Returns
    -------
    RestingPoint
        Of the shape of `radius`, or (), or (n_settings,).

    Notes
    -----
    *When it is wrong*: single runs go past it, by noise and because reviewers and oracle turn regressions down. It is
    where the mean step is 0, no bound on anything.

    Examples
    --------
    >>> resting_point(MoveSettings(), radius=[0.01, 0.2, 1, 2]).p_pass.round(3).tolist()
    [0.566, 0.606, 0.711, 0.77]
    >>> float(resting_point(MoveSettings(), selection=False).p_pass.round(3))
    0.564
    """
    many = [settings] if isinstance(settings, MoveSettings) else list(settings)
    delta = np.asarray([s.edit_radius for s in many] if radius is None else radius, dtype=np.float64)
    if isinstance(settings, MoveSettings):
        point = Teams.of(many).rest(delta, selection=selection)
        bare = radius is None or np.ndim(radius) == 0
        return RestingPoint(*(np.asarray(part[0]) for part in vars(point).values())) if bare else point
    delta = np.broadcast_to(delta, np.broadcast_shapes(delta.shape, (len(many),)))
    parts = np.empty((5, *delta.shape))
    for places in kinds(many):
        point = Teams.of([many[k] for k in places]).rest(delta[..., places], selection=selection)
        parts[..., places] = np.stack(list(vars(point).values()))
    return RestingPoint(*parts)


@dataclass(frozen=True, eq=False)
class Travel(Record):
    """How far a shrinking radius walks, and what that leaves; float arrays of one shape.

    Attributes
    ----------
    length : float array
        L, the sum of the radii.
    mass : float array
        In defects.
    p_pass, p_good : float array
    """

    length: Float
    mass: Float = field(metadata=written("mu"))
    p_pass: Float
    p_good: Float


def travel(settings: MoveSettings, *, moves: ArrayLike = np.inf) -> Travel:
    """Return the mass a shrinking radius leaves, without selection: the root of c^2 L = y0 - y + A b ln(y0/y).

    y = c mu - C b and c = A - C; L = delta_0 (1 - decay^T)/(1 - decay) is the sum of the radii of T moves, in which a
    planner's first T_p + 1 do not shrink.

    Parameters
    ----------
    settings : MoveSettings
        Of vibe or planner. A planner is given the priors its plan ends with from the start.
    moves : int or array
        T; default, for ever.

    Returns
    -------
    Travel
        NaN for a trust region, whose radius need not shrink. The start, where it cannot improve.

    Notes
    -----
    *When it is wrong*: it follows moves so small that they make a continuous path; whole moves end a little lower
    (vibe: 8.703 for 8.704). Selection by reviewers walks further: then it is no bound.

    Examples
    --------
    >>> vibe = travel(MoveSettings.of(policy="vibe"))
    >>> float(vibe.mass.round(2)), float(vibe.p_pass.round(4))
    (8.7, 0.0023)
    """
    from scipy.special import wrightomega

    s, teams = settings, Teams.of([settings])
    A, C = float(teams.aim[-1, 0]), float(teams.damage[-1, 0])
    if s.policy == "trust-region":
        nothing = np.full(np.shape(moves), np.nan)
        return Travel(nothing, nothing, nothing, nothing)
    L, c = _length(s, np.asarray(moves, dtype=np.float64)), A - C
    y0 = c * s.difficulty - C * s.b
    if c <= 0 or y0 <= 0:
        mass = np.full(np.shape(L), s.difficulty)
    else:
        B = A * s.b
        with np.errstate(over="ignore"):
            y = B * wrightomega((y0 - c**2 * L) / B + np.log(y0 / B))
        mass = (y + C * s.b) / c
    return Travel(L, np.asarray(mass), np.asarray(np.exp(-teams.resolution[-1, 0] * mass)), np.asarray(np.exp(-mass)))


def _length(s: MoveSettings, moves: Float) -> Float:
    fixed = np.minimum(moves, s.plan_moves if s.policy == "planner" else 0.0)
    rest = moves - fixed
    if s.decay_rate == 1:
        return np.asarray(s.edit_radius * moves)
    return np.asarray(s.edit_radius * (fixed + (1 - s.decay_rate**rest) / (1 - s.decay_rate)))


def best_radius(settings: MoveSettings, mass: ArrayLike) -> Float:
    """Return the edit radius with the largest mean improvement E of one move, at a defect mass.

    Parameters
    ----------
    settings : MoveSettings
        With `collateral` above 0: without it the largest radius is the best wherever any improves.
    mass : float array
        In defects.

    Returns
    -------
    float array of the shape of `mass`
        NaN without collateral, and where no radius improves.

    Examples
    --------
    >>> float(best_radius(MoveSettings.of(policy="vibe", values={"collateral": 0.1}), 12.0).round(4))
    1.7475
    """
    mu = np.asarray(mass, dtype=np.float64)
    if settings.collateral == 0:
        return np.full(np.shape(mu), np.nan)
    team = Team.of(settings)
    best = abs(float(_bests(settings, np.atleast_1d(team.k_eff), team.reviewed)[0]))
    # Without curvature E grows by at most A + 1.09 e S per unit of radius; beyond this end a3 delta eats all of it.
    highest = (float(team.aim) + 1.1 * best * float(team.spread)) / settings.collateral
    if highest == 0:
        return np.full(np.shape(mu), np.nan)
    low, high = np.full((*mu.shape, 1), highest * 1e-9), np.full((*mu.shape, 1), highest)
    for _ in range(16):  # nested grids: E may have two humps, which the first of them tells apart
        grid = low * (high / low) ** np.linspace(0, 1, 129)
        gain = MoveLaw.of(settings, mu[..., None], grid).expected
        k = np.argmax(gain, axis=-1)[..., None]
        low, high = (np.take_along_axis(grid, np.clip(k + d, 0, 128), -1) for d in (-1, 1))
    found = np.take_along_axis(gain, k, -1)[..., 0] > 0
    return np.asarray(np.where(found, np.sqrt(low * high)[..., 0], np.nan))


# ------------------------------------------------------------------------- many settings as arrays


@dataclass(frozen=True)
class Teams:
    """Settings of one kind as arrays, (phases, n) where planning changes them, else (n,).

    `rules` stands for settings whose numbers are arrays, of shape (n,): what `next_radius` reads.
    """

    rules: MoveSettings
    aim: Float
    damage: Float
    spread: Float
    k_eff: Float
    best: Float
    resolution: Float
    review_variance: Float
    reviewed: bool
    offset_variance: float

    @classmethod
    def of(cls, settings: Sequence[MoveSettings]) -> Teams:
        first = settings[0]
        words = ("policy", "tr_band", "tr_window", "order_statistic", "process")
        numbers = {n: np.array([getattr(s, n) for s in settings]) for n in PARAMETERS if n not in words}
        rules = SimpleNamespace(**numbers, **{n: getattr(first, n) for n in words})
        phases = max(s.plan_moves for s in settings) + 1 if first.policy == "planner" else 1
        plans = [planned(s, np.arange(phases)) for s in settings]
        teams = [Team.of(s, np.broadcast_to(H, phases)) for s, (H, _) in zip(settings, plans, strict=True)]
        aim, damage, spread, k_eff = (
            np.stack([getattr(t, n) for t in teams], axis=1) for n in ("aim", "damage", "spread", "k_eff")
        )
        return cls(
            cast("MoveSettings", rules),
            *(aim, damage, spread, k_eff, _bests(first, k_eff, teams[0].reviewed)),
            resolution=np.stack([np.broadcast_to(r, phases) for _, r in plans], axis=1),
            review_variance=np.array([t.review_variance for t in teams]),
            reviewed=teams[0].reviewed,
            offset_variance=first.offset_variance,
        )

    def __len__(self) -> int:
        return len(self.review_variance)

    def law(self, move: int, mass: Float, radius: Float) -> MoveLaw:
        """Return the law of the move after `move` moves; mass and radius of shape (n,) or (n, m)."""
        at, shape = min(move, len(self.aim) - 1), (-1, *[1] * (mass.ndim - 1))
        aim, damage, spread, k_eff, r, b, a3, v = (
            np.reshape(part, shape)
            for part in (
                *(self.aim[at], self.damage[at], self.spread[at], self.k_eff[at], self.resolution[at]),
                *(self.rules.b, self.rules.collateral, self.review_variance),
            )
        )
        share = mass / (mass + b)
        mean = (aim * share - damage - a3 * radius) * radius
        team = Team(aim, damage, spread, k_eff, cast("float", v), self.reviewed)
        return MoveLaw(
            mean, spread * radius * np.sqrt(share), team, r, self.rules.order_statistic, self.offset_variance
        )

    def after(self, move: int, mass: Float, radius: Float) -> Float:
        """Return the mass after one mean move, not gated: max(mu - E, 0)."""
        law = self.law(move, mass, radius)
        best = self.best[min(move, len(self.best) - 1)]
        return np.asarray(np.maximum(mass - law.mean - law.pull * best, 0.0))

    def rest(self, radius: Float, *, selection: bool = True) -> RestingPoint:
        """Return where the path rests at radii whose last axis is that of the settings."""
        q = resting_share(
            *(self.aim[-1], self.damage[-1]),
            radius=radius,
            spread=self.spread[-1],
            best=self.best[-1] if selection else 0.0,
            review_variance=self.review_variance,
            collateral=self.rules.collateral,
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            mass = np.where(q < 1, self.rules.b * q / (1 - np.minimum(q, 1)), np.inf)
        return RestingPoint(
            q, mass, _passing(self.resolution[-1], mass), np.exp(-mass), np.broadcast_to(radius, np.shape(q))
        )

    def p_pass(self, move: int, mass: Float) -> Float:
        """Return P_pass after `move` moves; the last of them was made with the priors of `move` - 1."""
        return _passing(self.resolution[min(max(move - 1, 0), len(self.resolution) - 1)], mass)


def _passing(resolution: Float, mass: Float) -> Float:
    """Return exp(-r mu); an oracle that sees nothing passes infinitely many defects too."""
    return np.asarray(np.exp(-resolution * np.where(resolution > 0, mass, 0.0)))


def _bests(settings: MoveSettings, k_eff: Float, reviewed: bool) -> Float:
    """Return the expected z of the best of K_eff, each K_eff looked up once."""
    if not reviewed:
        return np.zeros(k_eff.shape)
    values, place = np.unique(k_eff, return_inverse=True)
    return np.asarray(mean_maximum(values, settings.order_statistic)[place.reshape(k_eff.shape)])


def kinds(settings: Sequence[MoveSettings]) -> list[list[int]]:
    """Return the positions of settings that can share arrays."""
    kinds: dict[Any, list[int]] = {}
    for k, s in enumerate(settings):
        key = (s.policy, s.tr_band, s.tr_window, s.order_statistic, s.reviewers > 0, s.offset_variance)
        kinds.setdefault(key, []).append(k)
    return list(kinds.values())
