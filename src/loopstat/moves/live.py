"""A loop of moves simulated while a hand moves a setting: few runs, and the mean path where runs would be too slow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ..arrays import Float
from ..inference.workers import cores
from .ceilings import resting_point, travel
from .commands import Simulation
from .files import asked_for
from .fit import MeanPaths, of_walk
from .mean_path import Ceiling
from .paths import SINGLE, Walk, thinned, walk
from .runs import RunPlan
from .settings import MoveSettings
from .sweep.levers import levers, levers_together
from .sweep.teams import teams_by_mean_path
from .ways import ways

MOST = 150_000  # moves in all runs together: a few milliseconds
LEAST = 30  # runs, however many moves they make
TRIED = 9  # values of a lever
POINTS = 81  # of a curve over moves


def simulate(recording: None, options: Mapping[str, Any], last: Simulation | None) -> Simulation:
    """Answer a simulation roughly, in a few milliseconds.

    Parameters
    ----------
    recording : None
    options : mapping
        As of a whole answer.
    last : Simulation or None
        The last whole one; what hangs on most is shown as of then.

    Returns
    -------
    Simulation
        Of the first runs of the whole one, so that it differs from it by chance alone. Levers, other teams and
        reviewers follow the mean path.
    """
    del recording
    asked = asked_for(options)
    few = quick(asked.settings)
    found: list[Any] = []

    def meanwhile() -> None:
        found.extend((_mean(few), teams_by_mean_path(few) if options.get("teams") else None))

    walked = _walk(few, meanwhile)
    mean, teams = found
    effects = last.run.sensitivity if last is not None and options.get("sensitivity") else None
    run = replace(of_walk(walked, mean), sensitivity=effects)
    said = f"{few.replicates} runs, mean paths for levers"
    rough = f"{said}, teams and reviewers; all runs when you let go" if teams else f"{said}; all runs when you let go"
    return Simulation(run, asked.settings, asked.notes, str(options.get("command") or ""), teams, rough)


def quick(settings: MoveSettings) -> MoveSettings:
    """Return the settings with no more runs than can be made at once."""
    most = max(min(SINGLE, MOST // settings.max_moves), LEAST)
    return settings.but(replicates=min(settings.replicates, most))


def _walk(settings: MoveSettings, meanwhile: Callable[[], None]) -> Walk:
    """Return the runs; the interpreter is free while they are followed, and does something else."""
    s, threads = settings, min(cores(), 2)
    numbers, times = _numbers(s.seed, s.replicates, s.max_moves), thinned(s.max_moves + 1, POINTS)
    plan, pool = RunPlan.of(s, None, None, None), _pool(threads)
    return walk(s, plan, times=times, drawn=numbers, workers=threads, pool=pool, meanwhile=meanwhile)


@lru_cache(maxsize=2)
def _numbers(seed: int, replicates: int, moves: int) -> Float:
    """Return where the normal numbers of some runs are kept from one answer to the next: they are always the same."""
    del seed
    return np.full((replicates, 2 * moves), np.nan)


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Return threads that are kept: beginning one takes as long as a part of the answer."""
    return ThreadPoolExecutor(threads)


def _mean(settings: MoveSettings) -> MeanPaths:
    """Return what the mean path says, by its quick form."""
    s = settings
    way, top = ways(s, {}, moves=s.max_moves, shown=1), ways(s, {})
    p_pass, p_good, mu, delta = (float(part[0]) for part in (top.p_pass, top.p_good, top.best_mass, top.radius))
    walked = None if s.policy == "trust-region" else travel(s)
    highest = Ceiling(p_pass, p_good, mu, delta, p_pass >= s.target_reliability, resting_point(s), walked)
    return MeanPaths(
        *(highest, way.path, levers(s, points=TRIED, rounds=0, look=_reached), levers_together(s, look=_reached))
    )


def _reached(settings: MoveSettings, changes: Sequence[Mapping[str, float]]) -> tuple[Float, Float]:
    """Return P_pass and P_good of the best point of the mean path; see `levers.reached`."""
    names = {name for change in changes for name in change}
    now = {n: getattr(settings, n) for n in names}
    columns = {n: np.array([c.get(n, v) for c in changes]) for n, v in now.items()}
    if "tr_max_radius" in columns:
        most = columns["tr_max_radius"]
        columns["edit_radius"] = np.minimum(settings.edit_radius, most)
        columns["tr_min_radius"] = np.minimum(settings.tr_min_radius, most)
    found = ways(settings, columns)
    return found.p_pass, found.p_good
