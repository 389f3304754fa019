"""Potentials: published counts, exact agreements between the kernels, a peer, errors that cover, degenerate graphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopstat import SettingsError
from loopstat.balance.potentials.least_action import EXPONENTIAL, SOFTPLUS, Exchanges, Laplacians, least_action
from loopstat.balance.potentials.potential import potential, strengths
from loopstat.balance.rows import KERNELS
from loopstat.panel.tally import Counts
from loopstat.systems import metropolis

# Published by Stigler (1994): citations from the journal of the row to that of the column.
JOURNALS = [[714, 730, 498, 221], [33, 425, 68, 17], [320, 813, 1072, 142], [284, 276, 325, 188]]
# Published with arXiv 2512.10047 for claude-4, words whose letters sum to 100.
WORDS = {
    ("BUZZY", "ATTITUDE"): 3859,
    ("PERSONAL", "ATTITUDE"): 3879,
    ("PROBLEMS", "ATTITUDE"): 3558,
    ("TURKEY", "ATTITUDE"): 4122,
    ("ATTITUDE", "PERSONAL"): 66,
    ("ATTITUDE", "PROBLEMS"): 20,
    ("BUZZY", "TURKEY"): 238,
}


def words() -> Counts:
    return Counts.of([f for f, _ in WORDS], [t for _, t in WORDS], list(WORDS.values()), visits="equal")


def random_counts(seed: int, n: int = 6, most: int = 200, draws: int | None = None) -> Counts:
    rng = np.random.default_rng(seed)
    c = rng.integers(1, most, (n, n))
    return Counts.of_matrix(c, visits="observed" if draws is None else draws)


def test_published_citations() -> None:
    pairs = Exchanges.of(Counts.of_matrix(JOURNALS))
    ln_l = strengths(pairs)
    np.testing.assert_allclose(ln_l - ln_l[0], [0, -2.94907, -0.47957, 0.26895], atol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS)
def test_published_words(kernel: str) -> None:
    counts = words()
    found = potential(counts, kernel=kernel)
    value = dict(zip(counts.states, found.value.tolist(), strict=True))
    error = dict(zip(counts.states, found.standard_error.tolist(), strict=True))
    assert value["ATTITUDE"] == 0
    assert value["PERSONAL"] == pytest.approx(np.log(3879 / 66), abs=1e-9)
    assert value["PROBLEMS"] == pytest.approx(5.18, abs=0.005)
    assert error["PERSONAL"] == pytest.approx(0.12, abs=0.005)
    assert error["PROBLEMS"] == pytest.approx(0.22, abs=0.005)
    for word in ("TURKEY", "BUZZY"):
        assert np.isnan(value[word])
        k = counts.states.index(word)
        assert found.bound[k] == pytest.approx(np.log(WORDS[word, "ATTITUDE"] / 3), abs=1e-9)


def test_self_transitions_left_out_of_the_visits_move_the_potential() -> None:
    equal = potential(words())
    listed = Counts.of([f for f, _ in WORDS], [t for _, t in WORDS], list(WORDS.values()))
    k = listed.states.index("PERSONAL")
    assert equal.value[k] == pytest.approx(4.07, abs=0.005)
    assert potential(listed).value[k] == pytest.approx(0.26, abs=0.005)


@pytest.mark.parametrize("seed", range(3))
def test_all_kernels_agree_on_trees(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 7
    parent = [int(rng.integers(0, k)) for k in range(1, n)]
    c = np.zeros((n, n))
    for child, p in enumerate(parent, 1):
        c[child, p], c[p, child] = rng.integers(1, 50, 2)
    counts = Counts.of_matrix(c)
    values = [potential(counts, kernel=k).value for k in KERNELS]
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], atol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_all_kernels_agree_under_exact_balance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    s = rng.integers(1, 40, (5, 5))
    counts = Counts.of_matrix(s + s.T)
    values = [potential(counts, kernel=k).value for k in KERNELS]
    np.testing.assert_allclose(values[0], -np.log(counts.rows / counts.rows.max()), atol=1e-8)
    for other in values[1:]:
        np.testing.assert_allclose(other, values[0], atol=1e-8)


def test_likelihood_and_softplus_agree_where_all_states_were_visited_alike() -> None:
    counts = random_counts(1, draws=2000)
    likelihood, softplus, exp = (potential(counts, kernel=k).value for k in ("likelihood", "softplus", "exp"))
    np.testing.assert_allclose(softplus, likelihood, atol=1e-8)
    assert np.abs(exp - likelihood).max() > 1e-3  # and the letter's kernel does not


def test_the_exponential_kernel_balances_the_matrix() -> None:
    counts = random_counts(2)
    v = potential(counts, kernel="exp").value
    T = counts.matrix.toarray() / counts.visits[:, None]
    balanced = T * np.exp(-(v[:, None] - v) / 2)
    np.fill_diagonal(balanced, 0)
    np.testing.assert_allclose(balanced.sum(axis=0), balanced.sum(axis=1), rtol=1e-8)


def test_the_reversible_matrix_is_that_of_deeptime() -> None:
    estimation = pytest.importorskip("deeptime.markov.tools.estimation")
    from loopstat.balance.settings import ReversibleChain

    for seed in range(3):
        counts = random_counts(seed, n=8)
        ours = ReversibleChain(n_draws=19).fit(counts).model
        assert ours is not None
        P = ours.P.toarray() if hasattr(ours.P, "toarray") else ours.P
        theirs = estimation.transition_matrix(counts.matrix.toarray(), reversible=True, maxerr=1e-14)
        place = [ours.states.index(s) for s in counts.states]
        np.testing.assert_allclose(np.asarray(P)[np.ix_(place, place)], theirs, atol=1e-8)


def test_beta_scales_the_potential() -> None:
    counts = random_counts(4)
    one, two = potential(counts), potential(counts, beta=2.0)
    np.testing.assert_allclose(two.value, one.value / 2)
    np.testing.assert_allclose(two.high, one.high / 2)
    assert two.action == pytest.approx(one.action)


def test_errors_know_that_rows_are_multinomial() -> None:
    # Two states, 0.9: the inverse Laplacian alone has variance 0.0111 where the truth is 0.00111.
    n = 2000
    counts = Counts.of([0, 1], [1, 0], [0.9 * n, 0.9 * n], states="ab", visits=n)
    assert potential(counts).standard_error.max() ** 2 == pytest.approx(0.000111, abs=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_intervals_cover(kernel: str) -> None:
    # 150 chains x 5 free states, coverage 0.95 +- 0.012: outside 0.90-0.99 once in 10,000 runs of this test
    rng = np.random.default_rng(11)
    held = []
    for _ in range(150):
        V = rng.normal(0, 0.8, 6)
        P = metropolis(V).P
        counts = Counts.of_matrix([rng.multinomial(120, row) for row in np.asarray(P)], visits=120)
        found = potential(counts, kernel=kernel)
        true, free = V - V[found.bottom], np.arange(6) != found.bottom
        held.append(((found.low <= true) & (true <= found.high))[free].mean())
    assert 0.90 < np.mean(held) < 0.99


def test_large_graphs_are_solved_by_conjugate_gradients_and_small_ones_by_a_band() -> None:
    rng = np.random.default_rng(0)
    n, m = 900, 4000
    i, j = rng.integers(0, n, m), rng.integers(0, n, m)
    i, j = i[i != j], j[i != j]
    c = rng.integers(1, 30, (2, len(i)))
    pairs = Exchanges.of(Counts.of(np.r_[i, j], np.r_[j, i], np.r_[c[0], c[1]], states=[str(k) for k in range(n)]))
    assert Laplacians(pairs)._band is None
    for kernel in (SOFTPLUS, EXPONENTIAL):
        v = least_action(pairs, pairs.forward, pairs.backward, kernel)
        d = v[pairs.a] - v[pairs.b]
        push = pairs.backward * kernel.push(-d) - pairs.forward * kernel.push(d)
        assert np.abs(pairs.incidence.T @ push).max() < 1e-7 * (pairs.forward + pairs.backward).sum()


def test_one_way_cycles_have_a_finite_potential() -> None:
    counts = Counts.of(list("abc"), list("bca"), [10, 10, 10])
    np.testing.assert_allclose(potential(counts).value, 0, atol=1e-9)


def test_nothing_but_transient_states() -> None:
    counts = Counts.of(list("abc"), list("bcd"))
    found = potential(counts)
    assert np.isnan(found.value[:3]).all()
    assert found.value[3] == 0
    assert found.action == 0


def test_a_bound_passes_through_transient_states_only_where_it_must() -> None:
    # a -> b -> (c <-> d): only b enters a known state
    counts = Counts.of(list("abcd"), list("bcdc"), [9, 9, 50, 50], visits=100)
    found = potential(counts)
    at_b = found.value[2] + np.log(0.09 * 100 / 3)
    assert found.bound[1] == pytest.approx(at_b)
    assert found.bound[0] == pytest.approx(at_b + np.log(0.09 * 100 / 3))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"kernel": "relu"}, "`kernel`"),
        ({"beta": 0}, "`beta`"),
        ({"beta": float("inf")}, "`beta`"),
        ({"level": 1.0}, "`level`"),
        ({"ridge": -1.0}, "`ridge`"),
    ],
)
def test_settings_are_refused(how: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        potential(random_counts(0), **how)  # type: ignore[arg-type]


def test_a_ridge_pulls_sparse_potentials_together() -> None:
    counts = Counts.of(list("abbc"), list("bacb"), [1, 9, 1, 9])
    free, held = potential(counts), potential(counts, ridge=1.0)
    assert np.ptp(held.value) < np.ptp(free.value)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=25, max_size=25), st.permutations(range(5)))
def test_names_do_not_matter(cells: list[int], order: list[int]) -> None:
    c = np.array(cells).reshape(5, 5)
    found, moved = potential(Counts.of_matrix(c)), potential(Counts.of_matrix(c[np.ix_(order, order)]))
    if (np.sum(np.abs(found.value[:, None] - found.value) < 1e-9) > 5) or len(Counts.of_matrix(c).classes) > 1:
        return  # several lowest states, or several classes: which one is the zero depends on the order
    np.testing.assert_allclose(moved.value, found.value[order], atol=1e-6)
    np.testing.assert_allclose(moved.high, found.high[order], atol=1e-5)
