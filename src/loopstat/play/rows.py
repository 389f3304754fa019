"""Settings of the loops and chains to play with; light, so that help costs nothing."""

from __future__ import annotations

from dataclasses import replace

from ..lenses import Controls, Preset
from ..parameters import SEED, Parameter, choice, number, switch, whole, words
from .strategies import AT_ZERO, DRIFTS, NOISES, OBJECTIVES, PAIRS, SOURCE, STARTS, STRATEGIES, TOGETHER

MOST_SESSIONS, MOST_STEPS, MOST_TRANSITIONS = 5000, 500, 1_000_000


def _capped(row: Parameter, high: float) -> Parameter:
    return replace(row, high=high)


def _drift(i: int, j: int) -> Parameter:
    """Return the row of one entry of A."""
    to, of = OBJECTIVES[i], OBJECTIVES[j]
    said = (
        f"What a point of {to} adds to its own next change; -1 forgets it at once."
        if i == j
        else f"What a point of {of} adds to the next change of {to}."
    )
    slider = (-2.2, 0.3) if i == j else (-1.0, 1.0)
    name, symbol = DRIFTS[i][j], f"A[{to[0]},{of[0]}]"
    return number(name, symbol, DEFAULTS[name], said, -5, 5, slider=slider, source=f"chosen after {SOURCE}")


def _each(
    names: tuple[str, ...], symbol: str, said: str, *ends: float, slider: tuple[float, float]
) -> tuple[Parameter, ...]:
    """Return a row for every objective."""
    return tuple(
        number(name, f"{symbol}[{of[0]}]", DEFAULTS[name], said.format(of), *ends, slider=slider)
        for name, of in zip(names, OBJECTIVES, strict=True)
    )


DEFAULTS = {**dict(zip(STARTS, (2.0, 2.5, 3.0), strict=True)), **STRATEGIES["EF"].values}
A = tuple(_drift(i, j) for i in range(3) for j in range(3))
B = _each(AT_ZERO, "b", "Drift of {} where all objectives are zero.", -60, 60, slider=(-10, 15))
START = _each(STARTS, "x0", "Where {} starts.", 0, 10, slider=(0, 10))
SD = _each(NOISES, "σ", "Noise of {} in a step, standard deviation.", 0, 20, slider=(0, 3))
RHO = tuple(
    number(
        *(name, f"ρ[{OBJECTIVES[i][0]},{OBJECTIVES[j][0]}]", DEFAULTS[name]),
        *(f"Correlation of the noise of {OBJECTIVES[i]} and {OBJECTIVES[j]}.", -1, 1),
        slider=(-1, 1),
    )
    for name, (i, j) in zip(TOGETHER, PAIRS, strict=True)
)
LOOP = (
    words(
        "schedule",
        "Strategies one after the other, NAME:STEPS; the last goes on to the end. NAME is EF, SF, FF, AI or own.",
        metavar="FF:3,AI",
    ),
    *A,
    *B,
    *START,
    *SD,
    *RHO,
    switch("clip", "Scores are clipped at 0 and at 10.", default=True),
    _capped(whole("steps", "T", 12, "Steps of a session.", 2, slider=(3, 60)), MOST_STEPS),
    _capped(whole("sessions", "S", 40, "Sessions that are recorded.", 3, slider=(5, 400)), MOST_SESSIONS),
    number(
        "price", "", 0.05, "What a step costs, in points of the mean of the objectives.", 0, 10, slider=(0, 0.5),
        unit="points",
    ),
    number(
        "tolerance", "", 0.25, "How near to rest counts as there, for every objective.", 0, 10, above=True,
        slider=(0.05, 2), unit="points",
    ),
    SEED,
)  # fmt: skip
"""Settings of `play loop`."""

LOOP_CONTROLS = (
    Controls("Schedule and price", ("schedule", "price", "tolerance")),
    Controls("Drift: what levels do to the next change, A", tuple(row.name for row in A)),
    Controls("Drift at zero, b", tuple(row.name for row in B)),
    Controls("Start", tuple(row.name for row in START)),
    Controls("Noise, Q", tuple(row.name for row in (*SD, *RHO)), open=False),
    Controls("Recording", ("steps", "sessions", "clip", "seed")),
)

SYSTEMS = ("equilibrium", "ring", "trap", "words")
CHAIN = (
    choice(
        "system",
        "equilibrium",
        "A walk on a potential with two wells, a ring that is driven round, a set of states with a trap, or the "
        "published word counts.",
        SYSTEMS,
    ),
    _capped(
        whole("states", "", 6, "Number of states; the words have their own.", 3, slider=(3, 16)), 40
    ),
    number("depth", "", 2.0, "Equilibrium: how deep the lower well is.", 0, 10, slider=(0, 6)),
    number(
        "temperature", "", 1.0, "Equilibrium: 1/beta; a hot walk hardly feels the potential.", 0.5, 20, slider=(0.5, 4),
    ),
    number(
        "drive", "", 2.0, "Ring: sum of ln P(f -> g)/P(g -> f) once around; 0 is balance.", -20, 20, slider=(0, 8),
        unit="nats",
    ),
    number("stay", "", 0.2, "Ring and trap: probability of no move.", 0, 1, below=True, slider=(0, 0.95)),
    number("escape", "", 0.02, "Trap: probability to leave it in a step.", 0, 1, above=True, slider=(0.002, 0.5)),
    Parameter(
        "transitions", "n", 500, "", "Transitions that are recorded, in all sessions together.",
        low=10, high=MOST_TRANSITIONS, slider=(20, 5000), whole=True, metavar="N",
    ),
    Parameter(
        "sessions", "S", 20, "", "Sessions they are recorded in; 0 asks every state equally often.",
        low=0, high=MOST_SESSIONS, slider=(0, 200), whole=True, metavar="N",
    ),
    SEED,
)  # fmt: skip
"""Settings of `play chain`."""

CHAIN_CONTROLS = (
    Controls("System", ("system", "states")),
    Controls("Equilibrium", ("depth", "temperature")),
    Controls("Ring and trap", ("drive", "stay", "escape")),
    Controls("Recording", ("transitions", "sessions", "seed")),
)
CHAIN_PRESETS = (
    Preset("Two wells", {"system": "equilibrium"}, group="Systems", help="In balance: rolls down a potential."),
    Preset("Driven ring", {"system": "ring"}, group="Systems", help="Goes round one way more often than back."),
    Preset("Trap", {"system": "trap"}, group="Systems", help="In balance, but one state is hardly ever left."),
    Preset(
        "Published words",
        {"system": "words", "transitions": 20_000, "sessions": 0},
        group="Systems",
        help="Counts of Claude-4's answers in a word game (Song et al. 2025), equal visits assumed as there.",
    ),
    Preset(
        "Weak drive",
        {"system": "ring", "drive": 0.5},
        group="Systems",
        help="Driven so little that it takes many transitions to see.",
    ),
)
