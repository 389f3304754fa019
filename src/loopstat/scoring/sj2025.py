"""The suite `sj2025`: the heuristics of [SJ] 4.2 as far as they are described; its weights are not, and are ours.

Security by patterns and syntax tree: unsafe constructs lower it; exception handling and validation of input raise it,
here and in no other suite. Efficiency by nesting and control flow. Functionality by structural richness with an
adjustment of length set by the task. Each is clipped to [0, 10]; the counts keep it as it was before.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..parameters import checked
from .rows import LINES
from .rules import code_digest
from .score import Artefact, Finding, Score, bounded, expected_lines, heaviest, unscored
from .source import FUNCTIONS, Place, Program, last_name, program_of
from .tools import versions

OBJECTIVES = ("security", "efficiency", "functionality")
MODULES = ("source", "sj2025", "score")

START = {"security": 5.0, "efficiency": 10.0, "functionality": 0.0}
UNSAFE = {
    "sj-eval": (-2.5, "eval, exec or compile is called"),
    "sj-sql": (-2.0, "an SQL statement is concatenated or formatted"),
    "sj-shell": (-2.0, "a command is given to a shell"),
    "sj-objects": (-1.5, "objects are made of bytes that may come from anywhere"),
}
SAFE = {
    "sj-handling": (0.5, 2.5, "exceptions are handled"),
    "sj-validation": (0.5, 2.5, "input is validated"),
}
"""Weight of each and the most they may add."""
CONTROL = {"sj-nesting": (-1.0, "levels of control flow"), "sj-flow": (-0.2, "branches and loops")}
RICHNESS = {
    "functions": (1.0, 3.0),
    "classes": (1.0, 2.0),
    "imports": (0.5, 1.5),
    "returns": (0.5, 1.5),
    "docstrings": (0.5, 1.5),
    "handlers": (0.5, 1.0),
}
"""Weight of each and the most it may add, before the adjustment of length."""
FULL_LENGTH, SHORTEST = 1.0, 0.3  # factors of functionality at the task's length and far below it

SQL = re.compile(r"\b(select\b.+\bfrom|insert\s+into|update\b.+\bset|delete\s+from)\b", re.IGNORECASE | re.DOTALL)
FLOW = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.With, ast.AsyncWith)
CHECKS = frozenset(("isinstance", "issubclass", "hasattr", "callable", "isdigit", "isnumeric", "isalnum", "isalpha"))
FROM_BYTES = frozenset(("pickle", "marshal", "shelve", "dill"))


@dataclass(frozen=True)
class PublishedSuite:
    """Security, efficiency and functionality as [SJ] describes them; the weights are a reconstruction.

    Parameters
    ----------
    lines : float
        Logical lines that a solution of the task takes.
    by_task : bool
        Take an artefact's own `lines` where it has them.
    """

    lines: float = LINES.default
    by_task: bool = False

    name = "sj2025"
    objectives = OBJECTIVES
    minimize: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the settings."""
        checked(self, (LINES,))

    def rules(self) -> Mapping[str, Any]:
        """Return what decides a value."""
        return {"lines": self.lines, "by_task": self.by_task, "tools": dict(versions()), "code": code_digest(MODULES)}

    def score(self, artefacts: Sequence[Artefact]) -> list[Score]:
        """Return the score of each program, in order."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, about what it reads
            return [self._scored(program_of(a.text), expected_lines(a, self.lines, self.by_task)) for a in artefacts]

    def _scored(self, program: Program | Finding, lines: float) -> Score:
        if isinstance(program, Finding):
            return unscored(OBJECTIVES, program)
        findings = [*_security(program), *_efficiency(program)]
        raw = {
            "security": START["security"] + _summed(findings, "security"),
            "efficiency": START["efficiency"] + _summed(findings, "efficiency"),
            "functionality": _functionality(program, lines),
        }
        counts = {f"raw_{name}": round(value, 6) for name, value in raw.items()}
        return Score({name: bounded(v) for name, v in raw.items()}, heaviest(findings), counts)


def _summed(findings: Sequence[Finding], objective: str) -> float:
    """Return the sum of weights for an objective, what raises it up to its limit."""
    total = math.fsum(f.weight for f in findings if f.objective == objective and f.rule not in SAFE)
    for rule, (_, most, _) in SAFE.items():
        total += min(most, math.fsum(f.weight for f in findings if f.objective == objective and f.rule == rule))
    return total


def _security(program: Program) -> Iterator[Finding]:
    holds_sql = SQL.search(program.text) is not None
    for place in program.places:
        rule = _unsafe_call(place.node) if isinstance(place.node, ast.Call) else ""
        rule = "sj-sql" if not rule and holds_sql and _makes_sql(place) else rule
        line = getattr(place.node, "lineno", 0)
        if rule:
            weight, message = UNSAFE[rule]
            yield Finding(rule, line, weight, message, "security")
        elif raised := _safe(place):
            weight, _, message = SAFE[raised]
            yield Finding(raised, line, weight, message, "security")


def _unsafe_call(node: ast.Call) -> str:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name in ("eval", "exec", "compile"):
        return "sj-eval"
    if any(k.arg == "shell" and isinstance(k.value, ast.Constant) and k.value.value for k in node.keywords):
        return "sj-shell"
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        module, method = node.func.value.id, node.func.attr
        if module == "os" and method in ("system", "popen"):
            return "sj-shell"
        if (module in FROM_BYTES and method in ("load", "loads")) or (module, method) == ("yaml", "load"):
            return "sj-objects"
    return ""


def _makes_sql(place: Place) -> bool:
    node = place.node
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return _is_sql(node.func.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return not isinstance(place.parent, ast.BinOp) and _mixed(node) and _is_sql(node)
    mixed = isinstance(node, ast.JoinedStr) and any(isinstance(v, ast.FormattedValue) for v in node.values)
    return mixed and _is_sql(node)


def _mixed(node: ast.AST) -> bool:
    return any(isinstance(n, ast.Name | ast.Call | ast.Attribute | ast.Subscript) for n in ast.walk(node))


def _is_sql(node: ast.AST) -> bool:
    texts = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return SQL.search(" ".join(texts)) is not None


def _safe(place: Place) -> str:
    node = place.node
    if isinstance(node, ast.ExceptHandler):
        return "sj-handling"
    if isinstance(node, ast.Call):
        return "sj-validation" if last_name(node) in CHECKS else ""
    return "sj-validation" if isinstance(node, ast.Raise) and node.exc is not None else ""


def _efficiency(program: Program) -> Iterator[Finding]:
    levels = {id(program.tree): 0}
    deepest, where, flow = 0, 0, 0
    for place in program.places:
        is_flow = isinstance(place.node, FLOW)
        level = levels[id(place.parent)] + is_flow
        levels[id(place.node)] = level
        flow += is_flow
        if level > deepest:
            deepest, where = level, getattr(place.node, "lineno", 0)
    for rule, n, line in (("sj-nesting", max(deepest - 1, 0), where), ("sj-flow", flow, 0)):
        weight, what = CONTROL[rule]
        if n:
            yield Finding(rule, line, weight * n, f"{n} {what}", "efficiency")


def _functionality(program: Program, lines: float) -> float:
    counts = {
        "functions": program.count(*FUNCTIONS),
        "classes": program.count(ast.ClassDef),
        "imports": program.count(ast.Import, ast.ImportFrom),
        "returns": program.count(ast.Return),
        "docstrings": program.docstrings,
        "handlers": program.count(ast.Try),
    }
    rich = math.fsum(min(weight * counts[name], most) for name, (weight, most) in RICHNESS.items())
    return rich * (SHORTEST + (FULL_LENGTH - SHORTEST) * min(program.logical_lines / lines, 1.0))
