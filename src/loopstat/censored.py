"""Regression for loops that really stop at their bounds: the next score is the drift's, cut off at the bound.

Only the user can say so. A loop merely *read* through a clip looks the same and is made worse by this likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .arrays import Float, Int, group_starts
from .grams import reference
from .panel import Pairs
from .resample import LeftOut, weighted_sums
from .slopes import Estimated, Slopes

NEWTON = 60
CLOSE = 1e-10
NODES = 24  # of the quadrature for the probability that two objectives are both at a bound
WIDTH = 1e-3  # of the difference quotients in a correlation


def censored(
    pairs: Pairs, cluster: Int, n_clusters: int, low: Float, high: Float, left_out: LeftOut, weights: Int
) -> Estimated:
    """Maximise the likelihood of y = clip(M x + b + noise, low, high), x as seen.

    Parameters
    ----------
    pairs : Pairs
    cluster : int array, shape (n_pairs,)
    n_clusters : int
    low, high : arrays, shape (n_obj,)
        Bounds in units of the data; infinite where there is none.
    left_out : LeftOut
    weights : int array, shape (n_boot, n_clusters)

    Returns
    -------
    Estimated
        R is 0. Without a group of clusters, and under bootstrap weights, one Newton step is taken from the estimate
        with the score and the Hessian that are left; the correlations of Q are maximised pair by pair, given the rest.

    Notes
    -----
    *When it is wrong*: scores read through a clip (slope 0.73 for 0.6 with a quarter at the bound); noise far from
    normal; and whatever misleads the pooled regression.

    References
    ----------
    Tobin (1958), Econometrica 26; Olsen (1978), Econometrica 46, for the concave form.
    """
    centre, scale = reference(pairs.x)
    z = np.concatenate([np.ones((len(pairs), 1)), (pairs.x - centre) / scale], axis=1)
    y, ends = (pairs.y - centre) / scale, ((low - centre) / scale, (high - centre) / scale)
    n = len(scale)
    rows = [_Row(z, y[:, j], float(ends[0][j]), float(ends[1][j])) for j in range(n)]
    fits = [_Fitted.of(row, cluster, n_clusters, left_out, weights) for row in rows]
    sigma = [np.stack([1 / f.batch[k][:, -1] for f in fits], axis=1) for k in range(3)]
    gamma = [np.stack([f.batch[k][:, :-1] / f.batch[k][:, -1:] for f in fits], axis=1) for k in range(3)]
    correlations = [np.broadcast_to(np.eye(n), (len(s), n, n)).copy() for s in sigma]
    for i in range(n):
        for j in range(i):
            for part, rho in zip(correlations, _correlation(fits[i], fits[j], cluster, left_out, weights), strict=True):
                part[:, i, j] = part[:, j, i] = rho
    start = group_starts(pairs.session)
    spread = np.cov((pairs.dx[start] / scale).T, bias=True).reshape(n, n) if len(start) > 1 else np.full((n, n), np.nan)
    return Estimated(
        *(_slopes(g, s, r, spread, centre, scale) for g, s, r in zip(gamma, sigma, correlations, strict=True))
    )


def _slopes(gamma: Float, sigma: Float, rho: Float, spread: Float, centre: Float, scale: Float) -> Slopes:
    """Return a batch in units of the data; gamma holds (intercept, slopes) per objective."""
    outer, ratio = np.outer(scale, scale), np.outer(scale, 1 / scale)
    Q = rho * sigma[:, :, None] * sigma[:, None, :]
    M = gamma[:, :, 1:] * ratio
    at_centre = centre + scale * gamma[:, :, 0]  # the mean of the next state from x = centre
    return Slopes(M, Q * outer, np.zeros_like(Q), (spread - Q) * outer, at_centre - np.einsum("kij,j->ki", M, centre))


@dataclass(frozen=True)
class _Row:
    """One objective: regressors z (rows, p), next scores y, its bounds; parameters (beta / sigma, 1 / sigma)."""

    z: Float
    y: Float
    low: float
    high: float

    @cached_property
    def kind(self) -> Int:
        """-1 at the lower bound, 1 at the upper, 0 between."""
        return np.where(self.y <= self.low, -1, np.where(self.y >= self.high, 1, 0)).astype(np.int64)

    def start(self) -> Float:
        beta, *_ = np.linalg.lstsq(self.z, self.y, rcond=None)
        sigma = max(float(np.std(self.y - self.z @ beta)), 1e-6)
        return np.asarray(np.r_[beta, 1.0] / sigma)

    def margin(self, phi: Float) -> Float:
        """Standardised distance: of y between the bounds, of the bound beyond them, shape (rows,)."""
        edge = np.where(self.kind < 0, self.low, np.where(self.kind > 0, self.high, self.y))
        return np.asarray(phi[-1] * edge - self.z @ phi[:-1])

    def slopes(self, phi: Float) -> tuple[float, Float, Float]:
        """Return log-likelihood, gradient of each row (rows, p + 1) and its negative curvature weight (rows,)."""
        from scipy.special import log_ndtr

        t = self.margin(phi)
        free = self.kind == 0
        side = np.where(self.kind < 0, 1.0, -1.0)  # at the lower bound the noise was below t, at the upper above
        log_tail = log_ndtr(side * t)
        value = np.where(free, np.log(phi[-1]) - t**2 / 2, log_tail)
        mills = np.exp(-(t**2) / 2 - log_tail) / np.sqrt(2 * np.pi)
        slope = np.where(free, -t, side * mills)
        curvature = np.where(free, 1.0, mills * (mills + side * t))
        edge = np.where(self.kind < 0, self.low, np.where(self.kind > 0, self.high, self.y))
        direction = np.concatenate([-self.z, edge[:, None]], axis=1)
        gradient = slope[:, None] * direction
        gradient[free, -1] += 1 / phi[-1]
        return float(value.sum()), gradient, curvature

    def hessians(self, phi: Float, curvature: Float, cluster: Int, n_clusters: int) -> Float:
        """Return the negative Hessian by cluster, shape (n_clusters, p + 1, p + 1)."""
        edge = np.where(self.kind < 0, self.low, np.where(self.kind > 0, self.high, self.y))
        direction = np.concatenate([-self.z, edge[:, None]], axis=1)
        k = direction.shape[1]
        out = np.empty((n_clusters, k, k))
        for a in range(k):
            for b in range(a + 1):
                product = curvature * direction[:, a] * direction[:, b]
                if a == b == k - 1:
                    product = product + (self.kind == 0) / phi[-1] ** 2
                out[:, a, b] = out[:, b, a] = np.bincount(cluster, weights=product, minlength=n_clusters)
        return out


@dataclass(frozen=True)
class _Fitted:
    """A row's maximum, and its parameters for the data, without each group, and under the weights."""

    row: _Row
    phi: Float
    batch: tuple[Float, Float, Float]

    @classmethod
    def of(cls, row: _Row, cluster: Int, n_clusters: int, left_out: LeftOut, weights: Int) -> _Fitted:
        phi = row.start()
        for _ in range(NEWTON):
            value, gradient, curvature = row.slopes(phi)
            hessian = row.hessians(phi, curvature, cluster, n_clusters).sum(axis=0)
            step = np.linalg.lstsq(hessian, gradient.sum(axis=0), rcond=None)[0]
            size = 1.0
            while size > 1e-6 and not _better(row, phi + size * step, value):
                size /= 2
            phi = phi + size * step
            if float(gradient.sum(axis=0) @ step) < CLOSE:
                break
        _, gradient, curvature = row.slopes(phi)
        score = np.stack([_by_cluster(g, cluster, n_clusters) for g in gradient.T], axis=1)
        hessian = row.hessians(phi, curvature, cluster, n_clusters)
        left = phi + _newton(score.sum(axis=0) - left_out.sums(score), hessian.sum(axis=0) - left_out.sums(hessian))
        boot = phi + _newton(weighted_sums(weights, score), weighted_sums(weights, hessian))
        return cls(row, phi, (phi[None], left, boot))


