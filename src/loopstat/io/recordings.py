"""Recordings of real loops that come with the package, so that everything can be tried offline."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from ..errors import SettingsError

RECORDINGS = ("llamea", "repeated_games")
"""Names of the bundled tables; their sources and licences stand in `loopstat/data/README.md`."""


def path(name: str) -> Path:
    """Return the Parquet file of a bundled recording.

    Parameters
    ----------
    name : str
        `llamea` or `repeated_games`.

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
