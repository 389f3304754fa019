"""The mean path of a loop of moves along the policy's own radii, and the highest P_pass on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..arrays import Bool, Float
from ..results.record import Record
from .ceilings import Many, RestingPoint, Teams, Travel, kinds, resting_point, travel
from .model import next_radius
from .settings import MoveSettings

MOST_WINDOWS = 120  # of a trust region that does not settle, and twice what one needs to grow from end to end
MOST_MOVES = 20_000  # of a radius that hardly shrinks
BLOCK = 64  # moves between two looks at what a shrinking radius can still reach
STILL = 12  # windows without news after which a trust region is taken to swing
LEFT = 1e-7  # defects; nearer than this to its end, a path has arrived
LOOKS = 9  # masses between here and rest at which a trust region must hold its radius to have settled


@dataclass(frozen=True)
class MeanMoves:
    """The mean path, move by move: float arrays of shape (n_settings, moves + 1), the start first.

    Attributes
    ----------
    mass : float array
        In defects.
    p_pass, p_good : float array
        exp(-r mu), exp(-mu), one mass being seen with probability r.
    radius : float array
        Of the next move.
    """

    mass: Float
    p_pass: Float
    p_good: Float
    radius: Float


class _Stretch(NamedTuple):
    """Moves at one radius: number of the first, that radius, masses before and after each, and the radius after."""

    move: int
    radius: Float
    mass: Float
    after: Float


def _stretches(teams: Teams, moves: int) -> Iterator[_Stretch]:
    """Follow the mean path; a trust region is given the exact probability of acceptance instead of events."""
    adaptive, move = teams.rules.policy == "trust-region", 0
    mass = np.asarray(teams.rules.difficulty, dtype=np.float64)
    radius = np.asarray(teams.rules.edit_radius, dtype=np.float64)
    while move < moves:
        count = min(int(teams.rules.tr_window), moves - move) if adaptive else 1
        path = np.empty((len(teams), count + 1))
        path[:, 0] = mass
        for k in range(count):
            path[:, k + 1] = mass = teams.after(move + k, mass, radius)
        accepted = np.zeros(len(teams))
        if adaptive:
            accepted = teams.law(move, path[:, :-1], radius[:, None]).acceptance.sum(axis=1)
        after = next_radius(teams.rules, radius, np.asarray(float(move + count)), accepted, teams.k_eff[-1])
        yield _Stretch(move, radius, path, after)
        radius, move = after, move + count


def mean_path(settings: Many, *, max_moves: int | None = None) -> MeanMoves:
    """Follow the mean improvement E of every move, not gated, along the policy's own radii.

    mu goes to max(mu - E, 0). A trust region reads the exact probability of acceptance, averaged over its window; a
    planner raises H and r.

    Parameters
    ----------
    settings : MoveSettings, or a sequence of them
    max_moves : int, optional
        Default: the largest of the settings.

    Returns
    -------
    MeanMoves
        Of shape (n_settings, max_moves + 1).

    Notes
    -----
    *When it is wrong*: the mean of many runs is another path, because improvement bends in mu, regressions are turned
    down, and what slips through is hidden.

    Examples
    --------
    >>> path = mean_path(MoveSettings(), max_moves=300)
    >>> path.radius[0, [0, 10, 100]].tolist(), float(path.p_pass[0, -1].round(3))
    ([0.2, 0.26, 1.0], 0.711)
    """
    many = [settings] if isinstance(settings, MoveSettings) else list(settings)
    moves = max(s.max_moves for s in many) if max_moves is None else max_moves
    mass, p_pass, radius = np.empty((3, len(many), moves + 1))
    for places in kinds(many):
        teams = Teams.of([many[k] for k in places])
        mass[places, 0], radius[places, 0] = teams.rules.difficulty, teams.rules.edit_radius
        for part in _stretches(teams, moves):
            end = part.move + part.mass.shape[1]
            mass[places, part.move : end] = part.mass
            radius[places, part.move : end - 1] = part.radius[:, None]
            radius[places, end - 1] = part.after
        for t in range(moves + 1):
            p_pass[places, t] = teams.p_pass(t, mass[places, t])
    return MeanMoves(mass, p_pass, np.exp(-mass), radius)


# ---------------------------------------------------------------------------------------- ceiling


def reach(settings: Many) -> RestingPoint:
    """Return the point of the mean path with the highest P_pass, however long it goes on.

    For a trust region the closed form at the radius it settles at; for a radius that shrinks the best point of the
    path; the start where nothing on the path is better.

    Parameters
    ----------
    settings : MoveSettings, or a sequence of them

    Returns
    -------
    RestingPoint
        Of shape (n_settings,).

    Examples
    --------
    >>> reach([MoveSettings(), MoveSettings(tr_max_radius=2)]).p_pass.round(3).tolist()
    [0.711, 0.77]
    """
    many = [settings] if isinstance(settings, MoveSettings) else list(settings)
    out = np.empty((3, len(many)))
    for places in kinds(many):
        out[:, places] = _reach(Teams.of([many[k] for k in places]))
    mass, p_pass, radius = out
    share = mass / (mass + np.array([s.b for s in many]))
    return RestingPoint(share, mass, p_pass, np.exp(-mass), radius)


def _reach(teams: Teams) -> Float:
    """Return mass, P_pass and radius of the best point of the path, shape (3, n)."""
    start = np.asarray(teams.rules.difficulty, dtype=np.float64)
    best = np.stack([start, teams.p_pass(0, start), np.asarray(teams.rules.edit_radius, dtype=np.float64)])
    adaptive = teams.rules.policy == "trust-region"
    moves = MOST_WINDOWS * int(teams.rules.tr_window) if adaptive else MOST_MOVES
    settled, swings = np.zeros(len(teams), dtype=bool), _Swings(len(teams))
    for part in _stretches(teams, moves):
        # A trust region stays at a radius, so what overshoots its place of rest comes back to it: no ceiling.
        least = teams.rest(part.radius).mass if adaptive else 0.0
        for k in range(1, part.mass.shape[1]):
            mass = np.maximum(part.mass[:, k], least)
            best = _better(best, np.stack([mass, teams.p_pass(part.move + k, mass), part.radius]), ~settled)
        if adaptive or part.move % BLOCK == 0:
            rest = teams.rest(part.after)
            now = (_holds if adaptive else _walked)(teams, part, rest) & ~settled
            limit = now & np.isfinite(rest.mass) & (part.after == part.radius)
            best = _better(best, np.stack([rest.mass, rest.p_pass, rest.radius]), limit)
            settled |= now | (adaptive & swings.seen(part.after, best[0]))
            if settled.all():
                break
    return best


class _Swings:
    """Tells a trust region that only swings: for many windows neither a new radius beyond the old ones nor a gain."""

    def __init__(self, n: int) -> None:
        self.low, self.high, self.mass = np.full(n, np.inf), np.zeros(n), np.full(n, np.inf)
        self.still = np.zeros(n)

    def seen(self, radius: Float, mass: Float) -> Bool:
        """Take in the radius after a window and the mass of the best point so far; return which swing."""
        news = (radius < self.low) | (radius > self.high) | (mass < self.mass - LEFT)
        self.still = np.where(news, 0.0, self.still + 1)
        self.low, self.high = np.minimum(self.low, radius), np.maximum(self.high, radius)
        self.mass = np.where(news, mass, self.mass)
        return np.asarray(self.still >= STILL)


def _better(best: Float, other: Float, where: Bool) -> Float:
    return np.where((where & (other[1] > best[1]))[None], other, best)


def _holds(teams: Teams, part: _Stretch, rest: RestingPoint) -> Bool:
    """Return where a trust region keeps its radius all the way from here to rest."""
    held = np.asarray(part.after == part.radius)
    if not held.any():
        return held
    b = np.asarray(teams.rules.b)[:, None]
    here = part.mass[:, -1:]
    way = np.linspace(0, 1, LOOKS)
    share = here / (here + b) * (1 - way) + np.minimum(rest.share, 1 - 1e-9)[:, None] * way
    a = teams.law(part.move, b * share / (1 - share), part.after[:, None]).acceptance
    window = float(teams.rules.tr_window)
    for k in range(LOOKS):
        held &= (
            next_radius(teams.rules, part.after, np.asarray(window), a[:, k] * window, teams.k_eff[-1]) == part.after
        )
    return held


def _walked(teams: Teams, part: _Stretch, rest: RestingPoint) -> Bool:
    """Return where a shrinking radius gets no further: nothing left to walk, or at rest, which then only worsens."""
    s = teams.rules
    if s.policy == "planner" and part.move <= np.max(s.plan_moves):
        return np.zeros(len(teams), dtype=bool)
    gain = teams.aim[-1] + np.maximum(teams.best[-1], 0.0) * teams.spread[-1]
    worsens = (np.asarray(s.collateral) == 0) & (teams.best[-1] >= 0)
    at_rest = worsens & (part.mass[:, -1] - rest.mass < LEFT)
    return np.asarray(
        (part.after * gain < LEFT * (1 - np.asarray(s.decay_rate))) | at_rest | (np.asarray(s.decay_rate) == 1)
    )


@dataclass(frozen=True, eq=False)
class Ceiling(Record):
    """How far the mean path gets, in the three readings of that; of one `MoveSettings`.

    Attributes
    ----------
    p_pass, p_good, mu, delta : float
        The best point of the mean path along the policy's own radii.
    reachable : bool
        Whether P_pass gets to the target there. It speaks of the mean path alone: single runs go past it.
    floor : RestingPoint
        Where the mean path would rest did the radius stay at its start.
    travel : Travel or None
        What a shrinking radius can walk without selection; None for a trust region.
    """

    p_pass: float
    p_good: float
    mu: float
    delta: float
    reachable: bool
    floor: RestingPoint
    travel: Travel | None


def ceiling(settings: MoveSettings) -> Ceiling:
    """Return how far the mean path of a loop gets; see `Ceiling`.

    Parameters
    ----------
    settings : MoveSettings

    Returns
    -------
    Ceiling

    Examples
    --------
    >>> vibe = ceiling(MoveSettings.of(policy="vibe"))
    >>> round(vibe.p_pass, 4), float(vibe.floor.p_pass.round(2)), vibe.reachable
    (0.0023, 0.47, False)
    """
    top = reach(settings)
    p_pass, p_good, mu, delta = (float(part[0]) for part in (top.p_pass, top.p_good, top.mass, top.radius))
    walked = None if settings.policy == "trust-region" else travel(settings)
    return Ceiling(p_pass, p_good, mu, delta, p_pass >= settings.target_reliability, resting_point(settings), walked)
