"""Speed of the moves lens: runs compiled and in NumPy, beside their random numbers alone and beside brute force."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from loopstat.moves import loops as ensemble_loops
from loopstat.moves import number_loops
from loopstat.moves.model import Team, next_radius
from loopstat.moves.numbers import move_draws, stream_keys
from loopstat.moves.order_statistics import maximum_of
from loopstat.moves.run_plan import BLOCK
from loopstat.moves.runs import outcomes, path
from loopstat.moves.settings import POLICIES, MoveSettings

from .loops import Array
from .potentials import Row, best_of

RUNS, MOVES, QUICK_RUNS = 20_000, 400, 4_000
FRONTIER_RUNS, FRONTIER_MOVES = 2_000, 200
BRUTE_RUNS = 1_000
UNREACHED = 1 - 1e-9  # a target at which no run stops early
DEFAULTS = MoveSettings()


def move_rows(*, quick: bool) -> Iterator[Row]:
    """Yield (what, seconds, times loopstat's, remark)."""
    runs = QUICK_RUNS if quick else RUNS
    ensemble_loops.machine()
    outcomes(DEFAULTS, replicates=2, engine="numba")
    yield from _engines(runs)
    yield from _brute(runs)
    yield from _answers()


def _engines(runs: int) -> Iterator[Row]:
    settings = DEFAULTS.but(target_reliability=UNREACHED)
    made, what = runs * MOVES, f"{runs:,} runs x {MOVES} moves"
    compiled = best_of(3, lambda: outcomes(settings, replicates=runs, engine="numba"))
    yield f"compiled, {what}", compiled, 1.0, _speed(made, compiled)
    numbers = best_of(3, lambda: _numbers()(stream_keys(0, runs), float(Team.of(DEFAULTS).k_eff), MOVES))
    yield "  its random numbers alone", numbers, numbers / compiled, _speed(made, numbers)
    plain = best_of(2, lambda: outcomes(settings, replicates=runs, engine="numpy"))
    yield f"NumPy, {what}", plain, plain / compiled, _speed(made, plain)
    drawn = best_of(2, lambda: _numpy_numbers(runs))
    yield "  its random numbers alone", drawn, drawn / compiled, _speed(made, drawn)
    others = {
        "numbers of defects": {"process": "integer", "oracle_resolution": 0.1},
        "vibe, no reviewers": {"policy": "vibe"},
    }
    for name, values in others.items():
        other = MoveSettings.of(values={**values, "target_reliability": UNREACHED})
        o = outcomes(other, replicates=runs, engine="numba")
        seconds = best_of(3, lambda other=other: outcomes(other, replicates=runs, engine="numba"))  # type: ignore[misc]
        yield f"compiled, {name}, {runs:,} runs", seconds, None, _speed(int(o.moves_made.sum()), seconds)


def _speed(moves: int, seconds: float) -> str:
    return f"{moves / seconds:.2g} moves of one run per second on one core, {1e9 * seconds / moves:.3g} ns each"


def _numbers() -> Callable[[Any, float, int], float]:
    """Return a compiled loop that draws what the moves of reviewed runs draw, and does nothing else."""
    if not NUMBERS:
        from numba import njit

        uniforms, logs = number_loops.uniforms, number_loops.logs
        powers, normals, lanes = number_loops.upper_uniforms, number_loops.upper_normals, ensemble_loops.LANES

        def draw(keys: Any, k_eff: float, moves: int) -> float:
            z, scratch, total = np.empty(lanes), np.empty((2, lanes)), 0.0
            for first in range(0, len(keys), lanes):
                key = keys[first : first + lanes]
                n = len(key)
                for move in range(moves):
                    uniforms(key, 4 * move + 1, n, z)
                    powers(k_eff, n, z, scratch[0])
                    normals(n, z, scratch)
                    total += z[0]
                    uniforms(key, 4 * move + 2, n, z)
                    normals(n, z, scratch)
                    total += z[0]
                    uniforms(key, 4 * move + 3, n, z)
                    logs(n, z, scratch[0])
                    total += z[0]
            return total

        NUMBERS.append(njit(draw))
        NUMBERS[0](stream_keys(0, 2), 6.0, 2)
    return NUMBERS[0]


NUMBERS: list[Callable[[Any, float, int], float]] = []


def _numpy_numbers(runs: int) -> None:
    k_eff = Team.of(DEFAULTS).k_eff
    for first in range(0, runs, BLOCK):
        keys = stream_keys(0, min(BLOCK, runs - first), first)
        for move in range(MOVES):
            maximum_of(move_draws(keys, move, offset=False).log_uniform, k_eff)


def _brute(runs: int) -> Iterator[Row]:
    seconds = best_of(2, lambda: brute_force(DEFAULTS, BRUTE_RUNS, MOVES, np.random.default_rng(0)))
    ours = best_of(3, lambda: outcomes(DEFAULTS.but(target_reliability=UNREACHED), replicates=runs, engine="numba"))
    each, own = seconds / (BRUTE_RUNS * MOVES), ours / (runs * MOVES)
    what = f"every candidate and review drawn, {BRUTE_RUNS:,} runs x {MOVES} moves"
    yield what, seconds, each / own, f"NumPy; {1e9 * each:.3g} ns a move; times the compiled loop's per move"


def brute_force(s: MoveSettings, runs: int, moves: int, rng: np.random.Generator) -> Array:
    """Follow runs of the trust region by drawing all K' candidates and the errors of all N reviewers about each."""
    team = Team.of(s)
    visible = np.full(runs, s.oracle_resolution * s.difficulty)
    hidden, radius, window = s.difficulty - visible, np.full(runs, s.edit_radius), np.zeros(runs)
    rows = np.arange(runs)
    for move in range(1, moves + 1):
        mu = visible + hidden
        share = mu / (mu + s.b)
        mean, spread = (team.aim * share - team.damage) * radius, team.spread * radius * np.sqrt(share)
        gains = mean[:, None] + spread[:, None] * rng.standard_normal((runs, s.pool))
        errors = np.sqrt(1 - s.correlation) * rng.standard_normal((runs, s.pool, s.reviewers)).mean(axis=2)
        errors += np.sqrt(s.correlation) * rng.standard_normal((runs, s.pool))
        scores = gains + s.sigma_r * errors
        best = scores.argmax(axis=1)
        gain, score = gains[rows, best], scores[rows, best]
        accepted = (score > 0) & (rng.random(runs) < np.exp(-s.oracle_resolution * np.maximum(-gain, 0)))
        left = np.where(accepted, np.clip(1 - gain / np.maximum(mu, 1e-300), 0, 1), 1)
        hidden = hidden * left + np.where(accepted, (1 - s.oracle_resolution) * np.maximum(-gain, 0), 0)
        visible, window = visible * left, window + accepted
        radius = next_radius(s, radius, np.full(runs, move), window, team.k_eff)
        window = np.where(move % s.tr_window == 0, 0, window)
    return visible + hidden


def _answers() -> Iterator[Row]:
    grid = [
        MoveSettings.of(policy=policy, values={"candidates": k, "reviewers": n})
        for policy in POLICIES
        for k in (1, 2, 4, 8, 12)
        for n in (0, 1, 2, 4, 8)
    ]
    options = {"replicates": FRONTIER_RUNS, "max_moves": FRONTIER_MOVES, "stop": "target"}
    what = f"frontier, {len(grid)} settings x {FRONTIER_RUNS:,} runs x {FRONTIER_MOVES} moves"
    for workers in (1, 2):
        seconds = best_of(3, lambda w=workers: outcomes(grid, workers=w, **options))  # type: ignore[misc]
        yield what, seconds, None, f"{workers} thread{'s' if workers > 1 else ''}; stopped at the target"
    default = best_of(3, lambda: outcomes(DEFAULTS))
    yield "outcomes of the defaults, 4,000 runs x 400 moves", default, None, "NumPy, chosen by the amount of work"
    yield "path of the defaults, 4,000 runs x 400 moves", best_of(2, lambda: path(DEFAULTS)), None, "NumPy, quantiles"
