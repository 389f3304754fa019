"""What kept versions alone say of all proposals: against the truth, and when nothing can be said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import loopstat as ls
from conftest import invoke, write_table
from loopstat.drift.readings.survivors import MIN_KEPT, Cut, survivors, survivors_notes
from loopstat.panel.panel import Panel

PULL = -0.3


def kept(sessions: int, seed: int = 0, *, sign: float = 1.0, always: float = 0.0) -> Panel:
    """Return loops of which only proposals better than their parent were logged; `always`: some others too."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(sessions):
        x = -3 + 0.5 * rng.normal()
        path = [x]
        for _ in range(40):
            y = x + PULL * x + rng.normal()
            if y > x or rng.random() < always:
                path.append(y)
                x = y
        found.append(sign * np.array(path)[:, None])
    objective = ls.Objective("score", maximize=sign > 0)
    return replace(Panel.from_arrays(found, objectives=[objective]), survivors_only=True)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_change_of_all_proposals_is_found(sign: float) -> None:
    panel = kept(150, sign=sign)
    [found] = survivors(panel)
    truth = PULL * sign * float(panel.pairs().x.mean())
    assert found.reason == ""
    assert found.seen > truth + 0.8, "those kept gain far more"
    assert found.change.low < truth < found.change.high
    assert abs(found.slope - PULL) < 0.1
    assert abs(found.sd - 1) < 0.1
    assert 0 < found.share.low < found.share.value < found.share.high < 1
    assert found.p_fit > 0.05


def test_intervals_hold_the_truth() -> None:
    # 40 panels, 95 %: fewer than 34 has a probability below 1e-3 if the interval is right.
    held = 0
    for seed in range(40):
        panel = kept(40, seed)
        [found] = survivors(panel)
        truth = PULL * float(panel.pairs().x.mean())
        held += found.reason != "" or found.change.low < truth < found.change.high
    assert held >= 34


def test_gradient_and_curvature_are_those_of_the_likelihood() -> None:
    rng = np.random.default_rng(1)
    law = Cut(rng.normal(size=(20, 1)), rng.random(20) + 0.1, np.full(20, 0.2), 0.3)
    at, step = np.array([0.4, 0.9]), 1e-5
    _, gradient, hessian = law.likelihood(at)
    for k in range(2):
        move = step * np.eye(2)[k]
        up, down = law.likelihood(at + move), law.likelihood(at - move)
        assert np.isclose(gradient[k], (up[0] - down[0]) / (2 * step), rtol=1e-5)
        assert np.allclose(hessian[k], (up[1] - down[1]) / (2 * step), rtol=1e-5)


def test_another_rule_is_refused() -> None:
    [found] = survivors(kept(30, always=0.2))
    assert "are no better than their parent: another rule kept them" in found.reason
    assert np.isnan(found.change.value)


def test_few_are_refused() -> None:
    [found] = survivors(kept(2))
    assert f"{MIN_KEPT} are needed" in found.reason
    assert survivors_notes(replace(kept(2), survivors_only=False)) == []


def test_the_analysis_says_what_holds(tmp_path) -> None:
    panel = kept(60)
    names = [panel.session_names[s] for s in panel.session]
    rows = [(n, int(t), float(x), "true") for n, t, x in zip(names, panel.step, panel.x[:, 0], strict=True)]
    path = write_table(tmp_path / "kept.csv", rows, ("session", "step", "score", "survivors_only"))
    shown = invoke("analyze", path, "--bootstrap", 20)
    said = " ".join(shown.stdout.split())
    assert "the log kept survivors only: what sessions hold at a step" in said
    long = " ".join(invoke("analyze", path, "--bootstrap", 20, "--verbose").stdout.split())
    assert "on average a proposal gains" in long
    assert "truncated regression of" in long
    assert "survivors only" in " ".join(invoke("decide", path, "--bootstrap", 20).stdout.split())
