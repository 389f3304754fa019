"""Steps are names of moments: negative ones, large ones and wide gaps change no figure but the steps themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import loopstat as ls

FEW = ls.LinearDrift("pooled", n_boot=20)


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


@pytest.mark.slow
@pytest.mark.parametrize("by", [-3, -100])
def test_negative_steps_with_acceptance_give_the_figures_of_the_same_steps_from_0(by):
    table = sessions()
    plain, moved = ls.read(table), ls.read(shifted(table, by))
    np.testing.assert_array_equal(moved.parent, plain.parent)
    [a], [b] = (ls.analyze(panel, estimator=FEW).groups for panel in (plain, moved))
    assert b.decided.decision.step == a.decided.decision.step + by
    assert b.decided.decision.recorded == a.decided.decision.recorded + by
    np.testing.assert_array_equal(a.path.mean, b.path.mean)


@pytest.mark.parametrize("lineage", [True, False])
def test_a_gap_of_1e14_steps_costs_no_memory_and_cuts_one_link(lineage):
    table = sessions(gain=0.1)
    table = table if lineage else table.drop(columns="accepted")
    far = table.assign(step=table["step"].where(table["step"] < 5, table["step"] + 10**14))
    near = table.assign(step=table["step"].where(table["step"] < 5, table["step"] + 10))
    [a], [b] = (ls.analyze(ls.read(t), estimator=FEW).groups for t in (near, far))
    assert a.to_dict()["skill"] == b.to_dict()["skill"]
    np.testing.assert_array_equal(a.path.mean, b.path.mean)
    assert b.path.step[-1] == 10**14 + 6


def test_large_steps_are_told_apart_and_larger_ones_refused_with_their_place():
    table = sessions().drop(columns="accepted")
    large = ls.read(shifted(table, 10**15 - 8))
    np.testing.assert_array_equal(large.parent, ls.read(table).parent)
    with pytest.raises(ls.InputError, match=r"row 6, column `step`: `step` must be a whole number below 1e\+15, got"):
        ls.read(shifted(table, 10**15 - 5))
