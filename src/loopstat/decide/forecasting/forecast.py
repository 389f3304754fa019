"""What a new session, or one under way, will hold; how likely a target is, at a step and by it.

Within the record a new session is any of those recorded, the cut ones carried on by a predictor; beyond it all of them
are carried on. Parameters are drawn anew for a part of the draws, from clusters drawn with replacement, so that bands
are those of a session under all that is not known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from ...arrays import Bool, Float, Int, summed_rows
from ...errors import SettingsError
from ...inference.clusters import Clusters
from ...inference.estimate import Estimate
from ...inference.intervals import jackknife_variance, left_out_ratio, share_with_error
from ...panel.ends import SuccessBar
from ...panel.model import Rng
from ...panel.panel import Panel
from ...parameters import nearest
from ...results.forecast import Bands, Forecast, Prediction, TargetChance
from ..ahead import horizon, steps_ahead
from ..held import Ends, Grid, Keeping
from .averaged import Averaged
from .baselines import Mean, Persistence
from .donors import Donors
from .hazard import Hazard
from .held_out import beyond_record, choose, quality_of, within_record
from .histories import Histories, apart, histories_of, space_of
from .predictors import Drawn, Family

VARIANTS = 24  # times that parameters are drawn
NUMBERS = 3_000_000  # drawn for a new session, over sessions, steps and draws
MOST_SESSIONS = 4000  # that stand for a new one and are learned from; of more, so many at random
ONE_SESSION = 2400  # draws of a session under way
FEW_STEPS = 10  # recorded moves below which nothing is foretold


class ForecastSettings(Protocol):
    """What a forecast needs to know of its settings."""

    @property
    def forecast(self) -> bool: ...
    @property
    def target(self) -> Mapping[str, float]: ...
    @property
    def session(self) -> str | None: ...
    @property
    def scores(self) -> Sequence[float]: ...
    @property
    def horizon(self) -> int | None: ...
    @property
    def level(self) -> float: ...


@dataclass(frozen=True)
class Laid:
    """One group's rows laid out: the panel by session and step, how versions are kept, how sessions end, clusters."""

    panel: Panel
    grid: Grid
    keeping: Keeping
    ends: Ends
    clusters: Clusters
    bar: SuccessBar | None


def asked_for(settings: ForecastSettings) -> bool:
    """Return whether anything is to be foretold."""
    return bool(settings.forecast or settings.target or settings.session is not None or len(settings.scores))


def forecast_settings(settings: ForecastSettings) -> dict[str, Any]:
    """Return what was asked for, to be kept with the result; nothing where nothing was."""
    if not asked_for(settings):
        return {}
    asked = {"target": dict(settings.target), "session": settings.session, "scores": list(settings.scores)}
    return {"forecast": True, **{name: value for name, value in asked.items() if value}}


def refuse_unknown(settings: ForecastSettings, panel: Panel) -> None:
    """Refuse targets and sessions that a recording does not have.

    Raises
    ------
    SettingsError
    """
    for name in settings.target:
        if name not in panel.names:
            raise nearest(name, panel.names, "objective of the target")
    if settings.session is not None and settings.session not in panel.session_names:
        some = ", ".join(panel.session_names[:3])
        raise SettingsError(f"no session {settings.session!r} among {panel.n_sessions:,} ({some}, ...).")


