"""The moves lens as commands: their settings and where their parts are; light, so that help costs nothing."""

from __future__ import annotations

from dataclasses import replace

from ..lenses import Command, Lens, Save
from ..parameters import FORMAT, LEVEL, SEED, WHERE, Parameter, choice, number, switch, words
from . import desks
from .settings import FREQUENT, PARAMETERS, POLICIES, PRESETS, ROWS, SCENARIOS


def _frequent(name: str) -> Parameter:
    """Return the row of a setting with a flag of its own; its value is read where all settings are laid together."""
    p = PARAMETERS[name]
    text = f"{p.help[:1].upper()}{p.help[1:]}{f', {p.symbol}' if p.symbol else ''} [{p.default}]."
    return words(name, text, metavar="N" if p.whole else "X")


SETTINGS = (
    words("policy", "Load this policy's published row.", metavar="|".join(POLICIES)),
    words("preset", "Load a published setting.", metavar="|".join(PRESETS)),
    words("scenario", "Lay a kind of task over it.", metavar="|".join(SCENARIOS)),
    words("settings", "Lay a settings file over that.", "path", metavar="FILE"),
    words("group", "Which group of the settings file.", metavar="LABEL"),
    *(_frequent(name) for name in FREQUENT),
    words("set", "Any setting; wins over all others. `loopstat moves settings` lists them.", "pairs",
          metavar="NAME=VALUE"),
)  # fmt: skip
"""What is simulated."""

SIMULATE = (
    *SETTINGS,
    switch("sensitivity", "Also step every setting up and down: what does it hang on?"),
    replace(desks.TEAMS, default=False, kind="flag"),
)
PLAN = (
    number("budget", "", None, "Best plan that costs no more.", 0, above=True, metavar="COST"),
    number("reliability", "", None, "Cheapest plan of which this share of runs succeeds.", 0, 1, above=True, below=True,
           metavar="SHARE"),
    choice("judge", "p_good", "What succeeding means: nothing is wrong, or the tests would pass.",
           ("p_good", "p_pass")),
    words("search", "Search only these values of policy, candidates, reviewers, reviewer_proposals or edit_radius.",
          "pairs", metavar="NAME=V,V"),
    switch("frontier", "Also speed against quality over teams.", default=True),
    *SETTINGS,
)  # fmt: skip
CALIBRATE = (
    words("pool", "What candidates share: the prompt.", default="task", metavar="COL", of="column"),
    words("coarse", "Verdicts of the tests a loop sees: true or false.", metavar="COL", of="column"),
    words("fine", "Verdicts of finer tests on the same candidates.", metavar="COL", of="column"),
    words("judges", "Scores of two judges or more.", "list", metavar="COL,COL", of="number"),
    words("truth", "True quality; a verdict gives upper bounds only.", metavar="COL", of="column"),
    words("progress", "Defects of every version: how fast are they fixed?", metavar="COL", of="number"),
    switch("share", "--progress and --instrument are shares of passing tests."),
    number("tests", "", None, "Tests behind each share. [10]", 1, metavar="N"),
    words("parent", "Step of the version it was made from. [parent_step, else the last]", metavar="COL", of="column"),
    words("radius", "Size of the change that made it.", metavar="COL", of="number"),
    words("instrument", "A second measurement of the defects, with errors of its own.", metavar="COL", of="number"),
    words("by", "One group per value; `none` pools. [model, strategy]", "list", metavar="COL,COL", of="column"),
    WHERE,
    words("columns", "Your names for our columns.", "list", metavar="task=COL,model=COL", of="column"),
    FORMAT,
    LEVEL,
    SEED,
)

HELP = """Simulate a loop of candidates, reviewers and tests, and say what to buy.

\b
loopstat moves simulate                      the defaults: how far does that loop get, and what would help?
loopstat moves simulate --preset noob-vibe   a published setting
loopstat moves plan --budget 300             the best team under a budget
loopstat moves settings                      every setting, preset and scenario
loopstat moves calibrate pool.parquet        what recorded candidates say of tests and reviewers
"""
SAVE = Save("save", "Write the settings, for --settings.", "loopstat.moves.commands:settings_text", title="Settings")
LENS = Lens(
    "moves",
    "candidates, reviewers and tests: how far a loop gets, and what to buy",
    (
        Command(
            "moves simulate",
            "Say when the tests would pass, when nothing is wrong, at what cost and risk, and what would help.\n\n"
            "Later options win: policy or preset, then scenario, settings file, flags, --set.",
            SIMULATE,
            run="loopstat.moves.commands:simulate",
            view="loopstat.moves.view:simulation",
            saves=(SAVE,),
            desk=desks.SIMULATE,
        ),
        Command(
            "moves plan",
            "Say what to buy: policy, candidates, reviewers and edit radius under a budget or for a reliability.\n\n"
            "Settings give all that is not searched: priors, tests, difficulty, costs. --save writes those of the "
            "plan.",
            PLAN,
            run="loopstat.moves.commands:buy",
            view="loopstat.moves.view:plan",
            saves=(SAVE,),
            desk=desks.plan_desk(PLAN),
        ),
        Command(
            "moves settings",
            "List every setting with its range, default and meaning, and the policies, presets and scenarios.",
            (),
            run="loopstat.moves.commands:listed",
            view="loopstat.moves.view:settings",
            pages=False,
        ),
        Command(
            "moves calibrate",
            "Say what recorded candidates show of oracle, reviewers and candidates, and what they cannot.\n\n"
            "FILE has one row per candidate: its task, verdicts of coarse and fine tests, scores of judges, a truth, "
            "whatever of these there is.",
            CALIBRATE,
            run="loopstat.moves.commands:calibrated",
            view="loopstat.moves.view:calibration",
            reads="pool",
            saves=(
                Save(
                    *("out", "Write what was identified, for --settings.", "loopstat.moves.commands:identified_text"),
                    title="Settings of the simulator",
                ),
            ),
            desk=desks.CALIBRATE,
        ),
    ),
    terms="loopstat.moves.terms:TERMS",
    help=HELP,
    rows=ROWS,
)
