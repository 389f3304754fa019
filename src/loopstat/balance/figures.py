"""Figures of a balance fit, each read off the counts, the potential or the chain of the main class."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from ..arrays import Float, summed
from ..inference.estimate import Estimate, TestResult
from ..inference.intervals import student
from ..panel.model import Rng
from ..panel.tally import Counts
from .chain.model import MarkovChain
from .chain.transitions import escape_intervals, relaxation_intervals
from .currents import Circulation, EntropyProduction, MainChain
from .fit import MOST_PAIRS, ExchangedPair, Trap
from .potentials.least_action import Exchanges
from .potentials.potential import Potential, potential, strengths
from .tests.order import homogeneity_test, order_test

FEW_VISITS = 10  # below them a state is no trap, whatever its share
MOST_TRAPS = 10
N_TIMES = 10
SHORT_TESTS, FEWEST = 199, 39  # draws of the tests that only warn: most, and least
SHUFFLED = 4e7  # transitions put in order in all draws of one of them: five to ten seconds


class ChainFigures(TypedDict):
    """What the counts, a potential and the chain of the main class say, under the names of `BalanceFit`."""

    stationary: Estimate
    stationary_free: Float
    escape: Estimate
    relaxation_times: Estimate
    spectral_gap: float
    downhill: dict[str, float]
    pairs: tuple[ExchangedPair, ...]
    traps: tuple[Trap, ...]


def chain_figures(
    counts: Counts, chain: MainChain | None, pairs: Exchanges, v: Potential, level: float
) -> ChainFigures:
    """Return the figures of a recording, or of a chain that is known, with intervals of so many transitions."""
    stationary, free = stationary_laws(counts, chain, v, level)
    escape = escape_intervals(counts, level=level)
    times, gap = relaxation(chain, level)
    return {
        "stationary": stationary,
        "stationary_free": free,
        "escape": escape,
        "relaxation_times": times,
        "spectral_gap": gap,
        "downhill": downhill(counts, v.value),
        "pairs": exchanged_pairs(counts, pairs, v, level),
        "traps": traps(counts, escape, v, stationary.value),
    }


def downhill(counts: Counts, value: Float) -> dict[str, float]:
    """Return how much of a recording goes down a potential.

    Parameters
    ----------
    counts : Counts
    value : float array, shape (n_states,)
        Potential; NaN entries are skipped.

    Returns
    -------
    dict
        `weighted`: share of transitions to another state that lower V, one half in any stationary reversible
        recording, whatever V. `pairs`: share of exchanged pairs whose likelier direction lowers V. Equal V counts
        half.
    """
    i, j, n = counts.source, counts.target, counts.count
    known = (i != j) & np.isfinite(value[i]) & np.isfinite(value[j])
    d = np.sign(value[i] - value[j])[known]
    weighted = float(n[known] @ ((d + 1) / 2) / n[known].sum()) if known.any() else np.nan
    p = Exchanges.of(counts)
    rates = p.forward / np.maximum(counts.visits[p.a], 1e-300) - p.backward / np.maximum(counts.visits[p.b], 1e-300)
    agree = np.sign(rates) * np.sign(value[p.a] - value[p.b])
    agree = agree[np.isfinite(agree)]
    return {"weighted": weighted, "pairs": float(np.mean((agree + 1) / 2)) if len(agree) else np.nan}


def no_circulation() -> Circulation:
    """Return the currents of a group without a class of several states."""
    return Circulation(EntropyProduction(np.nan, np.nan, np.nan, 0), (), ())


def stationary_laws(counts: Counts, chain: MainChain | None, v: Potential, level: float) -> tuple[Estimate, Float]:
    """Return exp(-beta V) of the main class by likelihood with intervals, and the law of the free chain."""
    nothing = np.full(counts.n_states, np.nan)
    if chain is None:
        return Estimate(nothing), nothing
    members = chain.members
    scaled = potential(counts, level=level) if v.kernel != "likelihood" else v
    depth = scaled.beta * scaled.value[members]
    pi = np.exp(-(depth - depth.min()))
    pi /= pi.sum()
    root = scaled.beta * scaled.root[members]
    error = np.sqrt(np.sum((root - pi @ root) ** 2, axis=1))
    found = student(pi, error / np.maximum(1 - pi, 1e-12), level=level, scale="logit")
    out = [nothing.copy() for _ in range(4)]
    for array, values in zip(out, (found.value, found.low, found.high, chain.pi), strict=True):
        array[members] = values
    return Estimate(*out[:3], level=level), out[3]


def relaxation(chain: MainChain | None, level: float) -> tuple[Estimate, float]:
    """Return the relaxation times of the main class, the slowest first, and the gap of the slowest."""
    if chain is None:
        return Estimate(np.zeros(0)), np.nan
    found = relaxation_intervals(chain.completed, k=min(N_TIMES + 1, chain.counts.n_states), level=level)
    with np.errstate(divide="ignore"):
        gap = -np.expm1(-1 / found.value[0]) if len(found.value) else np.nan
    return found, float(gap)


def slowest_time(times: Estimate, lag: int) -> Estimate:
    """Return the slowest relaxation time in steps; unknown where there is none."""
    return (
        Estimate(*(lag * part[0] for part in (times.value, times.low, times.high)))
        if len(times.value)
        else Estimate.unknown()
    )


def chain_tests(counts: Counts, rng: Rng) -> tuple[TestResult, dict[str, TestResult]]:
    """Test whether one chain, without memory, holds throughout: order, and sameness over steps and sessions."""
    if counts.events is None:
        none = TestResult.impossible("the table has no sessions: what came before a state is not known.")
        return none, {"steps": none, "sessions": none}
    n = int(np.clip(SHUFFLED / max(len(counts.events.source), 1), FEWEST, SHORT_TESTS))
    order = order_test(counts, rng=rng, n_draws=n)
    over = {name: homogeneity_test(counts, over=name, rng=rng, n_draws=n) for name in ("steps", "sessions")}
    return order, over


def reversible_model(chain: MainChain | None) -> MarkovChain | None:
    """Return the reversible chain of the main class."""
    if chain is None:
        return None
    from scipy.sparse import csr_matrix

    p, part = chain.pairs, chain.counts
    s = strengths(p)
    up = 1 / (1 + np.exp(-(s[p.a] - s[p.b])))
    total = p.forward + p.backward
    rows, columns = np.r_[p.a, p.b], np.r_[p.b, p.a]
    values = np.r_[total * up, total * (1 - up)] / chain.visits[rows]
    moved = summed(rows, values, part.n_states)
    own = np.arange(part.n_states)
    P = csr_matrix(
        (np.r_[values, np.maximum(1 - moved, 0.0)], (np.r_[rows, own], np.r_[columns, own])),
        shape=(part.n_states, part.n_states),
    )
    return MarkovChain(csr_matrix(P.multiply(1 / P.sum(axis=1))), part.states)


def exchanged_pairs(counts: Counts, pairs: Exchanges, v: Potential, level: float) -> tuple[ExchangedPair, ...]:
    """Return the pairs with most transitions: exchanged ones, and those that lead out of a class and never back."""
    i, j = counts.source, counts.target
    gone = pairs.label[i] != pairs.label[j]
    a, b = np.r_[pairs.a, i[gone]], np.r_[pairs.b, j[gone]]
    up, down = np.r_[pairs.forward, counts.count[gone]], np.r_[pairs.backward, np.zeros(int(gone.sum()))]
    first = np.argsort(-(up + down), kind="stable")[:MOST_PAIRS]
    a, b, up, down = a[first], b[first], up[first], down[first]
    n_a, n_b = np.maximum(counts.visits[a], 1e-300), np.maximum(counts.visits[b], 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log(up / n_a) - np.log(down / n_b)
        error = np.sqrt(np.maximum(1 / up - 1 / n_a + 1 / down - 1 / n_b, 0))
    ratio[~np.isfinite(ratio)] = np.nan
    e = student(ratio, error, level=level)
    apart = np.where(pairs.label[a] == pairs.label[b], v.value[a] - v.value[b], np.nan)
    columns = (up, down, ratio, e.low, e.high, apart)
    names = ((counts.states[x], counts.states[y]) for x, y in zip(a, b, strict=True))
    rows = zip(*(c.tolist() for c in columns), strict=True)
    return tuple(ExchangedPair(*pair, *row) for pair, row in zip(names, rows, strict=True))


def traps(counts: Counts, escape: Estimate, v: Potential, pi: Float) -> tuple[Trap, ...]:
    """Return states left at less than half the overall rate beyond doubt, worst first.

    A state that nobody ever tried to leave, as the last of a session, is no trap for that.
    """
    own = float(counts.count[counts.source == counts.target].sum())
    visits = float(counts.visits.sum())
    overall = (counts.total - own) / visits if visits else np.nan
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((counts.visits >= FEW_VISITS) & (escape.high < overall / 2))
    rows = rows[np.lexsort((-counts.visits[rows], escape.value[rows]))][:MOST_TRAPS]
    return tuple(
        Trap(
            counts.states[k],
            float(escape.value[k]),
            float(escape.low[k]),
            float(escape.high[k]),
            float(v.action_per_state[k]),
            float(counts.visits[k]),
            float(pi[k]),
        )
        for k in rows
    )
