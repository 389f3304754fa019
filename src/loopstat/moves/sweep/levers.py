"""What would lift the ceiling of the mean path to the target: each lever alone, and all of them together."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np

from ...arrays import Float
from ...results.record import Record, inside
from ..mean_path import reach
from ..settings import PARAMETERS, MoveSettings

LEVERS = ("human_prior", "model_prior", "candidates", "reviewers", "correlation")  # and the radius; never the oracle
POINTS = 33  # values of a lever tried over its range
PARTS = 17  # into which the stretch that holds the answer is cut again
ROUNDS = 4  # so a needed value is found to 1e-6 of the range
EQUAL = 1e-9  # of two P_pass


@dataclass(frozen=True, eq=False)
class Reached(Record):
    """Where a lever, or several, bring the mean path.

    Attributes
    ----------
    value : float or dict
        Of the lever, or of each by name.
    p_pass, p_good : float
    """

    value: float | dict[str, float]
    p_pass: float
    p_good: float


@dataclass(frozen=True, eq=False)
class Lever(Record):
    """One setting that can be turned, and how far that lifts the ceiling of the mean path.

    Attributes
    ----------
    name : str
    value : float
        As it is set.
    needed : float or None
        The value nearest to it at which P_pass gets to the target; None where none in its range does.
    best : Reached
        With the highest P_pass in its range.
    """

    name: str
    value: float
    needed: float | None
    best: Reached


@dataclass(frozen=True, eq=False)
class Together(Record):
    """All levers at once.

    Attributes
    ----------
    ends : Reached
        At the ends of their ranges that give most: priors, team and radius at the top, correlation at the bottom.
    best : Reached
        At whichever ends give the highest P_pass together.
    """

    ends: Reached = field(metadata=inside())
    best: Reached


def lever_names(settings: MoveSettings) -> tuple[str, ...]:
    """Return the settings that are levers: the radius is the trust region's largest, or the one at the start."""
    return (*LEVERS, "tr_max_radius" if settings.policy == "trust-region" else "edit_radius")


def turned(settings: MoveSettings, **values: float) -> MoveSettings:
    """Return settings with levers turned; a trust region's other radii give way to a smaller largest one."""
    most = values.get("tr_max_radius")
    if most is not None:
        values = {
            **values,
            "edit_radius": min(settings.edit_radius, most),
            "tr_min_radius": min(settings.tr_min_radius, most),
        }
    return settings.but(**values)


def levers(settings: MoveSettings) -> tuple[Lever, ...]:
    """Return, for every lever, the smallest change that lifts P_pass of the mean path to the target.

    Parameters
    ----------
    settings : MoveSettings
        Levers move within the range their sliders have in `PARAMETERS`, and may stay where they are.

    Returns
    -------
    tuple of Lever
        Priors, candidates, reviewers, correlation, radius. A coarser oracle is never offered: it only sees less.

    Notes
    -----
    *When it is wrong*: it judges the mean path (see `reach`) by P_pass. Single runs go past it; whether nothing is
    wrong is P_good's to say, which stands beside it. A range that reaches the target and is narrower than
    what lies between the values tried is missed.

    Examples
    --------
    >>> found = levers(MoveSettings(target_reliability=0.75))
    >>> [None if lever.needed is None else round(lever.needed, 2) for lever in found]
    [None, None, None, None, None, 1.57]
    """
    target, values = settings.target_reliability, {name: _values(settings, name) for name in lever_names(settings)}
    empty = np.empty(0)
    tried = {name: _Tried(name, empty, empty, empty, 0) for name in values}
    for _ in range(1 + ROUNDS):
        found = _look(settings, values)
        tried = {name: tried[name].with_more(settings, new, *found[name]) for name, new in values.items()}
        values = {name: one.finer(target) for name, one in tried.items()}
        if not any(map(len, values.values())):
            break
    return tuple(one.lever(target) for one in tried.values())


