"""How figures stand in the tables of the page."""

from __future__ import annotations

import numpy as np

from loopstat.inference.estimate import Estimate, show

CLOSE = 0.03


def shown(e: Estimate | None) -> str:
    """Return a figure with its interval."""
    return "-" if e is None else show(*e.triple)


def ranged(e: Estimate) -> str:
    """Return the ends alone, with a digit more where they lie close together."""
    _, low, high = e.triple
    digits = 3 if high - low < CLOSE else 2
    return f"{low:.{digits}f} to {high:.{digits}f}".replace(f"-{0:.{digits}f}", f"{0:.{digits}f}")


def vector(e: Estimate | None) -> str:
    """Return the figures of several objectives."""
    return "-" if e is None else "; ".join(show(*e[j].triple) for j in range(len(e.value)))


def p_shown(p: float) -> str:
    """Return a p-value."""
    return "-" if not np.isfinite(p) else "< 0.001" if p < 0.001 else f"{p:.2g}"


def percent(share: float) -> str:
    """Return a share in percent, two digits of it."""
    return f"{100 * share:.2g} %"


def milliseconds(seconds: dict[str, float]) -> str:
    """Return the CPU that suites take for a program."""
    return " and ".join(f"{1000 * x:.1f} ms (`{suite}`)" for suite, x in seconds.items())
