"""Measure speed beside peers: `python -m benchmarks [--lens NAME]` prints one table, all of it from one run.

The task: standard errors of A by 1,000 bootstrap replicates over sessions, from 10 scores of 3 objectives per session.
loopstat sums one Gram matrix per session under each replicate's weights; the peers refit the resampled rows. Peers too
slow for 1,000 replicates run a few, and their time is scaled; the table says from how many.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import loopstat
from loopstat import Grams, LinearDrift, Panel, analyze
from loopstat.drift.maps.latent.fit import Stack, find, starting_points
from loopstat.drift.maps.latent.model import Structure, evaluate
from loopstat.drift.sums import Moments
from loopstat.inference.resample import bootstrap_weights

from .loops import Array, plain_loop
from .moves import move_rows
from .potentials import balance_rows

REPLICATES = 1000
STEPS = 10
SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000, 10_000)
BUDGET = 4.0  # seconds a slow peer may take for the replicates it is timed on
TELEPHONE = Path("../shared/data/telephone_game/telephone_game.parquet")


@dataclass(frozen=True)
class Timing:
    """One line of the table: seconds, how many times slower than loopstat (None where not compared), and a remark."""

    what: str
    seconds: float | None
    ratio: float | None = None
    note: str = ""

    def cells(self) -> tuple[str, str, str, str]:
        """Return the line as text."""
        seconds = "-" if self.seconds is None else f"{self.seconds:.3g} s"
        return self.what, seconds, "" if self.ratio is None else f"{self.ratio:.3g} x", self.note


def best_of(runs: int, task: Callable[[], object]) -> float:
    """Return the shortest of several runs, in seconds: the others were disturbed by something else."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


# --------------------------------------------------------------------------- the bootstrap


def gram_bootstrap(panel: Panel, seed: int) -> Array:
    """Return A of every replicate, shape (REPLICATES, n, n), from the panel on: nothing is prepared beforehand."""
    pairs = panel.pairs()
    grams = Grams.of(pairs, pairs.session, panel.session_names)
    weights = bootstrap_weights(len(grams), REPLICATES, np.random.default_rng(seed))
    return np.asarray(Moments.of(grams.weighted(weights), grams).A)


class Refits:
    """The peers' way: resample sessions, gather their rows, fit again."""

    def __init__(self, x: Array) -> None:
        sessions, steps, n = x.shape
        self.design = np.concatenate([np.ones((sessions, steps - 1, 1)), x[:, :-1]], axis=2)
        self.change = np.diff(x, axis=1)
        self.sessions, self.n = int(sessions), int(n)

    def rows(self, drawn: NDArray[np.int64]) -> tuple[Array, Array]:
        """Return design and changes of the sessions drawn, one row per transition."""
        return self.design[drawn].reshape(-1, 1 + self.n), self.change[drawn].reshape(-1, self.n)

    def lstsq(self, rng: np.random.Generator) -> Array:
        """Refit all objectives at once by `numpy.linalg.lstsq`."""
        design, change = self.rows(rng.integers(0, self.sessions, self.sessions, dtype=np.int64))
        return np.asarray(np.linalg.lstsq(design, change, rcond=None)[0][1:].T)

    def statsmodels(self, rng: np.random.Generator) -> Array:
        """Refit objective by objective by statsmodels' `OLS`."""
        import statsmodels.api as sm

        design, change = self.rows(rng.integers(0, self.sessions, self.sessions, dtype=np.int64))
        return np.array([sm.OLS(change[:, j], design).fit().params[1:] for j in range(self.n)])


def scaled(task: Callable[[np.random.Generator], object]) -> tuple[float, int]:
    """Return the seconds REPLICATES refits would take, and the number timed within the budget."""
    rng = np.random.default_rng(0)
    task(rng)  # imports and first calls do not count
    done, start = 0, time.perf_counter()
    while done < 3 or (time.perf_counter() - start < BUDGET and done < REPLICATES):
        task(rng)
        done += 1
    return (time.perf_counter() - start) * REPLICATES / done, done


