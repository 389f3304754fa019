"""One-step maps seen through a noisy scorer: earlier scores as instruments, or the noise known and taken off.

Noise in the score of a step makes the next step look like a return, which least squares takes for convergence. A score
a step earlier knows nothing of that noise; and where the noise is known, its covariance can be subtracted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ...arrays import Float, Int, group_starts, summed_rows
from ...errors import SettingsError
from ...panel.panel import NO_PARENT, Pairs, Panel
from ..products import (
    SINGULAR,
    Covariances,
    deviations,
    finite,
    in_units,
    n_products,
    products,
    right_divide,
    smallest_singular_value,
    symmetric,
    transposed,
    with_one,
)
from ..sums import reference
from .base import Slopes


@dataclass(frozen=True)
class Instrument:
    """Earlier scores as instruments, y = x + noise: M = C2 C1^{-1}, Ck = Cov(y[t+k], y[t]) over the same rows.

    Differenced, M = D3 D2^{-1}, Dk = sum (y[t+k] - y[t+k-1]) (y[t] - mean y[t])': the level three steps back as
    instrument of the differenced equation, so that sessions may differ for good. Then, from the autocovariances
    G0, G1 of the residual u[t+1] = y[t+1] - M y[t] - b, or of du[t+1] = u[t+1] - u[t],

    level: R = -M^{-1} G1, Q = G0 - R - M R M';
    differenced: R = -M^{-1} (G0/2 + 3/4 G1 + 1/4 G1'), Q = (G0 - R - (I + M) R (I + M)' - M R M') / 2,

    both R made symmetric.

    Attributes
    ----------
    sums : float array, shape (n_clusters, k)
        Per cluster: products of (1, y[t], y[t+1], y[t+2]), differenced (1, y[t], ..., y[t+3]), over runs of complete
        rows, and of (1, y[t+1] - y[t]) over the sessions' first transitions.
    centre, scale : float arrays, shape (n_obj,)
        Reference point and units of the sums.
    differenced : bool

    Notes
    -----
    *When it is wrong*: noise that lasts over steps or is fed back (a stored parent score; accepting or stopping on
    the noisy score: slope 0.84 for 0.5, differenced 1.48). The level version where sessions differ, a lasting bias of
    the scorer included: worse than least squares. Scores independent over time make it 0/0: read `strength` with its
    error first. The differenced version weakens as M tends to 0 or to I. Q and R need M^{-1}, and are hardly known
    near a singular M even where M is.

    References
    ----------
    Anderson and Hsiao (1981), Journal of the American Statistical Association 76, 598; Fuller (1987), Measurement
    Error Models, section 1.4.
    """

    sums: Float
    centre: Float
    scale: Float
    differenced: bool = False

    @classmethod
    def of(cls, panel: Panel, cluster_of_row: Int, n_clusters: int, *, differenced: bool = False) -> Instrument:
        """Accumulate the sums of runs of consecutive complete rows.

        Parameters
        ----------
        panel : Panel
            Of plain loops; links to parents are followed.
        cluster_of_row : int array, shape (n_rows,)
            A run belongs to the cluster of its last row.
        n_clusters : int
        differenced : bool
        """
        centre, scale = reference(panel.x[panel.complete])
        rows = runs(panel, 3 if differenced else 2)
        z = np.concatenate([(panel.x[row] - centre) / scale for row in rows], axis=1)
        of_runs = summed_rows(cluster_of_row[rows[-1]], products(with_one(z)), n_clusters)
        pairs = panel.pairs()
        begin = group_starts(pairs.session)
        changes = products(with_one(pairs.dx[begin] / scale))
        of_first = summed_rows(cluster_of_row[pairs.end[begin]], changes, n_clusters)
        return cls(np.concatenate([of_runs, of_first], axis=1), centre, scale, differenced)

    def solve(self, sums: Float) -> Slopes:
        """Return the parameters for a batch of sums, shape (batch, k); NaN where the instrument is singular."""
        c, first = self._read(sums)
        M, Q, R = _differenced(c) if self.differenced else _level(c)
        return Slopes.scaled(self.scale, M, Q, R, first - Q - 2 * R)

    def strength(self, sums: Float) -> Float:
        """Return the smallest singular value of C1 (differenced: D2), shape (batch,); NaN without spread.

        In units of the objectives' standard deviations, as a correlation. At 0 the instrument says nothing: read it
        beside its error over left-out clusters.
        """
        c, _ = self._read(sums)
        told = c.between(2, 0) - c.between(1, 0) if self.differenced else c.between(1, 0)
        return smallest_singular_value(in_units(told, c.unit))

    def _read(self, sums: Float) -> tuple[_Lagged, Float]:
        n, length = len(self.scale), 4 if self.differenced else 3
        of_runs, of_first = np.split(sums, [n_products(1 + length * n)], axis=1)
        return _Lagged(Covariances.of(of_runs, length * n).cov, n), Covariances.of(of_first, n).cov


def runs(panel: Panel, lag: int) -> Int:
    """Return the rows of every complete chain of `lag` transitions, oldest first, shape (lag + 1, n_runs)."""
    rows = [np.arange(len(panel), dtype=np.int64)]
    for _ in range(lag):
        rows.insert(0, np.where(rows[0] >= 0, panel.parent[rows[0]], NO_PARENT))
    chain = np.array(rows)
    whole = chain[0] >= 0
    whole[whole] = panel.complete[chain[:, whole]].all(axis=0)
    return chain[:, whole]


def lag_ratios(panel: Panel, max_k: int = 3) -> Float:
    """Return C_{k+1} C_k^{-1} for k = 1, ..., max_k, Ck = Cov(y[t+k], y[t]), in units of the data.

    Every one of them is M under scorer noise alone; under lasting differences between sessions they climb towards I.

    Parameters
    ----------
    panel : Panel
    max_k : int
        The k-th ratio takes its covariances over the runs of k + 2 complete rows.

    Returns
    -------
    array, shape (max_k, n_obj, n_obj)
        NaN where no session is long enough or C_k is singular.
    """
    n = panel.n_obj
    out = np.full((max_k, n, n), np.nan)
    centre, scale = reference(panel.x[panel.complete])
    for k in range(1, max_k + 1):
        rows = runs(panel, k + 1)[[0, k, k + 1]]
        z = np.concatenate([(panel.x[row] - centre) / scale for row in rows], axis=1)
        c = _Lagged(Covariances.of(products(with_one(z)).sum(axis=0, keepdims=True), 3 * n).cov, n)
        out[k - 1] = right_divide(c.between(2, 0), c.between(1, 0), c.unit)[0] * scale[:, None] / scale
    return out


@dataclass(frozen=True)
class ErrorsInVariables:
    """Least squares with the scorer's noise taken off, y = x + noise: M = C1 (C0 - R)^{-1}, R of the earlier scores.

    C0 and C1 are the covariances of the earlier score with itself and with the later one. The noise of one score is
    known, or measured by sum scatter / sum (repeats - 1) over rows scored more than once; a score that averages
    several has it divided by their number. Q = Cov(u) - R_later - M R_earlier M', u the residual.

    Attributes
    ----------
    sums : float array, shape (n_clusters, k)
        Per cluster: products of (1, x, y) over transitions and of (1, y - x) over the sessions' first ones, scatter of
        repeated scorings and its degrees of freedom, and 1/repeats of the earlier, the later, and the first scores.
    centre, scale : float arrays, shape (n_obj,)
        Reference point and units of the sums.
    known : float array, shape (n_obj, n_obj), or None
        Noise of one score, in squared units of the data; None where the repeats measure it, whose error is then part
        of every interval.

    Notes
    -----
    NaN where C0 - R is not positive definite: the noise is as large as all that the scores vary.

    *When it is wrong*: sessions that differ for good (taken for persistence, as by least squares); noise that lasts
    over steps, such as a judge's bias towards a session; repeats that share an error (one prompt, one cache), which
    makes the measured noise too small; a known noise of another scorer or scale.

    References
    ----------
    Fuller (1987), Measurement Error Models, sections 2.2 and 3.1.
    """

    sums: Float
    centre: Float
    scale: Float
    known: Float | None = None

    @classmethod
    def of(
        cls, panel: Panel, pairs: Pairs, cluster_of_row: Int, n_clusters: int, *, known: Float | None = None
    ) -> ErrorsInVariables:
        """Accumulate the sums of transitions and of repeated scorings.

        Parameters
        ----------
        panel : Panel
            Its `repeats` say how many scorings a row averages (1 without) and, unless `known`, measure their noise.
        pairs : Pairs
            Its transitions of lag 1.
        cluster_of_row : int array, shape (n_rows,)
        n_clusters : int
        known : array, shape (n_obj, n_obj), optional
            Covariance of the noise of one score, in squared units of the data.

        Raises
        ------
        SettingsError
            The noise is neither given nor measured.
        """
        if known is None and panel.repeats is None:
            raise SettingsError("the scorer's noise is not known: give `known`, or a panel with repeated scorings.")
        centre, scale = reference(pairs.x)
        z = np.concatenate([(pairs.x - centre) / scale, (pairs.y - centre) / scale], axis=1)
        share = np.ones(len(panel)) if panel.repeats is None else 1.0 / panel.repeats
        of_pairs = [products(with_one(z)), share[pairs.start, None], share[pairs.end, None]]
        begin = group_starts(pairs.session)
        both = share[pairs.start[begin]] + share[pairs.end[begin]]
        of_first = [products(with_one(pairs.dx[begin] / scale)), both[:, None]]
        end = cluster_of_row[pairs.end]
        parts = [summed_rows(end, np.concatenate(of_pairs, axis=1), n_clusters)]
        parts += [summed_rows(end[begin], np.concatenate(of_first, axis=1), n_clusters)]
        parts += [summed_rows(cluster_of_row, _scatter(panel, scale), n_clusters)]
        return cls(np.concatenate(parts, axis=1), centre, scale, known)

    @cached_property
    def _ends(self) -> list[int]:
        """Where the parts of a row of sums end."""
        n = len(self.scale)
        return [int(k) for k in np.cumsum([n_products(1 + 2 * n), 1, 1, n_products(1 + n), 1, n_products(n)])]

    def solve(self, sums: Float) -> Slopes:
        """Return the parameters for a batch of sums, shape (batch, k); NaN where C0 - R is not positive definite."""
        c, earlier, later, first = self._read(sums)
        M = right_divide(c.between(1, 0), c.between(0, 0) - earlier, c.unit)
        M[~(_reliability(c, earlier) > SINGULAR)] = np.nan
        Q = c.residual([-M, _eye_like(M)], 0, 0) - later - M @ earlier @ transposed(M)
        return Slopes.scaled(self.scale, M, _symmetrised(Q), (earlier + later) / 2, first - Q)

    def reliability(self, sums: Float) -> Float:
        """Return the smallest share of the earlier scores' variance, over all their mixtures, that is no noise.

        Shape (batch,); 0 or less where no one-step map can be had.
        """
        c, earlier, _, _ = self._read(sums)
        return _reliability(c, earlier)

    def noise(self, sums: Float) -> Float:
        """Return the covariance of the noise of one score, shape (batch, n_obj, n_obj), in units of the data."""
        return in_units(self._single(*np.split(sums, self._ends, axis=1)[5:]), 1 / self.scale)

    def _single(self, scatter: Float, degrees: Float) -> Float:
        n = len(self.scale)
        if self.known is not None:
            return np.broadcast_to(in_units(self.known, self.scale), (len(scatter), n, n))
        return symmetric(scatter, n) / np.where(degrees > 0, degrees, np.nan)[:, :, None]

    def _read(self, sums: Float) -> tuple[_Lagged, Float, Float, Float]:
        """Return lagged covariances, noise of earlier and of later scores, variance of first changes less theirs."""
        n = len(self.scale)
        of_pairs, at_start, at_end, changes, both, *noise = np.split(sums, self._ends, axis=1)
        single = self._single(*noise)
        pairs, first = Covariances.of(of_pairs, 2 * n), Covariances.of(changes, n)
        share = [
            s[:, 0] / np.where(k > 0, k, np.nan)
            for s, k in ((at_start, pairs.count), (at_end, pairs.count), (both, first.count))
        ]
        earlier, later, in_change = (s[:, None, None] * single for s in share)
        return _Lagged(pairs.cov, n), earlier, later, first.cov - in_change


def _scatter(panel: Panel, scale: Float) -> Float:
    """Return scatter of repeated scorings (upper triangle) and degrees of freedom per row."""
    i, j = np.triu_indices(panel.n_obj)
    if panel.repeats is None or panel.repeat_scatter is None:
        return np.zeros((len(panel), len(i) + 1))
    flat = panel.repeat_scatter[:, i, j] / (scale[i] * scale[j])
    return np.concatenate([flat, panel.repeats[:, None] - 1.0], axis=1)


# ------------------------------------------------------------------------------ algebra


@dataclass(frozen=True)
class _Lagged:
    """Covariances (batch, run n, run n) of the scores of runs of rows, oldest first."""

    cov: Float
    n: int

    def between(self, i: int, j: int) -> Float:
        """Return Cov of the i-th with the j-th score of a run."""
        n = self.n
        return self.cov[:, i * n : (i + 1) * n, j * n : (j + 1) * n]

    @property
    def unit(self) -> Float:
        """Standard deviations of the first score of a run, shape (batch, n)."""
        return deviations(self.between(0, 0))

    def residual(self, weights: Sequence[Float], i: int, j: int) -> Float:
        """Return Cov(u_i, u_j) of the residuals u_i = sum_a weights[a] y[i + a]."""
        out = np.zeros_like(weights[0])
        for a, left in enumerate(weights):
            for b, right in enumerate(weights):
                out += left @ self.between(i + a, j + b) @ transposed(right)
        return out


def _level(c: _Lagged) -> tuple[Float, Float, Float]:
    """Return M = C2 C1^{-1}, Q and R."""
    M = right_divide(c.between(2, 0), c.between(1, 0), c.unit)
    weights = [-M, _eye_like(M)]
    G0 = (c.residual(weights, 0, 0) + c.residual(weights, 1, 1)) / 2
    R = _undo(M, -c.residual(weights, 1, 0))
    return M, _symmetrised(G0 - R - M @ R @ transposed(M)), R


def _differenced(c: _Lagged) -> tuple[Float, Float, Float]:
    """Return M = D3 D2^{-1}, Q and R."""
    D2, D3 = (c.between(k, 0) - c.between(k - 1, 0) for k in (2, 3))
    M = right_divide(D3, D2, c.unit)
    both = _eye_like(M) + M
    weights = [M, -both, _eye_like(M)]
    G0 = (c.residual(weights, 0, 0) + c.residual(weights, 1, 1)) / 2
    G1 = c.residual(weights, 1, 0)
    # With N = I + M: G0 = 2 Q + R + N R N' + M R M' and G1 = -Q - N R - M R N', hence 2 M R without Q.
    R = _undo(M, -(G0 / 2 + 0.75 * G1 + 0.25 * transposed(G1)))
    return M, _symmetrised(G0 - R - both @ R @ transposed(both) - M @ R @ transposed(M)) / 2, R


def _undo(M: Float, product: Float) -> Float:
    """Return M^{-1} times a product, made symmetric; NaN where M is singular."""
    unit = np.ones(M.shape[:2])
    return _symmetrised(transposed(right_divide(transposed(product), transposed(M), unit)))


def _symmetrised(a: Float) -> Float:
    return np.asarray((a + transposed(a)) / 2)


def _eye_like(M: Float) -> Float:
    return np.broadcast_to(np.eye(M.shape[-1]), M.shape)


def _reliability(c: _Lagged, noise: Float) -> Float:
    share = right_divide(noise, c.between(0, 0), c.unit)
    lost = ~finite(share)
    share[lost] = 0.0
    return np.where(lost, np.nan, 1 - np.linalg.eigvals(share).real.max(axis=1))
