"""The page `docs/sj2025.md`: every figure from the results, every word of a verdict from a field."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loopstat.inference.estimate import Estimate, show
from loopstat.results.decision import Decision

from . import published
from .choosing import FITTED, VISIBLE, Power, Trial
from .clip import Floor
from .fits import LEVEL, WHITE, Fitted, Group
from .recordings import OBJECTIVES, Recording
from .spread import MOST_AT_MODE, Spread
from .statements import ALPHA, FAILS, HOLDS, NOT_TESTABLE, OPEN, Ranking, Statement

NOT_DEFINED = "not defined here"


@dataclass(frozen=True)
class Results:
    """All that the page speaks of, in its order.

    Attributes
    ----------
    recordings : tuple of Recording
    absent : tuple of str
        Names of recordings that the folder does not hold.
    spreads : tuple of (str, list of Spread)
    rules : tuple of (str, Counter)
        Of each recording, how many programs each rule of the suite `python` moves the security of.
    fits : tuple of Fitted
    statements : tuple of Statement
    ranking : Ranking or None
    floors : tuple of Floor
    trials : tuple of Trial
    sessions, tasks : int
        That the trials are judged on.
    power : tuple of Power
    seconds : mapping from suite to CPU seconds a program, by recording
    cpu : float
        Seconds of the whole study, scoring left out.
    """

    recordings: tuple[Recording, ...]
    absent: tuple[str, ...]
    spreads: tuple[tuple[str, list[Spread]], ...]
    rules: tuple[tuple[str, Counter[str]], ...]
    counts: tuple[tuple[int, int], ...]
    fits: tuple[Fitted, ...]
    statements: tuple[Statement, ...]
    ranking: Ranking | None
    floors: tuple[Floor, ...]
    trials: tuple[Trial, ...]
    sessions: int
    tasks: int
    power: tuple[Power, ...]
    seconds: tuple[tuple[str, dict[str, float]], ...]
    cpu: float


def page(r: Results) -> str:
    """Return the page."""
    parts = (_head(r), _spread(r), _beside(r), _statements(r), _use(r), _limits(r))
    return "\n".join(line for part in parts for line in [*part, ""])


def _head(r: Results) -> list[str]:
    hashes = ", ".join(dict.fromkeys(x.scorer_hash for x in r.recordings))
    lines = [
        "# The source paper's experiment, in the open",
        "",
        "*Do the published figures of a loop that writes code come back on loops anyone can look at?* Made by `python -m "
        f"studies.sj2025`; scorers {hashes}. Every interval is at {LEVEL:.0%} and by cluster (task or session); p-values "
        "are after Holm's correction over all tests that a section's verdicts rest on; the words of the verdicts are made "
        "from those figures.",
        "",
        f"Shukla and Joshi (2025), [SJ], score each version of a program without running it and fit a linear drift to "
        f"{published.SESSIONS} sessions that were not published. Here the programs are public ones, scored by our own "
        "suites (`sj2025`: the paper's heuristics as described; their weights are not published and are ours):",
        "",
        "| recording | what | programs | sessions | used as |",
        "|---|---|---|---|---|",
    ]
    for recording, (programs, sessions) in zip(r.recordings, r.counts, strict=True):
        kind = recording.kind
        used = "proposals: from parent to child" if kind.lineage else "sessions: from version to version"
        lines.append(f"| {kind.name} | {kind.what} | {programs:,} | {sessions:,} | {used} |")
    lines += [f"\n{name} is not there, and is left out." for name in r.absent]
    return lines


# --------------------------------------------------------------------------------------------- spread


def _spread(r: Results) -> list[str]:
    lines = [
        "## First: do the scores move at all?",
        "",
        f"Programs that parse. A score with {MOST_AT_MODE:.0%} of them at one value is nearly constant and is left out of "
        "the fits: what is fitted to it is a handful of programs.",
        "",
        "| recording | score | sd | at the mode | at 0 | at 10 | changes in | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, spreads in r.spreads:
        for s in spreads:
            word = "nearly constant: left out" if s.constant else ""
            lines.append(
                f"| {name} | {s.suite}.{s.objective} | {s.deviation:.2f} | {s.mode_share:.1%} ({s.mode:g}) | "
                f"{s.floor:.1%} | {s.ceiling:.1%} | {s.moves:.1%} of transitions | {word} |"
            )
    lines.append("")
    for name, rules in r.rules:
        if rules:
            rule, n = rules.most_common(1)[0]
            total = sum(rules.values())
            lines.append(
                f"- {name}: of what moves `python.security`, {n / total:.0%} is one rule, {rule}"
                + (
                    " (random numbers not fit for cryptography: an optimiser's are no weakness)."
                    if rule == "S311"
                    else "."
                )
            )
    return lines


# ------------------------------------------------------------------------------------- beside the paper


def _beside(r: Results) -> list[str]:
    lines = ["## Our figures beside the paper's", "", "Published, as far as the figures are known:", ""]
    low, high = published.RATES
    lines += published.table()
    lines += [
        "",
        f"Rates of {low} to {high} (which strategy has which is not known); 'high' efficiencies have no figure. No "
        "strategy here is one of those four: ours are debuggers and mutation prompts, so what can be compared is the range.",
        "",
        "Below, by least squares over all transitions, as the paper does it (suite `sj2025`, security left out, programs "
        "that do not parse at the low baseline). *White*: the same scores dealt out at random "
        f"({WHITE} times, the range of {LEVEL:.0%}): a loop in which no version knows the one before it has A = -I, a rate "
        "of 1 and an R² of 0.5. An R² or a rate near those is no finding.",
    ]
    for f in r.fits:
        lines += ["", f"### {f.recording.kind.name}", "", *(_lineage(f) if f.recording.kind.lineage else _loop(f))]
        lines += ["", *_coupling(f), "", *_decisions(f), "", *_pareto(f)]
    return lines


def _loop(f: Fitted) -> list[str]:
    lines = [
        "| setup | sessions that move on, transitions | rate (white) | R² of changes, "
        + " and ".join(f.objectives)
        + " (white) | held-out R² | regimes (share of draws) | equilibrium | stands by |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for g in f.groups:
        e = g.fit.estimates
        moving = g.fit.counts["n_sessions"] - g.fit.counts["n_idle_sessions"]
        regimes = ", ".join(f"{x.regime} ({x.probability:.2f})" if x.probability else x.regime for x in g.fit.regimes)
        rest = e.get("drift.equilibrium")
        lines.append(
            f"| {g.name} | {moving}, {g.fit.counts['n_transitions']} | {_shown(e['rate_euler'])} "
            f"({_range(g.white.rate)}) | {_r2(g)} | {_shown(e.get('skill.constant_drift'))} | {regimes} | "
            f"{'none: a mode may not decay' if rest is None else _vector(rest)} | {_stands(g)} |"
        )
    held = [e for g in f.groups if (e := g.fit.estimates.get("skill.running_mean")) is not None]
    better = sum(float(e.low) > 0 for e in held)
    lines += [
        "",
        "Held-out R²: against the mean change, clusters left out. *Stands by*: the estimator the package chooses, which "
        f"refuses where the data cannot tell. Beside a session's own running mean, held-out predictions are better in "
        f"{better} of {len(held)} setups (interval above 0). Slow: nothing decays within a session, what the paper calls "
        "boundary attraction.",
    ]
    return lines


def _lineage(f: Fitted) -> list[str]:
    lines = [
        f"A lineage: every program is changed from its parent. A and R² are those of *proposals*; rates, regimes, "
        f"equilibria, what comes from starts and noise: **{NOT_DEFINED}** (a row is no successor of the row before).",
        "",
        "| model, prompt family | sessions, proposals | diagonal of A, "
        + " and ".join(f.objectives)
        + " | R² of proposals (white) | held-out R² | rate, regime, equilibrium | the kept version ends at |",
        "|---|---|---|---|---|---|---|",
    ]
    for g in f.groups:
        e = g.fit.estimates
        A = e["drift.A"]
        own = "; ".join(show(*A[j, j].triple) for j in range(len(f.objectives)))
        lines.append(
            f"| {g.name} | {g.fit.counts['n_sessions']}, {g.fit.counts['n_transitions']:,} | {own} | {_r2(g)} | "
            f"{_shown(e.get('skill.constant_drift'))} | {NOT_DEFINED} | {_vector(e.get('kept_end.mean'))} |"
        )
    if f.left_out:
        lines += ["", f"Left out, because too few sessions have a proposal: {'; '.join(f.left_out)}."]
    return lines


def _coupling(f: Fitted) -> list[str]:
    of = "proposals" if f.recording.kind.lineage else "changes"
    lines = [
        f"Interference of efficiency and functionality (correlation of their {of}):",
        "",
        "| group | all programs | those that parse | those, for one change of length |",
        "|---|---|---|---|",
    ]
    for g in f.groups:
        i, j = (f.objectives.index(o) for o in OBJECTIVES[1:])
        whole = g.fit.estimates["interference.total"][i, j]
        lines.append(f"| {g.name} | {_shown(whole)} | {_shown(g.among_read)} | {_shown(g.for_length)} |")
    signs = [(float(g.fit.estimates["interference.total"].value[0, 1]), float(g.among_read.value)) for g in f.groups]
    turned = sum(a > 0 > b for a, b in signs)
    lines += [
        "",
        f"The low baseline alone turns the sign in {turned} of {len(signs)} groups: a program that stops to parse loses "
        "all its scores at once.",
    ]
    return lines


def _decisions(f: Fitted) -> list[str]:
    tests = f.recording.kind.tests
    what = "the program kept" if f.recording.kind.lineage else "the last version"
    lines = [
        f"When to stop (`loopstat decide`, {what} is handed over). A step is priced at 0.02 standard deviations of the "
        f"value between sessions: {f.price_of_scores:.2g} for the static scores weighed by 1/(n sd), "
        f"{f.price_of_tests:.2g} of {tests}.",
        "",
        f"| group | by static scores | by {tests} |",
        "|---|---|---|",
    ]
    lines += [f"| {g.name} | {_decision(g.by_scores)} | {_decision(g.by_tests)} |" for g in f.groups]
    both = [(g.by_scores, g.by_tests) for g in f.groups if g.by_scores is not None and g.by_tests is not None]
    apart = [a for a, b in both if not (b.step_low <= a.step <= b.step_high)]
    lines += [
        "",
        f"In {len(apart)} of {len(both)} groups the static scores stop at a step outside the interval of the step that "
        f"{tests} asks for.",
    ]
    return lines


def _decision(d: Decision | None) -> str:
    if d is None:
        return "no program was scored"
    limit = f", at most {d.loss_high:.2g} lost" if np.isfinite(d.loss_high) else ""
    return f"{d.answer} [{d.step_low}, {d.step_high}]{limit}"


def _pareto(f: Fitted) -> list[str]:
    if not f.pareto:
        return []
    lines = [
        f"Pareto, of the ends, {f.pareto[0].n_compared} of each group drawn alike, against those of all groups (the share "
        "falls with the number of points alone, so a '50 %' without a number says nothing):",
        "",
        "| group | share that nothing dominates |",
        "|---|---|",
    ]
    return [*lines, *(f"| {p.label} | {_shown(p.share_final)} |" for p in f.pareto)]


# ------------------------------------------------------------------------------------------ statements


def _statements(r: Results) -> list[str]:
    n = sum(np.isfinite(t.p) for s in r.statements for t in s.tests)
    lines = [
        "## The paper's statements",
        "",
        f"A statement *{HOLDS}* where its figures are above 0 in every group that can be tested, *{FAILS}* where one is "
        f"below 0, p < {ALPHA:.2g} after Holm over all {n} tests of this table; else *{OPEN}*.",
        "",
        "| statement | verdict | groups: holds, fails, cannot tell |",
        "|---|---|---|",
    ]
    for s in r.statements:
        c = s.counts
        tested = f"{c[HOLDS]}, {c[FAILS]}, {c[OPEN]}" if s.tests else "no test"
        lines.append(f"| {s.said} | **{s.verdict}** | {tested} |")
    for s in r.statements:
        lines += ["", f"### {s.said}", "", *_statement(s)]
        if s.name.startswith("stability") and r.ranking is not None:
            k = r.ranking
            lines += [
                "",
                f"Over {k.n} setups the rate is rank-correlated {_shown(k.held_out)} with R² on held-out clusters, "
                f"{_shown(k.inside)} with R² inside the sample. For scores dealt out at random, in which nothing can be "
                f"predicted, the latter is {_shown(k.white)}: rate and R² come from the same A (scalar, at rest: R² = "
                "rate/2), so that their ranks agree says little. Published rates have no names, so the paper's own "
                "ranking cannot be checked.",
            ]
    return lines


def _statement(s: Statement) -> list[str]:
    lines = [f"Verdict: **{s.verdict}**. Taken to say: {s.read_as}"]
    if s.tests:
        lines += ["", "| group | figure | | p | |", "|---|---|---|---|---|"]
        for t in s.tests:
            lines.append(f"| {t.of} | {t.what} | {_shown(t.value)} | {_p(t.p_adjusted)} | {t.word} |")
    lines += [f"\n- {figure}." for figure in s.figures]
    if s.needed and s.verdict in (NOT_TESTABLE, OPEN):
        lines += ["", f"What would test it: {s.needed}."]
    return lines


# ---------------------------------------------------------------------------------------- what it is for


def _use(r: Results) -> list[str]:
    lines = ["## Static scores and tests passed", ""]
    for p in r.power:
        where = "versions of debugging sessions" if p.name == "debugging" else "candidates of a pool"
        lines.append(
            f"- {p.programs:,} different programs ({where}), within a task and a model: the single score with the largest "
            f"rank correlation with the share of fine tests passed has {_shown(p.largest)} (smallest p of all scores "
            f"{_p(p.smallest_p)}); the best linear combination, fitted on other tasks, {_shown(p.combined)}."
        )
        if p.gains:
            own = [(n, e) for n, e in p.gains if n != "the tests themselves"]
            name, best = max(own, key=lambda g: float(g[1].value))
            _, tests = p.gains[-1]
            lines.append(
                f"- Picking one of ten candidates: the best of {len(own)} scores, {name}, passes {_shown(best)} more often "
                f"than one at random, at {_price(r)} of CPU a program; the tests themselves {_shown(tests)}."
            )
    lines += ["", "All figures: [do static scores say which program passes](score_power.md).", ""]
    return [*lines, *_stopping(r)]


def _stopping(r: Results) -> list[str]:
    if not r.trials:
        return []
    static = [t for t in r.trials if t.score != VISIBLE]
    words = Counter(t.word for t in static)
    top = max(float(t.gain.high) for t in static)
    lines = [
        "### Does a static score improve a stop rule?",
        "",
        f"Debugging sessions of at least two versions: {r.sessions} sessions, {r.tasks} tasks. Each rule is tuned on one "
        "half of the tasks and judged on the other, both ways, five times (`loopstat decide`, `select`: the score, "
        "`value`: the share of the fine tests that the last version passes, net of the price of the rounds). Gain: above "
        "the best fixed number of rounds, tuned likewise. A session that passes its visible tests has ended by itself "
        f"under every rule. *{FITTED}*: the share of tests that all static scores together foretell, fitted on other "
        f"tasks. *{VISIBLE}*: what the loop runs anyway, for comparison; its p-values are apart.",
        "",
        "| price of a round | score | " + " | ".join(f"gain, {family}" for family in _families(r)) + " |",
        "|---|---|" + "---|" * len(_families(r)),
    ]
    for price in dict.fromkeys(t.price for t in r.trials):
        for score in dict.fromkeys(t.score for t in r.trials):
            row = {t.family: t for t in r.trials if t.price == price and t.score == score}
            cells = (f"{show(*row[f].gain.triple)}{_mark(row[f])}" for f in _families(r))
            lines.append(f"| {price:g} of the tests | {score.replace('_', '.', 1)} | {' | '.join(cells)} |")
    fixed = {t.price: t for t in r.trials}
    told = "; ".join(f"{_shown(t.fixed)} at {price:g}" for price, t in fixed.items())
    lines += [
        "",
        f"Marked: p < {ALPHA:.2g} after Holm. Of {len(static)} rules that look at a static score {words['better']} are "
        f"better than a fixed number of rounds, {words['worse']} worse, {words['no difference seen']} show no difference; "
        f"no interval reaches beyond +{top:.2f} of the tests. The fixed number itself nets {told} of the tests; the static "
        f"scores behind a rule take {_price(r)} of CPU a version.",
    ]
    return lines


def _families(r: Results) -> list[str]:
    return list(dict.fromkeys(t.family for t in r.trials))


def _mark(t: Trial) -> str:
    return f" **{t.word}**" if t.word in ("better", "worse") else ""


def _price(r: Results) -> str:
    """Return the CPU of the suites, by recording."""
    own = next((s for name, s in r.seconds if name == "ldb_humaneval"), r.seconds[0][1])
    return " and ".join(f"{1000 * x:.1f} ms ({suite})" for suite, x in own.items())


def _limits(r: Results) -> list[str]:
    return [
        "## What this cannot say",
        "",
        "- The suites are ours: other weights of the same heuristics would give other numbers. What is said of the clip "
        "holds for a scale that starts at 5 and loses 1.5 to 2.5 for each unsafe construct.",
        "- No recording here prompts for features, security or efficiency first: nothing on this page says what those "
        "prompts do.",
        "- Debugging sessions end where the visible tests pass: long ones are those that fail. Arms with GPT-3.5 share "
        "their first programs, so setups are no independent repetitions; draws are by task for that reason.",
        "- Programs often stay as they were: rates near 0 are those of loops that hardly touch what is scored.",
        "",
        f"The study took {r.cpu:.0f} s of CPU besides the scoring, which is done once and kept: "
        + "; ".join(
            f"{name} {' and '.join(f'{1000 * x:.1f} ms ({suite})' for suite, x in s.items())} a program"
            for name, s in r.seconds
        )
        + ".",
    ]


# ---------------------------------------------------------------------------------------------- cells


def _shown(e: Estimate | None) -> str:
    return "-" if e is None else show(*e.triple)


def _range(e: Estimate) -> str:
    return f"{float(e.low):.2f} to {float(e.high):.2f}"


def _r2(g: Group) -> str:
    own, white = g.fit.estimates["r2_increments"], g.white.r2
    return "; ".join(f"{show(*own[j].triple)} ({_range(white[j])})" for j in range(len(own.value)))


def _vector(e: Estimate | None) -> str:
    return "-" if e is None else "; ".join(show(*e[j].triple) for j in range(len(e.value)))


def _stands(g: Group) -> str:
    if g.stands is None:
        return "-"
    return g.stands.estimator.name or "none: cannot tell"


def _p(p: float) -> str:
    return "-" if not np.isfinite(p) else "< 0.001" if p < 0.001 else f"{p:.2g}"
