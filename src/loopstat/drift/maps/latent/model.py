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
from typing import NamedTuple

import numpy as np

from ....arrays import Bool, Float, Int, summed_rows
from ...products import symmetric
from .sample import Sample as Sample


@dataclass(frozen=True)
class Parameters:
    """M, Q, R of shape (n, n); P, shape (2n, 2n), the covariance of (x[0], b_i) between sessions."""

    M: Float
    Q: Float
    R: Float
    P: Float


FACTORS = {"M": "UK", "Q": "UU", "R": "EE", "P": "BB"}


class Slope(NamedTuple):
    """Where a matrix lies in the parameter vector, its two factors (see `Products`), and its entries in order."""

    part: slice
    x: str
    y: str
    at: tuple[Int, Int]


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

    @cached_property
    def slopes(self) -> tuple[Slope, ...]:
        """What the covariance changes by along M, Q, R and P."""
        i, j = np.indices((self.n_obj, self.n_obj)).reshape(2, -1).astype(np.int64)
        at = {"M": (i, j), "Q": self.small, "R": self.small, "P": self.large}
        return tuple(Slope(self.parts[k], FACTORS[k][0], FACTORS[k][1], at[k]) for k in "MQRP")

    @cached_property
    def share(self) -> Float:
        """1/2 for variances, whose slope holds its one product once, 1 for all else; shape (size,)."""
        share = [np.where((s.at[0] == s.at[1]) & (s.x == s.y), 0.5, 1.0) for s in self.slopes]
        return np.concatenate(share)

    @cached_property
    def impulse(self) -> Int:
        """Where the entries of U stand among the powers of M, of which the last is 0; shape (m, m - n)."""
        n, t = self.n_obj, np.arange(self.n_steps, dtype=np.int64)
        after = t[:, None] - t[1:]
        power = np.where(after >= 0, after, self.n_steps)[:, None, None, :]
        row, column = np.arange(n)[None, :, None, None], np.arange(n)[None, None, :, None]
        return ((power * n + row) * n + column).reshape(len(t) * n, -1)

    @cached_property
    def by_coordinate(self) -> Int:
        """Order of the stacked vector that keeps the steps of one coordinate together, shape (m,)."""
        return np.arange(self.n_obj * self.n_steps, dtype=np.int64).reshape(self.n_steps, -1).T.ravel()

    def pack(self, p: Parameters) -> Float:
        """Return the parameter vector."""
        return np.concatenate([p.M.ravel(), p.Q[self.small], p.R[self.small], p.P[self.large]])

    def unpack(self, theta: Float) -> Parameters:
        """Return the matrices of a parameter vector."""
        return Parameters(*(part[0] for part in self.matrices(theta[None])))

    def matrices(self, theta: Float) -> tuple[Float, Float, Float, Float]:
        """Return M, Q, R and P of a batch of parameter vectors, shape (batch, size)."""
        n, at = self.n_obj, self.parts
        Q, R, P = (symmetric(theta[:, at[k]], m) for k, m in (("Q", n), ("R", n), ("P", 2 * n)))
        return theta[:, at["M"]].reshape(-1, n, n), Q, R, P

    def without(self, theta: Float) -> Float:
        """Return the vector with the parts that are not free set to zero (session effects) or left (known noise)."""
        out = theta.copy()
        if not self.effects:
            out[self.parts["P"]][~self.free[self.parts["P"]]] = 0.0
        return out


def _upper(n: int) -> tuple[Int, Int]:
    rows, columns = np.triu_indices(n)
    return rows.astype(np.int64), columns.astype(np.int64)


# ----------------------------------------------------------------- covariance and its slopes


