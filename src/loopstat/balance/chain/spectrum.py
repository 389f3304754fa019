"""How fast a Markov chain forgets: its leading eigenvalues and relaxation times."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...arrays import Float, frozen
from ...errors import SettingsError
from ...results.record import Record, written
from .passage import CHEAP_BAND, Matrix, closed_classes, narrow_order, period, stochastic

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Complex = NDArray[np.complex128]

FULL = 600  # up to so many states all eigenvalues are computed
NEVER_FORGETS = 1e-12  # a modulus this near to 1 is 1: a second class, or a period
FORGOTTEN = 1e-12  # a modulus this small is 0 but for rounding
JUST_ABOVE = 1 + 1e-5
REAL = 1e-9  # imaginary parts below are rounding


def _pairs(values: Complex) -> Float:
    return np.column_stack([values.real, values.imag])


def _complex(pairs: list[list[float]]) -> Complex:
    return np.array([complex(*pair) for pair in pairs], dtype=np.complex128)


@dataclass(frozen=True, eq=False)
class Spectrum(Record):
    """Leading eigenvalues of a transition matrix.

    Attributes
    ----------
    eigenvalues : complex array, shape (k,)
        Largest modulus first, the 1 of the stationary law in front.
    relaxation_times : float array, shape (k - 1,)
        -1/ln|lambda| in steps for all but the first; infinite for a period or a second closed class, NaN where the
        iteration did not find it.
    spectral_gap : float
        1 - |lambda_2|; 1 for a single state, 0 for a period or a second closed class.
    turning : bool
        Some eigenvalue is complex: the chain turns in cycles, which no reversible chain does.
    """

    eigenvalues: Complex = field(metadata=written(write=_pairs, read=_complex))
    relaxation_times: Float
    spectral_gap: float
    turning: bool


def spectrum(P: Matrix, *, k: int = 6) -> Spectrum:
    """Return the leading eigenvalues of a transition matrix and the times they stand for.

    Parameters
    ----------
    P : array or sparse matrix, shape (n_states, n_states)
        Row-stochastic; of one class, or every further closed class gives one more eigenvalue 1.
    k : int
        Number of eigenvalues, the 1 included; at most the number of states are returned.

    Returns
    -------
    Spectrum

    Raises
    ------
    SettingsError
        P is no transition matrix, or `k` is below 1.

    Notes
    -----
    All eigenvalues up to 600 states; beyond, implicitly restarted Arnoldi for the largest moduli: in a crowd of like
    moduli to three digits, and on long lines of states, where that does not settle, for the eigenvalues nearest to 1,
    turned by the period (which is missed where states do not all lead to each other). The time of a complex pair is how
    long its turning lasts, not its period.

    States that are only left count as well: with one absorbing state the first time is how long a chain that has not
    ended yet still lasts once it has settled (its quasi-stationary law). A swing between two states is an eigenvalue
    near -1, with the time it lasts.

    *When it is wrong*: eigenvalues of an estimated matrix are too large in modulus where rows were seen a few times
    only: pure noise, all rows alike in truth, shows a modulus of about 1/sqrt(N) with N transitions per row.

    References
    ----------
    Levin, Peres and Wilmer (2009), Markov Chains and Mixing Times, section 12.2.

    Examples
    --------
    >>> found = spectrum([[0.9, 0.1], [0.3, 0.7]])
    >>> found.eigenvalues.real.round(9).tolist(), round(float(found.relaxation_times[0]), 6)
    ([1.0, 0.6], 1.957615)
    """
    if k < 1:
        raise SettingsError(f"`k` must be at least 1. Got {k}.")
    T = stochastic(P)
    n = T.shape[0]
    k = min(int(k), n)
    values = np.linalg.eigvals(T.toarray()) if n <= FULL or k >= n - 1 else _arnoldi(T, k)
    values = _leading(np.asarray(values, dtype=np.complex128), k)
    times = _times(np.abs(values[1:]))
    return Spectrum(
        eigenvalues=frozen(values, np.complex128),
        relaxation_times=frozen(times, np.float64),
        spectral_gap=1.0 if n == 1 else float("nan") if k == 1 else 0.0 if times[0] == np.inf else 1 - abs(values[1]),
        turning=bool(np.any(np.abs(values.imag) > REAL)),
    )


def _leading(values: Complex, k: int) -> Complex:
    """Return the k eigenvalues of largest modulus, NaN last; equal moduli by angle, so that 1 comes first."""
    modulus = np.round(np.abs(values), 12)
    order = np.lexsort((-values.imag, np.abs(np.angle(values)), -np.where(np.isnan(modulus), -1.0, modulus)))
    return np.asarray(values[order[:k]])


def _times(modulus: Float) -> Float:
    forever, at_once = modulus >= 1 - NEVER_FORGETS, modulus < FORGOTTEN
    times: Float = -1 / np.log(np.where(forever | at_once, 0.5, modulus))
    times[forever], times[at_once] = np.inf, 0.0
    return times


def _arnoldi(T: csr_matrix, k: int) -> Complex:
    """Return k eigenvalues of large modulus, NaN for those the iteration did not find."""
    values = _iterated(T, k, tol=1e-9, ncv=max(3 * k, 30), maxiter=40)
    if len(values) < k and T.shape[0] * narrow_order(T)[1] ** 2 <= CHEAP_BAND:
        # Many moduli near 1, as on a long line of states: those nearest to 1 itself are found from beyond it.
        values = _turned(_iterated(T.tocsc(), k, sigma=JUST_ABOVE), _common_period(T))
    elif len(values) < k:
        # The edge of a crowd of like moduli: three digits of it are to be had, and nobody needs more.
        values = _iterated(T, k, tol=1e-3, ncv=max(6 * k, 60), maxiter=150)
    found: Complex = np.full(max(k, len(values)), np.nan, np.complex128)
    found[: len(values)] = values
    return found


def _common_period(T: csr_matrix) -> int:
    """Return the period of a chain whose states all lead to each other; 1 for others, whose parts may differ."""
    return period(T) if len(closed_classes(T)[0]) == T.shape[0] else 1


def _turned(values: Complex, d: int) -> Complex:
    """Return eigenvalues and what a period makes of them: the spectrum is the same when turned by 2 pi / d."""
    roots = np.exp(2j * np.pi * np.arange(d) / d)
    return np.asarray(np.outer(values, roots).ravel())


def _iterated(T: Any, k: int, **settings: Any) -> Complex:
    from scipy.sparse.linalg import ArpackNoConvergence, eigs

    # Not the vector of ones, which is an eigenvector: the iteration would end with it.
    start = np.random.default_rng(0).random(T.shape[0])
    values: Any
    try:
        values = eigs(T, k, which="LM", v0=start, return_eigenvectors=False, **settings)
    except ArpackNoConvergence as failure:
        values = failure.eigenvalues
    return np.asarray(values, dtype=np.complex128)
