"""Speed of the balance lens beside its peers: deeptime's reversible estimator, and an objective summed pair by pair."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from loopstat.balance.analysis import analyze_balance
from loopstat.balance.chain.model import MarkovChain
from loopstat.balance.potentials.least_action import SOFTPLUS, Exchanges, least_action
from loopstat.balance.potentials.potential import potential, strengths
from loopstat.balance.tests.reversal import detailed_balance_test
from loopstat.panel.tally import Counts

from .loops import Array

STATES, QUICK_STATES = (100, 1000, 5000), (100, 1000)
LARGE = 7484, 21697  # states and exchanged pairs of the large graph
PATIENCE = 120.0  # seconds a peer may take on one problem

Row = tuple[str, float | None, float | None, str]


def best_of(runs: int, task: Callable[[], object]) -> float:
    """Return the shortest of several runs, in seconds."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        task()
        times.append(time.perf_counter() - start)
    return min(times)


def exchanged(a: Array, b: Array, n: int, rng: np.random.Generator, spread: float) -> Counts:
    """Return counts of pairs a, b with a random potential, 5 to 200 transitions each, all seen both ways."""
    V = rng.normal(0, spread, n)
    total = rng.integers(5, 200, len(a))
    up = np.clip(rng.binomial(total, 1 / (1 + np.exp(V[b] - V[a]))), 1, total - 1)
    return Counts.of(np.r_[a, b], np.r_[b, a], np.r_[up, total - up], states=[str(k) for k in range(n)])


def ring_lattice(n: int, rng: np.random.Generator) -> Counts:
    """Every state exchanges with its three neighbours on either side: slow to mix."""
    a = np.repeat(np.arange(n), 3)
    return exchanged(a, (a + np.tile([1, 2, 3], n)) % n, n, rng, 0.3)


def random_graph(n: int, pairs: int, rng: np.random.Generator) -> Counts:
    """A ring through all states and random pairs: quick to mix."""
    a, b = (
        np.r_[np.arange(n), rng.integers(0, n, pairs - n)],
        np.r_[np.roll(np.arange(n), -1), rng.integers(0, n, pairs - n)],
    )
    return exchanged(a[a != b], b[a != b], n, rng, 1.0)


def reversible_matrix(counts: Counts) -> Array:
    """Return the maximum-likelihood reversible probabilities of the exchanged pairs, from the counts on."""
    pairs = Exchanges.of(Counts(counts.states, counts.source, counts.target, counts.count, counts.visits))
    s = strengths(pairs)
    return np.asarray((pairs.forward + pairs.backward) / (1 + np.exp(s[pairs.b] - s[pairs.a])) / counts.rows[pairs.a])


def peer_matrix(counts: Counts) -> Any:
    """Return deeptime's, on the same sparse counts."""
    from deeptime.markov.tools.estimation import transition_matrix

    return transition_matrix(counts.matrix.tocsr(), reversible=True, maxiter=1_000_000, maxerr=1e-8)


def pairwise(counts: Counts) -> tuple[float, float, int]:
    """Return seconds, action and iterations of L-BFGS on an objective that loops over the transitions."""
    from scipy.optimize import minimize

    pairs = Exchanges.of(counts)
    T = list(
        zip(
            np.r_[pairs.a, pairs.b].tolist(),
            np.r_[pairs.b, pairs.a].tolist(),
            np.r_[pairs.forward / counts.visits[pairs.a], pairs.backward / counts.visits[pairs.b]].tolist(),
            strict=True,
        )
    )
    start = time.perf_counter()

    def action(v: Array) -> tuple[float, Array]:
        if time.perf_counter() - start > PATIENCE:
            raise TimeoutError
        values, slopes, total = v.tolist(), [0.0] * len(v), 0.0
        for f, g, t in T:
            d = values[f] - values[g]
            total += t * (math.log1p(math.exp(-d)) if d > 0 else -d + math.log1p(math.exp(d)))
            push = t / (1 + math.exp(d)) if d < 700 else 0.0
            slopes[f] -= push
            slopes[g] += push
        return total, np.array(slopes)

    found = minimize(action, np.zeros(counts.n_states), jac=True, method="L-BFGS-B", options={"maxiter": 10_000})
    return time.perf_counter() - start, float(found.fun), int(found.nit)