def forecast_of(
    laid: Laid, settings: ForecastSettings, n_steps: int, rng: Rng, handed: Mapping[str, Family] | None = None
) -> Forecast:
    """Foretell what sessions of one group will hold.

    Parameters
    ----------
    laid : Laid
    settings : ForecastSettings
    n_steps : int
        Recorded steps that can be judged.
    rng : Generator
    handed : mapping, optional
        Predictors of other lenses by name; used for levels where they beat the averaged curve on held-out clusters.
    """
    space, columns = space_of(laid.panel, laid.keeping, laid.bar, tuple(settings.target))
    whole = histories_of(laid.panel, laid.grid, laid.keeping, laid.ends, laid.clusters, space, columns)
    h = whole.until(n_steps - 1)
    if len(h) > MOST_SESSIONS:
        h = h.take(np.sort(rng.permutation(len(h))[:MOST_SESSIONS]))
    if len(h.moves.place) < FEW_STEPS or h.n_clusters < 2:
        said = f"{len(h.moves.place)} recorded steps of {h.n_clusters} clusters are too few to foretell from."
        return Forecast(None, said, len(h))
    first, families = families_of(h)
    lent = dict(handed or {}) if first == "averaged curve" else {}
    judged = within_record(h, families | lent, rng)
    used = choose(judged, first, (*lent, *(name for name in families if name == "sessions alike")))
    ahead = steps_ahead(h.steps, horizon(h.steps, settings.horizon))
    family = (families | lent)[used]
    fitted = Drawn.of(family, h, len(ahead), VARIANTS, rng)
    foretold = _Foretelling(h, fitted, np.concatenate([h.steps, ahead]), settings, rng)
    later = beyond_record(h, families | lent, rng)
    return Forecast(
        used,
        f"{used}, from {len(h):,} sessions; what is foretold are recorded scores, the noise of their scorer included.",
        len(h),
        foretold.new_session(),
        _one_session(foretold, whole, laid.panel, settings),
        quality_of(judged, used, settings.level),
        quality_of(later, used, settings.level),
    )


def families_of(h: Histories) -> tuple[str, dict[str, Family]]:
    """Return the name of the predictor to use where none does better, and all that are judged beside it."""
    beaten: dict[str, Family] = {"persistence": Persistence.fit, "mean": Mean.fit}
    if h.space.keep == "success" and h.x.shape[2] == 1 and set(np.unique(h.x[~np.isnan(h.x)])) <= {0.0, 1.0}:
        return "hazard", {"hazard": Hazard.fit, "constant hazard": Hazard.constant, **beaten}
    alike = "sessions alike" if h.space.keep == "last" else "records"
    own: dict[str, Family] = {"averaged curve": Averaged.fit, alike: Donors.fit}
    return ("averaged curve" if h.space.keep == "last" else alike), {**own, **beaten}


def _one_session(f: _Foretelling, whole: Histories, panel: Panel, settings: ForecastSettings) -> Prediction | None:
    if len(settings.scores):
        return f.session(_given(whole, settings.scores), "scores")
    if settings.session is None or settings.session not in panel.session_names:
        return None
    row = np.flatnonzero(whole.session == panel.session_names.index(settings.session))
    return f.session(whole.take(row), settings.session) if len(row) else None


def _given(h: Histories, scores: Sequence[float]) -> Histories:
    """Return a session of which the scores of the one objective are given."""
    space = h.space
    if len(space.names) != 1:
        said = ", ".join(space.names)
        raise SettingsError(f"`scores` are those of one objective, and {said} count. Name one with `objectives`.")
    x = np.asarray(scores, dtype=np.float64)
    if space.keep in ("best", "success"):
        x = space.signs[0] * np.maximum.accumulate(space.signs[0] * x)
    path = x[None, :, None]
    nought, last = np.zeros(1, dtype=np.int64), np.array([len(x) - 1], dtype=np.int64)
    return Histories(space, path, path, last, space.at_bar(path[:, -1]), nought, nought, h.steps)


