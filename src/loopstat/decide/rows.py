"""Settings of the decision lens, one row each; light, so that help costs nothing."""

from __future__ import annotations

from ..parameters import BOOTSTRAP, CLUSTER, LEVEL, choice, number, switch, whole, words

KEEPS = ("last", "best", "accepted", "success")

DEFAULT_PRICE = 0.02  # standard deviations of the value held, for one step

PRICE = number(
    "price", "", None, f"What a step costs, in units of the value. Default: {DEFAULT_PRICE} standard deviations.", 0
)
DECIDE = (
    PRICE,
    words("cost", "Column of what each step costs (tokens, money); goes with --worth.", metavar="COL", of="number"),
    number("worth", "", None, "So many units of --cost buy one unit of value.", 0, above=True),
    choice("keep", None, "Which version a session hands over. Default: by what the table records.", KEEPS),
    words(
        "select", "Objective that the loop sees and selects by, where another one counts.", metavar="COL", of="number"
    ),
    words("value", "Objective that counts, where the loop sees another one.", metavar="COL", of="number"),
    words(
        "weights",
        "What one unit of an objective is worth. Default: one standard deviation of each the same.",
        "pairs",
        metavar="A=1,B=0.5",
        of="objective",
    ),
    words(
        "ended",
        "Column that is true where a session ended by itself, false where it was cut off.",
        metavar="COL",
        of="column",
    ),
    whole("horizon", "", None, "Farthest step considered. Default: 1.5 times the last recorded one."),
)
"""Rows of `MeanCurve` that are its own."""

FORECAST = (
    switch("forecast", "Say what a session will hold, with bands, and how well such forecasts did."),
    words(
        "target",
        "Objectives to reach, all of them: how likely at each step and by it.",
        "pairs",
        metavar="A=7,B=6",
        of="objective",
    ),
    words("session", "Session under way: what it will hold, given its own steps.", metavar="ID", of="session"),
    words("scores", "Scores of a session under way, of the one objective.", "list", metavar="4,5,5.5"),
)
"""What is foretold, where it is asked for."""

SCORER_NOISE = choice(
    "scorer_noise", None, "`none`: the recorded score is exact, so rules may look at it.", ("none",), metavar="none"
)
RULES = (
    switch("rules", "Judge rules that look at the session, and choose one.", default=True),
    number("guarantee", "", None, "Mean loss that a rule must not exceed; asks for --bounds.", 0, above=True),
    number("confidence", "", 0.95, "Of the guarantee.", 0.5, 1, below=True),
)
"""What only `loopstat decide` asks for."""

FIT = (*DECIDE, *FORECAST, *RULES, CLUSTER, BOOTSTRAP, LEVEL)
"""Rows of `MeanCurve`."""
