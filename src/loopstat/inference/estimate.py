"""A figure with its interval, the result of a test, and how a figure is shown beside its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from ..arrays import frozen

NOTHING = float("nan")


@dataclass(frozen=True, eq=False)
class Estimate:
    """A number, vector or matrix with the ends of its interval; NaN where nothing can be said.

    Two estimates are equal where their values, ends and p-values are, NaN and infinity being alike: both are unknown.

    Attributes
    ----------
    value, low, high : float arrays of one shape
    p : float array or None
        Of the test that the value is 0; None where no test belongs to it.
    p_adjusted : float array or None
        The same after Holm.
    level : float or None
        Of the interval, where it is known here: results write it once, in their settings.
    unit : str or None
    """

    value: Any
    low: Any = None
    high: Any = None
    p: Any = None
    p_adjusted: Any = None
    level: float | None = field(default=None, kw_only=True)
    unit: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Freeze the arrays."""
        for name in ("value", "low", "high", "p", "p_adjusted"):
            given = getattr(self, name)
            if given is None and name in ("low", "high"):
                given = np.full(np.shape(self.value), np.nan)
            if given is not None:
                object.__setattr__(self, name, frozen(given, np.float64))

    @property
    def triple(self) -> tuple[float, float, float]:
        """Value, low and high of a single figure."""
        return float(self.value), float(self.low), float(self.high)

    @classmethod
    def unknown(cls, shape: tuple[int, ...] = ()) -> Estimate:
        """Return an estimate of which nothing is known."""
        return cls(np.full(shape, np.nan))

    def __getitem__(self, key: Any) -> Estimate:
        """Return some of the entries."""
        tests = (None if x is None else x[key] for x in (self.p, self.p_adjusted))
        return Estimate(self.value[key], self.low[key], self.high[key], *tests, level=self.level, unit=self.unit)

    def __eq__(self, other: object) -> bool:
        return type(other) is Estimate and all(map(alike, self._parts, other._parts))

    def __hash__(self) -> int:
        return hash(np.shape(self.value))

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self.value, self.low, self.high, self.p, self.p_adjusted

    def __repr__(self) -> str:
        if np.ndim(self.value) == 0:
            return f"Estimate({show(*self.triple)})"
        cells = zip(*(np.ravel(part).tolist() for part in (self.value, self.low, self.high)), strict=True)
        return f"Estimate({', '.join(show(*cell) for cell in cells)}; shape {np.shape(self.value)})"


def alike(a: Any, b: Any) -> bool:
    """Return whether two arrays say the same, NaN, infinity and None all being unknown."""
    if a is None or b is None:
        return not any(np.isfinite(x).any() for x in (a, b) if x is not None)
    if np.size(a) == np.size(b) == 0:
        return True
    if np.shape(a) != np.shape(b):
        return False
    known = np.isfinite(a), np.isfinite(b)
    return bool(np.array_equal(*known) and np.array_equal(np.where(known[0], a, 0), np.where(known[1], b, 0)))


NULL_IF_EMPTY: dict[str, Any] = {"write": lambda text: text or None, "read": lambda text: text or ""}
"""Metadata of a text that is null in JSON where it is empty."""


@dataclass(frozen=True)
class TestResult:
    """What a test says; NaN where nothing could be tested.

    Attributes
    ----------
    p_value, statistic : float
    df : float
        Parameters the alternative has more than the null.
    method : str
        Where the reference law comes from.
    n_draws : int
        Draws from it; 0 where it is known in closed form.
    reason : str
        Why there is no p-value, or why it is not by the method asked for; empty where there is nothing to say.
    """

    p_value: float
    statistic: float
    df: float
    method: str = field(default="", metadata=NULL_IF_EMPTY)
    n_draws: int = 0
    reason: str = field(default="", metadata=NULL_IF_EMPTY)

    __test__ = False  # no test case, whatever its name begins with

    @classmethod
    def impossible(cls, reason: str, *, statistic: float = NOTHING, df: float = NOTHING) -> Self:
        """Return the result where nothing could be tested."""
        return cls(NOTHING, statistic, df, reason=reason)


# ------------------------------------------------------------------ a figure beside its interval


def show(value: float | None, low: float | None = None, high: float | None = None) -> str:
    """Return a number with no more decimals than its interval deserves, and the interval.

    Examples
    --------
    >>> show(0.71234, 0.69, 0.74), show(123.4, 110, 140), show(0.5)
    ('0.71 [0.69, 0.74]', '123 [110, 140]', '0.50')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return number(value)
    below, above = abs(low - value), abs(high - value)
    width = max(below if below < math.inf else 0.0, above if above < math.inf else 0.0)
    decimals = _decimals(width if width > 1e-9 * abs(value) else abs(value) / 10)  # else: equal but for rounding
    return f"{_fixed(value, decimals)} [{_end(low, decimals)}, {_end(high, decimals)}]"


def _end(value: float, decimals: int) -> str:
    return _fixed(value, decimals) if math.isfinite(value) else ("-∞" if value < 0 else "∞")


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with about `digits` significant digits and no exponent in the ordinary range."""
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    if size != 0 and (size < 1e-4 or size >= 1e7):
        return f"{value:.{digits - 1}e}"
    return _fixed(value, max(0, digits - 1 - math.floor(math.log10(size))) if size else digits)


def _decimals(width: float) -> int:
    """Decimals that resolve a width: one digit of it, two where it starts with a 1."""
    if not width > 0:
        return 2
    power = math.floor(math.log10(width))
    return min(max(0, (1 if width < 2 * 10.0**power else 0) - power), 6)


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    return text[1:] if text[0] == "-" and float(text) == 0 else text
