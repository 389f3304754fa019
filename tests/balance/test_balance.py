"""Tests of detailed balance: published figures, samplers against enumeration, sizes, currents, one potential."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import factorial, log

import numpy as np
import pytest

from loopstat import SettingsError
from loopstat.balance.currents import MainChain, _laws, _laws_by_system, circulation
from loopstat.balance.potentials.common import common_potential
from loopstat.balance.potentials.potential import potential
from loopstat.balance.tests import exact
from loopstat.balance.tests.cycles import cycle_basis_test, source_statistic, triangles
from loopstat.balance.tests.exact import Draws, exact_draws, exact_draws_within, returns
from loopstat.balance.tests.reversal import WITHIN, detailed_balance_test
from loopstat.panel.tally import Counts, Events
from loopstat.systems import binned_loop, driven_ring, metropolis

JOURNALS = [[714, 730, 498, 221], [33, 425, 68, 17], [320, 813, 1072, 142], [284, 276, 325, 188]]


def reversible(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return P of a dense reversible chain."""
    s = rng.gamma(2.0, size=(n, n))
    w = np.exp(-0.7 * rng.standard_normal(n))
    s = (s + s.T) * np.sqrt(np.outer(w, w))
    return np.asarray(s / s.sum(axis=1, keepdims=True))


def table(P: np.ndarray, draws: int, rng: np.random.Generator) -> Counts:
    return Counts.of_matrix([rng.multinomial(draws, row) for row in P])


def sessions_of(x: np.ndarray, n: int) -> Counts:
    """Count sessions of equal length, shape (sessions, steps)."""
    sessions, steps = x.shape
    of, step = np.repeat(np.arange(sessions), steps - 1), np.tile(np.arange(steps - 1), sessions)
    events = Events(x[:, :-1].ravel(), x[:, 1:].ravel(), of, of, step, step > 0, tuple(str(k) for k in range(sessions)))
    return replace(Counts.of(events.source, events.target, states=[str(k) for k in range(n)]), events=events)


def run(P: np.ndarray, sessions: int, steps: int, rng: np.random.Generator) -> np.ndarray:
    cumulative, x = P.cumsum(axis=1), np.empty((sessions, steps), dtype=np.int64)
    x[:, 0] = rng.integers(0, len(P), sessions)
    for t in range(1, steps):
        x[:, t] = np.minimum((cumulative[x[:, t - 1]] < rng.random((sessions, 1))).sum(axis=1), len(P) - 1)
    return x


# ------------------------------------------------------------------------------ figures


@pytest.mark.slow
def test_published_citations() -> None:
    test = detailed_balance_test(Counts.of_matrix(JOURNALS), rng=0)
    assert test.statistic == pytest.approx(4.293, abs=5e-4)
    assert test.df == 3
    assert test.chi_square_p_value == pytest.approx(0.231, abs=5e-4)
    assert test.method == "exact"
    assert abs(test.p_value - 0.231) < 4 * np.sqrt(0.231 * 0.769 / 1000)
    assert np.isnan(test.size_at_5_percent)


def test_the_cycle_basis_statistic_is_that_of_an_explicit_basis() -> None:
    c = np.array(JOURNALS, dtype=float)
    cycles = [(0, 1, 2), (0, 1, 3), (0, 2, 3)]  # through the first state: a basis of four states
    steps = [[(a, b), (b, d), (d, a)] for a, b, d in cycles]
    affinity = np.array([sum(log(c[f, g] / c[g, f]) for f, g in s) for s in steps])
    pairs = sorted({tuple(sorted(p)) for s in steps for p in s})
    F = np.array([[((a, b) in s) - ((b, a) in s) for a, b in pairs] for s in steps], dtype=float)
    C = F @ np.diag([1 / c[a, b] + 1 / c[b, a] for a, b in pairs]) @ F.T
    found = cycle_basis_test(Counts.of_matrix(c))
    assert found.df == 3
    assert found.statistic == pytest.approx(affinity @ np.linalg.solve(C, affinity), rel=1e-9)


def test_the_published_statistics_by_hand() -> None:
    c = np.array(JOURNALS, dtype=float)
    counts = Counts.of_matrix(c)
    found = source_statistic(counts)
    v, N = potential(counts, kernel="softplus").value, c.sum(axis=1)
    above = [(a, b) for a in range(4) for b in range(a + 1, 4)]
    squares = [(v[a] - v[b] - log(c[a, b] / N[a] * N[b] / c[b, a])) ** 2 for a, b in above]
    assert found.pairs == 6
    assert found.pair_chi2_ndf == pytest.approx(np.mean(squares), rel=1e-6)
    ratios = []
    for a, b, d in [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3)]:
        affinity = log(c[a, b] * c[b, d] * c[d, a] / (c[b, a] * c[d, b] * c[a, d]))
        v3 = sum(1 / c[f, g] + 1 / c[g, f] for f, g in ((a, b), (b, d), (d, a))) + 2 * sum(1 / N[k] for k in (a, b, d))
        ratios.append(affinity**2 / v3)
    assert found.cycles == 4
    assert found.cycle_chi2_ndf == pytest.approx(np.mean(ratios), rel=1e-9)


