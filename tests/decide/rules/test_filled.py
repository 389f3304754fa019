"""Sessions that were cut off, carried on: what rules come to is what it would have been."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat.decide.curve import Held
from loopstat.decide.rules.families import FullRun, Patience, Rule, Threshold
from loopstat.decide.rules.filled import filled
from rule_samples import NAN, recording


def reverting(rng: np.random.Generator, n: int = 60, steps: int = 8) -> np.ndarray:
    """Return sessions pulled towards levels of their own."""
    x = np.empty((n, steps + 1))
    x[:, 0], goal = rng.normal(0, 1, n), rng.normal(1.5, 0.5, n)
    for t in range(steps):
        x[:, t + 1] = x[:, t] + 0.3 * (goal - x[:, t]) + rng.normal(0, 0.4, n)
    return x


def cut_where_low(rng: np.random.Generator, rows: np.ndarray) -> np.ndarray:
    """Return sessions cut off with a chance of 0.25 after low scores, 0.05 after others."""
    cut = rng.random(rows.shape) < np.where(rows < 0.5, 0.25, 0.05)
    cut[:, 0] = False
    gone = np.cumsum(cut, axis=1) - cut > 0
    return np.where(gone, NAN, rows)


def worth(held: Held, rule: Rule) -> float:
    """Return the mean net value of a rule at a price of 0.05."""
    rows, stop = np.arange(held.n_sessions), rule.stops(held.seen, held.last)
    return float(np.mean(held.value[rows, stop] - 0.05 * held.paid[rows, stop]))


@pytest.mark.parametrize("keep", ["last", "best"])
@pytest.mark.parametrize("rule", [FullRun(), Patience(2), Threshold(1.5)], ids=lambda r: r.FAMILY)
def test_cutting_where_it_is_low_does_no_harm(keep: str, rule: Rule) -> None:
    carried, went_on = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rows = reverting(rng)
        cut = recording(cut_where_low(rng, rows), keep=keep)
        truth = worth(recording(rows, keep=keep), rule)
        carried.append(worth(cut, rule) - truth)
        went_on.append(worth(filled(cut, rng), rule) - truth)
    assert np.mean(carried) < -0.15, "half of the sessions are cut"
    # Error of the mean of 60 panels: 0.015.
    assert abs(np.mean(went_on)) < 0.05


def test_who_ended_stays_and_costs_follow_the_donor() -> None:
    held = recording([[0, 1, 2, 3], [0, 1, NAN, NAN], [0, 1, NAN, NAN]], ended=[False, True, False])
    found = filled(held, np.random.default_rng(0))
    np.testing.assert_array_equal(found.seen[2], [0, 1, 2, 3])
    np.testing.assert_array_equal(found.paid[2], [0, 1, 2, 3])
    np.testing.assert_array_equal(found.last, [3, 1, 3])
    np.testing.assert_array_equal(held.last, [3, 1, 1])


def test_ends_are_taken_over() -> None:
    held = recording([[0, 1, 2, NAN], [0, 1, NAN, NAN], [0, 5, 5, 5]], ended=[True, False, False])
    found = filled(held, np.random.default_rng(0))
    assert found.last[1] in (2, 3)
    assert bool(found.ended[1]) == (found.last[1] == 2)


def test_without_cut_sessions_nothing_is_drawn() -> None:
    held = recording(np.ones((4, 3)))
    assert filled(held, np.random.default_rng(0)) is held
