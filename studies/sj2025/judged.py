"""The paper's statements with their verdicts, and what static scores are good for where there are tests."""

from __future__ import annotations

from collections import Counter

from loopstat.inference.estimate import show

from .cells import milliseconds, p_shown, shown
from .choosing import FITTED, VISIBLE, Trial
from .results import Results
from .statements import ALPHA, FAILS, HOLDS, NOT_TESTABLE, OPEN, WHERE_TOLD, Ranking, Statement

STATEMENTS = """## The paper's statements

A statement *{holds}* where its figures are above 0 in every group that can be tested, *{fails}* where they are below
0 in at least one, p < {alpha:.2g} after Holm over all {n} tests of this section. *{where}*: above 0 in some groups,
below in none.

| statement | verdict | groups in which it holds, fails, cannot be told |
|---|---|---|"""

RANKING = """
Over {n} setups the rate is rank-correlated {held_out} with R² on held-out clusters and {inside} with R² inside the
sample. For scores dealt out at random, in which nothing can be foretold, the latter is {white}: rate and R² come from
the same A (scalar, at rest: R² = rate/2), so that their ranks agree is no evidence. The published rates have no
names; the paper's own
ranking cannot be checked."""

STOPPING = """### Does a static score improve a stop rule?

Debugging sessions of at least two versions: {sessions} sessions of {tasks} tasks. Each rule is tuned on one half of
the tasks and judged on the other, both ways, five times (`loopstat decide`: `select` the score, `value` the share of
the fine tests that the last version passes, less the price of the rounds). Gain: above the best fixed number of
rounds, tuned likewise. A session whose visible tests pass has ended under every rule. *{fitted}*: the share of tests
that all static scores together foretell, fitted on other tasks. *{visible}*: what the loop looks at anyway, for
comparison; p-values apart.
"""


def judged(r: Results) -> list[str]:
    """Return the section of verdicts."""
    n = sum(t.p_adjusted == t.p_adjusted for s in r.statements for t in s.tests)
    lines = [STATEMENTS.format(holds=HOLDS, fails=FAILS, where=WHERE_TOLD, alpha=ALPHA, n=n)]
    for s in r.statements:
        c = s.counts
        tested = f"{c[HOLDS]}, {c[FAILS]}, {c[OPEN]}" if s.tests else "no test"
        lines.append(f"| {s.said} | **{s.verdict}** | {tested} |")
    for s in r.statements:
        lines += ["", f"### {s.said}", "", *_statement(s)]
        if s.name == "stability" and r.ranking is not None:
            lines.append(_ranking(r.ranking))
    return lines


def _statement(s: Statement) -> list[str]:
    lines = [f"Verdict: **{s.verdict}**. Taken to say: {s.read_as}"]
    if s.tests:
        lines += ["", "| group | figure | | p | |", "|---|---|---|---|---|"]
        lines += [f"| {t.of} | {t.what} | {shown(t.value)} | {p_shown(t.p_adjusted)} | {t.word} |" for t in s.tests]
    lines += ["", *(f"- {figure}." for figure in s.figures)] if s.figures else []
    if s.needed and s.verdict in (NOT_TESTABLE, OPEN):
        lines += ["", f"What would test it: {s.needed}."]
    return lines


def _ranking(k: Ranking) -> str:
    cells = {name: shown(e) for name, e in (("held_out", k.held_out), ("inside", k.inside), ("white", k.white))}
    return RANKING.format(n=k.n, **cells)


# ---------------------------------------------------------------------------------------- what it is for


def use(r: Results) -> list[str]:
    """Return the section on static scores and tests passed."""
    lines = ["## Static scores and tests passed", ""]
    for p in r.power:
        where = "versions of debugging sessions" if p.name == "debugging" else "candidates of a pool"
        lines.append(
            f"- {p.programs:,} different programs, {where}, within a task and a model: of the single scores none "
            f"has a p-value below {p_shown(p.smallest_p)}; the largest rank correlation with the share of fine "
            f"tests passed is {shown(p.largest)}. The best linear combination, fitted on other tasks, has "
            f"{shown(p.combined)}."
        )
        if p.gains:
            own = [(n, e) for n, e in p.gains if n.startswith(("python.", "sj2025.", "all"))]
            name, best = max(own, key=lambda gain: float(gain[1].value))
            lines.append(
                f"- Picking one of ten candidates: the largest gain of {len(own)} scores (not corrected for that) "
                f"is {shown(best)} more passes than at random, by {name}, for {_price(r)} of CPU a program; the "
                f"tests themselves gain {shown(p.gains[-1][1])}."
            )
    if len(r.power) < 2:
        lines.append("- The pool of candidates is not there: nothing is said of picking one of several.")
    lines += ["", "All figures: [do static scores say which program passes](score_power.md).", ""]
    return [*lines, *_stopping(r)]


def _stopping(r: Results) -> list[str]:
    if not r.trials:
        return []
    families = list(dict.fromkeys(t.family for t in r.trials))
    lines = [
        STOPPING.format(sessions=r.sessions, tasks=r.tasks, fitted=FITTED, visible=VISIBLE),
        "| price of a round, in shares of the tests | score | " + " | ".join(f"gain by {f}" for f in families) + " |",
        "|---|---|" + "---|" * len(families),
    ]
    for price in dict.fromkeys(t.price for t in r.trials):
        for score in dict.fromkeys(t.score for t in r.trials):
            row = {t.family: t for t in r.trials if t.price == price and t.score == score}
            cells = (f"{show(*row[f].gain.triple)}{_mark(row[f])}" for f in families)
            lines.append(f"| {price:g} | {score.replace('_', '.', 1)} | {' | '.join(cells)} |")
    static = [t for t in r.trials if t.score != VISIBLE]
    words = Counter(t.word for t in static)
    fixed = "; ".join(f"{shown(e)} at {price:g}" for price, e in {t.price: t.fixed for t in r.trials}.items())
    return [
        *lines,
        "",
        f"Marked: p < {ALPHA:.2g} after Holm. Of {len(static)} rules that look at a static score {words['better']} "
        f"are better than a fixed number of rounds, {words['worse']} worse, {words['no difference seen']} show no "
        f"difference; no interval reaches beyond +{max(float(t.gain.high) for t in static):.2f} of the tests. The "
        f"fixed number nets {fixed}. A static score costs {_price(r)} of CPU a version.",
    ]


def _mark(t: Trial) -> str:
    return f" **{t.word}**" if t.word in ("better", "worse") else ""


def _price(r: Results) -> str:
    own = next((x.seconds for x in r.read if not x.recording.kind.lineage), r.read[0].seconds)
    return milliseconds(own)
