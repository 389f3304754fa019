"""The mean path of a loop of moves, compiled; like `engine`, and all that it is compiled of stands here.

Import it where paths are followed: numba takes half a second.
"""

from __future__ import annotations

from math import erfc, exp, log, sqrt
from typing import Any

import numpy as np
from numba import njit

from ..arrays import Float

VIBE, TRUST = 0, 2  # places of the policies
LEAST, MOST_POWER = 1e-300, 500.0
PHASE = np.dtype([(n, float) for n in ("aim", "damage", "spread", "best", "shift", "k_eff", "r")])
TEAM = np.dtype(
    [
        *((n, float) for n in ("mass", "radius", "b", "collateral", "variance", "offset", "decay", "alpha", "beta")),
        *((n, float) for n in ("low", "high", "least", "most", "limit")),
        *((n, np.int64) for n in ("plan", "reviewed")),
    ]
)
NARROW, WIDE, STILL = -4.0, 6.0, 1e-5  # of z of the best candidate; defects: a move that changes less is at rest
SURE, WAIT = 0.1, 3  # this far from its band acceptance is not looked at for so many windows


@njit(nogil=True, error_model="numpy")
def below(x: float) -> float:
    """Return P(Z <= x) of a standard normal Z."""
    return 0.5 * erfc(-x / sqrt(2.0))


@njit(nogil=True, error_model="numpy")
def silent(centre: float, spread: float, r: float) -> float:
    """Return the probability that the oracle says nothing of an improvement that is normal; see `model.MoveLaw`."""
    d = spread if spread > LEAST else LEAST
    power = r * centre + (r * d) ** 2 / 2.0
    return below(centre / d) + (exp(power) * below(-(centre / d + r * d)) if power < MOST_POWER else 0.0)


@njit(nogil=True, error_model="numpy")
def acceptance(team: Any, row: Any, mean: float, s: float, nodes: Float) -> float:
    """Return the probability that a move is accepted, by few nodes; see `model.MoveLaw`."""
    if team.reviewed == 0:
        return silent(mean, s, row.r)
    total = max(sqrt(s * s + team.variance), LEAST)
    low = NARROW if team.offset > 0.0 else min(max(-mean / total - row.shift, NARROW), WIDE)
    half, found = (WIDE - low) / 2.0, 0.0
    for node in range(nodes.shape[1]):
        z = low + half * (nodes[0, node] + 1.0)
        law = row.k_eff * exp((row.k_eff - 1.0) * log(below(z)) - z * z / 2.0) / sqrt(2.0 * np.pi)
        z += row.shift
        if team.offset > 0.0:
            law *= below((mean + total * z) / team.offset)
        found += half * nodes[1, node] * law * silent(mean + s * s / total * z, s * sqrt(team.variance) / total, row.r)
    return min(found, 1.0)


@njit(cache=True, nogil=True, error_model="numpy")
def mean_ways(
    policy: int, window: int, moves: int, stop: bool, phases: Any, teams: Any, nodes: Float, way: Float, out: Float
) -> None:
    """Follow the mean path of many teams of one policy; a trust region looks at acceptance once a window.

    Parameters
    ----------
    policy, window, moves : int
    stop : bool
        At the target; otherwise after `moves`, or at rest.
    phases : array of dtype `PHASE`, shape (n_phases, n_teams)
        Of the first moves; all later ones are as the last of them.
    teams : array of dtype `TEAM`, shape (n_teams,)
    nodes : float array of shape (2, n_nodes)
        Of Gauss and Legendre, with their weights.
    way : float array of shape (3, n, moves + 1), written to
        Mass, radius and the share seen after every move of the first n teams.
    out : float array of shape (5, n_teams), written to
        Moves to the target, -1 never; mass where it stopped; and of the best point P_pass, mass and radius.
    """
    for k in range(len(teams)):
        team, mass, radius, r = teams[k], teams[k].mass, teams[k].radius, phases[0, k].r
        out[0, k], out[3, k], out[4, k], least = -1.0, mass, radius, np.inf
        before, held, wait = mass, radius, 0
        for move in range(moves + 1):
            if k < way.shape[1]:
                way[0, k, move], way[1, k, move], way[2, k, move] = mass, radius, r
            seen = r * mass
            if seen < least:
                least, out[3, k], out[4, k] = seen, mass, radius
            if out[0, k] < 0.0 and seen <= team.limit:
                out[0, k] = move
                if stop:
                    break
            if move == moves:
                break
            row = phases[min(move, len(phases) - 1), k]
            r, share = row.r, mass / (mass + team.b)
            mean = (row.aim * share - row.damage - team.collateral * radius) * radius
            square = (row.spread * radius) ** 2 * share
            pull = square / max(sqrt(square + team.variance), LEAST) if team.reviewed == 1 else 0.0
            done = move + 1
            if policy != TRUST:
                quiet = abs(mean + pull * row.best) < STILL and move > team.plan
                mass = max(mass - mean - pull * row.best, 0.0)
                radius *= team.decay if policy == VIBE or done > team.plan else 1.0
                if quiet and k >= way.shape[1]:
                    break
                continue
            if move % window == window // 2:
                wait -= 1
                if wait < 0:
                    taken = acceptance(team, row, mean, sqrt(square), nodes)
                    after = team.alpha if taken > team.high else (team.beta if taken < team.low else 1.0)
                    held = min(max(radius * after, team.least), team.most)
                    sure = taken > team.high + SURE or taken < team.low - SURE
                    wait = WAIT if held == radius and sure else 0
            mass = max(mass - mean - pull * row.best, 0.0)
            if done % window == 0:
                if held == radius and before - mass < STILL * window and k >= way.shape[1]:
                    break
                before, radius = mass, held
        out[1, k], out[2, k] = mass, exp(-least)
