"""What is held after each step, on average, and what it has cost by then: within the record, and drawn by cluster."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Bool, Float, Int
from ..inference.resample import weighted_sums

RIDGE = 3.0  # sessions' worth of doubt about a slope: with few donors cut sessions get the mean increment
FAINT = 1e-3  # weight of donors that a draw left out, so that every draw has some
FEWEST = 5  # clusters that must be seen where they stand for sessions that were cut off
BLOCK = 4_000_000  # numbers worked on at once
MANY_SESSIONS = 1000  # with cut ones among so many, draws come from the curve's covariance
GROUPS = 40  # of clusters, left out one after another to find it


@dataclass(frozen=True)
class Held:
    """The value each session would hand over after each step.

    Attributes
    ----------
    value : float array, shape (n_sessions, n_steps)
        In the order that larger is better; NaN after the session's last step.
    paid : float array, shape (n_sessions, n_steps)
        What the session has cost by then, 0 at its first step.
    seen : float array, shape (n_sessions, n_steps)
        The score a rule would look at after each step: of the version made there, larger is better; NaN where missing.
    last : int array, shape (n_sessions,)
        Place of its last step.
    ended : bool array, shape (n_sessions,)
        It ended by itself and keeps its value; False: it was cut off.
    cluster : int array, shape (n_sessions,)
    steps : int array, shape (n_steps,)
        Step numbers as in the file.
    """

    value: Float
    paid: Float
    seen: Float
    last: Int
    ended: Bool
    cluster: Int
    steps: Int

    @property
    def n_sessions(self) -> int:
        """Number of sessions."""
        return len(self.last)

    @cached_property
    def n_clusters(self) -> int:
        """Number of clusters that hold sessions."""
        return len(np.unique(self.cluster))

    @property
    def cut(self) -> Bool:
        """Sessions whose later steps are missing, shape (n_sessions,)."""
        return ~self.ended & (self.last < len(self.steps) - 1)

    @cached_property
    def known(self) -> Float:
        """Value held with the last one of ended sessions carried on, NaN where it is missing."""
        return _carried(self.value, self.last, self.ended)

    @cached_property
    def spread(self) -> float:
        """Root mean square, over steps, of the standard deviation between sessions."""
        seen = np.sum(~np.isnan(self.known), axis=0)
        several = self.known[:, seen > 1]
        return float(np.sqrt(np.nanvar(several, axis=0, ddof=1).mean())) if several.shape[1] else 0.0

    def recorded(self) -> Held:
        """Return what can be judged: steps at which enough clusters are seen to stand for the sessions cut off."""
        n = len(self.steps)
        first_cut = int(np.min(self.last[self.cut], initial=n - 1))
        enough = min(FEWEST, self.n_clusters)
        for end in range(n - 1, first_cut, -1):
            if len(np.unique(self.cluster[self.last >= end])) >= enough:
                break
        else:
            end = first_cut
        return self.until(end)

    def until(self, end: int) -> Held:
        """Return the steps up to one, by place; sessions that go on after it are cut off there."""
        if end >= len(self.steps) - 1:
            return self
        ended = self.ended & (self.last <= end)
        last = np.minimum(self.last, end)
        value, paid, seen = (grid[:, : end + 1] for grid in (self.value, self.paid, self.seen))
        return Held(value, paid, seen, last, ended, self.cluster, self.steps[: end + 1])


def _carried(values: Float, last: Int, which: Bool) -> Float:
    """Return values with the last one of some sessions carried on."""
    later = which[:, None] & (np.arange(values.shape[1]) > last[:, None])
    return np.where(later, values[np.arange(len(last)), last][:, None], values)


@dataclass(frozen=True)
class Curve:
    """Means over all sessions after each step, as they would be had no session been cut off.

    Attributes
    ----------
    value, paid, running : float arrays, shape (1 + n_draws, n_steps)
        Value held, cost so far and share of sessions still running; the estimate first, then the draws.
    """

    value: Float
    paid: Float
    running: Float

    @classmethod
    def of(cls, held: Held, weights: Int) -> Curve:
        """Average over sessions, and once more under each row of weights on clusters.

        A session that ended by itself keeps its value. One that was cut off goes on, step by step, with the increment,
        the cost and the chance of ending that those still seen had, given the value held and the start (a linear
        regression at each step, refitted in every draw).

        Parameters
        ----------
        held : Held
        weights : int array, shape (n_draws, n_clusters)
        """
        if held.cut.any() and held.n_sessions > MANY_SESSIONS and len(weights) > GROUPS:
            return cls._by_groups(held, weights, np.ones((1, weights.shape[1])))
        return cls.refitted(held, weights)

    @classmethod
    def refitted(cls, held: Held, weights: Int | Float) -> Curve:
        """Return what `of` does, each row of weights by itself, whatever the number of sessions."""
        if not held.cut.any():
            return cls._complete(held, weights)
        return cls(*_in_parts(held, np.concatenate([np.ones((1, weights.shape[1])), weights])))

    @classmethod
    def _by_groups(cls, held: Held, weights: Int, everything: Float) -> Curve:
        """Draw from the covariance of the curve, which leaving out groups of clusters gives with fewer refits."""
        groups = min(GROUPS, weights.shape[1])
        left_out = np.arange(weights.shape[1]) % groups != np.arange(groups)[:, None]
        fits = _in_parts(held, np.concatenate([everything, left_out]))
        normal = np.random.default_rng(0).standard_normal((len(weights), groups)) * np.sqrt((groups - 1) / groups)
        drawn = [np.concatenate([fit[:1], fit[0] + normal @ (fit[1:] - fit[1:].mean(axis=0))]) for fit in fits]
        return cls(*drawn)

    @classmethod
    def _complete(cls, held: Held, weights: Int | Float) -> Curve:
        running = (held.last[:, None] > np.arange(len(held.steps))) | (~held.ended[:, None])
        running = running & (held.last[:, None] >= np.arange(len(held.steps)))
        paid = _carried(held.paid, held.last, held.ended)
        table = np.concatenate([held.known, paid, running, np.ones((held.n_sessions, 1))], axis=1)
        sums = np.zeros((weights.shape[1], table.shape[1]))
        np.add.at(sums, held.cluster, table)
        return cls.of_sums(sums, weights)

    @classmethod
    def of_sums(cls, sums: Float, weights: Int | Float) -> Curve:
        """Average what clusters hold, where no session was cut off.

        Parameters
        ----------
        sums : float array, shape (n_clusters, 3 n_steps + 1)
            By step value held, cost so far and sessions running, then the number of sessions.
        weights : array, shape (n_draws, n_clusters)
        """
        drawn = np.concatenate([sums.sum(axis=0)[None], weighted_sums(weights, sums)])
        with np.errstate(invalid="ignore"):
            means = drawn[:, :-1] / drawn[:, -1:]
        means = np.where(np.isfinite(means), means, means[0])
        return cls(*(np.ascontiguousarray(part) for part in np.split(means, 3, axis=1)))


def _in_parts(held: Held, weights: Int | Float) -> list[Float]:
    """Return what `_with_cuts` does, of as many rows of weights at once as memory allows."""
    rows = max(1, BLOCK // (held.n_sessions * 4))
    parts = [_with_cuts(held, weights[s : s + rows]) for s in range(0, len(weights), rows)]
    whole = [np.concatenate(same) for same in zip(*parts, strict=True)]
    # A draw may leave out every session that has a score: it says nothing, and the estimate stands in for it.
    return [np.where(np.isfinite(table), table, table[0]) for table in whole]


def _with_cuts(held: Held, weights: Int | Float) -> tuple[Float, Float, Float]:
    """Return value held, cost and share running, each of shape (n_draws, n_steps), under weights on clusters."""
    w = weights[:, held.cluster].astype(np.float64)
    total = w.sum(axis=1)
    n = len(held.steps)
    cut = np.flatnonzero(held.cut)
    known, paid = held.known, _carried(held.paid, held.last, held.ended)
    start = held.value[:, 0]
    state = _State.begun(held, cut, len(w))
    out = np.empty((3, len(w), n))
    for t in range(n):
        seen = np.flatnonzero(~np.isnan(known[:, t]))
        going = seen[(held.last[seen] > t) | ((held.last[seen] == t) & ~held.ended[seen])]
        gone = held.last[cut] < t
        w_gone = w[:, cut[gone]]
        out[0, :, t] = w[:, seen] @ known[seen, t] + (w_gone * state.value[:, gone]).sum(axis=1)
        out[1, :, t] = w[:, seen] @ paid[seen, t] + (w_gone * state.paid[:, gone]).sum(axis=1)
        out[2, :, t] = w[:, going].sum(axis=1) + (w_gone * state.running[:, gone]).sum(axis=1)
        if t < n - 1:
            donors = np.flatnonzero(held.last > t)
            leaving = np.flatnonzero(held.last[cut] <= t)
            if len(leaving) and len(donors):
                coefficients = _steps_of_donors(held, donors, t, start, w)
                state = state.moved(leaving, coefficients, start[cut[leaving]])
    with np.errstate(invalid="ignore"):
        out /= total[None, :, None]
    return out[0], out[1], out[2]


@dataclass(frozen=True)
class _Donors:
    """Regressions of one step on (1, value held, start) over the sessions seen to take it, one set per draw.

    Coefficients have shape (n_draws, 3, 4); columns: increment, ends, increment if it goes on, cost.
    """

    coefficients: Float
    centre: Float
    scale: Float
    low: Float
    high: Float

    def predict(self, held: Float, start: Float) -> Float:
        """Return what is expected of sessions, shape (n_draws, n, 4), never beyond what donors did."""
        a = (held - self.centre[0]) / self.scale[0]
        b = np.broadcast_to((start - self.centre[1]) / self.scale[1], a.shape)
        c = self.coefficients
        found = c[:, None, 0] + a[..., None] * c[:, None, 1] + b[..., None] * c[:, None, 2]
        return np.asarray(np.clip(found, self.low, self.high))


def _steps_of_donors(held: Held, donors: Int, t: int, start: Float, w: Float) -> _Donors:
    now, then = held.value[donors, t], held.value[donors, t + 1]
    ends = (held.ended[donors] & (held.last[donors] == t + 1)).astype(np.float64)
    targets = np.stack(
        [then - now, ends, (then - now) * (1 - ends), held.paid[donors, t + 1] - held.paid[donors, t]], 1
    )
    by = np.stack([now, start[donors]], axis=1)
    centre, scale = by.mean(axis=0), by.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    z = np.concatenate([np.ones((len(donors), 1)), (by - centre) / scale], axis=1)
    weight = w[:, donors] + FAINT
    gram = (weight @ (z[:, :, None] * z[:, None, :]).reshape(len(donors), 9)).reshape(-1, 3, 3)
    gram[:, 1, 1] += RIDGE
    gram[:, 2, 2] += RIDGE
    right = (weight @ (z[:, :, None] * targets[:, None, :]).reshape(len(donors), 12)).reshape(-1, 3, 4)
    return _Donors(np.linalg.solve(gram, right), centre, scale, targets.min(axis=0), targets.max(axis=0))


@dataclass(frozen=True)
class _State:
    """Sessions that were cut off, as they go on: shape (n_draws, n_cut) each.

    `value` is the mean value held, `level` that of those still running, `running` the chance that it runs.
    """

    value: Float
    level: Float
    paid: Float
    running: Float

    @classmethod
    def begun(cls, held: Held, cut: Int, n_draws: int) -> _State:
        at = held.last[cut]
        value = np.broadcast_to(held.value[cut, at], (n_draws, len(cut))).copy()
        paid = np.broadcast_to(held.paid[cut, at], value.shape).copy()
        return cls(value, value.copy(), paid, np.ones_like(value))

    def moved(self, which: Int, donors: _Donors, start: Float) -> _State:
        """Return the state one step later, for those that had been cut off by then."""
        found = donors.predict(self.level[:, which], start)
        step, ends, stays, cost = (found[..., k] for k in range(4))
        ends = np.clip(ends, 0.0, 1.0)
        running = self.running[:, which]
        for array, change in ((self.value, running * step), (self.paid, running * cost)):
            array[:, which] += change
        self.level[:, which] += np.clip(stays / np.maximum(1 - ends, 0.05), donors.low[0], donors.high[0])
        self.running[:, which] = running * (1 - ends)
        return self
