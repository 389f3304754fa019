"""One fit in the making: statistics of the data, of bootstrap draws and without each cluster, put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..arrays import Float, Int, group_starts
from ..inference.differences import ClusterInfluence
from ..inference.estimate import Estimate
from ..inference.fieller import fixed_point_interval
from ..inference.intervals import (
    Scale,
    cluster_means,
    jackknife_interval,
    jackknife_variance,
    mean_by_cluster,
    percentile_interval,
)
from ..inference.resample import FEW_CLUSTERS, Resampling
from ..inference.tests import holm, jackknife_p
from ..panel.model import Rng
from ..panel.panel import Pairs, Panel
from ..results.check import Check
from .checks import Evidence, cluster_of_sessions, constant_objectives, run_checks, white_scores
from .choice import Choice, Material, choose
from .derive import derive, read_with, scaled_drift
from .fit import Influence, LinearDriftFit
from .model import LinearSDE, nearest_covariance
from .readings.interference import MODEL_PARTS, PARTS, PathSums, start_moments
from .readings.paths import MeanPath, mean_path, stop_on_success
from .readings.regimes import Regime, oscillation_test, read_regimes
from .readings.reversibility import Reversibility, reversibility_test
from .readings.skill import BASELINES, Skill, cluster_folds, held_out_skill
from .sums import Grams, Moments
from .verdict import Situation, decide

if TYPE_CHECKING:
    from .settings import LinearDrift

SCALES: dict[str, Scale] = {
    "modulus": "modulus",
    "interference.total": "fisher",
    "r2_increments": "share",
    "r2_levels": "share",
}
# Squares: at 0 every draw lies above the estimate, so percentiles never hold the truth, however many sessions.
SQUARES = {"r2_increments", "r2_levels"}
SQUARES |= {f"interference.{k}" for k in (*PARTS, "start_spread", *MODEL_PARTS)}
OF_POOLED = ("r2_increments", "r2_levels")  # always the regression's own
MANY_CLUSTERS = 2000  # up to here the mean path is also had without each cluster
INFLUENTIAL = 5
NO_PATHS: tuple[Float | None, Float | None] = (None, None)
OF_DRIFT = ("regimes", "rate_euler", "rate_exact", "half_life", "step_90", "reversibility")


class Work:
    """One fit in the making: statistics of the data, of the bootstrap draws, and of the data without each cluster."""

    def __init__(self, settings: LinearDrift, panel: Panel, resampling: Resampling, rng: Rng) -> None:
        self.settings, self.panel, self.rng = settings, panel, rng
        self.weights = resampling.weights
        self.clusters = resampling.clusters
        self.pairs: Pairs = panel.pairs()
        self.cluster = self.clusters.row[self.pairs.end]
        self.grams = Grams.of(self.pairs, self.cluster, self.clusters.names)
        self.filled = np.flatnonzero(self.grams.g[:, 0, 0] > 0)
        self.n_clusters = len(self.filled)
        self.moments = Moments.of(self.grams.total(), self.grams)
        self.left_moments = Moments.of(self.grams.left_out()[self.filled], self.grams)
        self.boot_moments = Moments.of(self.grams.weighted(resampling.weights), self.grams)
        # Without draws there are no percentiles: leaving clusters out then serves any number of them.
        self.few = self.n_clusters < FEW_CLUSTERS or len(resampling.weights) == 0
        self.fits = not bool(self.moments.singular[0]) and self.n_clusters > 0
        self.reasons: dict[str, str] = {}
        self.estimates: dict[str, Estimate] = {}
        # A lineage, or one session alone, has no mean path that could be told from its own course.
        self.paths = (
            PathSums.of(self.pairs, self.cluster, len(self.grams), self.grams.centre)
            if self.fits and not panel.lineage and panel.n_sessions > 1
            else None
        )
        self.choice = Choice("pooled", "asked for.") if self.fits else Choice(None, "")
        self.left_names = tuple(self.clusters.names[k] for k in self.filled)
        if self.fits:
            self._derive(resampling.weights)

    def _derive(self, weights: Int) -> None:
        nothing = (None, None)
        paths = self.paths
        self.point = derive(self.moments, *(paths.total() if paths else nothing))
        self.boot = derive(self.boot_moments, *(paths.weighted(weights) if paths else nothing))
        light = paths is None or self.n_clusters > MANY_CLUSTERS
        left = nothing if light or paths is None else tuple(part[self.filled] for part in paths.left_out())
        self.left = derive(self.left_moments, *left)
        self.left_path: Float | None = None if paths is None else paths.left_out()[1][self.filled]

    # ------------------------------------------------------------------ the estimator

    @property
    def refused(self) -> bool:
        """True where the regression exists and the data cannot tell which drift it hides."""
        return self.fits and self.choice.name is None

    @property
    def pooled(self) -> bool:
        """True where the figures are those of the pooled regression."""
        return self.choice.estimated is None

    def _choose(self, weights: Int, white: bool, fold: Int | None) -> None:
        """Choose the estimator and, where it is not the pooled regression, let its figures take the place."""
        from threadpoolctl import threadpool_limits

        settings = self.settings
        material = Material(
            panel=self.panel, pairs=self.pairs, clusters=self.clusters, filled=self.filled, moments=self.moments,
            left_moments=self.left_moments, weights=weights, white=white, scorer_noise=settings.scorer_noise,
            stops=stop_on_success(self.panel) is not None, stops_at_bounds=settings.stops_at_bounds, fold=fold,
            level=settings.level, thorough=self.rng.spawn(1)[0] if settings.thorough else None,
        )  # fmt: skip
        # Many small factorisations: threads of the linear algebra library only wait for one another.
        with threadpool_limits(1):
            self.choice = choose(material, settings.estimator)
        if self.choice.estimated is not None:
            self._adopt(weights)

    def _adopt(self, weights: Int) -> None:
        found, left_out = self.choice.estimated, self.choice.left_out
        assert found is not None  # noqa: S101
        assert left_out is not None  # noqa: S101
        self.pooled_point, self.pooled_left = self.point, self.left
        left = Moments.of(self.grams.total() - left_out.sums(self.grams.g), self.grams)
        whole = without = drawn = NO_PATHS
        if self.paths is not None:
            sums, first = whole = self.paths.total()
            without = sums - left_out.sums(self.paths.sums), first - left_out.sums(self.paths.first)
            drawn = self.paths.weighted(weights)
        self.moments, self.point = read_with(self.moments, found.point, *whole)
        self.left_moments, self.left = read_with(left, found.left, *without)
        self.boot_moments, self.boot = read_with(self.boot_moments, found.boot, *drawn)
        self.left_path, self.left_names = without[1], left_out.names

    # ------------------------------------------------------------------ intervals

    def _ends(self, name: str) -> tuple[Float, Float]:
        # A statistic that cannot be had without some cluster has no leave-one-out interval; neither does its bootstrap.
        level = self.settings.level
        own = self.pooled or name not in OF_POOLED
        point, left = (self.point, self.left) if own else (self.pooled_point, self.pooled_left)
        if self.few or not self.pooled or (name in SQUARES and np.isfinite(left[name]).all()):
            return jackknife_interval(point[name][0], left[name], level, SCALES.get(name, "identity"))
        return percentile_interval(self.boot[name], level)

    def _estimate(self, name: str) -> None:
        own = self.pooled or name not in OF_POOLED
        value = (self.point if own else self.pooled_point)[name][0]
        if not np.isnan(value).all():
            self.estimates[name] = Estimate(value, *self._ends(name))

    # ------------------------------------------------------------------ the parts of the answer

    def fit(self, label: str) -> LinearDriftFit:
        """Put the result together."""
        level = self.settings.level
        session_cluster = cluster_of_sessions(self.panel, self.clusters)
        self._ends_at(session_cluster)
        radius = (np.nan, np.nan, np.nan)
        regimes: tuple[Regime, ...] = ()
        skill: Skill | None = None
        pooled = self.moments, self.left_moments
        reversible: Reversibility | None = None
        if self.fits:
            skill = self._skill()
            for name in OF_POOLED:
                self._estimate(name)
            if self.refused:
                self._refuse()
            else:
                self._drift()
                radius = self._radius()
                regimes = self._regimes()
                self._long_run(radius)
                reversible = self._reversibility()
            self._interference()
        else:
            self._no_fit()
        evidence = Evidence(
            self.panel, self.pairs, self.clusters, self.n_clusters, self.grams, *pooled,
            skill, radius, stop_on_success(self.panel), self.choice,
        )  # fmt: skip
        checks = run_checks(evidence)
        influential = self._influential()
        path = mean_path(self.panel, session_cluster, len(self.clusters), level)
        if not next(c for c in checks if c.name == "stops_on_success").passed:
            path = replace(path, label="unfinished sessions only")
        verdict = decide(self._situation(evidence, checks, path, session_cluster, influential))
        return LinearDriftFit(
            label=label,
            by={},
            settings=self.settings,
            objectives=self.panel.objectives,
            lineage=self.panel.lineage,
            counts=self._counts(),
            clusters={"kind": self.clusters.kind, "n": self.n_clusters, "sentence": self.clusters.sentence},
            model=self._model(),
            estimates=self.estimates,
            regimes=regimes,
            path=path,
            checks=checks,
            verdict=verdict,
            influential=influential,
            reasons=self.reasons,
            draws={"M": self.boot_moments.M, "b": self.boot_moments.b, "Q": self.boot_moments.Q},
            influence=self._influence_values(session_cluster),
            estimator=self.choice,
            reversibility=reversible,
        )

    def _counts(self) -> dict[str, int]:
        return {
            "n_sessions": self.panel.n_sessions,
            "n_steps": len(self.panel),
            "n_transitions": len(self.pairs),
            "n_dropped": self.pairs.n_dropped,
            "n_idle_sessions": self.panel.n_sessions - len(np.unique(self.pairs.session)),
            "n_singular_draws": int(np.sum(self.boot_moments.singular)),
        }

    def _model(self) -> LinearSDE | None:
        if not self.fits or self.refused:
            return None
        m = self.moments
        # A difference of covariances may have a negative eigenvalue; no loop can.
        Q = m.Q[0] if self.pooled else nearest_covariance(m.Q[0])
        return LinearSDE(m.A[0], m.b[0], Q, objectives=self.panel.objectives)

    def _no_fit(self) -> None:
        flat = constant_objectives(self.panel, self.pairs) if len(self.pairs) else []
        why = (
            "no transition has all objectives at both ends"
            if len(self.pairs) == 0
            else f"{', '.join(flat)} never changes"
            if flat
            else f"{len(self.pairs)} transitions are too few, or the objectives are exact copies of one another"
        )
        for key in ("drift", *OF_DRIFT):
            self.reasons[key] = f"No drift could be fitted: {why}."
        for key in ("r2_increments", "r2_levels", "skill", "skill_by_objective", "interference"):
            self.reasons[key] = self.reasons["drift"]
        self.choice = Choice(None, self.reasons["drift"])

    def _refuse(self) -> None:
        for key in ("drift", *OF_DRIFT):
            self.reasons[key] = _sentence(self.choice.why)

    def _ends_at(self, session_cluster: Int) -> None:
        session, x = self.panel.ends()
        if len(session) == 0:
            self.reasons["kept_end"] = "No session holds a version with all objectives present."
            return
        self.estimates["kept_end.mean"] = mean_by_cluster(
            x, session_cluster[session], len(self.clusters), level=self.settings.level
        )

    def _drift(self) -> None:
        for name in ("drift.A", "drift.b", "drift.Q", "drift.M"):
            self._estimate(name)
        a = self.estimates["drift.A"]
        p = jackknife_p(self.point["drift.A"][0], self.left["drift.A"])
        coupled = np.where(np.eye(len(p), dtype=bool), np.nan, p)
        self.estimates["drift.A"] = Estimate(a.value, a.low, a.high, p, holm(coupled))

    def _radius(self) -> tuple[float, float, float]:
        low, high = self._ends("modulus")
        return float(self.point["modulus"][0, 0]), float(low[0]), float(high[0])

    def _regimes(self) -> tuple[Regime, ...]:
        if self.panel.lineage:
            why = "Proposals of a lineage start from chosen versions: their map has no long run of its own."
            for key in ("regimes", "rate_euler", "rate_exact", "half_life", "step_90"):
                self.reasons[key] = why
            return ()
        M = self.moments.M[0]
        values = self.point["eigen"][0]
        p = oscillation_test(M, self.boot_moments.M)
        intervals = {key: self._ends(key) for key in ("re", "im", "modulus")}
        return read_regimes(values, intervals, self.boot["eigen"], length=self._median_length(), p_oscillation=p)

    def _median_length(self) -> float:
        return float(np.median(np.diff(np.r_[group_starts(self.pairs.session), len(self.pairs)])))

    def _long_run(self, radius: tuple[float, float, float]) -> None:
        if self.panel.lineage:
            self._fixed_point()
            self.reasons["equilibrium"] = (
                "Proposals plus selection make the loop: the proposals' fixed point is not where it heads."
            )
            return
        self._estimate("rate_euler")
        with np.errstate(divide="ignore"):
            rate = [-np.log(r) for r in (radius[0], radius[2], radius[1])]
        self.estimates["rate_exact"] = Estimate(*rate)
        self._half_life(radius)
        self._fixed_point()
        if radius[2] < 1:
            self.estimates["drift.equilibrium"] = self.estimates["drift.fixed_point"]
        else:
            self.reasons["equilibrium"] = (
                f"The slowest mode of {radius[0]:.3g} has an interval up to {radius[2]:.3g}: "
                "with 1 inside it the fixed point is no place of rest."
            )

    def _half_life(self, radius: tuple[float, float, float]) -> None:
        if radius[0] >= 1:
            self.reasons["half_life"] = "The slowest mode does not shrink."
            return
        value, low, high = (np.log(2) / -np.log(r) if 0 < r < 1 else (np.inf if r >= 1 else 0.0) for r in radius)
        self.estimates["half_life"] = Estimate(value, low, high)

    def _fixed_point(self) -> None:
        point = self.point["fixed_point"][0]
        centre, scale = self.grams.centre, self.grams.scale
        coefficients = scaled_drift(self.moments, centre, scale)[0]
        left = scaled_drift(self.left_moments, centre, scale)
        low, high = fixed_point_interval(coefficients, left, (point - centre) / scale, self.settings.level)
        self.estimates["drift.fixed_point"] = Estimate(point, centre + scale * low, centre + scale * high)

    def _skill(self) -> Skill | None:
        """Skill of the pooled drift; then the choice of an estimator, and its own skill where it predicts."""
        fold = cluster_folds(self.grams, self.rng)
        skill = None if fold is None else self._held_out(fold)
        white = skill is not None and white_scores(self.panel, self.clusters, skill)[1] is None
        self._choose(self.weights, white or skill is None, fold)
        if fold is None or skill is None:
            for key in ("skill", "skill_by_objective"):
                self.reasons[key] = "Fewer than two clusters: nothing can be held out."
            return None
        shown = skill if self.choice.errors is None else self._held_out(fold, self.choice.errors)
        for name in BASELINES:
            self.estimates[f"skill.{name}"] = Estimate(*shown.overall[name])
            self.estimates[f"skill_by_objective.{name}"] = Estimate(*shown.by_objective[name])
            if np.isnan(shown.overall[name][0]):
                self.reasons[f"skill.{name}"] = "This baseline makes no error here, so nothing can be saved."
        return shown

    def _held_out(self, fold: Int, errors: Float | None = None) -> Skill:
        return held_out_skill(
            self.panel, self.pairs, self.grams, self.cluster, fold=fold, level=self.settings.level, errors=errors
        )

    def _reversibility(self) -> Reversibility | None:
        why = (
            "Proposals of a lineage have no steady state."
            if self.panel.lineage
            else "One objective alone is always reversible in a linear loop."
            if self.panel.n_obj == 1
            else None
        )
        if why is None and not np.linalg.eigvalsh(self.moments.Q[0])[0] > 0:
            why = "The noise found is no covariance matrix: an estimator that takes differences can overshoot."
        if why is None:
            m, left = self.moments, self.left_moments
            found = reversibility_test(m.M[0], m.Q[0], left.M, left.Q, len(self.pairs), self.settings.level)
            if np.isfinite(found.p_value) or np.isfinite(found.entropy_production):
                return found
            why = "Too few clusters for a test of all pairs of objectives."
        self.reasons["reversibility"] = why
        return None

    def _interference(self) -> None:
        n = self.panel.n_obj
        off = 1 - np.eye(n)
        total, low, high = self.point["interference.total"][0], *self._ends("interference.total")
        z, z_left = np.arctanh(np.clip(total, -1 + 1e-12, 1 - 1e-12)), self.left["interference.total"]
        p = jackknife_p(z, np.arctanh(np.clip(z_left, -1 + 1e-12, 1 - 1e-12)))
        p[np.eye(n, dtype=bool)] = np.nan
        upper = np.triu_indices(n, 1)
        adjusted = np.full((n, n), np.nan)
        adjusted[upper] = adjusted[upper[::-1]] = holm(p[upper])
        if n > 1:
            self.estimates["interference.total"] = Estimate(total, low * off, high * off, p, adjusted)
        else:
            self.reasons["interference"] = "One objective alone has nothing to interfere with."
            return
        parts = PARTS if self.pooled else MODEL_PARTS
        if self.refused:
            for name in dict.fromkeys((*PARTS, "start_spread", *MODEL_PARTS, "variance_shares")):
                self.reasons[f"interference.{name}"] = self.reasons["drift"]
            return
        shares = []
        for name in (*parts, "start_spread", "misfit") if self.pooled else parts:
            value = self.point[f"interference.{name}"][0]
            if np.isnan(value).all():
                self.reasons[f"interference.{name}"] = self._no_part()
                continue
            ends = self._ends(f"interference.{name}")
            self.estimates[f"interference.{name}"] = Estimate(value * off, ends[0] * off, ends[1] * off)
            if name in parts:
                shares.append([np.diag(part) for part in (value, *ends)])
        if len(shares) == len(parts):
            self.estimates["interference.variance_shares"] = Estimate(*np.array(shares).swapaxes(0, 1))
        else:
            self.reasons["interference.variance_shares"] = self._no_part()
        other = MODEL_PARTS[:-1] if self.pooled else (*PARTS, "start_spread")
        why = (
            "The pooled regression takes interference apart into drift, noise, transient and rest."
            if self.pooled
            else f"The {self.choice.name} estimator takes interference apart into {', '.join(MODEL_PARTS)}."
        )
        for name in other:
            self.reasons[f"interference.{name}"] = why

    def _no_part(self) -> str:
        if self.panel.lineage:
            return "Proposals of a lineage have no steady state and no transient."
        if self.panel.n_sessions == 1:
            return "One session alone: its transient cannot be told from its course."
        return "The fitted loop has no steady state (spectral radius of M at least 1)."

    # ------------------------------------------------------------------ influence and verdict

    def _influential(self) -> tuple[Influence, ...]:
        if not self.fits or self.refused or self.n_clusters < 3:
            return ()
        rows = [r for r in self._influences() if np.isfinite(r.shift_in_se)]
        best: dict[str, Influence] = {}
        for row in sorted(rows, key=lambda r: -abs(r.shift_in_se)):
            best.setdefault(row.cluster, row)
        return tuple(best.values())[:INFLUENTIAL]

    def _influence_values(self, session_cluster: Int) -> dict[str, ClusterInfluence]:
        kind, names = self.clusters.kind, self.clusters.names
        out = {}
        if "kept_end.mean" in self.estimates:
            session, x = self.panel.ends()
            at = session_cluster[session]
            left = cluster_means(x, at, len(names))[1]
            out["kept_end"] = ClusterInfluence.of(kind, [names[k] for k in np.unique(at)], left)
        if not self.fits or self.refused or self.n_clusters < 3:
            return out
        filled = self.left_names
        left_out = self.choice.left_out
        kind = kind if left_out is None or left_out.single else "block"  # groups of clusters are shared with nobody
        out["coupling"] = ClusterInfluence.of(kind, filled, self.left["drift.A"])
        if "drift.equilibrium" in self.estimates:
            out["equilibrium"] = ClusterInfluence.of(kind, filled, self.left["fixed_point"])
        if "rate_exact" in self.estimates:
            out["rate_exact"] = ClusterInfluence.of(kind, filled, self.left["rate_exact"])
        return out

    def _influences(self) -> list[Influence]:
        names = self.left_names
        answers: list[tuple[str, float, Float]] = []
        if not self.panel.lineage:
            answers.append(("rate_exact", float(self.point["rate_exact"][0]), self.left["rate_exact"]))
            if "drift.equilibrium" in self.estimates:
                answers += self._columns("equilibrium", self.point["fixed_point"][0], self.left["fixed_point"])
        a, left = self.point["drift.A"][0], self.left["drift.A"]
        answers += [
            (f"drift {to}<-{of}", float(a[i, j]), left[:, i, j])
            for i, to in enumerate(self.panel.names)
            for j, of in enumerate(self.panel.names)
        ]
        out = []
        for quantity, value, without in answers:
            se = float(np.sqrt(jackknife_variance(without)))
            if not se > 0:
                continue
            for k in np.argsort(-np.abs(without - value))[:INFLUENTIAL]:
                shift = float(without[k] - value)
                out.append(Influence(names[k], quantity, shift, shift / se))
        return out

    def _columns(self, quantity: str, value: Float, left: Float) -> list[tuple[str, float, Float]]:
        return [(f"{quantity} {n}", float(value[j]), left[:, j]) for j, n in enumerate(self.panel.names)]

    def _situation(
        self,
        evidence: Evidence,
        checks: tuple[Check, ...],
        path: MeanPath,
        session_cluster: Int,
        influential: tuple[Influence, ...],
    ) -> Situation:
        situation = Situation(
            panel=self.panel,
            checks={c.name: c for c in checks},
            cluster_kind=self.clusters.kind,
            n_clusters=self.n_clusters,
            median_length=self._median_length() if len(self.pairs) else 0.0,
            path=path,
            session_cluster=session_cluster,
            n_all_clusters=len(self.clusters),
            stop_rule=evidence.stop_rule,
            radius=evidence.radius,
            level=self.settings.level,
        )
        if self.refused:
            return replace(situation, refusal=self.choice.why)
        if not self.fits or self.panel.lineage:
            return situation
        if self.paths is None:
            self.reasons["step_90"] = "One session alone has no mean start to measure the way from."
            return situation
        situation = situation.with_gaps(
            M=(self.moments.M, self.boot_moments.M, self.left_moments.M),
            gap=tuple(d["gap"] for d in (self.point, self.boot, self._left_gaps())),
            spread=np.sqrt(np.diag(self.moments.cov_x[0])),
            names=self.left_names,
            influential=tuple(i.cluster for i in influential),
        )
        if situation.step_90 is not None:
            self.estimates["step_90"] = Estimate(*situation.step_90)
        else:
            self.reasons["step_90"] = "The slowest mode's interval reaches 1: there is no end of the way."
        return situation

    def _left_gaps(self) -> dict[str, Float]:
        if "gap" in self.left:
            return self.left
        assert self.left_path is not None  # noqa: S101 - gaps are asked for only where a mean path exists
        return {"gap": self.grams.centre + start_moments(self.left_path)[0] - self.left["fixed_point"]}


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
