"""What is scored: names, directions and bounds of objectives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..errors import SettingsError


@dataclass(frozen=True)
class Objective:
    """One scored quantity: its name, the direction that is better (`maximize`), and the bounds it cannot leave.

    `low` and `high` are in the units of the values in the panel (after `transform`); None means unbounded.
    """

    name: str
    maximize: bool = field(
        default=True,
        metadata={
            "key": "direction",
            "write": lambda up: "maximize" if up else "minimize",
            "read": lambda direction: direction == "maximize",
        },
    )
    low: float | None = None
    high: float | None = None
    transform: str | None = None


def named_objectives(named: str | Sequence[str | Objective] | None, n_obj: int) -> tuple[Objective, ...]:
    """Return objectives from names, by default `x1, x2, ...`; refuses another number of them."""
    named = (named,) if isinstance(named, str) else named
    given = named if named is not None else [f"x{j + 1}" for j in range(n_obj)]
    if len(given) != n_obj:
        raise SettingsError(f"`objectives` must name {n_obj} objectives. Got {len(given)}.")
    return tuple(o if isinstance(o, Objective) else Objective(str(o)) for o in given)
