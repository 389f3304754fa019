"""Rules judged on real recordings: halves and draws on a table of known law, and what is left out is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.stopping import real, real_page

import loopstat as ls
from loopstat.decide.fit import units_of
from loopstat.decide.settings import MeanCurve
from loopstat.panel.panel import Objective

TABLE = real.Table("known", "", (), ("score",), {"score": (-10, 10)}, {"keep": "last"})


def group(sessions: int = 60) -> real.Group:
    """Return sessions that gain 1 at the first step and nothing after, judged."""
    rng = np.random.default_rng(0)
    x = np.minimum(np.arange(7), 1) + 0.5 * rng.normal(size=(sessions, 1)) + 0.05 * rng.normal(size=(sessions, 7))
    panel = ls.Panel.from_arrays(x[:, :, None], objectives=[Objective("score", low=-10, high=10)])
    part = real._Part.of(panel, TABLE, units_of(MeanCurve(**TABLE.decide), [panel]))
    certified = tuple(real.guaranteed(part, 3, rng))
    cluster = tuple(part.names[c] for c in part.held.cluster)
    return real.Group("known", "all", part.units.spread, cluster, 6, tuple(real.halved(part, rng, 4)), certified)


def test_one_step_is_found_and_nothing_is_lost() -> None:
    known = group()
    at = real_page.at(known, 0.05)
    assert at.step == 1
    assert real_page.saved([known], 0.05, "fixed") == pytest.approx(5 / 6)
    better = real_page.mean_over([known], 0.05, real_page.net("fixed", "full_run"))
    assert float(better.value) == pytest.approx(0.25, abs=0.05)  # five steps of 0.05 sd
    assert real_page.not_below(better)
    assert all(c.broken <= 1 - real.CONFIDENCE for c in known.certified)
    text = real_page.page([known], 4, 3)
    assert "| known | fixed number | 83 |" in text


def test_a_clairvoyant_is_never_beaten() -> None:
    known = group(30)
    for price in real.PRICES:
        for name in real.POLICIES:
            assert float(real_page.mean_over([known], price, real_page.net("clairvoyant", name)).value) >= -1e-12


def test_recordings_that_are_not_there_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert real.main(["--data", str(tmp_path)]) == 0
    assert "not there, left out: llamea" in capsys.readouterr().err