def _by_cluster(values: Float, cluster: Int, n_clusters: int) -> Float:
    return np.asarray(np.bincount(cluster, weights=values, minlength=n_clusters), dtype=np.float64)


def _better(row: _Row, phi: Float, value: float) -> bool:
    return bool(phi[-1] > 0 and row.slopes(phi)[0] >= value - 1e-9 * abs(value))


def _newton(score: Float, hessian: Float) -> Float:
    if len(score) == 0:
        return score
    ridge = 1e-10 * np.trace(hessian, axis1=1, axis2=2)[:, None, None] * np.eye(hessian.shape[-1])
    return np.asarray(np.linalg.solve(hessian + ridge + 1e-300 * np.eye(hessian.shape[-1]), score[..., None])[..., 0])


# ------------------------------------------------------------------------- correlations


def _correlation(a: _Fitted, b: _Fitted, cluster: Int, left_out: LeftOut, weights: Int) -> tuple[Float, Float, Float]:
    """Return the correlation of two objectives' noise for the three batches, maximised on Fisher's scale."""
    from scipy.optimize import minimize_scalar

    s, t = a.row.margin(a.phi), b.row.margin(b.phi)
    kinds = a.row.kind, b.row.kind

    def of_rows(angle: float) -> Float:
        return _pair_likelihood(s, t, kinds, float(np.tanh(angle)))

    found = minimize_scalar(lambda v: -float(of_rows(v).sum()), bounds=(-4.0, 4.0), method="bounded")
    angle = float(found.x)
    below, at, above = (of_rows(angle + d) for d in (-WIDTH, 0.0, WIDTH))
    n_clusters = int(weights.shape[1])
    score = _by_cluster((above - below) / (2 * WIDTH), cluster, n_clusters)
    curve = _by_cluster((2 * at - above - below) / WIDTH**2, cluster, n_clusters)
    total = max(float(curve.sum()), 1e-12)
    left = angle + (score.sum() - left_out.sums(score)) / np.maximum(total - left_out.sums(curve), 0.1 * total)
    boot = angle + weighted_sums(weights, score[:, None])[:, 0] / total
    return np.tanh(np.array([angle])), np.tanh(left), np.tanh(boot)


