"""Whether sessions still look like those a rule was tuned on: what was seen then, and a count kept while it is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from ...arrays import Float, Int
from ...results.record import Record
from ..curve import Held

FAR = 6.0  # standard deviations beyond everything recorded: no session of the same kind
FALSE_ALARMS = 0.01  # chance of ever warning, by each count, while sessions stay alike
SOON = 10.0  # sessions after which the count is most watchful
CLIP = 5.0  # standard deviations that one session can add at most


@dataclass(frozen=True, eq=False)
class TunedOn(Record):
    """The sessions a rule was tuned on, as far as the rule lets them run.

    Attributes
    ----------
    sessions, clusters : int
    mean, sd : float arrays, shape (n_steps,)
        Of the score after each step; larger is better.
    change_mean, change_sd : float arrays, shape (n_steps - 1,)
        Of what the next step adds to it.
    total_mean, total_sd : float
        Of the sum over a session of its changes, each less its mean and in units of its deviation, outliers cut.
    low, high, spread : float
        Lowest and highest score recorded, and the standard deviation of all.
    """

    sessions: int
    clusters: int
    mean: Float
    sd: Float
    change_mean: Float
    change_sd: Float
    total_mean: float
    total_sd: float
    low: float
    high: float
    spread: float

    @classmethod
    def of(cls, held: Held, stop: Int) -> Self:
        """Describe recorded sessions up to where a rule stops each of them, shape (n_sessions,)."""
        alive = np.arange(held.seen.shape[1]) <= stop[:, None]
        seen = np.where(alive, held.seen, np.nan)
        change = np.diff(seen, axis=1)
        mean, sd = _moments(seen)
        change_mean, change_sd = _moments(change)
        totals = np.nansum(standardised(change, change_mean, change_sd), axis=1)
        known = held.seen[~np.isnan(held.seen)]
        ends = (float(known.min()), float(known.max()), float(known.std())) if len(known) else (np.nan,) * 3
        of_totals = (float(totals.mean()), float(totals.std())) if len(totals) else (0.0, 0.0)
        return cls(held.n_sessions, held.n_clusters, mean, sd, change_mean, change_sd, *of_totals, *ends)

    def far(self, score: float) -> bool:
        """Return whether a score lies far outside everything recorded."""
        margin = FAR * self.spread + 1e-9 * max(abs(self.low), abs(self.high))
        return score < self.low - margin or score > self.high + margin

    def start(self, score: float) -> float:
        """Return the first score of a session in standard deviations."""
        return float(np.nan_to_num(standardised(np.array(score), self.mean[0], self.sd[0])))

    def step(self, place: int, change: float) -> float:
        """Return what a step added, in standard deviations of that step; 0 beyond the recorded steps."""
        if not 0 < place <= len(self.change_mean):
            return 0.0
        z = standardised(np.array(change), self.change_mean[place - 1], self.change_sd[place - 1])
        return float(np.nan_to_num(z))

    def whole(self, total: float) -> float:
        """Return the sum of what the steps of a session added, in standard deviations of such sums."""
        return float(standardised(np.array(total), np.float64(self.total_mean), np.float64(self.total_sd)))


def _moments(values: Float) -> tuple[Float, Float]:
    """Return mean and standard deviation of each column, NaN where nothing was recorded."""
    known = ~np.isnan(values)
    n = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, values, 0.0).sum(axis=0) / n
        variance = np.where(known, (values - mean) ** 2, 0.0).sum(axis=0) / n
    return mean, np.sqrt(variance)


def standardised(values: Float, mean: Float | np.float64, sd: Float | np.float64) -> Float:
    """Return values in standard deviations from the mean, at most CLIP; any other value counts so where none varied."""
    away = values - mean
    same = np.abs(away) <= 1e-9 * np.maximum(np.abs(mean), 1e-300)
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(same, 0.0, away / sd)
    return np.clip(z, -CLIP, CLIP)


WATCHED = {
    "start": "first scores are {}",
    "first": "first steps lead {}",
    "total": "whole sessions lead {}",
}
"""What is counted once a session, and what is said of it."""


@dataclass(frozen=True, eq=False)
class Watch(Record):
    """What has been seen of all sessions so far.

    Attributes
    ----------
    count : dict
        How often each of WATCHED has been seen.
    total : dict
        The sum of what was seen, standardised.
    """

    count: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WATCHED, 0))
    total: dict[str, float] = field(default_factory=lambda: dict.fromkeys(WATCHED, 0.0))

    def seen(self, what: str, z: float) -> Watch:
        """Count one of WATCHED of one session, in standard deviations from what the recording has on average."""
        return Watch(self.count | {what: self.count[what] + 1}, self.total | {what: self.total[what] + z})

    def warnings(self, tuned: TunedOn) -> tuple[str, ...]:
        """Return what no longer looks like the sessions the rule was tuned on."""
        found = []
        for what, words in WATCHED.items():
            n, total = self.count[what], self.total[what]
            if n and abs(total) > _boundary(n, tuned.clusters):
                said = words.format("higher" if total > 0 else "lower")
                found.append(
                    f"{said} than in the recording the rule was tuned on ({total / n:+.2g} standard deviations,"
                    f" {n} session{'s' * (n != 1)}): record and tune again"
                )
        return tuple(found)


def _boundary(n: int, clusters: int) -> float:
    """Return what the sum of n standardised values exceeds at any time with probability FALSE_ALARMS at most.

    A normal mixture over all n (Robbins 1970, Ann. Math. Stat. 41, 1397), and what the recording's mean may be off.
    """
    half = FALSE_ALARMS / 2
    mixture = np.sqrt((n + SOON) * np.log((n + SOON) / (SOON * half**2)))
    off = np.sqrt(-2 * np.log(half) / max(clusters, 1))
    return float(mixture + n * off)
