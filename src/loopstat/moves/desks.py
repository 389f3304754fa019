"""How the page lays the moves lens out: headings, ranges of sliders and presets; light, as the tables they are made of.

The first three headings are those of the published controls, and so are ranges and defaults of their sliders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..lenses import Controls, Desk, Preset
from ..parameters import Parameter, switch
from .settings import PARAMETERS, POLICY_DEFAULTS, PRESETS, ROWS, SCENARIOS

RANGES: dict[str, tuple[float, float]] = {
    "cost_generate": (0.0, 5.0),
    "cost_review": (0.0, 2.0),
    "cost_oracle": (0.0, 2.0),
    "plan_moves": (0, 60),
    "plan_human_step": (0.0, 0.05),
    "plan_oracle_step": (0.0, 0.05),
    "max_moves": (50, 1000),
    "collateral": (0.0, 0.5),
    "sigma_r": (0.0, 1.5),
    "leniency": (0.0, 1.0),
}
"""Of sliders on the page alone: levers and sensitivities keep to the published ranges."""

TEAMS = switch("teams", "Also other teams: speed against quality, and what one more reviewer returns.", default=True)

STRATEGY = Controls("Strategy and core parameters", ("policy", "human_prior", "model_prior", "oracle_resolution"))
OPTIMIZATION = Controls("Optimization parameters", ("edit_radius", "candidates", "reviewers", "correlation"))
SCENARIO = Controls("Scenario", ("difficulty", "target_reliability", "reviewer_proposals", "decay_rate"))
COSTS = Controls("Costs", ("cost_generate", "cost_review", "cost_oracle"))
TRUST = Controls(
    "Trust region",
    ("tr_alpha", "tr_beta", "tr_a_low", "tr_a_high", "tr_min_radius", "tr_max_radius", "tr_window", "tr_band"),
    open=False,
)
PLANNER = Controls("Planner", ("plan_moves", "plan_human_step", "plan_oracle_step"), open=False)
CONSTANTS = Controls(
    "Constants of the model",
    ("a1", "a2", "s0", "b", "kappa1", "kappa2", "sigma_r", "tau", "leniency", "collateral"),
    open=False,
)
RUNS = Controls(
    "Simulation",
    ("max_moves", "replicates", "seed", "process", "order_statistic", "teams", "sensitivity"),
    open=False,
)

SAID = {
    "vibe": "Fixed small steps that shrink: two candidates, nobody reviews.",
    "planner": "A specification first: planning raises H and r, then steps shrink.",
    "trust-region": "Steps that follow how many moves are accepted.",
    "noob-vibe": "One candidate, no reviewer, small steps, a vague idea of what is wanted.",
    "principal-tr": "An experienced engineer with six candidates, four reviewers and a trust region.",
    "planner-spec": "Thirty moves of planning before steps shrink.",
    "legacy-refactor": "Many defects, few tests, little context.",
    "greenfield": "Few defects, good tests, a clear idea of what is wanted.",
    "critical-system": "Passing must mean something: six reviewers who hardly agree.",
    "rapid-prototype": "Large steps, eight candidates, a low bar.",
}


def _buttons(rows: Mapping[str, Mapping[str, Any]], group: str, *, over: bool = False) -> tuple[Preset, ...]:
    return tuple(Preset(name, values, over, group, SAID[name]) for name, values in rows.items())


BUTTONS = (
    *_buttons(PRESETS, "Presets"),
    *_buttons(SCENARIOS, "Scenarios, laid over", over=True),
    *_buttons(POLICY_DEFAULTS, "Published policies"),
)


LABELS = {
    "tr_alpha": "expansion",
    "tr_beta": "contraction",
    "tr_a_low": "acceptance, lower end",
    "tr_a_high": "acceptance, upper end",
    "tr_min_radius": "least edit radius",
    "tr_max_radius": "largest edit radius",
    "tr_window": "window",
    "tr_band": "acceptance is that of",
    "plan_moves": "moves of planning",
    "plan_human_step": "added to human prior",
    "plan_oracle_step": "added to oracle resolution",
    "cost_generate": "cost of a candidate",
    "cost_review": "cost of a review",
    "cost_oracle": "cost of a run of the tests",
    "a1": "improvement",
    "a2": "damage",
    "s0": "spread of candidates",
    "b": "half improvement at",
    "kappa1": "human prior on spread",
    "kappa2": "human prior on damage",
    "sigma_r": "error of a reviewer",
    "tau": "human prior on likeness",
    "leniency": "leniency of reviewers",
    "collateral": "collateral damage",
    "replicates": "runs",
    "order_statistic": "expected best of K",
}
"""Names of rows on the page, under their headings."""


def on_page(name: str) -> Parameter:
    """Return the row of a setting with the range that its slider has on the page, and its name there."""
    row = PARAMETERS[name]
    return replace(row, slider=row.slider or RANGES.get(name), label=LABELS.get(name, ""))


SETTINGS = tuple(on_page(row.name) for row in ROWS)

LOOP = (STRATEGY, OPTIMIZATION, SCENARIO, COSTS, TRUST, PLANNER, CONSTANTS)

SIMULATE = Desk(
    "Simulator",
    (*SETTINGS, TEAMS, switch("sensitivity", "Also step every setting up and down: what does it hang on?")),
    (*LOOP, RUNS),
    presets="loopstat.moves.desks:BUTTONS",
    live="loopstat.moves.live:simulate",
    spelled="loopstat.moves.desks:simulated",
    help="Say when the tests would pass, when nothing is wrong, at what cost and risk, and what would help.\n\n"
    "A preset or policy sets the whole loop; a scenario is laid over what is set.",
)


def simulated(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `moves simulate` that values of its desk stand for."""
    from .files import spelled

    return spelled({TEAMS.name: TEAMS.default, **values})


