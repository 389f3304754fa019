"""Unsafe constructs that [SJ] 4.2 names and ruff misses: eval, shells and SQL behind a name or a step, unsafe loading.

What ruff finds is not looked for again.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from .source import Place, Program, Scope, Spot

RUNS = frozenset(("eval", "exec", "compile"))
EXECUTES = frozenset(("execute", "executemany", "executescript", "read_sql", "read_sql_query", "raw"))
EXECUTING = ("execute", "read_sql", "raw")
SHELLS = frozenset(("sh", "bash", "dash", "zsh", "ksh"))
TO_SHELL = re.compile(r"""["']-[a-z]*c["']""")
RUNNING = ("eval", "exec", "builtins")
COMPILING = re.compile(r"(?<!\.)\bcompile\b")  # not re.compile
BUILTINS = frozenset(("builtins", "__builtins__"))
SQL = re.compile(r"^\s*(select|insert|update|delete|replace|with|drop|create|alter)\b.*", re.IGNORECASE | re.DOTALL)
# Those that silence security: a bare noqa, one with a rule of the kind S or B, nosec.
SUPPRESSION = re.compile(r"#\s*(?:nosec\b|noqa\b(?!\s*:)|noqa\s*:[^#\n]*\b[SB]\d)", re.IGNORECASE)
JOINS = frozenset(("join", "format", "replace"))
MOST_PARTS = 100  # of a text that is executed: what is put together of more is not followed to its end


def holes(program: Program) -> list[Spot]:
    """Return what is seen in a program, in its order."""
    found: list[Spot] = []
    text = program.text
    if _holds(text, RUNNING) or ("compile" in text and COMPILING.search(text)):
        found += _hidden_evals(program)
    if "shell" in text:
        found += [("hidden-shell", p.node.lineno) for p in _calls(program) if _hidden_shell(p)]
    if TO_SHELL.search(text):
        found += _handed_to_shells(program)
    found += _known_calls(program)
    if _holds(text, EXECUTING):
        found += [("built-sql", p.node.lineno) for p in _calls(program) if _built_sql(p)]
    return found


def _holds(text: str, words: Iterable[str]) -> bool:
    return any(word in text for word in words)


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


def _hidden_evals(program: Program) -> Iterator[Spot]:
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
            hidden = isinstance(node, ast.Call) and _fetched(node, id(node) in called)
        if hidden:
            yield "hidden-eval", node.lineno  # type: ignore[attr-defined]


def _is_builtins(node: ast.AST) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
        return bool(node.args) and text_of(node.args[0]) in BUILTINS
    return isinstance(node, ast.Name) and node.id in BUILTINS


def _fetched(call: ast.Call, is_called: bool) -> bool:
    """True for getattr(builtins, "eval") and for what is called as an item of builtins, names put together or not.

    A name that only a run can tell counts where what it gives is called: others fetch types of errors so.
    """
    if isinstance(call.func, ast.Name) and call.func.id == "getattr" and len(call.args) > 1:
        wanted = text_of(call.args[1])
        return _is_builtins(call.args[0]) and (is_called if wanted is None else wanted in RUNS)
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


def _handed_to_shells(program: Program) -> Iterator[Spot]:
    """Yield `["bash", "-c", command]`, as a list or as arguments, where the command is no constant."""
    for place in program.places:
        node = place.node
        items = node.elts if isinstance(node, ast.List | ast.Tuple) else node.args if isinstance(node, ast.Call) else []
        if len(items) > 2 and text_of(items[2]) is None:
            shell, option = text_of(items[0]) or "", text_of(items[1]) or ""
            if shell.rpartition("/")[2] in SHELLS and TO_SHELL.fullmatch(repr(option)):
                yield "hidden-shell", node.lineno  # type: ignore[attr-defined]


# --------------------------------------------------------------------------------- calls known by name


def _always(place: _Call) -> bool:
    return True


def _not_a_constant(place: _Call) -> bool:
    return bool(place.node.args) and text_of(place.node.args[0]) is None


def _put_together(place: _Call) -> bool:
    args = [*place.node.args[:1], *(k.value for k in place.node.keywords if k.arg == "source")]
    return any(_mixed(_made_of(a, place.scope), place.scope) for a in args)


def _option(name: str, value: bool, *, missing: bool = False) -> Callable[[_Call], bool]:
    """Return whether a call is given True or False by name; `missing` where it says nothing."""

    def given(place: _Call) -> bool:
        values = [k.value for k in place.node.keywords if k.arg == name]
        return any(isinstance(v, ast.Constant) and v.value is value for v in values) if values else missing

    return given


def _unverified(place: _Call) -> bool:
    options = [k.value for k in place.node.keywords if k.arg == "options"]
    meant = [v for o in options for v in _meant(o, place.scope) if isinstance(v, ast.Dict)]
    off = [(text_of(k), v) for d in meant for k, v in zip(d.keys, d.values, strict=True)]
    said = any(name == "verify_signature" and isinstance(v, ast.Constant) and v.value is False for name, v in off)
    return said or _option("verify", False)(place)


CALLS: dict[str, tuple[str, Callable[[_Call], bool]]] = {
    "joblib.load": ("loaded-objects", _always),
    "cloudpickle.load": ("loaded-objects", _always),
    "cloudpickle.loads": ("loaded-objects", _always),
    "numpy.load": ("loaded-objects", _option("allow_pickle", True)),
    "torch.load": ("loaded-objects", lambda place: not _option("weights_only", True)(place)),
    "pandas.eval": ("hidden-eval", _not_a_constant),
    "asyncio.create_subprocess_shell": ("hidden-shell", _not_a_constant),
    "flask.render_template_string": ("made-template", _put_together),
    "jinja2.Template": ("made-template", _put_together),
    "jwt.decode": ("unverified", _unverified),
}
"""Rule of a call by its full name, and when it applies."""


def _known_calls(program: Program) -> Iterator[Spot]:
    """Yield the calls of the table; a program that holds no name of one is not gone through."""
    wanted = {name for name in CALLS if all(part in program.text for part in name.split("."))}
    if not wanted:
        return
    full: dict[str, str] = {}
    for place in program.places:
        if isinstance(place.node, ast.Import):
            full |= {a.asname: a.name for a in place.node.names if a.asname}
        elif isinstance(place.node, ast.ImportFrom):
            full |= {a.asname or a.name: f"{place.node.module}.{a.name}" for a in place.node.names}
    for place in _calls(program):
        first, dot, rest = _dotted(place.node.func).partition(".")
        name = full.get(first, first) + dot + rest
        if name in wanted and CALLS[name][1](place):
            yield CALLS[name][0], place.node.lineno


def _dotted(node: ast.AST) -> str:
    """Return `a.b.c` of a name and its attributes; nothing of anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(attributes))) if isinstance(node, ast.Name) else ""


# ------------------------------------------------------------------------------------------------- SQL


def _built_sql(place: _Call) -> bool:
    """True where the text executed is SQL and was put together from values, in however many steps."""
    call = place.node
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in EXECUTES and call.args):
        return False
    made = _made_of(call.args[0], place.scope)
    return any(SQL.match(text) for text in filter(None, map(text_of, made))) and _mixed(made, place.scope)


def _made_of(node: ast.expr, scope: Scope) -> list[ast.expr]:
    """Return the parts an expression is put together from, names followed to what they are bound to."""
    parts: list[ast.expr] = [node]
    followed: set[str] = set()
    for part in parts:  # grows while it is gone through
        if isinstance(part, ast.Name) and part.id not in followed:
            followed.add(part.id)
            parts += scope.values(part.id)[:MOST_PARTS]
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add | ast.Mod):
            parts += [part.left, part.right]
        elif isinstance(part, ast.JoinedStr):
            parts += part.values
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr in JOINS:
            parts += [part.func.value, *part.args]
        elif isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id == "text":
            parts += part.args  # of an engine that wants statements wrapped
        elif isinstance(part, ast.List | ast.Tuple):
            parts += part.elts
        if len(parts) > MOST_PARTS:
            break
    return parts[:MOST_PARTS]


def _mixed(parts: Sequence[ast.expr], scope: Scope) -> bool:
    """True where parts are put together from something that is no constant, in one expression or by `+=`."""
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    added = (value for name in names for value in scope.additions(name)[:MOST_PARTS])
    return any(map(_mixes, parts)) or not all(map(_only_constants, added))


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