@dataclass(frozen=True)
class Stacked:
    """Covariance of a session's stacked scores, m = n_steps * n, and the matrices its derivatives are made of.

    Attributes
    ----------
    B : array, shape (m, 2n)
        What (x[0], b_i) does to the stacked state.
    U : array, shape (m, m - n)
        What innovations do, one column per coordinate and step from the second on.
    K : array, shape (m, m - n)
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
    m = n * steps
    power = np.empty((steps + 1, n, n))
    power[0], power[steps] = np.eye(n), 0.0
    for t in range(1, steps):
        power[t] = power[t - 1] @ p.M
    sums = np.concatenate([np.zeros((1, n, n)), np.cumsum(power[: steps - 1], axis=0)])
    B = np.concatenate([power[:steps], sums], axis=2).reshape(m, 2 * n)
    U = power.ravel()[structure.impulse]
    state = B @ p.P @ B.T + (p.Q @ U.reshape(m, n, steps - 1)).reshape(m, m - n) @ U.T
    state = (state + state.T) / 2
    sigma = state.copy()
    at = np.arange(steps)
    sigma.reshape(steps, n, steps, n)[at, :, at, :] += p.R
    K = np.swapaxes(state.reshape(m, steps, n)[:, :-1], 1, 2).reshape(m, m - n)
    return Stacked(B, U, K, sigma)


@dataclass(frozen=True)
class Products:
    """Products F' W G of the factors F, G the slopes of sigma are made of: U, K, the identity E, and B.

    Every parameter a of the covariance has d sigma / d theta_a = X_p Y_q' + Y_q X_p' (once for a variance), with
    columns of U and K for M, of U twice for Q, of E for R and of B for P. Gradient, information and scores need no
    more of the (m, m) slopes than these products, a few per step and coordinate: for long sessions a hundredth of the
    work.

    Attributes
    ----------
    structure : Structure
    inside : array, shape (n_patterns, 2 (m - n) + 2n, 2 (m - n) + 2n)
        Of U, K and B with each other.
    beside : array, shape (n_patterns, m, 2 (m - n) + 2n)
        Of E with U, K and B, rows by coordinate.
    W : array, shape (n_patterns, m, m)
        Of E with itself, by coordinate.
    """

    structure: Structure
    inside: Float
    beside: Float
    W: Float

    @classmethod
    def of(cls, structure: Structure, model: Stacked, W: Float) -> Products:
        """Make from precision matrices, shape (n_patterns, m, m)."""
        factors = np.concatenate([model.U, model.K, model.B], axis=1)
        beside, order = W @ factors, structure.by_coordinate
        return cls(structure, factors.T @ beside, beside[:, order], W[:, order[:, None], order])

    def block(self, names: str) -> Float:
        """Return F' W G of two factors, shape (n_f, n_g, n_patterns, steps_f, steps_g)."""
        n, moves = self.structure.n_obj, self.structure.n_steps - 1
        width = {"U": (n, moves), "K": (n, moves), "B": (2 * n, 1), "E": (n, moves + 1)}
        start = {"U": 0, "K": n * moves, "B": 2 * n * moves}
        at = {f: slice(k, k + width[f][0] * width[f][1]) for f, k in start.items()}
        f, g = names[0], names[1]
        part = self.W if names == "EE" else self.beside[:, :, at[g]] if f == "E" else self.inside[:, at[f], at[g]]
        return np.ascontiguousarray(part.reshape(-1, *width[f], *width[g]).transpose(1, 3, 0, 2, 4))

    def traces(self) -> Float:
        """Return tr(W d sigma / d theta_a) / 2 for every parameter and pattern, shape (size, n_patterns)."""
        structure = self.structure
        out = [np.einsum("pqkss->pqk", self.block(slope.x + slope.y))[slope.at] for slope in structure.slopes]
        return np.concatenate(out) * structure.share[:, None]

    def information(self, count: Float) -> Float:
        """Return sum_k n_k tr(W_k d sigma_a W_k d sigma_b) / 2, shape (size, size)."""
        structure = self.structure
        out = np.empty((structure.size, structure.size))
        for i, b in enumerate(structure.slopes):
            for a in structure.slopes[i:]:
                order = a, b
                if a.x == "B" and b.x == "E":
                    order = b, a  # E stands before all others
                part = self._traces_of_two(*order, count)
                out[order[0].part, order[1].part] = part
                out[order[1].part, order[0].part] = part.T
        return out * structure.share[:, None] * structure.share

    def _traces_of_two(self, a: Slope, b: Slope, count: Float) -> Float:
        crossed = self._inner(a.y + b.x, a.x + b.y, count).transpose(2, 0, 1, 3)  # q r p s
        if a.x == a.y:
            straight = np.swapaxes(crossed, 0, 1)
        else:
            straight = self._inner(a.y + b.y, a.x + b.x, count).transpose(2, 0, 3, 1)  # q s p r
        return np.asarray((crossed + straight)[a.at][:, b.at[0], b.at[1]])

    def _inner(self, first: str, second: str, count: Float) -> Float:
        a = self.block(first)
        b = a if first == second else self.block(second)
        flat = a.reshape(a.shape[0] * a.shape[1], -1), (b * count[:, None, None]).reshape(b.shape[0] * b.shape[1], -1)
        return np.asarray((flat[0] @ flat[1].T).reshape(*a.shape[:2], *b.shape[:2]))


