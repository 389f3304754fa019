"""How sessions go on: predictors, one small protocol for all of them, and the few that a decision brings itself.

Other lenses take part through the protocol: what composes a command hands their predictors in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..arrays import Bool, Float, Int
from ..inference.resample import bootstrap_weights
from ..panel.model import Model, Rng
from .ahead import continued
from .curve import Curve, Held
from .histories import Histories, Space

POOLED = 30.0  # transitions' worth of the coefficients of all steps, in those of a stretch of steps
CLASSES = 3  # of what makes sessions alike beside their level
LEAVES = 0.2  # chance at each step that a donor is left for another: the law is smoother than that of few donors
AROUND = (10, 60)  # donors: at least and at most so many of nearest level, a tenth of them in between
DRAWN = 40  # draws of the mean curve, by which curves beyond the record are weighed


class Predictor(Protocol):
    """What carries sessions on."""

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold.

        Parameters
        ----------
        history : Histories
            n sessions as they are known.
        steps_ahead : int
            Counted from each session's last step, as far apart as the recorded steps are.
        rng : Generator
        draws : int
            Of each session.

        Returns
        -------
        float array, shape (draws, n, steps_ahead, k)
            Versions held; sessions that have ended keep theirs.
        """
        ...


Family = Callable[[Histories, int], Predictor]
"""Makes a predictor from recorded sessions, for at most so many steps beyond their record."""


