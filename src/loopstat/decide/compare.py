"""Which group is better: each at its own best step, net of price, on what both share; and which may be best of all."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..inference.clusters import Clusters
from ..inference.differences import ClusterInfluence, difference, difference_error
from ..inference.estimate import Estimate
from ..inference.intervals import cluster_means, jackknife
from ..inference.tests import holm
from ..inference.with_best import Pairwise, against_best
from ..panel.panel import Panel
from ..results.record import Record, written
from .fit import DecisionFit, Units
from .regions import Overlap, Region, overlaps, regions
from .strata import Mix, Net, Shared, Side, clusters_of, everything, mixes, net_value, shared, sides_of

MOST = 8  # groups of which all pairs are compared; beyond, each with the one whose net value is largest
ROUNDING = 1e-6  # of what a cluster contributes
TESTED = ("{}_low", "{}_high", "p_value", "p_adjusted")


@dataclass(frozen=True, eq=False)
class NetDifference(Record):
    """One group less another, each at its own best step.

    Attributes
    ----------
    a, b : str
    step_a, step_b : int
        Where they are compared: the best step of each, or its last recorded one where that lies beyond the record.
    difference : Estimate
        Of net value, a - b, on what both share, each stratum weighed alike; `p_adjusted` is Holm's over pairs.
    raw : Estimate
        The same over all sessions of both, whatever they share.
    paired : int
        Tasks that both hold, where they are compared task by task; 0 where they are not.
    compared_within : tuple of str
        Labels within whose values they are compared, because their mixes differ.
    strata : int
        Combinations of those values that both hold.
    mixes : tuple of Mix
        Labels whose mix differs: the raw difference is theirs too.
    """

    a: str
    b: str
    step_a: int
    step_b: int
    difference: Estimate = field(metadata=written("", *TESTED))
    raw: Estimate
    paired: int
    compared_within: tuple[str, ...]
    strata: int
    mixes: tuple[Mix, ...]


@dataclass(frozen=True, eq=False)
class Standing(Record):
    """How far a group is from the best of the others, and whether it may be the best of all.

    Attributes
    ----------
    label : str
    step : int
    gap : Estimate
        Net value less that of the best other group; the intervals of all groups hold together.
    may_be_best : bool
    """

    label: str
    step: int
    gap: Estimate
    may_be_best: bool


@dataclass(frozen=True, eq=False)
class Change(Record):
    """What one transition of a group changes, on average, in units of the value.

    Attributes
    ----------
    label : str
    n : int
        Transitions.
    change : Estimate
    """

    label: str
    n: int
    change: Estimate


@dataclass(frozen=True, eq=False)
class ChangeDifference(Record):
    """Mean change of a transition of one group less that of another; `paired` clusters hold both."""

    a: str
    b: str
    difference: Estimate = field(metadata=written("", *TESTED))
    paired: int


@dataclass(frozen=True, eq=False)
class Comparisons(Record):
    """Groups against each other.

    Attributes
    ----------
    differences : tuple of NetDifference
        Pairs; empty where groups are made by a label that changes within sessions.
    standings : tuple of Standing
        Best of all, by multiple comparisons with the best.
    regions, overlaps : tuples
        Where the sessions of each group end, and how much of one lies where another's end.
    changes, change_differences : tuples
        What transitions change, where groups are made of transitions.
    torn : tuple of str
        Labels that change within sessions: groups by them are groups of transitions.
    """

    differences: tuple[NetDifference, ...] = ()
    standings: tuple[Standing, ...] = ()
    regions: tuple[Region, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    changes: tuple[Change, ...] = ()
    change_differences: tuple[ChangeDifference, ...] = ()
    torn: tuple[str, ...] = ()


def compare(
    panel: Panel,
    parts: Sequence[Panel],
    fits: Sequence[DecisionFit],
    *,
    by: Sequence[str],
    column: str | None,
    level: float,
) -> Comparisons | None:
    """Compare the groups of a panel; None for one group.

    Parameters
    ----------
    panel : Panel
    parts : sequence of Panel
    fits : sequence of DecisionFit
        Of these parts, in the same units.
    by : sequence of str
        Label columns that groups are made by.
    column : str, optional
        What shares a start; default as `choose_clusters` says.
    level : float

    Notes
    -----
    Steps are held fixed at those chosen from the same sessions.
    *When it is wrong*: a label that was not recorded differs between the groups; sessions of both were given other
    tasks and no column says so.
    """
    if len(parts) < 2 or any(fit.units is None for fit in fits):
        return None
    clusters = clusters_of(panel, parts, column)
    torn = tuple(c for c in by if not panel.is_session_label(c))
    if torn:
        return replace(_of_transitions(parts, fits, clusters, level), torn=torn)
    sides = sides_of(parts, fits, clusters, leave=by)
    whole = [everything(side) for side in sides]
    pairs = _pairs([net.value for net in whole])
    found = {(i, j): _Compared.of((sides[i], sides[j]), (whole[i], whole[j]), level) for i, j in pairs}
    rows = [found[pair].row for pair in pairs]
    tested = _adjusted([row.difference for row in rows])
    differences = tuple(replace(row, difference=e) for row, e in zip(rows, tested, strict=True))
    names = panel.names
    return Comparisons(
        differences,
        _standings(sides, {pair: c.pairwise for pair, c in found.items()}, level),
        regions(sides, names, level=level),
        overlaps([(sides[i], sides[j]) for i, j in pairs], level=level),
    )


def torn_note(found: Comparisons | None) -> list[str]:
    """Say that labels that change within sessions make no groups of sessions."""
    return [
        f"`{label}` changes within sessions: its values are kinds of steps, not of sessions. What steps of each kind "
        "change is compared; when to stop, and which is better, cannot be asked of them."
        for label in (found.torn if found else ())
    ]


def _pairs(values: Sequence[float]) -> list[tuple[int, int]]:
    if len(values) <= MOST:
        return list(itertools.combinations(range(len(values)), 2))
    best = int(np.argmax(values))
    return [(best, k) for k in range(len(values)) if k != best]


# ------------------------------------------------------------------------------------ one pair


@dataclass(frozen=True)
class _Compared:
    """A pair as it is written, and with what its error is made of."""

    row: NetDifference
    pairwise: Pairwise

    @classmethod
    def of(cls, sides: tuple[Side, Side], whole: tuple[Net, Net], level: float) -> _Compared:
        a, b = sides
        unlike = mixes(a, b)
        within = tuple(m.label for m in unlike if m.within)
        on = shared(a, b, within)
        if not on.exists:  # each label has shared values, their combinations have none
            unlike = tuple(replace(m, within=False) for m in unlike)
            within, on = (), shared(a, b, ())
        nets = (net_value(a, on.a, on.weight), net_value(b, on.b, on.weight)) if _restricted(on) else whole
        found = _difference(nets, level)
        raw = replace(_difference(whole, level), p=None)
        row = NetDifference(
            *(a.label, b.label, a.step, b.step, found, raw),
            *(on.clusters, within, on.strata if within else 1, unlike),
        )
        return cls(row, _pairwise(a, b, nets))


def _difference(nets: tuple[Net, Net], level: float) -> Estimate:
    a, b = nets
    found, _ = difference(a.value - b.value, a.influence, b.influence, level=level)
    size = float(np.max([np.abs(n.influence.values).max(initial=0.0) for n in nets]))
    if max(abs(found.low), abs(found.high)) <= ROUNDING * size:  # the same versions on both sides
        return Estimate(0.0, 0.0, 0.0, 1.0, level=level)
    return found


def _adjusted(found: Sequence[Estimate]) -> list[Estimate]:
    """Return differences with Holm's p-values over all of them; None where nothing could be tested."""
    p = np.array([float(e.p) for e in found])
    pairs = [(None, None) if np.isnan(a) else (a, b) for a, b in zip(p, holm(p), strict=True)]
    return [replace(e, p=a, p_adjusted=b) for e, (a, b) in zip(found, pairs, strict=True)]


