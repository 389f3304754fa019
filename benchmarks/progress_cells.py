"""What the validation simulates for improvement against defects and for the tests of assumptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from studies.assumptions import AssumptionTest, state_independence_test
from studies.move_prediction import predict_best_of
from studies.pool_assumptions import correlated_reviewers_test, independent_candidates_test, order_statistics_test

from loopstat.moves.calibrate.progress import fit_progress
from loopstat.moves.model import MoveLaw, Team
from loopstat.moves.settings import MoveSettings

from .cells import NOMINAL, Cell, Numbers, Row

SIZE = (0.02, 0.08)
# one candidate and no reviewer: every child is on record, and loops go on from what the oracle let through
ONE = MoveSettings(candidates=1, reviewers=0)


def transitions(
    rng: np.random.Generator,
    *,
    tasks: int,
    moves: int = 10,
    masses: tuple[float, float] = (0.3, 20.0),
    radii: tuple[float, float] = (0.2, 0.2),
    error: float = 0.0,
    settings: MoveSettings = ONE,
) -> dict[str, Any]:
    """Return parents and children of loops of one candidate per move, as the arguments of a fit.

    With `error`, every mass is measured twice with independent normal errors of that size, not below 0.
    """
    mu = rng.uniform(*masses, tasks)
    kept = []
    for _ in range(moves):
        radius = rng.uniform(*radii, tasks)
        gain, _ = MoveLaw.of(settings, mu, radius).draw(np.full(tasks, -1.0), rng.standard_normal(tasks))
        after = np.maximum(mu - gain, 0.0)
        kept.append((mu, after, radius, np.arange(tasks)))
        silent = rng.random(tasks) < np.exp(-settings.oracle_resolution * np.maximum(-gain, 0.0))
        mu = np.where(silent, after, mu)
    parent, child, radius, task = (np.concatenate(part) for part in zip(*kept, strict=True))
    out = {"mass": parent, "next_mass": child, "radius": radius, "cluster": task}
    if not error:
        return out | {"exact": True}

    def measured(mass: Any) -> Any:
        return np.maximum(mass + error * rng.standard_normal(len(mass)), 0.0)

    once = {"mass": measured(parent), "next_mass": measured(child)}
    return out | once | {"instrument": measured(parent), "next_instrument": measured(child)}


def _covers(settings: MoveSettings = ONE, **how: Any) -> Callable[[np.random.Generator], Numbers]:
    team = Team.of(settings)
    truth = {"aim": float(team.aim), "damage": float(team.damage), "spread": float(team.spread), "b": settings.b}

    def run(rng: np.random.Generator) -> Numbers:
        fit = fit_progress(**transitions(rng, settings=settings, **how), b=settings.b)
        out: Numbers = {"known": np.float64(fit.identified)}
        for name, value in truth.items():
            e = getattr(fit, name)
            out[name] = np.float64(e.low <= value <= e.high)
        return out

    return run


def _no_gain(instrument: bool) -> Callable[[np.random.Generator], Numbers]:
    """Nothing improves; counts are measured with half the variance of the true ones as error."""

    def run(rng: np.random.Generator) -> Numbers:
        mu = 12 + rng.standard_normal(500)
        first, second, child = (mu + np.sqrt(0.5) * rng.standard_normal(500) for _ in range(3))
        fit = fit_progress(first, child, instrument=second if instrument else None)
        return {"slope": np.float64(fit.slope.value), "zero": np.float64(fit.slope.low <= 0 <= fit.slope.high)}

    return run


def _rejects(test: Callable[[np.random.Generator], AssumptionTest]) -> Callable[[np.random.Generator], Numbers]:
    return lambda rng: {"rejects": np.float64(test(rng).p_value < 0.05)}


def _reviewers(rng: np.random.Generator) -> AssumptionTest:
    truth = rng.standard_normal(300)
    scores = truth[:, None] * [1.0, 0.5, 2.0] + rng.standard_normal((300, 3))
    return correlated_reviewers_test(scores, truth, np.repeat(np.arange(50), 6))


def _order(rng: np.random.Generator) -> AssumptionTest:
    x = rng.standard_normal((60, 10)) * rng.uniform(0.5, 2, (60, 1))
    return order_statistics_test(x.ravel(), np.repeat(np.arange(60), 10), 5)


def _candidates(rng: np.random.Generator) -> AssumptionTest:
    passed = rng.random((60, 10)) < rng.beta(0.5, 0.5, (60, 1))
    return independent_candidates_test(passed.ravel(), np.repeat(np.arange(60), 10))


def _independence(rng: np.random.Generator) -> AssumptionTest:
    mu, tasks = [rng.uniform(3, 20, 300)], np.arange(300) // 5
    for _ in range(2):
        gain, _ = MoveLaw.of(ONE, mu[-1], 0.5).draw(np.full(300, -1.0), rng.standard_normal(300))
        mu.append(np.maximum(mu[-1] - gain, 0.0))
    return state_independence_test(mu[1], mu[2], mu[0], cluster=tasks)


def _best_of(rng: np.random.Generator) -> Numbers:
    passed = rng.random((100, 10)) < rng.beta(0.4, 0.8, (100, 1))
    p = predict_best_of(passed.ravel(), np.repeat(np.arange(100), 10), (1, 5, 10), rng=rng, samples=4, n_boot=100)
    return {"inside": p.inside, "error": p.error}


def progress_cells() -> list[Cell]:
    """Return the cells of improvement against defects, of the tests of assumptions and of the predictions."""
    names = {"aim": "A", "damage": "C", "spread": "S", "b": "b, where bounded or not"}
    rows = (*(Row(k, f"95 % interval holds {w}", NOMINAL) for k, w in names.items()), Row("known", "b is identified"))
    # far from telling b, its region is wider than it need be
    unseen = tuple(Row(r.key, r.words, (0.93, 1.0)) if r.key == "b" else r for r in rows)
    size = (Row("rejects", "p below 0.05", SIZE),)
    covers = "95 % intervals: share that holds the truth"
    return [
        Cell("progress-60", f"60 tasks x 10 moves, masses 0.3-20. {covers}", rows, _covers(tasks=60)),
        Cell("progress-radii", f"Edit radii 0.05-1. {covers}", rows, _covers(tasks=60, radii=(0.05, 1.0))),
        Cell("progress-200", f"200 tasks, radii 0.05-1. {covers}", rows, _covers(tasks=200, radii=(0.05, 1.0))),
        Cell("progress-narrow", f"Masses 6-14: b not seen. {covers}", rows, _covers(tasks=60, masses=(6.0, 14.0))),
        Cell(
            "progress-measured",
            f"Masses measured twice with error 1, 300 tasks, masses 2-20, radii 0.2-0.5. {covers}",
            unseen,
            _covers(tasks=300, masses=(2.0, 20.0), radii=(0.2, 0.5), error=1.0),
        ),
        Cell(
            "progress-regression",
            "Nothing improves, error variance half the true one; one measurement",
            (Row("slope", "slope (theory 1/3)", (0.32, 0.35)), Row("zero", "its interval holds 0")),
            _no_gain(False),
        ),
        Cell(
            "progress-instrument",
            "The same with a second measurement as instrument",
            (Row("slope", "slope (theory 0)", (-0.01, 0.01)), Row("zero", "its interval holds 0", NOMINAL)),
            _no_gain(True),
        ),
        Cell("assume-reviewers", "Reviewers with independent errors, 50 tasks x 6", size, _rejects(_reviewers)),
        Cell("assume-order", "Normal candidates, best of 5 of 10, 60 tasks", size, _rejects(_order)),
        Cell("assume-candidates", "Independent candidates, 60 tasks x 10", size, _rejects(_candidates)),
        Cell("assume-state", "The process itself, two moves, 60 tasks x 5", size, _rejects(_independence)),
        Cell(
            "predict-best-of",
            "100 tasks x 10 samples, chance of passing Beta(0.4, 0.8): 50 calibrate (4 samples each), 50 are predicted",
            (Row("inside", "95 % prediction interval holds what happened", (0.90, 0.98)), Row("error", "mean error")),
            _best_of,
            0.3,
        ),
    ]
