"""Unsafe constructs that [SJ] 4.2 names and ruff misses: eval and exec, shells and SQL behind a name or a step.

What ruff finds is not looked for again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .source import Place, Program, Scope

Seen = tuple[str, int]
"""A rule and a line."""

RUNS = frozenset(("eval", "exec", "compile"))
EXECUTES = frozenset(("execute", "executemany", "executescript"))
RUNNING = re.compile(r"\b(?:eval|exec|compile|getattr|builtins|__builtins__)\b")
BUILTINS = frozenset(("builtins", "__builtins__"))
SQL = re.compile(r"^\s*(select|insert|update|delete|replace|with|drop|create|alter)\b.*", re.IGNORECASE | re.DOTALL)
# Those that silence security: a bare noqa, one with a rule of the kind S or B, nosec.
SUPPRESSION = re.compile(r"#\s*(?:nosec\b|noqa\b(?!\s*:)|noqa\s*:[^#\n]*\b[SB]\d)", re.IGNORECASE)
JOINS = frozenset(("join", "format", "replace"))
MOST_PARTS = 300  # of a text that is executed: what is put together of more is not followed to its end


def holes(program: Program) -> list[Seen]:
    """Return what is seen in a program, in its order."""
    found: list[Seen] = []
    if RUNNING.search(program.text):
        found += _hidden_evals(program)
    if "shell" in program.text:
        found += [("hidden-shell", p.node.lineno) for p in _calls(program) if _hidden_shell(p)]
    if "execute" in program.text:
        found += [("built-sql", p.node.lineno) for p in _calls(program) if _built_sql(p)]
    return found


def suppressions(text: str) -> list[int]:
    """Return the lines with a comment that tells scanners to look away."""
    if "#" not in text:
        return []
    return [text.count("\n", 0, m.start()) + 1 for m in SUPPRESSION.finditer(text)]


class _Call(Place):
    node: ast.Call


def _calls(program: Program) -> Iterator[_Call]:
    for place in program.places:
        if isinstance(place.node, ast.Call):
            yield place  # type: ignore[misc]


# ------------------------------------------------------------------------------------ eval and exec


def _hidden_evals(program: Program) -> Iterator[Seen]:
    nodes = list(ast.walk(program.tree))
    called = {id(n.func) for n in nodes if isinstance(n, ast.Call)}
    ours = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    ours |= {n.arg for n in nodes if isinstance(n, ast.arg)}
    ours |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    ours |= {n.asname or n.name for n in nodes if isinstance(n, ast.alias)}
    for node in nodes:
        if isinstance(node, ast.Name):
            hidden = node.id in RUNS - ours and id(node) not in called and isinstance(node.ctx, ast.Load)
        elif isinstance(node, ast.Attribute):
            known = node.attr == "eval" and id(node) in called  # ruff knows builtins.eval
            hidden = node.attr in RUNS and _is_builtins(node.value) and not known
        else:
            hidden = isinstance(node, ast.Call) and _fetched(node)
        if hidden:
            yield "hidden-eval", node.lineno  # type: ignore[attr-defined]


def _is_builtins(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
        return bool(node.args) and text_of(node.args[0]) in BUILTINS
    return isinstance(node, ast.Name) and node.id in BUILTINS


def _fetched(call: ast.Call) -> bool:
    """True for getattr(builtins, "eval") and for what is called as an item of builtins, names put together or not."""
    if isinstance(call.func, ast.Name) and call.func.id == "getattr" and len(call.args) > 1:
        wanted = text_of(call.args[1])
        return _is_builtins(call.args[0]) and (wanted is None or wanted in RUNS)
    if isinstance(call.func, ast.Subscript):
        return any(isinstance(n, ast.Name) and n.id in BUILTINS for n in ast.walk(call.func.value)) and (
            text_of(call.func.slice) in (None, *RUNS)
        )
    return False


def text_of(node: ast.AST | None) -> str | None:
    """Return the text an expression of constants is; None where it is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left), text_of(node.right)
        return None if left is None or right is None else left + right
    return None


# ---------------------------------------------------------------------------------------------- shells


def _hidden_shell(place: _Call) -> bool:
    for keyword in place.node.keywords:
        if keyword.arg == "shell" and isinstance(keyword.value, ast.Name):
            if any(_true(v) for v in place.scope.values(keyword.value.id)):
                return True
        elif keyword.arg is None and any(_asks_for_shell(v) for v in _meant(keyword.value, place.scope)):
            return True
    return False


def _true(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and bool(node.value)


def _asks_for_shell(node: ast.AST) -> bool:
    if isinstance(node, ast.Dict):
        return any(text_of(k) == "shell" and _true(v) for k, v in zip(node.keys, node.values, strict=True))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
        return any(k.arg == "shell" and _true(k.value) for k in node.keywords)
    return False


def _meant(node: ast.expr, scope: Scope) -> list[ast.expr]:
    return scope.values(node.id) if isinstance(node, ast.Name) else [node]


# ------------------------------------------------------------------------------------------------- SQL


def _built_sql(place: _Call) -> bool:
    """True where the text executed is SQL and was put together from values, in however many steps."""
    call = place.node
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTES and call.args):
        return False
    made = _made_of(call.args[0], place.scope)
    return any(SQL.match(text) for text in filter(None, map(text_of, made))) and any(map(_mixes, made))


def _made_of(node: ast.expr, scope: Scope) -> list[ast.expr]:
    """Return the parts an expression is put together from, names followed to what they are bound to."""
    parts: list[ast.expr] = [node]
    followed: set[str] = set()
    for part in parts:  # grows while it is gone through
        if len(parts) > MOST_PARTS:
            break
        if isinstance(part, ast.Name) and part.id not in followed:
            followed.add(part.id)
            parts += scope.values(part.id)
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add | ast.Mod):
            parts += [part.left, part.right]
        elif isinstance(part, ast.JoinedStr):
            parts += part.values
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in JOINS:
            parts += [part.func.value, *part.args]
        elif isinstance(part, ast.List | ast.Tuple):
            parts += part.elts
    return parts


def _mixes(node: ast.expr) -> bool:
    """True where a text is put together from something that is no constant."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(v, ast.FormattedValue) for v in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Add | ast.Mod) and text_of(node) is None and not _only_constants(node)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in JOINS and not all(_only_constants(a) for a in node.args)
    return False


def _only_constants(node: ast.AST) -> bool:
    return not any(isinstance(n, ast.Name | ast.Call | ast.Attribute | ast.Subscript) for n in ast.walk(node))
