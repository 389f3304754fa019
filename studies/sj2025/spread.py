"""How each score spreads, before anything is fitted to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from loopstat.arrays import Bool, Float

from .recordings import OBJECTIVES, SUITES, Recording

MODE_DIGITS = 2
MOST_AT_MODE = 0.9
"""Share of the programs that parse at one value from which a score is nearly constant, and left out of fits."""


@dataclass(frozen=True)
class Spread:
    """One score over the programs that parse.

    Attributes
    ----------
    suite, objective : str
    deviation, mode, mode_share : float
    floor, ceiling : float
        Shares at 0 and at 10.
    moves : float
        Share of the transitions (of a lineage: from parent to proposal) in which it changes.
    """

    suite: str
    objective: str
    deviation: float
    mode: float
    mode_share: float
    floor: float
    ceiling: float
    moves: float

    @property
    def constant(self) -> bool:
        """Whether it is nearly constant."""
        return self.mode_share >= MOST_AT_MODE


def spread_of(values: Float, before: Float, after: Float, *, suite: str = "", objective: str = "") -> Spread:
    """Return the spread of scores, shape (n,), and how often they change over transitions, shape (m,) each.

    Examples
    --------
    >>> found = spread_of(np.array([5.0] * 19 + [7.0]), np.zeros(4), np.array([0.0, 0, 0, 1]))
    >>> found.mode_share, found.constant, found.moves
    (0.95, True, 0.25)
    """
    modes, counts = np.unique(np.round(values, MODE_DIGITS), return_counts=True)
    top = int(counts.argmax())
    return Spread(
        suite,
        objective,
        float(values.std()),
        float(modes[top]),
        float(counts[top] / len(values)),
        float(np.mean(values <= 0)),
        float(np.mean(values >= 10)),
        float(np.mean(before != after)) if len(before) else float("nan"),
    )


def spreads(recording: Recording) -> list[Spread]:
    """Return the spread of every score of a recording, replaced runs included."""
    names = [f"{suite}_{o}" for suite in SUITES for o in OBJECTIVES]
    panel = recording.parsing(recording.panel(names, where="TRUE"))
    pairs = panel.pairs()
    rows: Bool = panel.complete
    return [
        spread_of(panel.x[rows, j], pairs.x[:, j], pairs.y[:, j], suite=suite, objective=objective)
        for j, (suite, objective) in enumerate((s, o) for s in SUITES for o in OBJECTIVES)
    ]