# --------------------------------------------------------------------------- likelihood


@dataclass(frozen=True)
class Evaluation:
    """Log-likelihood at a parameter vector, with the mean path that maximises it there.

    `model` is the covariance there, `precision` its inverse over the recorded entries of each pattern, 0 elsewhere.
    `gradient` and `information` (expected) cover every parameter, free or not; None where they were not asked for.
    """

    theta: Float
    log_likelihood: float
    mean: Float
    model: Stacked
    precision: Float
    gradient: Float | None = None
    information: Float | None = None

    def free_slopes(self, structure: Structure) -> tuple[Float, Float]:
        """Return gradient and information of the free parameters; asked for only where they were evaluated."""
        assert self.gradient is not None  # noqa: S101
        assert self.information is not None  # noqa: S101
        free = structure.free
        return self.gradient[free], self.information[np.ix_(free, free)]


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
    found = _precision(model.sigma, sample)
    if found is None:
        return None
    precision, half_log_det = found
    mean = _mean_path(sample, precision)
    scatter = sample.scatter(mean)
    value = -float(sample.count @ half_log_det) - float(np.vdot(precision, scatter)) / 2
    at = Evaluation(theta, value, mean, model, precision)
    return with_slopes(structure, at, sample) if slopes else at


def _precision(sigma: Float, sample: Sample) -> tuple[Float, Float] | None:
    """Return the inverse of each pattern's covariance and half its log determinant; None where one is not positive."""
    from scipy.linalg.lapack import dpotrf, dpotri

    out, half_log_det = np.zeros((len(sample.seen), *sigma.shape)), np.zeros(len(sample.seen))
    for k, at in enumerate(sample.seen):
        entries = np.ix_(at, at)
        root, failed = dpotrf(sigma[entries].T, lower=1, overwrite_a=1)
        if failed:
            return None
        half_log_det[k] = np.log(np.diag(root)).sum()
        half, _ = dpotri(root, lower=1, overwrite_c=1)
        out[k][entries] = np.where(np.tri(len(at), dtype=bool), half, half.T)
    return out, half_log_det


