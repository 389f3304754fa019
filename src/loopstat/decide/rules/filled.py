"""Sessions that were cut off, carried on as others went on that stood where they did."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...arrays import Float, Int
from ...panel.model import Rng
from ..curve import Held

NEAREST = 3  # donors one is drawn from
START = 0.1  # weight of the start beside the value held: it decides among those that hold the same


def filled(held: Held, rng: Rng) -> Held:
    """Return sessions as they might have gone on, step by step, had none been cut off.

    A session that was cut off takes its next step from one still seen that held nearly the same value and started from
    nearly the same, drawn among the three nearest: its score, cost and end, shifted by the difference of the two.

    Parameters
    ----------
    held : Held
    rng : Rng

    Returns
    -------
    Held
        Sessions without a donor stay cut off.

    Notes
    -----
    When it is wrong: where sessions were cut off because of something that the value held does not show. One draw
    stands for each step that is missing, so intervals are a little short where many are.
    """
    cut = np.flatnonzero(held.cut)
    if not len(cut):
        return held
    value, paid, seen = held.value.copy(), held.paid.copy(), held.seen.copy()
    last, ended = held.last.copy(), held.ended.copy()
    lowest, highest = float(np.nanmin(value)), float(np.nanmax(value))
    for t in range(int(held.last[cut].min()), len(held.steps) - 1):
        going = cut[(last[cut] == t) & ~ended[cut]]
        donors = np.flatnonzero(held.last > t)
        if not len(going) or not len(donors):
            continue
        donor = donors[_nearest(held, value, going, donors, t, rng)]
        off = value[going, t] - held.value[donor, t]
        value[going, t + 1] = np.clip(held.value[donor, t + 1] + off, lowest, highest)
        seen[going, t + 1] = held.seen[donor, t + 1] + off
        paid[going, t + 1] = paid[going, t] + held.paid[donor, t + 1] - held.paid[donor, t]
        last[going] = t + 1
        ended[going] = held.ended[donor] & (held.last[donor] == t + 1)
    return replace(held, value=value, paid=paid, seen=seen, last=last, ended=ended)


def _nearest(held: Held, value: Float, going: Int, donors: Int, t: int, rng: Rng) -> Int:
    """Return for each session going on the place of a donor among its three nearest; equals are drawn from."""
    scale = float(held.value[:, 0].std()) or 1.0
    spread = float(np.nanstd(held.value[:, t])) or 1.0
    theirs = held.value[donors, t] + START * spread / scale * held.value[donors, 0]
    mine = value[going, t] + START * spread / scale * held.value[going, 0]
    jitter = 1e-6 * spread
    theirs = theirs + jitter * rng.random(len(theirs))
    order = np.argsort(theirs)
    at = np.searchsorted(theirs[order], mine + jitter * rng.random(len(mine)))
    first = np.clip(at - NEAREST // 2 - 1, 0, max(len(order) - NEAREST, 0))
    return np.asarray(order[first + rng.integers(0, min(NEAREST, len(order)), len(mine))])
