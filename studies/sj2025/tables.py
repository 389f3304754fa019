"""Our figures beside the paper's: the part of the page that goes group by group."""

from __future__ import annotations

import numpy as np

from loopstat.inference.estimate import show
from loopstat.results.decision import Decision

from . import published
from .cells import ranged, shown, vector
from .fits import LEVEL, WHITE, Fitted, Group
from .recordings import BY, OBJECTIVES
from .results import Results

NOT_DEFINED = "not defined here"

BESIDE = """
Rates from {low} to {high}; which strategy has which is not known, nor what "high" is in figures. None of the four is
among the prompts here, so only ranges can be compared.

Below, least squares over all transitions as the paper has it: suite `sj2025`, security left out, programs that do not
parse at the low baseline. *White*: the same scores dealt out at random, {white} times, {level:.0%} of them. A loop in
which no version
knows the one before it has A = -I, a rate of 1 and an R² of 0.5: figures near those are no finding."""

LOOP = """
*White inside*: dealt out inside each session, so that sessions differ as they do and no version knows the one before
it: where tasks lie far apart, that alone makes rates near 0. *Without tasks*: the slowest modulus when each session
may have its own mean (corrected within); 1 less it is a rate. *Fails*: checks of the package that the group does not
pass; `white_scores` means that the scores cannot be told from independent ones. Held-out R² is against the mean
change, clusters left out.

The rate lies within what is dealt out inside sessions in {inside} of {n} setups; held-out predictions are better than
the session's own running mean in {better} (interval above 0)."""

LINEAGE = f"""A lineage: each program is changed from its parent, and most are thrown away. A and R² are those of
*proposals*, x the parent's scores; rate, regime, equilibrium and what comes from starts or noise are **{NOT_DEFINED}**.
Prompt families: variants of the prompt; a fixed share of the code that is asked to change; a share drawn from a power
law.
"""


def beside(r: Results) -> list[str]:
    """Return the section."""
    low, high = published.RATES
    lines = ["## Our figures beside the paper's", "", "Published, as far as there are figures:", "", *published.table()]
    lines.append(BESIDE.format(low=low, high=high, white=WHITE, level=LEVEL))
    for f in r.fits:
        lines += ["", f"### {f.recording.kind.name}", "", *(_lineage(f) if f.recording.kind.lineage else _loop(f))]
        if f.left_out:
            lines += ["", f"Left out, because too few sessions move: {'; '.join(f.left_out)}."]
        lines += ["", *_coupling(f), "", *_decisions(f), "", *_pareto(f)]
    return [*lines, "", *_others(r)]


