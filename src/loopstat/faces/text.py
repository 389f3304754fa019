"""The terminal: an analysis in words a tired engineer understands, answer first, then figures, then why."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable
from pathlib import PurePath

import numpy as np

from ..drift.analysis import Analysis
from ..drift.compare import sentences
from ..drift.fit import LinearDriftFit
from ..drift.readings.interference import CAUSES
from ..drift.readings.regimes import Regime
from ..results.result import Estimate, number, show

Style = Callable[[str, str], str]
"""Takes (text, role) with role one of `head`, `key`, `doubt`, `answer`; returns the text to print."""

KEY_WIDTH = 17
NARROWEST_TEXT = 30  # columns; where there are fewer beside its key, a text stands below it
MAX_TRADE_OFFS = 3
SMALL_PART = 0.005  # of a correlation: it would print as 0.00
MAX_COMPARISONS = 6
MAX_NAME = 60
MAX_WORD = 300
MAX_SENTENCE = 5000
WARNINGS = (
    "stops_on_success",
    "survivors_only",
    "white_scores",
    "unit_root",
    "collinear",
    "few_sessions",
    "sessions_differ",
    "noisy_scorer",
    "time_varying",
    "curved",
    "at_bounds",
    "duplicate_sessions",
    "tasks_on_scales",
    "constant",
)


def unstyled(text: str, role: str) -> str:
    """Return the text as it is."""
    del role
    return text


def clean(text: str) -> str:
    """Return a name made harmless for a terminal: control characters shown as escapes, length bounded."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return safe if len(safe) <= MAX_NAME else safe[: MAX_NAME - 1] + "…"


def render(analysis: Analysis, *, width: int = 100, style: Style = unstyled) -> str:
    """Return the whole terminal summary.

    Parameters
    ----------
    analysis : Analysis
    width : int
        Columns to wrap at.
    style : callable, optional
        Adds colour.
    """
    lines = _heading(analysis, width, style)
    if len(analysis.groups) > 1:
        lines += ["", style("Verdict", "head")]
        for group in analysis.groups:
            lines += _line(clean(group.label), clean_sentence(group.verdict.sentence), width, style, key_width=24)
    for group in analysis.groups:
        lines += ["", *_group(group, width, style)]
    lines += _against_each_other(analysis, width, style)
    return "\n".join(lines)


def _against_each_other(analysis: Analysis, width: int, style: Style) -> list[str]:
    """What differs between groups, the clearest first; all of it is in the report and the JSON."""
    said = sentences(analysis.comparisons, analysis.groups)
    if not said:
        return []
    shown = said[:MAX_COMPARISONS]
    lines = ["", style("Against each other", "head")]
    for sentence in shown:
        lines += _wrap(clean_sentence(sentence), width, "  ", "    ")
    rest = len(said) - len(shown)
    return [*lines, f"  ({rest} more in --json and --html)"] if rest else lines


def clean_sentence(text: str) -> str:
    """Return a sentence with control characters shown as escapes and overlong words cut."""
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(safe) <= MAX_WORD:
        return safe
    safe = " ".join(word if len(word) <= MAX_WORD else word[: MAX_NAME - 1] + "…" for word in safe.split(" "))
    return safe if len(safe) <= MAX_SENTENCE else safe[: MAX_SENTENCE - 1] + "…"


def _heading(analysis: Analysis, width: int, style: Style) -> list[str]:
    files = [clean(PurePath(f).name) for f in analysis.source.files]
    name = ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")
    count = len(analysis.objectives)
    head = f"{name}: {analysis.n_sessions:,} sessions, {analysis.n_steps:,} steps, {count} objective{'s' * (count > 1)}"
    lines = _head(head, width, style)
    for note in analysis.notes:
        lines += _wrap(clean_sentence(note), width, "  ", "    ")
    return lines


def _group(group: LinearDriftFit, width: int, style: Style) -> list[str]:
    sessions, transitions = group.counts["n_sessions"], group.counts["n_transitions"]
    per = f"{group.counts['n_steps'] / max(sessions, 1):.1f} steps each"
    proposals = "proposals" if group.lineage else "transitions"
    head = f"{clean(group.label)}   {sessions:,} sessions, {per}, {transitions:,} {proposals}"
    lines = _head(head, width, style)
    rows: list[tuple[str, str]] = []
    rows += _ends(group)
    rows += _speed(group)
    rows += _trade_offs(group)
    rows += _belief(group)
    rows += _estimator(group)
    for key, text in rows:
        lines += _line(key, text, width, style)
    for sentence in doubts(group):
        lines += _warning(sentence, width, style)
    if idle := group.counts["n_idle_sessions"]:
        lines += [f"    {idle:,} of {sessions:,} sessions carry no transition: one step only, or scores missing."]
    if group.counts["n_dropped"]:
        share = group.counts["n_dropped"] / max(group.counts["n_dropped"] + transitions, 1)
        lines += [
            f"    {group.counts['n_dropped']:,} {proposals} ({share:.0%}) left out: a score is missing at one end."
        ]
    verdict = clean_sentence(group.verdict.sentence)
    lines += [f"  {style(part, 'answer')}" for part in _plain_wrap(f"Verdict: {verdict}", width - 2)]
    return lines


