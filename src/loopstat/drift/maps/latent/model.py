"""Likelihood of a linear loop seen through a noisy scorer, in sessions that differ.

Session i moves as x[t+1] = M x[t] + b_i + e[t+1], Cov(e) = Q, and what is recorded is y[t] = x[t] + h[t], Cov(h) = R.
(x[0], b_i) are jointly Gaussian between sessions with covariance P; every step has a mean of its own. Stacked over its
steps a session is one Gaussian vector, so all that the likelihood needs of sessions with the same entries recorded is
their number, mean and covariance: its cost does not grow with the number of sessions.

The covariances Q, R, P enter linearly and are not held positive: an estimate at the edge of what is possible then errs
on both sides like any other, and likelihood-ratio tests of R = 0 or of no session effects keep their level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ....arrays import Bool, Float, Int


@dataclass(frozen=True)
class Parameters:
    """M, Q, R of shape (n, n); P, shape (2n, 2n), the covariance of (x[0], b_i) between sessions."""

    M: Float
    Q: Float
    R: Float
    P: Float


@dataclass(frozen=True)
class Structure:
    """Which parts of the model are free, and how they lie in one parameter vector: M, Q, R, P.

    Attributes
    ----------
    n_obj, n_steps : int
    noise : bool
        R is free; otherwise it stays at the values of the starting vector.
    effects : bool
        Sessions have a b_i of their own.
    """

    n_obj: int
    n_steps: int
    noise: bool = True
    effects: bool = True

    @cached_property
    def small(self) -> tuple[Int, Int]:
        """Rows and columns of the free entries of a symmetric (n, n) matrix."""
        return _upper(self.n_obj)

    @cached_property
    def large(self) -> tuple[Int, Int]:
        """Rows and columns of the free entries of P."""
        return _upper(2 * self.n_obj)

    @cached_property
    def parts(self) -> dict[str, slice]:
        """Where M, Q, R and P lie in the parameter vector."""
        sizes = (self.n_obj**2, len(self.small[0]), len(self.small[0]), len(self.large[0]))
        ends = np.cumsum((0, *sizes))
        return {k: slice(int(a), int(b)) for k, a, b in zip("MQRP", ends[:-1], ends[1:], strict=True)}

    @property
    def size(self) -> int:
        """Length of the parameter vector."""
        return int(self.parts["P"].stop)

    @cached_property
    def free(self) -> Bool:
        """Entries that are estimated, shape (size,)."""
        free = np.ones(self.size, dtype=bool)
        if not self.noise:
            free[self.parts["R"]] = False
        if not self.effects:
            free[self.parts["P"]] = self.large[1] < self.n_obj
        return free

    def pack(self, p: Parameters) -> Float:
        """Return the parameter vector."""
        return np.concatenate([p.M.ravel(), p.Q[self.small], p.R[self.small], p.P[self.large]])

    def unpack(self, theta: Float) -> Parameters:
        """Return the matrices of a parameter vector."""
        n, at = self.n_obj, self.parts
        q, r = (_symmetric(theta[at[k]], self.small, n) for k in "QR")
        return Parameters(theta[at["M"]].reshape(n, n), q, r, _symmetric(theta[at["P"]], self.large, 2 * n))

    def without(self, theta: Float) -> Float:
        """Return the vector with the parts that are not free set to zero (session effects) or left (known noise)."""
        out = theta.copy()
        if not self.effects:
            out[self.parts["P"]][~self.free[self.parts["P"]]] = 0.0
        return out


def _upper(n: int) -> tuple[Int, Int]:
    rows, columns = np.triu_indices(n)
    return rows.astype(np.int64), columns.astype(np.int64)


def _symmetric(values: Float, at: tuple[Int, Int], n: int) -> Float:
    out = np.empty((n, n))
    out[at] = out[at[::-1]] = values
    return out


# ---------------------------------------------------------------------- what the data say


@dataclass(frozen=True)
class Sample:
    """Sums over sessions, apart for every set of recorded entries.

    Attributes
    ----------
    seen : tuple of int arrays
        Positions in the stacked vector (step by step, objectives within) that a set of sessions has recorded.
    count : array, shape (n_patterns,)
    total : tuple of arrays, shape (m_k,)
    cross : tuple of arrays, shape (m_k, m_k)
        Sums of values and of their products.
    size : int
        Length of the stacked vector.
    """

    seen: tuple[Int, ...]
    count: Float
    total: tuple[Float, ...]
    cross: tuple[Float, ...]
    size: int

    @classmethod
    def of(cls, values: Float, pattern: Int, seen: Sequence[Int]) -> Sample:
        """Accumulate sessions; `values` has shape (n_sessions, size), `pattern` the number of each one's pattern."""
        total, cross, count = [], [], np.zeros(len(seen))
        for k, at in enumerate(seen):
            part = values[pattern == k][:, at]
            count[k] = len(part)
            total.append(part.sum(axis=0))
            cross.append(part.T @ part)
        return cls(tuple(seen), count, tuple(total), tuple(cross), values.shape[1])

    def minus(self, other: Sample) -> Sample:
        """Return the sums without those of some of the sessions."""
        return replace(
            self,
            count=self.count - other.count,
            total=tuple(a - b for a, b in zip(self.total, other.total, strict=True)),
            cross=tuple(a - b for a, b in zip(self.cross, other.cross, strict=True)),
        )

    @property
    def n(self) -> float:
        """Number of sessions."""
        return float(self.count.sum())

    @property
    def whole(self) -> bool:
        """True where every session has recorded everything."""
        return len(self.seen) == 1 and len(self.seen[0]) == self.size

    def covariance(self, k: int, mean: Float) -> Float:
        """Return the mean product of deviations from a mean path in pattern k, times n/(n-1) for the mean's own fit."""
        mu, s, n = mean[self.seen[k]], self.total[k], self.count[k]
        product = self.cross[k] - np.outer(s, mu) - np.outer(mu, s) + n * np.outer(mu, mu)
        return np.asarray(product / max(n, 1) * self.n / max(self.n - 1, 1))


