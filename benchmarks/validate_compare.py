"""Simulate comparisons: `python -m benchmarks.validate_compare [panels]` prints coverage, size and pairing.

Three independent groups, a and b of one law and c of another; and two groups on the same tasks, the second moved by a
constant, which moves its ends and its rest and changes no rate and no coupling. Pareto figures: two groups of 40 ends
within bounds; the truth is the mean over all panels, for what is estimated is the expected figure on that many ends.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from loopstat import LinearDrift, LinearDriftFit, Objective, Panel
from loopstat.drift.compare import Comparison, compare
from loopstat.inference.pareto import pareto

from .loops import Array, Loop

STEPS, SESSIONS, TASKS, EACH, ENDS = 8, 24, 14, 3, 40
ONE = Loop(np.array([[0.6, 0.15], [0.0, 0.35]]), np.array([2.0, 1.0]), np.eye(2), np.zeros(2), np.eye(2))
OTHER = Loop(np.array([[0.45, 0.0], [0.12, 0.2]]), np.array([3.0, 0.5]), np.eye(2), np.zeros(2), np.eye(2))
SHIFT = np.array([0.5, -0.3])

Key = tuple[str, str | None]


def fit(x: Array, label: str, tasks: list[str] | None = None) -> LinearDriftFit:
    """Fit one group."""
    names = [f"{label}{k}" for k in range(len(x))]
    panel = Panel.from_arrays(list(x), session_names=names, labels={"task": tasks} if tasks else None)
    return LinearDrift("pooled", n_boot=0).fit(panel, rng=0, label=label)


def apart(panels: int) -> Iterator[tuple[Comparison, ...]]:
    """Yield comparisons of three independent groups."""
    for seed in range(panels):
        rng = np.random.default_rng([seed, 1])
        laws = (("a", ONE), ("b", ONE), ("c", OTHER))
        yield compare([fit(loop.run(rng, SESSIONS, STEPS), label) for label, loop in laws])


def together(panels: int) -> Iterator[tuple[Comparison, ...]]:
    """Yield comparisons of two groups on the same tasks."""
    tasks = [f"t{k}" for k in range(TASKS) for _ in range(EACH)]
    for seed in range(panels):
        rng = np.random.default_rng([seed, 2])
        offset = np.repeat(rng.standard_normal((TASKS, 1, 2)), EACH, axis=0)
        a, b = (ONE.run(rng, TASKS * EACH, STEPS) + offset for _ in range(2))
        yield compare([fit(a, "a", tasks), fit(b + SHIFT, "b", tasks)])


def truth(a: Loop, b: Loop) -> dict[Key, float]:
    """Return the true differences a - b."""

    def of(loop: Loop) -> dict[Key, float]:
        end = loop.rest + np.linalg.matrix_power(loop.M, STEPS - 1) @ (loop.start - loop.rest)
        out: dict[Key, float] = {("rate_exact", None): -float(np.log(np.abs(np.linalg.eigvals(loop.M)).max()))}
        for j in range(2):
            out[("kept_end", f"x{j + 1}")] = float(end[j])
            out[("equilibrium", f"x{j + 1}")] = float(loop.rest[j])
            out[("coupling", f"x{j + 1}<-x{2 - j}")] = float(loop.M[j, 1 - j])
        return out

    one, other = of(a), of(b)
    return {key: one[key] - other[key] for key in one}


def report(title: str, found: list[tuple[Comparison, ...]], pair: tuple[str, str], true: dict[Key, float]) -> None:
    """Print one line per quantity: coverage, errors against the spread seen, p-values below 0.05."""
    rows: dict[Key, list[Comparison]] = defaultdict(list)
    for comparisons in found:
        for c in comparisons:
            if (c.a, c.b) == pair:
                rows[(c.quantity, c.objective)].append(c)
    print(f"\n{title}\n\n| quantity | panels | coverage | half-width / spread | p < 0.05 |\n|---|--:|--:|--:|--:|")
    for key, some in rows.items():
        inside = np.mean([c.difference.low <= true[key] <= c.difference.high for c in some])
        spread = np.std([c.difference.value for c in some], ddof=1)
        half = np.median([(c.difference.high - c.difference.low) / 2 for c in some])
        small = np.mean([c.difference.p < 0.05 for c in some])
        name = f"{key[0]} {key[1] or ''}".strip()
        print(f"| {name} | {len(some)} | {inside:.3f} | {half / spread:.2f} | {small:.3f} |")


def standing(panels: int) -> None:
    """Print the coverage of the Pareto figures."""
    objectives = [Objective(name, low=-4.0, high=6.0) for name in "xyz"]
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = defaultdict(list)
    for seed in range(panels):
        rng = np.random.default_rng([seed, 3])
        parts = [
            (label, Panel.from_arrays(list(np.repeat(rng.normal(mean, 1, (ENDS, 1, 3)), 2, 1)), objectives=objectives))
            for label, mean in (("a", 0.0), ("b", 0.5))
        ]
        for group in pareto(parts, rng=rng):
            for key in ("share_final", "share_path", "hypervolume"):
                found[(key, group.label)].append(getattr(group, key).triple)
    print(f"\nPareto, {ENDS} ends a group\n\n| figure | group | coverage | too low | too high |\n|---|---|--:|--:|--:|")
    for (key, label), triples in found.items():
        value, low, high = np.array(triples).T
        true = value.mean()
        misses = np.mean(high < true), np.mean(low > true)
        print(f"| {key} | {label} | {1 - sum(misses):.3f} | {misses[0]:.3f} | {misses[1]:.3f} |")


def main(arguments: list[str]) -> int:
    """Print all tables."""
    panels = int(arguments[0]) if arguments else 2000
    first = list(apart(panels))
    same = dict.fromkeys(truth(ONE, ONE), 0.0)
    report(f"Independent groups of {SESSIONS} sessions, another law", first, ("a", "c"), truth(ONE, OTHER))
    report("The same law: nothing differs", first, ("a", "b"), same)
    moved = {key: -SHIFT[int(key[1][1]) - 1] if key[1] and "<-" not in key[1] else 0.0 for key in same}
    title = f"{TASKS} shared tasks, {EACH} sessions each: moved by a constant"
    report(title, list(together(panels)), ("a", "b"), moved)
    standing(panels)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
