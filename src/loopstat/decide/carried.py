"""The mean curve from sums: what parts of a recording keep of value held, and decisions without their rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ..arrays import Float, Int, group_starts, relabel, summed_rows
from ..inference.clusters import Clusters
from ..inference.resample import Resampling
from ..inference.tables import ClusterTables, Table
from ..panel.panel import MIN_STOPPED, Objective, Panel
from ..results.check import run_checks
from ..results.decision import Decided
from .ahead import horizon
from .best import Prospect, price_map
from .checks import RULES, Evidence
from .curve import Curve, Held
from .fit import Alone, DecideSettings, Units, decisions_of, floor_of, price_of, value_curve
from .held import BY_ORDER, BY_PARENTS, Keeping, ends_of, equal_weights, grid_of, held_values, mean_spread, weights_of
from .settings import with_enough_draws

SPREAD = 3  # count, sum and sum of squares


@dataclass(frozen=True)
class Holding:
    """How value is held, the same for all parts: the keep rule (None: by what is recorded), columns of ends, cost."""

    keep: str | None = None
    ended: str | None = None
    cost: str | None = None


# ------------------------------------------------------------------------------- kept of one part


def value_tables(
    panel: Panel, cluster: Int, n: int, centre: Float, how: Holding
) -> tuple[dict[str, Table], dict[str, Table]]:
    """Return what the mean curve of one group is made from.

    Parameters
    ----------
    panel : Panel
        Of whole sessions.
    cluster : int array, shape (n_rows,)
    n : int
        Number of clusters.
    centre : float array, shape (n_obj,)
        Reference point of the sums.
    how : Holding

    Returns
    -------
    by_cluster : dict
        `value`, by place of the step: sessions seen, sessions that end there by themselves, what both have paid, and
        the values that both hold, each objective about its centre, larger is better.
    over_all : dict, tables of one row
        `joint`: products of (1, values) of the same two; `alone`: count, sum and sum of squares of each objective held
        by itself; `cut`: sessions whose last step is there, without having ended; `first`: sessions by the number of
        their first step; `lost`: sessions whose value cannot be summed, because steps leap or begin without scores.
    """
    if not panel.complete.any():
        return {}, {}
    signs, n_obj = panel.signs, panel.n_obj
    keep = how.keep or ("accepted" if panel.lineage else "last")
    all_alike = Keeping(keep, signs, signs)
    grid = grid_of(panel, all_alike, how.cost)
    places = grid.steps - grid.steps[0]
    ends = ends_of(panel, how.ended, None)
    sessions = _own_clusters(panel)
    alone = [Keeping(keep, w, w) for w in np.eye(n_obj) * signs]
    floors = np.array([floor_of(panel, k) for k in alone])
    helds = [held_values(panel, grid, k, ends, sessions, f) for k, f in zip(alone, floors, strict=True)]
    first = _by_key(panel.step[group_starts(panel.session)])
    inside = np.arange(len(places)) <= grid.last[:, None]
    mixed = bool((inside & (grid.held < 0)).any()) and 0 < np.isfinite(floors).sum() < n_obj
    if mixed or not np.array_equal(places, np.arange(len(places))):
        return {}, {"lost": _by_key(np.zeros(panel.n_sessions, dtype=np.int64)), "first": first}
    held = helds[0]
    of_session = cluster[group_starts(panel.session)][held.cluster]
    here, own = _placed(np.stack([h.value for h in helds], axis=2) - signs * centre, held)
    count = np.stack([~np.isnan(held.value), own[:, :, 0] * 1.0], axis=2)
    paid = np.stack([np.where(np.isnan(held.value), 0.0, held.paid), np.where(own[:, :, 0], held.paid, 0.0)], axis=2)
    ending = np.where(own, here, 0.0)
    table = np.concatenate([count, paid, here, ending], axis=2)
    sums = summed_rows(of_session, table.reshape(len(table), -1), n).reshape(n, *table.shape[1:])
    products = [
        np.einsum("sti,stj->tij", *[np.concatenate([c[:, :, None], v], axis=2)] * 2).reshape(len(places), -1)
        for c, v in ((count[:, :, 0], here), (count[:, :, 1], ending))
    ]
    over_all = {
        "joint": Table(places, np.concatenate(products, axis=1)[None]),
        "alone": _alone(panel, alone, helds, centre, how),
        "cut": _by_key(held.last[~held.ended]),
        "first": first,
    }
    return {"value": Table(places, sums)}, over_all


def _by_key(key: Int) -> Table:
    """Count by key."""
    keys, place = relabel(key)
    return Table(keys, np.bincount(place, minlength=len(keys)).astype(np.float64)[None, :, None])


def _placed(value: Float, held: Held) -> tuple[Float, Float]:
    """Return values with 0 where there is none, and where a session ends by itself, shape (n, n_steps, 1)."""
    own = held.ended[:, None] & (np.arange(value.shape[1]) == held.last[:, None])
    return np.where(np.isnan(value), 0.0, value), own[:, :, None]


def _alone(panel: Panel, each: Sequence[Keeping], together: Sequence[Held], centre: Float, how: Holding) -> Table:
    """Sum every objective held by itself, whatever is missing of the others: what one standard deviation is."""
    out: list[Float] = []
    # With no score missing an objective by itself is held as all together are, but for what is best of several.
    alike = bool(panel.complete.all()) and (len(each) == 1 or each[0].keep in ("last", "accepted"))
    for keeping, held, at in zip(each, together, panel.signs * centre, strict=True):
        own = held if alike else _held_alone(panel, keeping, how)
        value, ending = _placed(own.value - at, own)
        for which in (~np.isnan(own.value), ending[:, :, 0]):
            out += [(value**k * which).sum(axis=0) for k in range(SPREAD)]
    return Table(np.arange(len(out[0])), np.stack(out, axis=1)[None])


def _held_alone(panel: Panel, keeping: Keeping, how: Holding) -> Held:
    ends, sessions = ends_of(panel, how.ended, None), _own_clusters(panel)
    return held_values(panel, grid_of(panel, keeping, None), keeping, ends, sessions, floor_of(panel, keeping))


def _own_clusters(panel: Panel) -> Clusters:
    """Return clusters of one session each."""
    return Clusters(panel.session, panel.session_names, "session", "session")


def rebased_values(tables: Mapping[str, Table], moved: Float) -> dict[str, Table]:
    """Return the sums of `value_tables` with `moved`, shape (n_obj,), added to every value; others stay as they are."""
    out, n = dict(tables), len(moved)
    if "value" in tables:
        values = tables["value"].values.copy()
        values[:, :, 4 : 4 + n] += values[:, :, :1] * moved
        values[:, :, 4 + n :] += values[:, :, 1:2] * moved
        out["value"] = Table(tables["value"].keys, values)
    if "joint" in tables:
        change = np.eye(1 + n)
        change[1:, 0] = moved
        old = tables["joint"].values
        both = change @ old.reshape(*old.shape[:2], 2, 1 + n, 1 + n) @ change.T
        out["joint"] = Table(tables["joint"].keys, both.reshape(old.shape))
    if "alone" in tables:
        old = tables["alone"].values
        count, s, ss = np.moveaxis(old.reshape(*old.shape[:2], n, 2, SPREAD), -1, 0)
        d = moved[:, None]
        both = np.stack([count, s + d * count, ss + 2 * d * s + d**2 * count], axis=-1)
        out["alone"] = Table(tables["alone"].keys, both.reshape(old.shape))
    return out


# ------------------------------------------------------------------------------- all parts together


@dataclass(frozen=True)
class ValueSums:
    """All that is known of what one group holds.

    Attributes
    ----------
    objectives : tuple of Objective
    centre : float array, shape (n_obj,)
    tables : ClusterTables
        Holds `value`.
    over_all : mapping from name to Table
    how : Holding
    lineage, zero_one : bool
    n_early : int
        Sessions shorter than the longest one.
    """

    objectives: tuple[Objective, ...]
    centre: Float
    tables: ClusterTables
    over_all: Mapping[str, Table]
    how: Holding
    lineage: bool
    zero_one: bool
    n_early: int

    @property
    def n_obj(self) -> int:
        """Number of objectives."""
        return len(self.objectives)

    @property
    def signs(self) -> Float:
        """+1 where larger is better and -1 where smaller is, shape (n_obj,)."""
        return np.array([1.0 if o.maximize else -1.0 for o in self.objectives])

    @property
    def keep(self) -> str:
        """The keep rule."""
        return self.how.keep or ("accepted" if self.lineage else "last")

    @cached_property
    def missing(self) -> str | None:
        """Why there is no mean curve; None where there is one."""
        if "lost" in self.over_all:
            return "steps leap, or sessions begin without scores"
        if "value" not in self.tables.tables:
            return "no session has a score"
        if self.n_obj > 1 and self.keep in ("best", "success"):
            return f"what `{self.keep}` keeps of several objectives hangs on their weights"
        places = self.tables.tables["value"].keys
        cut = self.over_all["cut"]
        n_cut = int(cut.values[0, cut.keys < places[-1], 0].sum())
        if n_cut:
            said = "" if self.how.ended else " (or they ended by themselves: name the column with --ended)"
            return f"{n_cut:,} sessions were cut off{said}, and carrying them on looks at each of them"
        if self.zero_one and self.n_obj == 1 and self.n_early >= MIN_STOPPED:
            return "sessions may end on success, which is looked for in the rows"
        return None

    @property
    def steps(self) -> Int:
        """Step numbers as in the files, counted from the median first one."""
        first = self.over_all["first"]
        start = np.median(np.repeat(first.keys, first.values[0, :, 0].astype(np.int64)))
        return self.tables.tables["value"].keys + int(start)

    @property
    def ends(self) -> str:
        """How it is known which sessions ended by themselves."""
        if self.how.ended:
            return f"column {self.how.ended} says which sessions ended by themselves"
        return "all sessions are of one length"

    @cached_property
    def by_step(self) -> Float:
        """Sums by cluster and step with ended sessions carried on: sessions, running, paid, values about 0.

        Shape (n_clusters, n_steps, 3 + n_obj).
        """
        t, n = self.tables.tables["value"].values, self.n_obj
        before = np.concatenate([np.zeros_like(t[:, :1]), np.cumsum(t, axis=1)[:, :-1]], axis=1)
        sessions = t[:, :, :1] + before[:, :, 1:2]
        values = t[:, :, 4 : 4 + n] + before[:, :, 4 + n :] + sessions * (self.signs * self.centre)
        return np.concatenate([sessions, t[:, :, :1] - t[:, :, 1:2], t[:, :, 2:3] + before[:, :, 3:4], values], axis=2)

    def spreads(self) -> Float:
        """Return the root mean square, over steps, of the sd of each objective held by itself, shape (n_obj,)."""
        parts = self.over_all["alone"].values[0].reshape(-1, self.n_obj, 2, SPREAD)
        return np.sqrt([_variance(parts[:, j, 0], parts[:, j, 1]) for j in range(self.n_obj)])

    def spread(self, weights: Float) -> float:
        """Return the same of a weighted sum; `weights` in the order that larger is better."""
        k = 1 + self.n_obj
        both = self.over_all["joint"].values[0].reshape(-1, 2, k, k)
        n, s = both[:, :, 0, 0], both[:, :, 0, 1:] @ weights
        moments = np.stack([n, s, np.einsum("i,taij,j->ta", weights, both[:, :, 1:, 1:], weights)], axis=2)
        return float(np.sqrt(_variance(moments[:, 0], moments[:, 1])))

    def curve(self, weights: Float, draws: Int) -> Curve:
        """Return the mean curve of a weighted sum of objectives under weights on clusters."""
        t = self.by_step
        sums = [t[:, :, 3:] @ weights, t[:, :, 2], t[:, :, 1], t[:, :1, 0]]
        return Curve.of_sums(np.concatenate(sums, axis=1), draws)

    @property
    def seen(self) -> Int:
        """Sessions seen at each step, shape (n_steps,)."""
        return np.round(self.tables.total("value")[:, 0]).astype(np.int64)

    @property
    def n_ended(self) -> int:
        """Sessions that ended by themselves."""
        return round(float(self.tables.total("value")[:, 1].sum()))

    @property
    def n_clusters(self) -> int:
        """Clusters that hold sessions with scores."""
        return int(np.sum(self.tables.tables["value"].values[:, 0, 0] > 0))


def _variance(here: Float, ended: Float) -> float:
    """Return the mean over steps of the variance between sessions, ended ones carried on; shapes (n_steps, 3)."""
    before = np.concatenate([np.zeros((1, SPREAD)), np.cumsum(ended, axis=0)[:-1]])
    n, s, ss = (here + before).T
    several = n > 1
    n, s, ss = n[several], s[several], ss[several]
    return float(np.mean(np.maximum(ss - s * s / n, 0.0) / (n - 1))) if len(n) else 0.0


# ------------------------------------------------------------------------------- decisions


def units_from_sums(settings: DecideSettings, groups: Sequence[ValueSums]) -> Units:
    """Return the units that groups share, as `units_of` finds them in rows."""
    first = groups[0]
    lengths = [len(g.steps) for g in groups]
    names = [o.name for o in first.objectives]
    each = np.array([g.spreads() for g in groups])
    spreads = {name: mean_spread(list(zip(each[:, j].tolist(), lengths, strict=True))) for j, name in enumerate(names)}
    lineage = any(g.lineage for g in groups)
    keep, why = ("accepted", BY_PARENTS) if lineage else ("last", BY_ORDER)
    keep = first.how.keep or keep
    stand_in = _bare(first)
    value = dict(settings.weights) or ({names[0]: 1.0} if len(names) == 1 else equal_weights(stand_in, spreads))
    weights = weights_of(stand_in, value) * first.signs  # in the sums larger is better
    one = next((name for name in names if {name: 1.0} == value), None)
    own = [(g.spread(weights), n) for g, n in zip(groups, lengths, strict=True)]
    spread = spreads[one] if one is not None else mean_spread(own)
    price, by_default = price_of(settings, spread)
    asked = "as asked for" if first.how.keep else why
    return Units(keep, asked, value, value, spread, spreads, price, first.how.cost, by_default, None)


def _bare(sums: ValueSums) -> Panel:
    """Return the objectives as a panel without rows: what weights are read against."""
    none = np.zeros(0, dtype=np.int64)
    return Panel(np.zeros((0, sums.n_obj)), none, none, none, sums.objectives, ())


def decided_from_sums(
    settings: DecideSettings, sums: ValueSums, units: Units, clusters: Clusters, resampling: Resampling, label: str
) -> Decided:
    """Decide for one group from its sums, in units shared with others; rules and forecasts need its rows.

    Parameters
    ----------
    settings : DecideSettings
    sums : ValueSums
        Of a group that has a mean curve.
    units : Units
    clusters : Clusters
    resampling : Resampling
        With the weights of these clusters.
    label : str
    """
    draws = with_enough_draws(resampling).weights
    names, steps, level = [o.name for o in sums.objectives], sums.steps, settings.level
    n = len(clusters.members) or sums.n_clusters
    until = horizon(steps, settings.horizon)
    n_sessions = int(sums.seen[0])

    def prospect(value: Mapping[str, float], spread: float) -> tuple[Curve, Prospect]:
        weights = np.array([value.get(name, 0.0) for name in names])
        curve = sums.curve(weights, draws)
        return curve, Prospect.of(curve, steps, until, spread, n, None)

    curve, ahead = prospect(units.value, units.spread)
    several = sums.n_obj > 1 and not settings.weights
    parts = [units.alone(name) for name in units.value] if several else []
    alone = tuple(
        Alone(name, n_sessions, prospect(part.value, part.spread)[1])
        for name, part in zip(units.value, parts, strict=False)
    )
    nobody = np.zeros((0, len(steps)))
    none = np.zeros(0, dtype=np.int64)
    empty = Held(nobody, nobody, nobody, none, np.zeros(0, dtype=bool), none, steps)
    evidence = Evidence(empty, clusters.kind, n, units.keep, True, settings.exact)
    return Decided(
        label=label,
        by={},
        counts={"n_sessions": n_sessions, "n_cut": 0, "n_ended": sums.n_ended},
        clusters={"kind": clusters.kind, "n": n, "sentence": clusters.sentence},
        keep=units.keep,
        ends=sums.ends,
        paid_in=units.cost or "step",
        decision=decisions_of(ahead, n_sessions, alone, units, level),
        curve=value_curve(ahead, sums.seen, units.price, level),
        price_map=price_map(curve, steps, n, level),
        checks=run_checks(RULES, evidence),
    )