def test_triangles_are_all_found() -> None:
    a, b = np.triu_indices(6, 1)
    listed = triangles(a.astype(np.int64), b.astype(np.int64), 6)
    assert listed is not None
    assert len({tuple(c) for c in listed[3].tolist()}) == len(listed[3]) == 20


# ----------------------------------------------------------------- samplers against enumeration


def _statistic(c: np.ndarray) -> float:
    off = c[~np.eye(len(c), dtype=bool)]
    return float(sum(k * log(k) for k in off if k))


def _agrees(draws: Draws, above: float, equal: float) -> None:
    for seen, true in ((draws.greater, above), (draws.equal, equal)):
        error = np.sqrt(max(true * (1 - true), 1e-4) / draws.n_draws)
        assert abs(seen / draws.n_draws - true) < 4.5 * error


def test_draws_given_their_source_follow_the_enumerated_law() -> None:
    c = np.array([[0, 3, 1, 0], [1, 0, 2, 1], [2, 1, 0, 1], [0, 1, 1, 0]])
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4) if c[i, j] + c[j, i]]
    weights: dict[float, float] = {}
    for up in product(*(range(c[i, j] + c[j, i] + 1) for i, j in pairs)):
        d = np.zeros_like(c)
        for (i, j), k in zip(pairs, up, strict=True):
            d[i, j], d[j, i] = k, c[i, j] + c[j, i] - k
        if np.array_equal(d.sum(axis=1), c.sum(axis=1)):
            key = round(_statistic(d), 9)
            weights[key] = weights.get(key, 0.0) + 1 / np.prod([factorial(int(k)) for k in d.ravel()])
    observed, total = round(_statistic(c), 9), sum(weights.values())
    above = sum(w for s, w in weights.items() if s > observed + 1e-8) / total
    equal = sum(w for s, w in weights.items() if abs(s - observed) <= 1e-8) / total
    draws = exact_draws(Counts.of_matrix(c), n_draws=20_000, rng=np.random.default_rng(0), thin=60)
    assert draws is not None
    _agrees(draws, above, equal)


@pytest.mark.slow
def test_trajectories_follow_the_enumerated_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "RETURNS", 0)
    path = np.array([0, 1, 2, 0, 2, 1, 0, 0, 1, 2, 0])

    def summary(x: tuple[int, ...] | np.ndarray) -> np.ndarray:
        c = np.zeros((3, 3), dtype=int)
        np.add.at(c, (np.asarray(x)[:-1], np.asarray(x)[1:]), 1)
        return c

    c = summary(path)
    alike: list[float] = []
    for x in product(range(3), repeat=len(path) - 1):
        d = summary((int(path[0]), *x))
        if np.array_equal(d + d.T, c + c.T):
            alike.append(_statistic(d))
    observed = _statistic(c)
    above = float(np.mean(np.array(alike) > observed + 1e-8))
    equal = float(np.mean(np.abs(np.array(alike) - observed) <= 1e-8))
    draws = exact_draws_within(sessions_of(path[None], 3), n_draws=20_000, rng=np.random.default_rng(1), thin=400)
    assert draws is not None
    _agrees(draws, above, equal)


def test_reversing_stretches_keeps_every_session_its_own() -> None:
    rng = np.random.default_rng(3)
    counts = sessions_of(run(reversible(4, rng), 20, 30, rng), 4)
    assert returns(counts) > 100
    draws = exact_draws_within(counts, n_draws=19, rng=rng)
    assert draws is not None
    assert exact_draws_within(counts, n_draws=19, rng=np.random.default_rng(1)) == exact_draws_within(
        counts, n_draws=19, rng=np.random.default_rng(1)
    )


@pytest.mark.slow
def test_the_exact_test_holds_its_level_where_the_chi_square_does_not() -> None:
    # 400 tables of 12 states, 3 per cell. Exact: 0.05 +- 0.011, outside 0.01-0.095 less than once in 10,000 runs.
    rng = np.random.default_rng(5)
    tested = []
    for _ in range(400):
        counts = table(reversible(12, rng), 36, rng)
        draws = exact_draws(counts, n_draws=39, rng=rng, thin=200)
        assert draws is not None
        tested.append((draws.randomised(rng) < 0.05, detailed_balance_test(counts, method="chi-square").p_value < 0.05))
    exact_size, chi_square_size = np.mean(tested, axis=0)
    assert 0.01 < exact_size < 0.095
    assert chi_square_size > 0.15


