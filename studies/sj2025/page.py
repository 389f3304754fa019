"""The page `docs/sj2025.md`: every figure from the results, every word of a verdict from a field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import fill

from . import published
from .cells import milliseconds
from .fits import LEVEL
from .judged import judged, use
from .results import Results
from .spread import MOST_AT_MODE
from .tables import beside

CRYPTOGRAPHY = "S311"
WIDTH = 120

HEAD = """# The source paper's experiment, in the open

*Do the published figures of a loop that writes code come back on loops that anyone can look at?* Made by `python -m
studies.sj2025`, scorers {hashes}. Intervals are at {level:.0%} and by cluster (task or session). The words of the
verdicts are made from the figures; p-values are after Holm's correction.

Shukla and Joshi (2025), [SJ], score each version of a program without running it and fit a linear drift to {sessions}
sessions that were not published. Here the programs are public ones, scored by our own suites: `sj2025` follows the
paper's heuristics as far as they are described (their weights are not, and are ours), `python` is the suite of
`loopstat score`.

| recording | what | programs | sessions | read as |
|---|---|---|---|---|"""

SPREAD = """## First: do the scores move at all?

Programs that parse. A score that has {most:.0%} of them at one value is nearly constant; it is left out of the fits,
where a handful of programs would make its figures.

| recording | score | sd | at the mode | at 0 | at 10 | changes in | |
|---|---|---|---|---|---|---|---|"""

LIMITS = """## What this cannot say

- The weights are ours: other weights of the same heuristics give other numbers. What is said of the clip holds for a
  scale that starts at 5 and loses 1.5 to 2.5 for each unsafe construct.
- No recording here was prompted for features, security or efficiency first: nothing on this page says what such
  prompts do, and no verdict says that the paper measured its own sessions wrongly. A verdict says whether a statement
  carries over.
- Debugging sessions end where the visible tests pass: the long ones are those that fail. The arms with GPT-3.5 share
  their first programs, so setups are no independent repetitions.
- Both scores that are left count syntax: a longer program has more of what functionality counts, and more of the
  branches and loops that efficiency takes off.

The study takes {cpu:.0f} s of CPU besides the scoring, which is done once and kept: {price} a program."""


def page(r: Results) -> str:
    """Return the page."""
    parts = (_head(r), _spread(r), beside(r), judged(r), use(r), _limits(r))
    text = "\n".join(line for part in parts for line in [*part, ""])
    return "\n".join(_wrapped(text.split("\n")))


def _wrapped(lines: Sequence[str]) -> Iterator[str]:
    """Yield prose in lines that can be read; rows of tables and headings stay as they are."""
    for whole, block in groupby(lines, key=lambda line: not line or line.startswith(("|", "#"))):
        if whole:
            yield from block
            continue
        items: list[str] = []
        for line in block:
            if line.startswith("- ") or not items:
                items.append(line)
            else:
                items[-1] += f" {line.strip()}"
        for item in items:
            later = "  " if item.startswith("- ") else ""
            yield fill(item, WIDTH, subsequent_indent=later, break_long_words=False, break_on_hyphens=False)


def _head(r: Results) -> list[str]:
    hashes = ", ".join(dict.fromkeys(x.recording.scorer_hash for x in r.read))
    lines = [HEAD.format(hashes=hashes, level=LEVEL, sessions=published.SESSIONS)]
    for x in r.read:
        kind = x.recording.kind
        used = "a lineage: from parent to child" if kind.lineage else "sessions: from version to version"
        lines.append(f"| {kind.name} | {kind.what} | {x.programs:,} | {x.sessions:,} | {used} |")
    lines += [f"\n{name} is not there, and is left out." for name in r.absent]
    return lines


def _spread(r: Results) -> list[str]:
    lines = [SPREAD.format(most=MOST_AT_MODE)]
    for x in r.read:
        for s in x.spreads:
            word = "nearly constant: left out" if s.constant else ""
            lines.append(
                f"| {x.recording.kind.name} | {s.suite}.{s.objective} | {s.deviation:.2f} | {s.mode_share:.1%} "
                f"({s.mode:g}) | {s.floor:.1%} | {s.ceiling:.1%} | {s.moves:.1%} of transitions | {word} |"
            )
    lines.append("")
    for x in r.read:
        if x.rules:
            rule, n = x.rules.most_common(1)[0]
            remark = (
                " (random numbers unfit for cryptography, no weakness of an optimiser)" if rule == CRYPTOGRAPHY else ""
            )
            lines.append(
                f"- {x.recording.kind.name}: {n / x.rules.total():.0%} of what moves `python.security` in {n:,} "
                f"programs is the rule {rule}{remark}."
            )
    return lines


def _limits(r: Results) -> list[str]:
    price = "; ".join(f"{x.recording.kind.name} {milliseconds(x.seconds)}" for x in r.read)
    return [LIMITS.format(cpu=r.cpu, price=price)]
