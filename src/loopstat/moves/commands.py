"""What the commands of the moves lens do: settings laid together, runs, plans, lists, and what recordings show."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..errors import SettingsError
from ..lenses import Progress
from ..panel.pool import Pool
from ..parameters import pairs
from .files import LISTED, asked_for, settings_file
from .settings import POLICY_DEFAULTS, PRESETS, ROWS, SCENARIOS, MoveSettings

if TYPE_CHECKING:
    from .calibrate.fit import Calibration, GroupCalibration
    from .fit import MovesRun
    from .sweep.frontier import Frontier
    from .sweep.planning import Plan
    from .sweep.reviewer_value import ReviewerValue
    from .sweep.teams import Teams

MOST_FRONTIER = 1000  # runs of every team of a frontier, and of every step of a reviewer's value: they are hundreds


@dataclass(frozen=True)
class Simulation:
    """One loop simulated as it was asked for; `rough` says what was left out to answer while a hand moves."""

    run: MovesRun
    settings: MoveSettings
    notes: tuple[str, ...]
    command: str
    teams: Teams | None = None
    rough: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the plain data of the JSON form."""
        teams = {} if self.teams is None else {"teams": self.teams.to_dict()}
        return {**self.run.to_dict(), **teams, "notes": list(self.notes), "command": self.command}


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
        return {"schema": "loopstat.moves-parameters/1", "parameters": [row.described() for row in ROWS], **named}


def simulate(recording: None, options: Mapping[str, Any], *, progress: Progress | None = None) -> Simulation:
    """Simulate one loop of moves as it was asked for; `sensitivity` steps every parameter too, `teams` other teams."""
    from .fit import run_moves
    from .sweep.teams import teams_by_runs

    del recording
    asked = asked_for(options)
    run = run_moves(asked.settings, sensitivity=bool(options.get("sensitivity")))
    teams = teams_by_runs(asked.settings, progress=progress) if options.get("teams") else None
    return Simulation(run, asked.settings, asked.notes, str(options.get("command") or ""), teams)


def buy(recording: None, options: Mapping[str, Any], *, progress: Progress | None = None) -> Purchase:
    """Search what to buy: `budget` or `reliability`, `judge`, `search` (texts NAME=VALUE,VALUE), and `frontier`."""
    from .sweep.frontier import frontier
    from .sweep.planning import plan
    from .sweep.reviewer_value import reviewer_value

    del recording
    budget, reliability = (options.get(name) for name in ("budget", "reliability"))
    if budget is None and reliability is None:
        raise SettingsError("a plan needs --budget or --reliability.")
    asked = asked_for(options)
    s, judge = asked.settings, str(options.get("judge") or "p_good")
    search = {
        name: [v.strip() for v in values.split(",") if v.strip()]
        for name, values in pairs(options.get("search") or (), "--search", LISTED).items()
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


def identified_text(result: Calibration) -> str:
    """Return a settings file: what was identified, with the calibration it comes from."""
    return json.dumps(result.settings_file(), allow_nan=False, indent=1) + "\n"


# ------------------------------------------------------------------------------- calibration


def calibrated(recording: Any, options: Mapping[str, Any], *, progress: Progress | None = None) -> Calibration:
    """Calibrate the lens on recorded candidates.

    Parameters
    ----------
    recording : Candidates
        `pool`, candidates with their verdicts, or None; `versions`, (labels, Versions) with their defects.
    options : mapping
        Values of `lens.CALIBRATE` by name, and `command`.
    progress : callable, optional
    """
    from .calibrate.fit import calibrate

    found, versions = recording.pool, recording.versions
    by = found.by if found else list(versions[0][0])
    used: dict[str, Any] = {"pool": None, "coarse": None, "fine": None, "judges": [], "truth": None}
    made = calibrate(
        found.parts if found else [(label, _bare(v)) for label, v in versions],
        level=float(options["level"]),
        seed=int(options["seed"]),
        source=recording.source,
        settings={
            **(found.used if found else used),
            "by": by,
            **{name: options.get(name) for name in ("where", "columns", "command")},
        },
        notes=found.notes if found else (f"groups: {' and '.join(by) or 'one'}.",),
        progress=progress,
    )
    by_label = {tuple(label.items()): part for label, part in versions}
    groups = tuple(_progressed(g, by_label.get(tuple(g.by.items())), options) for g in made.groups)
    return replace(made, groups=groups) if versions else made


def _bare(versions: Any) -> Pool:
    """Return versions as a pool without verdicts."""
    return Pool(np.unique(versions.task, return_inverse=True)[1].ravel())


def _progressed(group: GroupCalibration, versions: Any, options: Mapping[str, Any]) -> GroupCalibration:
    """Add what the versions of a group say of improvement against defects."""
    from ..results.words import show
    from .calibrate.defect_masses import TESTS
    from .calibrate.recorded_progress import progress_parameters, recorded_progress

    if versions is None:
        return group
    v = versions
    try:
        fit = recorded_progress(
            *(v.mass, v.session),
            **{name: getattr(v, name) for name in ("step", "parent", "radius", "instrument", "task")},
            share=bool(options.get("share")),
            tests=float(options.get("tests") or TESTS),
            level=float(options["level"]),
        )
    except SettingsError as error:
        return group.plus((), (f"improvement against defects: {error}",))
    slope = show(*(float(x) for x in (fit.slope.value, fit.slope.low, fit.slope.high)))
    note = f"{fit.n_transitions:,} transitions: a move gains {slope} more for each defect that is left."
    return group.plus(progress_parameters(fit, radii=v.radius is not None), (note,))
