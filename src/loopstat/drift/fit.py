"""The result of a linear drift fit: estimates by their JSON path, regimes, checks, verdict; complete at birth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from ..arrays import Float
from ..inference.differences import ClusterInfluence
from ..inference.estimate import Estimate, show
from ..panel.noise import ScorerNoise
from ..panel.panel import Objective
from ..results.check import Check
from ..results.decision import Decided, StopVerdict
from ..results.document import view_of
from ..results.record import Record, inside, load, spread, written
from ..results.result import Table
from .choice import Choice, Rival
from .influence import Influence
from .maps.latent.thorough import Thorough
from .model import LinearSDE, nearest_covariance
from .readings.interference import CAUSES, MODEL_PARTS, PARTS
from .readings.paths import MeanPath
from .readings.regimes import Regime
from .readings.reversibility import Reversibility
from .readings.skill import BASELINES

COUNTS = ("n_sessions", "n_steps", "n_transitions", "n_dropped", "n_idle_sessions", "n_singular_draws")


DECIDED = (
    *("decision", "curve", "price_map", "rules", "certificate", "n_cut", "n_ended", "keep", "ends", "paid_in"),
    *("forecast", "decision_checks"),
)
"""Keys of a decision beside those of a fit."""


class DriftSettings(Protocol):
    """What a fit is told, and keeps: see `LinearDrift`."""

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        ...

    @property
    def estimator(self) -> str:
        """Name of the estimator asked for, or `auto`."""
        ...

    @property
    def scorer_noise(self) -> ScorerNoise | None:
        """The scorer's noise, where it is known."""
        ...

    @property
    def stops_at_bounds(self) -> bool:
        """The loop itself stops at its bounds."""
        ...

    @property
    def thorough(self) -> bool:
        """Also the slow parts of the latent fit."""
        ...


def _layout() -> dict[str, tuple[str, ...]]:
    """JSON path of each estimate to the keys of its ends."""
    drift = [f"drift.{name}" for name in ("A", "b", "Q", "M", "fixed_point", "equilibrium")]
    ahead = [f"interference.{name}" for name in (*PARTS, "start_spread", *MODEL_PARTS, "variance_shares")]
    rates = ["rate_euler", "rate_exact", "half_life", "step_90", "r2_increments", "r2_levels"]
    skills = [f"{kind}.{name}" for kind in ("skill", "skill_by_objective") for name in BASELINES]
    beside = ("{}_low", "{}_high")
    return {
        **dict.fromkeys(drift, beside),
        "drift.A": (*beside, "{}_p_value", "{}_p_adjusted"),
        "kept_end.mean": ("low", "high"),
        **dict.fromkeys(ahead, beside),
        "interference.total": ("low", "high", "p_value", "p_adjusted"),
        **dict.fromkeys((*rates, *skills), beside),
    }


LAYOUT = _layout()


def _kept(estimates: Mapping[str, Estimate]) -> tuple[str, ...]:
    """Return what holds nulls where it holds nothing: the drift of a regression that no estimator stands by."""
    return ("drift",) if "r2_levels" in estimates else ()


