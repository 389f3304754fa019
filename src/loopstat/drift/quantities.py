"""Every quantity a linear drift fit reports: one row each, evaluated alone, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..inference.estimate import Estimate
from ..inference.fieller import fixed_point_interval
from ..inference.intervals import Scale, jackknife, means_of_sums, percentile_interval, to_scale
from ..inference.tests import holm, jackknife_p
from .choice import Choice
from .derive import scaled_drift
from .group import Group, Reading
from .readings.interference import MODEL_PARTS, PARTS
from .readings.regimes import half_life, oscillation_test, read_regimes
from .readings.rest import not_borne_out
from .readings.reversibility import reversibility_test
from .readings.skill import BASELINES, Skill
from .readings.way import way_to_rest

HALF_LIFE_CLUSTERS = 20

Owner = Literal["chosen", "pooled", "data"]
Need = Literal["nothing", "fit", "drift", "long run"]


@dataclass(frozen=True)
class Found:
    """A fitted group before its quantities are read off: the sums, the choice, and the estimators' readings.

    Attributes
    ----------
    group : Group
    level : float
    choice : Choice
    reading : Reading
        Of the estimator chosen; of the pooled regression where that was chosen or none could be.
    skill : Skill or None
    """

    group: Group
    level: float
    choice: Choice
    reading: Reading
    skill: Skill | None

    @property
    def refused(self) -> bool:
        """True where the regression exists and the data cannot tell which drift it hides."""
        return self.group.fits and self.choice.name is None

    @property
    def pooled(self) -> bool:
        """True where the figures are those of the pooled regression."""
        return self.choice.estimated is None

    def estimate(self, name: str, row: Quantity | None = None) -> Estimate:
        """Return a derived figure, its interval by leaving clusters out where they are few, else by bootstrap."""
        row = row or ROWS.get(name) or Quantity(name)
        reading = self.reading_of(row)
        value, left = reading.point[name][0], reading.left[name]
        # A figure that cannot be had without some cluster has no leave-one-out interval; neither does its bootstrap.
        if self.group.few or not self.pooled or (row.square and np.isfinite(left).all()):
            return jackknife(value, left, level=self.level, scale=row.scale)
        return Estimate(value, *percentile_interval(reading.boot[name], self.level), level=self.level)

    def reading_of(self, row: Quantity) -> Reading:
        """Return whose reading a quantity is taken from."""
        return self.group.pooled if row.owner == "pooled" else self.reading

    @cached_property
    def radius(self) -> tuple[float, float, float]:
        """Slowest modulus with its interval; NaN where there is no drift."""
        if not self.group.fits or self.refused:
            return np.nan, np.nan, np.nan
        return self.estimate("modulus")[0].triple

    @cached_property
    def hull(self) -> tuple[float, float, float]:
        """Slowest modulus, its interval the hull of those of all estimators that stand: no test is sure to pick one."""
        value, *own = self.radius
        ends = np.array([own, *(r.modulus.triple[1:] for r in self.choice.rivals if r.stands)])
        return value, float(np.fmin.reduce(ends[:, 0])), float(np.fmax.reduce(ends[:, 1]))

    @cached_property
    def fixed_point(self) -> Estimate:
        """Fixed point of the fitted map with Fieller's region."""
        moments, grams = self.reading.point.moments, self.group.grams
        centre, scale = grams.centre, grams.scale
        point = self.reading.point["fixed_point"][0]
        coefficients = scaled_drift(moments, centre, scale)[0]
        left = scaled_drift(self.reading.left.moments, centre, scale)
        low, high = fixed_point_interval(coefficients, left, (point - centre) / scale, self.level)
        return Estimate(point, centre + scale * low, centre + scale * high)


@dataclass(frozen=True)
class QuantityValue:
    """What a quantity turned out to be, and why what is missing of it is missing: JSON key to sentence."""

    value: Any = None
    reasons: dict[str, str] = field(default_factory=dict)


Read = Callable[["Found", "Quantity"], QuantityValue]


def _derived(f: Found, row: Quantity) -> QuantityValue:
    """Read what `derive` made of the batches."""
    found = f.estimate(row.name, row)
    return QuantityValue() if np.isnan(found.value).all() else QuantityValue(found)


