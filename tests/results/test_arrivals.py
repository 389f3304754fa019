"""Quantiles of arrival times in which some never arrive, and the coverage of their Monte Carlo intervals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from loopstat.inference.intervals import average, quantile, share
from loopstat.results.arrival import Arrivals


def test_never_is_later_than_everything() -> None:
    when = np.r_[np.arange(1, 61), np.full(40, np.inf)]
    found = Arrivals.of(when)
    assert (float(found.median.value), float(found.q05.value), float(found.q95.value)) == (51, 6, np.inf)
    assert float(found.never.value) == 0.4
    out = found.to_dict()
    assert out["q95"] is None
    assert out["mean"] is None
    assert out["median"] == 51
    half = Arrivals.of(np.r_[np.arange(50), np.full(50, np.inf)]).to_dict()
    assert half["median"] is None
    assert half["median_low"] == 39  # the interval of the median opens upwards alone
    assert half["median_high"] is None


def test_all_that_arrive_have_a_mean() -> None:
    found = Arrivals.of([1.0, 2.0, 3.0])
    assert float(found.mean.value) == 2.0
    assert found.to_dict()["never"] == 0.0
    assert float(found.times(14.9).median.value) == pytest.approx(29.8)
    assert float(found.times(14.9).never.high) == float(found.never.high)
    assert Arrivals.of([np.inf] * 3).times(0.0).to_dict()["median"] is None


def test_shares_have_exact_intervals() -> None:
    for hits, n in ((0, 7), (3, 20), (20, 20)):
        found, exact = share(np.arange(n) < hits), binomtest(hits, n).proportion_ci(0.95)
        assert (float(found.low), float(found.high)) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert np.isnan(share([]).value)


@pytest.mark.parametrize("p", [0.05, 0.5, 0.95])
def test_intervals_of_quantiles_cover(p: float) -> None:
    # At least 0.95 by construction; 2,000 samples put 0.94 more than two standard errors below it.
    rng = np.random.default_rng(7)
    draws = np.sort(rng.random((2000, 400)), axis=1)
    hits = [float(e.low) <= p <= float(e.high) for e in (quantile(row, p) for row in draws)]
    assert 0.94 < np.mean(hits) < 0.98


def test_few_values_leave_intervals_open() -> None:
    found = quantile([4.0, 7.0], 0.5)
    assert (float(found.low), float(found.value), float(found.high)) == (0.0, 7.0, np.inf)
    assert np.isnan(average([]).value)
    assert np.isnan(average([0.3]).low)
