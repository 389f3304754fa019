"""The best step at a price, what it may cost to be wrong about it, and the price map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Float, Int
from .ahead import continued
from .curve import Curve

NEAR = 0.01  # standard deviations within which a step is as good as the best
HALF_SEEN, WIDE = 0.5, 0.25  # of the gain seen, and standard deviations: a limit above both leaves the answer open
COSTLY = 0.1  # standard deviations an expected loss may have
LEVEL = 0.95


@dataclass(frozen=True)
class Scenarios:
    """The curve as expected, and what might come instead: nothing more, all that the curves promise, the late slope."""

    expected: Curve
    others: tuple[Curve, ...]
    steps: Int
    recorded: int  # place of the last recorded step

    @classmethod
    def of(cls, curve: Curve, steps: Int, until: int) -> Scenarios:
        """Continue a recorded curve in every way."""
        from .ahead import steps_ahead

        expected = continued(curve, steps, until)
        others = tuple(continued(curve, steps, until, shrink=s) for s in (0.0, 1.0))
        late = _late_slope(curve, steps, expected)
        return cls(expected, (*others, late), np.r_[steps, steps_ahead(steps, until)], len(steps) - 1)


def _late_slope(curve: Curve, steps: Int, expected: Curve) -> Curve:
    """Continue with the slope of the record's last half."""
    n = curve.value.shape[1]
    more = expected.value.shape[1] - n
    middle = (n - 1) // 2
    slope = (curve.value[:, -1] - curve.value[:, middle]) / max(n - 1 - middle, 1)
    slope = slope * 1.0
    value = curve.value[:, -1:] + slope[:, None] * np.arange(1, more + 1)
    return Curve(np.concatenate([curve.value, value], axis=1), expected.paid, expected.running)


@dataclass(frozen=True)
class Best:
    """The best step at one price, by place; losses in units of the value."""

    place: int
    loss: float
    limit: float
    low: int
    high: int


def best(scenarios: Scenarios, price: float, spread: float, clusters: int, level: float = LEVEL) -> Best:
    """Return the first step whose expected net value is as good as the best, and what may be lost by it."""
    net = scenarios.expected.value - price * scenarios.expected.paid
    mean = net.mean(axis=0)
    mean[: scenarios.recorded + 1] = net[0, : scenarios.recorded + 1]
    place = int(np.flatnonzero(mean >= mean.max() - NEAR * spread)[0])
    draws = net[1:]
    loss = float(np.mean(draws.max(axis=1) - draws[:, place])) if len(draws) else float("nan")
    limits = [loss_limit(c.value - price * c.paid, place, clusters, level) for c in scenarios.others]
    near = draws >= draws.max(axis=1, keepdims=True) - NEAR * spread
    chosen = near.argmax(axis=1) if len(draws) else np.array([place])
    low, high = np.quantile(chosen, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return Best(place, loss, max(limits), min(int(low), place), max(int(high), place))


def loss_limit(net: Float, place: int, clusters: int, level: float) -> float:
    """Return the upper limit of what another step would have been better by, for all steps at once.

    Parameters
    ----------
    net : float array, shape (1 + n_draws, n_steps)
    place : int
        The step chosen; fixed in all draws.
    clusters : int
        Independent clusters: the studentised maximum is taken as a quantile of t with one less degrees of freedom.
    level : float
    """
    from scipy.special import ndtr, stdtrit

    better = net - net[:, place : place + 1]
    error = better[1:].std(axis=0) * np.sqrt(clusters / max(clusters - 1, 1))
    moves = error > 1e-12 * max(float(np.abs(net).max()), 1e-300)
    if not moves.any():
        return float(max(better[0].max(), 0.0))
    studentised = (better[1:, moves] - better[0, moves]) / error[moves]
    q = float(np.quantile(studentised.max(axis=1), level))
    q = float(stdtrit(max(clusters - 1, 1), ndtr(q)))
    return float(max((better[0] + q * error).max(), 0.0))
