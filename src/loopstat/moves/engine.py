"""Runs of a loop of moves, compiled: the one engine of the moves lens.

What one run does in one move is said once more, for many runs at once in NumPy, by the tests, which hold the two
against each other. Numba keeps the machine code beside this file, which holds all that is compiled, so that
changing it is noticed. Import it where runs are made: numba takes half a second.

Every random number is a function of seed, replicate, move and what it is for (splitmix64), so that a replicate meets
the same numbers under every setting, whatever else is run and by how many threads.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, exp, log, sqrt
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit

from ..arrays import Float, Int

STEP = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio: what splitmix64 adds from one number to the next
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)  # its two multipliers
S27, S30, S31, BITS = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(12)
COUNTS = np.uint64(0xD1B54A32D192ED03)  # sets the numbers of single defects apart from those of the move
SLOTS = 4  # numbers of one kind for one move
PICK, REST, ORACLE, OFFSET = 1, 2, 3, 4  # what the numbers of a move are for; the first two may be kept
UNCOVERED, VISIBLE, HIDDEN, ADDED = 1, 2, 3, 4  # and those of its defects, from the next move's place on
CHUNK = 500.0  # mean of a Poisson number found by inversion: exp(-mean) must not vanish
END = 1e-17  # of a law, behind which adding on changes nothing
VIBE, PLANNER, TRUST = 0, 1, 2
SPLIT, SINGLE, INTEGER = 0, 1, 2

MOVE = np.dtype([*((n, float) for n in ("aim", "damage", "spread", "r", "found")), ("best", np.int64)])
CELLS, TERMS, FAR = 64, 8, 8.32  # of a table of the best candidate: a polynomial on each cell, up to this normal number

# The normal quantile on three ranges (Wichura 1988, algorithm AS 241, PPND16), from the highest power, above and below.
QUANTILE = np.array(
    [
        (2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987),
        (13731.69376550946, 1971.5909503065513, 133.14166789178438, 3.3871328727963665),
        (5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597),
        (5394.196021424751, 687.1870074920579, 42.31333070160091, 1.0),
        (0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684),
        (3.6478483247632045, 5.769497221460691, 4.630337846156546, 1.4234371107496835),
        (1.0507500716444169e-09, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008),
        (0.6897673349851, 1.6763848301838038, 2.053191626637759, 1.0),
        (2.0103343992922881e-07, 2.7115555687434876e-05, 0.0012426609473880784, 0.026532189526576124),
        (0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103),
        (2.0442631033899397e-15, 1.421511758316446e-07, 1.8463183175100548e-05, 0.0007868691311456133),
        (0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1.0),
    ]
).reshape(3, 2, 8)
LEAST = 1e-300  # probability behind which the quantile stays where it is


class Rules(NamedTuple):
    """What stays the same from move to move; the policy and the process by their numbers.

    `variance` and `offset` are the variance of a mean review and the spread of the reviewers' common offset, `low` and
    `high` the ends of the winner's band, `limit` the mass at or below which the target is met (below 0: never).
    """

    policy: int
    process: int
    reviewed: bool
    window: int
    plan: int
    b: float
    collateral: float
    variance: float
    offset: float
    decay: float
    alpha: float
    beta: float
    low: float
    high: float
    least: float
    most: float
    limit: float


F = TypeVar("F", bound=Callable[..., Any])


def _part(function: F) -> F:
    return cast(F, njit(nogil=True, error_model="numpy")(function))


def _within(function: F) -> F:
    return cast(F, njit(nogil=True, error_model="numpy", inline="always")(function))


def _kept(function: F) -> F:
    return cast(F, njit(cache=True, nogil=True, error_model="numpy")(function))


# -------------------------------------------------------------------------------------------- numbers


@_part
def mixed(x: np.uint64) -> np.uint64:
    """Return a hash of 64-bit numbers that changes about half of the bits when one changes (splitmix64's)."""
    x = (x ^ (x >> S30)) * FIRST
    x = (x ^ (x >> S27)) * SECOND
    return x ^ (x >> S31)


@_part
def stream(replicates: tuple[int, int, int]) -> np.uint64:
    """Return what the keys of all runs of a seed begin with."""
    return mixed((np.uint64(replicates[0]) << np.uint64(32)) + np.uint64(replicates[1]) + STEP)


@_part
def key_of(start: np.uint64, replicate: int) -> np.uint64:
    """Return the key of the numbers of one run, whichever others are made beside it."""
    return mixed(start + np.uint64(replicate + 1) * STEP)


@_part
def uniform(key: np.uint64, counter: int) -> float:
    """Return one number of a key, at odd multiples of 2^-53: never 0 or 1."""
    return float((np.int64(mixed(key + np.uint64(counter) * STEP) >> BITS) + 0.5) * 2.0**-52)


@_part
def ratio(part: int, x: float) -> float:
    """Return one polynomial of the normal quantile over another."""
    above, below = 0.0, 0.0
    for k in range(8):
        above = above * x + QUANTILE[part, 0, k]
        below = below * x + QUANTILE[part, 1, k]
    return above / below


@_part
def upper_normal(p: float) -> float:
    """Return z with P(Z > z) = p for a standard normal Z; relative error below 2e-15."""
    q = 0.5 - p
    part, x = 0, 0.180625 - q * q
    if abs(q) > 0.425:
        tail = p if q > 0.0 else 1.0 - p
        s = sqrt(-log(tail if tail > LEAST else LEAST))
        part, x = (1, s - 1.6) if s <= 5.0 else (2, s - 5.0)
    z = ratio(part, x)
    return q * z if part == 0 else (z if q > 0.0 else -z)


@_part
def defects(key: np.uint64, counter: int) -> np.uint64:
    """Return the key of the numbers of single defects."""
    return mixed((key ^ COUNTS) + np.uint64(counter) * STEP)


@_part
def binomial(key: np.uint64, n: float, p: float) -> float:
    """Return how many of `n` defects have a number below `p`."""
    if p >= 1.0 or n == 0.0 or p <= 0.0:
        return n if p >= 1.0 else 0.0
    count = 0.0
    for k in range(int(n)):
        if uniform(key, k + 1) < p:
            count += 1.0
    return count


@_part
def poisson(key: np.uint64, mean: float) -> float:
    """Return a Poisson number by inversion, in parts where the mean is large."""
    count, chunks = 0.0, ceil(mean / CHUNK)
    for c in range(chunks):
        u, part = uniform(key, c + 1), mean / chunks
        term = exp(-part)
        total, k = term, 0
        while u > total and (k < part or term > END):
            k += 1
            term *= part / k
            total += term
        count += k
    return count


@_within
def normal(drawn: Float, j: int, key: np.uint64, at: int, what: int) -> float:
    """Return a standard normal number, from the place where settings that share it keep it, NaN until it is drawn."""
    counter, place = at + what, at // 2 + what - 1
    if drawn.shape[1] == 0:
        return upper_normal(uniform(key, counter))
    if drawn[j, place] != drawn[j, place]:
        drawn[j, place] = upper_normal(uniform(key, counter))
    return float(drawn[j, place])


@_within
def best_of(best_z: Float, m: int, x: float) -> float:
    """Return the best candidate's z from the normal number that has its place in the law, by one of the tables."""
    place = (x + FAR) * (CELLS / (2.0 * FAR))
    k = int(place)
    t = 2.0 * (place - k) - 1.0
    t2 = t * t
    low = (best_z[m, k, 0] + best_z[m, k, 1] * t) + (best_z[m, k, 2] + best_z[m, k, 3] * t) * t2
    high = (best_z[m, k, 4] + best_z[m, k, 5] * t) + (best_z[m, k, 6] + best_z[m, k, 7] * t) * t2
    return float(low + high * (t2 * t2))


# ------------------------------------------------------------------------------------------- one move


@_within
def improvement(
    rule: Rules, row: Any, best_z: Float, drawn: Float, j: int, key: np.uint64, at: int, mu: float, radius: float
) -> tuple[float, bool]:
    """Return the improvement of the pick, and whether the reviewers approve; one they refuse is not drawn."""
    share = mu / (mu + rule.b)
    mean = (row.aim * share - row.damage) * radius - rule.collateral * (radius * radius)
    s = row.spread * radius * sqrt(share)
    if not rule.reviewed:
        return mean - s * normal(drawn, j, key, at, REST), True
    total = sqrt(s * s + rule.variance)
    best = best_of(best_z, row.best, normal(drawn, j, key, at, PICK))
    score = mean + total * best
    if rule.offset > 0.0:
        score -= rule.offset * upper_normal(uniform(key, at + OFFSET))
    if score <= 0.0:
        return 0.0, False
    part = s / total if total > 0.0 else 0.0
    rest = sqrt(rule.variance) * normal(drawn, j, key, at, REST)
    return mean + part * (s * best - rest), True


@_part
def changed(
    rule: Rules, r: float, key: np.uint64, at: int, visible: float, hidden: float, gain: float
) -> tuple[float, float]:
    """Return what is visible and hidden after an accepted move."""
    mu = visible + hidden
    left = 1.0 if gain <= 0.0 else (1.0 - gain / mu if gain < mu else 0.0)
    worse = -gain if gain < 0.0 else 0.0
    if rule.process == SINGLE:
        mu = mu * left + worse
        return r * mu, (1.0 - r) * mu
    if rule.process == SPLIT:
        return visible * left, hidden * left + (1.0 - r) * worse
    if gain > 0.0:
        visible = binomial(defects(key, at + VISIBLE), visible, left)
        return visible, binomial(defects(key, at + HIDDEN), hidden, left)
    return visible, hidden + poisson(defects(key, at + ADDED), (1.0 - r) * worse)


@_part
def next_radius(rule: Rules, moves: int, radius: float, accepted: int) -> float:
    """Return the edit radius after some moves, `accepted` of the present window; see `model.next_radius`."""
    if rule.policy != TRUST:
        return radius * rule.decay if rule.policy == VIBE or moves > rule.plan else radius
    if moves % rule.window:
        return radius
    share = accepted / rule.window
    factor = rule.alpha if share > rule.high else (rule.beta if share < rule.low else 1.0)
    after = radius * factor
    return rule.least if after < rule.least else (rule.most if after > rule.most else after)


@_part
def unnoticed(u: float, x: float) -> bool:
    """Return u < exp(x) for x <= 0; nearly always 1 + x, which is no more than that, says so."""
    return u < 1.0 + x or u < exp(x)


@_within
def moved(
    rule: Rules,
    row: Any,
    best_z: Float,
    drawn: Float,
    j: int,
    key: np.uint64,
    move: int,
    visible: float,
    hidden: float,
    radius: float,
) -> tuple[float, float, bool]:
    """Return what is visible and hidden after the move that follows `move` moves, and whether it was accepted."""
    at = SLOTS * move
    if row.found > 0.0:
        found = row.found * hidden
        if rule.process == INTEGER:
            found = binomial(defects(key, at + SLOTS + UNCOVERED), hidden, row.found)
        visible, hidden = visible + found, hidden - found
    gain, ok = improvement(rule, row, best_z, drawn, j, key, at, visible + hidden, radius)
    taken = ok and (gain >= 0.0 or unnoticed(uniform(key, at + ORACLE), row.r * gain))
    if taken:
        visible, hidden = changed(rule, row.r, key, at + SLOTS, visible, hidden, gain)
    return visible, hidden, taken


@_part
def started(rule: Rules, moves: int, key: np.uint64, visible: float, hidden: float) -> tuple[float, float]:
    """Return what is visible and hidden at first: numbers of defects are drawn where the start is still to come."""
    if rule.process != INTEGER or moves >= 0:
        return visible, hidden
    return poisson(defects(key, 1), visible), poisson(defects(key, 2), hidden)


@_kept
def run(
    rule: Rules,
    rows: Any,
    best_z: Float,
    drawn: Float,
    moves: tuple[int, int],
    replicates: tuple[int, int, int],
    to_good: bool,
    state: Float,
    whole: Int,
    left: Float,
) -> None:
    """Make moves in many runs.

    Parameters
    ----------
    rule : Rules
    rows : array of dtype `MOVE`, shape (n_rows,)
        Of the first moves; all later ones are as the last of them.
    best_z : float array of shape (n_tables, CELLS, TERMS)
        z of the best candidate, see `best_of`; `best` of a row is the place of its table.
    drawn : float array of shape (n_runs, 2 n_moves), read and written to
        Normal numbers of the pick and of the rest of every move, NaN where not drawn yet: kept where other settings use
        them too; (n_runs, 0) where none do.
    moves : (int, int)
        Moves made before, -1 where the start is still to be drawn; and those after which a run is given up.
    replicates : (int, int, int)
        Seed, as two halves of 32 bits, and the number of the first replicate.
    to_good : bool
        Whether runs go on until nothing is wrong.
    state : float array of shape (4, n_runs), read and written to
        Visible and hidden mass, edit radius, and moves accepted in the present window.
    whole : int array of shape (4, n_runs), written to
        Moves to the target and to good (-1 never), moves made, and how many of those made here were accepted.
    left : float array of shape (2, n_runs), written to
        Visible and hidden mass at the stop at the target, or at the end.
    """
    start = stream(replicates)
    for j in range(state.shape[1]):
        key = key_of(start, replicates[2] + j)
        visible, hidden, radius, accepted = state[0, j], state[1, j], state[2, j], int(state[3, j])
        move, target, taken = moves[0] if moves[0] > 0 else 0, -1, 0
        visible, hidden = started(rule, moves[0], key, visible, hidden)
        while True:
            met, good = visible <= rule.limit, visible + hidden <= rule.limit
            if met and target < 0:
                target, left[0, j], left[1, j] = move, visible, hidden
            if move >= moves[1] or (met and (good or not to_good)):
                break
            row = rows[move if move < len(rows) else len(rows) - 1]
            visible, hidden, ok = moved(rule, row, best_z, drawn, j, key, move, visible, hidden, radius)
            move += 1
            if ok:
                accepted, taken = accepted + 1, taken + 1
            radius = next_radius(rule, move, radius, accepted)
            if rule.policy == TRUST and move % rule.window == 0:
                accepted = 0
        if target < 0:
            left[0, j], left[1, j] = visible, hidden
        whole[0, j], whole[1, j], whole[2, j], whole[3, j] = target, (move if good else -1), move, taken
        state[0, j], state[1, j], state[2, j], state[3, j] = visible, hidden, radius, accepted


@_kept
def trace(
    rule: Rules,
    rows: Any,
    best_z: Float,
    drawn: Float,
    moves: tuple[int, int],
    replicates: tuple[int, int, int],
    state: Float,
    whole: Int,
    left: Float,
    recent: Any,
    shown: Int,
    seen: Float,
    sums: Float,
) -> None:
    """Make moves in many runs that never stop, and keep what is seen on the way.

    Parameters
    ----------
    rule, rows, best_z, drawn, moves, replicates, state
        As in `run`; `limit` of the rules says when the target is met.
    whole : int array of shape (2, n_runs), read and written to
        Moves to the target and to good, -1 where not yet.
    left : float array of shape (2, n_runs), written to
        Visible and hidden mass at the target, or after the last move.
    recent : int8 array of shape (n_runs, window), read and written to
        Which of the last moves were accepted.
    shown : int array of shape (n_times,)
        After how many moves runs are looked at, in order; none after fewer than `moves[0]`.
    seen : float array of shape (4, n_times, n_runs), written to
        Visible and hidden mass, edit radius of the next move, and how many of the last moves were accepted.
    sums : float array of shape (2, moves[1] + 1), added to
        Over runs: defects left after so many moves, and moves accepted that were the last of so many.
    """
    start = stream(replicates)
    first, window = moves[0] if moves[0] > 0 else 0, recent.shape[1]
    for j in range(state.shape[1]):
        key = key_of(start, replicates[2] + j)
        visible, hidden = started(rule, moves[0], key, state[0, j], state[1, j])
        radius, accepted, inside = state[2, j], int(state[3, j]), 0
        for k in range(window):
            inside += recent[j, k]
        move, place, slot = first, 0, first % window
        left_in_window = rule.window - first % rule.window
        while True:
            mass = visible + hidden
            if visible <= rule.limit and whole[0, j] < 0:
                whole[0, j], left[0, j], left[1, j] = move, visible, hidden
            if mass <= rule.limit and whole[1, j] < 0:
                whole[1, j] = move
            if place < len(shown) and shown[place] == move:
                seen[0, place, j], seen[1, place, j] = visible, hidden
                seen[2, place, j], seen[3, place, j] = radius, inside
                place += 1
            if move > moves[0]:
                sums[0, move] += mass
            if move >= moves[1]:
                break
            row = rows[move if move < len(rows) else len(rows) - 1]
            visible, hidden, ok = moved(rule, row, best_z, drawn, j, key, move, visible, hidden, radius)
            move += 1
            took = 1 if ok else 0
            accepted += took
            sums[1, move] += took
            inside += took - recent[j, slot]
            recent[j, slot] = took
            slot = slot + 1 if slot + 1 < window else 0
            left_in_window -= 1
            if rule.policy != TRUST:
                radius = next_radius(rule, move, radius, accepted)
            elif left_in_window == 0:
                radius, accepted = next_radius(rule, move, radius, accepted), 0
                left_in_window = rule.window
        if whole[0, j] < 0:
            left[0, j], left[1, j] = visible, hidden
        state[0, j], state[1, j], state[2, j], state[3, j] = visible, hidden, radius, accepted
