"""Where a statement holds: points over the ranges of the controls, and the map of what was found at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from loopstat.arrays import Bool, Float
from loopstat.inference.estimate import Estimate
from loopstat.inference.intervals import quantile, share
from loopstat.inference.tests import holm
from loopstat.moves.settings import PARAMETERS, PRESETS, SCENARIOS, MoveSettings
from loopstat.results.record import dump, plain

Verdict = Literal["holds", "holds in part", "does not hold", "cannot tell"]

CONTROLS = (
    *("human_prior", "model_prior", "oracle_resolution", "edit_radius", "candidates", "reviewers", "correlation"),
    *("difficulty", "target_reliability", "reviewer_proposals", "decay_rate"),
    *("tr_alpha", "tr_beta", "tr_a_low", "tr_a_high"),
)
PARTS = 4  # into which the range of a control is cut for the map
MOST, LEAST = 0.75, 0.1  # shares of the range from which a statement holds, and below which it does not
FEW = 10  # decided points below which nothing is said


@dataclass(frozen=True)
class Points:
    """Settings at which statements are judged: named ones first, then points over the whole range.

    Attributes
    ----------
    names : tuple of str
        Of the named ones.
    settings : tuple of MoveSettings
    """

    names: tuple[str, ...]
    settings: tuple[MoveSettings, ...]

    @classmethod
    def over_ranges(cls, n: int, seed: int) -> Points:
        """Return the page's defaults, presets and scenarios, and a Latin square of `n` points over the sliders.

        Every control's range is cut into n equal parts, each met once, in an order drawn for every control alone.
        """
        named = {"page": MoveSettings()}
        named |= {name: MoveSettings.of(preset=name) for name in PRESETS}
        named |= {name: MoveSettings.of(scenario=name) for name in SCENARIOS}
        rng = np.random.default_rng([seed, 3])
        cells = {name: (rng.permutation(n) + rng.random(n)) / n for name in CONTROLS}
        made = [_at({name: float(cells[name][k]) for name in CONTROLS}) for k in range(n)]
        return cls(tuple(named), (*named.values(), *made))

    def first(self, n: int) -> Points:
        """Return the named points and the first `n` of the others."""
        return Points(self.names, self.settings[: len(self.names) + n])

    @property
    def ranged(self) -> slice:
        """The places of the points over the range."""
        return slice(len(self.names), None)

    def values(self, name: str) -> Float:
        """Return one control at the points over the range."""
        return np.array([float(getattr(s, name)) for s in self.settings[self.ranged]])


def _at(cell: Mapping[str, float]) -> MoveSettings:
    """Return the settings at a place in the unit cube; the radius is that of a fixed step, up to its slider's end."""
    values: dict[str, Any] = {}
    for name, u in cell.items():
        low, high = PARAMETERS[name].slider or (0.0, 1.0)
        whole = PARAMETERS[name].whole
        values[name] = int(low + min(u, 1 - 1e-12) * (high - low + 1)) if whole else low + u * (high - low)
    return MoveSettings(policy="vibe", **values)


# ------------------------------------------------------------------------------------ what was found


@dataclass(frozen=True)
class Figure:
    """One figure behind a verdict.

    Attributes
    ----------
    name, meaning : str
    value : Estimate
    """

    name: str
    meaning: str
    value: Estimate

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return dump(self)


@dataclass(frozen=True)
class Case:
    """One named setting: its figure, and whether the statement holds there (None: cannot be said)."""

    name: str
    value: Estimate
    holds: bool | None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return dump(self)


@dataclass(frozen=True)
class ControlMap:
    """Share of the points where a statement holds, by quarter of one control's range.

    Attributes
    ----------
    name : str
    edges : float array, shape (5,)
    shares, counts : float arrays, shape (4,)
        NaN where no point was decided.
    p_value, p_adjusted : float
        Of equal shares in all quarters (chi-square), alone and by Holm over all controls.
    """

    name: str
    edges: Float
    shares: Float
    counts: Float
    p_value: float
    p_adjusted: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return dump(self)


@dataclass(frozen=True)
class ClaimMap:
    """Where a statement holds, over the two controls that matter most to it.

    Attributes
    ----------
    across, down : ControlMap
    shares, counts : float arrays, shape (4, 4)
        Rows are quarters of `down`; share of decided points where it holds (NaN: none), and their number.
    """

    across: ControlMap
    down: ControlMap
    shares: Float
    counts: Float

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return dump(self)


