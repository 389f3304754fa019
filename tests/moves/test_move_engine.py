"""Random numbers by counter: known values, laws, independence, and the compiled ones against NumPy's and SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from loopstat.moves import engine as move_engine
from loopstat.moves.engine import SLOTS, STEP
from loopstat.moves.order_statistics import maximum_of
from loopstat.moves.runs import best_z
from plain_runs import DefectNumbers, mixed, move_draws, stream_keys, uniform

LEVEL = 0.001  # of each test of a law


def test_the_hash_is_the_published_generator() -> None:
    # The first numbers of splitmix64 from the states 0 and 1234567.
    first = mixed(np.array([0, 1234567], dtype=np.uint64) + STEP)
    assert first.tolist() == [0xE220A8397B1DCDAF, 6457827717110365317]
    assert mixed(np.array([1234567], dtype=np.uint64) + STEP + STEP).tolist() == [3203168211198807973]


def test_a_replicate_has_its_numbers_wherever_it_stands() -> None:
    assert stream_keys(3, 50)[20:30].tolist() == stream_keys(3, 10, 20).tolist()
    assert not set(stream_keys(3, 1000).tolist()) & set(stream_keys(4, 1000).tolist())
    assert stream_keys(2**70 + 3, 4).tolist() == stream_keys(2**70 % 2**64 + 3, 4).tolist()
    keys = stream_keys(0, 100)
    assert move_draws(keys, 7).normal[40] == move_draws(keys[40:41], 7).normal[0]


def test_uniform_numbers_are_uniform_and_unrelated() -> None:
    u = np.stack([uniform(stream_keys(1, 400), k) for k in range(200)])
    assert 0 < u.min() < u.max() < 1
    assert stats.kstest(u.ravel(), "uniform").pvalue > LEVEL
    for a, b in ((u[1:], u[:-1]), (u[SLOTS:], u[:-SLOTS]), (u[:, 1:], u[:, :-1])):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / np.sqrt(a.size)
    one, two = uniform(stream_keys(0, 80_000), 1), uniform(stream_keys(1, 80_000), 1)
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(len(one))


def test_draws_of_a_move_have_their_laws() -> None:
    d = move_draws(stream_keys(5, 50_000), 3)
    assert stats.kstest(-d.log_uniform, "expon").pvalue > LEVEL
    assert stats.kstest(d.normal, "norm").pvalue > LEVEL
    assert stats.kstest(d.oracle, "uniform").pvalue > LEVEL
    assert stats.kstest(d.offset, "norm").pvalue > LEVEL
    assert np.abs(np.corrcoef(np.stack(d)) - np.eye(4)).max() < 4 / np.sqrt(50_000)


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (12, 0.85), (40, 0.02), (7, 0.0), (7, 1.0), (0, 0.5)])
def test_binomial_numbers(n: int, p: float) -> None:
    drawn = DefectNumbers(stream_keys(0, 20_000), 4).binomial(np.full(20_000, n), np.array(p))
    assert _chi2(drawn, stats.binom(n, p)) > LEVEL


@pytest.mark.parametrize("mean", [0.0, 0.01, 0.7, 12.0, 1300.0])
def test_poisson_numbers(mean: float) -> None:
    drawn = DefectNumbers(stream_keys(0, 20_000), 4).poisson(np.full(20_000, mean))
    assert _chi2(drawn, stats.poisson(mean)) > LEVEL


def _chi2(drawn: np.ndarray, law: object) -> float:
    """Return the p-value of a goodness of fit over cells that expect at least ten."""
    ends = np.unique(law.ppf(np.linspace(0.02, 0.98, 25)))  # type: ignore[attr-defined]
    expected = np.diff(np.r_[0, law.cdf(ends), 1]) * len(drawn)  # type: ignore[attr-defined]
    seen = np.bincount(np.searchsorted(ends, drawn), minlength=len(ends) + 1)
    assert seen[expected < 1e-9].sum() == 0
    keep = expected >= 10
    rest = (seen[~keep].sum(), expected[~keep].sum())
    chi = np.sum((seen[keep] - expected[keep]) ** 2 / expected[keep])
    assert rest[0] <= stats.poisson.ppf(1 - 1e-4, rest[1])
    return float(stats.chi2.sf(chi, max(keep.sum() - 1, 1)))


def test_streams_of_defects_do_not_repeat_those_of_moves() -> None:
    keys = stream_keys(0, 5000)
    numbers = DefectNumbers(keys, 1)
    a, b = numbers.poisson(np.full(5000, 4.0)), numbers.poisson(np.full(5000, 4.0))
    later = DefectNumbers(keys, 2).poisson(np.full(5000, 4.0))
    columns = np.stack([a, b, later, *(uniform(keys, k) for k in range(1, 9))])
    assert np.abs(np.corrcoef(columns) - np.eye(len(columns))).max() < 4.5 / np.sqrt(5000)


# ---------------------------------------------------------------------------------------- compiled


@pytest.mark.slow
def test_compiled_numbers_are_the_plain_ones() -> None:
    keys = stream_keys(2, 300)
    assert [move_engine.uniform(key, 11) for key in keys] == uniform(keys, 11).tolist()
    for mean in (0.0, 0.3, 12.0, 700.0):
        numbers = DefectNumbers(keys, 6)
        first, second = numbers.poisson(np.full(300, mean)), numbers.binomial(np.full(300, 30), np.array(0.4))
        one, two = ([np.uint64(move_engine.defects(key, SLOTS * 6 + stream)) for key in keys] for stream in (1, 2))
        assert [move_engine.poisson(key, mean) for key in one] == first.tolist()
        assert [move_engine.binomial(key, 30.0, 0.4) for key in two] == second.tolist()


def test_compiled_normal_quantiles() -> None:
    rng = np.random.default_rng(0)
    far = 10.0 ** rng.uniform(-16, 0, 10_000)
    p = np.clip(np.r_[rng.random(10_000), far, 1 - far, 2.0**-53, 0.5, 0.075, 0.925], 2.0**-53, 1 - 2.0**-53)
    z, exact = np.array([move_engine.upper_normal(x) for x in p]), -special.ndtri(p)
    assert np.abs(z - exact).max() < 1e-14
    assert np.abs(z[exact != 0] / exact[exact != 0] - 1).max() < 3e-15
    distant = [move_engine.upper_normal(x) for x in (1e-20, 1e-100, 1e-299)]
    assert distant == pytest.approx(stats.norm.isf([1e-20, 1e-100, 1e-299]), rel=1e-14)
    assert -40 < move_engine.upper_normal(1.0) < -37, "a last place beyond which nothing is drawn"


@pytest.mark.parametrize("k", [1.0, 1.3, 2.0, 6.32, 40.0, 900.0])
def test_the_best_candidate_by_table(k: float) -> None:
    x = np.r_[np.linspace(-8.3, 8.3, 2001), stats.norm.isf([2.0**-53, 0.5, 1 - 2.0**-53])]
    exact = maximum_of(special.log_ndtr(-x), k)
    found = np.array([move_engine.best_of(best_z(np.array([k]), np.array([0.5])), 0, place) for place in x])
    assert np.abs(found - 0.5 - exact).max() < 1e-13
