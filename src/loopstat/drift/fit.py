"""The result of a linear drift fit: estimates by their JSON path, regimes, checks, verdict; complete at birth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from ..arrays import Float
from ..inference.differences import ClusterInfluence
from ..inference.estimate import Estimate, show
from ..panel.panel import Objective
from ..results.document import view_of
from ..results.result import Check, Table, plain
from .choice import Choice, Rival
from .influence import Influence
from .maps.latent.thorough import Thorough
from .model import LinearSDE, nearest_covariance
from .readings.interference import CAUSES, MODEL_PARTS, PARTS
from .readings.paths import MeanPath
from .readings.regimes import Regime
from .readings.reversibility import Reversibility
from .readings.skill import BASELINES
from .verdict import Verdict

COUNTS = ("n_sessions", "n_steps", "n_transitions", "n_dropped", "n_idle_sessions", "n_singular_draws")


class FitSettings(Protocol):
    """What a fit keeps of its settings."""

    @property
    def level(self) -> float:
        """Coverage of the intervals."""
        ...


@dataclass(frozen=True)
class LinearDriftFit:
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
    verdict : Verdict
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

    label: str
    by: dict[str, str]
    settings: FitSettings
    objectives: tuple[Objective, ...]
    lineage: bool
    counts: dict[str, int]
    clusters: dict[str, Any]
    model: LinearSDE | None
    estimates: dict[str, Estimate]
    regimes: tuple[Regime, ...]
    path: MeanPath
    checks: tuple[Check, ...]
    verdict: Verdict
    influential: tuple[Influence, ...]
    reasons: dict[str, str]
    draws: dict[str, Float] = field(default_factory=dict, repr=False, compare=False)
    influence: dict[str, ClusterInfluence] = field(default_factory=dict, repr=False, compare=False)
    estimator: Choice = field(default_factory=lambda: Choice("pooled", "asked for."))
    reversibility: Reversibility | None = None

    def __repr__(self) -> str:
        return f"{self.summary()}\n{self.verdict.sentence}"

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

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of the group; see the glossary for every key."""
        out: dict[str, Any] = {"label": self.label, "by": dict(self.by), **self.counts, "lineage": self.lineage}
        out["objectives"] = list(self.names)
        out["clusters"] = dict(self.clusters)
        out["estimator"] = self.estimator.to_dict()
        out["estimators"] = [r.to_dict() for r in self.estimator.rivals]
        for key in ("drift", "kept_end", "interference"):
            out[key] = {}
        for path, keys in _LAYOUT.items():
            parent, _, leaf = path.rpartition(".")
            target = out
            for part in parent.split(".") if parent else ():
                target = target.setdefault(part, {})
            estimate = self.estimates.get(path)
            if estimate is None:
                target.update(dict.fromkeys((leaf, *keys)))
            else:
                estimate.put(target, leaf, keys)
        fitted = "r2_levels" in self.estimates
        for key in ("drift", "kept_end", "interference", "skill", "skill_by_objective"):
            if not any(path.startswith(f"{key}.") for path in self.estimates) and not (key == "drift" and fitted):
                out[key] = None
        out["r2_estimator"] = "pooled" if fitted else None
        out["skill_estimator"] = self.skill_estimator
        slow = self.estimator.thorough
        out["thorough"] = None if slow is None else slow.to_dict()
        out["reversibility"] = None if self.reversibility is None else self.reversibility.to_dict()
        out["regimes"] = [plain(r) for r in self.regimes] if self.regimes else None
        out["path"] = plain(vars(self.path))
        out["checks"] = [plain(c) for c in self.checks]
        out["influential"] = [plain(i) for i in self.influential]
        out["verdict"] = plain(self.verdict)
        out["reasons"] = dict(self.reasons)
        return out

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], *, settings: FitSettings, objectives: tuple[Objective, ...]
    ) -> LinearDriftFit:
        """Read back what `to_dict` wrote; bootstrap draws are not kept."""
        estimates = {}
        for path, keys in _LAYOUT.items():
            parent, _, leaf = path.rpartition(".")
            target: Any = data
            for part in parent.split(".") if parent else ():
                target = (target or {}).get(part)
            if target and target.get(leaf) is not None:
                estimates[path] = Estimate.take(target, leaf, keys)
        drift = data["drift"]
        model = None
        if drift and drift["A"] is not None:
            Q = nearest_covariance(np.array(drift["Q"]))
            model = LinearSDE(drift["A"], drift["b"], Q, objectives=objectives)
        told, reversible = data["estimator"], data["reversibility"]
        slow = None if data["thorough"] is None else Thorough.from_dict(data["thorough"])
        rivals = tuple(Rival.from_dict(r) for r in data["estimators"])
        path = data["path"]
        steps = [np.array(path[k], dtype=np.int64) for k in ("step", "n")]
        means = [np.array(path[k], dtype=np.float64) for k in ("mean", "low", "high")]
        return cls(
            label=data["label"],
            by=dict(data["by"]),
            settings=settings,
            objectives=objectives,
            lineage=data["lineage"],
            counts={k: data[k] for k in COUNTS},
            clusters=dict(data["clusters"]),
            model=model,
            estimates=estimates,
            regimes=tuple(Regime(**r) for r in data["regimes"] or ()),
            path=MeanPath(steps[0], steps[1], means[0], means[1], means[2], path["label"]),
            checks=tuple(Check(**c) for c in data["checks"]),
            verdict=Verdict(**data["verdict"]),
            influential=tuple(Influence(**i) for i in data["influential"]),
            reasons=dict(data["reasons"]),
            estimator=Choice(told["name"], told["why"], tuple(told["saw"]), rivals=rivals, thorough=slow),
            reversibility=None if reversible is None else Reversibility.from_dict(reversible),
        )


def _layout() -> dict[str, tuple[str, ...]]:
    """JSON path of each estimate to the keys of its ends."""
    beside = ["drift.A", "drift.b", "drift.Q", "drift.M", "drift.fixed_point", "drift.equilibrium"]
    beside += ["rate_euler", "rate_exact", "half_life", "step_90", "r2_increments", "r2_levels"]
    beside += [f"{kind}.{name}" for kind in ("skill", "skill_by_objective") for name in BASELINES]
    beside += [f"interference.{name}" for name in (*PARTS, "start_spread", *MODEL_PARTS, "variance_shares")]
    out: dict[str, tuple[str, ...]] = {p: (f"{p.split('.')[-1]}_low", f"{p.split('.')[-1]}_high") for p in beside}
    out["drift.A"] += ("A_p_value", "A_p_adjusted")
    out["kept_end.mean"] = ("low", "high")
    out["interference.total"] = ("low", "high", "p_value", "p_adjusted")
    return out


_LAYOUT = _layout()
