"""Simulated loops and plans for the tests of their views: small runs of every kind, as commands deliver them."""

from __future__ import annotations

from functools import cache
from typing import Any

from loopstat.moves.commands import Purchase, Simulation
from loopstat.moves.fit import run_moves
from loopstat.moves.settings import MoveSettings
from loopstat.moves.sweep.frontier import frontier
from loopstat.moves.sweep.planning import plan
from loopstat.moves.sweep.reviewer_value import reviewer_value

FEW: dict[str, Any] = {"replicates": 60, "max_moves": 160}
KINDS: dict[str, dict[str, Any]] = {
    "trust region": {},
    "vibe": {"policy": "vibe"},
    "planner": {"policy": "planner", "target_reliability": 0.6},
    "counts": {"process": "integer", "tr_max_radius": 2},
    "one mass": {"process": "single", "order_statistic": "source"},
    "curved": {"collateral": 0.1, "tr_band": "candidate", "reviewers": 0},
    "done at the start": {"difficulty": 0.01},
    "free": {"cost_generate": 0, "cost_review": 0, "cost_oracle": 0},
    "one move": {"max_moves": 1},
    "hopeless": {"a1": 0, "s0": 0.01},
}
SEARCH: dict[str, Any] = {"candidates": [1, 4], "reviewers": [0, 2], "edit_radius": [0.2, 1.0]}
PLANS: dict[str, dict[str, Any]] = {
    "budget": {"budget": 300.0},
    "reliable": {"reliability": 0.5, "judge": "p_pass"},
    "out of reach": {"reliability": 0.99},
}
ALL = (*KINDS, *PLANS, "steps")


@cache
def run(kind: str, *, steps: bool = False) -> Simulation:
    """Return a simulated loop."""
    settings = MoveSettings.of(values={**FEW, **KINDS[kind]})
    notes = ("tau is not known by a.json: the default stays.",)
    return Simulation(run_moves(settings, sensitivity=steps), settings, notes, "loopstat moves simulate")


@cache
def bought(name: str) -> Purchase:
    """Return a plan with all that stands beside it."""
    settings = MoveSettings(**FEW)
    found = plan(settings, search=SEARCH, **PLANS[name])
    teams = frontier(settings, candidates=[1, 4, 8], reviewers=[0, 2], replicates=60)
    value = reviewer_value(settings, correlations=[0, 0.5, 0.9], replicates=60)
    return Purchase(found, found.best_settings, (), "loopstat moves plan", teams, value)


def sample(name: str) -> Simulation | Purchase:
    """Return the result of a name of `ALL`."""
    return bought(name) if name in PLANS else run("trust region", steps=True) if name == "steps" else run(name)
