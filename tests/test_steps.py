"""Steps are names of moments: negative ones, large ones and wide gaps change no figure but the steps themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import loopstat as ls

FEW = ls.LinearDrift(n_boot=20)


def sessions(seed: int = 0, *, gain: float = 0.4) -> pd.DataFrame:
    """Fourteen sessions of seven steps in which a version is kept where it gains."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(14):
        held = 0.0
        for step in range(7):
            score = held + rng.normal(gain, 0.5)
            rows.append((f"s{i}", step, score, bool(score > held)))
            held = max(held, score)
    return pd.DataFrame(rows, columns=["session", "step", "score", "accepted"])


def shifted(table: pd.DataFrame, by: int) -> pd.DataFrame:
    return table.assign(step=table["step"] + by)


@pytest.mark.parametrize("by", [-3, -100])
def test_negative_steps_with_acceptance_give_the_figures_of_the_same_steps_from_0(by):
    table = sessions()
    plain, moved = ls.read(table), ls.read(shifted(table, by))
    np.testing.assert_array_equal(moved.parent, plain.parent)
    [a], [b] = (ls.analyze(panel, estimator=FEW).groups for panel in (plain, moved))
    assert "is had by step 6, the longest ends at 6" in a.verdict.sentence
    assert f"is had by step {6 + by}, the longest ends at {6 + by}" in b.verdict.sentence
    np.testing.assert_array_equal(a.path.mean, b.path.mean)
