"""Speed of the moves lens: compiled runs, the first of them, and brute force in NumPy."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from loopstat.moves.desks import SIMULATE
from loopstat.moves.live import simulate
from loopstat.moves.model import Team, next_radius
from loopstat.moves.paths import path
from loopstat.moves.runs import outcomes
from loopstat.moves.settings import POLICIES, MoveSettings

from .loops import Array
from .potentials import Row, best_of

RUNS, MOVES, QUICK_RUNS = 20_000, 400, 4_000
FRONTIER_RUNS, FRONTIER_MOVES = 2_000, 200
BRUTE_RUNS = 1_000
UNREACHED = 1 - 1e-9  # a target at which no run stops early
DEFAULTS = MoveSettings()
ONE_RUN = [sys.executable, "-c", "from loopstat.moves.runs import *; outcomes(MoveSettings(replicates=9))"]


def move_rows(*, quick: bool) -> Iterator[Row]:
    """Yield (what, seconds, times loopstat's, remark)."""
    runs = QUICK_RUNS if quick else RUNS
    yield _first()
    yield from _engine(runs)
    yield from _brute(runs)
    yield from _answers()


def _first() -> Row:
    """Return how much longer the first run of a command takes, which compiles, than the second."""
    with tempfile.TemporaryDirectory() as cache:
        options: dict[str, Any] = {"env": {**os.environ, "NUMBA_CACHE_DIR": cache}, "check": True}
        seconds = [best_of(n, lambda: subprocess.run(ONE_RUN, **options)) for n in (1, 2)]
    return "first command on a machine, beside the second", seconds[0], seconds[0] / seconds[1], "new processes"


def _engine(runs: int) -> Iterator[Row]:
    kinds: dict[str, dict[str, Any]] = {
        "trust region": {},
        "numbers of defects": {"process": "integer", "oracle_resolution": 0.1},
        "vibe, no reviewers": {"policy": "vibe"},
    }
    for name, values in kinds.items():
        settings = MoveSettings.of(values={**values, "target_reliability": UNREACHED})
        made = int(outcomes(settings, replicates=runs).moves_made.sum())
        seconds = best_of(3, lambda s=settings: outcomes(s, replicates=runs))  # type: ignore[misc]
        yield f"{name}, {runs:,} runs x {MOVES} moves", seconds, None, _speed(made, seconds)
    slider = DEFAULTS.but(target_reliability=UNREACHED, max_moves=200)
    seconds = best_of(9, lambda: outcomes(slider, replicates=300))
    yield "a slider moved, 300 runs x 200 moves", seconds, None, _speed(300 * 200, seconds)
    shown = {row.name: row.default for row in SIMULATE.settings}
    for name, values in (("defaults", {}), ("12 candidates, 8 reviewers", {"candidates": 12, "reviewers": 8})):
        asked = {**shown, **values}
        seconds = best_of(30, lambda o=asked: simulate(None, o, None))  # type: ignore[misc]
        yield f"all of the live answer, {name}, 300 runs x {MOVES} moves", seconds, None, "mean paths of 240 teams"


def _speed(moves: int, seconds: float) -> str:
    return f"{moves / seconds:.2g} moves of one run per second on one core, {1e9 * seconds / moves:.3g} ns each"


def _brute(runs: int) -> Iterator[Row]:
    seconds = best_of(2, lambda: brute_force(DEFAULTS, BRUTE_RUNS, MOVES, np.random.default_rng(0)))
    ours = best_of(3, lambda: outcomes(DEFAULTS.but(target_reliability=UNREACHED), replicates=runs))
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
    yield "outcomes of the defaults, 4,000 runs x 400 moves", default, None, ""
    yield (
        "path of the defaults, 4,000 runs x 400 moves",
        best_of(2, lambda: path(DEFAULTS)),
        None,
        "with quantiles of every move",
    )
