"""Which tests belong to which of the paper's statements, and which recording would test those that have none here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

import loopstat as ls

from . import published
from .clip import Floor
from .fits import FEWEST, LEVEL, Fitted, Group
from .recordings import BY, OBJECTIVES, SUITES, Recording
from .spread import spread_of
from .statements import (
    Ranking,
    Statement,
    Test,
    adjusted,
    dominance_tests,
    predicted_tests,
    rate_tests,
    source_tests,
)

POWER, SMALLEST = 0.8, 0.2  # of a comparison of two arms, and the difference it should find, in sd


def three_objectives(recordings: Sequence[Recording]) -> dict[str, ls.Panel]:
    """Return the panels, of programs that parse, in which none of a suite's three scores is nearly constant."""
    found = {}
    for recording in recordings:
        for suite in SUITES:
            names = [f"{suite}_{o}" for o in OBJECTIVES]
            panel = recording.parsing(recording.panel(names))
            for by, part in panel.split(BY):
                pairs, rows = part.pairs(), part.complete
                if len(np.unique(pairs.session)) < FEWEST:
                    continue
                flat = [spread_of(part.x[rows, j], pairs.x[:, j], pairs.y[:, j]).constant for j in range(3)]
                if not any(flat):
                    found[f"{', '.join(by[c] for c in BY)} (`{suite}`)"] = part
    return found


def coupling_tests(groups: Sequence[Group], name: str) -> tuple[Test, ...]:
    """Return tests that efficiency and functionality go against one another; `name` is that of the estimate."""
    found = []
    for g in groups:
        value, p = (g.among_read, g.p_read) if name == "among_read" else (g.for_length, g.p_length)
        found.append(
            Test(g.name, "they go apart", replace(value, value=-value.value, low=-value.high, high=-value.low), p)
        )
    return tuple(found)


def ranking_test(found: Ranking | None) -> tuple[Test, ...]:
    """Return the test that predictability ranks with the rate."""
    if found is None or not np.isfinite(found.p_held_out):
        return ()
    return (Test("all groups", "rank correlation of rate and held-out R²", found.held_out, found.p_held_out),)


def arms() -> int:
    """Return the sessions that each of two arms needs for a difference of 0.2 sd to be seen 80 times of 100."""
    return int(np.ceil(2 * (ndtri(0.5 + LEVEL / 2) + ndtri(POWER)) ** 2 / SMALLEST**2))


def statements(
    fits: Sequence[Fitted], panels: dict[str, ls.Panel], ranked: Ranking | None, floors: Sequence[Floor]
) -> list[Statement]:
    """Return the paper's statements with their tests, p-values after Holm over all of them."""
    every = [g for f in fits for g in f.groups]
    plain = [g for f in fits if not f.recording.kind.lineage for g in f.groups]
    low, high = published.RATES
    least = min(published.R2.values())
    security = "the same with programs that handle input, files and commands, so that security is not at one value"
    return adjusted(
        [
            Statement(
                "functionality is the primary source of interference",
                "Functionality is the primary source of interference.",
                "|interference| with the third objective is larger for functionality than for either other; programs "
                "that parse.",
                _tests(panels, lambda name, panel: source_tests(name, panel, OBJECTIVES.index("functionality"))),
                security,
            ),
            Statement(
                "the largest drift coefficient dominates coupling",
                "Objectives with the largest drift coefficients dominate coupling.",
                "where one |A[j,j]| is beyond doubt the largest, its objective is more coupled than either other.",
                _tests(panels, dominance_tests),
                security,
            ),
            Statement(
                "stability ranks with predictability",
                "Predictability ranks with the stability of the eigenvalues.",
                "over setups, the rate -max Re λ is rank-correlated with R² on held-out clusters; draws by task.",
                ranking_test(ranked),
                "more setups whose rates differ beyond their errors",
            ),
            Statement(
                "rates",
                f"Strategies converge with rates from {low} to {high}.",
                "the rate is above the lowest and below the highest published one.",
                tuple(rate_tests(plain, low, high)),
            ),
            Statement(
                "predictive accuracy",
                f"The linear model explains R² of {least:.2f} to {max(published.R2.values()):.2f} of the changes.",
                f"R² on held-out clusters is above {least:.2f}.",
                tuple(predicted_tests(plain, least)),
            ),
            Statement(
                "functionality and efficiency trade off",
                "Functionality and efficiency go against one another.",
                "their changes are negatively correlated; programs that parse.",
                coupling_tests(every, "among_read"),
            ),
            Statement(
                "the same, for one length",
                "The trade-off is one of the loop, not of how long programs are.",
                "their changes are negatively correlated for one change of the number of lines.",
                coupling_tests(every, "for_length"),
            ),
            Statement(
                "negative coupling calls for sequential work",
                "Where coupling is negative, one objective after the other beats all at once.",
                "the same tasks, worked on in both ways, end higher in sequence.",
                needed=f"the same tasks in two arms, one objective at a time and all at once, {arms()} sessions each: a "
                f"difference of {SMALLEST} sd is then seen {100 * POWER:.0f} times of 100",
            ),
            Statement(
                "FF's security of exactly 0.0",
                "Features first drives security to exactly 0.0.",
                "every program of the arm is at the floor itself, not below it and cut off.",
                needed="the programs of a features-first arm, scored without the clip",
                figures=tuple(_floor_figure(f) for f in floors),
            ),
        ]
    )


def _tests(panels: dict[str, ls.Panel], test: Callable[[str, ls.Panel], list[Test]]) -> tuple[Test, ...]:
    return tuple(t for name, panel in panels.items() for t in test(name, panel))


def _floor_figure(f: Floor) -> str:
    low, high = (f"{100 * float(x):.2g}" for x in (f.below.low, f.below.high))
    return (
        f"{f.name}: {f.n_below} of {f.programs - f.n_unread:,} programs that parse are at or below 0 before the clip "
        f"({100 * float(f.below.value):.2g} % [{low}, {high}]), {f.most:.1%} in the group with the most; the clip moves "
        f"the mean from {f.raw:.4f} to {f.clipped:.4f}. Another {f.n_unread:,} programs have exactly 0.0 because they do "
        "not parse"
    )