def doubts(group: LinearDriftFit) -> list[str]:
    """Return what casts doubt on a group's answer, in sentences, the gravest first."""
    failed = [c for c in map(group.check, WARNINGS) if not c.passed and _worth_saying(group, c.name)]
    sentences = [c.message for c in failed]
    unexplained = group.check("constant").passed and group.check("few_sessions").passed
    if group.model is None and not group.refused and unexplained:
        sentences.append(group.reasons["drift"])
    return [clean_sentence(s) for s in sentences]


def _warning(sentence: str, width: int, style: Style) -> list[str]:
    parts = _plain_wrap(sentence, width - 4)
    return [f"  {style('!', 'doubt')} {parts[0]}", *(f"    {part}" for part in parts[1:])]


def _worth_saying(group: LinearDriftFit, name: str) -> bool:
    """A missing fit is said once, not by every check that needed one."""
    if group.model is not None or name == "tasks_on_scales":
        return True
    if group.refused:
        return name != "unit_root"
    return name == "constant" or (name == "few_sessions" and group.check("constant").passed)


def _ends(group: LinearDriftFit) -> list[tuple[str, str]]:
    rows = []
    stopped = not group.check("stops_on_success").passed
    rest = group.estimates.get("drift.equilibrium")
    if rest is not None:
        rows.append(("fitted rest" if stopped else "heads for", _vector(group.names, rest)))
    elif "equilibrium" in group.reasons and not group.lineage and not group.refused:
        rows.append(("heads for", f"not known: {group.reasons['equilibrium']}"))
    end = group.estimates.get("kept_end.mean")
    if end is not None:
        rows.append(("kept end" if group.lineage else "ends at", _vector(group.names, end)))
    if group.lineage and (point := group.estimates.get("drift.fixed_point")) is not None:
        rows.append(("proposals alone", f"would rest at {_vector(group.names, point)}"))
    return rows


def _vector(names: Iterable[str], e: Estimate) -> str:
    # Figures of one objective stay on one line: no-break spaces, undone after wrapping.
    return "   ".join(
        f"{clean(n)} {show(float(v), float(low), float(high))}".replace(" ", "\xa0")
        for n, v, low, high in zip(names, e.value, e.low, e.high, strict=True)
    )


def _speed(group: LinearDriftFit) -> list[tuple[str, str]]:
    if not group.regimes:
        return []
    half, ninety = group.estimates.get("half_life"), group.estimates.get("step_90")
    if half is None:
        text = "it does not come to rest"
    elif ninety is None or 2 <= float(ninety.value) / max(float(half.value), 0.3) <= 6:
        text = f"half of the way in {_steps(half)}"
    else:  # the way starts off the slowest mode: its half-life is not that of the whole way
        text = f"the slowest part halves in {_steps(half)}"
    if not group.check("white_scores").passed:
        text = f"taken at its word, {text}"  # the warning below says why it may not be
    text += _slowest(group.regimes[0])
    if ninety is not None and float(ninety.value) < 1000 and group.check("stops_on_success").passed:
        text += f"; 90% of the way after {float(ninety.value):.0f} steps"
    return [("how fast", text)]


def _slowest(slowest: Regime) -> str:
    if slowest.regime == "oscillatory":
        return f"; oscillatory, a swing every {number(slowest.period)} steps ({chance(slowest.p_oscillation)})"
    return f"; {slowest.regime}" + ("" if slowest.probability is None else f" ({slowest.probability:.0%})")


def chance(p: float | None) -> str:
    """Return a p-value in words: below a thousandth its digits say nothing."""
    return "p < 0.001" if p is not None and p < 0.001 else f"p {number(p)}"


def _steps(e: Estimate) -> str:
    value, low, high = (float(v) for v in (e.value, e.low, e.high))
    return show(value, low, high).replace(" [", " steps [", 1) if math.isfinite(value) else "no number of steps"


