"""Runs of a loop of moves, compiled: what `advance` does to many of them at once, with the runs that stop dropped.

Plain functions that write to arrays given to them; `machine` compiles them on first use, so that importing this module
costs nothing. Arrays have one entry for each of the `n` runs still going: `key` of the random numbers, `visible` and
`hidden` defects, edit `radius`, moves `accepted` in the present window, `mean` and `spread` of a candidate, `gain` of
the pick, `oracle` the logarithm of the oracle's number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from hashlib import blake2b
from math import sqrt
from threading import Lock
from types import FunctionType
from typing import Any

import numpy as np

from ..arrays import Float, Int
from . import number_loops
from .model import MoveLaw, Team, planned, winner_band
from .number_loops import binomial, compile_all, logs, poisson, uniforms, upper_normals, upper_uniforms
from .numbers import SLOTS, Keys
from .settings import MoveSettings

POLICY = {"vibe": 0, "planner": 1, "trust-region": 2}
PROCESS = {"split": 0, "single": 1, "integer": 2}

# Numbers of one of the settings, by place; and of one of its moves, which planning changes.
RULES = (
    *("policy", "process", "b", "collateral", "variance", "reviewed", "offset", "radius", "decay", "alpha", "beta"),
    *("low", "high", "least", "most", "window", "plan", "difficulty", "limit"),
)
MOVE = ("aim", "damage", "spread", "k_eff", "r", "found", "shift")

LANES = 256  # runs advanced together: their numbers stay in the nearest cache
ONE_AT_A_TIME = Lock()

COMPILED = (
    *("settle", "uncover", "candidates", "review", "pick", "update_masses", "update_counts", "update_radii"),
    "run_all",
)


def rules_of(settings: MoveSettings, limit: float) -> Float:
    """Return the numbers of `RULES`; `limit` is the mass at which the target is met."""
    s, team = settings, Team.of(settings)
    low, high = winner_band(s, team.k_eff)
    offset = sqrt(MoveLaw.of(s, 1.0).offset_variance)
    return np.array(
        [
            *(POLICY[s.policy], PROCESS[s.process], s.b, s.collateral, team.review_variance, team.reviewed, offset),
            *(s.edit_radius, s.decay_rate, s.tr_alpha, s.tr_beta, low, high, s.tr_min_radius, s.tr_max_radius),
            *(s.tr_window, s.plan_moves, s.difficulty, limit),
        ],
        dtype=np.float64,
    )


def moves_of(settings: MoveSettings, max_moves: int) -> Float:
    """Return the numbers of `MOVE` for the first moves; all later moves are as the last of them."""
    rows = min(settings.plan_moves + 2 if settings.policy == "planner" else 1, max(max_moves, 1))
    move = np.arange(rows)
    H, r = (np.broadcast_to(part, move.shape) for part in planned(settings, move))
    before = np.broadcast_to(planned(settings, np.maximum(move - 1, 0))[1], move.shape)
    team = Team.of(settings, H)
    found = np.divide(r - before, 1 - before, out=np.zeros(rows), where=before < 1)
    shift = np.broadcast_to(MoveLaw.of(settings, 1.0, human_prior=H).shift, move.shape)
    parts = (team.aim, team.damage, team.spread, team.k_eff, r, found, shift)
    return np.column_stack([np.broadcast_to(part, move.shape) for part in parts])


def machine() -> Callable[..., int]:
    """Return `run_all` compiled; numba keeps the machine code on disk beside the source."""
    with ONE_AT_A_TIME:  # functions are replaced by compiled ones, which two threads must not do at once
        return _machine()


@cache
def _machine() -> Callable[..., int]:
    from numba import njit

    # Numba knows code it has kept by the caller alone: one mark of all functions keeps it from using an older one's.
    mark = fingerprint([vars(number_loops)[name] for name in number_loops.COMPILED])
    mark ^= fingerprint([globals()[name] for name in COMPILED])
    compile_all(vars(number_loops), number_loops.COMPILED)
    globals().update({name: vars(number_loops)[name] for name in number_loops.COMPILED if name in globals()})
    compile_all(globals(), COMPILED)

    def run(rule: Float, rows: Float, most: int, keys: Keys, to_good: bool, whole: Int, left: Float) -> int:
        run_all(rule, rows, most, keys, to_good, whole, left)
        return mark

    compiled: Callable[..., int] = njit(cache=True, nogil=True)(run)
    return compiled


def fingerprint(functions: Iterable[FunctionType]) -> int:
    """Return a number that changes with the code of any of the functions, or with a constant it uses."""
    parts: list[Any] = []
    for f in functions:
        used = [f.__globals__.get(name) for name in f.__code__.co_names]
        constants = [value for value in used if isinstance(value, int | float | np.number)]
        parts.append((f.__code__.co_code, f.__code__.co_names, repr(f.__code__.co_consts), repr(constants)))
    return int(blake2b(repr(parts).encode(), digest_size=6).hexdigest(), 16)


def run_all(rule: Float, rows: Float, most: int, keys: Keys, to_good: bool, whole: Int, left: Float) -> None:
    """Run one loop for every key.

    Parameters
    ----------
    rule : float array of shape (len(RULES),)
    rows : float array of shape (n_rows, len(MOVE))
    most : int
        Moves after which a run is given up.
    keys : uint64 array of shape (n_runs,)
    to_good : bool
        Whether runs go on until nothing is wrong.
    whole : int array of shape (3, n_runs), written to
        Moves to the target and to good (-1 never), and moves made.
    left : float array of shape (2, n_runs), written to
        Visible and hidden defects at the stop at the target, or at the end.
    """
    state, drawn, scratch = np.empty((4, LANES)), np.empty((6, LANES)), np.empty((2, LANES))
    visible, hidden, radius, accepted = state[0], state[1], state[2], state[3]
    gain, mean, spread, z, normal, oracle = drawn[0], drawn[1], drawn[2], drawn[3], drawn[4], drawn[5]
    place, key, integer, reviewed = np.empty(LANES, np.int64), np.empty(LANES, np.uint64), rule[1] == 2, rule[5] > 0
    for first in range(0, len(keys), LANES):
        n = min(LANES, len(keys) - first)
        for j in range(n):
            place[j], key[j] = first + j, keys[first + j]
            whole[0, first + j], whole[1, first + j] = -1, -1
            visible[j], radius[j], accepted[j] = rows[0, 4] * rule[17], rule[7], 0.0
            hidden[j] = rule[17] - visible[j]
            if integer:
                visible[j], hidden[j] = poisson(key[j], 0, 0, visible[j]), poisson(key[j], 0, 1, hidden[j])
        for move in range(most + 1):
            n = settle(move, move == most, rule[18], to_good, n, state, place, key, whole, left)
            if n == 0:
                break
            row, at = rows[min(move, len(rows) - 1)], SLOTS * move + 1
            if 0 < move < len(rows):
                uncover(row[5], integer, move + 1, n, key, visible, hidden)
            candidates(rule, row, n, visible, hidden, radius, mean, spread)
            uniforms(key, at + 1, n, normal)
            upper_normals(n, normal, scratch)
            uniforms(key, at + 2, n, oracle)
            logs(n, oracle, scratch[0])
            if reviewed:
                uniforms(key, at, n, z)
                upper_uniforms(row[3], n, z, scratch[0])
                upper_normals(n, z, scratch)
                if rule[6] > 0.0:
                    uniforms(key, at + 3, n, gain)
                    upper_normals(n, gain, scratch)
                review(rule, row[6], n, mean, spread, z, normal, gain, oracle)
            else:
                pick(n, mean, spread, normal, gain)
            if integer:
                update_counts(row[4], move + 1, n, key, visible, hidden, gain, oracle, accepted)
            else:
                update_masses(row[4], rule[1] == 1, n, visible, hidden, gain, oracle, accepted)
            update_radii(rule, move + 1, n, radius, accepted)


def settle(
    move: int,
    last: bool,
    limit: float,
    to_good: bool,
    n: int,
    state: Float,
    place: Int,
    key: Keys,
    whole: Int,
    left: Float,
) -> int:
    """Write down who arrives after a move, drop who stops, and return how many go on."""
    j = 0
    while j < n:
        at = place[j]
        met, good = state[0, j] <= limit, state[0, j] + state[1, j] <= limit
        if met and whole[0, at] < 0:
            whole[0, at], left[0, at], left[1, at] = move, state[0, j], state[1, j]
        if not (last or (met and (good or not to_good))):
            j += 1
            continue
        whole[2, at] = move
        if met and good:
            whole[1, at] = move
        if whole[0, at] < 0:
            left[0, at], left[1, at] = state[0, j], state[1, j]
        n -= 1  # the last one takes its place, and is looked at next
        place[j], key[j] = place[n], key[n]
        for k in range(4):
            state[k, j] = state[k, n]
    return n


def uncover(share: float, integer: bool, move: int, n: int, key: Keys, visible: Float, hidden: Float) -> None:
    """Make visible the share of what is hidden that planning has brought to light."""
    for j in range(n):
        found = binomial(key[j], move, 0, hidden[j], share) if integer else share * hidden[j]
        visible[j] += found
        hidden[j] -= found


def candidates(
    rule: Float, row: Float, n: int, visible: Float, hidden: Float, radius: Float, mean: Float, spread: Float
) -> None:
    """Write mean and spread of one candidate's improvement."""
    aim, damage, wide, b, curved = row[0], row[1], row[2], rule[2], rule[3]
    for j in range(n):
        mu = visible[j] + hidden[j]
        share = mu / (mu + b)
        mean[j] = aim * radius[j] * share - damage * radius[j] - curved * (radius[j] * radius[j])
        spread[j] = wide * radius[j] * sqrt(share)