def _restricted(on: Shared) -> bool:
    return on.clusters > 0 or len(on.weight) > 1


def _pairwise(a: Side, b: Side, nets: Sequence[Net]) -> Pairwise:
    """Return a difference with its influence by cluster: clusters of one name are one where both groups hold them."""
    own = [n.influence for n in nets]
    error, df, held = difference_error(*own)
    influence: dict[Hashable, float] = {}
    if np.isfinite(error):
        for side, sign, part in ((a, 1.0, own[0]), (b, -1.0, own[1])):
            whose = "" if held else side.label
            for name, value in zip(part.names, part.values, strict=True):
                influence[whose, name] = influence.get((whose, name), 0.0) + sign * float(value)
    return Pairwise(nets[0].value - nets[1].value, influence, df)


def _standings(sides: Sequence[Side], pairs: Mapping[tuple[int, int], Pairwise], level: float) -> tuple[Standing, ...]:
    found = against_best(pairs, len(sides), level=level)
    return tuple(Standing(s.label, s.step, found.gap[k], bool(found.may_be_best[k])) for k, s in enumerate(sides))


# ---------------------------------------------------------------------------------- transitions


def _of_transitions(
    parts: Sequence[Panel], fits: Sequence[DecisionFit], clusters: Sequence[Clusters], level: float
) -> Comparisons:
    """Compare what transitions of each group change: nothing else of them is a figure of their own."""
    kept = [(p, f.label, c, f.units) for p, f, c in zip(parts, fits, clusters, strict=True) if f.units is not None]
    made = [_changes(part, label, c, units, level) for part, label, c, units in kept]
    changes, influences = tuple(c for c, _ in made), [i for _, i in made]
    rows = []
    for i, j in itertools.combinations(range(len(made)), 2):
        value = changes[i].change.value - changes[j].change.value
        found, paired = difference(value, influences[i], influences[j], level=level)
        rows.append(ChangeDifference(changes[i].label, changes[j].label, found, paired))
    tested = _adjusted([row.difference for row in rows])
    done = tuple(replace(row, difference=e) for row, e in zip(rows, tested, strict=True))
    return Comparisons(changes=changes, change_differences=done)


def _changes(
    part: Panel, label: str, clusters: Clusters, units: Units, level: float
) -> tuple[Change, ClusterInfluence]:
    pairs = part.pairs()
    change = ((pairs.y - pairs.x) @ units.keeping(part).value)[:, None]
    codes = clusters.row[pairs.start]
    mean, left = cluster_means(change, codes, len(clusters))
    found = jackknife(mean[0], left[:, 0], level=level)
    filled = tuple(clusters.names[k] for k in np.unique(codes))
    left_out = left[:, 0] if len(left) > 1 else np.full(len(left), np.nan)
    return Change(label, len(pairs), found), ClusterInfluence.of(clusters.kind, filled, left_out, clusters.members)
