"""Which tests belong to which of the paper's statements, and which recording would test those that have none here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri

import loopstat as ls

from . import published
from .cells import percent
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
    explained_tests,
    rate_tests,
    source_tests,
)
from .tables import as_white

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
    return adjusted(
        [*_of_coupling(panels), _stability(ranked), *_of_figures(plain), *_of_trade(every), *_untested(floors)]
    )


def _of_coupling(panels: dict[str, ls.Panel]) -> list[Statement]:
    security = "programs that handle input, files and commands, so that security is not at one value"
    return [
        Statement(
            "source",
            "Functionality is the primary source of interference.",
            "where all three scores move, interference with the third objective is stronger for functionality than "
            "for either other; programs that parse. With two objectives interference is one number and has no "
            "source. What moves security is said under the first table.",
            _tests(panels, lambda name, panel: source_tests(name, panel, OBJECTIVES.index("functionality"))),
            security,
        ),
        Statement(
            "dominance",
            "Objectives with the largest drift coefficients dominate coupling.",
            "where one |A[j,j]| is the largest beyond doubt, its objective is more coupled than either other.",
            _tests(panels, dominance_tests),
            security,
        ),
    ]


def _stability(ranked: Ranking | None) -> Statement:
    return Statement(
        "stability",
        "Predictability ranks with the stability of the eigenvalues.",
        "over setups, the rate is rank-correlated with R² on held-out clusters; draws by task.",
        ranking_test(ranked),
        "more setups, whose rates differ beyond their errors",
    )


def _of_figures(plain: Sequence[Group]) -> list[Statement]:
    low, high = published.RATES
    least, most = min(published.R2.values()), max(published.R2.values())
    return [
        Statement(
            "rates",
            f"The published regression finds rates from {low} to {high}.",
            "here too it gives a rate above the lowest and below the highest.",
            tuple(rate_tests(plain, low, high)),
            figures=_rate_figures(plain),
        ),
        Statement(
            "predictive accuracy",
            f"The published regression has an R² of {least:.2f} to {most:.2f}.",
            f"R² of the changes, inside the sample, mean over objectives, is above {least:.2f}.",
            tuple(explained_tests(plain, least)),
            figures=_level_figures(plain),
        ),
    ]


def _rate_figures(plain: Sequence[Group]) -> tuple[str, ...]:
    inside = sum(map(as_white, plain))
    moduli = [float(g.within.value) for g in plain if g.within is not None]
    rates = f", 1 less the slowest modulus runs from {1 - max(moduli):.2f} to {1 - min(moduli):.2f}" if moduli else ""
    return (
        f"No verdict on how fast these loops are: in {inside} of {len(plain)} setups scores without memory inside "
        f"their sessions give such a rate too, tasks being far apart; where each session may have its own mean{rates}",
    )


def _level_figures(plain: Sequence[Group]) -> tuple[str, ...]:
    levels = [float(np.mean(g.fit.estimates["r2_levels"].value)) for g in plain if "r2_levels" in g.fit.estimates]
    skills = [e for g in plain if (e := g.fit.estimates.get("skill.persistence")) is not None]
    dealt_out = [float(np.mean(g.white_inside.r2.value)) for g in plain if g.white_inside is not None]
    if not levels or not dealt_out:
        return ()
    better = sum(float(e.low) > 0 for e in skills)
    return (
        f"Scores dealt out inside their sessions have an R² of {min(dealt_out):.2f} to {max(dealt_out):.2f}: where "
        "tasks lie far apart, that alone keeps it low",
        f"R² of levels, should the paper mean that, is {min(levels):.2f} to {max(levels):.2f}; held-out predictions "
        f"beat 'as it was' in {better} of {len(skills)} setups (interval above 0)",
    )


def _of_trade(every: Sequence[Group]) -> list[Statement]:
    return [
        Statement(
            "trade-off",
            "Functionality and efficiency go against one another.",
            "their changes are negatively correlated; programs that parse.",
            coupling_tests(every, "among_read"),
        ),
        Statement(
            "trade-off beyond length",
            "And that is more than length, of which one goes up and the other down (our question).",
            "their changes are negatively correlated when the change of the number of lines is held fixed.",
            coupling_tests(every, "for_length"),
        ),
    ]


def _untested(floors: Sequence[Floor]) -> list[Statement]:
    return [
        Statement(
            "sequence",
            "Negative coupling calls for one objective after the other.",
            "where coupling is negative, the same tasks worked on in sequence end higher than all at once.",
            needed=f"the same tasks in two arms, one objective at a time and all at once, {arms()} sessions each, so "
            f"that a difference of {SMALLEST} sd is seen {100 * POWER:.0f} times of 100",
        ),
        Statement(
            "floor",
            "Features first ends at a security of exactly 0.0: a floor, not a clip.",
            "the programs of that arm lie at 0 before any clip. A mean of exactly 0.0 needs all of them at 0 or "
            "below, or not parsing at all.",
            needed="the programs of a features-first arm, scored without the clip",
            figures=tuple(_floor_figure(f) for f in floors),
        ),
    ]


def _tests(panels: dict[str, ls.Panel], test: Callable[[str, ls.Panel], list[Test]]) -> tuple[Test, ...]:
    return tuple(t for name, panel in panels.items() for t in test(name, panel))


def _floor_figure(f: Floor) -> str:
    low, high = (percent(float(x)) for x in (f.below.low, f.below.high))
    return (
        f"{f.name}: {f.n_below} of {f.programs - f.n_unread:,} programs that parse lie at or below 0 before the "
        f"clip ({percent(float(f.below.value))} [{low}, {high}]; {percent(f.most)} in the group with the most). The "
        f"clip moves the mean from {f.raw:.4f} to {f.clipped:.4f}. {f.n_unread:,} more have exactly 0.0 because "
        "they do not parse"
    )
