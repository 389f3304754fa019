"""The page of the documentation on the published statements, their verdicts in the terminal, and the command."""

from __future__ import annotations

import textwrap

import numpy as np

from loopstat.inference.estimate import Estimate, number, show
from loopstat.moves.settings import PARAMETERS
from studies.claim_points import LEAST, MOST, PARTS, Case, Claim, ClaimMap, ControlMap
from studies.claims import Claims

COMMAND = "python -m studies.claims --write docs/claims.md"
MOST_CONTROLS = 5  # tabled for every claim, those that matter most
CHANCE = 0.05  # adjusted p-value from which a difference between quarters may be chance
MARKS = {True: "yes", False: "no", None: "cannot tell"}


def claims_text(claims: Claims, *, width: int = 100) -> str:
    """Return the verdicts for the terminal."""
    lines = [claims.verdict, ""]
    for k, claim in enumerate(claims.claims, 1):
        lines += [f"{k}. {claim.verdict.upper()}: {claim.sentence}"]
        lines += textwrap.wrap(claim.answer, width, initial_indent="   ", subsequent_indent="   ")
        lines += [
            *textwrap.wrap(f"Right in it: {claim.right}", width, initial_indent="   ", subsequent_indent="   "),
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def claims_page(claims: Claims) -> str:
    """Return the page of the documentation, in Markdown; the same claims give the same text."""
    few = len(claims["team_size"].cases)
    lines = [
        "# What is claimed, and what holds",
        "",
        "*Do the published statements about loops of moves hold, and where?* Each, in our words, is simulated at the "
        "page's defaults, presets and scenarios, and at points all over the ranges of its controls. This page is "
        "written by the command; do not edit it.",
        "",
        f"    {COMMAND}",
        "",
        f"{claims.points:,} points over the ranges (a fourth of them for teams of reviewers), {few} named settings, "
        f"{claims.replicates:,} runs of every setting on the same random numbers, at most {claims.max_moves:,} moves, "
        f"seed {claims.seed}. Intervals are 95 %.",
        "",
        f"A statement holds where each of its parts does in at least {MOST:.0%} of the range, and does not where none "
        f"does in more than {LEAST:.0%}.",
        "",
        f"**{claims.verdict}** They are statements about a model, judged by that model with its corrections; whether "
        "real loops behave like it is for recordings to say.",
        "",
        "| | statement | verdict | share of the range |",
        "|---|---|---|---|",
        *(f"| {k} | {c.sentence} | {c.verdict} | {figure(c.share)} |" for k, c in enumerate(claims.claims, 1)),
        "",
    ]
    for k, claim in enumerate(claims.claims, 1):
        lines += _section(k, claim)
    return "\n".join(lines).rstrip() + "\n"


def figure(e: Estimate) -> str:
    """Return an estimate as text."""
    return show(float(e.value), float(e.low), float(e.high))


def _section(k: int, claim: Claim) -> list[str]:
    return [
        f"## {k}. {claim.sentence}",
        "",
        f"**{claim.verdict[0].upper()}{claim.verdict[1:]}.** {claim.answer}",
        "",
        f"*What is right in it.* {claim.right}",
        "",
        f"*What was measured.* {claim.meaning}",
        "",
        f"It holds in {figure(claim.share)} of the points that could be decided; {claim.undecided:.0%} could not.",
        "",
        "| figure | |",
        "|---|---|",
        *(f"| {f.meaning} | {figure(f.value)} |" for f in claim.figures),
        "",
        f"| setting | {claim.effect_meaning} | holds |",
        "|---|---|---|",
        *(_case(c) for c in claim.cases),
        f"| median over the range | {figure(claim.effect)} | |",
        "",
        "Share of the points where it holds, by quarter of the controls that make a difference beyond chance (the "
        "first two in any case; p-values adjusted for all fifteen):",
        "",
        *_controls(_telling(claim)),
        "",
        f"Over the first two of them (columns {claim.map.across.name}, rows {claim.map.down.name}):",
        "",
        *_map(claim.map),
        "",
    ]


def _telling(claim: Claim) -> tuple[ControlMap, ...]:
    """Return the controls whose quarters differ beyond chance, and two in any case."""
    telling = sum(m.p_adjusted < CHANCE for m in claim.by_control)
    return claim.by_control[: min(max(telling, 2), MOST_CONTROLS)]


def _case(c: Case) -> str:
    return f"| {c.name} | {figure(c.value)} | {MARKS[c.holds]} |"


def _span(m: ControlMap, k: int) -> str:
    low, high = m.edges[k], m.edges[k + 1]
    if PARAMETERS[m.name].whole:
        first, last = int(np.ceil(low)), int(np.ceil(high)) - 1
        return str(first) if first == last else f"{first} to {last}"
    return f"{number(float(low))} to {number(float(high))}"


def _share(value: float, count: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f} ({count:.0f})"


def _controls(maps: tuple[ControlMap, ...]) -> list[str]:
    rows = []
    for m in maps:
        cells = [f"{_span(m, k)}: {_share(m.shares[k], m.counts[k])}" for k in range(len(m.counts))]
        cells += [""] * (PARTS - len(cells))
        p = "below 0.001" if m.p_adjusted < 0.001 else f"{m.p_adjusted:.2g}"
        rows.append(f"| {m.name} | {' | '.join(cells)} | {p} |")
    return [f"| control | range: share (points){' |' * PARTS} p |", "|---" * (PARTS + 2) + "|", *rows]


def _map(m: ClaimMap) -> list[str]:
    across, down = range(len(m.across.counts)), range(len(m.down.counts))
    head = f"| | {' | '.join(_span(m.across, k) for k in across)} |"
    rows = [
        f"| {_span(m.down, j)} | {' | '.join(_share(m.shares[j, k], m.counts[j, k]) for k in across)} |" for j in down
    ]
    return [head, "|---" * (len(across) + 1) + "|", *rows]


# ----------------------------------------------------------------------------- the command
