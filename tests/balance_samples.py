"""Small results of the balance lens, fitted to count matrices made by hand: what its view and the faces are tested on.

Tests of words replace the figures they are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from loopstat.balance.analysis import BalanceAnalysis
from loopstat.balance.fit import BalanceFit
from loopstat.balance.potentials.common import CommonPotential
from loopstat.balance.settings import ReversibleChain
from loopstat.panel.panel import Source
from loopstat.panel.tally import Counts

WORDS = ("ATTITUDE", "PERSONAL", "PROBLEMS", "TURKEY", "BUZZY")
WORD_MOVES = {(4, 0): 3859, (1, 0): 3879, (2, 0): 3558, (3, 0): 4122, (0, 1): 66, (0, 2): 20, (4, 3): 238}
HOSTILE = (
    "<script>alert(1)</script>",
    "a\" onmouseover='x' b",
    "\x1b[31mred\x00",
    "\u202etxt.exe",
    "שלום עולם",
    "🙂🙃 state",
    "x" * 10_000,
    "{{ 7*7 }}&amp;",
    "$\\frac{$ _%^",
    "",
)


def matrix_of(moves: Mapping[tuple[int, int], float], n: int) -> np.ndarray:
    """Return a square array of counts."""
    c = np.zeros((n, n))
    for (i, j), k in moves.items():
        c[i, j] = k
    return c


def words() -> np.ndarray:
    """Counts between five words of a published recording: a tree with two words that are only left."""
    c = matrix_of(WORD_MOVES, 5)
    return c + np.diag(c.sum(axis=1).max() - c.sum(axis=1))


def driven(n: int = 4, total: int = 4000, push: float = 1.0) -> np.ndarray:
    """Counts of a ring that is gone round one way more often than the other."""
    c = np.full((n, n), 0.04 * total / n)
    for i in range(n):
        c[i, (i + 1) % n] += total / n * 0.3 * np.exp(push / 2)
        c[i, (i - 1) % n] += total / n * 0.3 * np.exp(-push / 2)
        c[i, i] += total / n * (0.3 if i else 1.5)
    return np.round(c)


def landscape(n: int, total: int, *, seed: int = 0, neighbours: int = 4) -> np.ndarray:
    """Counts of draws from a reversible chain over `n` states with random potentials."""
    rng = np.random.default_rng(seed)
    v = rng.gamma(2.0, 1.0, n)
    c = np.zeros((n, n))
    for i in range(n):
        beside = rng.choice(n, min(neighbours, n), replace=False)
        for j in {*beside.tolist(), (i + 1) % n} - {i}:
            pi, pj = np.exp(-v[i] / 2), np.exp(-v[j] / 2)
            flow = total / n * pi * pj
            c[i, j] += rng.poisson(flow)
            c[j, i] += rng.poisson(flow)
        c[i, i] += rng.poisson(total / n * np.exp(-v[i]))
    return c


# ------------------------------------------------------------------------- one group


def group(states: Sequence[str], c: np.ndarray, *, by: Mapping[str, str] | None = None, **changes: Any) -> BalanceFit:
    """Return the fit of one group; `changes` replace whole fields."""
    by = dict(by or {})
    label = ", ".join(f"{k}={x}" for k, x in by.items()) or "all"
    rule = "equal" if len(states) == 5 else "observed"
    counts = Counts.of_matrix(c, states=list(states), visits=rule)
    fit = ReversibleChain(n_draws=39).fit(counts, rng=np.random.default_rng(0), label=label, by=by)
    return replace(fit, **changes)


def around(states: Sequence[str], by: Mapping[str, str] | None = None) -> BalanceFit:
    """Return a driven group over some states."""
    return group(states, driven(len(states)), by=by)


# ------------------------------------------------------------------------ the whole


def analysis(*groups: BalanceFit, **changes: Any) -> BalanceAnalysis:
    """Return a whole result of some groups."""
    made = BalanceAnalysis(
        groups,
        None,
        Source(("some/where/runs.parquet",), "0f" * 32),
        {"by": ["strategy"], "state": "state", "where": {}, "command": "loopstat balance runs.parquet --by strategy"},
        ("states: the column `state` (use --state to choose).",),
    )
    return replace(made, **changes)


@cache
def everyday() -> BalanceAnalysis:
    """Three groups: a driven one, a tree, and one in balance."""
    return analysis(
        around(("11", "12", "21", "22"), by={"strategy": "Cyclic"}),
        group(WORDS, words(), by={"strategy": "words"}),
        group([f"state {k}" for k in range(12)], landscape(12, 3_000, seed=3), by={"strategy": "landscape"}),
        common_potential=CommonPotential(0.03, 31.0, 0.91, 0.8, 0.96, 9, 3),
    )


@cache
def edge_cases() -> dict[str, BalanceAnalysis]:
    """Everything small, empty, large or hostile."""
    chain = np.diag([5.0, 4.0, 6.0], 1)
    both = np.zeros((14, 14))
    both[:8, :8], both[8:, 8:] = landscape(8, 3_000, seed=4), landscape(6, 2_000, seed=5)
    large = group([f"s{k:03d}" for k in range(45)], landscape(45, 9_000, seed=2, neighbours=2))
    return {
        "one state": analysis(group(("alone",), np.array([[30.0]]))),
        "no groups": analysis(),
        "no transitions": analysis(group((), np.zeros((0, 0)))),
        "no pair both ways": analysis(group(("a", "b", "c", "d"), chain)),
        "two classes": analysis(group([f"s{k}" for k in range(14)], both)),
        "hostile": analysis(
            around(HOSTILE[:4], by={HOSTILE[0]: HOSTILE[1]}),
            group(HOSTILE, landscape(len(HOSTILE), 2_000, seed=1), by={HOSTILE[2]: HOSTILE[6]}),
            notes=HOSTILE[:4],
            source=Source((f"{HOSTILE[0]}.csv",), "00"),
        ),
        "large": analysis(large),
        "many groups": analysis(*[replace(large, label=f"strategy=g{k}", by={"strategy": f"g{k}"}) for k in range(14)]),
    }


def chain(rng: np.random.Generator, v: np.ndarray, degree: int = 6) -> np.ndarray:
    """Return a reversible transition matrix on a random graph with potential `v`."""
    n = len(v)
    joined = np.zeros((n, n), dtype=bool)
    for i in range(n):
        joined[i, rng.choice(np.delete(np.arange(n), i), degree, replace=False)] = True
    P = np.where(joined | joined.T, np.exp((v[:, None] - v) / 2), 0.0)
    P /= 1.05 * P.sum(axis=1).max()
    P[np.arange(n), np.arange(n)] = 1 - P.sum(axis=1)
    return P