@dataclass(frozen=True)
class Drawn:
    """Predictors of one family with parameters drawn each for itself, an equal part of the draws from each."""

    variants: tuple[Predictor, ...]

    @classmethod
    def of(cls, family: Family, h: Histories, ahead: int, n: int, rng: Rng) -> Drawn:
        """Fit to n draws of clusters with replacement; a draw without any step gives way to what is recorded."""
        drawn = (h.resampled(rng) for _ in range(n))
        return cls(tuple(family(d if len(d.moves.place) else h, ahead) for d in drawn))

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says; `draws` of each variant a like number, at least one."""
        each = max(1, draws // len(self.variants))
        return np.concatenate([v.predict(history, steps_ahead, rng, each) for v in self.variants])


class _OneStep(Protocol):
    """A predictor that knows how one step goes."""

    def begin(self, history: Histories, draws: int) -> Any:
        """Return what it remembers of each session, repeated for each draw."""
        ...

    def step(self, rng: Rng, x: Float, place: Int, memory: Any) -> tuple[Float, Any]:
        """Return versions one step after those held at places, shape (m, k), and what is remembered then."""
        ...


def carried_on(one: _OneStep, ends: Endings, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
    """Take steps one after another until sessions end; returns shape (draws, n, steps_ahead, k)."""
    space, n = history.space, len(history)
    x = np.tile(history.current, (draws, 1))
    shown = x
    place, running = np.tile(history.last, draws), np.tile(~history.ended, draws)
    memory = one.begin(history, draws)
    out = np.empty((draws, n, steps_ahead, x.shape[1]))
    for s in range(steps_ahead):
        new, memory = one.step(rng, x, place + s, memory)
        new = _kept(space, x, space.bounded(new))
        x = np.where(running[:, None], new, x)
        shown = np.where(running[:, None], space.told(x), shown)
        out[:, :, s] = shown.reshape(draws, n, -1)
        running &= ~ends.happen(rng, shown, place + s + 1)
    return out


def _kept(space: Space, x: Float, new: Float) -> Float:
    if space.keep in ("last", "accepted"):
        return new
    return np.where((new @ space.select > x @ space.select)[:, None], new, x)


@dataclass(frozen=True)
class Endings:
    """How sessions end by themselves: at a bar, or with a chance by stretch of steps.

    Attributes
    ----------
    space : Space
    chance : float array, shape (n_steps,)
        That a session still running ends on arrival at a place; not used where there is a bar.
    """

    space: Space
    chance: Float

    @classmethod
    def of(cls, h: Histories) -> Endings:
        """Count how many sessions end on arrival at a step, of those that arrive."""
        stretch = h.stretches
        arrived = np.bincount(stretch[h.moves.place], minlength=len(stretch))
        after = h.ended & (h.last > 0)
        gone = np.bincount(stretch[h.last[after] - 1], minlength=len(stretch))
        return cls(h.space, (gone / np.maximum(arrived, 1))[np.r_[stretch[0], stretch[:-1]]])

    def happen(self, rng: Rng, x: Float, place: Int) -> Bool:
        """Draw which sessions end with the version they hold at a place."""
        if self.space.bar is not None:
            return self.space.at_bar(x)
        if not self.chance.any():
            return np.zeros(len(x), dtype=bool)
        return np.asarray(rng.random(len(x)) < self.chance[np.minimum(place, len(self.chance) - 1)])


@dataclass(frozen=True)
class Pool:
    """Things seen at steps, of which those of like steps are drawn from.

    Attributes
    ----------
    stretch : int array, shape (n_steps,)
        Of each place.
    entries : tuple of float array, shape (n_entries, ...)
        One array a stretch.
    """

    stretch: Int
    entries: tuple[Float, ...]

    @classmethod
    def of(cls, h: Histories, entries: Float) -> Pool:
        """Sort what belongs to the recorded moves by stretch."""
        at = h.stretches[h.moves.place]
        return cls(h.stretches, tuple(entries[at == s] for s in range(int(h.stretches.max()) + 1)))

    def at(self, place: Int) -> Int:
        """Return the stretch of places; beyond the record the last one."""
        return self.stretch[np.minimum(place, len(self.stretch) - 1)]

    def draw(self, rng: Rng, place: Int) -> Float:
        """Draw an entry for every place."""
        at = self.at(place)
        sizes = np.array([len(e) for e in self.entries])
        first = np.cumsum(sizes) - sizes
        drawn = first[at] + (rng.random(len(place)) * sizes[at]).astype(np.int64)
        return np.asarray(np.concatenate(self.entries)[drawn])


# ------------------------------------------------------------------------------------ levels


@dataclass(frozen=True)
class Averaged:
    """The mean curve, and around it what a session is above it: last, and on average so far (least squares).

    r[t+1] = phi r[t] + psi mean(r[0..t]) + e, r the residual about the mean curve, one objective at a time, with
    coefficients by stretch of steps shrunk to those of all; e is drawn from the residuals of like steps, all objectives
    together. Beyond the record the mean curve goes on as curves that fit it do.

    Attributes
    ----------
    mean : float array, shape (n_steps + ahead, k)
    coefficients : float array, shape (n_stretches, k, 2)
        phi and psi.
    errors : Pool
    ends : Endings
    """

    mean: Float
    coefficients: Float
    errors: Pool
    ends: Endings

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Averaged:
        """Estimate from recorded sessions."""
        mean = np.stack([_mean_curve(h, j, ahead) for j in range(h.x.shape[2])], axis=1)
        residual = h.x - mean[: h.x.shape[1]]
        own = np.cumsum(np.nan_to_num(residual), axis=1) / np.arange(1, h.x.shape[1] + 1)[:, None]
        m = h.moves
        by = np.stack([residual[m.session, m.place], own[m.session, m.place]], axis=2)
        target = residual[m.session, m.place + 1]
        stretch = h.stretches[m.place]
        coefficients = _by_stretch(by, target, stretch, int(h.stretches.max()) + 1)
        error = target - np.einsum("mkc,mkc->mk", by, coefficients[stretch])
        return cls(mean, coefficients, Pool.of(h, error), Endings.of(h))

    def begin(self, history: Histories, draws: int) -> tuple[Float, Float]:
        """Return the sum of each session's residuals so far, and how many there are."""
        places = np.minimum(np.arange(history.x.shape[1]), len(self.mean) - 1)
        total = np.nansum(history.x - self.mean[places], axis=1)
        return np.tile(total, (draws, 1)), np.tile(history.last + 1.0, draws)[:, None]

    def step(self, rng: Rng, x: Float, place: Int, memory: tuple[Float, Float]) -> tuple[Float, tuple[Float, Float]]:
        """Return the next versions."""
        total, count = memory
        end = len(self.mean) - 1
        now, later = self.mean[np.minimum(place, end)], self.mean[np.minimum(place + 1, end)]
        c = self.coefficients[self.errors.at(place)]
        residual = c[..., 0] * (x - now) + c[..., 1] * total / count + self.errors.draw(rng, place)
        return later + residual, (total + residual, count + 1)

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        return carried_on(self, self.ends, history, steps_ahead, rng, draws)


