"""The four published strategies as linear loops, rebuilt: equilibria as published, all else chosen to fit what is told.

Published (Shukla and Joshi 2025, 4.3-4.5): the equilibria; that rates run from 0.33 to 1.29; EF converges with real
eigenvalues, SF swings, FF is slow and near a boundary, AI is balanced; R² AI 0.74, SF 0.72, EF 0.58, FF 0.50;
functionality is the main source of interference and goes against efficiency. Not published in figures: A, b, Q, the
start, and which rate belongs to which strategy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..lenses import Preset

OBJECTIVES = ("security", "efficiency", "functionality")
PAIRS = ((0, 1), (0, 2), (1, 2))
DRIFTS = tuple(tuple(f"{b}_to_{'itself' if a == b else a}" for b in OBJECTIVES) for a in OBJECTIVES)
"""Names of the settings that are the entries of A, row by row: what the column's objective does to the row's."""

AT_ZERO, STARTS, NOISES = (tuple(f"{name}_{what}" for name in OBJECTIVES) for what in ("drift", "start", "noise"))
TOGETHER = tuple(f"{OBJECTIVES[i]}_with_{OBJECTIVES[j]}" for i, j in PAIRS)
"""Names of the settings that are the correlations of the noise, in the order of `PAIRS`."""

SOURCE = "Shukla and Joshi (2025)"
C1 = "FF:3,SF:3,EF:3,AI"

Row = tuple[float, float, float]


@dataclass(frozen=True)
class Strategy:
    """One published strategy, rebuilt as x[t+1] = x[t] + A x[t] + b + noise.

    Attributes
    ----------
    name, told : str
        `told` is what the source says of it, and how that was turned into A.
    rest : tuple
        Its published equilibrium: security, efficiency, functionality.
    A : tuple of rows
        Chosen by us.
    sd, correlations : tuple
        Of the noise of a step, chosen by us; correlations in the order of `PAIRS`.
    """

    name: str
    told: str
    rest: Row
    A: tuple[Row, Row, Row]
    sd: Row = (0.8, 0.8, 0.8)
    correlations: Row = (0.1, -0.3, -0.4)

    @property
    def b(self) -> Row:
        """Drift at zero that puts the fixed point at `rest`: -A x*.

        Examples
        --------
        >>> [round(v, 4) for v in STRATEGIES["EF"].b]
        [4.764, 6.0, 7.26]
        """
        s, e, f = (-sum(a * x for a, x in zip(row, self.rest, strict=True)) for row in self.A)
        return s, e, f

    @property
    def values(self) -> dict[str, float]:
        """Values of the settings by name."""
        names = (*(name for row in DRIFTS for name in row), *AT_ZERO, *NOISES, *TOGETHER)
        given = (*(a for row in self.A for a in row), *(round(v, 6) for v in self.b), *self.sd, *self.correlations)
        return dict(zip(names, given, strict=True))


STRATEGIES: Mapping[str, Strategy] = {
    s.name: s
    for s in (
        Strategy(
            "EF",
            "Efficiency first. Told: real negative eigenvalues, exponential convergence. Chosen: rate 0.7.",
            (5.25, 4.65, 7.26),
            ((-0.7, 0.0, -0.15), (0.0, -0.9, -0.25), (0.0, 0.0, -1.0)),
        ),
        Strategy(
            "SF",
            "Security first. Told: complex eigenvalues, swings. Chosen: -0.8 ± 0.6 i between security and "
            "functionality.",
            (5.75, 3.90, 8.20),
            ((-0.8, 0.0, -0.6), (0.0, -0.9, -0.2), (0.6, 0.0, -0.8)),
        ),
        Strategy(
            "FF",
            "Features first. Told: eigenvalues near zero, a boundary. Chosen: the smallest quoted rate, 0.33, for "
            "security.",
            (0.00, 2.10, 8.75),
            ((-0.33, 0.0, -0.3), (0.0, -0.6, -0.25), (0.0, 0.0, -0.9)),
        ),
        Strategy(
            "AI",
            "Adaptive integration. Told: balanced, R² 0.74. Chosen: the largest quoted rate, 1.29, for an R² above one "
            "half at rest needs overshooting.",
            (4.00, 4.20, 8.20),
            ((-1.29, 0.0, -0.1), (0.0, -1.3, -0.15), (0.0, 0.0, -1.35)),
        ),
    )
}

LOOP_PRESETS: tuple[Preset, ...] = (
    *(Preset(s.name, s.values, group="Strategies, reconstructed", help=s.told) for s in STRATEGIES.values()),
    Preset(
        "C.1",
        {"schedule": C1},
        group="Schedules",
        help="The source's order: features first, then security, then efficiency, then adaptive to the end.",
    ),
)
