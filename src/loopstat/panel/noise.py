"""The scorer's noise: known from outside, or measured by repeated scorings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Float, Int, frozen
from ..errors import SettingsError


@dataclass(frozen=True)
class ScorerNoise:
    """Covariance of the scorer's noise, known from outside.

    Parameters
    ----------
    objectives : tuple of str
    covariance : array, shape (n, n)
        In squared units of the objectives as analysed (after transforms); of one score, averages divide it.

    Raises
    ------
    SettingsError
        Not square, of another size than `objectives`, not symmetric, or with a negative eigenvalue.
    """

    objectives: tuple[str, ...]
    covariance: Float

    def __post_init__(self) -> None:
        """Refuse what is no covariance matrix."""
        n = len(self.objectives)
        covariance = np.asarray(self.covariance, dtype=np.float64)
        object.__setattr__(self, "covariance", covariance)
        if covariance.shape != (n, n):
            raise SettingsError(
                f"scorer noise: `covariance` must have shape ({n}, {n}), one row per objective. Got {covariance.shape}."
            )
        if not np.isfinite(covariance).all():
            raise SettingsError("scorer noise: `covariance` holds a value that is not a finite number.")
        size = max(float(np.abs(covariance).max(initial=0.0)), np.finfo(float).tiny)
        if not np.allclose(covariance, covariance.T, rtol=0, atol=1e-9 * size):
            raise SettingsError("scorer noise: `covariance` must be symmetric.")
        lowest = float(np.linalg.eigvalsh(covariance).min()) if n else 0.0
        if lowest < -1e-9 * size:
            raise SettingsError(
                f"scorer noise: `covariance` must have no negative eigenvalue. Got {lowest:.3g}: no noise does that."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form, which is that of the file it is read from."""
        return {"objectives": list(self.objectives), "covariance": self.covariance.tolist()}

    def of(self, names: tuple[str, ...]) -> Float:
        """Return the covariance of some objectives, in their order, shape (n, n)."""
        missing = [name for name in names if name not in self.objectives]
        if missing:
            raise SettingsError(
                f"scorer noise: no row for objective {', '.join(missing)}. It holds {', '.join(self.objectives)}."
            )
        at = [self.objectives.index(name) for name in names]
        return np.asarray(self.covariance[np.ix_(at, at)])


def checked_repeats(repeats: ArrayLike | None, scatter: ArrayLike | None, shape: tuple[int, ...]) -> tuple[Int, Float]:
    """Return `repeats` and `repeat_scatter` of a panel, frozen; refuses what would make the noise wrong in silence.

    Parameters
    ----------
    repeats : int array, shape (n_rows,)
    scatter : float array, shape (n_rows, n_obj, n_obj)
    shape : (n_rows, n_obj)
    """
    if repeats is None or scatter is None:
        raise SettingsError("`repeats` and `repeat_scatter` belong together: give both or neither.")
    counts, of_rows = frozen(repeats, np.int64), frozen(scatter, np.float64)
    rows, n_obj = shape
    if counts.shape != (rows,):
        raise SettingsError(f"`repeats` must have shape (n_rows,) = ({rows},). Got {counts.shape}.")
    if of_rows.shape != (rows, n_obj, n_obj):
        raise SettingsError(
            f"`repeat_scatter` must have shape (n_rows, n_obj, n_obj) = ({rows}, {n_obj}, {n_obj}). "
            f"Got {of_rows.shape}."
        )
    if np.any(counts < 1):
        raise SettingsError("`repeats` must be at least 1: a row is the average of one scoring or more.")
    if not np.isfinite(of_rows).all():
        raise SettingsError("`repeat_scatter` must be finite; use 0 where `repeats` is 1.")
    if np.any(of_rows[counts == 1]):
        raise SettingsError("`repeat_scatter` must be 0 where `repeats` is 1: one scoring does not scatter.")
    return counts, of_rows