@dataclass(frozen=True)
class Quantity:
    """One quantity of a fit.

    Attributes
    ----------
    name : str
        Path in the JSON.
    scale : str
        On which its interval is taken.
    owner : str
        Whose figure it is: that of the estimator chosen, always the pooled regression's, or the data's own.
    needs : str
        What it cannot be had without: a regression (`fit`), an estimator that could be told (`drift`), or a loop that
        goes on by itself (`long run`).
    unit, words : str
    square : bool
        A square: at 0 every draw lies above the estimate, so percentiles never hold the truth, however many sessions.
    read : callable
    """

    name: str
    scale: Scale = "identity"
    owner: Owner = "chosen"
    needs: Need = "drift"
    unit: str = ""
    words: str = ""
    square: bool = False
    read: Read = _derived

    @property
    def key(self) -> str:
        """JSON key whose null is explained where the quantity cannot be had."""
        return "drift" if self.name.startswith("drift.") else self.name

    def of(self, found: Found) -> QuantityValue:
        """Return the quantity of a fitted group, or why it cannot be had."""
        if self.needs == "nothing":
            return self.read(found, self)
        if not found.group.fits:
            return QuantityValue(reasons={self.key.split(".")[0]: found.choice.why})
        if self.needs != "fit" and found.refused:
            return _refusal(found, self)
        if self.needs == "long run" and found.group.observed.lineage:
            why = "Proposals of a lineage start from chosen versions: their map has no long run of its own."
            return QuantityValue(reasons={self.key: why})
        return self.read(found, self)


def _refusal(f: Found, row: Quantity) -> QuantityValue:
    return QuantityValue(reasons={row.key: f.choice.why[:1].upper() + f.choice.why[1:]})


def answers(found: Found, rows: Iterable[Quantity] | None = None) -> dict[str, QuantityValue]:
    """Return every quantity of a fitted group by name; the order of the rows changes nothing."""
    return {row.name: row.of(found) for row in (QUANTITIES if rows is None else rows)}


# ------------------------------------------------------------------------ how they are read


def _coupling(f: Found, row: Quantity) -> QuantityValue:
    A = f.estimate(row.name, row)
    p = jackknife_p(A.value, f.reading.left[row.name])
    coupled = np.where(np.eye(len(p), dtype=bool), np.nan, p)
    return QuantityValue(replace(A, p=p, p_adjusted=holm(coupled)))


def _kept_end(f: Found, row: Quantity) -> QuantityValue:
    ends = f.group.observed.ends
    if not ends[:, 0].any():
        return QuantityValue(reasons={"kept_end": "No session holds a version with all objectives present."})
    return QuantityValue(jackknife(*means_of_sums(ends), level=f.level))


def _fixed_point(f: Found, row: Quantity) -> QuantityValue:
    return QuantityValue(f.fixed_point)


def _equilibrium(f: Found, row: Quantity) -> QuantityValue:
    if f.group.observed.lineage:
        why = "Proposals plus selection make the loop: the proposals' fixed point is not where it heads."
        return QuantityValue(reasons={"equilibrium": why})
    if f.radius[2] < 1:
        why_not = not_borne_out(f.group, f.fixed_point, f.level)
        return QuantityValue(f.fixed_point) if why_not is None else QuantityValue(reasons={"equilibrium": why_not})
    why = (
        f"The slowest mode of {f.radius[0]:.3g} has an interval up to {f.radius[2]:.3g}: "
        "with 1 inside it the fixed point is no place of rest."
        if np.isfinite(f.radius[2])
        else f"The slowest mode of {f.radius[0]:.3g} has no upper end, so the loop may not come to rest."
    )
    return QuantityValue(reasons={"equilibrium": why})


def _rate_exact(f: Found, row: Quantity) -> QuantityValue:
    with np.errstate(divide="ignore"):
        return QuantityValue(Estimate(*(-np.log(f.hull[k]) for k in (0, 2, 1))))


def _half_life(f: Found, row: Quantity) -> QuantityValue:
    if f.radius[0] >= 1:
        return QuantityValue(reasons={row.key: "The slowest mode does not shrink."})
    if (n := f.group.n_independent) < HALF_LIFE_CLUSTERS:
        why = f"{n} independent clusters: below {HALF_LIFE_CLUSTERS} no interval of a half-life holds."
        return QuantityValue(reasons={row.key: why})
    return QuantityValue(Estimate(*map(half_life, f.hull)))