def with_slopes(structure: Structure, at: Evaluation, sample: Sample) -> Evaluation:
    """Return the evaluation with gradient and expected information."""
    model, W, n = at.model, at.precision, structure.n_obj
    # The slope of the likelihood in sigma itself, over all patterns.
    G = ((W @ sample.scatter(at.mean) @ W).sum(axis=0) - np.tensordot(sample.count, W, axes=1)) / 2
    U, step = model.U.reshape(len(G), n, -1), np.arange(structure.n_steps)
    through = {f: (G @ part).reshape(U.shape) for f, part in (("U", model.U), ("K", model.K))}
    slope = {
        "UK": np.tensordot(U, through["K"], axes=((0, 2), (0, 2))),
        "UU": np.tensordot(U, through["U"], axes=((0, 2), (0, 2))),
        "EE": G.reshape(structure.n_steps, n, structure.n_steps, n)[step, :, step, :].sum(axis=0),
        "BB": model.B.T @ G @ model.B,
    }
    gradient = 2 * structure.share * np.concatenate([slope[part.x + part.y][part.at] for part in structure.slopes])
    information = np.zeros((structure.size, structure.size))
    block = max(1, BLOCK // W.shape[1] ** 2)
    for s in range(0, len(W), block):
        part = slice(s, s + block)
        information += Products.of(structure, model, W[part]).information(sample.count[part])
    return replace(at, gradient=gradient, information=information)


def _mean_path(sample: Sample, precision: Float) -> Float:
    """Generalised least squares of one mean per step and objective, shape (size,)."""
    if sample.whole:
        return np.asarray(sample.total[0] / max(sample.count[0], 1))
    weight = np.tensordot(sample.count, precision, axes=1)
    right = np.einsum("kij,kj->i", precision, sample.total)
    empty = np.diag(weight) <= 0
    weight[empty, empty] = 1.0
    return np.asarray(np.linalg.solve(weight, right))


TOLERANCE = 1e-6  # expected gain of the log-likelihood below which a step is not worth taking
NEARLY = 1e-3  # a climb that stalls with less than this to gain has arrived: 0.05 standard errors
BLOCK = 1_000_000  # numbers in the precision matrices whose products are held at once


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
        higher, damping = found
        at = with_slopes(structure, higher, sample)
    return at, at is not None and promise(structure, at) < NEARLY


def promise(structure: Structure, at: Evaluation) -> float:
    """Return the log-likelihood an undamped step is expected to gain; infinite where the information is singular."""
    gradient, information = at.free_slopes(structure)
    try:
        return float(gradient @ np.linalg.solve(information, gradient)) / 2
    except np.linalg.LinAlgError:
        return float("inf")


def _uphill(structure: Structure, at: Evaluation, sample: Sample, damping: float) -> tuple[Evaluation, float] | None:
    """Return (evaluation, damping) of a step that does not lower the likelihood; None if none does."""
    gradient, information = at.free_slopes(structure)
    size = np.sqrt(np.maximum(np.diag(information), 1e-200))
    scaled = information / np.outer(size, size)
    for _ in range(14):
        try:
            step = np.linalg.solve(scaled + damping * np.eye(len(size)), gradient / size) / size
        except np.linalg.LinAlgError:
            damping = max(10 * damping, 1e-6)
            continue
        new = at.theta.copy()
        new[structure.free] += step
        there = evaluate(structure, new, sample, slopes=False)
        if there is not None and there.log_likelihood >= at.log_likelihood - 1e-9 * abs(at.log_likelihood):
            return there, damping / 10 if damping > 1e-8 else 0.0
        damping = max(8 * damping, 1e-5)
    return None


def cluster_scores(
    structure: Structure,
    at: Evaluation,
    values: Float,
    pattern: Int,
    seen: Sequence[Int],
    cluster: Int,
    n_clusters: int,
) -> Float:
    """Return each cluster's part of the gradient of the free parameters, shape (n_clusters, n_free)."""
    traces = Products.of(structure, at.model, at.precision).traces()
    scores = np.empty((len(values), structure.size))
    for k, entries in enumerate(seen):
        rows = np.flatnonzero(pattern == k)
        z = (values[rows][:, entries] - at.mean[entries]) @ at.precision[k][entries]
        seen_by = {"U": z @ at.model.U, "K": z @ at.model.K, "E": z[:, structure.by_coordinate], "B": z @ at.model.B}
        n = structure.n_obj
        steps = {f: part.reshape(len(rows), 2 * n if f == "B" else n, -1) for f, part in seen_by.items()}
        products = [(steps[s.x] @ np.swapaxes(steps[s.y], 1, 2))[:, s.at[0], s.at[1]] for s in structure.slopes]
        scores[rows] = np.concatenate(products, axis=1) * structure.share - traces[:, k]
    return summed_rows(cluster, scores[:, structure.free], n_clusters)