# ------------------------------------------------------------------------------------- what to buy

BUDGET = 300.0  # asked for until another one is
SEARCHED = ("policy", "candidates", "reviewers", "reviewer_proposals", "edit_radius")
ASKED = Controls("What is asked for", ("budget", "reliability", "judge"))
SEARCH = Controls("What is searched", ("search", "frontier"), open=False)


def plan_desk(rows: tuple[Parameter, ...]) -> Desk:
    """Return the desk of `moves plan`, whose own rows are given: it sets what is not searched."""
    budget, reliability = (next(row for row in rows if row.name == name) for name in ("budget", "reliability"))
    own = {
        "budget": replace(budget, default=BUDGET, slider=(10.0, 2000.0)),
        "reliability": replace(reliability, slider=(0.5, 0.99)),
    }
    asked = tuple(own.get(row.name, row) for row in rows if row.name in (*ASKED.names, *SEARCH.names))
    rest = tuple(row for row in SETTINGS if row.name not in SEARCHED)
    loop = (replace(part, names=tuple(n for n in part.names if n not in SEARCHED)) for part in LOOP)
    runs = replace(RUNS, names=RUNS.names[:-2])
    headings = {STRATEGY.title: "Priors and tests", OPTIMIZATION.title: "Reviewers"}
    named = tuple(replace(part, title=headings.get(part.title, part.title)) for part in loop)
    presets, spelling = "loopstat.moves.desks:plan_buttons", "loopstat.moves.desks:planned"
    said = (
        "Say what to buy: policy, candidates, reviewers and edit radius under a budget or for a reliability.\n\n"
        "Settings give all that is not searched: priors, tests, difficulty, costs. A reliability is asked "
        "for beside the budget, once it is set."
    )
    return Desk("What to buy", (*asked, *rest), (ASKED, *named, SEARCH, runs), presets, spelled=spelling, help=said)


def plan_buttons() -> tuple[Preset, ...]:
    """Return the buttons with what a plan does not search for itself."""
    some = BUTTONS[: len(PRESETS) + len(SCENARIOS)]
    return tuple(replace(b, values={name: v for name, v in b.values.items() if name not in SEARCHED}) for b in some)


def planned(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of `moves plan` that values of its desk stand for."""
    from .files import spelled

    return spelled({"budget": BUDGET, **values})


# ------------------------------------------------------------------------- what recordings show

CALIBRATE = Desk(
    "Calibration",
    controls=(
        Controls("Candidates", ("pool", "coarse", "fine", "judges", "truth")),
        Controls(
            "Progress over versions", ("progress", "share", "tests", "parent", "radius", "instrument"), open=False
        ),
        Controls("Part and groups", ("by", "where", "columns", "format"), open=False),
        Controls("Intervals", ("level", "seed"), open=False),
    ),
)