def _step_90(f: Found, row: Quantity) -> QuantityValue:
    group, reading = f.group, f.reading
    if group.paths is None:
        return QuantityValue(reasons={row.key: "One session alone has no mean start to measure the way from."})
    if not f.radius[2] < 1:
        return QuantityValue(reasons={row.key: "The slowest mode's interval reaches 1: there is no end of the way."})
    maps = (reading.point.moments.M, reading.boot.moments.M, reading.left.moments.M)
    gaps = (reading.point["gap"], reading.boot["gap"], reading.left_gap)
    spread = np.sqrt(np.diag(reading.point.moments.cov_x[0]))
    return QuantityValue(Estimate(*way_to_rest(maps, gaps, spread, f.level)))


def _regimes(f: Found, row: Quantity) -> QuantityValue:
    reading = f.reading
    p = oscillation_test(reading.point.moments.M[0], reading.boot.moments.M)
    modes = {key: f.estimate(key) for key in ("re", "im", "modulus")}
    slowest = None if f.group.n_independent < HALF_LIFE_CLUSTERS else f.hull
    length = f.group.observed.median_length
    return QuantityValue(read_regimes(modes, reading.boot["eigen"], slowest, length=length, p_oscillation=p))


def _reversibility(f: Found, row: Quantity) -> QuantityValue:
    seen, m, left = f.group.observed, f.reading.point.moments, f.reading.left.moments
    if seen.lineage:
        return QuantityValue(reasons={row.key: "Proposals of a lineage have no steady state."})
    if seen.n_obj == 1:
        return QuantityValue(reasons={row.key: "One objective alone is always reversible in a linear loop."})
    if not np.linalg.eigvalsh(m.Q[0])[0] > 0:
        why = "The noise found is no covariance matrix: an estimator that takes differences can overshoot."
        return QuantityValue(reasons={row.key: why})
    found = reversibility_test(m.M[0], m.Q[0], left.M, left.Q, f.group.observed.n_transitions, f.level)
    if np.isfinite(found.p_value) or np.isfinite(found.entropy_production.value):
        return QuantityValue(found)
    return QuantityValue(reasons={row.key: "Too few clusters for a test of all pairs of objectives."})


def _skill(f: Found, row: Quantity) -> QuantityValue:
    kind, baseline = row.name.split(".")
    if f.skill is None:
        return QuantityValue(reasons={kind: "Fewer than two clusters: nothing can be held out."})
    shown = f.skill.overall if kind == "skill" else f.skill.by_objective
    nothing = kind == "skill" and np.isnan(f.skill.overall[baseline].value)
    why = {row.name: "This baseline makes no error here, so nothing can be saved."} if nothing else {}
    return QuantityValue(shown[baseline], why)


# ------------------------------------------------------------------------- interference


def _apart(read: Read) -> Read:
    """Read a part only where there is interference to take apart."""

    def guarded(f: Found, row: Quantity) -> QuantityValue:
        if f.group.observed.n_obj == 1:
            return QuantityValue(reasons={"interference": "One objective alone has nothing to interfere with."})
        return _refusal(f, row) if f.refused and row.name != "interference.total" else read(f, row)

    return guarded


def _total(f: Found, row: Quantity) -> QuantityValue:
    n = f.group.observed.n_obj
    p = jackknife_p(*(to_scale(v, row.scale) for v in (f.reading.point[row.name][0], f.reading.left[row.name])))
    p[np.eye(n, dtype=bool)] = np.nan
    upper = np.triu_indices(n, 1)
    p[upper[::-1]] = p[upper]  # but for rounding they are
    adjusted = np.full((n, n), np.nan)
    adjusted[upper] = adjusted[upper[::-1]] = holm(p[upper])
    return QuantityValue(replace(_off_diagonal(f.estimate(row.name, row)), p=p, p_adjusted=adjusted))


def _off_diagonal(e: Estimate) -> Estimate:
    off = 1 - np.eye(len(e.value))
    return Estimate(*(part * off for part in (e.value, e.low, e.high)))


def _part(f: Found, row: Quantity) -> QuantityValue:
    """A part of the interference: which parts there are depends on the estimator."""
    if row.name not in _parts(f):
        why = (
            "The pooled regression takes interference apart into drift, noise, transient and rest."
            if f.pooled
            else f"The {f.choice.name} estimator takes interference apart into {', '.join(MODEL_PARTS)}."
        )
        return QuantityValue(reasons={row.key: why})
    found = f.estimate(row.name, row)
    if np.isnan(found.value).all():
        return QuantityValue(reasons={row.key: _no_part(f)})
    return QuantityValue(_off_diagonal(found))