def bootstrap_rows(sizes: Sequence[int]) -> Iterator[Timing]:
    """Yield the rows of the bootstrap, and what the machine could do at best on the largest size."""
    for sessions in sizes:
        x = plain_loop().run(np.random.default_rng(1), sessions, STEPS)
        panel = Panel.from_arrays(x)
        size = f"{sessions:,} sessions"
        ours = best_of(3, lambda panel=panel: gram_bootstrap(panel, 0))  # type: ignore[misc]
        yield Timing(f"loopstat, {size}", ours, 1.0, "panel to 1,000 replicates of A, best of 3")
        refits = Refits(x)
        for name, task in (("numpy lstsq", refits.lstsq), ("statsmodels OLS", refits.statsmodels)):
            seconds, done = scaled(task)
            note = "" if done >= REPLICATES else f"extrapolated from {done} replicates"
            yield Timing(f"{name} refits, {size}", seconds, seconds / ours, note)
        difference = disagreement(x, panel)
        yield Timing("  largest difference of A, one replicate", None, None, f"{difference:.1e}")
        whole = best_of(1, lambda panel=panel: LinearDrift("pooled").fit(panel, rng=0))  # type: ignore[misc]
        yield Timing(f"  the whole fit, {size}", whole, None, "every interval, regime, check and the verdict")
    yield from limit_rows(panel)


def disagreement(x: Array, panel: Panel) -> float:
    """Return the largest difference between loopstat's A and lstsq's on the same resampled sessions."""
    drawn = np.random.default_rng(2).integers(0, len(x), len(x), dtype=np.int64)
    design, change = Refits(x).rows(drawn)
    theirs = np.linalg.lstsq(design, change, rcond=None)[0][1:].T
    pairs = panel.pairs()
    grams = Grams.of(pairs, pairs.session, panel.session_names)
    weights = np.bincount(drawn, minlength=len(x))[None]
    return float(np.abs(Moments.of(grams.weighted(weights), grams).A[0] - theirs).max())


def limit_rows(panel: Panel) -> Iterator[Timing]:
    """Yield where the time of the largest bootstrap goes, and the floor the machine sets for each part."""
    rng = np.random.default_rng(3)
    pairs = panel.pairs()
    n = panel.n_sessions
    grams = Grams.of(pairs, pairs.session, panel.session_names)
    weights = bootstrap_weights(n, REPLICATES, rng)
    entries = 1 + 2 * panel.n_obj
    columns = entries * (entries + 1) // 2
    flops = 2.0 * REPLICATES * n * columns
    peak, bandwidth = machine_flops(), machine_bandwidth()
    draw = best_of(3, lambda: rng.integers(0, n, n, dtype=np.int32)) * REPLICATES
    size = f"{n:,} sessions"
    yield Timing(
        f"  of which Grams of {len(pairs):,} transitions",
        seconds := best_of(3, lambda: Grams.of(pairs, pairs.session, panel.session_names)),
        None,
        limit(seconds, columns * len(pairs) * 3 * 8 / bandwidth, f"bandwidth {bandwidth / 1e9:.1f} GB/s"),
    )
    yield Timing(
        f"  of which weights, {size}",
        seconds := best_of(2, lambda: bootstrap_weights(n, REPLICATES, rng)),
        None,
        limit(seconds, draw, "the random numbers alone"),
    )
    yield Timing(
        f"  of which weights @ Grams, {flops / 1e9:.1f} GFLOP",
        seconds := best_of(3, lambda: grams.weighted(weights)),
        None,
        limit(seconds, max(flops / peak, weights.nbytes / bandwidth), f"{peak / 1e9:.0f} GFLOP/s"),
    )


def limit(seconds: float, floor: float, why: str) -> str:
    """Return how far a time is from what the machine could do."""
    return f"floor {floor:.2g} s ({why}); {seconds / floor:.1f} times it"


def machine_flops() -> float:
    """Return floating-point operations per second of a large matrix product, double precision."""
    a = np.random.default_rng(4).standard_normal((1500, 1500))
    return 2 * 1500**3 / best_of(3, lambda: a @ a)