@pytest.mark.slow
def test_sessions_of_different_balanced_chains_are_no_drive() -> None:
    rng = np.random.default_rng(7)
    x = np.concatenate([run(reversible(4, rng), 1, 40, rng) for _ in range(30)])
    test = detailed_balance_test(sessions_of(x, 4), n_draws=199, rng=0)
    assert test.method == WITHIN
    assert test.p_value > 0.01
    assert np.isfinite(test.pooled_p_value)


def test_a_driven_ring_is_found_in_tables_and_in_sessions() -> None:
    rng = np.random.default_rng(2)
    P = np.asarray(driven_ring(5, affinity=3.0).P)
    assert detailed_balance_test(table(P, 200, rng), n_draws=199, rng=0).p_value == 0.005
    assert detailed_balance_test(sessions_of(run(P, 20, 50, rng), 5), n_draws=199, rng=0).p_value == 0.005


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        ([[5, 3], [2, 1]], "fewer than three states"),
        ([[0, 9, 0], [9, 0, 9], [0, 9, 0]], "no cycle of three or more states"),
        ([[0, 9, 0], [0, 0, 9], [0, 0, 0]], "no state was ever returned to"),
        ([[0, 1.5, 1], [1, 0, 1], [1, 1, 0]], "fractional"),
    ],
)
def test_nothing_to_test(cells: list[list[float]], sentence: str) -> None:
    test = detailed_balance_test(Counts.of_matrix(cells), rng=0)
    assert np.isnan(test.p_value)
    assert test.method == ""
    assert test.to_dict()["method"] is None
    assert sentence in test.reason


def test_methods_by_name() -> None:
    counts = Counts.of_matrix(JOURNALS)
    chi = detailed_balance_test(counts, method="chi-square", size_draws=50, rng=0)
    assert chi.p_value == chi.chi_square_p_value
    assert 0 <= chi.size_at_5_percent < 0.3
    boot = detailed_balance_test(counts, method="bootstrap", n_draws=199, rng=0)
    assert abs(boot.p_value - 0.231) < 0.13
    assert detailed_balance_test(Counts.of_matrix(np.array(JOURNALS) * 100), rng=0).method == "chi-square"
    with pytest.raises(SettingsError, match="`method`"):
        detailed_balance_test(counts, method="wald")
    with pytest.raises(SettingsError, match="`n_draws`"):
        detailed_balance_test(counts, n_draws=5)


@pytest.mark.parametrize(("least", "method"), [(10**9, "chi-square"), (1, "bootstrap")])
def test_counts_too_large_for_walks_are_tested_otherwise_and_say_so(least: int, method: str) -> None:
    ring = Counts.of_matrix([[0, 4 * 10**9, least], [4 * 10**9, 0, 10**9], [least, 10**9, 0]])
    test = detailed_balance_test(ring, method="exact", n_draws=99, size_draws=20, rng=0)
    assert test.method == method
    assert test.p_value == pytest.approx(1.0, abs=0.2) if method == "chi-square" else 0.05 < test.p_value <= 1
    assert 0 <= test.size_at_5_percent <= 0.3 or (method == "bootstrap" and np.isnan(test.size_at_5_percent))
    assert "more than a million" in test.to_dict()["reason"]


# ------------------------------------------------------------------ currents and entropy


def test_the_two_ways_to_the_stationary_laws_of_draws_agree() -> None:
    P = np.random.default_rng(0).dirichlet(np.ones(6), size=(4, 6))
    assert np.allclose(_laws(P), _laws_by_system(P), rtol=1e-12)


def test_sparse_counts_among_very_many_visits_have_currents() -> None:
    rng = np.random.default_rng(1)
    matrix = np.triu(rng.random((20, 20)) < 0.15, 1) * 1.0
    matrix += matrix.T + np.eye(20, k=1) + np.eye(20, k=-1)
    few = Counts.of_matrix(matrix, visits=1e6)
    made = circulation(MainChain.of(few), detailed_balance_test(few, n_draws=99, rng=0), level=0.95, rng=rng)
    assert all(np.isfinite([c.value, c.low, c.high]).all() for c in made.currents)


def test_currents_and_entropy_of_a_ring() -> None:
    n, a = 5, 2.0
    counts = Counts.of_matrix(np.asarray(driven_ring(n, affinity=a).P) * 1e6)
    chain = MainChain.of(counts)
    assert chain is not None
    np.testing.assert_allclose(chain.pi, 0.2, atol=1e-12)
    test = detailed_balance_test(counts, method="chi-square")
    flow = circulation(chain, test, level=0.95, rng=np.random.default_rng(0))
    step = a / n
    current = 0.8 * np.tanh(step / 2) / n
    assert flow.currents[0].value == pytest.approx(current, rel=1e-6)
    assert flow.cycles[0].affinity == pytest.approx(a, rel=1e-9)
    assert len(flow.cycles[0].states) == n
    assert flow.entropy.value == pytest.approx(0.8 * np.tanh(step / 2) * step, rel=1e-3)
    assert flow.entropy.low <= flow.entropy.value <= flow.entropy.high
    assert not flow.entropy.lower_bound


