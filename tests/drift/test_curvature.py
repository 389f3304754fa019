"""The test of straight drift: its size, its power, and when it stays silent."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat import LinearDrift, Panel
from loopstat.drift.readings.curvature import curvature_test
from simulated import M3, Q3, run


def p_of(x: np.ndarray) -> float:
    pairs = Panel.from_arrays(x).pairs()
    return curvature_test(pairs, pairs.session, len(x)).p_value


@pytest.mark.slow
@pytest.mark.parametrize(("sessions", "fixed"), [(20, False), (60, True), (150, False)])
def test_straight_drift_is_rejected_as_often_as_the_level_says(sessions: int, fixed: bool) -> None:
    how = {"start": -2.0, "spread": np.zeros((3, 3))} if fixed else {}
    p = [p_of(run(M3, Q3, sessions=sessions, steps=8, seed=[1, k], **how)) for k in range(200)]
    assert np.mean(np.array(p) < 0.05) <= 0.09  # of 200 at 5 %, 19 or more happen once in 170 runs


def test_heavy_tails_do_not_look_bent() -> None:
    rng, p = np.random.default_rng(4), []
    for _ in range(200):
        x = [np.full((50, 3), -4.0)]
        for _ in range(10):
            x.append(x[-1] @ M3.T + rng.standard_t(5, (50, 3)))
        p.append(p_of(np.stack(x, axis=1)))
    assert np.mean(np.array(p) < 0.05) <= 0.09  # of 200 at 5 %, 19 or more happen once in 170 runs


def test_units_and_numbering_of_clusters_change_nothing() -> None:
    x = run(M3, Q3, sessions=40, steps=8, seed=5)
    pairs = Panel.from_arrays(x).pairs()
    gaps = curvature_test(pairs, 3 * pairs.session, 130).p_value
    assert p_of(x) == pytest.approx(gaps, rel=1e-9)
    assert p_of(x) == pytest.approx(p_of(x * [1e5, 1e-5, 1.0] + [1e7, 3.0, 0.0]), rel=1e-4)


def test_a_bend_is_found() -> None:
    rng = np.random.default_rng(2)
    x = np.zeros((100, 10, 2))
    for t in range(1, 10):
        last = x[:, t - 1]
        x[:, t] = 0.5 * last + rng.standard_normal((100, 2))
        x[:, t, 0] += 0.15 * last[:, 1] ** 2
    assert p_of(x) < 0.01
    check = LinearDrift("pooled", n_boot=0).fit(Panel.from_arrays(x)).check("curved")
    assert not check.passed
    assert "bends" in check.message


def test_too_few_clusters_or_values_are_not_tested() -> None:
    rng = np.random.default_rng(3)
    assert np.isnan(p_of(rng.standard_normal((9, 6, 2))))
    assert np.isnan(p_of(np.round(rng.random((40, 6, 1)))))  # the square of 0 and 1 says nothing new
    assert np.isnan(p_of(rng.standard_normal((40, 1, 1)) * 0.5 ** np.arange(6)[:, None]))  # no noise: only rounding
