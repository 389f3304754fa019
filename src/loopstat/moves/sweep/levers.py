"""What would lift the ceiling of the mean path to the target: each lever alone, and all of them together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product

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

Look = Callable[[MoveSettings, Sequence[Mapping[str, float]]], tuple[Float, Float]]
_Tried = dict[float, "Reached"]  # values of one lever, in order, and where they bring the mean path


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


def reached(settings: MoveSettings, changes: Sequence[Mapping[str, float]]) -> tuple[Float, Float]:
    """Return P_pass and P_good of the best point of the mean path with levers turned, one for each of the changes."""
    top = reach([turned(settings, **change) for change in changes])
    return top.p_pass, top.p_good


def levers(
    settings: MoveSettings, *, points: int = POINTS, rounds: int = ROUNDS, look: Look = reached
) -> tuple[Lever, ...]:
    """Return, for every lever, the smallest change that lifts P_pass of the mean path to the target.

    Parameters
    ----------
    settings : MoveSettings
        Levers move within the range their sliders have in `PARAMETERS`, and may stay where they are.
    points : int
        Values of a lever tried at first.
    rounds : int
        How often what lies between them is tried then.
    look : callable
        Says where changes bring the mean path; see `reached`.

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
    tried: dict[str, _Tried] = {name: {} for name in lever_names(settings)}
    values = {name: _values(settings, name, points) for name in tried}
    for _ in range(1 + rounds):
        for name, found in _look(settings, values, look).items():
            tried[name] = dict(sorted({**tried[name], **found}.items()))
        values = {name: _finer(settings, name, found) for name, found in tried.items()}
        if not any(map(len, values.values())):
            break
    return tuple(_lever(settings, name, found) for name, found in tried.items())


def levers_together(settings: MoveSettings, *, look: Look = reached) -> Together:
    """Return how far all levers get together, at the ends of their ranges.

    Parameters
    ----------
    settings : MoveSettings
    look : callable
        As in `levers`.

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
    found = [Reached(c, float(p), float(g)) for c, p, g in zip(corners, *look(settings, corners), strict=True)]
    ends = {n: _ends(settings, n)[0 if n == "correlation" else -1] for n in names}
    # The first of equals: the ends themselves, where nothing beats them.
    first = found[corners.index(ends)]
    return Together(first, max([first, *found], key=lambda r: r.p_pass))


def _ends(settings: MoveSettings, name: str) -> tuple[float, float]:
    low, high = PARAMETERS[name].slider or (0.0, 1.0)
    now = float(getattr(settings, name))
    return min(float(low), now), max(float(high), now)


def _values(settings: MoveSettings, name: str, points: int) -> Float:
    """Return the values of a lever that are tried first, its present one among them."""
    low, high = PARAMETERS[name].slider or (0.0, 1.0)
    grid = np.arange(low, high + 1.0) if PARAMETERS[name].whole else np.linspace(low, high, points)
    return np.unique([*grid, float(getattr(settings, name))])


def _look(settings: MoveSettings, values: dict[str, Float], look: Look) -> dict[str, _Tried]:
    """Return where every value of every lever brings the mean path, in one sweep."""
    places = [(name, float(v)) for name, tried in values.items() for v in tried]
    top = look(settings, [{name: v} for name, v in places])
    found: dict[str, _Tried] = {name: {} for name in values}
    for (name, v), p_pass, p_good in zip(places, *top, strict=True):
        found[name][v] = Reached(v, float(p_pass), float(p_good))
    return found


def _first(settings: MoveSettings, name: str, tried: _Tried) -> list[tuple[float, float]]:
    """Return, upwards and downwards, the first value that reaches the target and the one before it."""
    values, now = list(tried), float(getattr(settings, name))
    hit = {v: found.p_pass >= settings.target_reliability for v, found in tried.items()}
    if hit[now]:
        return []
    up, down = [v for v in values if v >= now], [v for v in values[::-1] if v <= now]
    pairs = (next(((b, a) for a, b in pairwise(way) if hit[b]), None) for way in (up, down))
    return [pair for pair in pairs if pair]


def _best(settings: MoveSettings, name: str, tried: _Tried) -> float:
    """Return the value of the highest P_pass; of equals the nearest to the present value."""
    now, most = float(getattr(settings, name)), max(found.p_pass for found in tried.values())
    return min((v for v, found in tried.items() if found.p_pass >= most - EQUAL), key=lambda v: abs(v - now))


def _finer(settings: MoveSettings, name: str, tried: _Tried) -> Float:
    """Return values between those that hold the smallest change and those about the best."""
    if PARAMETERS[name].whole:
        return np.empty(0)
    values, gaps = list(tried), _first(settings, name, tried)
    k = values.index(_best(settings, name, tried))
    if 0 < k < len(values) - 1:
        gaps += [(values[k], values[k - 1]), (values[k], values[k + 1])]
    inside = np.arange(1, PARTS) / PARTS
    cuts = [a + (b - a) * inside for a, b in dict.fromkeys(gaps)]
    return np.setdiff1d(np.concatenate(cuts), values) if cuts else np.empty(0)


def _lever(settings: MoveSettings, name: str, tried: _Tried) -> Lever:
    now = float(getattr(settings, name))
    there = [a for a, _ in _first(settings, name, tried)]
    as_it_is = now if tried[now].p_pass >= settings.target_reliability else None
    needed = min(there, key=lambda v: abs(v - now)) if there else as_it_is
    return Lever(name, now, needed, tried[_best(settings, name, tried)])