# ----------------------------------------------------------------- covariance and its slopes


@dataclass(frozen=True)
class Stacked:
    """Covariance of a session's stacked scores, and the matrices its derivatives are made of.

    Attributes
    ----------
    B : array, shape (m, 2n)
        What (x[0], b_i) does to the stacked state.
    U : array, shape (n, m, n_steps - 1)
        What an innovation in each coordinate does, one column per step it falls on.
    K : array, shape (n, m, n_steps - 1)
        Covariance of the stacked state with each coordinate at all steps but the last.
    sigma : array, shape (m, m)
    """

    B: Float
    U: Float
    K: Float
    sigma: Float


def stacked(structure: Structure, p: Parameters) -> Stacked:
    """Return the covariance of stacked scores under the parameters."""
    n, steps = structure.n_obj, structure.n_steps
    power = np.empty((steps, n, n))
    power[0] = np.eye(n)
    for t in range(1, steps):
        power[t] = power[t - 1] @ p.M
    sums = np.concatenate([np.zeros((1, n, n)), np.cumsum(power, axis=0)[:-1]])
    B = np.concatenate([power, sums], axis=2).reshape(steps * n, 2 * n)
    impulses = np.zeros((n, steps, n, steps - 1))
    columns = np.moveaxis(power, 2, 0)
    for s in range(1, steps):
        impulses[:, s:, :, s - 1] = columns[:, : steps - s]
    U = impulses.reshape(n, steps * n, steps - 1)
    flat = np.moveaxis(U, 0, 2)  # (m, steps - 1, n)
    state = B @ p.P @ B.T + np.tensordot(flat @ p.Q, flat, axes=((1, 2), (1, 2)))
    state = (state + state.T) / 2
    K = np.moveaxis(state.reshape(steps * n, steps, n)[:, : steps - 1], 2, 0)
    return Stacked(B, U, K, state + np.kron(np.eye(steps), p.R))


@dataclass(frozen=True)
class Whitened:
    """One pattern in coordinates in which the model's covariance is the identity.

    Attributes
    ----------
    half_log_det : float
    inverse_root : array, shape (m_k, m_k)
        C^{-1}, sigma = C C'; lower triangular, so row t holds the one-step prediction error of entry t, standardised.
    slopes : array, shape (size, m_k * m_k) or None
        C^{-1} (d sigma / d theta_a) C'^{-1} for every parameter.
    """

    half_log_det: float
    inverse_root: Float
    slopes: Float | None


