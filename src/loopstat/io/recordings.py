"""Recordings of real loops that come with the package, so that everything can be tried offline."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..errors import SettingsError

SCORED = "llamea_programs"
"""The sessions of `llamea` with their programs, and what the suite `python` gave each of them."""

RECORDINGS = ("llamea", SCORED, "repeated_games")
"""Names of the bundled tables; their sources and licences stand in `loopstat/data/README.md`."""


def path(name: str) -> Path:
    """Return the Parquet file of a bundled recording.

    Parameters
    ----------
    name : str
        One of `RECORDINGS`.

    Returns
    -------
    Path

    Examples
    --------
    >>> path("llamea").name
    'llamea.parquet'
    """
    if name not in RECORDINGS:
        raise SettingsError(f"`name` must be one of {', '.join(RECORDINGS)}. Got {name!r}.")
    return Path(str(files("loopstat") / "data" / f"{name}.parquet"))