def _parts(f: Found) -> tuple[str, ...]:
    parts = (*PARTS, "start_spread", "misfit") if f.pooled else MODEL_PARTS
    return tuple(f"interference.{name}" for name in parts)


def _shares(f: Found, row: Quantity) -> QuantityValue:
    """What each part makes of the variances: the diagonals of the parts."""
    names = [f"interference.{name}" for name in (PARTS if f.pooled else MODEL_PARTS)]
    parts = [f.estimate(name) for name in names]
    if any(np.isnan(part.value).all() for part in parts):
        return QuantityValue(reasons={row.key: _no_part(f)})
    shares = [[np.diag(v) for v in (part.value, part.low, part.high)] for part in parts]
    return QuantityValue(Estimate(*np.array(shares).swapaxes(0, 1)))


def _no_part(f: Found) -> str:
    if f.group.observed.lineage:
        return "Proposals of a lineage have no steady state and no transient."
    if f.group.observed.n_sessions == 1:
        return "One session alone: its transient cannot be told from its course."
    return "The fitted loop has no steady state (spectral radius of M at least 1)."


def _interference(name: str, words: str) -> Quantity:
    return Quantity(
        f"interference.{name}", unit="correlation", needs="fit", words=words, square=True, read=_apart(_part)
    )


def _held_out(kind: str, baseline: str) -> Quantity:
    words = f"error saved on held-out clusters against `{baseline}`"
    return Quantity(f"{kind}.{baseline}", needs="fit", unit="share", words=words, read=_skill)


QUANTITIES: tuple[Quantity, ...] = (
    Quantity("kept_end.mean", "identity", "data", "nothing", "score", "mean of the last versions held", read=_kept_end),
    *(_held_out(kind, name) for kind in ("skill", "skill_by_objective") for name in BASELINES),
    Quantity("r2_increments", "share", "pooled", "fit", "share", "share of the changes explained", square=True),
    Quantity("r2_levels", "share", "pooled", "fit", "share", "share of the levels explained", square=True),
    Quantity("drift.A", unit="1/step", words="effect of a level on a change", read=_coupling),
    Quantity("drift.b", unit="score/step", words="drift at the origin"),
    Quantity("drift.Q", unit="score²/step", words="covariance of the noise"),
    Quantity("drift.M", unit="1", words="one-step map"),
    Quantity("drift.fixed_point", unit="score", words="where the drift is 0", read=_fixed_point),
    Quantity("drift.equilibrium", unit="score", words="where the loop comes to rest", read=_equilibrium),
    Quantity("regimes", needs="long run", words="what each mode does", read=_regimes),
    Quantity("rate_euler", needs="long run", unit="1/step", words="-max Re(m - 1)"),
    Quantity("rate_exact", needs="long run", unit="1/step", words="-log of the slowest modulus", read=_rate_exact),
    Quantity("half_life", needs="long run", unit="steps", words="steps that halve a distance", read=_half_life),
    Quantity("step_90", needs="long run", unit="steps", words="steps for 90 % of the way", read=_step_90),
    Quantity("reversibility", words="circulation of the linear loop", read=_reversibility),
    Quantity("interference.total", "fisher", needs="fit", unit="correlation", words="of changes", read=_apart(_total)),
    _interference("drift", "from the drift"),
    _interference("noise", "from noise shared within a step"),
    _interference("transient", "from starting away from rest"),
    _interference("rest", "what remains"),
    _interference("start_spread", "from the spread of the starts"),
    _interference("innovations", "from what is new in the loop at each step"),
    _interference("scorer", "from noise of the scorer"),
    _interference("feedback", "from earlier innovations working their way back"),
    _interference("mean_path", "from the mean of all sessions moving"),
    _interference("first_steps", "from sessions that differ in their first step"),
    _interference("misfit", "what the model does not account for"),
    Quantity(
        "interference.variance_shares", unit="share", needs="fit", words="parts of the variances", read=_apart(_shares)
    ),
)
ROWS = {row.name: row for row in QUANTITIES}
ROWS["modulus"] = Quantity("modulus", "modulus", unit="1", words="share of a distance left after one step")
