"""Groups against each other: differences with intervals, paired where groups share clusters, and Holm's correction."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arrays import Float
from .errors import SettingsError
from .fit import LinearDriftFit
from .resample import ClusterInfluence, holm, student_p, student_quantile
from .result import plain

MAX_ALL_PAIRS = 6
QUANTITIES = ("kept_end", "equilibrium", "rate_exact", "coupling")
ESTIMATE = {
    "kept_end": "kept_end.mean",
    "equilibrium": "drift.equilibrium",
    "rate_exact": "rate_exact",
    "coupling": "drift.A",
}


@dataclass(frozen=True)
class Comparison:
    """One difference between two groups, `difference` = a - b in the units of the data.

    `objective` is a name, `i<-j` for a coupling, or None for a rate. `p_adjusted` is Holm's over all comparisons of the
    same quantity. `paired` counts the clusters both groups hold.
    """

    a: str
    b: str
    quantity: str
    objective: str | None
    difference: float
    low: float
    high: float
    p_value: float
    p_adjusted: float
    paired: int

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return plain(vars(self))  # type: ignore[no-any-return]


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
        adjusted = holm(np.array([row.p_value for row in rows]))
        found += [replace(row, p_adjusted=float(p)) for row, p in zip(rows, adjusted, strict=True)]
    return tuple(found)


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
            raise SettingsError(f"--reference names no group: {reference!r}. Groups: {'; '.join(labels[:10])}.")
        against = groups[labels.index(reference)]
    return [(g, against) for g in groups if g is not against]


def _differences(a: LinearDriftFit, b: LinearDriftFit, quantity: str, level: float) -> list[Comparison]:
    key = ESTIMATE[quantity]
    if not all(key in g.estimates and quantity in g.influence for g in (a, b)) or a.names != b.names:
        return []
    difference = a.estimates[key].value - b.estimates[key].value
    se, df, shared = difference_error(a.influence[quantity], b.influence[quantity])
    half = student_quantile(level, df) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.where(se > 0, student_p(difference / np.where(se > 0, se, 1.0), df), np.nan)
    rows = []
    for name, at in _entries(quantity, a.names):
        value, half_width, p_value = (float(v[at]) for v in (difference, half, p))
        ends = value - half_width, value + half_width
        rows.append(Comparison(a.label, b.label, quantity, name, value, *ends, p_value, float("nan"), shared))
    return rows


def _entries(quantity: str, names: Sequence[str]) -> list[tuple[str | None, tuple[int, ...]]]:
    """Return the name and position of every compared entry."""
    if quantity == "rate_exact":
        return [(None, ())]
    if quantity == "coupling":
        return [(f"{to}<-{of}", (i, j)) for i, to in enumerate(names) for j, of in enumerate(names) if i != j]
    return [(name, (j,)) for j, name in enumerate(names)]


def difference_error(a: ClusterInfluence, b: ClusterInfluence) -> tuple[Float, float, int]:
    """Return standard error, degrees of freedom and number of shared clusters of a difference.

    Parameters
    ----------
    a, b : ClusterInfluence
        Values of shape (n_clusters, ...).
    """
    shared = sorted(set(a.names) & set(b.names)) if a.kind == b.kind != "block" else []
    at_a = {n: i for i, n in enumerate(a.names)}
    at_b = {n: i for i, n in enumerate(b.names)}
    var_a, var_b = (np.sum(i.values**2, axis=0) for i in (a, b))
    variance = var_a + var_b
    if shared:
        both = a.values[[at_a[n] for n in shared]] * b.values[[at_b[n] for n in shared]]
        variance = np.maximum(variance - 2 * both.sum(axis=0), 0.0)
    n_a, n_b = max(len(a.names) - 1, 1), max(len(b.names) - 1, 1)
    if shared:
        return np.sqrt(variance), float(min(n_a, n_b)), len(shared)
    # Welch and Satterthwaite, at its smallest over the entries: one t for all of them.
    with np.errstate(divide="ignore", invalid="ignore"):
        df = np.where(variance > 0, variance**2 / (var_a**2 / n_a + var_b**2 / n_b), min(n_a, n_b))
    return np.sqrt(variance), float(np.min(df)), 0