def _pair_likelihood(s: Float, t: Float, kinds: tuple[Int, Int], rho: float) -> Float:
    """Return the log-likelihood of each row given the margins: density, conditional tail or probability of a corner."""
    from scipy.special import log_ndtr

    root = np.sqrt(1 - rho**2)
    first, second = kinds
    out = np.zeros(len(s))
    free = (first == 0) & (second == 0)
    out[free] = -np.log(root) - ((s - rho * t) ** 2)[free] / (2 * root**2) + s[free] ** 2 / 2
    for one, other, bounded in ((s, t, (first == 0) & (second != 0)), (t, s, (first != 0) & (second == 0))):
        side = np.where((second if one is s else first) < 0, 1.0, -1.0)
        out[bounded] = log_ndtr(side * (other - rho * one) / root)[bounded]
    corner = (first != 0) & (second != 0)
    if corner.any():
        u, v = (np.where(k < 0, w, -w)[corner] for k, w in ((first, s), (second, t)))
        sign = np.where(first[corner] == second[corner], 1.0, -1.0)
        out[corner] = np.log(np.maximum(_both_below(u, v, sign * rho), 1e-300))
    return out


def _both_below(u: Float, v: Float, rho: Float) -> Float:
    """P(U < u, V < v) of standard normals with correlation rho, by quadrature over the correlation's angle."""
    from scipy.special import ndtr

    nodes, weight = np.polynomial.legendre.leggauss(NODES)
    top = np.arcsin(rho)
    angle = top[:, None] * (nodes + 1) / 2
    exponent = -(u[:, None] ** 2 + v[:, None] ** 2 - 2 * u[:, None] * v[:, None] * np.sin(angle))
    inside = np.exp(exponent / (2 * np.cos(angle) ** 2)) @ weight
    return np.asarray(ndtr(u) * ndtr(v) + top / 2 * inside / (2 * np.pi))
