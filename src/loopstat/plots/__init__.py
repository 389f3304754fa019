"""Pictures of results for notebooks and papers: an `ax` goes in, the same `ax` comes out.

    from loopstat import plots

    ax = plots.fan(panel, fit, objective="quality")
    ax.figure.savefig("fan.svg")

They need matplotlib, the extra `[plots]`. Nothing is computed here that the result does not hold: what is drawn is what
`to_dict` writes. Names from the data are drawn as plain text, never as mathematics. Everything drawn stands inside the
axes, so a picture fits wherever its axes do.
"""

from __future__ import annotations

from .groups import comparisons, ends, pareto
from .modes import disc, estimators, interference, skill
from .moves import arrivals, convergence, frontier, over_moves
from .sessions import fan, phase
from .states import log_ratios, potentials, relaxation, state_graph

__all__ = [
    "arrivals",
    "comparisons",
    "convergence",
    "disc",
    "ends",
    "estimators",
    "fan",
    "frontier",
    "interference",
    "log_ratios",
    "over_moves",
    "pareto",
    "phase",
    "potentials",
    "relaxation",
    "skill",
    "state_graph",
]
