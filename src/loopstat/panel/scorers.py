"""Scores made by different rules are different quantities: they are not pooled by accident."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arrays import Float
from ..errors import InputError, argument
from .labels import Labels

SCORER = "scorer_hash"
"""Label that says by which rules and versions of tools a row was scored."""


SHOWN = 4  # files and scorers that a refusal names


def refuse_mixed(scorers: Labels, x: Float, files: Sequence[str] = ()) -> None:
    """Refuse rows that hold scores of different scorers.

    Parameters
    ----------
    scorers : Labels
        One per row; a missing one is a scorer that nobody knows.
    x : float array, shape (n_rows, n_obj)
        In the units of the scores; a row without any has no scorer.
    files : sequence of str
        Where the rows come from.

    Raises
    ------
    InputError
        Naming the files, the scorers found and their rows.
    """
    if len(scorers.names) < 2 and not np.any(scorers.codes < 0):
        return
    scored = scorers.codes[~np.isnan(x).all(axis=1)] if x.shape[1] else scorers.codes[:0]
    codes, rows = np.unique(scored, return_counts=True)
    if len(codes) > 1:
        names = [scorers.names[c] if c >= 0 else "unknown" for c in codes.tolist()]
        found = [f"{name} in {n:,} rows" for name, n in zip(names, rows.tolist(), strict=True)]
        known = int(np.argmax(np.where(codes >= 0, rows, -1)))
        raise InputError(
            f"scores of one scorer were expected; those of {len(names)} lie together ({_listed(found)}). Their rules, "
            "settings or versions of tools differ, so their values cannot be pooled.",
            file=_listed(files) or None,
            column=SCORER,
            hint=f"score all texts with one version, choose with {argument('where', f'{SCORER}={names[known]}')}, "
            f"group with {argument('by', SCORER)}, or pool them all the same with {argument('mixed_scorers')}.",
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join([*names[:SHOWN], *([f"{len(names) - SHOWN:,} more"] if len(names) > SHOWN else [])])
