"""One group's decision: the curve of value held, what steps are worth, where to stop, and what may make it wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np

from ..arrays import Float, Int
from ..errors import SettingsError, argument
from ..inference.clusters import Clusters
from ..inference.estimate import Estimate
from ..inference.intervals import student
from ..inference.resample import Resampling, scatter_correction
from ..panel.ends import SuccessBar, stop_on_success
from ..panel.model import Rng
from ..panel.panel import Panel
from ..results.check import run_checks
from ..results.decision import Decided, Decision, ValueCurve
from ..results.document import view_of
from ..results.forecast import Forecast
from ..results.record import UNWRITTEN
from .ahead import horizon
from .best import Exact, Prospect, action_of, best, price_map, prices_of, sessions_needed
from .checks import RULES, Evidence
from .curve import Curve, Held
from .forecasting.forecast import ForecastSettings, Laid, asked_for, forecast_of
from .forecasting.predictors import Family
from .held import (
    Ends,
    Grid,
    Keeping,
    ends_of,
    equal_weights,
    grid_of,
    held_values,
    keep_by_default,
    pooled_spread,
    weights_of,
)
from .rows import DEFAULT_PRICE
from .rules.grids import knobs
from .rules.guarantee import Certificate, guarantee
from .rules.judge import RuleTrial, Trials, judge
from .sentence import sentence_of


class DecideSettings(ForecastSettings, Protocol):
    """What a decision needs to know of its settings."""

    @property
    def price(self) -> float | None: ...
    @property
    def cost(self) -> str | None: ...
    @property
    def worth(self) -> float | None: ...
    @property
    def keep(self) -> str | None: ...
    @property
    def select(self) -> str | None: ...
    @property
    def value(self) -> str | None: ...
    @property
    def weights(self) -> Mapping[str, float]: ...
    @property
    def ended(self) -> str | None: ...
    @property
    def horizon(self) -> int | None: ...
    @property
    def exact(self) -> bool: ...
    @property
    def rules(self) -> bool: ...
    @property
    def guarantee(self) -> float | None: ...
    @property
    def confidence(self) -> float: ...
    @property
    def level(self) -> float: ...


@dataclass(frozen=True)
class Units:
    """What all groups share: the version kept, the weights of what counts, one standard deviation, the price.

    Attributes
    ----------
    keep, why : str
        The keep rule, and why it was chosen.
    select, value : dict
        Weights by objective of what the loop sees, and of what counts; before signs.
    spread : float
        Standard deviation of the value held between sessions.
    spreads : dict
        The same of every objective alone.
    price : float
        Of one step, or of one unit of `cost`.
    cost : str or None
    by_default : bool
        Whether the price is the default one.
    bar : SuccessBar or None
        At which sessions end by themselves.
    """

    keep: str
    why: str
    select: Mapping[str, float]
    value: Mapping[str, float]
    spread: float
    spreads: Mapping[str, float]
    price: float
    cost: str | None
    by_default: bool
    bar: SuccessBar | None

    def keeping(self, panel: Panel) -> Keeping:
        """Return how the version held is chosen and counted."""
        return Keeping(self.keep, weights_of(panel, self.select), weights_of(panel, self.value))

    def priced(self, settings: DecideSettings) -> Units:
        """Return the same units at the price that settings ask for."""
        price, by_default = price_of(settings, self.spread)
        return replace(self, price=price, cost=settings.cost, by_default=by_default)

    def alone(self, name: str) -> Units:
        """Return the units in which one objective counts alone, at a price of as many of its standard deviations."""
        price = self.price / self.spread * self.spreads[name] if self.spread > 0 else 0.0
        return replace(self, value={name: 1.0}, spread=self.spreads[name], price=price)


def units_of(settings: DecideSettings, parts: Sequence[Panel], whole: Panel | None = None) -> Units:
    """Return the units that groups share.

    Parameters
    ----------
    settings : DecideSettings
    parts : sequence of Panel
        The groups.
    whole : Panel, optional
        All of them, to look at how sessions end; default the first group.
    """
    whole = whole or parts[0]
    bar = stop_on_success(whole)
    keep, why = (settings.keep, "as asked for") if settings.keep else keep_by_default(whole, bar)
    alone = {name: weights_of(whole, {name: 1.0}) for name in whole.names}
    spreads = {name: _spread(parts, Keeping(keep, w, w), settings, bar) for name, w in alone.items()}
    value = value_weights(settings, whole, spreads)
    select = {settings.select: 1.0} if settings.select else value
    both = Keeping(keep, weights_of(whole, select), weights_of(whole, value))
    one = next((name for name in spreads if {name: 1.0} == value == select), None)
    spread = _spread(parts, both, settings, bar) if one is None else spreads[one]
    price, by_default = price_of(settings, spread)
    return Units(keep, why, select, value, spread, spreads, price, settings.cost, by_default, bar)


def price_of(settings: DecideSettings, spread: float) -> tuple[float, bool]:
    """Return the price of a step, or of a unit of cost, and whether it is the default one."""
    if settings.worth is not None:
        return 1.0 / settings.worth, False
    return (DEFAULT_PRICE * spread, True) if settings.price is None else (settings.price, False)


def value_weights(settings: DecideSettings, panel: Panel, spreads: Mapping[str, float]) -> dict[str, float]:
    """Return what one unit of each objective is worth: as asked for, else one raw and several 1/(n sd) each."""
    for name in (settings.select, settings.value):
        if name is not None and name not in panel.names:
            raise SettingsError(f"no objective `{name}`. Objectives: {', '.join(panel.names)}.")
    if settings.select is not None and settings.value is None and not settings.weights:
        raise SettingsError("`select` names what the loop sees: `value` must name what counts.")
    if settings.weights:
        return {name: float(w) for name, w in settings.weights.items()}
    if settings.value is not None:
        return {settings.value: 1.0}
    return {panel.names[0]: 1.0} if panel.n_obj == 1 else equal_weights(panel, spreads)


def _spread(parts: Sequence[Panel], keeping: Keeping, settings: DecideSettings, bar: SuccessBar | None) -> float:
    return pooled_spread([held_of(part, grid_of(part, keeping, None), keeping, settings, bar) for part in parts])


def held_of(
    panel: Panel,
    grid: Grid,
    keeping: Keeping,
    settings: DecideSettings,
    bar: SuccessBar | None,
    until: int | None = None,
) -> Held:
    """Return the value held by session and step, each session a cluster; by default where these can judge it.

    How far a record goes hangs on what is resampled: `until` is the last place of a decision already made on it.
    """
    ends = ends_of(panel, settings.ended, bar)
    clusters = Clusters(panel.session, panel.session_names, "session", "session")
    held = held_values(panel, grid, keeping, ends, clusters, floor_of(panel, keeping))
    return held.recorded() if until is None else held.until(until)


def floor_of(panel: Panel, keeping: Keeping) -> float:
    """Return what having no version yet is worth: the worst that declared bounds allow; NaN without them."""
    total = 0.0
    for weight, o in zip(keeping.value, panel.objectives, strict=True):
        if weight == 0:
            continue
        worst = o.low if weight > 0 else o.high
        if worst is None:
            return float("nan")
        total += weight * worst
    return total


# ------------------------------------------------------------------------------------ results


@dataclass(frozen=True, eq=False)
class DecisionFit(Decided):
    """When to stop, for one group; complete at birth, immutable.

    Attributes
    ----------
    settings : DecideSettings
    units : Units
        Shared by all groups.
    prospect : Prospect
        The curve with its draws, recorded and beyond (not written, as all of these).
    held : Held
        Value by session and step.
    alone : tuple of Alone
        Every objective by itself, where single ones are decided too.
    trials : Trials or None
        Rules as they did on held-out clusters.
    certified : Certificate or None
    """

    settings: DecideSettings | None = field(default=None, kw_only=True, metadata=UNWRITTEN)
    units: Units | None = field(default=None, kw_only=True, metadata=UNWRITTEN)
    prospect: Prospect | None = field(default=None, kw_only=True, repr=False, metadata=UNWRITTEN)
    held: Held | None = field(default=None, kw_only=True, repr=False, metadata=UNWRITTEN)
    alone: tuple[Alone, ...] = field(default=(), kw_only=True, repr=False, metadata=UNWRITTEN)
    trials: Trials | None = field(default=None, kw_only=True, repr=False, metadata=UNWRITTEN)
    certified: Certificate | None = field(default=None, kw_only=True, repr=False, metadata=UNWRITTEN)

    def _repr_html_(self) -> str:
        return view_of(self)._repr_html_()

    @property
    def decided(self) -> Decided:
        """What is claimed, without the data behind it: what other results carry."""
        return Decided(**{f.name: getattr(self, f.name) for f in fields(Decided)})

    def at(self, settings: DecideSettings, units: Units) -> DecisionFit:
        """Return the decision at another price: what does not hang on it is taken over, and so are trials of rules.

        Raises
        ------
        ValueError
            It was read back from JSON, without the curves behind it.
        """
        if self.prospect is None:
            raise ValueError("a decision read back from JSON has no curves to decide from")
        made = decisions_of(self.prospect, self.counts["n_sessions"], self.alone, units, settings.level)
        net = replace(self.curve, net=_net(self.prospect, units.price, settings.level))
        return replace(self, decision=made, curve=net, settings=settings, units=units, paid_in=units.cost or "step")

    def of_curve(self, settings: DecideSettings, units: Units, curve: Curve) -> DecisionFit:
        """Return the decision for a curve of other weights of the objectives; trials and forecasts are taken over."""
        if self.prospect is None:
            raise ValueError("a decision read back from JSON has no curves to decide from")
        old, level = self.prospect, settings.level
        prospect = Prospect.of(
            curve, old.steps[: old.recorded + 1], int(old.steps[-1]), units.spread, old.clusters, old.limits
        )
        stretches = price_map(prospect.recorded_curve, prospect.steps[: old.recorded + 1], prospect.clusters, level)
        value = replace(self.curve, value=_ranged(prospect, prospect.expected.value, level))
        bare = replace(self, prospect=prospect, alone=(), held=None, curve=value, price_map=stretches)
        return bare.at(settings, units)


@dataclass(frozen=True)
class Alone:
    """One objective that counts alone: what a decision on it is made from at any price."""

    name: str
    sessions: int
    prospect: Prospect


# ------------------------------------------------------------------------------------ the pipeline


@dataclass(frozen=True)
class _Material:
    """What decisions of one group are made of: its rows laid out, how its sessions end, its draws."""

    settings: DecideSettings
    panel: Panel
    resampling: Resampling
    grid: Grid
    ends: Ends

    def prospect(self, units: Units) -> tuple[Held, Curve, Prospect]:
        """Return value held, its curve, and the curve continued, in some units."""
        keeping = units.keeping(self.panel)
        clusters = self.resampling.clusters
        held = held_values(
            self.panel, self.grid, keeping, self.ends, clusters, floor_of(self.panel, keeping)
        ).recorded()
        curve = Curve.of(held, self.resampling.weights)
        n = len(clusters.members) or held.n_clusters
        until = horizon(self.grid.steps, self.settings.horizon)
        return held, curve, Prospect.of(curve, held.steps, until, units.spread, n, _counts(held, units))


def _forecast(
    m: _Material, units: Units, held: Held, rng: Rng, predictors: Mapping[str, Family] | None
) -> Forecast | None:
    if not asked_for(m.settings):
        return None
    laid = Laid(m.panel, m.grid, units.keeping(m.panel), m.ends, m.resampling.clusters, units.bar)
    return forecast_of(laid, m.settings, len(held.steps), rng, predictors)


def _counts(held: Held, units: Units) -> Exact | None:
    """Return the counts of a loop whose value is success itself."""
    values = held.value[~np.isnan(held.value)]
    if units.bar is None or not set(np.unique(values)) <= {0.0, 1.0}:
        return None
    running = np.array([int(np.sum((held.last >= t) & (held.value[:, t] < 1))) for t in range(len(held.steps))])
    reached = np.diff(held.known, axis=1, prepend=held.known[:, :1])
    return Exact(running, np.nansum(reached > 0, axis=0).astype(np.int64))


def fit_group(
    settings: DecideSettings,
    panel: Panel,
    resampling: Resampling,
    label: str,
    units: Units,
    rng: Rng,
    predictors: Mapping[str, Family] | None = None,
) -> DecisionFit:
    """Decide for one group of sessions, in units shared with others."""
    grid = grid_of(panel, units.keeping(panel), units.cost)
    material = _Material(settings, panel, resampling, grid, ends_of(panel, settings.ended, units.bar))
    held, curve, prospect = material.prospect(units)
    several = panel.n_obj > 1 and not settings.weights and settings.value is None
    alone = tuple(_alone(material, units.alone(name), name) for name in units.value) if several else ()
    trials = judge(held, units.price, exact=settings.exact, rng=rng, level=settings.level) if settings.rules else None
    certificate = _certified(settings, material.panel, held, units, rng)
    forecast = _forecast(material, units, held, rng, predictors)
    same = units.select == units.value
    evidence = Evidence(held, resampling.clusters.kind, prospect.clusters, units.keep, same, settings.exact)
    return DecisionFit(
        label,
        {},
        {"n_sessions": held.n_sessions, "n_cut": int(held.cut.sum()), "n_ended": int(held.ended.sum())},
        {"kind": resampling.clusters.kind, "n": prospect.clusters, "sentence": resampling.clusters.sentence},
        units.keep,
        material.ends.sentence,
        units.cost or "step",
        decisions_of(prospect, held.n_sessions, alone, units, settings.level),
        value_curve(prospect, np.sum(~np.isnan(held.value), axis=0), units.price, settings.level),
        price_map(curve, held.steps, prospect.clusters, settings.level),
        run_checks(RULES, evidence),
        () if trials is None else tuple(_told(trials, trial) for trial in trials.rules),
        None if certificate is None else certificate.to_dict(),
        trials=trials,
        certified=certificate,
        forecast=forecast,
        settings=settings,
        units=units,
        prospect=prospect,
        held=held,
        alone=alone,
    )


def _told(trials: Trials, trial: RuleTrial) -> dict[str, Any]:
    """Return a trial as plain data, and whether it is the one to use."""
    chosen = trial.name == trials.chosen
    return {**trial.to_dict(), "chosen": chosen, "because": trials.because if chosen else None}


def _certified(settings: DecideSettings, panel: Panel, held: Held, units: Units, rng: Rng) -> Certificate | None:
    """Return what can be guaranteed, where that is asked for."""
    if settings.guarantee is None:
        return None
    low, high = range_of(panel, units.value)
    seen = range_of(panel, units.select)
    along = knobs(len(held.steps), *seen)
    along = along if settings.exact or units.select != units.value else {"fixed": along["fixed"]}
    return guarantee(held, along, settings.guarantee, confidence=settings.confidence, bound=high - low, rng=rng)


def range_of(panel: Panel, weights: Mapping[str, float]) -> tuple[float, float]:
    """Return the ends of a weighted sum of objectives, larger is better, by their declared bounds.

    Raises
    ------
    SettingsError
        An objective has no bounds.
    """
    low = high = 0.0
    for weight, o in zip(weights_of(panel, weights), panel.objectives, strict=True):
        if weight == 0:
            continue
        if o.low is None or o.high is None:
            raise SettingsError(f"a guarantee needs the range of {o.name}: give {argument('bounds')}.")
        ends = sorted((weight * o.low, weight * o.high))
        low, high = low + ends[0], high + ends[1]
    return low, high


def _alone(material: _Material, units: Units, name: str) -> Alone:
    held, _, prospect = material.prospect(units)
    return Alone(name, held.n_sessions, prospect)


def decisions_of(prospect: Prospect, sessions: int, alone: Sequence[Alone], units: Units, level: float) -> Decision:
    """Return the decision of a group, and inside it those of its objectives alone."""
    each = tuple(_decision(a.prospect, a.sessions, units.alone(a.name), level, a.name) for a in alone)
    return replace(_decision(prospect, sessions, units, level, None), objectives=each)


def _decision(prospect: Prospect, sessions: int, units: Units, level: float, name: str | None) -> Decision:
    found = best(prospect, units.price, level)
    low, high = prices_of(prospect, found.place, units.price)
    bare = Decision(
        action=action_of(found, prospect),
        step=int(prospect.steps[found.place]),
        step_low=int(prospect.steps[found.low]),
        step_high=int(prospect.steps[found.high]),
        recorded=int(prospect.steps[prospect.recorded]),
        extrapolated=found.place > prospect.recorded,
        price=units.price,
        price_low=low,
        price_high=high,
        value=float(prospect.mean_value[found.place]),
        loss=found.loss,
        loss_high=found.limit,
        loss_level=level,
        sessions_needed=sessions_needed(found, sessions, units.spread) if found.is_open else None,
        sentence="",
        objective=name,
    )
    answer, sentence = sentence_of(bare, prospect, units.cost or "step", units.keep)
    return replace(bare, answer=answer, sentence=sentence)


def value_curve(prospect: Prospect, seen: Int, price: float, level: float) -> ValueCurve:
    """Return what is held after each step; `seen` counts the sessions at the recorded ones."""
    expected = prospect.expected
    n = np.r_[seen, np.zeros(len(prospect.steps) - len(seen), dtype=np.int64)].astype(np.int64)
    running, value = (_ranged(prospect, table, level) for table in (expected.running, expected.value))
    return ValueCurve(prospect.steps, n, running, value, _net(prospect, price, level))


def _net(prospect: Prospect, price: float, level: float) -> Estimate:
    """Return value held less what the steps cost, by step."""
    return _ranged(prospect, prospect.expected.value - price * prospect.expected.paid, level)


def _ranged(prospect: Prospect, table: Float, level: float) -> Estimate:
    """Return an estimate and its draws, shape (1 + n_draws, n_steps), as figures with intervals."""
    inside, clusters = np.arange(table.shape[1]) <= prospect.recorded, prospect.clusters
    value = np.where(inside, table[0], table.mean(axis=0))
    error = table[1:].std(axis=0) * scatter_correction(clusters) if len(table) > 2 else np.full(len(value), np.nan)
    return student(value, error, level=level, df=max(clusters - 1, 1))