@dataclass(frozen=True)
class _Foretelling:
    """Recorded sessions, predictors with parameters drawn each for itself, and the steps looked at."""

    h: Histories
    fitted: Drawn
    steps: Int
    settings: ForecastSettings
    rng: Rng

    def new_session(self) -> Prediction:
        """Foretell a session of which nothing is known: any of the recorded ones, carried on."""
        h = self.h
        draws = NUMBERS // (len(h) * len(self.steps) * len(h.space.names) * VARIANTS)
        paths = self._paths(h, len(self.steps), int(np.clip(draws, 1, 20)))
        target = self._target(paths, self.steps, new=True)
        recorded = int(self.h.steps[-1])
        return Prediction("new", int(self.steps[0]), recorded, self._bands(paths, self.steps), target)

    def session(self, own: Histories, name: str) -> Prediction:
        """Foretell one session, given all that it has held."""
        last, gap = int(own.last[0]), apart(self.h.steps)
        n = max(len(self.steps), last + 2)
        more = np.arange(1, n - len(self.steps) + 1) * gap
        steps = np.concatenate([self.steps, self.steps[-1] + more])
        paths = self._paths(own, n, ONE_SESSION // VARIANTS)
        target = self._target(paths, steps, new=False)
        seen = slice(last, None)
        if target is not None:
            target = replace(target, at=_known(target.at[seen], own), by=_known(target.by[seen], own))
        bands = self._bands(paths[..., seen, :], steps[seen])
        return Prediction(name, int(steps[last]), int(self.h.steps[-1]), bands, target)

    def _paths(self, h: Histories, n_steps: int, draws: int) -> Float:
        """Return what is known of sessions and draws of the rest, shape (VARIANTS, draws, n, n_steps, k)."""
        places = np.arange(n_steps)
        seen = np.minimum(places, h.x.shape[1] - 1)
        known = np.where((places <= h.last[:, None])[:, :, None], h.x[:, seen], np.nan)
        out = np.broadcast_to(known, (len(self.fitted.variants), draws, *known.shape)).copy()
        open_ = np.flatnonzero(h.last < n_steps - 1)
        if not len(open_):
            return out
        part = h.take(open_)
        first = int(part.last.min())
        row, place = np.nonzero(places > part.last[:, None])
        for v, predictor in enumerate(self.fitted.variants):
            later = predictor.predict(part, n_steps - 1 - first, self.rng, draws)
            out[v][:, open_[row], place] = later[:, row, place - part.last[row] - 1]
        return out

    def _bands(self, paths: Float, steps: Int) -> Bands:
        value = (paths @ self.h.space.value).reshape(-1, len(steps))
        low90, low50, high50, high90 = np.quantile(value, [0.05, 0.25, 0.75, 0.95], axis=0)
        return Bands(steps, value.mean(axis=0), low90, low50, high50, high90)

    def _target(self, paths: Float, steps: Int, *, new: bool) -> TargetChance | None:
        wanted = self.settings.target
        if not wanted:
            return None
        space = self.h.space
        met: Bool = np.ones(paths.shape[:-1], dtype=bool)
        for name, bar in wanted.items():
            j = space.names.index(name)
            met &= space.signs[j] * (paths[..., j] - bar) >= -1e-12 * max(abs(bar), 1.0)
        at = self._chance(met, new=new)
        by = self._chance(np.maximum.accumulate(met, axis=-1), new=new)
        half = np.flatnonzero(by.value >= 0.5)
        return TargetChance(dict(wanted), at, by, int(steps[half[0]]) if len(half) else None)

    def _chance(self, met: Bool, *, new: bool) -> Estimate:
        """Return shares of draws with intervals: what clusters vary, and what the parameters drawn vary.

        Parameters
        ----------
        met : bool array, shape (VARIANTS, draws, n, n_steps)
        new : bool
            The sessions are those recorded; False for one that is given: then parameters alone vary.
        """
        each = met.mean(axis=(0, 1))
        p = each.mean(axis=0)
        by_variant = met.mean(axis=(1, 2))
        by_chance = (each * (1 - each)).mean(axis=0) / (met.shape[1] * met.shape[2])
        variance = np.maximum(by_variant.var(axis=0, ddof=1) - by_chance, 0.0) + by_chance / len(met)
        n, cluster = self.h.n_clusters, self.h.cluster
        if new:
            top, count = (summed_rows(cluster, table, n) for table in (each, np.ones_like(each)))
            alone = jackknife_variance(left_out_ratio(top, count))
            # Clusters decide both which sessions there are and the parameters: what they share counts twice.
            counts = self.fitted.counts
            drawn = counts @ each / counts.sum(axis=1, keepdims=True)
            shared = np.sum((drawn - drawn.mean(axis=0)) * (by_variant - by_variant.mean(axis=0)), axis=0)
            variance = np.maximum(alone + variance + 2 * shared / (len(met) - 1), alone)
        level = self.settings.level
        found = [
            share_with_error(float(q), float(np.sqrt(v)), n, df=n - 1, level=level)
            for q, v in zip(p, variance, strict=True)
        ]
        return Estimate(p, [float(e.low) for e in found], [float(e.high) for e in found], level=level)


def _known(e: Estimate, own: Histories) -> Estimate:
    """Return chances of a session with those that are known as they are: at its last step, and later if it ended."""
    known = np.arange(len(e.value)) < (len(e.value) if own.ended[0] else 1)
    return Estimate(e.value, np.where(known, e.value, e.low), np.where(known, e.value, e.high), level=e.level)
