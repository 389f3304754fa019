"""Reading the eigenvalues of a one-step map: regime, rate, half-life, and whether a turn is more than chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...arrays import Bool, Float
from ...inference.estimate import Estimate
from ...results.record import Record

REGIMES = ("unstable", "slow", "monotone", "alternating", "oscillatory")
TURN_SURVIVES = 0.05  # a rotation must leave more than this share of the distance after half a period to be a swing
OSCILLATION_LEVEL = 0.05

Complex = NDArray[np.complex128]


@dataclass(frozen=True, eq=False)
class Regime(Record):
    """One eigenvalue of the one-step map M, read.

    Attributes
    ----------
    re, im, modulus : Estimate
        The eigenvalue and its size.
    regime : str
        unstable, slow, monotone, alternating or oscillatory.
    probability : float or None
        Share of bootstrap draws whose eigenvalue of this rank has the same regime; None for oscillatory.
    p_oscillation : float or None
        p-value of the test that turns are chance; None where every eigenvalue is real.
    period : float or None
        Steps per swing, for an oscillatory pair.
    half_life : Estimate
        Steps in which this mode loses half of its distance; infinite where it does not shrink, NaN for few clusters.
    """

    re: Estimate
    im: Estimate
    modulus: Estimate
    regime: str
    probability: float | None
    p_oscillation: float | None
    period: float | None
    half_life: Estimate


def eigenvalues(M: Float) -> Complex:
    """Return the eigenvalues of a batch of maps, largest modulus first, upper half-plane first within a pair.

    Parameters
    ----------
    M : array, shape (batch, n, n)
        NaN maps give NaN eigenvalues.
    """
    lost = np.asarray(np.isnan(M).any(axis=(1, 2)))
    values = np.linalg.eigvals(np.where(lost[:, None, None], 0.0, M)).astype(np.complex128)
    # Conjugates may differ in the last bit of their modulus: rounding keeps pairs together.
    order = np.lexsort((-values.imag, -values.real, -np.round(np.abs(values), 12)), axis=-1)
    values = np.take_along_axis(values, order, axis=-1)
    values[lost] = np.nan
    return values


def half_life(modulus: ArrayLike) -> Float:
    """Return ln 2 / -ln(modulus): steps to lose half the distance; inf where the modulus is 1 or more."""
    modulus = np.asarray(modulus, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.log(2) / -np.log(modulus)
    return np.where(modulus >= 1, np.inf, np.where(modulus <= 0, 0.0, value))


def rates(values: Complex) -> tuple[Float, Float]:
    """Return the Euler rate -max Re(m - 1) and the exact rate -ln max|m|, per step, shape (batch,) each.

    The Euler rate is the source's ([SJ] 4.3); it can miss the slowest mode when an eigenvalue is negative.
    """
    with np.errstate(divide="ignore"):
        return 1 - values.real.max(axis=-1), -np.log(np.abs(values).max(axis=-1))


def oscillation_test(M: Float, draws: Float) -> float:
    """Return the p-value of: every eigenvalue of M is real, and turns seen are coalescing eigenvalues.

    M0 is M with the imaginary parts of its eigenvalues removed; p is the share of draws in which M0 + (M_b - M)
    turns more than M does. Coalescing real eigenvalues turn complex by chance however large the sample, so the share
    of complex bootstrap draws is no evidence.

    Parameters
    ----------
    M : array, shape (n, n)
    draws : array, shape (n_boot, n, n)
    """
    values, vectors = np.linalg.eig(M)
    turn = float(np.abs(values.imag).max())
    draws = draws[~np.isnan(draws).any(axis=(1, 2))]
    if turn == 0 or len(draws) == 0:
        return float("nan")
    straight = np.real(vectors @ np.diag(values.real) @ np.linalg.inv(vectors))
    turned = np.abs(np.linalg.eigvals(straight + draws - M).imag).max(axis=-1)
    return float(np.mean(turned > turn))


def classify(values: Complex, near_zero: tuple[Float, Float], length: float, *, oscillates: bool) -> NDArray[Any]:
    """Name the regime of each eigenvalue, rows of the table in the documentation tried from the top.

    Parameters
    ----------
    values : complex array, shape (batch, n)
    near_zero : pair of arrays, shape (n,)
        Distances from the estimate to the ends of the interval of the real part.
    length : float
        Median number of transitions in a session.
    oscillates : bool
        The oscillation test found a turn.

    Returns
    -------
    array of str, shape (batch, n)
    """
    modulus = np.abs(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        constant = -1 / np.log(modulus)
        half_period = np.pi / np.maximum(np.abs(np.angle(values)), 1e-9)
        swing = np.exp(half_period * np.log(np.clip(modulus, 1e-300, 1.0)))
    real = values.imag == 0
    covers_zero = real & (values.real + near_zero[0] <= 0) & (values.real + near_zero[1] >= 0)
    conditions: list[Bool] = [
        modulus >= 1,
        constant > length,
        covers_zero,
        ~real & oscillates & (swing > TURN_SURVIVES),
        values.real >= 0,
    ]
    return np.select(conditions, ["unstable", "slow", "monotone", "oscillatory", "monotone"], "alternating")


def read_regimes(
    modes: Mapping[str, Estimate],
    draws: Complex,
    slowest: tuple[float, float, float] | None,
    *,
    length: float,
    p_oscillation: float,
) -> tuple[Regime, ...]:
    """Put together one Regime per eigenvalue.

    Parameters
    ----------
    modes : mapping
        `re`, `im` and `modulus` of the eigenvalues, each of shape (n,).
    draws : complex array, shape (n_boot, n)
    slowest : (value, low, high) or None
        Slowest modulus with the interval its half-life is taken from; None where there are too few clusters for any.
    length : float
        Median number of transitions in a session.
    p_oscillation : float
        NaN where no eigenvalue is complex.
    """
    re = modes["re"]
    values = re.value + 1j * modes["im"].value
    offsets = (re.low - re.value, re.high - re.value)
    oscillates = bool(p_oscillation < OSCILLATION_LEVEL)
    names = classify(values[None], offsets, length, oscillates=oscillates)[0]
    draws = draws[~np.isnan(draws).any(axis=1)]
    same = classify(draws, offsets, length, oscillates=oscillates) == names if len(draws) else None
    out = []
    for k, name in enumerate(names.tolist()):
        turning = name == "oscillatory"
        mode = {key: found[k] for key, found in modes.items()}
        out.append(
            Regime(
                **mode,
                regime=name,
                probability=None if turning or same is None else float(same[:, k].mean()),
                p_oscillation=None if np.isnan(p_oscillation) or values[k].imag == 0 else p_oscillation,
                period=float(2 * np.pi / abs(np.angle(values[k]))) if turning else None,
                half_life=_halves(mode["modulus"].triple, slowest),
            )
        )
    return tuple(out)


def _halves(mode: tuple[float, float, float], slowest: tuple[float, float, float] | None) -> Estimate:
    """Return the half-life of a mode; that of the slowest is the group's own."""
    if slowest is None:
        return Estimate.unknown()
    return Estimate(*map(half_life, slowest if np.isclose(mode[0], slowest[0], rtol=1e-9) else mode))
