"""What the validation simulates for the calibration of moves: candidates of known oracle, reviewers and spread."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from loopstat.inference.estimate import Estimate
from loopstat.moves.calibrate.candidates import best_of_k, pass_at_k
from loopstat.moves.calibrate.effective import effective_candidates, effective_number, pooled_candidates
from loopstat.moves.calibrate.judges import agreement, judge_errors
from loopstat.moves.calibrate.mixture import fit_mixture, one_r_test
from loopstat.moves.calibrate.oracle import Verdicts, false_pass_rate, one_mass_share, oracle_resolution
from loopstat.moves.order_statistics import expected_maximum

from .cells import NOMINAL, Cell, Numbers, Row
from .loops import Array, Rng

Masses = Callable[[Rng, int], Array]
LONG_RUN = 4_000_000  # draws behind truths without a closed form; their error is far below that of a cell
SIZE = (0.02, 0.08)


def covers(estimate: Estimate, truth: float) -> float:
    """Return 1 where the interval holds the truth, 0 where not, NaN where there is none."""
    if np.isnan(estimate.low) or np.isnan(estimate.high):
        return float("nan")
    return float(estimate.low <= truth <= estimate.high)


# ------------------------------------------------------------------------- the oracle


def lognormal(spread: float, middle: float = -0.5) -> Masses:
    """Return masses whose logarithm is normal."""
    return lambda rng, n: rng.lognormal(middle, spread, n)


WIDE, NARROW = lognormal(1.5), lognormal(1.0)


def all_or_nothing(rng: Rng, n: int) -> Array:
    """Return masses of benchmark tasks: most are always solved, some never, few now and then."""
    sure = rng.random(n)
    return np.where(sure < 0.7, 0.0, np.where(sure < 0.85, 20.0, rng.lognormal(-0.5, 1.0, n)))


def mostly_easy(rng: Rng, n: int) -> Array:
    """Return masses of which nine in ten are tiny: few tasks carry all false passes."""
    return np.where(rng.random(n) < 0.9, 0.01, rng.lognormal(1.0, 1.0, n))


def one_mass(mass: float) -> Masses:
    """Return the same mass for every task."""
    return lambda _, n: np.full(n, mass)


def sampled(rng: Rng, masses: Array, r: float | Array, samples: int) -> Verdicts:
    """Draw verdicts of several samples of each task."""
    coarse, fine = np.exp(-r * masses), np.exp(-masses)
    return Verdicts(rng.multinomial(samples, np.stack([1 - coarse, coarse - fine, fine], axis=1)))


def resolution(masses: Masses, tasks: int, samples: int, r: float) -> Callable[[Rng], Numbers]:
    """Return a cell body: does the profile likelihood hold r, and what do logarithms say?"""

    def run(rng: Rng) -> Numbers:
        verdicts = sampled(rng, masses(rng, tasks), r, samples)
        fit = fit_mixture(verdicts.outcomes)
        logs = one_mass_share(verdicts)
        return {
            "covers": covers(fit.r, r),
            "r": fit.r.value,
            "width": fit.r.high - fit.r.low,
            "logs": logs.value,
            "logs_cover": covers(logs, r),
        }

    return run


def one_r(masses: Masses, tasks: int, samples: int, spread: float | None) -> Callable[[Rng], Numbers]:
    """Return a cell body: how often one r is rejected, where it holds (no spread) or r differs between tasks."""

    def run(rng: Rng) -> Numbers:
        r = 0.8 if spread is None else rng.beta(0.8 * spread, 0.2 * spread, tasks)
        verdicts = sampled(rng, masses(rng, tasks), r, samples)
        found = one_r_test(verdicts.outcomes, fit_mixture(verdicts.outcomes), rng=rng)
        return {"rejects": float(found.p_value <= 0.05)}

    return run


def single_samples(rng: Rng) -> Numbers:
    """Run the decision with one sample per task."""
    verdicts = sampled(rng, WIDE(rng, 164), 0.8, 1)
    fit = fit_mixture(verdicts.outcomes)
    found = oracle_resolution(verdicts, rng=rng)
    return {
        "identifiable": float(found.parameter.identifiable),
        "width": fit.r.high - fit.r.low,
        "covers": covers(fit.r, 0.8),
    }


@cache
def true_rate(masses: Masses, r: float) -> float:
    """Return the false-pass rate of all tasks, computed when first asked for."""
    many = masses(np.random.default_rng(0), LONG_RUN)
    return 1 - float(np.exp(-many).mean() / np.exp(-r * many).mean())


def false_passes(masses: Masses, tasks: int, samples: int, r: float = 0.8) -> Callable[[Rng], Numbers]:
    """Return a cell body: does the interval of the false-pass rate hold the rate of all such tasks?"""

    def run(rng: Rng) -> Numbers:
        truth = true_rate(masses, r)
        found = false_pass_rate(sampled(rng, masses(rng, tasks), r, samples)).estimate
        return {"covers": covers(found, truth), "bias": found.value - truth}

    return run


# ------------------------------------------------------------------------- reviewers


def judged(
    rng: Rng, tasks: int, candidates: int, judges: int, gamma: float, scale: Array | None = None
) -> tuple[Array, Array, Array]:
    """Return scores, tasks and truth of judges with sigma_r 0.35, candidates of spread 0.31 in tasks of spread 0.6."""
    code = np.repeat(np.arange(tasks), candidates)
    truth = rng.normal(0, 0.6, tasks)[code] + rng.normal(0, 0.31, len(code))
    shared, own = rng.normal(size=(len(code), 1)), rng.normal(size=(len(code), judges))
    scores = truth[:, None] + 0.35 * (np.sqrt(gamma) * shared + np.sqrt(1 - gamma) * own)
    return scores * (1.0 if scale is None else scale), code, truth


def reviewers(
    tasks: int, candidates: int, judges: int, gamma: float, scale: Array | None = None
) -> Callable[[Rng], Numbers]:
    """Return a cell body: are gamma and sigma_r held, and what would agreement of scores say?"""

    def run(rng: Rng) -> Numbers:
        scores, code, truth = judged(rng, tasks, candidates, judges, gamma, scale)
        found = judge_errors(scores, code, truth)
        return {
            "gamma": covers(found.correlation.estimate, gamma),
            "sigma": covers(found.sigma_r.estimate, 0.35),
            "value": found.correlation.value,
            "agreement": found.agreement.value,
            "raw": agreement(scores, np.zeros(len(code))).value,
        }

    return run


def bounded(noise: float | None) -> Callable[[Rng], Numbers]:
    """Return a cell body: with a noisy truth, or one of two values (no noise), is gamma below the upper end?"""

    def run(rng: Rng) -> Numbers:
        scores, code, truth = judged(rng, 164, 10, 3, 0.25)
        seen = (truth > 0.2).astype(float) if noise is None else truth + noise * rng.normal(size=len(truth))
        found = judge_errors(scores, code, seen).correlation
        return {"below": float(found.estimate.high >= 0.25), "value": found.value}

    return run


# ------------------------------------------------------------------------- pools


def passing(tasks: int, samples: int, a: float, b: float) -> Callable[[Rng], Numbers]:
    """Return a cell body: pass@k and the pooled number of candidates, with beta pass rates of tasks."""
    k = min(5, samples)
    fails = np.prod([(b + i) / (a + b + i) for i in range(k)])
    pooled = float(np.log(fails) / np.log(b / (a + b)))

    def run(rng: Rng) -> Numbers:
        passed = rng.random((tasks, samples)) < rng.beta(a, b, tasks)[:, None]
        code = np.repeat(np.arange(tasks), samples)
        return {
            "pass": covers(pass_at_k(passed.ravel(), code).at(k), 1 - fails),
            "pooled": covers(pooled_candidates(passed.ravel(), code).at(k), pooled),
        }

    return run


def graded(tasks: int, samples: int) -> Callable[[Rng], Numbers]:
    """Return a cell body: best of k and effective candidates of normal qualities whose spread differs by task."""
    k = min(5, samples)
    gain = float(expected_maximum(k)) * np.exp(0.125)
    pooled = float(effective_number(gain / np.sqrt(np.exp(0.5) + 4)))

    def run(rng: Rng) -> Numbers:
        spread = np.exp(rng.normal(0, 0.5, (tasks, 1)))
        y = (2 * rng.normal(size=(tasks, 1)) + spread * rng.normal(size=(tasks, samples))).ravel()
        code = np.repeat(np.arange(tasks), samples)
        inside, over = effective_candidates(y, code)
        return {
            "best": covers(best_of_k(y, code).at(k), gain),
            "within": covers(inside.at(k), k),
            "pooled": covers(over.at(k), pooled),
            "value": inside.at(k).value,
        }

    return run


# ------------------------------------------------------------------------- cells


def _oracle_cells() -> list[Cell]:
    rows = (
        Row("covers", "r, by the mixture: its 95 % interval holds it", NOMINAL),
        Row("r", "r on average"),
        Row("width", "width of the interval"),
        Row("logs", "by logarithms, as if all masses were one"),
    )
    logs = (Row("logs_cover", "by logarithms: its interval holds r", NOMINAL),)
    settings: list[tuple[str, Masses, int, int, float]] = [
        ("lognormal", WIDE, 164, 10, 0.8),
        ("half", WIDE, 164, 10, 0.5),
        ("benchmark", all_or_nothing, 164, 10, 0.8),
        ("few", NARROW, 50, 5, 0.8),
        ("pairs", NARROW, 150, 2, 0.7),
        ("many", NARROW, 40, 40, 0.9),
        ("one-mass", one_mass(0.7), 100, 5, 0.8),
    ]
    out = [
        Cell(
            f"oracle-{name}",
            f"{tasks} tasks x {n} samples, r {r}",
            rows + (logs if name == "one-mass" else ()),
            resolution(masses, tasks, n, r),
        )
        for name, masses, tasks, n, r in settings
    ]
    size, power = Row("rejects", "one r is rejected at 0.05", SIZE), Row("rejects", "one r is rejected at 0.05")
    for name, masses, tasks, n, spread in (
        ("size", WIDE, 164, 10, None),
        ("size-few", NARROW, 50, 5, None),
        ("size-benchmark", all_or_nothing, 164, 10, None),
        ("blind-4", WIDE, 164, 10, 4.0),
        ("blind-1", WIDE, 164, 10, 1.0),
    ):
        what = "one r of 0.8" if spread is None else f"r of tasks beta with mean 0.8, sum {spread:g}"
        title = f"{tasks} tasks x {n} samples, {what}"
        out.append(
            Cell(f"one-r-{name}", title, (size if spread is None else power,), one_r(masses, tasks, n, spread), 0.3)
        )
    single = (
        Row("identifiable", "r is said to be identifiable", (0.0, 0.0)),
        Row("width", "width of the interval the likelihood leaves"),
        Row("covers", "that interval holds r"),
    )
    return [*out, Cell("oracle-single", "164 tasks x 1 sample, r 0.8", single, single_samples, 0.3)]


def _false_pass_cells() -> list[Cell]:
    rows = (Row("covers", "its 95 % interval holds it", NOMINAL), Row("bias", "bias"))
    return [
        Cell(f"false-pass-{name}-{tasks}x{n}", f"False-pass rate, {tasks} tasks x {n}", rows, false_passes(m, tasks, n))
        for name, m, tasks, n in (
            ("lognormal", WIDE, 164, 10),
            ("lognormal", WIDE, 164, 1),
            ("lognormal", WIDE, 30, 5),
            ("easy", mostly_easy, 164, 10),
        )
    ]


def _judge_cells() -> list[Cell]:
    rows = (
        Row("gamma", "gamma: its 95 % interval holds it", NOMINAL),
        Row("sigma", "sigma_r: its 95 % interval holds it", NOMINAL),
        Row("value", "gamma on average"),
        Row("agreement", "agreement of scores within tasks"),
        Row("raw", "agreement of raw scores"),
    )
    below = (Row("below", "its upper end is above gamma 0.25", (0.97, 1.0)), Row("value", "estimate"))
    scales = np.array([1.0, 100.0, 0.01])
    return [
        Cell("judges-164x10", "164 tasks x 10, 3 judges, gamma 0.25", rows, reviewers(164, 10, 3, 0.25)),
        Cell("judges-scales", "40 tasks x 3, judges' scales 1, 100, 0.01", rows, reviewers(40, 3, 3, 0.25, scales)),
        Cell("judges-pairs", "100 tasks x 2, 3 judges, gamma 0.25", rows, reviewers(100, 2, 3, 0.25)),
        Cell("judges-two", "30 tasks x 5, 2 judges, gamma 0.6", rows, reviewers(30, 5, 2, 0.6)),
        Cell("judges-five", "30 tasks x 5, 5 judges, gamma 0", rows, reviewers(30, 5, 5, 0.0)),
        Cell("judges-ten-tasks", "10 tasks x 8, 3 judges, gamma 0.25", rows, reviewers(10, 8, 3, 0.25)),
        Cell("judges-noisy-truth", "164 tasks x 10, noise 0.35 in the truth", below, bounded(0.35), 0.3),
        Cell("judges-binary-truth", "164 tasks x 10, a truth of two values", below, bounded(None), 0.3),
    ]


def _pool_cells() -> list[Cell]:
    passes = (
        Row("pass", "pass@k: its 95 % interval holds it", NOMINAL),
        Row("pooled", "pooled number of candidates: its interval holds it", NOMINAL),
    )
    best = (
        Row("best", "best of k: its 95 % interval holds it", NOMINAL),
        Row("within", "K_eff within tasks: its interval holds k", NOMINAL),
        Row("pooled", "K_eff pooled: its interval holds it", NOMINAL),
        Row("value", "K_eff within tasks, on average"),
    )
    shapes = ((164, 10, 0.4, 0.4), (100, 10, 0.1, 1.0), (30, 5, 0.4, 0.8), (20, 20, 1.0, 1.0))
    out = [
        Cell(f"pass-{t}x{n}", f"{t} tasks x {n}, k {min(5, n)}", passes, passing(t, n, a, b)) for t, n, a, b in shapes
    ]
    sizes = ((100, 8), (30, 5), (15, 20))
    return out + [Cell(f"best-{t}x{n}", f"{t} tasks x {n}, k {min(5, n)}", best, graded(t, n)) for t, n in sizes]


def calibration_cells() -> list[Cell]:
    """Return all cells of the calibration of moves."""
    return [*_oracle_cells(), *_false_pass_cells(), *_judge_cells(), *_pool_cells()]
