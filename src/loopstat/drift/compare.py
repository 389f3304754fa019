"""Groups against each other: differences with intervals, paired where groups share clusters, and Holm's correction."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import SettingsError, argument
from ..inference.differences import difference
from ..inference.estimate import Estimate, number, show
from ..inference.tests import holm
from ..results.record import Record, written
from ..results.words import listed
from .fit import LinearDriftFit

MAX_ALL_PAIRS = 6
SURE = 0.05  # Holm-adjusted p-value below which a difference is put into words
QUANTITIES = ("kept_end", "equilibrium", "rate_exact", "coupling")
ESTIMATE = {
    "kept_end": "kept_end.mean",
    "equilibrium": "drift.equilibrium",
    "rate_exact": "rate_exact",
    "coupling": "drift.A",
}


@dataclass(frozen=True, eq=False)
class Comparison(Record):
    """One difference between two groups, `difference` = a - b in the units of the data.

    `objective` is a name, `i<-j` for a coupling, or None for a rate. The difference's `p_adjusted` is Holm's over all
    comparisons of the same quantity. `paired` counts the clusters both groups hold.
    """

    a: str
    b: str
    quantity: str
    objective: str | None
    difference: Estimate = field(metadata=written("difference", "low", "high", "p_value", "p_adjusted"))
    paired: int


def compare(
    groups: Sequence[LinearDriftFit], *, reference: str | None = None, level: float = 0.95
) -> tuple[Comparison, ...]:
    """Compare groups in pairs: all pairs up to six groups, beyond that each with a reference.

    Parameters
    ----------
    groups : sequence of LinearDriftFit
    reference : str, optional
        Label of the group to compare with; default the one with most sessions.
    level : float

    Returns
    -------
    tuple of Comparison
        Where groups share clusters, the covariance of their errors is kept: differences of paired groups are sharper.

    Raises
    ------
    SettingsError
        No group has the label `reference`.
    """
    found: list[Comparison] = []
    for quantity in QUANTITIES:
        rows = [row for a, b in pairs_of(groups, reference) for row in _differences(a, b, quantity, level)]
        adjusted = holm(np.array([row.difference.p for row in rows]))
        found += [
            replace(row, difference=replace(row.difference, p_adjusted=p))
            for row, p in zip(rows, adjusted, strict=True)
        ]
    return tuple(found)


def estimators_note(groups: Sequence[LinearDriftFit], reference: str | None = None) -> list[str]:
    """Say which comparisons are left out because the figures of the groups come from different estimators."""
    if not any(a.estimator.name != b.estimator.name for a, b in pairs_of(groups, reference)):
        return []
    return [
        "Groups fitted by different estimators are compared by their ends only: "
        "their drifts differ by what each estimator allows for."
    ]


def sentences(comparisons: Sequence[Comparison], groups: Sequence[LinearDriftFit]) -> list[str]:
    """Say in one sentence per pair of groups what differs beyond chance (Holm within a quantity), ends first.

    Groups are called by their label values alone (`gpt-4o, rephrase`).
    """
    short = {g.label: ", ".join(g.by.values()) or g.label for g in groups}
    rows: dict[tuple[str, str], list[Comparison]] = {}
    for c in comparisons:
        rows.setdefault((c.a, c.b), []).append(c)
    sure = {pair: [c for c in compared if c.difference.p_adjusted < SURE] for pair, compared in rows.items()}
    first = sorted(rows, key=lambda pair: not sure[pair])  # stable: what was found first, in order
    return [_sentence(short.get(a, a), short.get(b, b), sure[a, b], rows[a, b]) for a, b in first]


def _sentence(a: str, b: str, found: Sequence[Comparison], rows: Sequence[Comparison]) -> str:
    parts = []
    ends = [_amount(c, "higher", "lower") + f" on {c.objective}" for c in found if c.quantity == "kept_end"]
    if ends:
        parts.append(f"ends {listed(ends)}")
    heads = [_amount(c, "higher", "lower") + f" on {c.objective}" for c in found if c.quantity == "equilibrium"]
    if heads:
        parts.append(f"heads for a place {listed(heads)}")
    parts += [f"settles {_amount(c, 'faster', 'slower')} per step" for c in found if c.quantity == "rate_exact"]
    coupled = [c for c in found if c.quantity == "coupling"]
    if coupled:
        parts.append(f"{listed([_reaction(str(c.objective)) for c in coupled])} differs")
    if not parts:
        return f"{a} against {b}: no difference is found{_width(rows)}."
    return f"{a} against {b}: {'; '.join(parts)}."


def _reaction(objective: str) -> str:
    to, _, of = objective.partition("<-")
    return f"how {to} reacts to {of}"


def _amount(c: Comparison, more: str, less: str) -> str:
    value, *ends = c.difference.triple
    sign = 1 if value >= 0 else -1
    return f"{show(sign * value, *sorted(sign * end for end in ends))} {more if sign > 0 else less}"


def _width(rows: Sequence[Comparison]) -> str:
    """What could have been seen: half the width of the intervals of the ends."""
    ends = [
        f"{number(float(c.difference.high - c.difference.low) / 2)} on {c.objective}"
        for c in rows
        if c.quantity == "kept_end"
    ]
    return f"; ends are known to ±{listed(ends)}" if ends else ""


def pairs_of(
    groups: Sequence[LinearDriftFit], reference: str | None = None
) -> list[tuple[LinearDriftFit, LinearDriftFit]]:
    """Return the pairs of groups that are compared."""
    if reference is None and len(groups) <= MAX_ALL_PAIRS:
        return list(itertools.combinations(groups, 2))
    if reference is None:
        against = max(groups, key=lambda g: g.counts["n_sessions"])
    else:
        labels = [g.label for g in groups]
        if reference not in labels:
            raise SettingsError(
                f"{argument('reference')} names no group: {reference!r}. Groups: {'; '.join(labels[:10])}."
            )
        against = groups[labels.index(reference)]
    return [(g, against) for g in groups if g is not against]


def _differences(a: LinearDriftFit, b: LinearDriftFit, quantity: str, level: float) -> list[Comparison]:
    key = ESTIMATE[quantity]
    if not all(key in g.estimates and quantity in g.influence for g in (a, b)) or a.names != b.names:
        return []
    if quantity != "kept_end" and a.estimator.name != b.estimator.name:
        return []
    value = a.estimates[key].value - b.estimates[key].value
    found, shared = difference(value, a.influence[quantity], b.influence[quantity], level=level)
    return [Comparison(a.label, b.label, quantity, name, found[at], shared) for name, at in _entries(quantity, a.names)]


def _entries(quantity: str, names: Sequence[str]) -> list[tuple[str | None, tuple[int, ...]]]:
    """Return the name and position of every compared entry."""
    if quantity == "rate_exact":
        return [(None, ())]
    if quantity == "coupling":
        return [(f"{to}<-{of}", (i, j)) for i, to in enumerate(names) for j, of in enumerate(names) if i != j]
    return [(name, (j,)) for j, name in enumerate(names)]