def whiten(structure: Structure, model: Stacked, seen: Int, *, slopes: bool) -> Whitened | None:
    """Return the pattern's whitened form; None where the covariance is not positive definite."""
    from scipy.linalg import solve_triangular

    m = len(seen)
    try:
        root = np.linalg.cholesky(model.sigma[np.ix_(seen, seen)])
    except np.linalg.LinAlgError:
        return None
    inverse = solve_triangular(root, np.eye(m), lower=True, check_finite=False)
    log_det = float(np.log(np.diag(root)).sum())
    if not slopes:
        return Whitened(log_det, inverse, None)
    n, steps = structure.n_obj, structure.n_steps
    noise = np.zeros((n, m, steps))
    noise[seen % n, np.arange(m), seen // n] = 1.0
    B = inverse @ model.B[seen]
    U, K, E = (np.matmul(inverse, part) for part in (model.U[:, seen], model.K[:, seen], noise))
    out = np.empty((structure.size, m, m))
    at = structure.parts
    through = _products(U, K).reshape(n * n, m, m)
    out[at["M"]] = through + np.swapaxes(through, 1, 2)
    out[at["Q"]] = _both_ways(_products(U, U), structure.small)
    out[at["R"]] = _both_ways(_products(E, E), structure.small)
    columns = np.ascontiguousarray(B.T)[:, :, None]
    out[at["P"]] = _both_ways(_products(columns, columns), structure.large)
    return Whitened(log_det, inverse, out.reshape(structure.size, m * m))


def _products(a: Float, b: Float) -> Float:
    """Return a[i] @ b[j]' for all i, j, shape (n_a, n_b, m, m), as one matrix product."""
    (k, m, t), (j, _, _) = a.shape, b.shape
    whole = a.reshape(k * m, t) @ b.reshape(j * m, t).T
    return np.ascontiguousarray(np.swapaxes(whole.reshape(k, m, j, m), 1, 2))


def _both_ways(products: Float, at: tuple[Int, Int]) -> Float:
    """Return the derivative with respect to each free entry of a symmetric matrix."""
    rows, columns = at
    out = products[rows, columns] + products[columns, rows]
    out[rows == columns] /= 2
    return np.asarray(out)


# --------------------------------------------------------------------------- likelihood


@dataclass(frozen=True)
class Evaluation:
    """Log-likelihood at a parameter vector, with the mean path that maximises it there.

    `gradient` and `information` (expected) cover every parameter, free or not; None where they were not asked for.
    """

    theta: Float
    log_likelihood: float
    mean: Float
    whitened: tuple[Whitened, ...]
    gradient: Float | None = None
    information: Float | None = None


def evaluate(structure: Structure, theta: Float, sample: Sample, *, slopes: bool = True) -> Evaluation | None:
    """Return the profile log-likelihood (means maximised out) and its slopes; None outside the possible.

    Parameters
    ----------
    structure : Structure
    theta : array, shape (size,)
    sample : Sample
    slopes : bool
        Also gradient and expected information.
    """
    if not np.isfinite(theta).all() or np.abs(theta[structure.parts["M"]]).max() > 10:
        return None
    model = stacked(structure, structure.unpack(theta))
    if not np.isfinite(model.sigma).all():
        return None
    patterns = []
    for seen in sample.seen:
        one = whiten(structure, model, seen, slopes=slopes)
        if one is None:
            return None
        patterns.append(one)
    mean = _mean_path(sample, patterns)
    value = 0.0
    gradient, information = np.zeros(structure.size), np.zeros((structure.size, structure.size))
    for k, one in enumerate(patterns):
        n, m = sample.count[k], len(sample.seen[k])
        scatter = one.inverse_root @ sample.covariance(k, mean) @ one.inverse_root.T
        value -= n * (one.half_log_det + float(np.trace(scatter)) / 2)
        if one.slopes is not None:
            gradient += n / 2 * (one.slopes @ (scatter - np.eye(m)).ravel())
            information += n / 2 * (one.slopes @ one.slopes.T)
    if not slopes:
        return Evaluation(theta, value, mean, tuple(patterns))
    return Evaluation(theta, value, mean, tuple(patterns), gradient, information)


def _mean_path(sample: Sample, patterns: Sequence[Whitened]) -> Float:
    """Generalised least squares of one mean per step and objective, shape (size,)."""
    if sample.whole:
        return np.asarray(sample.total[0] / max(sample.count[0], 1))
    weight, right = np.zeros((sample.size, sample.size)), np.zeros(sample.size)
    for seen, n, total, one in zip(sample.seen, sample.count, sample.total, patterns, strict=True):
        precision = one.inverse_root.T @ one.inverse_root
        weight[np.ix_(seen, seen)] += n * precision
        right[seen] += precision @ total
    empty = np.diag(weight) <= 0
    weight[empty, empty] = 1.0
    return np.asarray(np.linalg.solve(weight, right))


TOLERANCE = 1e-6  # expected gain of the log-likelihood below which a step is not worth taking
NEARLY = 1e-3  # a climb that stalls with less than this to gain has arrived: 0.05 standard errors


def maximise(
    structure: Structure, theta: Float, sample: Sample, *, steps: int, tolerance: float = TOLERANCE
) -> tuple[Evaluation | None, bool]:
    """Climb by Fisher scoring with damping; return the last evaluation and whether it has arrived.

    Parameters
    ----------
    structure : Structure
    theta : array, shape (size,)
        Start; None comes back where the likelihood does not exist there.
    sample : Sample
    steps : int
        Most steps taken.
    tolerance : float
        Arrived where the next step promises less than this much log-likelihood.
    """
    at = evaluate(structure, theta, sample)
    damping = 0.0
    for _ in range(steps):
        if at is None:
            return None, False
        if promise(structure, at) < tolerance:
            return at, True
        found = _uphill(structure, at, sample, damping)
        if found is None:
            break
        new, damping = found
        at = evaluate(structure, new, sample)
    return at, at is not None and promise(structure, at) < NEARLY


def promise(structure: Structure, at: Evaluation) -> float:
    """Return the log-likelihood an undamped step is expected to gain; infinite where the information is singular."""
    assert at.gradient is not None  # noqa: S101 - evaluations along the climb carry their slopes
    assert at.information is not None  # noqa: S101
    free = structure.free
    gradient = at.gradient[free]
    try:
        return float(gradient @ np.linalg.solve(at.information[np.ix_(free, free)], gradient)) / 2
    except np.linalg.LinAlgError:
        return float("inf")


def _uphill(structure: Structure, at: Evaluation, sample: Sample, damping: float) -> tuple[Float, float] | None:
    """Return (parameters, damping) of a step that does not lower the likelihood; None if none does."""
    free = structure.free
    assert at.gradient is not None  # noqa: S101 - evaluations along the climb carry their slopes
    assert at.information is not None  # noqa: S101
    information, gradient = at.information[np.ix_(free, free)], at.gradient[free]
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information / np.outer(size, size)
    for _ in range(14):
        try:
            step = np.linalg.solve(scaled + damping * np.eye(len(size)), gradient / size) / size
        except np.linalg.LinAlgError:
            damping = max(10 * damping, 1e-6)
            continue
        new = at.theta.copy()
        new[free] += step
        there = evaluate(structure, new, sample, slopes=False)
        if there is not None and there.log_likelihood >= at.log_likelihood - 1e-9 * abs(at.log_likelihood):
            return new, damping / 10 if damping > 1e-8 else 0.0
        damping = max(8 * damping, 1e-5)
    return None


def cluster_scores(
    structure: Structure, at: Evaluation, values: Float, pattern: Int, seen: Sequence[Int], cluster: Int, n: int
) -> Float:
    """Return each cluster's part of the gradient of the free parameters, shape (n, n_free)."""
    out = np.zeros((n, structure.size))
    for k, (entries, one) in enumerate(zip(seen, at.whitened, strict=True)):
        assert one.slopes is not None  # noqa: S101
        rows = np.flatnonzero(pattern == k)
        z = (values[rows][:, entries] - at.mean[entries]) @ one.inverse_root.T
        unit = one.slopes @ np.eye(len(entries)).ravel()
        block = max(1, int(4e6 // len(entries) ** 2))
        for s in range(0, len(rows), block):
            part = z[s : s + block]
            products = (part[:, :, None] * part[:, None, :]).reshape(len(part), -1)
            np.add.at(out, cluster[rows[s : s + block]], (products @ one.slopes.T - unit) / 2)
    return out[:, structure.free]