def test_a_transient_start_is_no_current() -> None:
    rng = np.random.default_rng(4)
    P = np.asarray(metropolis([0.0, 1.0, 2.0, 3.0], neighbours=1).P)
    x = run(P, 400, 6, rng)
    x[:, 0] = 3
    for t in range(1, 6):  # all from the top state
        x[:, t] = [rng.choice(4, p=P[s]) for s in x[:, t - 1]]
    counts = sessions_of(x, 4)
    flux = counts.matrix.toarray()
    assert np.sum(np.triu((flux - flux.T) ** 2 / np.maximum(flux + flux.T, 1), 1)) > 50
    assert detailed_balance_test(counts, n_draws=199, rng=0).p_value > 0.01


def test_pairs_seen_one_way_leave_a_lower_bound() -> None:
    counts = Counts.of(list("abcac"), list("bcaca"), [30, 30, 30, 10, 0])
    chain = MainChain.of(counts)
    assert chain is not None
    entropy = circulation(chain, detailed_balance_test(counts, rng=0), level=0.95, rng=np.random.default_rng(0)).entropy
    assert entropy.one_way_pairs == 2
    assert entropy.lower_bound
    assert np.isfinite(entropy.value)


def test_missing_visits_stay_where_they_are() -> None:
    V = np.array([0.0, 1.0, 2.0])
    P = np.asarray(metropolis(V).P)
    off = P * 1000 * (1 - np.eye(3))
    chain = MainChain.of(Counts.of_matrix(off, visits=1000))
    assert chain is not None
    np.testing.assert_allclose(chain.pi, np.exp(-V) / np.exp(-V).sum(), atol=1e-12)


# ------------------------------------------------------------------------ one potential


def test_one_potential_for_all_and_several() -> None:
    rng = np.random.default_rng(8)
    V = np.array([0.0, 0.7, 1.5, 2.0, 1.0])

    def group(v: np.ndarray) -> tuple[Counts, object]:
        counts = table(np.asarray(metropolis(v).P), 800, rng)
        return counts, potential(counts)

    same = common_potential([group(V) for _ in range(3)], rng=0)  # type: ignore[misc]
    assert same is not None
    assert same.p_value > 0.01
    assert same.correlation > 0.95
    assert (same.n_states, same.n_groups) == (5, 3)
    other = common_potential([group(V), group(V[::-1])], rng=0)  # type: ignore[misc]
    assert other is not None
    assert other.p_value < 0.01
    assert other.low <= np.corrcoef(V, V[::-1])[0, 1] <= other.high


def test_groups_that_share_two_states_share_no_potential() -> None:
    a, b = Counts.of(list("ab"), list("ba"), [5, 5]), Counts.of(list("abc"), list("bcb"), [5, 5, 5])
    assert common_potential([(a, potential(a)), (b, potential(b))]) is None


# ---------------------------------------------------------------------- example systems


def test_a_metropolis_chain_has_the_potential_it_was_given() -> None:
    V = np.array([0.3, 1.2, 0.0, 2.5])
    chain = metropolis(V, neighbours=1)
    counts = Counts.of_matrix(np.asarray(chain.P) * 1e6)
    np.testing.assert_allclose(potential(counts).value, V, atol=1e-8)
    np.testing.assert_allclose(chain.stationary, np.exp(-V) / np.exp(-V).sum())


def test_a_linear_loop_in_bins_stays_in_balance() -> None:
    chain = binned_loop(0.7, edges=[-1.0, 0.0, 1.0])
    flow = chain.stationary[:, None] * np.asarray(chain.P)
    np.testing.assert_allclose(flow, flow.T, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metropolis([1.0]), "`potential`"),
        (lambda: metropolis([1.0, float("nan")]), "`potential`"),
        (lambda: metropolis([1.0, 2.0], neighbours=0), "`neighbours`"),
        (lambda: driven_ring(2, affinity=1.0), "`n_states`"),
        (lambda: driven_ring(3, affinity=1.0, stay=1.0), "`stay`"),
        (lambda: binned_loop(1.0, edges=[0.0]), "`persistence`"),
        (lambda: binned_loop(0.5, edges=[]), "`edges`"),
    ],
)
def test_example_systems_refuse_nonsense(make: object, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        make()  # type: ignore[operator]
