"""What is asked of a recording of states, whatever its kind: groups, visits, and the sentences about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import SettingsError
from ..panel.panel import Labels, Panel, as_names
from ..panel.tally import Counts, Visits
from .naming import StateRule

DEFAULT_BY = ("model", "strategy")
NAMED_GROUPS = 5

Part = tuple[dict[str, str], Panel | Counts]


@dataclass(frozen=True)
class Asked:
    """What the caller asked of a recording of states."""

    rule: StateRule
    visits: Visits
    by: list[str] | None  # None: by default; empty: one group
    where: Mapping[str, str]
    unlike: Mapping[str, str]
    from_step: int | None
    lag: int
    cluster: str | None
    seed: int

    def __post_init__(self) -> None:
        """Refuse a lag that spans no step."""
        if isinstance(self.lag, bool) or not isinstance(self.lag, int | np.integer) or self.lag < 1:
            raise SettingsError(f"`lag` must be an int of at least 1. Got {self.lag!r}.")

    @property
    def labels(self) -> list[str]:
        """Columns that must be there as labels."""
        cluster = [self.cluster] if self.cluster not in (None, "session") else []
        return [*(self.by or ()), *self.where, *self.unlike, *(c for c in cluster if c)]


def visits_of(given: Visits) -> Visits:
    """Return `observed`, `equal` or a number above 0, from a word, a number or its text.

    Examples
    --------
    >>> visits_of("4000"), visits_of("equal")
    (4000.0, 'equal')
    """
    if given in ("observed", "equal"):
        return given
    try:
        number = math.nan if isinstance(given, bool) else float(given)
    except (TypeError, ValueError):
        number = math.nan
    if not (math.isfinite(number) and number > 0):
        raise SettingsError(f"`visits` must be observed, equal or a number above 0. Got {given!r}.")
    return number


def by_of(given: str | Sequence[str] | None) -> list[str] | None:
    """Return the columns to group by: None where nothing was said, empty for `none`."""
    named = list(dict.fromkeys(as_names(given or ())))
    if "none" in named and len(named) > 1:
        raise SettingsError("`by` is `none` or names of columns, not both.")
    return [] if named == ["none"] else named or None


def grouping(asked: Asked, labels: Mapping[str, Labels]) -> tuple[list[str], str]:
    """Return the columns that tell groups apart, and what to say about them."""
    if asked.by is not None:
        return asked.by, f"groups: {', '.join(asked.by) or 'none, all is pooled into one chain'}."
    by = [c for c in DEFAULT_BY if c in labels and np.any(labels[c].codes >= 0)]
    if not by:
        return by, "groups: one, there is no model or strategy column; use --by to split."
    return by, (
        f"groups: by {' and '.join(by)}, because pooling different chains can look driven where each is balanced; "
        "use --by to choose (--by none pools)."
    )


def group_name(label: Mapping[str, str]) -> str:
    """Return the labels of a group in one line."""
    return ", ".join(f"{k}={v}" for k, v in label.items())


def empty_notes(empty: Sequence[str]) -> list[str]:
    """Say which groups were left out."""
    if not empty:
        return []
    more = f" and {len(empty) - NAMED_GROUPS} more" if len(empty) > NAMED_GROUPS else ""
    return [f"groups without a transition were left out: {'; '.join(empty[:NAMED_GROUPS])}{more}."]


def visits_notes(visits: Visits) -> list[str]:
    """Say which visits were asked for."""
    said = {
        "observed": "observed, the transitions out of each state",
        "equal": "equal, in each group the largest number of transitions out of a state",
    }
    return [f"visits: {said.get(str(visits)) or f'{visits:g} to every state'}."]