def _trade_offs(group: LinearDriftFit) -> list[tuple[str, str]]:
    total = group.estimates.get("interference.total")
    if total is None:
        return []
    n = len(group.names)
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    found = [(i, j) for i, j in pairs if total.p_adjusted is not None and total.p_adjusted[i, j] < 0.05]
    found.sort(key=lambda ij: -abs(float(total.value[ij])))
    if not found:
        return [("trade-offs", "none found: no two objectives' changes are correlated beyond chance")]
    return [("trade-offs" if k == 0 else "", _pair(group, total, *ij)) for k, ij in enumerate(found[:MAX_TRADE_OFFS])]


def _pair(group: LinearDriftFit, total: Estimate, i: int, j: int) -> str:
    word = "against" if total.value[i, j] < 0 else "with"
    figure = show(*(float(v[i, j]) for v in (total.value, total.low, total.high)))
    parts = {CAUSES[cause]: value for cause, value in group.parts_of(i, j).items()}
    shown = {name: value for name, value in parts.items() if abs(value) >= SMALL_PART}
    rest = float(total.value[i, j]) - sum(shown.values())
    if shown and abs(rest) >= SMALL_PART:
        shown["all else"] = rest
    why = ", ".join(f"{name} {value:+.2f}" for name, value in shown.items())
    return f"{clean(group.names[i])} {word} {clean(group.names[j])} {figure}{': ' if why else ''}{why}"


def _belief(group: LinearDriftFit) -> list[tuple[str, str]]:
    words = {
        "mean": "guessing the mean",
        "persistence": "standing still",
        "running_mean": "each session's own mean so far",
    }
    parts = []
    for key, name in words.items():
        e = group.estimates.get(f"skill.{key}")
        if e is None or not np.isfinite(e.value):
            continue
        value, low = float(e.value), float(e.low)
        if abs(value) < 0.005:
            parts.append(f"no better than {name}")
            continue
        if value < -1:
            parts.append(f"far worse than {name}")
            continue
        sure = "" if (low > 0 or value <= 0) else " (not surely)"
        parts.append(f"{abs(value):.0%} {'better' if value > 0 else 'worse'} than {name}{sure}")
    held = {"session": "sessions", "block": "stretches"}.get(group.clusters["kind"], f"{group.clusters['kind']}s")
    rows = [("believe it?", f"on held-out {held} {', '.join(parts)}")] if parts else []
    return [*rows, ("intervals by", group.clusters["sentence"] + f" ({group.clusters['n']} clusters)")]


def _estimator(group: LinearDriftFit) -> list[tuple[str, str]]:
    """How the drift was fitted and what was seen, unless the user chose."""
    choice = group.estimator
    if choice.name is None and not group.refused:
        return []
    if choice.why.endswith(": asked for.") or choice.why == "asked for.":
        return [("estimator", f"{choice.name}, as asked for")]
    parts = [choice.why[:1].lower() + choice.why[1:] if choice.name else f"none: {choice.why}", *choice.saw]
    rows = [("estimator", " ".join(parts))]
    if disagreement(group):
        figures = (f"{r.name} {show(r.modulus, r.low, r.high)}" for r in choice.rivals if np.isfinite(r.modulus))
        rows.append(("", "slowest mode by estimator: " + ", ".join(f.replace(" ", "\xa0") for f in figures)))
    return rows


def disagreement(group: LinearDriftFit) -> bool:
    """True where one estimator's slowest mode lies outside another's interval."""
    there = [r for r in group.estimator.rivals if np.isfinite(r.modulus)]
    return any(not r.low <= q.modulus <= r.high for r in there for q in there)


# ------------------------------------------------------------------------ lines


def _head(text: str, width: int, style: Style) -> list[str]:
    return [style(part, "head") for part in _plain_wrap(text, width)]


def _line(key: str, text: str, width: int, style: Style, *, key_width: int = KEY_WIDTH) -> list[str]:
    if len(key) >= key_width or width - key_width - 2 < NARROWEST_TEXT:
        return [f"  {style(key, 'key')}", *(f"      {part}" for part in _plain_wrap(text, width - 6))]
    parts = _plain_wrap(text, width - key_width - 2)
    first = f"  {style(key, 'key')}{' ' * (key_width - len(key))}{parts[0]}"
    return [first, *(" " * (key_width + 2) + part for part in parts[1:])]


def _plain_wrap(text: str, width: int) -> list[str]:
    parts = textwrap.wrap(text, max(width, NARROWEST_TEXT), break_long_words=False, break_on_hyphens=False)
    return [part.replace("\xa0", " ") for part in parts] or [""]


def _wrap(text: str, width: int, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
