"""Limits of a squared length that is seen with noise: how far from balance something is, when noise adds length too."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

FAR = 100.0  # seen lengths, in errors, from which the noncentral chi-square is normal to four digits
SIMULATED = 20_000


def length_limits(squared: float, k: int, t: float) -> tuple[float, float]:
    """Return limits of a squared length, seen as `squared` with unit noise in k directions.

    In one direction they are (seen -+ t)^2, 0 where the seen length is below t; in more, those noncentral chi-square
    limits whose tails are the same functions of the length.
    """
    from scipy.special import chndtr, ndtr

    seen, tail = float(np.sqrt(squared)), float(ndtr(-t))
    if k == 1 or seen > FAR:  # the series of the noncentral chi-square fails at very long lengths
        return max(max(seen - t, 0.0) ** 2 - (k - 1), 0.0), (seen + t) ** 2 - (k - 1)

    def too_long(length: float) -> float:
        return float(1 - chndtr(squared, k, length**2) - tail - ndtr(-(2 * length + t)))

    def too_short(length: float) -> float:
        return float(tail - ndtr(-(seen + length)) - chndtr(squared, k, length**2))

    low = 0.0 if too_long(0.0) >= 0 else _root(too_long, 0.0, seen)
    return low**2, _root(too_short, 0.0, seen + t + 1) ** 2


def _root(increasing: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function crosses 0; the end nearer to it where rounding leaves no crossing."""
    from scipy.optimize import brentq

    if increasing(low) >= 0:
        return low
    if increasing(high) <= 0:
        return high
    return float(brentq(increasing, low, high, xtol=1e-10))


def seen_length_limits(plug_in: float, bias: float, spread: float, k: float, level: float) -> tuple[float, float]:
    """Return limits of a squared length seen with noise in k directions that adds `bias` to it.

    In units of bias/k the seen length is (sqrt(f) z + sqrt(length))^2 + chi-square(k - 1): along the currents the noise
    is f times that across them, which `spread`, the error of the resampled entropy, tells.
    """
    if not bias > 0 or not k > 0:
        return np.nan, np.nan
    unit = bias / k
    seen = plug_in / unit
    f = 1.0
    if np.isfinite(spread):
        f = float(np.clip(((spread / unit) ** 2 - 2 * k) / (4 * seen), 0.25, 25.0))
    rng = np.random.default_rng(0)
    along = np.sqrt(f) * rng.standard_normal(SIMULATED)
    across = rng.chisquare(max(k - 1, 1e-6), SIMULATED)
    tail = (1 - level) / 2

    def above(length: float, of: float = seen) -> float:
        return float(np.mean((along + np.sqrt(length)) ** 2 + across > of))

    # A length seen shorter than noise alone would make it says no more than noise alone.
    shortest = float(np.median(along**2 + across))
    top = (np.sqrt(max(seen, shortest)) + 6 * np.sqrt(f)) ** 2 + 10 * np.sqrt(2 * k) + 10
    low = 0.0 if above(0.0) >= tail else _where(above, tail, 0.0, top)
    high = _where(lambda length: above(length, max(seen, shortest)), 1 - tail, 0.0, top)
    return low * unit, high * unit


def _where(increasing: Callable[[float], float], level: float, low: float, high: float) -> float:
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if increasing(middle) < level else (low, middle)
    return (low + high) / 2
