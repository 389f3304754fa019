"""The suite `python`: security, efficiency and functionality of a program, each with what it was made of."""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..parameters import checked
from .holes import holes, suppressions
from .rows import LINES
from .rules import code_digest
from .score import HIGH, Artefact, Finding, Score, bounded, expected_lines, heaviest, unscored
from .smells import smells
from .source import FUNCTIONS, Program, program_of
from .tools import COMPLEXIPY, RUFF, Seen, cognitive, ruff_of, versions
from .weights import (
    FEWEST_LINES,
    HALVING_COMPLEXITY,
    HALVING_STYLE,
    OTHER_RULE,
    PARTS,
    SECURITY,
    SMELLS,
    Severity,
    rule_of,
)

OBJECTIVES = ("security", "efficiency", "functionality")
ELSE_IF = re.compile(r"else\s*:[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*if\b")
BUILT_SQL, RUFF_SQL = "built-sql", "S608"
MODULES = ("source", "tools", "holes", "smells", "python", "score")


@dataclass(frozen=True)
class PythonSuite:
    """Security, efficiency and functionality of Python programs, from their text alone.

    A score is a count of what its rules see. It never says that a program is secure, fast or right: `docs/battery.md`
    lists what the rules miss.

    Parameters
    ----------
    lines : float
        Logical lines that a solution of the task takes: functionality is held back below them.
    by_task : bool
        Take an artefact's own `lines` where it has them.
    """

    lines: float = LINES.default
    by_task: bool = False

    name = "python"
    objectives = OBJECTIVES
    minimize: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the settings."""
        checked(self, (LINES,))

    def rules(self) -> Mapping[str, Any]:
        """Return what decides a value."""
        table = [asdict(rule) for rule in (*SECURITY, *SMELLS)]
        numbers = (HALVING_STYLE, HALVING_COMPLEXITY, FEWEST_LINES, OTHER_RULE, PARTS, self.lines, self.by_task)
        return {
            "weights": table,
            "numbers": numbers,
            "tools": dict(versions(RUFF, COMPLEXIPY)),
            "code": code_digest(MODULES),
        }

    def score(self, artefacts: Sequence[Artefact]) -> list[Score]:
        """Return the score of each program, in order."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, about escapes and comparisons in what it reads
            read = [(_read(a.text), expected_lines(a, self.lines, self.by_task)) for a in artefacts]
        seen = iter(ruff_of([r.text for r, _ in read if isinstance(r, Reading)]))
        return [
            _scored(r, next(seen), lines) if isinstance(r, Reading) else unscored(OBJECTIVES, r) for r, lines in read
        ]


@dataclass(frozen=True)
class Reading:
    """What is kept of a program once its tree is gone."""

    text: str
    findings: tuple[tuple[str, int], ...]
    counts: Mapping[str, float]


def _read(text: str) -> Reading | Finding:
    program = program_of(text)
    if isinstance(program, Finding):
        return program
    found = [*holes(program), *smells(program), *(("suppressed", line) for line in suppressions(program.text))]
    return Reading(program.text, tuple(found), structure(program))


def structure(program: Program) -> dict[str, float]:
    """Return the counts of a program that its functionality and its densities are made of."""
    count = program.count
    returned = [p.node for p in program.places if isinstance(p.node, ast.Return)]
    return {
        "logical_lines": program.logical_lines,
        "loops": count(ast.For, ast.AsyncFor, ast.While),
        "functions": count(*FUNCTIONS),
        "classes": count(ast.ClassDef),
        "imports": count(ast.Import, ast.ImportFrom),
        "returns": count(ast.Return, ast.Yield, ast.YieldFrom) - sum(r.value is None for r in returned),
        "docstrings": program.docstrings,
        "handlers": count(ast.ExceptHandler, ast.Raise),
        "cognitive": cognitive(_with_elif(program)),
        "depth": program.depth,
    }


def _with_elif(program: Program) -> str:
    """Return the program written so that an `if` alone in an `else` is an `elif`: the tool counts them apart."""
    if not ELSE_IF.search(program.text):
        return program.text
    try:
        return ast.unparse(program.tree)
    except ValueError:  # an integer of so many digits that Python reads it in hexadecimal and writes it in no other way
        return program.text


def _scored(reading: Reading, seen: Seen, lines: float) -> Score:
    if seen.refused is not None:  # rules that saw nothing because they could not look would make a 10
        message, line = seen.refused
        return unscored(OBJECTIVES, Finding("no-parse", line, 0.0, message))
    counts = dict(reading.counts)
    findings = [_finding(rule, line, message) for rule, line, message in seen.findings]
    findings += [_finding(rule, line, "") for rule, line in _not_told(reading.findings, findings)]
    counts["decisions"] = sum(n - 1 for n in seen.complexities)
    for severity in ("severe", "style", "smell"):
        counts[severity] = _weight(findings, severity)
    counts["suppressions"] = sum(rule == "suppressed" for rule, _ in reading.findings)
    severe = sum(rule_of(f.rule).severity == "severe" for f in findings)
    values = {
        "security": security(counts, severe),
        "efficiency": efficiency(counts),
        "functionality": functionality(counts, lines),
    }
    return Score({name: bounded(v) for name, v in values.items()}, heaviest(findings), counts)


def _not_told(ours: Sequence[tuple[str, int]], told: Sequence[Finding]) -> list[tuple[str, int]]:
    """Return our findings without those of SQL that ruff tells already: it sees where a text is made, we where used."""
    built = [item for item in ours if item[0] == BUILT_SQL]
    seen = sum(f.rule == RUFF_SQL for f in told)
    return [item for item in ours if item[0] != BUILT_SQL] + built[seen:]


def _finding(name: str, line: int, message: str) -> Finding:
    rule = rule_of(name)
    objective = "efficiency" if rule.severity == "smell" else "security"
    return Finding(name, line, rule.weight, message or rule.message, objective)


def _weight(findings: Sequence[Finding], severity: Severity) -> float:
    return round(math.fsum(f.weight for f in findings if rule_of(f.rule).severity == severity), 9)


def security(counts: Mapping[str, float], severe: int) -> float:
    """Return 10 * 2^-severe / (1 + style / halving): severe findings whatever the length, style per 100 lines.

    The lines of severe findings are not counted among those that thin out the others: an added one lowers the score.
    """
    density = 100 * counts["style"] / max(counts["logical_lines"] - severe, FEWEST_LINES)
    return float(HIGH * 2.0 ** -counts["severe"] / (1 + density / HALVING_STYLE))


def efficiency(counts: Mapping[str, float]) -> float:
    """Return 10 / (1 + smells) / (1 + complexity / halving); heads of loops do not thin out complexity."""
    lines = max(counts["logical_lines"] - counts["loops"], FEWEST_LINES)
    density = 100 * (counts["cognitive"] + counts["decisions"]) / lines
    return HIGH / (1 + counts["smell"]) / (1 + density / HALVING_COMPLEXITY)


def functionality(counts: Mapping[str, float], lines: float) -> float:
    """Return 10 * sum over parts of share * n / (n + half), times 1 - exp(-logical lines / lines)."""
    parts = sum(share * counts[part] / (counts[part] + half) for part, share, half in PARTS)
    return HIGH * parts * -math.expm1(-counts["logical_lines"] / lines)
