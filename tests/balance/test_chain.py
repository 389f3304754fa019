"""Markov chains: against deeptime, dense linear algebra and numbers computed by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from deeptime.markov.tools import analysis
from scipy.sparse import block_diag, csr_matrix

from loopstat import MarkovChain, SettingsError
from loopstat.balance.chain.passage import absorption, closed_classes, committor, mean_first_passage, period
from loopstat.balance.chain.spectrum import spectrum
from loopstat.balance.chain.stationary import Grounded, Response, stationary
from loopstat.balance.chain.transitions import relaxation_intervals, transition_matrix
from loopstat.panel.model import StateModel
from loopstat.panel.tally import Counts

SLOW = np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.1, 0.2, 0.7]])


def dense(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(n), n)


def walk(n: int, hold: float = 0.0) -> csr_matrix:
    """Return a symmetric walk between two walls."""
    P = np.diag(np.full(n - 1, 0.5), 1) + np.diag(np.full(n - 1, 0.5), -1)
    P[0, 1] = P[-1, -2] = 1
    return csr_matrix((1 - hold) * P + hold * np.eye(n))


def mixing(n: int, seed: int) -> csr_matrix:
    """Return a chain on a random graph of degree 8, all states leading to each other."""
    to = np.random.default_rng(seed).integers(0, n, (n, 8))
    to[:, 0], to[:, 1] = np.arange(n), (np.arange(n) + 1) % n
    return csr_matrix((np.full(8 * n, 1 / 8), (np.repeat(np.arange(n), 8), to.ravel())), shape=(n, n))


# ------------------------------------------------------------------------------ stationary law and spectrum


@pytest.mark.parametrize("P", [dense(6, 0), dense(40, 1), SLOW, walk(30, 0.2).toarray()])
def test_laws_spectra_passages_and_committors_are_those_of_deeptime(P: np.ndarray) -> None:
    n = len(P)
    np.testing.assert_allclose(stationary(P), analysis.stationary_distribution(P), atol=1e-12)
    k = min(n, 4)
    moduli = np.sort(np.abs(np.linalg.eigvals(P)))[::-1][:k]
    found = spectrum(P, k=k)
    np.testing.assert_allclose(np.abs(found.eigenvalues), moduli, atol=1e-10)
    np.testing.assert_allclose(found.relaxation_times, -1 / np.log(moduli[1:]), rtol=1e-8)
    assert found.spectral_gap == pytest.approx(1 - moduli[1], abs=1e-10)
    np.testing.assert_allclose(mean_first_passage(P, [0, 2]), analysis.mfpt(P, [0, 2]), rtol=1e-9)
    np.testing.assert_allclose(committor(P, 0, [1, 2]), analysis.committor(P, [0], [1, 2]), atol=1e-10)


def _mfpt_by_inverse(P: np.ndarray, target: int) -> np.ndarray:
    rest = np.delete(np.arange(len(P)), target)
    out = np.zeros(len(P))
    out[rest] = np.linalg.solve(np.eye(len(rest)) - P[np.ix_(rest, rest)], np.ones(len(rest)))
    return out


@pytest.mark.slow
def test_large_sparse_chains_are_solved_as_small_dense_ones() -> None:
    # 2,200 states on a well-mixing graph: iterated, where 40 states are factorised.
    P = mixing(2200, 0)
    whole = P.toarray()
    A = np.vstack([np.ones(2200), (np.eye(2200) - whole.T)[1:]])
    pi = np.linalg.solve(A, np.r_[1.0, np.zeros(2199)])
    np.testing.assert_allclose(stationary(P), pi, atol=1e-12)
    np.testing.assert_allclose(mean_first_passage(P, 7), _mfpt_by_inverse(whole, 7), rtol=1e-9)


def test_small_probabilities_keep_their_digits() -> None:
    # Up with 0.001, down with 0.5: pi_k = pi_0 / 500^k, down to 1e-400 of the first, below all numbers.
    n = 150
    P = np.diag(np.full(n - 1, 0.001), 1) + np.diag(np.full(n - 1, 0.5), -1)
    P += np.diag(1 - P.sum(axis=1))
    pi = stationary(P)
    k = np.arange(100)
    np.testing.assert_allclose(pi[:100] / pi[0], 500.0**-k, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 500, 3000])
def test_a_walk_between_walls_has_the_spectrum_of_the_books(n: int) -> None:
    # Eigenvalues cos(pi j / (n - 1)); period 2, so that each comes with both signs.
    found = spectrum(walk(n), k=5)
    true = np.cos(np.pi / (n - 1) * np.array([0, 0, 1, 1, 2]))
    np.testing.assert_allclose(np.abs(found.eigenvalues), true, atol=1e-9)
    assert np.isinf(found.relaxation_times[0])
    np.testing.assert_allclose(found.relaxation_times[1], -1 / np.log(true[2]), rtol=1e-4)
    assert found.spectral_gap == 0
    assert period(walk(n)) == 2


def test_periods() -> None:
    ring = np.roll(np.eye(6), 1, axis=1)
    assert period(ring) == 6
    assert spectrum(ring).turning
    assert np.all(np.isinf(spectrum(ring).relaxation_times))
    assert stationary(ring).tolist() == pytest.approx([1 / 6] * 6)
    ring[0] = [0, 0.5, 0, 0.5, 0, 0]  # now cycles of 6 and of 4
    assert period(ring) == 2
    assert period(block_diag([np.roll(np.eye(2), 1, axis=1), np.roll(np.eye(3), 1, axis=1)])) == 6
    assert period([[0, 0.5, 0.5], [1, 0, 0], [0, 0, 1]]) == 1  # the swing of the first two is left for ever


def test_a_faint_swing_is_an_eigenvalue_near_minus_one() -> None:
    chain = MarkovChain([[0.1, 0.9], [0.95, 0.05]], ["long", "short"])
    found = chain.spectrum()
    np.testing.assert_allclose(found.eigenvalues, [1, -0.85])
    assert (chain.period, found.turning) == (1, False)
    assert chain.relaxation_times[0] == pytest.approx(-1 / np.log(0.85))
    assert chain.spectral_gap == pytest.approx(0.15)


@pytest.mark.parametrize("sizes", [(2, 3), (400, 300), (1000, 900, 800)])
def test_every_closed_class_has_its_eigenvalue_one(sizes: tuple[int, ...]) -> None:
    P = block_diag([mixing(n, n) for n in sizes]) if min(sizes) > 8 else block_diag([dense(n, n) for n in sizes])
    found = spectrum(P, k=len(sizes) + 1)
    assert np.isinf(found.relaxation_times).tolist() == [True] * (len(sizes) - 1) + [False]
    assert found.spectral_gap == 0
    with pytest.raises(SettingsError, match="not unique"):
        stationary(P)


def test_one_absorbing_state_leaves_the_time_of_the_others() -> None:
    P = np.array([[0.7, 0.2, 0.1], [0.3, 0.7, 0], [0, 0, 1]])
    inner = np.max(np.linalg.eigvals(P[:2, :2]).real)
    assert spectrum(P).relaxation_times[0] == pytest.approx(-1 / np.log(inner))
    assert stationary(P).tolist() == [0, 0, 1]


def test_what_is_forgotten_at_once_takes_no_time() -> None:
    found = spectrum([[0.5, 0.3, 0.2]] * 3)
    assert found.relaxation_times.tolist() == [0, 0]
    assert found.spectral_gap == pytest.approx(1)
    one = spectrum([[1.0]])
    assert (len(one.relaxation_times), one.spectral_gap) == (0, 1)
    assert np.isnan(spectrum(SLOW, k=1).spectral_gap)
    assert spectrum(SLOW).to_dict()["turning"] is False
    with pytest.raises(SettingsError, match="`k`"):
        spectrum(SLOW, k=0)


@pytest.mark.parametrize("P", [dense(5, 3), walk(9)])
def test_answers_to_changes_of_the_chain(P: Any) -> None:
    T, pi = csr_matrix(P), stationary(P)
    change = np.random.default_rng(0).normal(size=T.shape) * (T.toarray() > 0)
    change -= change.sum(axis=1, keepdims=True) * T.toarray()
    step = 1e-6
    after, before = stationary(T.toarray() + step * change), stationary(T.toarray() - step * change)
    moved = Response(T, pi).of((pi @ change)[None])[0]
    np.testing.assert_allclose(moved, (after - before) / (2 * step), atol=1e-6)
    np.testing.assert_allclose(Grounded(T, 1).solve((pi @ change)[None])[0], moved, atol=1e-10)


# ------------------------------------------------------------------------------ passages


def test_the_gambler_by_hand() -> None:
    # From k of 5: reaches 5 before 0 with chance k/5, after k (5 - k) steps in the mean.
    P = walk(6).toarray()
    P[0], P[-1] = np.eye(6)[0], np.eye(6)[5]
    k = np.arange(6)
    np.testing.assert_allclose(committor(P, 0, 5), k / 5)
    ends = absorption(P)
    assert [c.tolist() for c in ends.classes] == [[0], [5]]
    np.testing.assert_allclose(ends.probability[:, 1], k / 5)
    np.testing.assert_allclose(ends.steps, k * (5 - k), atol=1e-12)
    assert np.isinf(mean_first_passage(P, 5)[:5]).all()
    np.testing.assert_allclose(mean_first_passage(P, [0, 5]), k * (5 - k), atol=1e-12)


def test_returns_take_one_over_the_stationary_law() -> None:
    P = dense(7, 4)
    for state in range(7):
        assert 1 + P[state] @ mean_first_passage(P, state) == pytest.approx(1 / stationary(P)[state])


def test_what_is_never_reached() -> None:
    P = block_diag([dense(2, 0), dense(2, 1)])
    assert mean_first_passage(P, 0)[2:].tolist() == [np.inf, np.inf]
    assert committor(P, 0, 1).tolist() == pytest.approx([0, 1, 0, 0])
    assert [c.tolist() for c in closed_classes(P)] == [[0, 1], [2, 3]]


def test_classes_of_counts() -> None:
    # 0 -> 1 <-> 2 -> 3; 4 alone with itself.
    c = np.zeros((5, 5))
    c[0, 1], c[1, 2], c[2, 1], c[2, 3], c[4, 4] = 1, 5, 4, 2, 3
    classes = Counts.of_matrix(c).classes
    assert classes[0].states.tolist() == [1, 2]
    assert np.flatnonzero(classes.transient).tolist() == [0]
    assert np.flatnonzero(classes.absorbing).tolist() == [3]
    assert [s.tolist() for s in closed_classes(transition_matrix(Counts.of_matrix(c)))] == [[3], [4]]


@pytest.mark.parametrize(
    ("P", "message"),
    [
        ([[0.5, 0.5]], "square"),
        (np.zeros((0, 0)), "square"),
        ([[1.5, -0.5], [0, 1]], "probabilities"),
        ([[np.nan, 1], [0, 1]], "probabilities"),
        ([[0.5, 0.4], [0, 1]], "Row 0 sums to 0.9"),
    ],
)
def test_what_is_no_transition_matrix(P: Any, message: str) -> None:
    for use in (stationary, spectrum, period, absorption, MarkovChain, lambda P: mean_first_passage(P, 0)):
        with pytest.raises(SettingsError, match=message):
            use(P)


def test_targets_that_mean_nothing() -> None:
    for target in (3, -1, [], 0.5, [True]):
        with pytest.raises(SettingsError, match="`target`"):
            mean_first_passage(SLOW, target)
    with pytest.raises(SettingsError, match="share"):
        committor(SLOW, [0, 1], 1)


# ------------------------------------------------------------------------------ the model


def test_simulated_chains_are_found_again() -> None:
    P = dense(4, 9)
    chain = MarkovChain(P, list("dbca"))
    assert isinstance(chain, StateModel)
    panel = chain.simulate(300, steps=101, rng=0)
    again = MarkovChain.of(Counts.of_panel(panel))
    order = [chain.states.index(s) for s in again.states]
    np.testing.assert_allclose(np.asarray(again.P), P[np.ix_(order, order)], atol=0.03)
    assert panel.objectives == ()
    shares = np.bincount(panel.labels["state"].codes[panel.step == 0], minlength=4) / 300
    np.testing.assert_allclose(shares, chain.stationary, atol=0.1)
    assert panel.source.digest == chain.simulate(300, steps=101, rng=0).source.digest


def test_every_second_step_is_the_squared_chain() -> None:
    panel = MarkovChain(SLOW).simulate(400, steps=101, start="0", rng=1)
    counts = Counts.of_panel(panel, lag=2)
    assert counts.total == 400 * 50
    np.testing.assert_allclose(transition_matrix(counts).toarray(), SLOW @ SLOW, atol=0.03)
    times = relaxation_intervals(counts, k=2)
    assert times.low[0] < spectrum(SLOW).relaxation_times[0] / 2 < times.high[0]


def test_large_sparse_chains_stay_sparse() -> None:
    chain = MarkovChain(mixing(5000, 1))
    assert hasattr(chain.P, "tocsr")
    panel = chain.simulate(50, steps=101, start=np.arange(50), rng=0)
    counts = Counts.of_panel(panel)
    seen = csr_matrix(chain.P)[
        [int(counts.states[k]) for k in counts.source], [int(counts.states[k]) for k in counts.target]
    ]
    assert np.all(np.asarray(seen) > 0)
    assert hasattr(MarkovChain.of(counts).P, "tocsr")


def test_the_chain_forgets_its_start_or_does_not() -> None:
    chain = MarkovChain(SLOW, ["a", "b", "c"])
    np.testing.assert_allclose(chain.after(7, start="b"), np.linalg.matrix_power(SLOW, 7)[1])
    np.testing.assert_allclose(chain.after(500, start=[0.2, 0.3, 0.5]), chain.stationary)
    assert chain.after(0, start="c").tolist() == [0, 0, 1]
    swing = MarkovChain([[0, 1], [1, 0]])
    assert swing.after(1001, start="0").tolist() == [0, 1]
    assert (swing.period, swing.spectral_gap) == (2, 0)
    for wrong in ({"steps": -1, "start": "a"}, {"steps": 1, "start": "z"}, {"steps": 1, "start": [1.0]}):
        with pytest.raises(SettingsError):
            chain.after(**wrong)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="law"):
        chain.after(1, start=[0.5, 0.5, 0.5])


def test_questions_by_name() -> None:
    chain = MarkovChain(walk(5, 0.1), list("abcde"))
    assert chain.mean_first_passage(["a", "e"])[2] == pytest.approx(4 / 0.9)
    assert chain.committor("a", "e")[1] == pytest.approx(0.25)
    assert chain.absorption().steps.tolist() == [0] * 5
    with pytest.raises(SettingsError, match="no state is named 'z'"):
        chain.mean_first_passage("z")
    with pytest.raises(SettingsError, match="name at least one"):
        chain.committor([], "a")
    with pytest.raises(SettingsError, match="`states`"):
        MarkovChain(SLOW, ["a", "a", "b"])


@pytest.mark.parametrize(
    ("P", "said"),
    [
        (SLOW, "3 states; relaxation time 2.8 steps, spectral gap 0.30"),
        ([[1.0]], "1 state; never moves"),
        (np.roll(np.eye(3), 1, axis=1), "period 3"),
        (np.eye(2), "decides where it ends"),
        (walk(40, 0.5), "40 states (20 more)"),
    ],
)
def test_summaries(P: Any, said: str) -> None:
    chain = MarkovChain(P)
    assert said in chain.summary().title
    assert said in chain._repr_html_()


def test_a_chain_is_read_only() -> None:
    for given in (MarkovChain(csr_matrix(SLOW)).P, MarkovChain(mixing(300, 0)).P.data):
        with pytest.raises(ValueError, match="read-only"):
            given[0] = 0
