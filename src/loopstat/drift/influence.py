"""What single clusters do to the answers: the largest shifts, and the influence values differences are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..arrays import Float
from ..inference.differences import ClusterInfluence
from ..inference.estimate import Estimate
from ..inference.intervals import jackknife_variance, means_of_sums
from ..results.record import Record
from .quantities import Found

INFLUENTIAL = 5


@dataclass(frozen=True, eq=False)
class Influence(Record):
    """What leaving one cluster out does to one answer: `shift` in its units, `shift_in_se` in standard errors."""

    cluster: str
    quantity: str
    shift: float
    shift_in_se: float


def influential(found: Found, estimates: Mapping[str, Estimate]) -> tuple[Influence, ...]:
    """Return the clusters that move an answer most, each with the answer it moves most, largest shift first."""
    if not found.group.fits or found.refused or found.group.n_clusters < 3:
        return ()
    rows = [row for answer in _answers(found, estimates) for row in _shifts(found.reading.names, *answer)]
    best: dict[str, Influence] = {}
    for row in sorted(rows, key=lambda r: -abs(r.shift_in_se)):
        best.setdefault(row.cluster, row)
    return tuple(best.values())[:INFLUENTIAL]


def _answers(found: Found, estimates: Mapping[str, Estimate]) -> list[tuple[str, float, Float]]:
    """Return the name of each answer, its value, and that without each cluster."""
    point, left, names = found.reading.point, found.reading.left, found.group.observed.names
    out: list[tuple[str, float, Float]] = []
    if not found.group.observed.lineage:
        out.append(("rate_exact", float(point["rate_exact"][0]), left["rate_exact"]))
        if "drift.equilibrium" in estimates:
            value, without = point["fixed_point"][0], left["fixed_point"]
            out += [(f"equilibrium {n}", float(value[j]), without[:, j]) for j, n in enumerate(names)]
    a, without = point["drift.A"][0], left["drift.A"]
    return out + [
        (f"drift {to}<-{of}", float(a[i, j]), without[:, i, j])
        for i, to in enumerate(names)
        for j, of in enumerate(names)
    ]


def _shifts(names: tuple[str, ...], quantity: str, value: float, without: Float) -> list[Influence]:
    se = float(np.sqrt(jackknife_variance(without)))
    if not se > 0:
        return []
    largest = np.argsort(-np.abs(without - value))[:INFLUENTIAL]
    shifts = [(names[k], float(without[k] - value)) for k in largest]
    return [Influence(name, quantity, shift, shift / se) for name, shift in shifts if np.isfinite(shift / se)]


def influence_values(found: Found, estimates: Mapping[str, Estimate]) -> dict[str, ClusterInfluence]:
    """Return the influence of every cluster on what groups are compared by."""
    group, left = found.group, found.reading.left
    kind, names, members = group.clusters.kind, group.clusters.names, group.clusters.members
    out = {}
    if "kept_end.mean" in estimates:
        ends = group.observed.ends
        held = [names[k] for k in np.flatnonzero(ends[:, 0])]
        out["kept_end"] = ClusterInfluence.of(kind, held, means_of_sums(ends)[1], members)
    if not group.fits or found.refused or group.n_clusters < 3:
        return out
    left_out = found.choice.left_out
    kind = kind if left_out is None or left_out.single else "block"  # groups of clusters are shared with nobody
    for key, value, needed in (
        ("coupling", "drift.A", "drift.A"),
        ("equilibrium", "fixed_point", "drift.equilibrium"),
        ("rate_exact", "rate_exact", "rate_exact"),
    ):
        if needed in estimates:
            out[key] = ClusterInfluence.of(kind, found.reading.names, left[value], members)
    return out
