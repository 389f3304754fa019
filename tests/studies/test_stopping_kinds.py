"""The kinds of loops that judge decisions: their truth against sessions followed one by one, and closed forms."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchmarks.stopping.kinds import KINDS, Recording

MANY, HORIZON = 3000, 12
CUT = [name for name, kind in KINDS.items() if kind.cut is not None]


def followed(keep: str, r: Recording, i: int) -> tuple[list[float], list[int]]:
    """Follow one session of an uncut recording: the score of the version held and the steps taken, by step."""
    held, steps, version = [], [], 0
    by = r.scores if r.seen is None else r.seen
    taken = 0
    for t in range(r.scores.shape[1]):
        if not np.isnan(r.scores[i, t]):
            taken = t
            if keep == "best":
                version = t if by[i, t] > by[i, version] else version
            elif keep == "accepted":
                assert r.accepted is not None
                version = t if r.accepted[i, t] else version
            else:
                version = t
        held.append(float(r.scores[i, version]))
        steps.append(taken)
    return held, steps


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_truth_is_what_sessions_without_a_budget_hold(name: str) -> None:
    kind = KINDS[name]
    truth = kind.truth(HORIZON, HORIZON)
    recording = replace(kind, cut=None, by_task=False).draw(np.random.default_rng(1), MANY, HORIZON)
    each = [followed(kind.keep, recording, i) for i in range(MANY)]
    held, steps = (np.array(part, dtype=np.float64) for part in zip(*each, strict=True))
    # 42 kinds x 13 steps x 2 at 5 standard errors: a false alarm in one of 1,500 runs
    for seen, wanted in ((held, truth.value), (steps, truth.steps)):
        error = seen.std(axis=0) / np.sqrt(MANY) + 1e-9
        assert np.all(np.abs(seen.mean(axis=0) - wanted) < 5 * error + 0.005)
    tails = 0.1 if name.endswith("heavy") or name == "heavy_tails" else 0.05
    assert np.sqrt(held.var(axis=0).mean()) == pytest.approx(truth.sd, rel=tails)


@pytest.mark.parametrize("name", KINDS)
def test_recordings_have_the_promised_shape(name: str) -> None:
    kind = KINDS[name]
    r = kind.draw(np.random.default_rng(3), 60, 7)
    again = kind.draw(np.random.default_rng(3), 60, 7)
    np.testing.assert_array_equal(r.scores, again.scores)
    assert r.scores.shape == (60, 8)
    assert r.ended.shape == r.cluster.shape == (60,)
    there = np.isfinite(r.scores)
    assert there[:, 0].all()
    assert np.all(there[:, :-1] >= there[:, 1:]), "a gap within a session"
    assert len(np.unique(r.cluster)) == (12 if kind.by_task else 60)
    assert (r.accepted is not None) == (kind.keep == "accepted")
    if r.seen is not None:
        np.testing.assert_array_equal(np.isfinite(r.seen), there)
    if kind.keep == "success":
        last = r.scores[np.arange(60), there.sum(axis=1) - 1]
        np.testing.assert_array_equal(last == 1, r.ended)
    if kind.cut is None:
        assert np.all(there[:, -1] | r.ended)
    truth = kind.truth(7, 10)
    assert truth.value.shape == truth.steps.shape == (11,)
    assert truth.half_life == kind.half_life


def test_there_are_enough_kinds() -> None:
    assert len(KINDS) >= 28
    assert {kind.keep for kind in KINDS.values()} == {"last", "best", "success", "accepted"}
    assert sum(kind.flat for kind in KINDS.values()) >= 3


def test_closed_forms() -> None:
    t = np.arange(11)
    climb = KINDS["climb_2"].truth(7, 10)
    np.testing.assert_allclose(climb.value, -2 * 0.5 ** (t / 2), atol=0.01)
    assert climb.sd == pytest.approx(0.8, rel=0.01)
    success = KINDS["success"].truth(7, 10)
    np.testing.assert_allclose(success.value, 1 - 0.85 ** (t + 1), atol=0.005)
    np.testing.assert_allclose(success.steps, np.cumsum([0, *0.85 ** t[1:]]), atol=0.04)
    dead = KINDS["success_dead"].truth(7, 10)
    assert np.ptp(dead.value[4:]) == 0
    np.testing.assert_array_equal(np.diff(KINDS["walk"].truth(7, 10).value), 0)


def test_the_late_jump_lies_behind_the_record() -> None:
    for steps in (5, 7, 10, 20):
        value = KINDS["late_jump"].truth(steps, int(1.5 * steps)).value
        assert np.ptp(value[: steps + 1]) < 0.02
        assert value[-1] - value[0] == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("name", CUT)
def test_budgets_cut_only_sessions_that_go_on(name: str) -> None:
    r = KINDS[name].draw(np.random.default_rng(5), 400, 8)
    reached = np.isfinite(r.scores[:, -1])
    assert 0.1 < np.mean(~reached & ~r.ended) < 0.9


def test_low_scores_are_given_up() -> None:
    r = KINDS["cut_level"].draw(np.random.default_rng(5), 4000, 8)
    given_up, on = np.isnan(r.scores[:, 2]), np.isfinite(r.scores[:, 2])
    assert r.scores[given_up, 0].mean() < r.scores[on, 0].mean() - 0.3


def test_nothing_of_the_package_is_imported() -> None:
    code = "import sys, benchmarks.stopping.kinds; sys.exit(any(m.split('.')[0] == 'loopstat' for m in sys.modules))"
    root = Path(__file__).resolve().parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False, timeout=60).returncode == 0