@dataclass(frozen=True, eq=False)
class LinearDriftFit(Record):
    """A fitted group: complete at birth, immutable.

    Attributes
    ----------
    label, by : str, dict
        The group's name and the label values that define it.
    settings : LinearDrift
    objectives : tuple of Objective
    lineage : bool
        Transitions are proposals.
    counts : dict
        Sessions, steps, transitions, dropped transitions, singular draws.
    clusters : dict
        Kind, number and choice of the resampling unit.
    model : LinearSDE or None
        The fitted loop, ready to `simulate`.
    estimates : dict
        Path in the JSON (`drift.A`, `rate_exact`, `interference.total`, ...) to Estimate.
    regimes : tuple of Regime
        Empty for lineages and where there is no fit.
    path : MeanPath
    checks : tuple of Check
    decided : Decided or None
        When to stop, where it was asked too; a fit alone does not say.
    influential : tuple of Influence
    reasons : dict
        JSON key that is null to the sentence that says why.
    draws : dict
        Bootstrap draws `M`, `b`, `Q` (not written to JSON).
    influence : dict
        Per-cluster influence values of `equilibrium`, `kept_end`, `rate_exact` and `coupling`, from which differences
        between groups get their errors (not written to JSON).
    estimator : Choice
        The estimator whose figures these are, what was seen and why it was chosen; its name is None where the data
        cannot tell.
    reversibility : Reversibility or None
    """

    KEYS = (
        *("label", "by", "counts", "lineage", "objectives", "clusters", "estimator", "estimators", "estimates"),
        *("r2_estimator", "skill_estimator", "thorough", "reversibility", "regimes", "path", "checks", "influential"),
        *("verdict", "decided", "reasons"),
    )

    label: str
    by: dict[str, str]
    settings: DriftSettings | None = field(default=None, kw_only=True)
    objectives: tuple[Objective, ...] = field(
        metadata=written(
            write=lambda given: [o.name for o in given], read=lambda names: tuple(Objective(name) for name in names)
        )
    )
    lineage: bool
    counts: dict[str, int] = field(metadata=spread(COUNTS))
    clusters: dict[str, Any]
    model: LinearSDE | None = field(default=None, kw_only=True)
    estimates: dict[str, Estimate] = field(metadata=spread(LAYOUT, kept=_kept))
    regimes: tuple[Regime, ...] = field(
        metadata=written(
            write=lambda given: given or None, read=lambda rows: tuple(load(Regime, row) for row in rows or ())
        )
    )
    path: MeanPath
    checks: tuple[Check, ...]
    influential: tuple[Influence, ...]
    reasons: dict[str, str]
    draws: dict[str, Float] = field(default_factory=dict, repr=False, compare=False)
    influence: dict[str, ClusterInfluence] = field(default_factory=dict, repr=False, compare=False)
    estimator: Choice = field(default_factory=lambda: Choice("pooled", "asked for."))
    reversibility: Reversibility | None = None
    decided: Decided | None = field(default=None, metadata=inside(*DECIDED))

    def __repr__(self) -> str:
        said = "" if self.verdict is None else f"\n{self.verdict.sentence}"
        return f"{self.summary()}{said}"

    @property
    def verdict(self) -> StopVerdict | None:
        """When to stop, in the form of every lens; None where that was not asked."""
        return None if self.decided is None else StopVerdict.of(self.decided.decision)

    def _repr_html_(self) -> str:
        return view_of(self)._repr_html_()

    @property
    def names(self) -> tuple[str, ...]:
        """Objective names."""
        return tuple(o.name for o in self.objectives)

    @property
    def drift(self) -> SimpleNamespace:
        """Estimates `A`, `b`, `Q`, `M`, `fixed_point` and, where the loop settles, `equilibrium`."""
        return self._part("drift")

    @property
    def interference(self) -> SimpleNamespace:
        """Estimates `total`, `drift`, `noise`, `transient`, `rest`, ... as far as they exist."""
        return self._part("interference")

    @property
    def skill(self) -> SimpleNamespace:
        """Held-out skill against `persistence`, `mean`, `constant_drift`, `running_mean`."""
        return self._part("skill")

    @property
    def equilibrium(self) -> Estimate | None:
        """Where the loop comes to rest, or None (see `reasons["equilibrium"]`)."""
        return self.estimates.get("drift.equilibrium")

    @property
    def kept_end(self) -> Estimate | None:
        """Observed mean of the last versions held, or None."""
        return self.estimates.get("kept_end.mean")

    @property
    def refused(self) -> bool:
        """True where a regression exists, but no estimator could tell which drift it hides."""
        return self.estimator.name is None and "r2_levels" in self.estimates

    @property
    def estimator_asked_for(self) -> bool:
        """True where the estimator was named, not chosen."""
        return self.settings is not None and self.settings.estimator == self.estimator.name

    @property
    def causes(self) -> tuple[str, ...]:
        """Parts the interference is taken into, which add up to its total, in the order of `interference.CAUSES`."""
        by_model = "interference.innovations" in self.estimates
        parts: tuple[str, ...] = MODEL_PARTS if by_model else () if self.refused else PARTS
        return tuple(cause for cause in CAUSES if cause in parts)

    def parts_of(self, i: int, j: int) -> dict[str, float]:
        """Return what each cause adds to the interference of two objectives, given by position."""
        found = {cause: self.estimates.get(f"interference.{cause}") for cause in self.causes}
        values = {cause: float(e.value[i, j]) for cause, e in found.items() if e is not None}
        return {cause: value for cause, value in values.items() if np.isfinite(value)}

    @property
    def skill_estimator(self) -> str | None:
        """Whose held-out predictions `skill` measures: a latent fit's own, otherwise the pooled regression's."""
        if not any(path.startswith("skill.") for path in self.estimates):
            return None
        return "latent" if self.estimator.name == "latent" else "pooled"

    @property
    def r2_estimator(self) -> str | None:
        """Whose R² the figures are."""
        return "pooled" if "r2_levels" in self.estimates else None

    @property
    def estimators(self) -> tuple[Rival, ...]:
        """What each estimator says of the slowest mode."""
        return self.estimator.rivals

    @property
    def thorough(self) -> Thorough | None:
        """What the slow parts add, where they were asked for."""
        return self.estimator.thorough

    def completed(self, data: Mapping[str, Any]) -> LinearDriftFit:
        """Return the fit with the estimators that were looked at."""
        slow = data["thorough"]
        rivals = tuple(load(Rival, row) for row in data["estimators"])
        found = replace(self.estimator, rivals=rivals, thorough=None if slow is None else load(Thorough, slow))
        return replace(self, estimator=found)

    def remade(self, settings: DriftSettings, objectives: Mapping[str, Objective]) -> LinearDriftFit:
        """Return the fit that was read with its settings, its objectives and the model its estimates make."""
        named = tuple(objectives[name] for name in self.names)
        model = None
        if "drift.A" in self.estimates:
            A, b, Q = (self.estimates[f"drift.{name}"].value for name in "AbQ")
            model = LinearSDE(A, b, nearest_covariance(Q), objectives=named)
        return replace(self, settings=settings, objectives=named, model=model)

    def _part(self, name: str) -> SimpleNamespace:
        split = (path.split(".") for path in self.estimates if path.startswith(f"{name}."))
        return SimpleNamespace(**{leaf: self.estimates[f"{name}.{leaf}"] for _, leaf in split})

    def check(self, name: str) -> Check:
        """Return a check by name."""
        return next(c for c in self.checks if c.name == name)

    def summary(self) -> Table:
        """Return the main figures, one row per objective."""
        rows = []
        for j, name in enumerate(self.names):
            cells = [name]
            for key in ("drift.equilibrium", "kept_end.mean", "r2_increments"):
                e = self.estimates.get(key)
                cells.append("-" if e is None else show(*(float(v[j]) for v in (e.value, e.low, e.high))))
            rows.append(tuple(cells))
        title = f"{self.label}: {self.counts['n_sessions']} sessions, {self.counts['n_transitions']} transitions"
        return Table(title, ("objective", "heads for", "ends at", "R² of changes"), tuple(rows))
