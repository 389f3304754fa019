"""Two groups on what they share: the same tasks, the same strategies, each weighed alike on both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from zlib import crc32

import numpy as np

from ..arrays import Float, Int, group_starts
from ..inference.clusters import Clusters, choose_clusters
from ..inference.differences import ClusterInfluence
from ..inference.tests import chi_square_p, holm
from ..panel.panel import Panel
from ..results.record import Record
from .curve import Curve, Held
from .fit import DecisionFit, held_of
from .held import grid_of

SET_BEFORE = (
    *("strategy", "model", "prompt", "temperature", "scorer", "judge"),
    *("environment", "dataset", "language", "hardness", "file"),
)
"""Columns that are set before a session begins. Others may be what came out of it (tokens used, solved): groups are
alike in these by what they did, and a comparison within them would take away what is compared."""

MIN_SHARED = 5  # clusters that carry a paired comparison
BLOCKS = 40  # clusters are left out in so many random blocks at most; t(39) is 3 % longer than the normal quantile
UNLIKE, SURE = 0.1, 0.05  # a mix differs where so much of it is elsewhere, and that is no chance (Holm over columns)


@dataclass(frozen=True)
class Side:
    """One group laid out to be compared.

    Attributes
    ----------
    label : str
    held : Held
        Each session its own cluster: `held.cluster` is its number in the group's panel.
    place, step : int
        Where it is compared: its own best step, or the last recorded one where that lies beyond the record.
    price : float
    kind : str
        What its clusters are.
    cluster, block : int arrays, shape (n_sessions,)
        Of each session of `held`; codes are those of all groups.
    names : tuple of str
        Of clusters, by code.
    labels : mapping of str to int array, shape (n_sessions,)
        Codes of the columns that were set before the session began, -1 where missing.
    x : float array, shape (n_sessions, n_obj)
        The version held at the session's end, in the units of the objectives.
    """

    label: str
    held: Held
    place: int
    step: int
    price: float
    kind: str
    cluster: Int
    block: Int
    names: tuple[str, ...]
    labels: Mapping[str, Int]
    x: Float

    def as_decided(self, fit: DecisionFit) -> Side:
        """Return the group at the step and the price of a decision on it."""
        if fit.units is None or fit.prospect is None:
            raise ValueError("a decision read back from JSON has no sessions to compare")
        steps, last = fit.prospect.steps, fit.prospect.recorded
        place = min(int(np.searchsorted(steps, fit.decision.step)), last)
        return replace(self, place=place, step=int(steps[place]), price=fit.units.price)


def sides_of(
    parts: Sequence[Panel], fits: Sequence[DecisionFit], clusters: Sequence[Clusters], *, leave: Sequence[str]
) -> list[Side]:
    """Lay groups out to be compared, each at its own best step; those without any score are left out.

    Parameters
    ----------
    parts : sequence of Panel
    fits : sequence of DecisionFit
        Of the same groups.
    clusters : sequence of Clusters
        Of the same groups.
    leave : sequence of str
        Label columns that are no mix: those that groups are made by.
    """
    sides = [_side(*group, leave) for group in zip(parts, fits, clusters, strict=True)]
    return _in_blocks([side for side in sides if len(side.cluster)])


def clusters_of(panel: Panel, parts: Sequence[Panel], column: str | None) -> list[Clusters]:
    """Return the clusters of every group: what sessions of all groups share, even where each group holds it once."""
    kind = choose_clusters(panel, column).kind
    if kind not in panel.labels:
        return [choose_clusters(part, column) for part in parts]
    return [choose_clusters(part, kind if part.label_values(kind) else None) for part in parts]


def _side(part: Panel, fit: DecisionFit, clusters: Clusters, leave: Sequence[str]) -> Side:
    units, settings, prospect = fit.units, fit.settings, fit.prospect
    if units is None or settings is None or prospect is None:
        raise ValueError("a decision read back from JSON has no sessions to compare")
    keeping = units.keeping(part)
    grid = grid_of(part, keeping, units.cost)
    held = held_of(part, grid, keeping, settings, units.bar, prospect.recorded)
    sessions = held.cluster
    first = group_starts(part.session)[sessions]
    rows = grid.held[sessions, grid.last[sessions]]
    used = [c for c in SET_BEFORE if c in part.labels and c not in (*leave, clusters.kind)]
    labels = {c: part.labels[c].codes[first] for c in used if part.is_session_label(c)}
    x = np.where(rows[:, None] >= 0, part.x[rows], np.nan)
    code = clusters.row[first]
    bare = Side(fit.label, held, 0, int(prospect.steps[0]), 0.0, clusters.kind, code, code, clusters.names, labels, x)
    return bare.as_decided(fit)


def _in_blocks(sides: Sequence[Side]) -> list[Side]:
    """Give clusters of one kind the same codes in all groups, and put them into random blocks where they are many."""
    out = []
    for side in sides:
        alone = side.kind in ("session", "block")  # names of these mean nothing in another group
        like = [side] if alone else [s for s in sides if s.kind == side.kind]
        names = tuple(sorted({name for s in like for name in s.names}))
        code = {name: k for k, name in enumerate(names)}
        cluster = np.array([code[name] for name in side.names], dtype=np.int64)[side.cluster]
        block = np.arange(len(names))
        if len(names) > BLOCKS:
            block[np.argsort([crc32(name.encode()) for name in names], kind="stable")] = block % BLOCKS
        out.append(replace(side, cluster=cluster, block=block[cluster], names=names))
    return out


# ---------------------------------------------------------------------------------- mixes of labels


@dataclass(frozen=True, eq=False)
class Mix(Record):
    """How differently two groups are made up of the values of a label.

    Attributes
    ----------
    label : str
    distance : float
        Total variation: the share of sessions that would have to carry another value; 1 where none is shared.
    p_value : float
        Of the mixes being one, by chi-square on sessions.
    p_adjusted : float
        Holm's over the labels of a pair.
    within : bool
        Whether the groups are compared within its values.
    """

    label: str
    distance: float
    p_value: float
    p_adjusted: float
    within: bool


def mixes(a: Side, b: Side) -> tuple[Mix, ...]:
    """Return the labels whose mix differs between two groups beyond chance, and by more than a tenth."""
    columns = [c for c in a.labels if c in b.labels]
    found = [_mix(a.labels[c], b.labels[c]) for c in columns]
    adjusted = holm(np.array([p for _, p in found]))
    rows = zip(columns, found, adjusted, strict=True)
    return tuple(Mix(c, d, p, float(q), within=d < 1) for c, (d, p), q in rows if d > UNLIKE and (q < SURE or d >= 1))


def _mix(a: Int, b: Int) -> tuple[float, float]:
    """Return the total-variation distance of two mixes and the p-value of chi-square."""
    code = np.unique(np.r_[a, b], return_inverse=True)[1].reshape(-1)
    k = int(code.max()) + 1
    counts = np.stack([np.bincount(part, minlength=k) for part in (code[: len(a)], code[len(a) :])]).astype(np.float64)
    share = counts / counts.sum(axis=1, keepdims=True)
    expected = counts.sum(axis=0) * counts.sum(axis=1, keepdims=True) / counts.sum()
    p = chi_square_p(float(((counts - expected) ** 2 / expected).sum()), k - 1) if k > 1 else 1.0
    return float(np.abs(share[0] - share[1]).sum() / 2), p


# ---------------------------------------------------------------------------------- on what is shared


@dataclass(frozen=True)
class Shared:
    """On what two groups are compared.

    Attributes
    ----------
    a, b : int arrays, shape (n_sessions of each,)
        Stratum of every session: its task, and its values of the labels, where groups are compared within them.
    weight : float array, shape (n_strata,)
        n_a n_b/(n_a + n_b) for the sessions of both: what a difference within the stratum is worth, 0 where only one
        has sessions.
    clusters : int
        Shared ones, where groups are paired by them; 0 where they are not.
    strata : int
        Combinations of the values of labels that both groups hold; 1 without labels.
    """

    a: Int
    b: Int
    weight: Float
    clusters: int
    strata: int

    @property
    def exists(self) -> bool:
        """Whether there is anything that both groups hold."""
        return bool(self.weight.any())


def shared(a: Side, b: Side, columns: Sequence[str]) -> Shared:
    """Return what two groups share: tasks within the values of some labels, else those values alone.

    References
    ----------
    Mantel and Haenszel (1959), J. Natl. Cancer Inst. 22, 719 (weights of strata).
    """
    labels = [np.stack([s.labels[c] for c in columns], axis=1) if columns else _no_labels(s) for s in (a, b)]
    alone = _strata(labels[0], labels[1])
    if a.kind != b.kind or a.kind in ("session", "block"):
        return alone
    paired = _strata(np.c_[a.cluster, labels[0]], np.c_[b.cluster, labels[1]])
    held = np.unique(a.cluster[paired.weight[paired.a] > 0])  # b holds the same ones
    return replace(paired, clusters=len(held), strata=alone.strata) if len(held) >= MIN_SHARED else alone


def _no_labels(side: Side) -> Int:
    return np.zeros((len(side.cluster), 1), dtype=np.int64)


def _strata(a: Int, b: Int) -> Shared:
    code = np.unique(np.concatenate([a, b]), axis=0, return_inverse=True)[1].reshape(-1)
    n = [np.bincount(part, minlength=int(code.max()) + 1) for part in (code[: len(a)], code[len(a) :])]
    weight = n[0] * n[1] / (n[0] + n[1])
    return Shared(code[: len(a)], code[len(a) :], weight, 0, int(np.sum(weight > 0)))


@dataclass(frozen=True)
class Net:
    """Net value of one group at its step on some strata, and what each cluster contributes to its error."""

    value: float
    influence: ClusterInfluence


@dataclass(frozen=True)
class NetCurve:
    """What one group holds and has paid by step on some strata, from which its net value at any step and price follows.

    Attributes
    ----------
    value, paid : float arrays, shape (1 + n_blocks, n_steps)
        Of all clusters, then with each of them (or each block of them) left out.
    kind : str
        What the clusters are.
    names : tuple of str
        Of the blocks.
    members : frozenset of str
        Of the clusters in them.
    """

    value: Float
    paid: Float
    kind: str
    names: tuple[str, ...]
    members: frozenset[str]

    def at(self, side: Side) -> Net:
        """Return net value at the step and price of a group."""
        net = self.value[:, side.place] - side.price * self.paid[:, side.place]
        left_out = net[1:] if len(self.names) > 1 else np.full(len(self.names), np.nan)
        return Net(float(net[0]), ClusterInfluence.of(self.kind, self.names, left_out, self.members))


def net_value(side: Side, strata: Int, weight: Float) -> Net:
    """Return value held less what was paid, at the group's step, each stratum with its weight."""
    return net_curve(side, strata, weight).at(side)


