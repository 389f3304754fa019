"""One planted weakness beside the same program without it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """A program with one weakness, and its clean twin.

    Attributes
    ----------
    name : str
        The weakness in a few words.
    planted, clean : str
        The two programs.
    blind : bool
        Written before any rule of a suite was.
    """

    name: str
    planted: str
    clean: str
    blind: bool = False
