"""The scorer's noise, known from outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Float
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
