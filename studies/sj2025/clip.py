"""Security of exactly 0.0: how many programs are at or below the floor, before and after the clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loopstat.arrays import Bool, Float, Int
from loopstat.inference.estimate import Estimate
from loopstat.inference.intervals import share_by_cluster

from .fits import LEVEL
from .recordings import Recording


@dataclass(frozen=True)
class Floor:
    """Security of the suite `sj2025` over the programs of a recording.

    Attributes
    ----------
    name : str
    programs : int
    below : Estimate
        Share of the programs that parse whose value before the clip is 0 or less, by cluster.
    n_below : int
    n_unread : int
        Programs that do not parse, and have exactly 0.0 for that.
    lowest : float
        The lowest value before the clip.
    clipped, raw : float
        Means over programs that parse, with and without the clip.
    most : float
        Largest share at or below the floor in any group.
    most_in : str
    """

    name: str
    programs: int
    below: Estimate
    n_below: int
    n_unread: int
    lowest: float
    clipped: float
    raw: float
    most: float
    most_in: str


def floor_of(name: str, raw: Float, parses: Bool, cluster: Sequence[str], group: Sequence[str]) -> Floor:
    """Return what lies at the floor.

    Parameters
    ----------
    name : str
    raw : float array, shape (n,)
        Before the clip; NaN where a program does not parse.
    parses : bool array, shape (n,)
    cluster, group : sequence of str, shape (n,)

    Examples
    --------
    >>> raw = np.array([5.0, -1.0, 5.0, 5.0] * 3)
    >>> floor = floor_of("a", raw, np.ones(12, bool), ["s", "s", "t", "u"] * 3, ["x", "y", "x", "x"] * 3)
    >>> floor.n_below, floor.most_in, round(floor.clipped - floor.raw, 2)
    (3, 'y', 0.25)
    """
    at = parses & (raw <= 0)
    codes: Int = np.unique(np.asarray(cluster, dtype=str), return_inverse=True)[1]
    of = np.asarray(group, dtype=str)
    top, bottom = np.bincount(codes, at), np.bincount(codes, parses.astype(np.float64))
    shares = {g: float(at[(of == g) & parses].mean()) for g in np.unique(of[parses])}
    most = max(shares, key=lambda g: shares[g])
    read = raw[parses]
    return Floor(
        name,
        len(raw),
        share_by_cluster(top, bottom, LEVEL),
        int(at.sum()),
        int((~parses).sum()),
        float(read.min()),
        float(np.clip(read, 0, 10).mean()),
        float(read.mean()),
        shares[most],
        most,
    )


def floor(recording: Recording) -> Floor:
    """Return what lies at the floor of a recording, replaced runs included."""
    c = recording.columns("raw_security", "parses", "model", "family", recording.kind.cluster + " AS cluster")
    group = [f"{m}, {f}" for m, f in zip(c["model"], c["family"], strict=True)]
    return floor_of(recording.kind.name, c["raw_security"], c["parses"] == "true", c["cluster"], group)
