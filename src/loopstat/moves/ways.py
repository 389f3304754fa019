"""The mean path of many teams at once, compiled: what stands in for runs while a hand moves a setting.

It is `mean_path` with acceptance looked at in the middle of a window, by few nodes: about 1e-3 off, a hundred times as
fast.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..arrays import Float
from .mean_path import MeanMoves
from .model import MOST_PRIOR, Team, winner_band
from .order_statistics import mean_maximum
from .settings import PARAMETERS, POLICIES, MoveSettings

NODES = 12  # over the law of the best candidate
LONG = 1200  # moves in which a mean path comes to rest
LARGEST, CELLS = 400.0, 1500  # of tables of the expected best
FIELDS = {"mass": "difficulty", "radius": "edit_radius", "decay": "decay_rate", "plan": "plan_moves"}
FIELDS |= {"alpha": "tr_alpha", "beta": "tr_beta", "least": "tr_min_radius", "most": "tr_max_radius"}


@dataclass(frozen=True)
class Ways:
    """Where the mean paths of some teams lead; float arrays of shape (n,).

    Attributes
    ----------
    moves : float array
        Until P_pass is at least the target, infinite where it never is.
    mass : float array
        Where it stopped.
    p_pass, p_good, best_mass, radius : float array
        Of the best point.
    path : MeanMoves
        Of the first teams, as many as were asked for.
    """

    moves: Float
    mass: Float
    p_pass: Float
    p_good: Float
    best_mass: Float
    radius: Float
    path: MeanMoves


def ways(
    settings: MoveSettings, changes: Mapping[str, Any], *, moves: int = LONG, stop: bool = False, shown: int = 0
) -> Ways:
    """Follow the mean paths of teams that differ from settings in some numbers.

    Parameters
    ----------
    settings : MoveSettings
    changes : mapping from names of settings to arrays of shape (n,)
    moves : int
        At most.
    stop : bool
        At the target.
    shown : int
        Of so many teams the whole path is kept.
    """
    from .mean_engine import mean_ways

    n = max((len(values) for values in changes.values()), default=1)
    phases, teams = _arrays(settings, changes, n)
    way, out = np.empty((3, shown, moves + 1)), np.empty((5, n))
    policy = POLICIES.index(settings.policy)
    mean_ways(policy, settings.tr_window, moves, stop, phases, teams, _nodes(), way, out)
    mass, radius, seen = way
    path = MeanMoves(mass, np.exp(-seen * mass), np.exp(-mass), radius)
    return Ways(np.where(out[0] < 0, np.inf, out[0]), out[1], out[2], np.exp(-out[3]), out[3], out[4], path)


def _arrays(settings: MoveSettings, changes: Mapping[str, Any], n: int) -> tuple[Any, Any]:
    """Return what the engine is told of teams: numbers of every phase of planning, and of every team."""
    from .mean_engine import PHASE, TEAM

    s = SimpleNamespace(**{name: changes.get(name, getattr(settings, name)) for name in PARAMETERS})
    s.pool = np.asarray(s.candidates) + np.asarray(s.reviewers) * s.reviewer_proposals
    planner = settings.policy == "planner"
    done = np.arange(settings.plan_moves + 1 if planner else 1)[:, None]
    H, r = (
        np.minimum(now + step * done, np.maximum(now, MOST_PRIOR)) if planner else now + 0.0 * done
        for now, step in ((s.human_prior, s.plan_human_step), (s.oracle_resolution, s.plan_oracle_step))
    )
    team = Team.of(s, H)
    phases, teams = np.empty((len(done), n), dtype=PHASE), np.empty(n, dtype=TEAM)
    best = _best(settings.order_statistic, team.k_eff)
    exact = best if settings.order_statistic == "exact" else _best("exact", team.k_eff)
    for name, values in (("best", best), ("shift", best - exact), ("r", r)):
        phases[name] = values
    for name in ("aim", "damage", "spread", "k_eff"):
        phases[name] = getattr(team, name)
    for name in ("mass", "radius", "b", "collateral", "decay", "alpha", "beta", "least", "most", "plan"):
        teams[name] = getattr(s, FIELDS.get(name, name))
    teams["variance"], teams["reviewed"] = team.review_variance, team.reviewed
    teams["low"], teams["high"] = winner_band(settings, Team.of(s).k_eff)
    teams["limit"], teams["offset"] = -math.log(settings.target_reliability), math.sqrt(settings.offset_variance)
    return phases, teams


@cache
def _nodes() -> Float:
    return np.stack(np.polynomial.legendre.leggauss(NODES))


def _best(order_statistic: str, k_eff: Float) -> Float:
    """Return the expected z of the best of so many candidates, from a table."""
    k, best = _table(order_statistic)
    return np.asarray(np.interp(np.log(k_eff), k, best))


@cache
def _table(order_statistic: str) -> tuple[Float, Float]:
    log_k = np.linspace(0.0, math.log(LARGEST), CELLS)
    return log_k, mean_maximum(np.exp(log_k), order_statistic)
