"""Scores made by different rules are different quantities: they are not pooled by accident."""

from __future__ import annotations

import numpy as np

from ..arrays import Float
from ..errors import InputError, argument
from .labels import Labels

SCORER = "scorer_hash"
"""Label that says by which rules and versions of tools a row was scored."""


def refuse_mixed(scorers: Labels, x: Float) -> None:
    """Refuse rows that hold scores of different scorers.

    Parameters
    ----------
    scorers : Labels
        One per row; a missing one is a scorer that nobody knows.
    x : float array, shape (n_rows, n_obj)

    Raises
    ------
    InputError
        Naming the scorers found.
    """
    if len(scorers.names) < 2 and not np.any(scorers.codes < 0):
        return
    codes = np.unique(scorers.codes[~np.isnan(x).all(axis=1)]) if x.shape[1] else scorers.codes[:0]
    if len(codes) > 1:
        names = [scorers.names[c] if c >= 0 else "unknown" for c in codes.tolist()]
        raise InputError(
            f"scores of {len(names)} different scorers lie together (`{SCORER}`: {', '.join(names[:4])}): rules or "
            "versions of tools differ, so their values cannot be pooled.",
            hint=f"score all texts with one version, choose with {argument('where', f'{SCORER}={names[-1]}')}, group "
            f"with {argument('by', SCORER)}, or pool them all the same with {argument('mixed_scorers')}.",
        )