def balance_rows(*, quick: bool) -> Iterator[Row]:
    """Yield (what, seconds, times loopstat's, remark)."""
    sizes: Sequence[int] = QUICK_STATES if quick else STATES
    for n in sizes:
        for name, make in (
            ("ring lattice", ring_lattice),
            ("random graph", lambda n, rng: random_graph(n, 3 * n, rng)),
        ):
            counts = make(n, np.random.default_rng(n))
            ours = best_of(3, lambda counts=counts: reversible_matrix(counts))  # type: ignore[misc]
            yield f"reversible matrix, {name}, {n:,} states", ours, 1.0, "counts to probabilities, gradient to 1e-11"
            theirs = best_of(1, lambda counts=counts: peer_matrix(counts))  # type: ignore[misc]
            yield f"deeptime, {name}, {n:,} states", theirs, theirs / ours, "maxerr 1e-8"
    yield from _large_rows()
    yield from _exact_rows()


def _large_rows() -> Iterator[Row]:
    counts = random_graph(*LARGE, np.random.default_rng(0))
    size = f"{counts.n_states:,} states, {len(Exchanges.of(counts)):,} pairs"

    def ours() -> Array:
        pairs = Exchanges.of(counts)
        return least_action(
            pairs, pairs.forward / counts.visits[pairs.a], pairs.backward / counts.visits[pairs.b], SOFTPLUS
        )

    seconds = best_of(3, ours)
    v = ours()
    pairs = Exchanges.of(counts)
    d = v[pairs.a] - v[pairs.b]
    least = float(
        np.sum(pairs.forward / counts.visits[pairs.a] * np.logaddexp(0, -d))
        + np.sum(pairs.backward / counts.visits[pairs.b] * np.logaddexp(0, d))
    )
    read = 3 * 8 * 2 * len(pairs) * 10 / 1e10
    yield f"least action, {size}", seconds, 1.0, f"reading the pairs once a Newton step: about {read:.1g} s at 10 GB/s"
    try:
        peer, action, steps = pairwise(counts)
        yield (
            f"L-BFGS, transition by transition, {size}",
            peer,
            peer / seconds,
            f"{steps} steps, {action - least:.1g} above",
        )
    except TimeoutError:
        yield f"L-BFGS, transition by transition, {size}", None, None, f"not done in {PATIENCE:.0f} s"
    whole = best_of(1, lambda: potential(counts))
    yield f"  with intervals, {size}", whole, None, "300 random directions: errors of V to 4 %"


def _exact_rows() -> Iterator[Row]:
    rng = np.random.default_rng(1)
    P = rng.dirichlet(np.ones(12), size=12)
    tables = [Counts.of_matrix([rng.multinomial(36, row) for row in P]) for _ in range(240)]
    one = best_of(3, lambda: detailed_balance_test(tables[0], rng=0))
    yield "exact test, 12 states, 430 transitions", one, None, "999 draws"
    seconds = best_of(1, lambda: analyze_balance([({"group": str(k)}, t) for k, t in enumerate(tables)]))
    yield "whole balance analysis, 240 such groups", seconds, None, "999 draws each, potentials, currents, checks"
    n = 50_000
    a = rng.integers(0, n, 1_000_000)
    b = (a + rng.integers(-5, 6, len(a))) % n
    million = best_of(1, lambda: strengths(Exchanges.of(Counts.of(a, b, states=[str(k) for k in range(n)]))))
    yield "a million transitions over 50,000 states", million, None, "counted, classes found, reversible fit"
    chain = MarkovChain(np.asarray(P))
    steps = best_of(1, lambda: chain.simulate(10_000, steps=100, rng=0))
    yield "simulate a million steps of a chain", steps, None, "12 states"
