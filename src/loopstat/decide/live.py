"""Decisions while a hand moves a price or a weight: from what the last whole run holds, in a few milliseconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Float, group_starts
from ..inference.resample import Resampling
from ..inference.shared import shared_resampling
from ..panel.panel import Panel
from ..results.kept import Kept
from .analysis import Decisions, fitted
from .compare import Grounds
from .curve import Curve, Held
from .fit import DecisionFit, Units, held_of, units_of
from .held import grid_of, scored, weights_of
from .lens import estimator_of
from .settings import FEWEST_DRAWS, MeanCurve, with_enough_draws

LINEAR = ("last", "accepted")  # rules of keeping that choose the version whatever the objectives weigh
MOST = 200  # sessions of a group in a rough answer
KEPT = 2  # recordings whose objectives are kept apart


def live(panel: Panel, options: Mapping[str, Any], last: Decisions | None) -> Decisions | None:
    """Return what a whole run would say, where no more than price, weights or the group shown have moved.

    Parameters
    ----------
    panel : Panel
    options : mapping
        Values of the command's settings by name.
    last : Decisions or None
        The last whole result for this panel, which differs in nothing else.

    Returns
    -------
    Decisions or None
        `rough` says what was left out; None where only a whole run will do.
    """
    found = None if last is None else followed(panel, estimator_of(options), last)
    shown = {name: options.get(name) for name in ("group", "command")}
    return None if found is None else replace(found, settings={**found.settings, **shown})


def followed(panel: Panel, estimator: MeanCurve, last: Decisions) -> Decisions | None:
    """Return the decisions of an estimator that differs from the last one in price and weights alone, or None."""
    before, units = last.groups[0].settings, last.units
    if before is None or units is None:
        return None
    if dict(before.weights) == estimator.weights:
        found = last.at(estimator)
        moved = found.settings["price"] != last.settings["price"]
        return replace(found, rough="rules as of the last price" if moved and estimator.rules else "")
    if not estimator.weights:  # single objectives are decided then too
        return None
    apart = _apart(panel, last) if units.keep in LINEAR else None
    return _thin(panel, estimator, last) if apart is None else apart.weighed(panel, estimator, last)


def _as_before(estimator: MeanCurve) -> list[str]:
    """Return what moving weights leaves as it was."""
    told = estimator.forecast or estimator.target or estimator.session or estimator.scores
    asked = {"rules": estimator.rules, "the guarantee": estimator.guarantee is not None, "forecasts": bool(told)}
    return [name for name, wanted in asked.items() if wanted]


def _said(estimator: MeanCurve, *more: str) -> str:
    before = _as_before(estimator)
    return "; ".join([*more, *([f"{', '.join(before)} as of the last weights"] if before else [])])


# ------------------------------------------------------------------------- objectives apart


@dataclass(frozen=True, eq=False)
class _Group:
    """One group by objective: its curves, and the mean covariance between sessions over its steps."""

    label: str
    curves: tuple[Curve, ...]
    covariance: Float
    n_steps: int

    @classmethod
    def of(cls, label: str, helds: Sequence[Held], part: Panel, resampling: Resampling) -> _Group:
        cluster = resampling.clusters.row[group_starts(part.session)][helds[0].cluster]
        curves = tuple(Curve.of(replace(h, cluster=cluster), resampling.weights) for h in helds)
        return cls(label, curves, _covariance(helds), len(helds[0].steps))


@dataclass(frozen=True, eq=False)
class Apart:
    """Every objective of a recording alone: value held is their sum, each with its weight.

    Attributes
    ----------
    groups : tuple
    grounds : tuple of Grounds
        Of each objective; empty for one group.
    exact : bool
        The sum is the value held itself; otherwise scores are missing or sessions were cut off, and each objective is
        carried on alone.
    """

    groups: tuple[_Group, ...]
    grounds: tuple[Grounds, ...]
    exact: bool

    @classmethod
    def of(cls, panel: Panel, last: Decisions) -> Apart | None:
        """Take objectives apart; None where they differ in what is recorded of them."""
        settings, units = last.groups[0].settings, last.units
        if settings is None or units is None or (last.grounds and last.grounds.of_transitions):
            return None
        by, column, seed = last.settings["by"], last.settings["cluster"], last.settings["seed"]
        parts = [part for _, part in panel.split(by) if scored(part)]
        alone = [replace(units, value={name: 1.0}, select={name: 1.0}) for name in panel.names]
        resampled = shared_resampling(panel, parts, column=column, n_boot=last.settings["bootstrap"], seed=seed)
        groups, sides = [], []
        for fit, part, drawn in zip(last.groups, parts, resampled, strict=True):
            grid = grid_of(part, units.keeping(part), units.cost)
            if fit.prospect is None:
                return None
            until = fit.prospect.recorded
            helds = [held_of(part, grid, u.keeping(part), settings, units.bar, until) for u in alone]
            if not _alike(helds, fit):
                return None
            groups.append(_Group.of(fit.label, helds, part, with_enough_draws(drawn)))
            sides.append(helds)
        grounds = None if last.grounds is None else [_grounds(last.grounds, each) for each in zip(*sides, strict=True)]
        whole = not np.isnan(panel.x).any() and units.bar is None and not any(g.counts["n_cut"] for g in last.groups)
        return cls(tuple(groups), tuple(grounds or ()), whole)

    def weighed(self, panel: Panel, estimator: MeanCurve, last: Decisions) -> Decisions:
        """Return the decisions for weights of the objectives."""
        units = self._units(panel, estimator, last)
        own = [float(w) for w in weights_of(panel, units.value) * panel.signs]  # larger is better in all curves already
        groups = tuple(
            fit.of_curve(estimator, units, _sum(own, group.curves))
            for fit, group in zip(last.groups, self.groups, strict=True)
        )
        grounds = None
        if self.grounds:
            base = self.grounds[0]
            each = tuple(zip(own, self.grounds, strict=True))
            grounds = Grounds(base.sides, base.objectives, base.level, parts=each)
        found = last.with_groups(groups, estimator, units, grounds)
        return replace(found, rough=_said(estimator, *(() if self.exact else ("objectives carried on one by one",))))

    def _units(self, panel: Panel, estimator: MeanCurve, last: Decisions) -> Units:
        if last.units is None:
            raise ValueError("decisions read back from JSON have no units")
        value = {name: float(weight) for name, weight in estimator.weights.items()}
        w = weights_of(panel, value) * panel.signs
        steps = sum(g.n_steps for g in self.groups)
        square = sum(g.n_steps * float(w @ g.covariance @ w) for g in self.groups) / max(steps, 1)
        select = {estimator.select: 1.0} if estimator.select else value
        bare = replace(last.units, value=value, select=select, spread=float(np.sqrt(max(square, 0.0))))
        return bare.priced(estimator)


def _grounds(whole: Grounds, helds: Sequence[Held]) -> Grounds:
    """Return what groups are compared on, for one objective alone."""
    sides = tuple(replace(side, held=held) for side, held in zip(whole.sides, helds, strict=True))
    return Grounds(sides, whole.objectives, whole.level)


def _alike(helds: Sequence[Held], fit: DecisionFit) -> bool:
    """Return whether all objectives hold a value for the sessions that the decision is made of."""
    first = helds[0].cluster
    return all(np.array_equal(h.cluster, first) for h in helds) and len(first) == fit.counts["n_sessions"]


def _sum(weights: Sequence[float], curves: Sequence[Curve]) -> Curve:
    value = sum(w * c.value for w, c in zip(weights, curves, strict=True))
    return Curve(np.asarray(value), curves[0].paid, curves[0].running)


def _covariance(helds: Sequence[Held]) -> Float:
    """Return the covariance of objectives between sessions, mean over steps, shape (n_obj, n_obj)."""
    known = np.stack([h.known for h in helds], axis=2)
    n = np.sum(~np.isnan(known).any(axis=2), axis=0)
    several = known[:, n > 1]
    if not several.shape[1]:
        return np.zeros((len(helds), len(helds)))
    off = np.nan_to_num(several - np.nanmean(several, axis=0))
    return np.asarray(np.einsum("stj,stk,t->jk", off, off, 1 / (n[n > 1] - 1)) / several.shape[1])


_APART: Kept[Apart | None] = Kept(KEPT)


def _apart(panel: Panel, last: Decisions) -> Apart | None:
    """Return the objectives of a recording apart, made once for all weights and prices."""
    free = ("price", "asked_price", "worth", "weights", "group", "command")
    key = repr({name: value for name, value in last.settings.items() if name not in free})
    return _APART.of(panel, key, lambda: Apart.of(panel, last))


# ------------------------------------------------------------------------- fewer sessions


def _thin(panel: Panel, estimator: MeanCurve, last: Decisions) -> Decisions:
    """Return the decisions of some of the sessions, evenly chosen; comparisons as they were."""
    by = last.settings["by"]
    parts = [(values, _some(part)) for values, part in panel.split(by) if scored(part)]
    bare = replace(estimator, rules=False, guarantee=None, forecast=False, target={}, session=None, scores=())
    quick = replace(bare, n_boot=FEWEST_DRAWS)
    only = [part for _, part in parts]
    whole = Panel.concat(only) if len(only) > 1 else only[0]
    seed = last.settings["seed"]
    resampled = shared_resampling(whole, only, column=estimator.cluster, n_boot=quick.n_boot, seed=seed)
    units = units_of(quick, only, whole)
    made = fitted(quick, parts, resampled, units, seed, None, None)
    groups = tuple(_beside(new, old) for new, old in zip(made, last.groups, strict=True))
    found = last.with_groups(groups, estimator, units, None)
    most = max(part.n_sessions for part in only)
    said = f"{most} sessions a group, {FEWEST_DRAWS} draws"
    more = (said, "comparisons as of the last weights") if last.comparisons else (said,)
    return replace(found, comparisons=last.comparisons, rough=_said(estimator, *more))


def _some(part: Panel) -> Panel:
    """Return at most so many sessions, evenly chosen."""
    n = part.n_sessions
    if n <= MOST:
        return part
    chosen = np.zeros(n, dtype=bool)
    chosen[np.linspace(0, n - 1, MOST).astype(np.int64)] = True
    return part.take(chosen[part.session])


def _beside(new: DecisionFit, old: DecisionFit) -> DecisionFit:
    """Return a decision on fewer sessions with what only a whole run finds."""
    whole = {name: getattr(old, name) for name in ("counts", "rules", "certificate", "forecast", "trials", "certified")}
    return replace(new, **whole)
