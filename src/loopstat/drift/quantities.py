"""Every quantity a linear drift fit reports: one row each, evaluated alone, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np

from ..arrays import Float
from ..inference.fieller import fixed_point_interval
from ..inference.intervals import Scale, jackknife_interval, jackknife_variance, mean_by_cluster, percentile_interval
from ..inference.tests import holm, student_p
from ..results.result import Estimate
from .choice import Choice
from .derive import scaled_drift
from .group import Group, Reading
from .readings.interference import MODEL_PARTS, PARTS
from .readings.regimes import oscillation_test, read_regimes
from .readings.reversibility import reversibility_test
from .readings.skill import BASELINES, Skill
from .readings.way import way_to_rest

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

    def ends(self, name: str, row: Quantity | None = None) -> tuple[Float, Float]:
        """Return the interval of a derived figure: by leaving clusters out where they are few, else by bootstrap."""
        row = row or ROWS.get(name) or Quantity(name)
        reading = self.reading_of(row)
        left = reading.left[name]
        # A figure that cannot be had without some cluster has no leave-one-out interval; neither does its bootstrap.
        if self.group.few or not self.pooled or (row.square and np.isfinite(left).all()):
            return jackknife_interval(reading.point[name][0], left, self.level, row.scale)
        return percentile_interval(reading.boot[name], self.level)

    def reading_of(self, row: Quantity) -> Reading:
        """Return whose reading a quantity is taken from."""
        return self.group.pooled if row.owner == "pooled" else self.reading

    @cached_property
    def radius(self) -> tuple[float, float, float]:
        """Slowest modulus with its interval; NaN where there is no drift."""
        if not self.group.fits or self.refused:
            return np.nan, np.nan, np.nan
        low, high = self.ends("modulus")
        return float(self.reading.point["modulus"][0, 0]), float(low[0]), float(high[0])

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

    @cached_property
    def way(self) -> Way | None:
        """The way from the mean start to the fixed point; None where there is none."""
        group, reading = self.group, self.reading
        if not group.fits or self.refused or group.panel.lineage or group.paths is None:
            return None
        gap = reading.point["gap"], reading.boot["gap"], reading.left_gap
        spread = np.sqrt(np.diag(reading.point.moments.cov_x[0]))
        if not self.radius[2] < 1:
            return Way(gap, spread, None, np.zeros(0))
        maps = (reading.point.moments.M, reading.boot.moments.M, reading.left.moments.M)
        step_90, left = way_to_rest(maps, gap, spread, self.level)
        return Way(gap, spread, step_90, left)


@dataclass(frozen=True)
class Way:
    """The way from the mean start to rest.

    Attributes
    ----------
    gap : arrays (batch, n_obj)
        Mean start minus fixed point: the estimate, bootstrap draws, and without each cluster.
    spread : array, shape (n_obj,)
        Standard deviations of the scores.
    step_90 : (value, low, high) or None
        First step at which 90 % of the way is gone; None where the slowest mode's interval reaches 1.
    left : array, shape (n_left,)
        That step without each cluster.
    """

    gap: tuple[Float, Float, Float]
    spread: Float
    step_90: tuple[float, float, float] | None
    left: Float


@dataclass(frozen=True)
class Answer:
    """What a quantity turned out to be, and why what is missing of it is missing: JSON key to sentence."""

    value: Any = None
    reasons: dict[str, str] = field(default_factory=dict)


Read = Callable[["Found", "Quantity"], Answer]


def _derived(f: Found, row: Quantity) -> Answer:
    """Read what `derive` made of the batches."""
    value = f.reading_of(row).point[row.name][0]
    return Answer() if np.isnan(value).all() else Answer(Estimate(value, *f.ends(row.name, row)))


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

    def of(self, found: Found) -> Answer:
        """Return the quantity of a fitted group, or why it cannot be had."""
        if self.needs == "nothing":
            return self.read(found, self)
        if not found.group.fits:
            return Answer(reasons={self.key.split(".")[0]: found.choice.why})
        if self.needs != "fit" and found.refused:
            return _refusal(found, self)
        if self.needs == "long run" and found.group.panel.lineage:
            why = "Proposals of a lineage start from chosen versions: their map has no long run of its own."
            return Answer(reasons={self.key: why})
        return self.read(found, self)


def _refusal(f: Found, row: Quantity) -> Answer:
    return Answer(reasons={row.key: f.choice.why[:1].upper() + f.choice.why[1:]})


def answers(found: Found, rows: Iterable[Quantity] | None = None) -> dict[str, Answer]:
    """Return every quantity of a fitted group by name; the order of the rows changes nothing."""
    return {row.name: row.of(found) for row in (QUANTITIES if rows is None else rows)}


# ------------------------------------------------------------------------ how they are read


def _coupling(f: Found, row: Quantity) -> Answer:
    A = f.reading.point[row.name][0]
    p = _p_values(A, f.reading.left[row.name])
    coupled = np.where(np.eye(len(p), dtype=bool), np.nan, p)
    return Answer(Estimate(A, *f.ends(row.name, row), p, holm(coupled)))


def _p_values(value: Float, left: Float) -> Float:
    if len(left) < 2:
        return np.full(value.shape, np.nan)
    se = np.sqrt(jackknife_variance(left))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(se > 0, student_p(value / np.where(se > 0, se, 1.0), len(left) - 1), np.nan)


def _kept_end(f: Found, row: Quantity) -> Answer:
    group = f.group
    session, x = group.panel.ends()
    if len(session) == 0:
        return Answer(reasons={"kept_end": "No session holds a version with all objectives present."})
    return Answer(mean_by_cluster(x, group.of_session[session], len(group.clusters), level=f.level))


def _fixed_point(f: Found, row: Quantity) -> Answer:
    return Answer(f.fixed_point)


def _equilibrium(f: Found, row: Quantity) -> Answer:
    if f.group.panel.lineage:
        why = "Proposals plus selection make the loop: the proposals' fixed point is not where it heads."
        return Answer(reasons={"equilibrium": why})
    if f.radius[2] < 1:
        return Answer(f.fixed_point)
    why = (
        f"The slowest mode of {f.radius[0]:.3g} has an interval up to {f.radius[2]:.3g}: "
        "with 1 inside it the fixed point is no place of rest."
        if np.isfinite(f.radius[2])
        else f"The slowest mode of {f.radius[0]:.3g} has no upper end, so the loop may not come to rest."
    )
    return Answer(reasons={"equilibrium": why})


def _rate_exact(f: Found, row: Quantity) -> Answer:
    with np.errstate(divide="ignore"):
        return Answer(Estimate(*(-np.log(f.radius[k]) for k in (0, 2, 1))))


def _half_life(f: Found, row: Quantity) -> Answer:
    if f.radius[0] >= 1:
        return Answer(reasons={row.key: "The slowest mode does not shrink."})
    ends = (np.log(2) / -np.log(r) if 0 < r < 1 else (np.inf if r >= 1 else 0.0) for r in f.radius)
    return Answer(Estimate(*ends))


def _step_90(f: Found, row: Quantity) -> Answer:
    if f.way is None:
        return Answer(reasons={row.key: "One session alone has no mean start to measure the way from."})
    if f.way.step_90 is None:
        return Answer(reasons={row.key: "The slowest mode's interval reaches 1: there is no end of the way."})
    return Answer(Estimate(*f.way.step_90))


def _regimes(f: Found, row: Quantity) -> Answer:
    reading = f.reading
    p = oscillation_test(reading.point.moments.M[0], reading.boot.moments.M)
    intervals = {key: f.ends(key) for key in ("re", "im", "modulus")}
    values, draws = reading.point["eigen"][0], reading.boot["eigen"]
    return Answer(read_regimes(values, intervals, draws, length=f.group.median_length, p_oscillation=p))


def _reversibility(f: Found, row: Quantity) -> Answer:
    panel, m, left = f.group.panel, f.reading.point.moments, f.reading.left.moments
    if panel.lineage:
        return Answer(reasons={row.key: "Proposals of a lineage have no steady state."})
    if panel.n_obj == 1:
        return Answer(reasons={row.key: "One objective alone is always reversible in a linear loop."})
    if not np.linalg.eigvalsh(m.Q[0])[0] > 0:
        why = "The noise found is no covariance matrix: an estimator that takes differences can overshoot."
        return Answer(reasons={row.key: why})
    found = reversibility_test(m.M[0], m.Q[0], left.M, left.Q, len(f.group.pairs), f.level)
    if np.isfinite(found.p_value) or np.isfinite(found.entropy_production):
        return Answer(found)
    return Answer(reasons={row.key: "Too few clusters for a test of all pairs of objectives."})


def _skill(f: Found, row: Quantity) -> Answer:
    kind, baseline = row.name.split(".")
    if f.skill is None:
        return Answer(reasons={kind: "Fewer than two clusters: nothing can be held out."})
    shown = f.skill.overall if kind == "skill" else f.skill.by_objective
    nothing = kind == "skill" and np.isnan(f.skill.overall[baseline][0])
    why = {row.name: "This baseline makes no error here, so nothing can be saved."} if nothing else {}
    return Answer(Estimate(*shown[baseline]), why)


# ------------------------------------------------------------------------- interference


def _apart(read: Read) -> Read:
    """Read a part only where there is interference to take apart."""

    def guarded(f: Found, row: Quantity) -> Answer:
        if f.group.panel.n_obj == 1:
            return Answer(reasons={"interference": "One objective alone has nothing to interfere with."})
        return _refusal(f, row) if f.refused and row.name != "interference.total" else read(f, row)

    return guarded


def _total(f: Found, row: Quantity) -> Answer:
    n = f.group.panel.n_obj
    total, low, high = f.reading.point[row.name][0], *f.ends(row.name, row)
    z, z_left = (np.arctanh(np.clip(v, -1 + 1e-12, 1 - 1e-12)) for v in (total, f.reading.left[row.name]))
    p = _p_values(z, z_left)
    p[np.eye(n, dtype=bool)] = np.nan
    upper = np.triu_indices(n, 1)
    adjusted = np.full((n, n), np.nan)
    adjusted[upper] = adjusted[upper[::-1]] = holm(p[upper])
    off = 1 - np.eye(n)
    return Answer(Estimate(total, low * off, high * off, p, adjusted))


def _part(f: Found, row: Quantity) -> Answer:
    """A part of the interference: which parts there are depends on the estimator."""
    if row.name not in _parts(f):
        why = (
            "The pooled regression takes interference apart into drift, noise, transient and rest."
            if f.pooled
            else f"The {f.choice.name} estimator takes interference apart into {', '.join(MODEL_PARTS)}."
        )
        return Answer(reasons={row.key: why})
    value = f.reading.point[row.name][0]
    if np.isnan(value).all():
        return Answer(reasons={row.key: _no_part(f)})
    off = 1 - np.eye(f.group.panel.n_obj)
    return Answer(Estimate(value * off, *(end * off for end in f.ends(row.name, row))))


def _parts(f: Found) -> tuple[str, ...]:
    parts = (*PARTS, "start_spread", "misfit") if f.pooled else MODEL_PARTS
    return tuple(f"interference.{name}" for name in parts)


def _shares(f: Found, row: Quantity) -> Answer:
    """What each part makes of the variances: the diagonals of the parts."""
    names = [f"interference.{name}" for name in (PARTS if f.pooled else MODEL_PARTS)]
    values = [f.reading.point[name][0] for name in names]
    if any(np.isnan(value).all() for value in values):
        return Answer(reasons={row.key: _no_part(f)})
    shares = [[np.diag(part) for part in (v, *f.ends(name))] for name, v in zip(names, values, strict=True)]
    return Answer(Estimate(*np.array(shares).swapaxes(0, 1)))


def _no_part(f: Found) -> str:
    if f.group.panel.lineage:
        return "Proposals of a lineage have no steady state and no transient."
    if f.group.panel.n_sessions == 1:
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
