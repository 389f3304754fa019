"""Defect masses of parents and children: what a share of passing tests counts, and which transitions can be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float, Int, relabel
from ...errors import SettingsError

TESTS = 10  # tests behind a share where nobody says: a program that fails them all then has 3.04 defects
MIN_CLUSTERS, MIN_TRANSITIONS = 8, 30


def share_mass(share: ArrayLike, tests: ArrayLike = TESTS) -> Float:
    """Return the defect mass of a share of passing tests, -ln((f n + 1/2)/(n + 1/2)).

    One test is an oracle of small resolution q: it passes with probability exp(-q mu), and so does a share f of all
    tests. -ln f is therefore q mu, in defects as one test sees them; the half keeps f = 0 finite and f = 1 at 0.

    Parameters
    ----------
    share : float array
        Of tests that pass, 0 to 1; NaN stays NaN.
    tests : float array, optional
        How many tests stand behind it; 10 where nobody knows.

    Returns
    -------
    float array
        In the defects one test sees.

    Raises
    ------
    SettingsError
        A share outside 0 to 1, or fewer than one test.

    Notes
    -----
    *When it is wrong*: tests that fail together (a program that does not start) are one defect and count as many; the
    mass of a share of 0 is ln(2 n + 1), a matter of `tests` alone. Counting failing tests instead has the same fault
    and no link to P_pass. For a pool of samples of one task -ln of the share that passes needs no such reading: it is
    mu.

    Examples
    --------
    >>> share_mass([1, 0.5, 0], 10).round(2).tolist()
    [0.0, 0.65, 3.04]
    """
    f, n = np.asarray(share, dtype=np.float64), np.asarray(tests, dtype=np.float64)
    if np.any((f < 0) | (f > 1)):
        raise SettingsError(f"a share must lie in [0, 1]. Got values from {np.nanmin(f):g} to {np.nanmax(f):g}.")
    if not np.all(n >= 1):
        raise SettingsError(f"`tests` must be at least 1. Got {np.min(n):g}.")
    return np.asarray(np.log((n + 0.5) / (f * n + 0.5)))


@dataclass(frozen=True)
class Transitions:
    """Parents and children with a measured mass at both ends; every array of shape (n,), all finite.

    `second` and `next_second` are the second measurements; where there is none they are the first ones.
    """

    mass: Float
    next_mass: Float
    radius: Float
    second: Float
    next_second: Float
    cluster: Int

    @classmethod
    def of(cls, columns: Mapping[str, ArrayLike | None], cluster: ArrayLike | None) -> Transitions:
        """Drop what is not finite, or did not change anything, and refuse what is no mass.

        Raises
        ------
        SettingsError
            Columns of different lengths, negative masses, or too few transitions or clusters.
        """
        arrays = {k: np.asarray(v, dtype=np.float64).ravel() for k, v in columns.items() if v is not None}
        n = len(arrays["mass"])
        for name, values in arrays.items():
            if len(values) != n:
                raise SettingsError(f"`{name}` must have one value per transition, {n}. Got {len(values)}.")
            if np.any(values < 0):
                raise SettingsError(
                    f"`{name}` must not be negative: defects are counted from 0. Got {np.nanmin(values):g}."
                )
        given = np.arange(n) if cluster is None else np.asarray(cluster).ravel()
        names = np.asarray(np.unique(given, return_inverse=True)[1], dtype=np.int64).ravel()
        if len(names) != n:
            raise SettingsError(f"`cluster` must have one value per transition, {n}. Got {len(names)}.")
        radius = arrays.get("radius", np.ones(n))
        keep = np.all([np.isfinite(v) for v in arrays.values()], axis=0) & (radius > 0)
        mass, nxt = arrays["mass"][keep], arrays["next_mass"][keep]
        second, next_second = arrays.get("instrument"), arrays.get("next_instrument")
        numbers, codes = relabel(names[keep])
        if len(mass) < MIN_TRANSITIONS or len(numbers) < MIN_CLUSTERS:
            raise SettingsError(
                f"progress needs at least {MIN_TRANSITIONS} transitions with a mass at both ends in {MIN_CLUSTERS} "
                f"clusters. Got {len(mass)} in {len(numbers)}."
            )
        if not np.ptp(mass) > 0:
            raise SettingsError("all parents have the same mass: improvement against defects cannot be seen.")
        return cls(
            *(mass, nxt, radius[keep]),
            mass if second is None else second[keep],
            nxt if next_second is None else next_second[keep],
            codes,
        )

    @property
    def scale(self) -> float:
        """Unit of the second measurement in units of the first: masses are 0 together, so the ratio of their means."""
        return float(self.second.mean() / self.mass.mean()) if self.second.mean() > 0 else 1.0