def _mean_curve(h: Histories, j: int, ahead: int) -> Float:
    """Return the mean of one objective by step, sessions cut off carried on, continued beyond the record."""
    nothing = np.zeros(h.x.shape[:2])
    held = Held(h.x[:, :, j], nothing, nothing, h.last, h.ended, h.cluster, h.steps)
    rng = np.random.default_rng(0)
    curve = Curve.of(held, bootstrap_weights(h.n_clusters, DRAWN if ahead else 0, rng))
    whole = continued(curve, h.steps, int(h.steps[-1]) + ahead * apart(h.steps)).value
    return np.concatenate([whole[0, : len(h.steps)], whole.mean(axis=0)[len(h.steps) :]])


def apart(steps: Int) -> int:
    """Return how far apart recorded steps are."""
    return max(1, int(np.median(np.diff(steps)))) if len(steps) > 1 else 1


def _by_stretch(by: Float, target: Float, stretch: Int, n: int) -> Float:
    """Return least squares by stretch, shrunk to the one of all, shape (n, k, 2)."""
    gram, right = np.zeros((n, *by.shape[1:], 2)), np.zeros((n, *by.shape[1:]))
    np.add.at(gram, stretch, by[..., :, None] * by[..., None, :])
    np.add.at(right, stretch, by * target[..., None])
    whole = gram.sum(axis=0)
    whole = whole + (1e-9 * np.trace(whole, axis1=1, axis2=2)[:, None, None] + 1e-300) * np.eye(2)
    pooled = np.linalg.solve(whole, right.sum(axis=0)[..., None])[..., 0]
    prior = whole * POOLED / max(len(by), 1)
    return np.asarray(
        np.linalg.solve(gram + prior, (right + np.einsum("kab,kb->ka", prior, pooled))[..., None])[..., 0]
    )


@dataclass(frozen=True)
class Simulated:
    """A model that another lens fitted, run from where sessions stand."""

    model: Model
    ends: Endings

    def begin(self, history: Histories, draws: int) -> None:
        """Return nothing: a model knows the current version alone."""
        del history, draws

    def step(self, rng: Rng, x: Float, place: Int, memory: None) -> tuple[Float, None]:
        """Return the next versions."""
        del place
        return self.model.step(rng, x), memory

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        return carried_on(self, self.ends, history, steps_ahead, rng, draws)


# ------------------------------------------------------------------------------------ records


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


# ------------------------------------------------------------------------------------ success


