"""The scorer's noise, known from outside: a covariance matrix in a small JSON file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, SettingsError
from ..panel.noise import ScorerNoise
from .table.texts import first_twice, json_of, shown

KEYS = ("objectives", "covariance")
EXAMPLE = '{"objectives": ["quality", "speed"], "covariance": [[0.2, 0.0], [0.0, 0.1]]}'
HINT = f"expected {EXAMPLE}."


def read_scorer_noise(path: str | os.PathLike[str]) -> ScorerNoise:
    """Read the covariance of the scorer's noise from a JSON file.

    The file holds one object with two keys: `objectives`, a list of n names, and `covariance`, n lists of n numbers.

    Parameters
    ----------
    path : path
        UTF-8 text.

    Returns
    -------
    ScorerNoise
        Of one score, in squared units of the objectives as analysed (after transforms), shape (n, n).

    Raises
    ------
    InputError
        The file cannot be read, or holds no such covariance; the message names it and says what was expected.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "noise.json"
    >>> _ = path.write_text('{"objectives": ["quality", "speed"], "covariance": [[0.2, 0.0], [0.0, 0.1]]}')
    >>> read_scorer_noise(path).of(("speed",)).tolist()
    [[0.1]]
    """
    given = json_of(Path(path), HINT)
    try:
        _check_keys(given)
        return ScorerNoise(_names(given["objectives"]), np.array(_matrix(given["covariance"]), dtype=np.float64))
    except SettingsError as error:
        message = str(error).removeprefix("scorer noise: ")
        raise InputError(message, file=os.fspath(path), hint=HINT) from None


def _check_keys(given: Any) -> None:
    if not isinstance(given, dict):
        raise SettingsError(f"must hold a JSON object with the keys {' and '.join(KEYS)}. Got {shown(given)}.")
    for key in KEYS:
        if key not in given:
            raise SettingsError(f"lacks the key `{key}`.")
    extra = [key for key in given if key not in KEYS]
    if extra:
        raise SettingsError(f"has the unknown key {extra[0]!r}; the keys are {' and '.join(KEYS)}.")


def _names(given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not given:
        raise SettingsError(f"`objectives` must be a list of at least one name. Got {shown(given)}.")
    wrong = [name for name in given if not isinstance(name, str) or not name]
    if wrong:
        raise SettingsError(f"`objectives` must hold names. Got {shown(wrong[0])}.")
    twice = first_twice(given)
    if twice is not None:
        raise SettingsError(f"`objectives` names {twice!r} twice; each objective has one row.")
    return tuple(given)


def _matrix(given: Any) -> list[list[float]]:
    """Return the rows of the matrix as numbers, all of one length."""
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise SettingsError("`covariance` must be a list of rows, each a list of numbers.")
    lengths = sorted({len(row) for row in given})
    if len(lengths) > 1:
        raise SettingsError(f"`covariance` must have rows of one length. Got {lengths[0]} and {lengths[-1]} numbers.")
    return [[_number(cell, i, j) for j, cell in enumerate(row, 1)] for i, row in enumerate(given, 1)]


def _number(cell: Any, row: int, column: int) -> float:
    where = f"`covariance`, row {row}, column {column}: expected a finite number"
    if isinstance(cell, bool) or not isinstance(cell, int | float):
        raise SettingsError(f"{where}. Got {shown(cell)}.")
    try:
        number = float(cell)
    except OverflowError:
        number = np.inf
    if not np.isfinite(number):
        raise SettingsError(f"{where}. Got {number}.")
    return number
