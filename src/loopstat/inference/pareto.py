"""Who is better on everything: non-dominated shares on equal numbers, hypervolume, attainment.

The share of points that nothing dominates falls with the number of points alone (three independent objectives: 0.37 of
20, 0.15 of 100, 0.06 of 400), and copies raise it. So groups are compared on equal numbers, drawn without replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ..arrays import Bool, Float, Int
from ..panel.model import Rng
from ..panel.panel import Panel
from .clusters import choose_clusters
from .estimate import Estimate
from .intervals import student

DRAWS = 60  # equal-number subsamples over which shares and volumes are averaged
HALVES = 40  # halves of the clusters from which their intervals come
REPEATS = 3  # subsamples of each half, averaged: what they differ by is no sampling error
MAX_COMPARED = 1000  # points per group in one comparison, and
MAX_TOTAL = 6000  # points of all groups: a comparison of more costs much and says little more
MIN_ENDS = 10
REPEATS_OF_VOLUME = 8
STEPS_OF_CURVE = 120
MIN_CLUSTERS = 4  # below it halves say nothing about the spread


@dataclass(frozen=True, eq=False)
class ParetoGroup:
    """Standing of one group among all.

    Attributes
    ----------
    label : str
    share_final, share_path : Estimate
        Share of the group's ends (of the points along its sessions) that no point of any group dominates, on equal
        numbers per group.
    hypervolume : Estimate
        Mean volume that `n_volume` of the ends dominate above the reference point, in the product of the objectives'
        units. Its interval is rough: it hangs on a few extreme ends.
    n_compared, n_volume : int
        Ends per group in each comparison of shares, and ends whose volume is measured.
    reference : array, shape (n_obj,)
        The reference point: the worse bound where declared, else the worst end over all groups.
    ends : array, shape (n_sessions, n_obj)
        The ends themselves, for pictures; not written to JSON, and none in a result read back.
    """

    label: str
    share_final: Estimate
    share_path: Estimate
    hypervolume: Estimate
    n_compared: int
    n_volume: int
    reference: Float
    ends: Float = field(default_factory=lambda: np.zeros((0, 0)), repr=False, metadata={"unwritten": True})


def nondominated(points: Float) -> Bool:
    """Return which points no other point beats: at least as good everywhere and better somewhere. Copies all stay.

    Parameters
    ----------
    points : array, shape (m, n_obj)
        Larger is better on every objective.

    Examples
    --------
    >>> nondominated(np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 0.0], [2.0, 0.0]])).tolist()
    [False, True, True, True]
    """
    import moocore

    return np.asarray(moocore.is_nondominated(points, maximise=True, keep_weakly=True), dtype=np.bool_)


def hypervolume(points: Float, reference: Float) -> float:
    """Return the volume the points dominate above a reference point, in the product of the objectives' units; exact.

    Parameters
    ----------
    points : array, shape (m, n_obj)
        Larger is better on every objective; a point no better than the reference somewhere counts for nothing.
    reference : array, shape (n_obj,)

    References
    ----------
    Fonseca, Paquete and Lopez-Ibanez (2006).

    Examples
    --------
    >>> hypervolume(np.array([[2.0, 1.0], [1.0, 2.0]]), np.zeros(2))
    3.0
    """
    import moocore

    return float(moocore.hypervolume(points, ref=reference, maximise=True))


def attainment(ends: Float, grid: Float) -> Float:
    """Return for each pair of grid values the share of ends at least as good on both, for the attainment picture.

    Parameters
    ----------
    ends : array, shape (m, 2)
        Larger is better.
    grid : array, shape (2, k)

    Returns
    -------
    array, shape (k, k)
        First axis: first objective.
    """
    reach = [ends[:, j, None] >= grid[j][None, :] for j in (0, 1)]
    return np.asarray(np.einsum("mi,mj->ij", *(r.astype(np.float64) for r in reach)) / max(len(ends), 1))


def half_curve(points: Float, worst: ArrayLike) -> Float:
    """Return the corners of the line that half of some points reach, larger being better, shape (k, 2).

    Parameters
    ----------
    points : array, shape (m, 2)
    worst : array, shape (2,)
        Where the line starts and ends.

    Examples
    --------
    >>> half_curve(np.array([[1.0, 2.0], [2.0, 1.0], [0.0, 0.0]]), [0.0, 0.0]).tolist()
    [[0.0, 1.0], [1.0, 1.0], [1.0, 0.0]]
    """
    share = np.linspace(0, 1, STEPS_OF_CURVE)
    grid = np.quantile(points, share, axis=0, method="nearest").T
    reached = attainment(points, grid) >= 0.5
    columns = np.flatnonzero(reached.any(axis=1))
    last = reached.shape[1] - 1 - np.argmax(reached[columns][:, ::-1], axis=1)
    x, y = grid[0][columns], grid[1][last]
    x0, y0 = np.asarray(worst, dtype=np.float64).tolist()
    corners = np.column_stack([np.r_[x0, np.repeat(x, 2)], np.r_[np.repeat(y, 2), y0]])
    moved = np.r_[True, np.any(np.diff(corners, axis=0) != 0, axis=1)]
    return np.asarray(corners[moved])


def pareto(
    parts: Sequence[tuple[str, Panel]], *, level: float = 0.95, cluster: str | None = None, rng: Rng
) -> tuple[ParetoGroup, ...]:
    """Compare the ends and the paths of groups on all objectives at once.

    Parameters
    ----------
    parts : sequence of (label, Panel)
        Panels with the same objectives.
    level : float
    cluster : str, optional
        Resampling unit; default as for fits.
    rng : Generator

    Returns
    -------
    tuple of ParetoGroup
        Groups with at least 10 ends; empty for fewer than two of them, or a single objective.
    """
    # A group of a few ends would make every group's comparison one of a few.
    usable = [(label, panel) for label, panel in parts if len(panel.ends()[0]) >= MIN_ENDS]
    if len(usable) < 2 or usable[0][1].n_obj < 2:
        return ()
    signs = usable[0][1].signs
    reference = reference_point([panel for _, panel in usable])
    corner = reference * signs
    pools = [_Pool(panel, cluster) for _, panel in usable]
    cap = min(MAX_COMPARED, max(2, MAX_TOTAL // len(pools)))
    n_final = min(cap, *(len(p.ends) for p in pools))
    n_volume = max(n_final // 4, 5)
    n_path = min(cap, *(len(p.points) for p in pools))
    found = {
        "final": _estimate(lambda picks: _free_shares(pools, "ends", picks), pools, "ends", n_final, level, rng),
        "path": _estimate(lambda picks: _free_shares(pools, "points", picks), pools, "points", n_path, level, rng),
    }  # fmt: skip
    return tuple(
        ParetoGroup(
            label,
            found["final"][k],
            found["path"][k],
            _volume(pools[k], corner, n_volume, level, rng),
            n_final,
            n_volume,
            reference,
            pools[k].ends * signs,
        )
        for k, (label, _) in enumerate(usable)
    )


class _Pool:
    """Ends and points of one group, turned so that larger is better, with their clusters."""

    def __init__(self, panel: Panel, cluster: str | None) -> None:
        clusters = choose_clusters(panel, cluster)
        of_session = clusters.row[np.r_[0, np.flatnonzero(np.diff(panel.session)) + 1]]
        session, x = panel.ends()
        rows = np.flatnonzero(panel.complete)
        self.ends, self.points = x * panel.signs, panel.x[rows] * panel.signs
        self.cluster = {"ends": of_session[session], "points": clusters.row[rows]}


def _volume(pool: _Pool, reference: Float, n: int, level: float, rng: Rng) -> Estimate:
    """Mean volume of n ends, with a bootstrap over clusters on a log scale.

    A volume hangs on the most extreme ends. That of as many ends as there are cannot be given an interval that holds
    (coverage 0.8 whatever the method), that of a quarter of them can: 0.92-0.96 for ends of normal or uniform spread,
    0.84-0.89 for exponential ones.
    """

    def mean_of(pick: Int, draws: int) -> float:
        return float(
            np.mean([hypervolume(pool.ends[rng.choice(pick, n, replace=False)], reference) for _ in range(draws)])
        )

    value = mean_of(np.arange(len(pool.ends)), DRAWS)
    names, dense, sizes = np.unique(pool.cluster["ends"], return_inverse=True, return_counts=True)
    members, begins = np.argsort(dense, kind="stable"), np.cumsum(sizes) - sizes
    draws = []
    for _ in range(DRAWS if len(names) >= MIN_CLUSTERS else 0):
        drawn = rng.integers(0, len(names), len(names))
        ends = np.cumsum(sizes[drawn])
        pick = members[np.arange(ends[-1]) + np.repeat(begins[drawn] - (ends - sizes[drawn]), sizes[drawn])]
        if len(pick) >= n:
            draws.append(mean_of(pick, REPEATS_OF_VOLUME))
    positive = np.log([d for d in draws if d > 0])
    if len(positive) < 10 or value <= 0:
        return Estimate(value)
    return student(value, positive.std(ddof=1), level=level, df=len(names) - 1, scale="log")


def _free_shares(pools: Sequence[_Pool], kind: str, picks: Sequence[Int]) -> Float:
    """Share of each group's picked points that no picked point of any group dominates, shape (n_groups,)."""
    everyone = np.concatenate([getattr(p, kind)[pick] for p, pick in zip(pools, picks, strict=True)])
    owner = np.repeat(np.arange(len(pools)), [len(pick) for pick in picks])
    free = nondominated(everyone)
    return np.bincount(owner, weights=free, minlength=len(pools)) / np.maximum(np.bincount(owner), 1)