def review(
    rule: Float,
    shift: float,
    n: int,
    mean: Float,
    spread: Float,
    z: Float,
    normal: Float,
    gain: Float,
    oracle: Float,
) -> None:
    """Write the improvement of the best candidate; `oracle` is made infinite where the reviewers do not approve.

    `gain` comes with the reviewers' offset where they have one. `normal` and the offset count downwards.
    """
    variance, offset, own = rule[4], rule[6], sqrt(rule[4])
    for j in range(n):
        s = spread[j]
        total = sqrt(s * s + variance)
        part = s / total if total > 0.0 else 0.0
        best = z[j] + shift
        score = mean[j] + total * best - (offset * gain[j] if offset > 0.0 else 0.0)
        oracle[j] = oracle[j] if score > 0.0 else np.inf
        gain[j] = mean[j] + part * s * best - part * own * normal[j]


def pick(n: int, mean: Float, spread: Float, normal: Float, gain: Float) -> None:
    """Write the improvement of a candidate picked at random."""
    for j in range(n):
        gain[j] = mean[j] - spread[j] * normal[j]


def update_masses(
    r: float,
    single: bool,
    n: int,
    visible: Float,
    hidden: Float,
    gain: Float,
    oracle: Float,
    accepted: Float,
) -> None:
    """Change the masses where a move is accepted: ln of the oracle's number below r min(Delta, 0)."""
    for j in range(n):
        ok = oracle[j] < min(r * gain[j], 0.0)
        mu = visible[j] + hidden[j]
        better, worse = max(gain[j], 0.0), max(-gain[j], 0.0)
        left = max(1.0 - better / mu, 0.0) if mu > 0.0 else 0.0
        left, worse = left if ok else 1.0, worse if ok else 0.0
        if single:
            mu = mu * left + worse
            visible[j], hidden[j] = r * mu, (1.0 - r) * mu
        else:
            visible[j] *= left
            hidden[j] = hidden[j] * left + (1.0 - r) * worse
        accepted[j] += 1.0 if ok else 0.0


