"""The one door between the simulated loops and what answers them.

A plain stand-in for now: the best recorded step of the mean curve, its loss by a bootstrap of the clusters. It never
looks beyond the record and knows no half-life.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special

from .families import Array, Paths
from .kinds import Recording, value_held

PACKAGES: tuple[Path, ...] = ()  # folders of code that the answers come from: figures of other code are not kept
DRAWS = 400


@dataclass(frozen=True)
class Answer:
    """What a user is told at one price.

    Attributes
    ----------
    action : str
        `stop`, `go_on` or `cannot_tell`.
    step : int
        Step to stop after; for `go_on` it may lie beyond the record, for `cannot_tell` it is the best guess.
    loss_high : float
        Upper 95 % limit of what that step loses against the best one, in units of the score.
    half_life_low, half_life_high : float or None
        Interval of the half-life in steps, the same at every price; `high` may be infinite; None where none is given.
    advised : int or None
        Sessions said to be needed, where it cannot tell.
    """

    action: str
    step: int
    loss_high: float
    half_life_low: float | None = None
    half_life_high: float | None = None
    advised: int | None = None


def answer(recording: Recording, keep: str, prices: Sequence[float]) -> list[Answer]:
    """Answer one recording at each price, in units of the score per step."""
    value, taken, sd = _draws(recording, keep)
    return [_decide(value - price * taken, recording, sd) for price in prices]


def _draws(r: Recording, keep: str) -> tuple[Array, Array, float]:
    """Return the curve of the value held and the steps taken, row 0 estimated, then bootstrapped; and the sd."""
    last = np.isfinite(r.scores).sum(axis=1) - 1
    held = value_held(keep, Paths(r.scores, last, r.seen, r.accepted))[:, : int(last.max()) + 1]
    step = np.arange(held.shape[1])
    there = last[:, None] >= step
    gains = np.where(there[:, 1:], np.diff(held, axis=1), 0.0)
    ends = there & r.ended[:, None] & (last[:, None] == step)
    member = (r.cluster == np.unique(r.cluster)[:, None]).astype(float)
    rng = np.random.default_rng(0)
    weights = np.vstack([np.ones(len(member)), rng.exponential(size=(DRAWS, len(member)))])
    n, e, gain, start = (weights @ (member @ x) for x in (there.astype(float), ends.astype(float), gains, held[:, :1]))
    running = np.cumprod(1 - e / n, axis=1)
    rise = running[:, :-1] * gain / n[:, 1:]
    value = start / n[:, :1] + np.hstack([np.zeros((len(n), 1)), np.cumsum(rise, axis=1)])
    taken = np.hstack([np.zeros((len(n), 1)), np.cumsum(running[:, :-1], axis=1)])
    variances = [held[there[:, t], t].var() for t in step]
    return value, taken, float(np.sqrt(np.mean(variances)))


def _decide(net: Array, r: Recording, sd: float) -> Answer:
    """Decide on draws of the net value, shape (1 + draws, steps)."""
    step = int(np.argmax(net[0] >= net[0].max() - 0.01 * sd))
    loss = net - net[:, [step]]
    se = loss[1:].std(axis=0)
    se[step] = 1.0
    clusters = len(np.unique(r.cluster))
    q = np.quantile(((loss[1:] - loss[0]) / np.maximum(se, 1e-12)).max(axis=1), 0.95)
    q = float(special.stdtrit(clusters - 1, special.ndtr(q)))
    limit = float(np.max(np.delete(loss[0] + q * se, step), initial=0.0))
    expected = float(loss[1:].max(axis=1).mean())
    gain = float(net[0].max() - net[0, 0])
    if expected > 0.1 * sd and limit > max(0.25 * sd, gain / 2):
        return Answer("cannot_tell", step, limit, advised=int(np.ceil(len(r.scores) * (limit / (0.25 * sd)) ** 2)))
    return Answer("go_on" if step == net.shape[1] - 1 else "stop", step, limit)
