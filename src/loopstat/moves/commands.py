"""What the commands of the moves lens do: settings laid together, runs, plans, lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import SettingsError
from .options import asked_for, pairs, settings_file
from .settings import POLICY_DEFAULTS, PRESETS, ROWS, SCENARIOS, MoveSettings, Parameter

if TYPE_CHECKING:
    from .fit import MoveRun
    from .frontier import Frontier
    from .planning import Plan
    from .reviewer_value import ReviewerValue

Progress = Callable[[str, int, int], None]
MOST_FRONTIER = 1000  # runs of every team of a frontier, and of every step of a reviewer's value: they are hundreds


@dataclass(frozen=True)
class Simulation:
    """One loop simulated as it was asked for."""

    run: MoveRun
    settings: MoveSettings
    notes: tuple[str, ...]
    command: str

    def to_dict(self) -> dict[str, Any]:
        """Return the plain data of the JSON form."""
        return {**self.run.to_dict(), "notes": list(self.notes), "command": self.command}


@dataclass(frozen=True)
class Purchase:
    """What to buy, and the frontier and the value of a reviewer beside it, unless they were not wanted."""

    plan: Plan
    settings: MoveSettings
    notes: tuple[str, ...]
    command: str
    frontier: Frontier | None = None
    reviewer_value: ReviewerValue | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the plain data of the JSON form."""
        beside = {"frontier": self.frontier, "reviewer_value": self.reviewer_value}
        return {
            "version": __version__,
            **self.plan.to_dict(),
            **{name: part.to_dict() for name, part in beside.items() if part is not None},
            "notes": list(self.notes),
            "command": self.command,
        }


@dataclass(frozen=True)
class Listing:
    """Every parameter, policy, preset and scenario."""

    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the plain data of the JSON form."""
        named = {"policies": POLICY_DEFAULTS, "presets": PRESETS, "scenarios": SCENARIOS}
        return {"schema": "loopstat.moves-parameters/1", "parameters": [_described(row) for row in ROWS], **named}


def _described(row: Parameter) -> dict[str, Any]:
    return {**vars(row), "choices": list(row.choices), "slider": list(row.slider) if row.slider else None}


def simulate(recording: None, options: Mapping[str, Any], *, progress: Progress | None = None) -> Simulation:
    """Simulate one loop of moves as it was asked for; `sensitivity` steps every parameter too."""
    from .fit import run_moves

    del recording, progress
    asked = asked_for(options)
    run = run_moves(asked.settings, sensitivity=bool(options.get("sensitivity")))
    return Simulation(run, asked.settings, asked.notes, str(options.get("command") or ""))


def buy(recording: None, options: Mapping[str, Any], *, progress: Progress | None = None) -> Purchase:
    """Search what to buy: `budget` or `reliability`, `judge`, `search` (texts NAME=VALUE,VALUE), and `frontier`."""
    from .frontier import frontier
    from .planning import plan
    from .reviewer_value import reviewer_value

    del recording
    budget, reliability = (options.get(name) for name in ("budget", "reliability"))
    if budget is None and reliability is None:
        raise SettingsError("a plan needs --budget or --reliability.")
    asked = asked_for(options)
    s, judge = asked.settings, str(options.get("judge") or "p_good")
    search = {
        name: [v.strip() for v in values.split(",") if v.strip()]
        for name, values in pairs(options.get("search") or (), "--search").items()
    }
    found = plan(s, budget=budget, reliability=reliability, judge=judge, search=search, progress=progress)
    made = Purchase(found, found.best_settings, asked.notes, str(options.get("command") or ""))
    if not options.get("frontier", True):
        return made
    few = min(s.replicates, MOST_FRONTIER)
    return replace(
        made,
        frontier=frontier(s, replicates=few, progress=progress),
        reviewer_value=reviewer_value(s, replicates=few, progress=progress),
    )


def listed(recording: None, options: Mapping[str, Any], *, progress: Progress | None = None) -> Listing:
    """List every parameter, policy, preset and scenario."""
    del recording, options, progress
    return Listing()


def settings_text(result: Simulation | Purchase) -> str:
    """Return the settings of a simulation, or those of the best plan, as a settings file."""
    return settings_file(result.settings)
