"""Scores as a document: how each spreads, the heaviest findings, and the texts that score lowest."""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

import numpy as np

from .. import __version__
from ..results.cell import figure, word
from ..results.chart import Axis, Chart, Histogram
from ..results.document import Block, Document, Fact, Facts, Provenance, Section, Sheet, Text, settings_said, title_of
from ..results.words import clean, clean_sentence, number, plural
from .score import HIGH, NEARLY_CONSTANT
from .scored import Scored, ScoredText

NOTHING_SEEN = "No rule saw anything: that is no proof, and much that is wrong is seen by none (docs/battery.md)."
BRIEF, SHOWN, LISTED = 12, 12, 500
BINS = 20
HINT = "Next: --verbose · -o scored.parquet, for loopstat analyze · --json - · loopstat explain TERM"


def document(result: Scored) -> Document:
    """Return everything said about scored texts."""
    blocks: list[Block | Section] = [_facts(result)]
    flat = [s.name for s in result.spread if s.mode_share > NEARLY_CONSTANT and len(result.texts) > 1]
    if flat:
        most = f"over {100 * NEARLY_CONSTANT:.0f} % of the texts have one value"
        said = f"{', '.join(flat)}: {most}; little can be learnt from it."
        blocks.append(Text(((said,),), tone="doubt"))
    if not any(t.findings for t in result.texts):
        blocks.append(Text(((NOTHING_SEEN,),)))
    blocks += [_chart(result, k) for k in range(len(result.spread))] if len(result.texts) > 1 else []
    blocks += [sheet for sheet in (_rules(result), *_texts(result), _findings(result)) if sheet.rows]
    command = str(result.settings.get("command") or "")
    return Document(
        "scoring",
        title_of(result.source.files),
        Provenance(__version__, command, result.source.digest, settings_said(result.settings)),
        (f"{plural(len(result.texts), 'text')} by {clean(result.suite)}",),
        (Section("scores", "Scores", tuple(blocks)),),
        notes=tuple(clean_sentence(n) for n in result.notes),
        hints=(HINT,),
    )


def _facts(result: Scored) -> Facts:
    rows = []
    for k, s in enumerate(result.spread):
        at = f"spread.{k}"
        said = (
            figure(s.average, place=f"{at}.average", form="number"),
            f" on average, {number(s.lowest)} to {number(s.highest)}, standard deviation ",
            figure(s.deviation, place=f"{at}.deviation", form="number"),
            "; ",
            figure(s.mode_share, place=f"{at}.mode_share", form="percent"),
            f" at {number(s.mode)}",
        )
        rows.append(Fact(s.name, said if len(result.texts) > 1 else said[:1]))
    if result.unscored:
        rows.append(Fact("not read", (figure(float(result.unscored), place="unscored", form="count"), " of the texts")))
    rows.append(Fact("scorer", (f"{clean(result.suite)}, hash {result.hash}",)))
    return Facts(tuple(rows))


def _rules(result: Scored) -> Sheet:
    """Return how often each rule found something, and in how many texts."""
    rules: dict[tuple[str, str], set[str]] = {}
    for f in (f for t in result.texts for f in t.findings):
        rules.setdefault((f.rule, f.objective), set()).add(f.message)
    times = Counter((f.rule, f.objective) for t in result.texts for f in t.findings)
    texts = Counter(key for t in result.texts for key in {(f.rule, f.objective) for f in t.findings})
    weights = {(f.rule, f.objective): f.weight for t in result.texts for f in t.findings}
    order = sorted(times, key=lambda key: (-abs(weights[key]) * texts[key], key))
    rows = tuple(
        (
            word(rule),
            word(objective or "all"),
            figure(weights[rule, objective], form="number"),
            figure(float(times[rule, objective]), form="count"),
            figure(float(texts[rule, objective]), form="count"),
            word(clean_sentence(_in_common(rules[rule, objective]))),
        )
        for rule, objective in order
    )
    columns = ("rule", "moves", "weight", "found", "texts", "what it means")
    return Sheet("What was found", columns, rows, depth="short", brief=BRIEF)


def _in_common(messages: set[str]) -> str:
    """Return how the messages of a rule begin, where they differ in what they found."""
    same = takewhile(lambda letters: len(set(letters)) == 1, zip(*messages, strict=False))
    start = "".join(letters[0] for letters in same)
    return start if len(messages) == 1 else f"{start.rpartition(' ')[0].rstrip(' :')}: ..."


def _texts(result: Scored) -> tuple[Sheet, Sheet]:
    """Return the texts with the lowest scores, and those that follow."""
    order = sorted(range(len(result.texts)), key=lambda k: (sum(result.texts[k].scores.values()), k))
    rows = tuple(
        (
            word(place_of(result.texts[k], k)),
            *(
                figure(value, place=f"texts.{k}.scores.{name}", form="number")
                for name, value in result.texts[k].scores.items()
            ),
            figure(float(len(result.texts[k].findings)), form="count"),
        )
        for k in order[:LISTED]
    )
    note = f"With those before, the {LISTED} lowest of {len(order):,}." if len(order) > LISTED else ""
    columns = ("text", *(s.name for s in result.spread), "findings")
    first = f"The {SHOWN} lowest of {len(order):,}." if len(order) > SHOWN else ""
    return (
        Sheet("Lowest first", columns, rows[:SHOWN], first, depth="short" if len(order) > 1 else "long"),
        Sheet("Texts that follow", columns, rows[SHOWN:], note, depth="long"),
    )


def _findings(result: Scored) -> Sheet:
    """Return findings with their lines: all of one text, else the heaviest of all."""
    every = [(k, f) for k, t in enumerate(result.texts) for f in t.findings]
    every.sort(key=lambda item: (-abs(item[1].weight), item[0], item[1].line))
    rows = tuple(
        (
            word(place_of(result.texts[k], k)),
            figure(float(f.line), form="count") if f.line else word("–"),
            word(f.rule),
            figure(f.weight, form="number"),
            word(clean_sentence(f.message)),
        )
        for k, f in every[:LISTED]
    )
    note = f"The {LISTED} heaviest of {len(every):,}." if len(every) > LISTED else ""
    columns = ("text", "line", "rule", "weight", "message")
    return Sheet("Findings", columns, rows, note, depth="short" if len(result.texts) == 1 else "long", brief=SHOWN)


def place_of(text: ScoredText, k: int) -> str:
    """Return where a text stands, in a few words."""
    if text.session is not None:
        parts = (text.session, f"step {text.step}" if text.step is not None else "", text.candidate or "")
        return clean(", ".join(p for p in parts if p))
    if text.row is not None:
        return clean(f"{text.path}, row {text.row}" if text.path else f"row {text.row}")
    return clean(text.path or f"text {k + 1}")


def _chart(result: Scored, k: int) -> Chart:
    """Return how one score is distributed."""
    s = result.spread[k]
    heights = [0.0] * BINS
    for text in result.texts:
        heights[min(int(text.scores[s.name] / HIGH * BINS), BINS - 1)] += 1
    edges = [HIGH * j / BINS for j in range(BINS + 1)]
    described = f"{s.name}: average {number(s.average)}, {s.mode_share:.0%} of the texts at {number(s.mode)}."
    mark = Histogram(np.array(edges), np.array(heights))
    return Chart(f"spread-{k}", clean(s.name), (mark,), Axis("score"), Axis("texts"), described)
