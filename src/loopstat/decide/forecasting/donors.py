"""Records, and levels of any law: sessions follow recorded ones that once stood where they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float, Int
from ...panel.model import Rng
from .histories import Histories
from .predictors import Endings, carried_on

CLASSES = 3  # of what makes sessions alike beside their level
LEAVES = 0.2  # chance at each step that a donor is left for another: the law is smoother than that of few donors
AROUND = (10, 60)  # donors: at least and at most so many of nearest level, a tenth of them in between


@dataclass(frozen=True)
class Followed:
    """What is remembered of sessions that follow donors, shape (m,) each.

    `donor` and `at` are the session followed and the place it stands at, -1 for none; `total` is the sum of the levels
    held so far, `count` how many there were, `since` the steps since the last change.
    """

    donor: Int
    at: Int
    total: Float
    count: Float
    since: Float


@dataclass(frozen=True)
class Donors:
    """Records of the proposals at the level held: each session follows a recorded one that once stood where it stands.

    A donor held a version of like level at a step of the same stretch, and was like it in one more thing: how long ago
    it had changed (of three classes), for `last` how far its mean so far lay off the level. It is followed to its end,
    or left before by a small chance, so that what makes sessions differ lasts; then another is taken. For `best` its
    proposals are taken over where their score is larger. Otherwise a session moves as its donor moves: with one
    objective to what the donor comes to, with several by what the donor changes.

    Attributes
    ----------
    h : Histories
        The donors.
    edges : float array, shape (n_stretches, 2)
        Between the classes of each stretch.
    session, place : tuples of int array
        The donors of each stretch and class, in the order of level.
    level : tuple of float array
    slope : float array, shape (k,)
        By how much proposals improve with the version they start from: used above the highest level seen.
    ends : Endings
    """

    h: Histories
    edges: Float
    session: tuple[Int, ...]
    place: tuple[Int, ...]
    level: tuple[Float, ...]
    slope: Float
    ends: Endings

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Donors:
        """Sort the recorded moves by stretch, class and level."""
        del ahead
        m, level, second = h.moves, *_features(h)
        level, second = level[m.session, m.place], second[m.session, m.place]
        at = h.stretches[m.place]
        n = int(at.max()) + 1
        edges = np.stack([np.quantile(second[at == s], [1 / 3, 2 / 3]) for s in range(n)])
        kind = (second[:, None] > edges[at]).sum(axis=1)
        parts = []
        for s in range(n):
            for c in range(CLASSES):
                rows = np.flatnonzero((at == s) & (kind == c))
                rows = rows if len(rows) >= AROUND[0] else np.flatnonzero(at == s)
                parts.append(rows[np.argsort(level[rows], kind="stable")])
        session, place = tuple(m.session[r] for r in parts), tuple(m.place[r] for r in parts)
        levels = tuple(level[r] for r in parts)
        return cls(h, edges, session, place, levels, _slopes(m.start, m.made), Endings.of(h))

    def begin(self, history: Histories, draws: int) -> Followed:
        """Return sessions that follow nobody yet."""
        level, second = _features(history)
        rows = np.arange(len(history))
        none = np.full(draws * len(history), -1)
        count = history.last + 1.0
        total, since = np.nansum(level, axis=1), second[rows, history.last]
        return Followed(none, none, np.tile(total, draws), np.tile(count, draws), np.tile(since, draws))

    def step(self, rng: Rng, x: Float, place: Int, memory: Followed) -> tuple[Float, Followed]:
        """Return the next versions."""
        h, f = self.h, memory
        level = x @ h.space.ordering
        donor, at = f.donor.copy(), f.at.copy()
        lost = np.flatnonzero((donor < 0) | (at >= h.last[donor]) | (rng.random(len(x)) < LEAVES))
        second = f.total / f.count - level if h.space.keep == "last" else f.since
        donor[lost], at[lost] = self._matched(rng, level[lost], second[lost], place[lost])
        new = self._moved(x, level, donor, at)
        changed = np.any(new != x, axis=1)
        total = f.total + new @ h.space.ordering
        return new, Followed(donor, at + 1, total, f.count + 1, np.where(changed, 0.0, f.since + 1))

    def _matched(self, rng: Rng, level: Float, second: Float, place: Int) -> tuple[Int, Int]:
        """Draw for each session one of the donors that stood where it stands."""
        stretch = self.h.stretches[np.minimum(place, len(self.h.stretches) - 1)]
        kind = CLASSES * stretch + (second[:, None] > self.edges[stretch]).sum(axis=1)
        donor, at = np.empty_like(place), np.empty_like(place)
        for s in np.unique(kind):
            here = kind == s
            chosen = _near(rng, self.level[s], level[here])
            donor[here], at[here] = self.session[s][chosen], self.place[s][chosen]
        return donor, at

    def _moved(self, x: Float, level: Float, donor: Int, at: Int) -> Float:
        start, end, made = self.h.x[donor, at], self.h.x[donor, at + 1], self.h.made[donor, at + 1]
        space = self.h.space
        above = (level > max(part[-1] for part in self.level))[:, None]
        if space.keep == "best":
            made = np.where(above, made + self.slope * (x - start), made)
            better = made @ space.select > level  # no score: never
            return np.where(better[:, None], made, x)
        moved = np.any(end != start, axis=1)[:, None]
        replaced = (x.shape[1] == 1) & ~above
        return np.where(moved, np.where(replaced, end, x + end - start), x)

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        return carried_on(self, self.ends, history, steps_ahead, rng, draws)


def _features(h: Histories) -> tuple[Float, Float]:
    """Return by session and step the level, and what else makes sessions alike, shape (n, n_steps)."""
    level = h.x @ h.space.ordering
    steps = np.arange(level.shape[1], dtype=np.float64)
    if h.space.keep == "last":
        return level, np.cumsum(np.nan_to_num(level), axis=1) / (steps + 1) - level
    changed = np.any(np.diff(h.x, axis=1, prepend=h.x[:, :1]) != 0, axis=2)
    return level, steps - np.maximum.accumulate(np.where(changed, steps, 0.0), axis=1)


def _near(rng: Rng, level: Float, wanted: Float) -> Int:
    """Draw for every level wanted one of the nearest in order; among equal ones each as likely."""
    n = len(level)
    width = int(np.clip(n // 10, *AROUND))
    left, right = np.searchsorted(level, wanted, "left"), np.searchsorted(level, wanted, "right")
    around = np.where(right - left >= width, 0.0, width)
    at = left + rng.random(len(wanted)) * (right - left) + (rng.random(len(wanted)) - 0.5) * around
    return np.clip(np.floor(at), 0, n - 1).astype(np.int64)


def _slopes(start: Float, made: Float) -> Float:
    """Return the slopes of proposals on what they start from, between 0 and 1."""
    out = np.zeros(start.shape[1])
    for j in range(len(out)):
        some = ~np.isnan(made[:, j])
        x, y = start[some, j], made[some, j]
        spread = np.var(x) if len(x) else 0.0
        out[j] = np.clip(np.mean((x - x.mean()) * (y - y.mean())) / spread, 0.0, 1.0) if spread > 0 else 0.0
    return out
