"""How sessions end: by themselves, on reaching a bar, or cut off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arrays import Bool, Float
from .panel import MIN_STOPPED, Panel

HAZARD = 0.9  # of the rows at or above the bar, this share must be the session's last
OWN = {"true", "1", "yes", "y", "ended", "own", "success", "solved", "done", "finished", "stop", "stopped", "passed"}
OWN |= {"target"}  # of the words that records use; the others say that it was cut off, or do not know better
CUT = {"false", "0", "no", "n", "", "cut", "budget", "limit", "timeout", "max_iterations", "aborted", "running"}
CUT |= {"failure", "unknown"}


@dataclass(frozen=True)
class SuccessBar:
    """A value at which sessions were seen to stop: `objective` (position), `bar`, share of sessions that reached it."""

    objective: int
    bar: float
    share: float
    hazard: float


def stop_on_success(panel: Panel) -> SuccessBar | None:
    """Look for an objective whose reaching of a bar ends sessions; None where there is none.

    A bar is found where at least 90 % of the rows that reach it are their session's last, at least 5 sessions and
    5 % of all stopped there, before the longest session's length, and rows below it are rarely last.
    """
    rows = np.flatnonzero(panel.complete)
    if len(rows) == 0:
        return None
    session = panel.session[rows]
    last = np.r_[np.diff(session) != 0, True]
    lengths = np.bincount(panel.session, minlength=panel.n_sessions)
    early = last & (lengths[session] < lengths.max())
    if early.sum() < MIN_STOPPED:
        return None
    found = [_bar(panel.x[rows, j] * panel.signs[j], last, early, j) for j in range(panel.n_obj)]
    rules = [r for r in found if r is not None and r.share >= 0.05]
    best = max(rules, key=lambda r: r.share, default=None)
    if best is None:
        return None
    return SuccessBar(best.objective, best.bar * panel.signs[best.objective], best.share, best.hazard)


def _bar(value: Float, last: Bool, early: Bool, objective: int) -> SuccessBar | None:
    """Scan bars from the best value down, on values whose larger is better."""
    order = np.argsort(-value, kind="stable")
    edge = np.r_[np.diff(value[order]) != 0, True]
    above = np.arange(1, len(value) + 1)[edge]
    stopped, short = np.cumsum(last[order])[edge], np.cumsum(early[order])[edge]
    below = (last.sum() - stopped) / np.maximum(len(value) - above, 1)
    good = (stopped / above >= HAZARD) & (short >= MIN_STOPPED) & (below <= 0.5) & (above < len(value))
    if not good.any():
        return None
    # Of the bars that qualify, the highest that still explains nearly all early stops: values between are rare.
    k = int(np.flatnonzero(good & (short >= 0.95 * short[good].max()))[0])
    share, hazard = float(short[k] / last.sum()), float(stopped[k] / above[k])
    return SuccessBar(objective, float(value[order][edge][k]), share, hazard)
