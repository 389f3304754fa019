"""The mixing law of largest likelihood on a grid, for many likelihoods at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...arrays import Float
from ...errors import SettingsError

MAX_STEPS = 100
CERTAIN = 1e-6  # of the log-likelihood: what may be missing when it stops
CENTRING, STAY_INSIDE = 0.1, 0.99


@dataclass(frozen=True)
class Mixtures:
    """Fitted mixing laws, one per likelihood of the batch.

    Attributes
    ----------
    log_likelihood : float array, shape (batch,)
        Minus infinity where some pattern has no chance under any part.
    weights : float array, shape (batch, n_parts)
        Of the parts of the grid; they sum to 1.
    missing : float array, shape (batch,)
        What the log-likelihood may at most be short of its maximum.
    """

    log_likelihood: Float
    weights: Float
    missing: Float


def fit_mixtures(log_likelihood: Float, counts: Float) -> Mixtures:
    r"""Return the weights x >= 0, sum 1, that maximise sum_i c_i ln sum_j L_ij x_j, for every L of a batch.

    With n = sum c the constraint can be dropped and n sum x subtracted: the maximum is the same. A primal-dual
    interior-point method solves it in about 15 steps; sum c_i L_ij/f_i - n, at most 0 at the maximum, certifies it.

    Parameters
    ----------
    log_likelihood : float array, shape (batch, n_patterns, n_parts)
        Logarithm of the chance of each pattern under each part, minus infinity where it has none.
    counts : float array, shape (n_patterns,) or (batch, n_patterns)
        How often each pattern was seen.

    Returns
    -------
    Mixtures

    Raises
    ------
    SettingsError
        No count above 0.

    References
    ----------
    Lindsay (1983), Ann. Stat. 11, 86 (the law is discrete, and how its maximum is known); Koenker and Mizera (2014),
    J. Am. Stat. Assoc. 109, 674 (interior points).

    Examples
    --------
    >>> chance = np.array([[[0.9, 0.1], [0.1, 0.9]]])
    >>> fit_mixtures(np.log(chance), np.array([5.0, 5.0])).weights.round(3).tolist()
    [[0.5, 0.5]]
    """
    c = np.broadcast_to(np.asarray(counts, dtype=np.float64), log_likelihood.shape[:2])
    n = c.sum(axis=1)
    if not np.all(n > 0):
        raise SettingsError("a mixture needs counts above 0: nothing was seen.")
    best = log_likelihood.max(axis=2)
    possible = np.isfinite(best)
    scale = np.where(possible, best, 0.0)  # chances of many samples are too small for a double
    # patterns that no part allows are taken as certain here, and their member of the batch is marked below
    ratio = np.where(possible[:, :, None], np.exp(log_likelihood - scale[:, :, None]), 1.0)
    x, missing = _climb(ratio, c, n)
    value = np.sum(c * (np.log(np.einsum("bmk,bk->bm", ratio, x)) + scale), axis=1)
    return Mixtures(np.where(np.all(possible | (c == 0), axis=1), value, -np.inf), x, missing)


def _climb(L: Float, c: Float, n: Float) -> tuple[Float, Float]:
    """Return the weights, shape (batch, n_parts), and the bound on what is missing."""
    batch, _, parts = L.shape
    x, dual = np.full((batch, parts), 1.0 / parts), np.repeat(n[:, None] / 10, parts, axis=1)
    diagonal = np.arange(parts)
    missing = np.full(batch, np.inf)
    for _ in range(MAX_STEPS):
        R = L / np.einsum("bmk,bk->bm", L, x)[:, :, None]
        weighted = R * c[:, :, None]
        slope = n[:, None] - weighted.sum(axis=1)
        total = x.sum(axis=1)
        # the largest slope upwards of the normalised law bounds what it is short of
        missing = np.maximum(n * (np.log(total) + np.log1p(-slope.min(axis=1) / n)), 0.0)
        if np.all(missing < CERTAIN):
            break
        gap = np.sum(x * dual, axis=1)
        H = np.swapaxes(weighted, 1, 2) @ R
        H[:, diagonal, diagonal] += dual / x
        target = (CENTRING * gap / parts)[:, None] / x
        step = np.linalg.solve(H, (target - slope)[:, :, None])[:, :, 0]
        turn = target - dual - dual / x * step
        x = x + _longest(x, step)[:, None] * step
        dual = dual + _longest(dual, turn)[:, None] * turn
    return x / x.sum(axis=1, keepdims=True), missing


def _longest(x: Float, step: Float) -> Float:
    """Return how much of a step keeps positive numbers positive, at most 1, shape (batch,)."""
    falls = step < 0
    room = np.where(falls, -x / np.where(falls, step, -1.0), np.inf).min(axis=1)
    return np.asarray(np.minimum(1.0, STAY_INSIDE * room))