@dataclass(frozen=True)
class Claim:
    """One published statement and what the simulation says about it.

    Attributes
    ----------
    key : str
    sentence : str
        As published.
    meaning : str
        What was measured, and from when on the statement is said to hold at a point.
    verdict : "holds", "holds in part", "does not hold" or "cannot tell"
    answer : str
        In words, with the figures.
    right : str
        What the statement gets right.
    effect : Estimate
        The figure of the cases, as its median over the range.
    effect_meaning : str
    figures : tuple of Figure
    share : Estimate
        Of the decided points over the range, where it holds.
    undecided : float
        Share of the points where nothing can be said.
    cases : tuple of Case
    by_control : tuple of ControlMap
        The control that matters most first.
    map : ClaimMap
    """

    key: str
    sentence: str
    meaning: str
    verdict: Verdict
    answer: str
    right: str
    effect: Estimate
    effect_meaning: str
    figures: tuple[Figure, ...]
    share: Estimate
    undecided: float
    cases: tuple[Case, ...]
    by_control: tuple[ControlMap, ...]
    map: ClaimMap

    def to_dict(self) -> dict[str, Any]:
        """Return the plain-data form used in JSON."""
        return plain(dump(self))  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Found:
    """What was found at every point, named ones first.

    Attributes
    ----------
    effect : Estimate
        Arrays of shape (n_points,); NaN where unknown.
    holds, decided : bool arrays, shape (n_points,)
    """

    effect: Estimate
    holds: Bool
    decided: Bool

    def over(self, points: Points) -> dict[str, Any]:
        """Return what `Claim` says about the range: effect, share, undecided, cases and maps."""
        inside, n = points.ranged, len(points.names)
        holds, decided = self.holds[inside], self.decided[inside]
        cases = tuple(
            Case(
                name,
                Estimate(self.effect.value[k], self.effect.low[k], self.effect.high[k]),
                bool(self.holds[k]) if self.decided[k] else None,
            )
            for k, name in enumerate(points.names)
        )
        maps = _ranked([_by_control(points, c, holds, decided) for c in CONTROLS])
        return {
            "effect": median(np.asarray(self.effect.value)[n:][decided]),
            "share": share(holds[decided]),
            "undecided": float(np.mean(~decided)),
            "cases": cases,
            "by_control": tuple(maps),
            "map": _crossed(points, maps[0], maps[1], holds, decided),
        }


def median(values: Float) -> Estimate:
    """Return the median over points, those that are not NaN, with its interval by order statistics."""
    known = np.sort(values[~np.isnan(values)])
    if len(known) < FEW:
        return Estimate(np.nan, np.nan, np.nan)
    return quantile(known, 0.5)


def _parts(points: Points, name: str) -> tuple[Float, Any]:
    """Return the edges of the quarters of a control, and the quarter of every point; fewer for few whole numbers."""
    low, high = PARAMETERS[name].slider or (0.0, 1.0)
    if PARAMETERS[name].whole:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, min(PARTS, int(high - low) if PARAMETERS[name].whole else PARTS) + 1)
    return edges, np.clip(np.searchsorted(edges, points.values(name), side="right") - 1, 0, len(edges) - 2)


def _by_control(points: Points, name: str, holds: Bool, decided: Bool) -> ControlMap:
    edges, part = _parts(points, name)
    counts = np.bincount(part[decided], minlength=len(edges) - 1).astype(np.float64)
    hits = np.bincount(part[decided], holds[decided].astype(np.float64), minlength=len(edges) - 1)
    return ControlMap(name, edges, _ratio(hits, counts), counts, _equal_shares(hits, counts))


def _equal_shares(hits: Any, counts: Any) -> float:
    """Return the p-value of equal shares; 1 where there is nothing to compare."""
    from scipy.special import chdtrc

    n, seen = counts.sum(), counts > 0
    p = hits.sum() / n if n else 0.0
    if not 0 < p < 1 or seen.sum() < 2:
        return 1.0
    statistic = np.sum((hits - counts * p)[seen] ** 2 / counts[seen]) / (p * (1 - p))
    return float(chdtrc(seen.sum() - 1, statistic))


def _ranked(maps: Sequence[ControlMap]) -> list[ControlMap]:
    """Return maps with their p-values adjusted, those that tell most first."""
    adjusted = holm([m.p_value for m in maps])
    both = [replace(m, p_adjusted=float(p)) for m, p in zip(maps, adjusted, strict=True)]
    return sorted(both, key=lambda m: m.p_value)


def _crossed(points: Points, across: ControlMap, down: ControlMap, holds: Bool, decided: Bool) -> ClaimMap:
    x, y = _parts(points, across.name)[1], _parts(points, down.name)[1]
    shape = (len(down.counts), len(across.counts))
    place = np.ravel_multi_index((y, x), shape)
    counts = np.bincount(place[decided], minlength=shape[0] * shape[1]).astype(np.float64)
    hits = np.bincount(place[decided], holds[decided].astype(np.float64), minlength=shape[0] * shape[1])
    return ClaimMap(across, down, _ratio(hits, counts).reshape(shape), counts.reshape(shape))


def _ratio(hits: Any, counts: Any) -> Float:
    return np.asarray(np.divide(hits, counts, out=np.full(counts.shape, np.nan), where=counts > 0))


def verdict_of(part: Sequence[Estimate], decided: int) -> Verdict:
    """Return the verdict on the shares of the range where each part of a statement holds.

    It holds where every part does in at least three quarters of the range, and does not where none does in more than
    a tenth.
    """
    if decided < FEW:
        return "cannot tell"
    if all(float(e.value) >= MOST for e in part):
        return "holds"
    if all(float(e.value) <= LEAST for e in part):
        return "does not hold"
    return "holds in part"