def machine_bandwidth() -> float:
    """Return bytes per second moved by copying an array too large for the cache (read and written)."""
    a, b = np.ones(2 * 10**7), np.empty(2 * 10**7)
    return 2 * a.nbytes / best_of(3, lambda: np.copyto(b, a))


# ---------------------------------------------------------------------------- the latent fit


def noisy_sessions(sessions: int, steps: int, seed: int) -> Array:
    """Return scores of three objectives whose sessions differ and whose scorer is noisy."""
    rng = np.random.default_rng(seed)
    x = plain_loop().run(rng, sessions, steps)
    return np.asarray(x + rng.standard_normal((sessions, 1, 3)) + 0.5 * rng.standard_normal(x.shape))


def latent_rows(sizes: Sequence[int]) -> Iterator[Timing]:
    """Yield the latent fit by size, and the same likelihood climbed by a general optimiser."""
    from threadpoolctl import threadpool_limits

    for sessions in (sizes[0], sizes[-1]):
        x = noisy_sessions(sessions, STEPS, 1)
        panel = Panel.from_arrays(x)
        size = f"{sessions:,} sessions x {STEPS} x 3"
        with threadpool_limits(1):
            ours = best_of(3, lambda panel=panel: climbed(panel))  # type: ignore[misc]
        flops = sessions * (3.0 * STEPS) ** 2 * 2
        floor = max(flops / machine_flops(), 2 * x.nbytes / machine_bandwidth())
        yield Timing(f"latent fit, {size}", ours, 1.0, limit(ours, floor, "reading the scores and their covariance"))
        if sessions == sizes[0]:
            seconds, value = general_optimiser(x)
            behind = climbed(panel) - value
            note = f"differences for slopes, free of starts; ends {behind:.2g} in log-likelihood below"
            yield Timing(f"scipy BFGS, same likelihood, {size}", seconds, seconds / ours, note)
        whole = best_of(1, lambda panel=panel: LinearDrift("latent", n_boot=0).fit(panel, rng=0))  # type: ignore[misc]
        yield Timing(
            f"  the whole latent fit, {size}", whole, None, "refits for intervals, tests, skill, checks, verdict"
        )


def climbed(panel: Panel) -> float:
    """Return the log-likelihood of the latent fit, from the panel on."""
    stack = Stack.of(panel, panel.session, panel.n_sessions)
    assert stack is not None  # noqa: S101
    found = find(stack, Structure(stack.n_obj, stack.n_steps), starting_points(stack))
    assert found is not None  # noqa: S101
    return found.at.log_likelihood


def general_optimiser(x: Array) -> tuple[float, float]:
    """Return seconds and log-likelihood of BFGS with difference quotients on the stacked normal likelihood."""
    from scipy.optimize import minimize

    panel = Panel.from_arrays(x)
    stack = Stack.of(panel, panel.session, panel.n_sessions)
    assert stack is not None  # noqa: S101
    structure = Structure(stack.n_obj, stack.n_steps)

    def lost(theta: Array) -> float:
        at = evaluate(structure, theta, stack.sample, slopes=False)
        return 1e10 if at is None else -at.log_likelihood

    start = time.perf_counter()
    found = minimize(lost, structure.pack(starting_points(stack)[0]), method="BFGS", options={"maxiter": 300})
    return time.perf_counter() - start, -float(found.fun)


