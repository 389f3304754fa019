"""Simulated loops and plans for the tests of their faces: JSON forms of small runs of every kind."""

from __future__ import annotations

from functools import cache
from typing import Any

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


@cache
def run(kind: str, *, steps: bool = False) -> dict[str, Any]:
    """Return the JSON form of a simulated loop, as a command delivers it."""
    settings = MoveSettings.of(values={**FEW, **KINDS[kind]})
    found = run_moves(settings, sensitivity=steps).to_dict()
    return {**found, "notes": ["tau is not known by a.json: the default stays."], "command": "loopstat moves simulate"}


@cache
def bought(**asked: Any) -> dict[str, Any]:
    """Return the JSON form of a plan, as a command delivers it."""
    settings = MoveSettings(**FEW)
    found = plan(settings, search=SEARCH, **asked).to_dict()
    teams = frontier(settings, candidates=[1, 4, 8], reviewers=[0, 2], replicates=60).to_dict()
    value = reviewer_value(settings, correlations=[0, 0.5, 0.9], replicates=60).to_dict()
    return {**found, "version": "0", "frontier": teams, "reviewer_value": value, "notes": [], "command": "loopstat"}


PLANS: dict[str, dict[str, Any]] = {
    "budget": {"budget": 300.0},
    "reliable": {"reliability": 0.5, "judge": "p_pass"},
    "out of reach": {"reliability": 0.99},
}