def net_curve(side: Side, strata: Int, weight: Float) -> NetCurve:
    """Return value held and what was paid by step, each stratum with its weight.

    Within a stratum sessions count alike. Clusters (in blocks where they are many) are left out one after the other,
    with sessions that were cut off carried on anew each time.

    Parameters
    ----------
    side : Side
    strata : int array, shape (n_sessions,)
    weight : float array, shape (n_strata,)
    """
    some = np.flatnonzero(weight[strata] > 0)
    cells, cell = np.unique(np.stack([side.block[some], strata[some]], axis=1), axis=0, return_inverse=True)
    cell = cell.reshape(-1)
    n, (block, stratum) = np.bincount(cell).astype(np.float64), cells.T
    blocks = np.unique(block)
    keep = np.concatenate([np.ones((1, len(cells))), block != blocks[:, None]])
    total = np.zeros((len(weight), len(keep)))
    np.add.at(total, stratum, (keep * n).T)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.where(keep > 0, keep * weight[stratum] / total[stratum].T, 0.0)
    curve = Curve.refitted(_some(side.held, some, cell), weights)
    members = _one_of_alike(frozenset(side.names[c] for c in np.unique(side.cluster[some])))
    names = tuple(f"{side.kind} block {b}" for b in blocks)
    return NetCurve(curve.value[1:], curve.paid[1:], side.kind, names, members)


@lru_cache(maxsize=64)
def _one_of_alike(members: frozenset[str]) -> frozenset[str]:
    """Return the first of all sets that hold the same: large ones are then told apart at a glance."""
    return members


def everything(side: Side) -> NetCurve:
    """Return value held and what was paid by step, over all sessions of a group."""
    return net_curve(side, np.zeros(len(side.cluster), dtype=np.int64), np.ones(1))


def _some(held: Held, some: Int, cluster: Int) -> Held:
    """Return some sessions of a record, with other clusters."""
    value, paid, seen = (grid[some] for grid in (held.value, held.paid, held.seen))
    return Held(value, paid, seen, held.last[some], held.ended[some], cluster, held.steps)
