"""P-values by betting hold at any law, and more values like those seen reject when they are said to."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat.errors import SettingsError
from loopstat.inference.betting import mean_below_p, values_needed

LAWS = {
    "normal": (lambda rng, shape: np.clip(rng.normal(0.1, 0.3, shape), -0.8, 1.0), 0.1),
    "rare": (lambda rng, shape: np.where(rng.random(shape) < 0.02, 1.0, 0.0), 0.02),
    "one in ten": (lambda rng, shape: np.where(rng.random(shape) < 0.1, 1.0, 0.0), 0.1),
    "all or worse than nothing": (lambda rng, shape: np.where(rng.random(shape) < 0.5, 1.0, -0.8), 0.1),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("n", [20, 200])
def test_size(law: str, n: int) -> None:
    # 4,000 panels: an error of 0.0034 at 0.05, so a p-value that holds passes 0.062 once in 5,000 such tests.
    draw, mean = LAWS[law]
    p = mean_below_p(draw(np.random.default_rng(n), (4000, n)), mean, 1.0)
    assert np.mean(p <= 0.05) <= 0.062
    assert np.mean(p <= 0.2) <= 0.222


def test_power_and_the_number_needed() -> None:
    rng = np.random.default_rng(0)
    pilot = rng.normal(0.0, 0.2, 400)
    n = values_needed(pilot, 0.1, 1.0, alpha=0.05)
    assert n is not None
    p = mean_below_p(rng.normal(0.0, 0.2, (500, 2 * n)), 0.1, 1.0)
    assert np.mean(p <= 0.05) > 0.9
    p = mean_below_p(rng.normal(0.0, 0.2, (500, n // 2)), 0.1, 1.0)
    assert np.mean(p <= 0.05) < 0.6


def test_nothing_helps_where_the_mean_is_not_below() -> None:
    assert values_needed([0.3, 0.4, 0.2], 0.1, 1.0, alpha=0.05) is None


def test_without_values_nothing_is_known() -> None:
    assert mean_below_p(np.zeros(0), 0.1, 1.0) == 1.0


def test_refusals() -> None:
    with pytest.raises(SettingsError, match="exceed the bound 1"):
        mean_below_p([0.0, 1.5], 0.1, 1.0)
    with pytest.raises(SettingsError, match="below the bound"):
        mean_below_p([0.0], 1.0, 1.0)