def update_counts(
    r: float,
    move: int,
    n: int,
    key: Keys,
    visible: Float,
    hidden: Float,
    gain: Float,
    oracle: Float,
    accepted: Float,
) -> None:
    """Change the numbers of defects where a move is accepted."""
    for j in range(n):
        if oracle[j] < min(r * gain[j], 0.0):
            accepted[j] += 1.0
            if gain[j] < 0.0:
                hidden[j] += poisson(key[j], move, 3, (1.0 - r) * -gain[j])
            elif visible[j] + hidden[j] > 0.0:
                left = 1.0 - min(gain[j] / (visible[j] + hidden[j]), 1.0)
                visible[j] = binomial(key[j], move, 1, visible[j], left)
                hidden[j] = binomial(key[j], move, 2, hidden[j], left)


def update_radii(rule: Float, moves: int, n: int, radius: Float, accepted: Float) -> None:
    """Write the edit radius after some moves; see `next_radius`."""
    window = int(rule[15])
    if rule[0] == 0 or (rule[0] == 1 and moves > rule[16]):
        for j in range(n):
            radius[j] *= rule[8]
    elif rule[0] == 2 and moves % window == 0:
        for j in range(n):
            share = accepted[j] / window
            factor = rule[9] if share > rule[12] else (rule[10] if share < rule[11] else 1.0)
            radius[j] = min(max(radius[j] * factor, rule[13]), rule[14])
            accepted[j] = 0.0
