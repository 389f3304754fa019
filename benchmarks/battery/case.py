"""One planted weakness beside the same program without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Case:
    """A program with one weakness, and its clean twin.

    Attributes
    ----------
    name : str
        The weakness in a few words.
    planted, clean : str
        The two programs.
    blind : {"", "before", "after"}
        Written before any rule of a suite was; after the rules, by somebody who had not read them; or beside them.
    """

    name: str
    planted: str
    clean: str
    blind: Literal["", "before", "after"] = ""
