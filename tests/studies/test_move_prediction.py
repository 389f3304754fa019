"""Predictions for unseen tasks: right where the law holds, worse than the mean where it does not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from studies.move_prediction import TaskLaw, half_of_tasks, pass_at_k, predict_best_of, predict_tasks
from studies.round_prediction import predict_rounds

from loopstat.errors import SettingsError


def passes(seed: int, tasks: int = 100, n: int = 20) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return (rng.random((tasks, n)) < rng.beta(0.4, 0.8, (tasks, 1))).ravel(), np.repeat(np.arange(tasks), n)


def test_halves_are_tasks() -> None:
    task = np.repeat(np.arange(21), 3)
    half = half_of_tasks(task, np.random.default_rng(0))
    assert all(len(set(half[task == t])) == 1 for t in range(21))
    assert half.sum() == 33
    with pytest.raises(SettingsError, match="at least 16 tasks"):
        half_of_tasks(task[:30], np.random.default_rng(0))


def test_pass_at_k_is_the_share_of_subsets() -> None:
    from itertools import combinations

    verdicts = [1, 0, 0, 1, 0]
    for k in (1, 2, 4):
        sets = [any(s) for s in combinations(verdicts, k)]
        assert pass_at_k([2], [5], k)[0] == pytest.approx(np.mean(sets))
    assert np.isnan(pass_at_k([2], [5], 6)[0])


def test_the_law_of_tasks_is_found() -> None:
    rng = np.random.default_rng(0)
    mass = rng.choice([0.1, 3.0], 2000, p=[0.3, 0.7])
    law = TaskLaw.fit(rng.binomial(30, np.exp(-mass)), np.full(2000, 30))
    assert law.weight.sum() == pytest.approx(1)
    assert law.weight[law.mass < 1].sum() == pytest.approx(0.3, abs=0.03)
    for k in (1, 10):
        truth = 0.3 * (1 - (1 - np.exp(-0.1)) ** k) + 0.7 * (1 - (1 - np.exp(-3)) ** k)
        assert law.success(k) == pytest.approx(truth, abs=0.02)
    given = law.success_given(1, [30, 1], [30, 30])
    assert given[0] > 0.8
    assert given[1] < 0.1


def test_best_of_k_is_predicted() -> None:
    passed, task = passes(0)
    p = predict_best_of(passed, task, (1, 5, 20), rng=np.random.default_rng(0), samples=4, n_boot=50)
    assert np.all(p.inside == 1)
    assert np.abs(p.error).max() < 0.15
    assert p.skill_naive > 0.5  # tasks differ, so that one p for all is far off
    data = json.loads(json.dumps(p.to_dict()))
    assert data["at"] == [1.0, 5.0, 20.0]
    assert len(data["error"]) == 3
    again = predict_best_of(passed, task, (1, 5, 20), rng=np.random.default_rng(0), samples=4, n_boot=50)
    assert again.to_dict() == p.to_dict()


def test_single_tasks_are_told_apart() -> None:
    passed, task = passes(1)
    told = predict_tasks(passed, task, 5, rng=np.random.default_rng(0), known=4)
    assert told.skill.low > 0.2
    assert told.to_dict()["n_test"] == 50
    alike = np.random.default_rng(2).random(2000) < 0.3
    assert predict_tasks(alike, task, 5, rng=np.random.default_rng(0), known=4).skill.value < 0.1


def sessions(seed: int, kind: str) -> tuple[Any, Any, Any]:
    """Return masses, sessions and tasks of loops that stop at 0, by the two laws."""
    rng = np.random.default_rng(seed)
    mass, session, task = [], [], []
    for s in range(240):
        mu, chance = rng.uniform(0.5, 4), rng.choice([0.02, 0.6], p=[0.6, 0.4])
        for _ in range(9):
            mass.append(mu)
            session.append(s)
            task.append(s // 4)
            if mu == 0:
                break
            if kind == "walk":
                x = mu / (mu + 4)
                mu = max(mu - 0.9 * x + 0.05 - 1.5 * np.sqrt(x) * rng.standard_normal(), 0.0)
            elif rng.random() < chance:
                mu = 0.0
    return np.array(mass), np.array(session), np.array(task)


@pytest.mark.slow
@pytest.mark.parametrize("law", ["walk", "candidates"])
def test_rounds_follow_their_own_law(law: Any) -> None:
    data = sessions(0, law)
    own = predict_rounds(*data, 6, rng=np.random.default_rng(1), law=law, n_boot=40)
    assert np.abs(own.error).max() < 0.12
    assert own.inside.mean() > 0.8
    assert own.skill_naive > 0.8


def test_jumps_are_no_walk() -> None:
    data = sessions(1, "candidates")
    walk = predict_rounds(*data, 6, rng=np.random.default_rng(1), n_boot=20)
    jump = predict_rounds(*data, 6, rng=np.random.default_rng(1), law="candidates", seen=3, n_boot=20)
    assert np.mean(walk.error**2) > 2 * np.mean(jump.error**2)
    assert walk.inside.mean() < 0.8


def test_sessions_that_pass_at_once_do_not_count() -> None:
    mu, session, task = sessions(2, "walk")
    more = (np.append(mu, [0.0, 2.0]), np.append(session, [998, 999]), np.append(task, [0, 1]))
    one, other = (predict_rounds(*d, 4, rng=np.random.default_rng(1), n_boot=5) for d in ((mu, session, task), more))
    assert one.to_dict() == other.to_dict()


def test_bad_input() -> None:
    passed, task = passes(3, 30, 4)
    rng = np.random.default_rng(0)
    with pytest.raises(SettingsError, match=r"must not exceed the samples of a task, 4\. Got 5"):
        predict_best_of(passed, task, (1, 5), rng=rng)
    with pytest.raises(SettingsError, match="2 known and 3 further"):
        predict_tasks(passed, task, 3, rng=rng)
    with pytest.raises(SettingsError, match="`law` must be one of walk, candidates"):
        predict_rounds([1.0, 0.0], [0, 0], [0, 0], 2, rng=rng, law="jump")  # type: ignore[arg-type]