@dataclass(frozen=True)
class Hazard:
    """The chance of success at each step among those still without it.

    Attributes
    ----------
    chance : float array, shape (n_steps - 1,)
        Of the step from each place; a few steps' worth of the chance in like steps is added to every count.
    """

    chance: Float

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Hazard:
        """Count successes among the unfinished, by step."""
        del ahead
        hits, runs, stretch = _successes(h)
        m = int(stretch.max()) + 1
        pooled = (np.bincount(stretch, hits, m) + 0.5) / (np.bincount(stretch, runs, m) + 1)
        chance = (hits + 5 * pooled[stretch]) / (runs + 5)
        return cls(np.r_[chance[:-1], pooled[stretch[-1]]])

    @classmethod
    def constant(cls, h: Histories, ahead: int) -> Hazard:
        """Count successes among the unfinished, at all steps alike."""
        del ahead
        hits, runs, _ = _successes(h)
        return cls(np.full(len(hits), (hits.sum() + 0.5) / (runs.sum() + 1)))

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        x = np.tile(history.current, (draws, 1))
        place, out = np.tile(history.last, draws), np.empty((draws, len(history), steps_ahead, 1))
        running = np.tile(~history.ended, draws)
        for s in range(steps_ahead):
            hit = running & (rng.random(len(x)) < self.chance[np.minimum(place + s, len(self.chance) - 1)])
            x = np.where(hit[:, None], 1.0, x)
            out[:, :, s] = x.reshape(draws, -1, 1)
        return out


def _successes(h: Histories) -> tuple[Float, Float, Int]:
    """Return by step how many succeed, and out of how many, and the stretch it is of."""
    m, n = h.moves, h.x.shape[1] - 1
    open_ = m.start[:, 0] < 1
    hits = np.bincount(m.place[open_ & (m.end[:, 0] >= 1)], minlength=n).astype(np.float64)
    return hits, np.bincount(m.place[open_], minlength=n).astype(np.float64), h.stretches[:n]


# ------------------------------------------------------------------------------------ what every predictor must beat


@dataclass(frozen=True)
class Persistence:
    """What is held stays, up to changes as large as those seen, up as often as down."""

    changes: Pool
    ends: Endings

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Persistence:
        """Gather the changes seen."""
        del ahead
        return cls(Pool.of(h, h.moves.end - h.moves.start), Endings.of(h))

    def begin(self, history: Histories, draws: int) -> None:
        """Return nothing: the version held is all that counts."""
        del history, draws

    def step(self, rng: Rng, x: Float, place: Int, memory: None) -> tuple[Float, None]:
        """Return the next versions."""
        up = np.where(rng.random((len(x), 1)) < 0.5, 1.0, -1.0)
        return x + up * self.changes.draw(rng, place), memory

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        return carried_on(self, self.ends, history, steps_ahead, rng, draws)


@dataclass(frozen=True)
class Mean:
    """What any session holds at a step, whatever this one has held: `values`, one array of shape (n, k) a step."""

    values: tuple[Float, ...]

    @classmethod
    def fit(cls, h: Histories, ahead: int) -> Mean:
        """Gather what is held at every step."""
        del ahead
        there = ~np.isnan(h.known[:, :, 0])
        return cls(tuple(h.known[there[:, t], t] for t in range(h.x.shape[1])))

    def predict(self, history: Histories, steps_ahead: int, rng: Rng, draws: int) -> Float:
        """Draw what sessions will hold, as `Predictor` says."""
        out = np.empty((draws, len(history), steps_ahead, history.x.shape[2]))
        for s in range(steps_ahead):
            for t in np.unique(history.last):
                here = np.flatnonzero(history.last == t)
                values = self.values[min(t + s + 1, len(self.values) - 1)]
                out[:, here, s] = values[rng.integers(0, len(values), (draws, len(here)))]
        out[:, history.ended] = history.current[history.ended][:, None]
        return out


def families_of(h: Histories) -> tuple[str, dict[str, Family]]:
    """Return the name of the predictor to use where none does better, and all that are judged beside it."""
    beaten: dict[str, Family] = {"persistence": Persistence.fit, "mean": Mean.fit}
    if h.space.keep == "success" and h.x.shape[2] == 1 and set(np.unique(h.x[~np.isnan(h.x)])) <= {0.0, 1.0}:
        return "hazard", {"hazard": Hazard.fit, "constant hazard": Hazard.constant, **beaten}
    alike = "sessions alike" if h.space.keep == "last" else "records"
    own: dict[str, Family] = {"averaged curve": Averaged.fit, alike: Donors.fit}
    return ("averaged curve" if h.space.keep == "last" else alike), {**own, **beaten}
