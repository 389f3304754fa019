"""What the validation of the balance lens simulates: plain NumPy chains of known potential, affinity and order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from loopstat.balance.currents import MainChain, circulation
from loopstat.balance.potentials.common import common_potential
from loopstat.balance.potentials.potential import potential
from loopstat.balance.rows import KERNELS
from loopstat.balance.settings import ReversibleChain
from loopstat.balance.tests.cycles import cycle_basis_test, source_statistic
from loopstat.balance.tests.exact import exact_draws, exact_draws_within
from loopstat.balance.tests.order import homogeneity_test, order_test
from loopstat.balance.tests.reversal import detailed_balance_test
from loopstat.panel.tally import Counts, Events

from .cells import NOMINAL, Cell, Numbers, Row
from .loops import Array, Rng

SIZE = (0.04, 0.06)
EXACT_DRAWS = 99  # for randomised p-values, which are uniform whatever their number
MANY = 20  # states of the tables
CELLS = (2.5, 5.0, 20.0, 100.0)  # transitions per ordered pair


def reversible(n: int, rng: Rng, *, spread: float = 0.7, V: Array | None = None) -> tuple[Array, Array]:
    """Return P of a dense reversible chain and its potential, both random."""
    V = rng.normal(0, spread, n) if V is None else V
    w = np.exp(-V)
    s = rng.gamma(2.0, size=(n, n))
    s = (s + s.T) * np.sqrt(np.outer(w, w))
    P = s / w[:, None]
    P /= P.sum(axis=1).max()
    P[np.diag_indices(n)] += 1 - P.sum(axis=1)
    return P, V


def driven(n: int, rng: Rng, strength: float) -> Array:
    """Return P of a dense chain with random currents."""
    s = rng.gamma(2.0, size=(n, n))
    push = np.triu(rng.normal(0, strength, (n, n)), 1)
    s = (s + s.T) * np.exp(push - push.T)
    return np.asarray(s / s.sum(axis=1, keepdims=True))


def ring(n: int, affinity: float, stay: float = 0.2) -> Array:
    """Return P of a ring with known affinity."""
    up = (1 - stay) / (1 + np.exp(-affinity / n))
    P = np.zeros((n, n))
    k = np.arange(n)
    P[k, (k + 1) % n], P[k, (k - 1) % n] = up, 1 - stay - up
    P[k, k] += stay
    return P


def table(P: Array, draws: int, rng: Rng) -> Counts:
    """Draw every row of a chain `draws` times."""
    return Counts.of_matrix([rng.multinomial(draws, row) for row in P], visits=draws)


def paths(P: Array | list[Array], sessions: int, steps: int, rng: Rng, *, start: int | None = None) -> Array:
    """Run sessions of `steps` states, of one chain or each of its own; from one state or from the uniform law."""
    each = np.broadcast_to(P, (sessions, *P.shape)) if isinstance(P, np.ndarray) else np.array(P)
    cumulative = each.cumsum(axis=2)
    n = cumulative.shape[1]
    x = np.empty((sessions, steps), dtype=np.int64)
    x[:, 0] = rng.integers(0, n, sessions) if start is None else start
    for t in range(1, steps):
        rows = cumulative[np.arange(sessions), x[:, t - 1]]
        x[:, t] = np.minimum((rows < rng.random((sessions, 1))).sum(axis=1), n - 1)
    return x


def recorded(x: Array, n: int) -> Counts:
    """Count the transitions of sessions as the package would."""
    sessions, steps = x.shape
    of = np.repeat(np.arange(sessions), steps - 1)
    step = np.tile(np.arange(steps - 1), sessions)
    names = tuple(str(k) for k in range(sessions))
    events = Events(x[:, :-1].ravel(), x[:, 1:].ravel(), of, of, step, step > 0, names)
    made = Counts.of(events.source, events.target, states=[str(k) for k in range(n)])
    return replace(made, events=events)


def small(p: float) -> Any:
    """Return whether a p-value rejects at 5 %, NaN where there is none."""
    return np.float64(p <= 0.05) if np.isfinite(p) else np.float64(np.nan)


def inside(low: Array, value: Array, high: Array, where: Array) -> Any:
    """Return the share of intervals that hold their value; NaN where none is given."""
    kept = where & np.isfinite(low) & np.isfinite(high)
    return np.float64(np.mean((low <= value) & (value <= high), where=kept)) if kept.any() else np.float64(np.nan)


# -------------------------------------------------------------------------------- the tests


def exact_size(per: float) -> Callable[[Rng], Numbers]:
    """Return a body: does the exact test reject a reversible table?"""

    def run(rng: Rng) -> Numbers:
        P, _ = reversible(MANY, rng)
        draws = exact_draws(table(P, int(per * MANY), rng), n_draws=EXACT_DRAWS, rng=rng, thin=500)
        return {"exact": small(draws.randomised(rng) if draws else np.nan)}

    return run


def other_sizes(per: float) -> Callable[[Rng], Numbers]:
    """Return a body: do the other tests, and what of the published statistics?"""

    def run(rng: Rng) -> Numbers:
        P, _ = reversible(MANY, rng)
        counts = table(P, int(per * MANY), rng)
        test = detailed_balance_test(counts, method="chi-square")
        source = source_statistic(counts)
        return {
            "chi-square": small(test.p_value),
            "basis": small(cycle_basis_test(counts).p_value),
            "pairs": np.float64(source.pair_chi2_ndf),
            "cycles": np.float64(source.cycle_chi2_ndf),
        }

    return run


def bootstrap_size(per: float) -> Callable[[Rng], Numbers]:
    """Return a body: does the parametric bootstrap?"""

    def run(rng: Rng) -> Numbers:
        P, _ = reversible(MANY, rng)
        counts = table(P, int(per * MANY), rng)
        return {"bootstrap": small(detailed_balance_test(counts, method="bootstrap", n_draws=59, rng=rng).p_value)}

    return run


def session_tests(n: int, sessions: int, steps: int, kind: str) -> Callable[[Rng], Numbers]:
    """Return a body: the two exact tests and the warnings, on sessions of one chain, or each of its own."""

    def run(rng: Rng) -> Numbers:
        if kind == "own":
            P: Any = [reversible(n, rng, spread=1.0)[0] for _ in range(sessions)]
        elif kind == "ring":
            P = ring(n, 2.0)
        else:
            P = reversible(n, rng)[0]
        counts = recorded(paths(P, sessions, steps, rng, start=0 if kind == "one start" else None), n)
        within = exact_draws_within(counts, n_draws=EXACT_DRAWS, rng=rng)
        pooled = exact_draws(counts, n_draws=EXACT_DRAWS, rng=rng, thin=1000)
        out = {
            "within": small(within.randomised(rng) if within else np.nan),
            "pooled": small(pooled.randomised(rng) if pooled else np.nan),
            "order": small(order_test(counts, rng=rng, n_draws=99).p_value),
        }
        for over in ("steps", "sessions"):
            out[over] = small(homogeneity_test(counts, over=over, rng=rng, n_draws=99).p_value)
        return out

    return run


def remembering(rng: Rng) -> Numbers:
    """Sessions whose next state depends on the last two."""
    n, sessions, steps = 4, 50, 20
    P = rng.dirichlet(np.full(n, 1.0), size=(n, n)).cumsum(axis=2)
    x = rng.integers(0, n, (sessions, steps))
    for t in range(2, steps):
        rows = P[x[:, t - 2], x[:, t - 1]]
        x[:, t] = np.minimum((rows < rng.random((sessions, 1))).sum(axis=1), n - 1)
    return {"order": small(order_test(recorded(x, n), rng=rng, n_draws=99).p_value)}


def mixture(rng: Rng) -> Numbers:
    """Two reversible chains, 500 draws per state each, in one table."""
    counts = table(reversible(6, rng, spread=1.0)[0], 500, rng) + table(reversible(6, rng, spread=1.0)[0], 500, rng)
    return {"pooled": small(detailed_balance_test(counts, n_draws=99, rng=rng).p_value)}


def ring_power(affinity: float, transitions: int) -> Callable[[Rng], Numbers]:
    """Return a body: is a driven ring of six states seen?"""

    def run(rng: Rng) -> Numbers:
        counts = table(ring(6, affinity), transitions // 6, rng)
        return {"power": small(detailed_balance_test(counts, n_draws=99, rng=rng).p_value)}

    return run


# ---------------------------------------------------------------------------- the estimates


def table_intervals(n: int, per: float) -> Callable[[Rng], Numbers]:
    """Return a body: intervals of V less V of the lowest state, three kernels, and of the stationary law."""

    def run(rng: Rng) -> Numbers:
        P, V = reversible(n, rng)
        counts = table(P, int(per * n), rng)
        out: Numbers = {}
        for kernel in KERNELS:
            found = potential(counts, kernel=kernel)
            true, free = V - V[found.bottom], np.arange(n) != found.bottom
            out[kernel] = inside(found.low, true, found.high, free & np.isfinite(found.value))
        fit = ReversibleChain(n_draws=19).fit(counts, rng=rng)
        pi = np.exp(-V) / np.exp(-V).sum()
        out["stationary"] = inside(fit.stationary.low, pi, fit.stationary.high, np.ones(n, bool))
        return out

    return run


def session_intervals(n: int, sessions: int, steps: int, kind: str) -> Callable[[Rng], Numbers]:
    """Return a body: the same from sessions, which may differ in how fast they move."""

    def run(rng: Rng) -> Numbers:
        P, V = reversible(n, rng)
        chains: Any = P
        if kind == "differ":  # sessions of one potential, each with its own share of waiting
            chains = [np.eye(n) * w + P * (1 - w) for w in rng.uniform(0, 0.9, sessions)]
        found = potential(recorded(paths(chains, sessions, steps, rng), n))
        if len(found.value) < n:
            return {"likelihood": np.float64(np.nan)}
        true, free = V - V[found.bottom], np.arange(n) != found.bottom
        return {"likelihood": inside(found.low, true, found.high, free & np.isfinite(found.value))}

    return run


def entropy(n: int, draws: int, strength: float) -> Callable[[Rng], Numbers]:
    """Return a body: the interval and the bias of the entropy production."""

    def run(rng: Rng) -> Numbers:
        P = driven(n, rng, strength) if strength else reversible(n, rng)[0]
        counts = table(P, draws, rng)
        pi = np.linalg.solve(np.eye(n) - P.T + 1, np.ones(n))
        J = pi[:, None] * P
        true = round(float(np.sum((J - J.T) * np.log(J / J.T)) / 2), 12) + 0.0
        chain = MainChain.of(counts)
        if chain is None:
            return {"entropy": np.float64(np.nan), "bias": np.float64(np.nan), "true": np.float64(true)}
        test = detailed_balance_test(counts, n_draws=99, rng=rng)
        e = circulation(chain, test, level=0.95, rng=rng).entropy
        held = np.float64(e.low <= true <= e.high) if np.isfinite(e.high) else np.float64(np.nan)
        return {"entropy": held, "bias": np.float64(e.value - true), "true": np.float64(true)}

    return run


def one_for_all(n: int, draws: int, groups: int) -> Callable[[Rng], Numbers]:
    """Return a body: groups of one potential, then two groups whose potentials are correlated."""

    def run(rng: Rng) -> Numbers:
        def group(V: Array) -> Any:
            counts = table(reversible(n, rng, V=V)[0], draws, rng)
            return counts, potential(counts)

        V = rng.normal(0, 1, n)
        same = common_potential([group(V) for _ in range(groups)], rng=rng)
        both = [V + rng.normal(0, 0.7, n) for _ in range(2)]
        other = common_potential([group(v) for v in both], rng=rng)
        true = float(np.corrcoef(*both)[0, 1])
        held = np.nan if other is None or not np.isfinite(other.low) else float(other.low <= true <= other.high)
        return {
            "size": small(np.nan if same is None else same.p_value),
            "power": small(np.nan if other is None else other.p_value),
            "correlation": np.float64(held),
        }

    return run


# --------------------------------------------------------------------------------- the cells


def _size_cells() -> list[Cell]:
    out = []
    for per in CELLS:
        what = f"Reversible tables of {MANY} states, {per:g} transitions in a cell"
        row = Row("exact", "exact test rejects at 5 % (randomised p)", SIZE)
        out.append(Cell(f"exact-{per:g}", what, (row,), exact_size(per), share=4.0))
        rows = (
            Row("chi-square", "likelihood ratio by chi-square rejects"),
            Row("basis", "cycle basis with its full covariance rejects"),
            Row("pairs", "published statistic of pairs, chi²/ndf"),
            Row("cycles", "published statistic of cycles, chi²/ndf"),
        )
        out.append(Cell(f"other-tests-{per:g}", what, rows, other_sizes(per), share=0.5))
    row = Row("bootstrap", "parametric bootstrap rejects")
    out += [
        Cell(f"bootstrap-{per:g}", f"Reversible tables, {per:g} in a cell", (row,), bootstrap_size(per), share=0.2)
        for per in CELLS[:2]
    ]
    return out


def _session_cells() -> list[Cell]:
    def rows(within: Any, pooled: Any, order: Any, steps: Any, sessions: Any) -> tuple[Row, ...]:
        return (
            Row("within", "exact test within sessions rejects", within),
            Row("pooled", "exact test of all sessions pooled rejects", pooled),
            Row("order", "order test rejects", order),
            Row("steps", "homogeneity over steps rejects", steps),
            Row("sessions", "homogeneity over sessions rejects", sessions),
        )

    same = rows(SIZE, None, SIZE, SIZE, SIZE)
    out = []
    for name, what, kind, shape, lines in (
        ("sessions-short", "100 sessions x 10 of one reversible chain of 4 states", "one", (4, 100, 10), same),
        ("sessions-one-start", "The same, all from one state", "one start", (4, 100, 10), same),
        ("sessions-long", "5 sessions x 200 of one reversible chain of 6 states", "one", (6, 5, 200), same),
        ("sessions-many-states", "40 sessions x 30, 12 states", "one", (12, 40, 30), same),
        (
            "sessions-own",
            "60 sessions x 30, each of a reversible chain of its own, 5 states",
            "own",
            (5, 60, 30),
            rows(SIZE, None, SIZE, SIZE, None),
        ),
        (
            "sessions-ring",
            "40 sessions x 20 of a ring of 5 states, affinity 2: power",
            "ring",
            (5, 40, 20),
            rows(None, None, SIZE, SIZE, SIZE),
        ),
    ):
        out.append(Cell(name, what, lines, session_tests(*shape, kind), share=1.0))
    out.append(
        Cell(
            "order-two",
            "50 sessions x 20 of a chain of order 2: power",
            (Row("order", "order test rejects"),),
            remembering,
            0.2,
        )
    )
    out.append(
        Cell(
            "mixture",
            "Two reversible chains of 6 states pooled in one table, 500 draws per state each",
            (Row("pooled", "exact test rejects, though each chain is balanced"),),
            mixture,
            0.2,
        )
    )
    for affinity, n in ((1.0, 600), (2.0, 600), (2.0, 2400), (4.0, 600)):
        what = f"A ring of 6 states, affinity {affinity:g}, {n} transitions"
        row = Row("power", "exact test rejects")
        out.append(Cell(f"ring-{affinity:g}-{n}", what, (row,), ring_power(affinity, n), 0.5))
    return out


def _interval_cells() -> list[Cell]:
    out = []
    for n, per in ((4, 5.0), (4, 100.0), (20, 2.5), (20, 5.0), (20, 20.0)):
        rows = tuple(Row(k, f"V, kernel {k}", NOMINAL) for k in KERNELS)
        rows += (Row("stationary", "stationary law", NOMINAL),)
        what = f"Tables of {n} states, {per:g} transitions in a cell"
        out.append(Cell(f"potential-{n}-{per:g}", what, rows, table_intervals(n, per), share=0.5))
    for name, what, shape in (
        ("potential-sessions", "100 sessions x 10, 4 states", (4, 100, 10, "one")),
        ("potential-sessions-differ", "60 sessions x 20 that wait more or less, 4 states", (4, 60, 20, "differ")),
        ("potential-sessions-many", "40 sessions x 50, 10 states", (10, 40, 50, "one")),
    ):
        out.append(Cell(name, what, (Row("likelihood", "V", NOMINAL),), session_intervals(*shape), share=1.0))
    for n, draws, strength in ((4, 100, 0.0), (4, 1000, 0.05), (4, 1000, 0.6), (10, 200, 0.2), (10, 1000, 0.2)):
        rows = (
            Row("entropy", "entropy production, interval", NOMINAL if strength else (0.93, 1.0)),
            Row("bias", "its estimate less the truth"),
            Row("true", "the truth, nats per step"),
        )
        what = f"Tables of {n} states, {draws} draws a state, currents of strength {strength:g}"
        out.append(Cell(f"entropy-{n}-{draws}-{strength:g}", what, rows, entropy(n, draws, strength), share=0.5))
    for n, draws, groups in ((4, 400, 2), (4, 400, 10), (12, 60, 3), (12, 400, 3)):
        rows = (
            Row("size", "common potential rejected though it is one", (0.03, 0.06)),
            Row("power", "rejected where potentials correlate 0.8"),
            Row("correlation", "correlation of potentials, interval", (0.93, 1.0)),
        )
        what = f"{groups} groups of {n} states, {draws} draws a state"
        out.append(Cell(f"common-{n}-{draws}-{groups}", what, rows, one_for_all(n, draws, groups), share=0.5))
    return out


def balance_cells() -> list[Cell]:
    """Return all cells of the balance lens."""
    return [*_size_cells(), *_session_cells(), *_interval_cells()]