def levers_together(settings: MoveSettings) -> Together:
    """Return how far all levers get together, at the ends of their ranges.

    Parameters
    ----------
    settings : MoveSettings

    Returns
    -------
    Together
        More of everything is not always best: a high human prior makes candidates alike, which selection pays for.

    Examples
    --------
    >>> both = levers_together(MoveSettings())
    >>> round(both.ends.p_pass, 3), round(both.best.p_pass, 3), both.best.value["human_prior"]
    (0.841, 0.879, 0.0)
    """
    names = lever_names(settings)
    corners = [dict(zip(names, values, strict=True)) for values in product(*(_ends(settings, name) for name in names))]
    top = reach([turned(settings, **corner) for corner in corners])
    found = [Reached(c, float(p), float(g)) for c, p, g in zip(corners, top.p_pass, top.p_good, strict=True)]
    ends = {n: _ends(settings, n)[0 if n == "correlation" else -1] for n in names}
    # The first of equals: the ends themselves, where nothing beats them.
    first = found[corners.index(ends)]
    return Together(first, max([first, *found], key=lambda r: r.p_pass))


def _ends(settings: MoveSettings, name: str) -> tuple[float, float]:
    low, high = PARAMETERS[name].slider or (0.0, 1.0)
    now = float(getattr(settings, name))
    return min(float(low), now), max(float(high), now)


def _values(settings: MoveSettings, name: str) -> Float:
    """Return the values of a lever that are tried first, its present one among them."""
    low, high = PARAMETERS[name].slider or (0.0, 1.0)
    grid = np.arange(low, high + 1.0) if PARAMETERS[name].whole else np.linspace(low, high, POINTS)
    return np.unique([*grid, float(getattr(settings, name))])


@dataclass(frozen=True)
class _Tried:
    """Values of one lever, in order, with the P_pass and P_good they reach; `now` is the present one's place."""

    name: str
    values: Float
    p_pass: Float
    p_good: Float
    now: int

    def with_more(self, settings: MoveSettings, values: Float, p_pass: Float, p_good: Float) -> _Tried:
        """Return the same with more values."""
        both = np.concatenate([self.values, values])
        order = np.argsort(both, kind="stable")
        now = int(np.searchsorted(both[order], float(getattr(settings, self.name))))
        passing, good = np.concatenate([self.p_pass, p_pass]), np.concatenate([self.p_good, p_good])
        return _Tried(self.name, both[order], passing[order], good[order], now)

    def first(self, target: float) -> list[tuple[int, int]]:
        """Return, upwards and downwards, the first place that reaches the target and the one before it."""
        hit = self.p_pass >= target
        if hit[self.now]:
            return []
        up, down = np.flatnonzero(hit[self.now :]), np.flatnonzero(hit[self.now :: -1])
        found = [(self.now + int(up[0]), self.now + int(up[0]) - 1)] if len(up) else []
        return found + ([(self.now - int(down[0]), self.now - int(down[0]) + 1)] if len(down) else [])

    def finer(self, target: float) -> Float:
        """Return values between those that hold the smallest change and those about the best."""
        if PARAMETERS[self.name].whole:
            return np.empty(0)
        top, last = self.best, len(self.values) - 1
        gaps = self.first(target) + ([(top, top - 1), (top, top + 1)] if 0 < top < last else [])
        inside = np.arange(1, PARTS) / PARTS
        cuts = [self.values[a] + (self.values[b] - self.values[a]) * inside for a, b in dict.fromkeys(gaps)]
        return np.setdiff1d(np.concatenate(cuts), self.values) if cuts else np.empty(0)

    @property
    def best(self) -> int:
        """Place of the highest P_pass; of equals the nearest to the present value."""
        equal = np.flatnonzero(self.p_pass >= self.p_pass.max() - EQUAL)
        return int(equal[np.argmin(np.abs(self.values[equal] - self.values[self.now]))])

    def lever(self, target: float) -> Lever:
        """Return what was found."""
        now, top = float(self.values[self.now]), self.best
        there = [float(self.values[a]) for a, _ in self.first(target)]
        needed = min(there, key=lambda v: abs(v - now)) if there else (now if self.p_pass[self.now] >= target else None)
        best = Reached(float(self.values[top]), float(self.p_pass[top]), float(self.p_good[top]))
        return Lever(self.name, now, needed, best)


def _look(settings: MoveSettings, values: dict[str, Float]) -> dict[str, tuple[Float, Float]]:
    """Return P_pass and P_good of every value of every lever, in one sweep."""
    top = reach([turned(settings, **{name: float(v)}) for name, tried in values.items() for v in tried])
    ends = np.cumsum([len(tried) for tried in values.values()])[:-1]
    return dict(zip(values, zip(np.split(top.p_pass, ends), np.split(top.p_good, ends), strict=True), strict=True))
