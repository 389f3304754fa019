"""Which group is better: each at its own best step, net of price, on what both share; and which may be best of all."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

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
from .strata import Mix, Net, NetCurve, Shared, Side, clusters_of, everything, mixes, net_curve, shared, sides_of

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


def grounds_of(
    panel: Panel,
    parts: Sequence[Panel],
    fits: Sequence[DecisionFit],
    *,
    by: Sequence[str],
    column: str | None,
    level: float,
) -> Grounds | None:
    """Return what the groups of a panel are compared on; None for one group.

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
        return Grounds((), panel.names, level, replace(_of_transitions(parts, fits, clusters, level), torn=torn))
    return Grounds(tuple(sides_of(parts, fits, clusters, leave=by)), panel.names, level)


@dataclass(frozen=True, eq=False)
class Grounds:
    """What groups are compared on: the same at every price, so it is made once.

    Attributes
    ----------
    sides : tuple of Side
    objectives : tuple of str
    level : float
    of_transitions : Comparisons or None
        Of groups made of transitions: nothing else can be said of them.
    parts : tuple of (weight, Grounds)
        Of each objective alone, where value held is their sum, each with its weight; empty where it is itself known.
    """

    sides: tuple[Side, ...]
    objectives: tuple[str, ...]
    level: float
    of_transitions: Comparisons | None = None
    parts: tuple[tuple[float, Grounds], ...] = ()
    _curves: dict[Any, NetCurve] = field(default_factory=dict, repr=False)
    _shared: dict[tuple[int, int], _Common] = field(default_factory=dict, repr=False)
    _overlaps: dict[tuple[tuple[int, int], ...], tuple[Overlap, ...]] = field(default_factory=dict, repr=False)

    @property
    def _alike(self) -> Grounds:
        """The grounds that know what no weight of an objective changes: what is shared, where sessions end."""
        return self.parts[0][1] if self.parts else self

    def compare(self, fits: Sequence[DecisionFit]) -> Comparisons:
        """Compare the groups, each at the step and the price of its decision."""
        if self.of_transitions is not None:
            return self.of_transitions
        decided = {fit.label: fit for fit in fits}
        sides = [side.as_decided(decided[side.label]) for side in self.sides]
        whole = [self.curve(k).at(side) for k, side in enumerate(sides)]
        pairs = _pairs([net.value for net in whole])
        found = {pair: self._compared(pair, sides, whole) for pair in pairs}
        rows = [found[pair].row for pair in pairs]
        tested = _adjusted([row.difference for row in rows])
        return Comparisons(
            tuple(replace(row, difference=e) for row, e in zip(rows, tested, strict=True)),
            _standings(sides, {pair: c.pairwise for pair, c in found.items()}, self.level),
            self._alike.regions,
            self._alike._overlapping(tuple(pairs)),
        )

    @cached_property
    def regions(self) -> tuple[Region, ...]:
        """Where the sessions of each group end."""
        return regions(self.sides, self.objectives, level=self.level)

    def curve(self, k: int, pair: tuple[int, int] | None = None) -> NetCurve:
        """Return value held and cost by step of one group, over all its sessions or on what a pair shares."""
        if (k, pair) not in self._curves:
            self._curves[k, pair] = self._curve(k, pair)
        return self._curves[k, pair]

    def _curve(self, k: int, pair: tuple[int, int] | None) -> NetCurve:
        if self.parts:
            alone = [(weight, ground.curve(k, pair)) for weight, ground in self.parts]
            return replace(alone[0][1], value=np.sum([weight * c.value for weight, c in alone], axis=0))
        if pair is None:
            return everything(self.sides[k])
        on = self._alike._common(pair).on
        return net_curve(self.sides[k], on.a if k == pair[0] else on.b, on.weight)

    def _common(self, pair: tuple[int, int]) -> _Common:
        if pair not in self._shared:
            self._shared[pair] = _Common.of(*(self.sides[k] for k in pair))
        return self._shared[pair]

    def _overlapping(self, pairs: tuple[tuple[int, int], ...]) -> tuple[Overlap, ...]:
        if pairs not in self._overlaps:
            self._overlaps[pairs] = overlaps([(self.sides[i], self.sides[j]) for i, j in pairs], level=self.level)
        return self._overlaps[pairs]

    def _compared(self, pair: tuple[int, int], sides: Sequence[Side], whole: Sequence[Net]) -> _Compared:
        common, (i, j) = self._alike._common(pair), pair
        over_all = whole[i], whole[j]
        nets = (self.curve(i, pair).at(sides[i]), self.curve(j, pair).at(sides[j])) if common.restricted else over_all
        return _Compared.of((sides[i], sides[j]), common, nets, over_all, self.level)


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
class _Common:
    """What two groups share: labels whose mix differs, those within whose values they are compared, strata."""

    mixes: tuple[Mix, ...]
    within: tuple[str, ...]
    on: Shared

    @classmethod
    def of(cls, a: Side, b: Side) -> _Common:
        unlike = mixes(a, b)
        within = tuple(m.label for m in unlike if m.within)
        on = shared(a, b, within)
        if on.exists:
            return cls(unlike, within, on)
        # Each label has shared values, their combinations have none.
        return cls(tuple(replace(m, within=False) for m in unlike), (), shared(a, b, ()))

    @property
    def restricted(self) -> bool:
        """Whether that is less than all sessions of both, each alike."""
        return self.on.clusters > 0 or len(self.on.weight) > 1


@dataclass(frozen=True)
class _Compared:
    """A pair as it is written, and with what its error is made of."""

    row: NetDifference
    pairwise: Pairwise

    @classmethod
    def of(
        cls, sides: tuple[Side, Side], common: _Common, nets: tuple[Net, Net], whole: tuple[Net, Net], level: float
    ) -> _Compared:
        (a, b), on = sides, common.on
        found = _difference(nets, level)
        raw = replace(found if nets is whole else _difference(whole, level), p=None)
        row = NetDifference(
            *(a.label, b.label, a.step, b.step, found, raw),
            *(on.clusters, common.within, on.strata if common.within else 1, common.mixes),
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
