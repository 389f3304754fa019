"""Decisions for every group of a panel, in shared units, as one plain-data result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import InputError
from ..inference.resample import Resampling
from ..inference.shared import shared_resampling
from ..lenses import Progress
from ..panel.groups import label_of
from ..panel.panel import Objective, Panel, Source, as_names
from ..results.decision import Decided
from ..results.document import view_of
from ..results.record import UNWRITTEN, Record, written
from .compare import Comparisons, Grounds, grounds_of, torn_note
from .fit import DecisionFit, Units, units_of
from .forecasting.forecast import forecast_settings, refuse_unknown
from .forecasting.predictors import Family
from .held import scored
from .rows import DEFAULT_PRICE
from .settings import MeanCurve

SCHEMA = "loopstat.decision/1"


@dataclass(frozen=True, eq=False)
class Decisions(Record):
    """When to stop, for every group of a panel.

    Attributes
    ----------
    groups : tuple of DecisionFit
    objectives : tuple of Objective
    source : Source
    n_sessions, n_steps : int
    settings : dict
        Everything that decides the figures.
    notes : tuple of str
        What was guessed, left out or assumed, in sentences.
    comparisons : Comparisons or None
        Groups against each other; None for one group.
    units : Units or None
        What all groups share: the version kept, weights, price (not written, as the next two).
    grounds : Grounds or None
        What groups are compared on at any price.
    rough : str
        What was not computed anew, to answer at once; empty where all of it was.
    """

    KEYS = (
        "schema",
        "version",
        "source",
        "n_sessions",
        "n_steps",
        "settings",
        "objectives",
        "notes",
        "groups",
        "comparisons",
    )
    SCHEMA = SCHEMA

    groups: tuple[DecisionFit, ...]
    objectives: tuple[Objective, ...] = field(metadata=written("settings.objectives"))
    source: Source
    n_sessions: int = field(metadata=written("source.n_sessions"))
    n_steps: int = field(metadata=written("source.n_steps"))
    settings: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    comparisons: Comparisons | None = None
    units: Units | None = field(default=None, repr=False, metadata=UNWRITTEN)
    grounds: Grounds | None = field(default=None, repr=False, metadata=UNWRITTEN)
    rough: str = field(default="", repr=False, metadata=UNWRITTEN)

    def __repr__(self) -> str:
        return "\n".join(repr(g) for g in self.groups)

    def _repr_html_(self) -> str:
        return view_of(self)._repr_html_()

    def completed(self, data: Mapping[str, Any]) -> Decisions:
        """Return the result with the settings and notes that are written elsewhere."""
        settings = {name: value for name, value in self.settings.items() if name != "objectives"}
        return replace(self, settings=settings, source=replace(self.source, notes=self.notes))

    def at(self, estimator: MeanCurve) -> Decisions:
        """Return the decisions at the price that an estimator asks for, which differs in nothing else.

        All of it is as a whole run at that price would have it, but trials of rules: those are taken over.

        Raises
        ------
        ValueError
            They were read back from JSON, without the curves behind them.
        """
        if self.units is None:
            raise ValueError("decisions read back from JSON have no curves to decide from")
        units = self.units.priced(estimator)
        return self.with_groups(tuple(g.at(estimator, units) for g in self.groups), estimator, units, self.grounds)

    def with_groups(
        self, groups: tuple[DecisionFit, ...], estimator: MeanCurve, units: Units, grounds: Grounds | None
    ) -> Decisions:
        """Return the same recording decided anew: its groups, and with them comparisons, settings and notes."""
        if self.units is None:
            raise ValueError("decisions read back from JSON have no units")
        own = [*self.source.notes, *notes_of(self.units, self.groups)]
        kept = kept_settings(estimator, units, self.settings["by"], self.settings["seed"])
        return replace(
            self,
            groups=groups,
            settings={**self.settings, **kept},
            notes=(*self.source.notes, *notes_of(units, groups), *self.notes[len(own) :]),
            comparisons=None if grounds is None else grounds.compare(groups),
            units=units,
            grounds=grounds,
        )


def analyze_decisions(
    panel: Panel,
    *,
    by: str | Sequence[str] = (),
    estimator: MeanCurve | None = None,
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    predictors: Mapping[str, Family] | None = None,
) -> Decisions:
    """Decide for every group of a panel.

    Parameters
    ----------
    panel : Panel
    by : label columns, optional
        One group per combination of values; default all sessions together.
    estimator : MeanCurve, optional
    seed : int
    settings : mapping, optional
        Further settings to keep with the result (how the panel was read).
    progress : callable, optional
        Called with (done, total, label) before each group.
    predictors : mapping, optional
        Of other lenses by name, for forecasts.

    Returns
    -------
    Decisions

    Raises
    ------
    InputError
        No session has a score.
    """
    estimator = estimator or MeanCurve()
    refuse_unknown(estimator, panel)
    columns = list(as_names(by))
    every = panel.split(columns)
    parts = [(values, part) for values, part in every if scored(part)]
    if not parts:
        raise InputError("no session has a score, so nothing is held at any step.")
    only = [part for _, part in parts]
    resampled = shared_resampling(panel, only, column=estimator.cluster, n_boot=estimator.n_boot, seed=seed)
    units = units_of(estimator, only, panel)
    groups = fitted(estimator, parts, resampled, units, seed, progress, predictors)
    grounds = grounds_of(panel, only, groups, by=columns, column=estimator.cluster, level=estimator.level)
    against = None if grounds is None else grounds.compare(groups)
    return Decisions(
        groups=tuple(groups),
        objectives=panel.objectives,
        source=panel.source,
        n_sessions=panel.n_sessions,
        n_steps=len(panel),
        settings={**kept_settings(estimator, units, columns, seed), **(settings or {})},
        notes=(
            *panel.source.notes,
            *notes_of(units, groups),
            *_unscored(len(every) - len(parts)),
            *torn_note(against),
        ),
        comparisons=against,
        units=units,
        grounds=grounds,
    )


def fitted(
    estimator: MeanCurve,
    parts: Sequence[tuple[dict[str, str], Panel]],
    resampled: Sequence[Resampling],
    units: Units,
    seed: int,
    progress: Progress | None,
    predictors: Mapping[str, Family] | None,
) -> list[DecisionFit]:
    """Decide for one group after the other."""
    tell = progress or (lambda done, total, label: None)
    groups: list[DecisionFit] = []
    for k, ((values, part), resampling) in enumerate(zip(parts, resampled, strict=True)):
        label = label_of(values)
        tell(k, len(parts), label)
        rng = np.random.default_rng([seed, *label.encode()])
        fit = estimator.fit(part, resampling=resampling, label=label, units=units, rng=rng, predictors=predictors)
        groups.append(replace(fit, by=values))
    tell(len(parts), len(parts), "")
    return groups


def kept_settings(estimator: MeanCurve, units: Units, columns: list[str], seed: int) -> dict[str, Any]:
    """Return the settings that are kept with a result."""
    return {
        "by": columns,
        "cluster": estimator.cluster,
        "keep": units.keep,
        "select": estimator.select,
        "value": estimator.value,
        "weights": dict(units.value),
        "ended": estimator.ended,
        "price": units.price,
        "asked_price": estimator.price,
        "cost": units.cost,
        "worth": estimator.worth,
        "horizon": estimator.horizon,
        "scorer_noise": "none" if estimator.exact else None,
        "rules": estimator.rules,
        "guarantee": estimator.guarantee,
        "confidence": estimator.confidence if estimator.guarantee is not None else None,
        **forecast_settings(estimator),
        "bootstrap": estimator.n_boot,
        "level": estimator.level,
        "seed": seed,
    }


def _unscored(n: int) -> list[str]:
    return [f"{n} groups without any score are left out."] if n else []


def notes_of(units: Units, groups: Sequence[Decided]) -> list[str]:
    """Return what was guessed about keeping, weights, price and ends, in sentences."""
    out = [f"Kept: {units.keep} ({units.why})." if units.why != "as asked for" else f"Kept: {units.keep}."]
    if len(units.value) > 1:
        weights = ", ".join(f"{name} {weight:.3g}" for name, weight in units.value.items())
        out.append(f"One unit of each objective is worth: {weights}.")
    if units.by_default:
        out.append(
            f"A step is taken to cost {units.price:.2g}, {DEFAULT_PRICE} standard deviations of the value held between "
            "sessions; --price says what it costs."
        )
    out += [f"Ends: {said}." for said in dict.fromkeys(g.ends for g in groups if g.counts["n_cut"])]
    return out
