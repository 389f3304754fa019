"""Example systems with known truth: a Metropolis chain, a driven ring, a trap, and a linear loop read through bins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from .balance.chain.model import MarkovChain
from .errors import SettingsError


def metropolis(potential: ArrayLike, *, neighbours: int | None = None, beta: float = 1.0) -> MarkovChain:
    """Return a chain in detailed balance whose potential is known.

    From each state one of its neighbours is proposed, all alike, and accepted with probability
    min(1, exp(-beta (V' - V))); a rejected proposal stays.

    Parameters
    ----------
    potential : array, shape (n_states,)
        V of every state.
    neighbours : int, optional
        The nearest so many states on either side, on a ring; default: all other states.
    beta : float
        Inverse temperature.

    Returns
    -------
    MarkovChain
        Its stationary law is exp(-beta V) up to a constant.

    References
    ----------
    Metropolis et al. (1953), J. Chem. Phys. 21, 1087.

    Examples
    --------
    >>> metropolis([0.0, 1.0, 2.0]).stationary.round(4).tolist()
    [0.6652, 0.2447, 0.09]
    """
    V = np.asarray(potential, dtype=np.float64)
    n = len(V)
    if V.ndim != 1 or n < 2 or not np.isfinite(V).all():
        raise SettingsError("`potential` must be a vector of at least two finite numbers.")
    apart = np.abs(np.arange(n)[:, None] - np.arange(n))
    apart = np.minimum(apart, n - apart)
    near = (apart > 0) & (apart <= (n if neighbours is None else neighbours))
    if not near.any():
        raise SettingsError(f"`neighbours` must be at least 1. Got {neighbours!r}.")
    P = near / near.sum(axis=1).max() * np.exp(-beta * np.maximum(V[None, :] - V[:, None], 0))
    P[np.diag_indices(n)] = 1 - P.sum(axis=1)
    return MarkovChain(P, [f"s{k}" for k in range(n)])


def driven_ring(n_states: int, *, affinity: float, stay: float = 0.2) -> MarkovChain:
    """Return a ring that is run round one way more often than the other.

    Parameters
    ----------
    n_states : int
        At least 3.
    affinity : float
        Sum of ln P(f -> g)/P(g -> f) around the ring; 0 is detailed balance.
    stay : float
        Probability of no move.

    Returns
    -------
    MarkovChain
        Its stationary law is uniform, and it produces (1 - stay) tanh(a/2) a nats a step, a = affinity/n_states.

    Examples
    --------
    >>> driven_ring(4, affinity=2.0).P[0].round(3).tolist()
    [0.2, 0.498, 0.0, 0.302]
    """
    if n_states < 3:
        raise SettingsError(f"`n_states` must be at least 3: shorter rings have no direction. Got {n_states}.")
    if not 0 <= stay < 1:
        raise SettingsError(f"`stay` must lie in [0, 1). Got {stay!r}.")
    forward = (1 - stay) / (1 + np.exp(-affinity / n_states))
    P = np.zeros((n_states, n_states))
    k = np.arange(n_states)
    P[k, (k + 1) % n_states] = forward
    P[k, (k - 1) % n_states] = 1 - stay - forward
    P[k, k] += stay
    return MarkovChain(P, [f"r{i}" for i in k])


def trap(n_states: int, *, escape: float, stay: float = 0.2) -> MarkovChain:
    """Return a chain in detailed balance with one state that is hardly ever left.

    Every state but the first stays with probability `stay` and else goes to any other, all alike; the first is left
    with probability `escape`.

    Parameters
    ----------
    n_states : int
        At least 2.
    escape : float
        In (0, 1].
    stay : float
        In [0, 1).

    Returns
    -------
    MarkovChain
        In its stationary law the trap weighs (1 - stay)/escape times as much as another state.

    Examples
    --------
    >>> trap(5, escape=0.02, stay=0.2).stationary.round(4).tolist()
    [0.9091, 0.0227, 0.0227, 0.0227, 0.0227]
    """
    if n_states < 2:
        raise SettingsError(f"`n_states` must be at least 2. Got {n_states}.")
    if not 0 < escape <= 1 or not 0 <= stay < 1:
        raise SettingsError(f"`escape` must lie in (0, 1], `stay` in [0, 1). Got {escape!r} and {stay!r}.")
    leaves = np.full(n_states, 1 - stay)
    leaves[0] = escape
    P = np.repeat(leaves[:, None] / (n_states - 1), n_states, axis=1)
    P[np.diag_indices(n_states)] = 1 - leaves
    return MarkovChain(P, ["trap", *(f"s{k}" for k in range(1, n_states))])


def binned_loop(persistence: float, *, edges: Sequence[float], noise: float = 1.0, points: int = 400) -> MarkovChain:
    """Return a linear loop x' = m x + noise read through bins, as the chain of its stationary bin-to-bin moves.

    The bridge to the drift lens: a linear loop of one objective is in detailed balance, and stays so in bins where it
    is stationary, although bins do not remember all that x does.

    Parameters
    ----------
    persistence : float
        m, in (-1, 1).
    edges : sequence of float
        Inner edges of the bins, ascending: one bin more than edges.
    noise : float
        Standard deviation of one step's noise.
    points : int
        Points of the grid on which probabilities are summed.

    Returns
    -------
    MarkovChain

    Examples
    --------
    >>> binned_loop(0.5, edges=[-1.0, 1.0]).stationary.round(3).tolist()
    [0.193, 0.614, 0.193]
    """
    from scipy.special import ndtr

    if not -1 < persistence < 1:
        raise SettingsError(f"`persistence` must lie in (-1, 1). Got {persistence!r}.")
    cuts = np.asarray(edges, dtype=np.float64)
    if len(cuts) == 0 or np.any(np.diff(cuts) <= 0):
        raise SettingsError("`edges` must be one or more ascending numbers.")
    sd = noise / np.sqrt(1 - persistence**2)
    # Midpoints of equally likely slices of the stationary law: every bin's mass is exact to 1/points.
    from scipy.special import ndtri

    x = sd * ndtri((np.arange(points * (len(cuts) + 1)) + 0.5) / (points * (len(cuts) + 1)))
    enters = ndtr((np.r_[cuts, np.inf] - persistence * x[:, None]) / noise)
    moves = np.diff(np.column_stack([np.zeros(len(x)), enters]), axis=1)
    bin_of = np.searchsorted(cuts, x)
    P = np.array([moves[bin_of == k].mean(axis=0) for k in range(len(cuts) + 1)])
    names = ["below", *[f"from {a:g}" for a in cuts]]
    return MarkovChain(P, names)
