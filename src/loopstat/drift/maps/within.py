"""The within estimator: transitions about each session's own mean, so that sessions may differ for good.

The mean of a short session holds the noise of its own future, which pulls the one-step map down (Nickell). The pull is
known up to the map itself, and taken out by solving for the map that makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from ...arrays import Bool, Float, Int, summed_rows
from ...errors import SettingsError
from ...panel.panel import Pairs
from ..products import (
    Covariances,
    deviations,
    finite,
    n_products,
    products,
    right_divide,
    spectral_radius,
    symmetric,
    transposed,
    with_one,
)
from ..sums import reference
from .base import Slopes

Correction = Literal["nickell", "half_panel", "none"]
CORRECTIONS = ("nickell", "half_panel", "none")
SHORT, SLOW = 8.0, 0.9  # up to so many transitions a root so slow may be the equation's second one, near 1
MANY_LENGTHS = 48
WARM_UP, MAX_NEWTON, CLOSE = 3, 30, 1e-9
WIDTH = 1e-6  # of the difference quotients; the map is of order 1
BLOCK = 2_000_000  # numbers the difference quotients hold at once


@dataclass(frozen=True)
class Within:
    """Least squares of y on x about the sessions' means, x[t+1] = M x[t] + b_i + e, corrected for short sessions.

    With S_w the within sum of squares of x and M_w the slopes about the sessions' means, the corrected M solves

    M_w - M = -[sum_i (1/T_i) Q sum_{j=0}^{T_i-2} (T_i-1-j) (M')^j] S_w^{-1},  Q = RSS(M) / sum_i (T_i - 1),

    T_i the transitions of session i. Of its roots the one reached from M_w is taken; NaN where there is none.

    Attributes
    ----------
    sums : float array, shape (n_clusters, k)
        Per cluster: products of (x, y) about the sessions' means, the number of sessions of each length, their
        T_i - 1, moments of their first changes, and for `half_panel` the products within either half of each.
    lengths : int array, shape (n_lengths,)
        Numbers of transitions that occur, or 48 from the least to the most.
    scale : float array, shape (n_obj,)
        Units of the sums.
    correction : str
        `nickell`: as above. `half_panel`: 2 M_w less the mean of M_w in the first and the second halves of the
        sessions. `none`: M_w.

    Notes
    -----
    *When it is wrong*: noise in the scorer is taken for convergence, more than by the pooled regression. Sessions
    that stop on their score leave a bias (slope 0.67 for 0.5 with 45 % stopped). Near a unit root with few
    transitions the equation has no root (3 transitions, slope 0.9), or hands over its second one near 1: see
    `root_found`. Without correction slopes are about (1 + M)/T too low; `half_panel` needs starts in the steady
    state, and errs by 0.01 to 0.03 even then at ten steps. Sessions of lengths that depend on the scores are not
    allowed for; lengths that do not are.

    References
    ----------
    Nickell (1981), Econometrica 49, 1417; Hahn and Kuersteiner (2002), Econometrica 70, 1639; Bun and Carree (2005),
    Journal of Business and Economic Statistics 23, 200; Dhaene and Jochmans (2015), Review of Economic Studies 82, 991.
    """

    sums: Float
    lengths: Int
    scale: Float
    correction: Correction = "nickell"

    @classmethod
    def of(cls, pairs: Pairs, cluster: Int, n_clusters: int, *, correction: Correction = "nickell") -> Within:
        """Accumulate the sums of transitions.

        Parameters
        ----------
        pairs : Pairs
            Of lag 1. A session with gaps is whatever transitions it has left.
        cluster : int array, shape (n_pairs,)
            Cluster of each transition. Where it changes inside a session, the parts count as sessions.
        n_clusters : int
        correction : str

        Raises
        ------
        SettingsError
            An unknown correction.
        """
        if correction not in CORRECTIONS:
            raise SettingsError(f"`correction` must be one of {', '.join(CORRECTIONS)}. Got {correction!r}.")
        scale = reference(pairs.x)[1]
        z = np.concatenate([pairs.x, pairs.y], axis=1) / np.tile(scale, 2)
        starts = _starts(pairs.session, cluster)
        size = np.diff(np.r_[starts, len(z)]).astype(np.int64)
        lengths, of_length = _by_length(size)
        first = products(with_one(pairs.dx[starts] / scale))
        per_session = np.concatenate([of_length, size[:, None] - 1, first], axis=1)
        parts = [centred_sums(z, starts, cluster, n_clusters), summed_rows(cluster[starts], per_session, n_clusters)]
        if correction == "half_panel":
            later = np.arange(len(z)) - np.repeat(starts, size) >= np.repeat(size // 2, size)
            for half in (~later, later):
                begin = _starts(pairs.session[half], cluster[half])
                parts.append(centred_sums(z[half], begin, cluster[half], n_clusters))
        return cls(np.concatenate(parts, axis=1), lengths, scale, correction)

    @classmethod
    def of_sums(cls, square: Float, lengths: Int, sessions: Float, first: Float, scale: Float) -> Within:
        """Make from sums that were accumulated apart, corrected as by default.

        Parameters
        ----------
        square : float array, shape (n_clusters, k)
            Products of (x, y) about the sessions' means.
        lengths : int array, shape (n_lengths,)
            Numbers of transitions that occur.
        sessions : float array, shape (n_clusters, n_lengths)
            Sessions of each length.
        first : float array, shape (n_clusters, k)
            Products of (1, change) over the sessions' first transitions.
        scale : float array, shape (n_obj,)
            Units of the sums.
        """
        kept, of_length = _by_length(lengths)
        degrees = sessions @ (lengths[:, None] - 1.0)
        return cls(np.concatenate([square, sessions @ of_length, degrees, first], axis=1), kept, scale)

    @property
    def n_obj(self) -> int:
        """Number of objectives."""
        return len(self.scale)

    @cached_property
    def _columns(self) -> list[int]:
        """Where the parts of a row of sums end."""
        square = n_products(2 * self.n_obj)
        parts = [square, len(self.lengths), 1, n_products(1 + self.n_obj), square]
        return [int(end) for end in np.cumsum(parts)]

    def solve(self, sums: Float) -> Slopes:
        """Return the parameters for a batch of sums, shape (batch, k); NaN where singular or without a root."""
        square, counts, degrees, first, *halves = np.split(sums, self._columns, axis=1)
        panel, degrees = _Centred.of(square, self.n_obj), degrees[:, 0]
        M = panel.slopes
        if self.correction == "nickell":
            M = _root(panel, counts @ _coefficients(self.lengths), degrees)
        elif self.correction == "half_panel":
            M = 2 * M - sum(_Centred.of(half, self.n_obj).slopes for half in halves) / 2
        Q = panel.rss(M) / np.where(degrees > 0, degrees, np.nan)[:, None, None]
        step = Covariances.of(first, self.n_obj).cov
        return Slopes.scaled(self.scale, M, Q, np.where(np.isnan(Q), np.nan, 0.0), step - Q)

    def transitions(self, sums: Float) -> Float:
        """Return the mean number of transitions of the sessions that hold more than one, shape (batch,)."""
        counts = np.split(sums, self._columns, axis=1)[1] * (self.lengths > 1)
        many = counts.sum(axis=1)
        return counts @ self.lengths / np.where(many > 0, many, np.nan)


def root_found(within: Within, sums: Float) -> Bool:
    """Return for a batch of sums whether the correction has a root that can be told from the one near 1.

    False where no root is reached from M_w, and where its spectral radius is past 0.9 while sessions hold 8
    transitions or fewer on average: the equation then has a second root close by.
    """
    radius = spectral_radius(within.solve(sums).M)
    return np.asarray(np.isfinite(radius) & ~((radius > SLOW) & (within.transitions(sums) <= SHORT)))


# ------------------------------------------------------------------------------ sums


def _starts(session: Int, cluster: Int) -> Int:
    """Return the first transition of every run of one session and one cluster."""
    new = (np.diff(session, prepend=-1) != 0) | (np.diff(cluster, prepend=-1) != 0)
    return np.flatnonzero(new).astype(np.int64)


def centred_sums(z: Float, starts: Int, cluster: Int, n_clusters: int) -> Float:
    """Return products about the means of the runs that begin at `starts`, summed by cluster."""
    if len(starts) == 0:
        return np.zeros((n_clusters, n_products(z.shape[1])))
    size = np.diff(np.r_[starts, len(z)])
    mean = np.add.reduceat(z, starts, axis=0) / size[:, None]
    return summed_rows(cluster, products(z - np.repeat(mean, size, axis=0)), n_clusters)


def _by_length(size: Int) -> tuple[Int, Float]:
    """Return numbers of transitions and the sessions counted by them, shape (n_sessions, n_lengths).

    With too many lengths to keep apart a session counts in part for the two next to its own, so that its 1/T is kept:
    the correction is all but linear in it.
    """
    lengths = np.unique(size)
    if len(lengths) > MANY_LENGTHS:
        lengths = np.unique(np.geomspace(lengths[0], lengths[-1], MANY_LENGTHS).round().astype(np.int64))
    above = np.searchsorted(lengths, size)
    below = np.where(lengths[above] == size, above, above - 1)
    gap = np.where(above > below, 1 / lengths[below] - 1 / lengths[above], 1.0)
    share = (1 / lengths[below] - 1 / size) / gap
    out = np.zeros((len(size), len(lengths)))
    session = np.arange(len(size))
    out[session, above] += share
    out[session, below] += 1 - share
    return lengths, out


def _coefficients(lengths: Int) -> Float:
    """Return (T-1-j)/T for every length T and power j, shape (n_lengths, longest - 1)."""
    power = np.arange(max(int(lengths.max(initial=2)) - 1, 1))
    return np.asarray(np.maximum(lengths[:, None] - 1 - power, 0) / lengths[:, None])


# --------------------------------------------------------------------------- equation


class _Centred(NamedTuple):
    """Sums of squares about the sessions' means, each (batch, n, n) or with more axes before, and M_w."""

    xx: Float
    yx: Float
    yy: Float
    slopes: Float
    inverse: Float

    @classmethod
    def of(cls, flat: Float, n: int) -> _Centred:
        w = symmetric(flat, 2 * n)
        xx, yx = w[:, :n, :n], w[:, n:, :n]
        spread = deviations(xx)
        eye = np.broadcast_to(np.eye(n), xx.shape)
        return cls(xx, yx, w[:, n:, n:], right_divide(yx, xx, spread), right_divide(eye, xx, spread))

    def at(self, index: Int | Bool | slice) -> _Centred:
        return _Centred(*(part[index] for part in self))

    def for_many(self) -> _Centred:
        """Put an axis before the matrices, for several maps per entry of the batch."""
        return _Centred(*(part[:, None] for part in self))

    def rss(self, M: Float) -> Float:
        cross = M @ transposed(self.yx)
        return np.asarray(self.yy - cross - transposed(cross) + M @ self.xx @ transposed(M))


def _root(panel: _Centred, coefficients: Float, degrees: Float) -> Float:
    """Return the root reached from M_w for each entry of the batch, NaN where there is none."""
    M = np.full_like(panel.slopes, np.nan)
    solvable = np.flatnonzero(finite(panel.slopes) & (degrees > 0))
    n = M.shape[-1]
    block = max(1, BLOCK // ((1 + n * n) * n * n))
    for s in range(0, len(solvable), block):
        at = solvable[s : s + block]
        M[at] = _Equation(panel.at(at).for_many(), coefficients[at], degrees[at]).solve()
    return M


class _Equation(NamedTuple):
    """The fixed-point equation M = M_w + pull(M) for a batch, with one axis for several maps per entry."""

    panel: _Centred
    coefficients: Float
    degrees: Float

    def at(self, index: Int) -> _Equation:
        return _Equation(self.panel.at(index), self.coefficients[index], self.degrees[index])

    def pull(self, M: Float) -> Float:
        """Return Q(M) sum_j c_j (M')^j S_w^{-1} for maps of shape (batch, maps, n, n)."""
        power = np.broadcast_to(np.eye(M.shape[-1]), M.shape)
        total = np.zeros_like(M)
        for c in self.coefficients.T:
            total += c[:, None, None, None] * power
            power = power @ transposed(M)
            if np.abs(power).max() < 1e-18:
                break
        return np.asarray(self.panel.rss(M) / self.degrees[:, None, None, None] @ total @ self.panel.inverse)

    def excess(self, M: Float) -> Float:
        """Return M - M_w - pull(M), flat: shape (batch, maps, n * n)."""
        out: Float = M - self.panel.slopes - self.pull(M)
        return out.reshape(*M.shape[:2], -1)

    def newton(self, M: Float) -> tuple[Float, Bool]:
        """Return Newton's step (batch, n, n), and where the branch that leaves M_w has folded back."""
        n = M.shape[-1]
        near = np.concatenate([np.zeros((1, n, n)), WIDTH * np.eye(n * n).reshape(-1, n, n)])
        value = self.excess(M + near)
        slope = transposed((value[:, 1:] - value[:, :1]) / WIDTH)
        slope[~finite(slope)] = 0.0
        # Along the branch from M_w the determinant comes down from 1; past its fold lie the other roots.
        folded = np.asarray(~(np.linalg.det(slope) > 0))
        slope[folded] = np.eye(n * n)
        step = np.asarray(np.linalg.solve(slope, -value[:, 0, :, None]), dtype=np.float64)
        return step.reshape(-1, n, n), folded

    def solve(self) -> Float:
        """Return the roots, shape (batch, n, n)."""
        M = self.panel.slopes.copy()
        out = np.full_like(M[:, 0], np.nan)
        left, equation = np.arange(len(M)), self
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(WARM_UP):
                M = self.panel.slopes + self.pull(M)
            for _ in range(MAX_NEWTON):
                step, folded = equation.newton(M)
                M = M + step[:, None]
                done = (np.abs(step).max(axis=(1, 2)) < CLOSE) & ~folded
                out[left[done]] = M[done, 0]
                go_on = np.flatnonzero(~done & ~folded)
                if len(go_on) == 0:
                    break
                left, M, equation = left[go_on], M[go_on], equation.at(go_on)
        return out