def _loop(f: Fitted) -> list[str]:
    named = " and ".join(f.objectives)
    lines = [
        "| setup | sessions that move on, transitions | rate | white | white inside | without tasks | R² of "
        f"changes, {named} (white) | held-out R² | regimes (share of draws) | equilibrium | fails |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for g in f.groups:
        e, counts = g.fit.estimates, g.fit.counts
        regimes = ", ".join(f"{x.regime} ({x.probability:.2f})" if x.probability else x.regime for x in g.fit.regimes)
        rest = e.get("drift.equilibrium")
        cells = (
            g.name,
            f"{counts['n_sessions'] - counts['n_idle_sessions']}, {counts['n_transitions']}",
            shown(e.get("rate_euler")),
            ranged(g.white.rate),
            "-" if g.white_inside is None else ranged(g.white_inside.rate),
            shown(g.within),
            _r2(g),
            shown(e.get("skill.constant_drift")),
            regimes,
            "none: a mode may not decay" if rest is None else vector(rest),
            ", ".join(c.name for c in (g.stands or g.fit).checks if not c.passed),
        )
        lines.append(f"| {' | '.join(cells)} |")
    held = [e for g in f.groups if (e := g.fit.estimates.get("skill.running_mean")) is not None]
    better = sum(float(e.low) > 0 for e in held)
    return [*lines, LOOP.format(inside=sum(map(as_white, f.groups)), n=len(f.groups), better=better)]


def as_white(g: Group) -> bool:
    """Return whether a group's rate lies within what scores dealt out inside its sessions show."""
    rate, dealt_out = g.fit.estimates.get("rate_euler"), g.white_inside
    if rate is None or dealt_out is None:
        return False
    return bool(dealt_out.rate.low <= rate.value <= dealt_out.rate.high)


def _lineage(f: Fitted) -> list[str]:
    named = " and ".join(f.objectives)
    lines = [
        LINEAGE,
        f"| model, prompt family | sessions, proposals | diagonal of A, {named} | R² of proposals (white) | "
        "held-out R² | rate, regime, equilibrium | the kept version ends at |",
        "|---|---|---|---|---|---|---|",
    ]
    for g in f.groups:
        e = g.fit.estimates
        own = "; ".join(show(*e["drift.A"][j, j].triple) for j in range(len(f.objectives)))
        lines.append(
            f"| {g.name} | {g.fit.counts['n_sessions']}, {g.fit.counts['n_transitions']:,} | {own} | {_r2(g)} | "
            f"{shown(e.get('skill.constant_drift'))} | {NOT_DEFINED} | {vector(e.get('kept_end.mean'))} |"
        )
    return lines


def _coupling(f: Fitted) -> list[str]:
    of = "proposals" if f.recording.kind.lineage else "changes"
    lines = [
        f"Interference of efficiency and functionality, the correlation of their {of}:",
        "",
        "| group | all programs | those that parse | those, for one change of length |",
        "|---|---|---|---|",
    ]
    i, j = (f.objectives.index(o) for o in OBJECTIVES[1:])
    turned = 0
    for g in f.groups:
        whole = g.fit.estimates["interference.total"][i, j]
        turned += float(whole.value) > 0 > float(g.among_read.value)
        lines.append(f"| {g.name} | {shown(whole)} | {shown(g.among_read)} | {shown(g.for_length)} |")
    return [
        *lines,
        "",
        f"The low baseline turns the sign in {turned} of {len(f.groups)} groups: a program that no longer parses "
        "loses all its scores at once, and objectives seem to go together. *For one change of length*: partial "
        "correlation, the change of the number of logical lines held fixed.",
    ]


def _decisions(f: Fitted) -> list[str]:
    tests, lineage = f.recording.kind.tests, f.recording.kind.lineage
    what = "the program kept for its fitness" if lineage else "the last version"
    lines = [
        f"When to stop (`loopstat decide`; {what} is handed over). The price of a step is 0.02 standard deviations "
        f"of the value between sessions: {f.price_of_scores:.2g} of the static scores, weighed by 1/(n sd), and "
        f"{f.price_of_tests:.2g} of {tests}. In brackets the interval of the step; what may be lost is a "
        f"{LEVEL:.0%} limit.",
        "",
        f"| group | by static scores | by {tests} |",
        "|---|---|---|",
    ]
    lines += [f"| {g.name} | {_decision(g.by_scores)} | {_decision(g.by_tests)} |" for g in f.groups]
    both = [(g.by_scores, g.by_tests) for g in f.groups if g.by_scores is not None and g.by_tests is not None]
    apart = sum(not b.step_low <= a.step <= b.step_high for a, b in both)
    return [
        *lines,
        "",
        f"In {apart} of {len(both)} groups the static scores stop outside the interval of the step that {tests} "
        "asks for.",
    ]


def _decision(d: Decision | None) -> str:
    if d is None:
        return "nothing was measured"
    limit = f", at most {d.loss_high:.2g} lost" if np.isfinite(d.loss_high) else ""
    return f"{d.answer} [{d.step_low}, {d.step_high}]{limit}"


def _pareto(f: Fitted) -> list[str]:
    if not f.pareto:
        return []
    names = [", ".join(part.split("=", 1)[1] for part in p.label.split(", ", len(BY) - 1)) for p in f.pareto]
    shares = "; ".join(f"{name} {shown(p.share_final)}" for name, p in zip(names, f.pareto, strict=True))
    return [
        f"Pareto: share of the ends that no end of any group dominates, {f.pareto[0].n_compared} of each group (the "
        "share falls with that number alone, so one without it, as the published 50 %, cannot be compared): "
        f"{shares}."
    ]


def _others(r: Results) -> list[str]:
    lines = [
        "### The same by the suite `python`",
        "",
        "| recording | group | rate | R², efficiency and functionality (white) | interference, programs that parse "
        "| for one change of length |",
        "|---|---|---|---|---|---|",
    ]
    for f in r.others:
        for g in f.groups:
            rate = NOT_DEFINED if f.recording.kind.lineage else shown(g.fit.estimates.get("rate_euler"))
            lines.append(
                f"| {f.recording.kind.name} | {g.name} | {rate} | {_r2(g)} | {shown(g.among_read)} | "
                f"{shown(g.for_length)} |"
            )
    return lines


def _r2(g: Group) -> str:
    own, white = g.fit.estimates["r2_increments"], g.white.r2
    return "; ".join(f"{show(*own[j].triple)} ({ranged(white[j])})" for j in range(len(own.value)))
