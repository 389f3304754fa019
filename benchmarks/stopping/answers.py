"""The one door between simulated loops and what answers them: a recording becomes a panel, as a user would read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import loopstat
from loopstat.decide.best import Prospect, action_of, best, sessions_needed
from loopstat.decide.curve import Held
from loopstat.decide.settings import MeanCurve
from loopstat.panel.panel import Panel

from .kinds import Recording

HOME = Path(loopstat.__file__).parent
PACKAGES = (HOME / "panel", HOME / "inference", HOME / "decide")  # figures of other code are not kept
DRAWS = 400
LEVEL = 0.95


@dataclass(frozen=True)
class Answer:
    """What a user is told at one price.

    Attributes
    ----------
    action : str
        `stop`, `go_on` or `cannot_tell`.
    step : int
        Step to stop after; for `go_on` it may lie beyond the record, for `cannot_tell` it is the best guess.
    loss_high : float
        Upper 95 % limit of what that step loses against the best one, in units of the score.
    half_life_low, half_life_high : float or None
        Interval of the half-life in steps, the same at every price; `high` may be infinite; None where none is given.
    advised : int or None
        Sessions said to be needed, where it cannot tell.
    """

    action: str
    step: int
    loss_high: float
    half_life_low: float | None = None
    half_life_high: float | None = None
    advised: int | None = None


def answer(recording: Recording, keep: str, prices: Sequence[float]) -> list[Answer]:
    """Answer one recording at each price, in units of the score per step."""
    panel = panel_of(recording)
    found = settings_for(recording, panel, keep).fit(panel)
    assert found.prospect is not None and found.held is not None  # noqa: S101, PT018 - a fit just made has them
    return [_at(price, found.prospect, found.held) for price in prices]


def settings_for(recording: Recording, panel: Panel, keep: str) -> MeanCurve:
    """Return what a user would ask for."""
    return MeanCurve(
        keep=keep,
        select=None if recording.seen is None else "seen",
        value=None if recording.seen is None else "score",
        ended="ended" if "ended" in panel.labels else None,
        cluster="task" if "task" in panel.labels else None,
        n_boot=DRAWS,
    )


def _at(price: float, prospect: Prospect, held: Held) -> Answer:
    one = best(prospect, price, LEVEL)
    needed = sessions_needed(one, held.n_sessions, prospect.spread) if one.is_open else None
    return Answer(action_of(one, prospect), int(prospect.steps[one.place]), one.limit, advised=needed)


def panel_of(r: Recording) -> Panel:
    """Return the panel a reader would make of a recording."""
    there = np.isfinite(r.scores)
    columns = [r.scores] if r.seen is None else [r.scores, r.seen]
    sessions = [np.stack([c[i, :n] for c in columns], axis=1) for i, n in enumerate(there.sum(axis=1))]
    labels: dict[str, list[str]] = {}
    if r.ended.any():
        labels["ended"] = ["true" if own else "false" for own in r.ended]
    if len(np.unique(r.cluster)) < len(r.cluster):
        labels["task"] = [str(task) for task in r.cluster]
    names = ["score", "seen"][: len(columns)]
    panel = Panel.from_arrays(sessions, objectives=names, labels=labels)
    if r.accepted is None:
        return panel
    return replace(panel, accepted=r.accepted[there], lineage=True)