def auto_rows() -> Iterator[Timing]:
    """Yield whole analyses with the estimator chosen group by group."""
    x = noisy_sessions(3200, STEPS, 2)
    groups = [str(k // 80) for k in range(len(x))]
    many = Panel.from_arrays(x, labels={"strategy": groups})
    seconds = best_of(1, lambda: analyze(many, by=["strategy"]))
    yield Timing("analyze auto, 40 groups x 80 sessions x 10 x 3", seconds, None, "1,000 replicates")
    one = Panel.from_arrays(noisy_sessions(1500, 12, 3))
    yield Timing("analyze auto, 1,500 sessions x 12 x 3", best_of(1, lambda: analyze(one)), None, "1,000 replicates")


# ------------------------------------------------------------------------- the command line


def process_time(command: Sequence[str], runs: int) -> float:
    """Return the shortest run of a command, in seconds; a command that fails is an error."""
    return best_of(runs, lambda: subprocess.run(command, check=True, capture_output=True))


def command_rows(runs: int) -> Iterator[Timing]:
    """Yield import and command-line times."""
    bare = process_time([sys.executable, "-c", "pass"], runs)
    imported = process_time([sys.executable, "-c", "import loopstat"], runs)
    yield Timing("import loopstat", imported - bare, None, f"beyond the {bare:.3f} s of bare Python")
    loop = str(Path(sys.executable).with_name("loopstat"))
    yield Timing("loopstat --help", process_time([loop, "--help"], runs), None, "whole process")
    what = "loopstat analyze, telephone game by model and strategy"
    if not TELEPHONE.exists():
        yield Timing(what, None, None, f"left out: {TELEPHONE} is not there")
        return
    objectives = "toxicity,positivity,difficulty,length"
    options = ["--objectives", objectives, "--minimize", "toxicity", "--by", "model,strategy", "--json", os.devnull]
    pooled = process_time([loop, "analyze", str(TELEPHONE), *options, "--estimator", "pooled"], min(runs, 2))
    yield Timing(what, pooled, None, "--estimator pooled")
    seconds = process_time([loop, "analyze", str(TELEPHONE), *options], 1)
    yield Timing(what, seconds, None, "--estimator auto, 76,500 rows, 15 groups, 4 objectives; whole process")


# -------------------------------------------------------------------------------- the table


def table(rows: Sequence[Timing]) -> str:
    """Return the rows as aligned text that is a Markdown table too."""
    cells = [("", "time", "against loopstat", "remark"), *(row.cells() for row in rows)]
    widths = [max(len(line[k]) for line in cells) for k in range(4)]
    lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in cells]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


ABOUT = {
    "drift": (__doc__ or "").split("\n\n", 1)[1],
    "balance": (
        "The task: the reversible transition matrix of largest likelihood, from sparse counts to probabilities, and "
        "potentials, tests and whole analyses of recordings of states. The peers are deeptime's estimator and an "
        "objective that loops over the transitions under L-BFGS."
    ),
    "moves": (
        "The task: one move of one run of a loop (trust-region defaults), many times over; one thread. The floor is "
        "the time its random numbers take alone; the peer draws every candidate and every review."
    ),
}


def page(text: str, lens: str) -> str:
    """Return the page of a lens, docs/benchmarks.md or docs/benchmarks_LENS.md."""
    which = "" if lens == "drift" else f"--lens {lens} "
    name = "benchmarks" if lens == "drift" else f"benchmarks_{lens}"
    return "\n".join(
        [
            "# Benchmarks" if lens == "drift" else f"# Benchmarks of the {lens} lens",
            "",
            f"    python -m benchmarks {which}--write docs/{name}.md",
            "",
            " ".join(ABOUT[lens].split()),
            "",
            text,
            "",
            machine(),
            "",
        ]
    )


def machine() -> str:
    """Return what this was measured on."""
    return (
        f"loopstat {loopstat.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} processors; every row may use all of them."
    )


def rows_of(lens: str, *, quick: bool) -> Iterator[Timing]:
    """Measure one lens."""
    if lens == "balance":
        return (Timing(*row) for row in balance_rows(quick=quick))
    if lens == "moves":
        return (Timing(*row) for row in move_rows(quick=quick))
    sizes, runs = (QUICK_SIZES, 2) if quick else (SIZES, 5)
    return chain(bootstrap_rows(sizes), latent_rows(sizes), auto_rows(), command_rows(runs))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--lens", choices=sorted(ABOUT), default="drift", help="what to measure (default drift)")
    parser.add_argument("--quick", action="store_true", help="leave out the largest size")
    parser.add_argument("--write", type=Path, metavar="PATH", help="write the table to a page as well")
    options = parser.parse_args(arguments)
    rows = []
    for row in rows_of(options.lens, quick=options.quick):
        rows.append(row)
        print(f"  {row.what.strip()}", file=sys.stderr, flush=True)
    text = table(rows)
    print(text)
    print(machine())
    if options.write:
        options.write.write_text(page(text, options.lens), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