def _estimate(
    statistic: Callable[[Sequence[Int]], Float], pools: Sequence[_Pool], kind: str, n: int, level: float, rng: Rng
) -> list[Estimate]:
    """Average shares of equal-number subsamples; its error from halves of the clusters, without replacement.

    A bootstrap repeats points, from which a share gains; a half has no copies, and the variance between halves is
    that of the whole.
    """
    every = [np.arange(len(p.cluster[kind])) for p in pools]
    value = np.mean([statistic([rng.choice(e, n, replace=False) for e in every]) for _ in range(DRAWS)], axis=0)
    names = [np.unique(p.cluster[kind]) for p in pools]
    halves = []
    for _ in range(HALVES):
        chosen = [rng.choice(c, max(len(c) // 2, 1), replace=False) for c in names]
        inside = [np.flatnonzero(np.isin(p.cluster[kind], c)) for p, c in zip(pools, chosen, strict=True)]
        halves.append(
            [statistic([rng.choice(i, min(n, len(i)), replace=False) for i in inside]) for _ in range(REPEATS)]
        )
    variance = np.array(halves).mean(axis=1).var(axis=0, ddof=1)  # a little wide: subsampling adds to it
    found = [
        student(v, np.sqrt(u), level=level, df=max(len(c) - 1, 1))
        for v, u, c in zip(value, variance, names, strict=True)
    ]
    return [
        Estimate(e.value, max(float(e.low), 0.0), min(float(e.high), 1.0))
        if len(c) >= MIN_CLUSTERS
        else Estimate(e.value)
        for e, c in zip(found, names, strict=True)
    ]


def reference_point(panels: Sequence[Panel]) -> Float:
    """Return the worst corner, shape (n_obj,): bounds where declared, else the worst end over all groups."""
    x = np.concatenate([p.ends()[1] for p in panels])
    worst = [
        (o.low if o.low is not None else low) if o.maximize else (o.high if o.high is not None else high)
        for o, low, high in zip(panels[0].objectives, x.min(axis=0).tolist(), x.max(axis=0).tolist(), strict=True)
    ]
    return np.array(worst, dtype=np.float64)
