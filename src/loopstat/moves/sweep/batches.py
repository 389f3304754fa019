"""Many settings simulated on the same random numbers, with a word on how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...inference.estimate import Estimate, show
from ...lenses import Progress as Progress
from ..runs import Outcomes, outcomes
from ..settings import MoveSettings

BATCH = 64  # settings simulated between two calls of `progress`


def in_batches(
    settings: Sequence[MoveSettings],
    *,
    replicates: int | None = None,
    seed: int | None = None,
    what: str = "settings",
    progress: Progress | None = None,
    stop: str = "target",
    max_moves: Sequence[int] | int | None = None,
) -> Outcomes:
    """Return the outcomes of many settings: what `outcomes` returns in one call, which cannot tell how far it is.

    Parameters
    ----------
    settings : sequence of MoveSettings
    replicates, seed, stop, max_moves
        See `outcomes`.
    what : str
        The word `progress` is called with.
    progress : callable, optional
        Called with the settings done, how many there are, and the word.

    Returns
    -------
    Outcomes
        Arrays of shape (n_settings, replicates).
    """
    parts = []
    most = [s.max_moves for s in settings] if max_moves is None else max_moves
    most = [most] * len(settings) if isinstance(most, int) else list(most)
    for first in range(0, len(settings), BATCH):
        if progress:
            progress(first, len(settings), what)
        some = slice(first, first + BATCH)
        options: dict[str, Any] = {"replicates": replicates, "seed": seed, "stop": stop}
        parts.append(outcomes(settings[some], max_moves=most[some], **options))
    if progress:
        progress(len(settings), len(settings), what)
    return joined(parts)


def joined(parts: Sequence[Outcomes]) -> Outcomes:
    """Return the outcomes of several lists of settings as those of one."""
    whole: dict[str, Any] = {}
    for name, value in vars(parts[0]).items():
        if isinstance(value, np.ndarray):
            whole[name] = np.concatenate([getattr(part, name) for part in parts])
        elif isinstance(value, tuple):
            whole[name] = tuple(x for part in parts for x in getattr(part, name))
    return replace(parts[0], **whole)


def with_policy(settings: MoveSettings, policy: str, **changes: Any) -> MoveSettings:
    """Return the same team under another policy; the start radius of a trust region is at most its largest."""
    if policy == "trust-region":
        changes = {"edit_radius": min(settings.edit_radius, settings.tr_max_radius), **changes}
    return settings.but(policy=policy, **changes)


def said(e: Estimate) -> str:
    """Return an estimate as text."""
    return show(float(e.value), float(e.low), float(e.high))
