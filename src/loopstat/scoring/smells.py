"""Loop smells: idioms that make a program slower than it need be, seen in its syntax tree; no tool flags them.

A static proxy: nothing is measured. Each rule is a function of one place and a row of `LOOKED_FOR`; none of them asks
how a name is spelt, and none is silenced by a further loop around what it saw.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from .source import FUNCTIONS, Loop, Place, Program, Scope

Seen = tuple[str, int]
"""A rule and a line."""

DEEP = 3
SELF_CALLS = 2
LISTS = (ast.List, ast.ListComp)
SEARCHES = frozenset(("count", "index", "remove"))
SCANS = frozenset(("sum", "min", "max", "any", "all", "sorted", "list", "set", "Counter"))
GROWS = frozenset(("append", "concatenate", "vstack", "hstack", "insert", "concat", "column_stack", "r_"))
ROWS = frozenset(("iterrows", "itertuples"))
AT = frozenset(("iloc", "loc", "iat", "at"))
QUERIES = frozenset(("execute", "fetch_all", "fetch_one"))
FINDERS = frozenset(("get", "filter", "exclude", "first"))
CACHES = frozenset(("cache", "lru_cache", "cached", "memoize", "memoized"))


def smells(program: Program) -> list[Seen]:
    """Return what is seen in a program, in its order."""
    found: list[Seen] = []
    told: set[int] = set()
    for place in program.places:
        loop = place.loop
        if loop is not None:
            if id(loop.node) not in told:
                told.add(id(loop.node))
                if loop.depth > 1:
                    line = int(getattr(loop.node, "lineno", 0) or getattr(loop.iterated, "lineno", 0))
                    found.append(("nested-loop" if loop.depth < DEEP else "deep-loop", line))
            for looks in LOOKED_FOR.get(place.node.__class__, ()):
                rule = looks(place, loop)
                if rule:
                    found.append((rule, place.node.lineno))  # type: ignore[attr-defined]
                    break
        if isinstance(place.node, FUNCTIONS) and _recounts(place.node, program.text):
            found.append(("recursion", place.node.lineno))
        elif isinstance(place.node, ast.For) and _by_rows(place.node.iter):
            found.append(("rows-one-by-one", place.node.lineno))
    return found


# ----------------------------------------------------------------------------------- one place in a loop


def _front(place: Place, loop: Loop) -> str:
    """`x.insert(0, a)`, `x.pop(0)` in a loop; a deque and a dict have other methods."""
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    method = _method(call)
    at_front = bool(call.args) and _is(call.args[0], 0)
    if at_front and ((method == "insert" and len(call.args) == 2) or (method == "pop" and len(call.args) == 1)):
        return "front-of-list"
    return ""


def _front_deleted(place: Place, loop: Loop) -> str:
    assert isinstance(place.node, ast.Delete)  # noqa: S101 - by its key
    fronts = [t for t in place.node.targets if isinstance(t, ast.Subscript) and _is(t.slice, 0)]
    return "front-of-list" if fronts else ""


def _shifted(place: Place, loop: Loop) -> str:
    """`x = x[1:]` in a loop."""
    assert isinstance(place.node, ast.Assign)  # noqa: S101 - by its key
    value, own = place.node.value, _target(place.node)
    if own and isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice) and value.slice.lower:
        return "front-of-list" if _named(value.value, own) and value.slice.upper is None else ""
    return ""


def _grown(place: Place, loop: Loop) -> str:
    """`s += text`, `s = s + text`, `x = x + list` in a loop, and arrays made longer by copying."""
    node = place.node
    if isinstance(node, ast.AugAssign):
        if not isinstance(node.op, ast.Add) or not isinstance(node.target, ast.Name):
            return ""
        values = [node.value, *place.scope.values(node.target.id)]
        return "text-grown" if any(map(_is_text, values)) else ""
    assert isinstance(node, ast.Assign)  # noqa: S101 - by its key
    own = _target(node)
    value = node.value
    if not own:
        return ""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add) and own in _summands(value):
        values = [*_leaves(value), *place.scope.values(own)]
        if any(map(_is_text, values)):
            return "text-grown"
        return "list-rebuilt" if any(isinstance(v, LISTS) or _calls(v, "list") for v in values) else ""
    if isinstance(value, ast.Call) and _method(value) in GROWS and own in _names(value):
        return "array-grown"
    if isinstance(value, ast.List) and any(isinstance(e, ast.Starred) and _named(e.value, own) for e in value.elts):
        return "list-rebuilt"
    return ""


def _sorted(place: Place, loop: Loop) -> str:
    """`x.sort()`, `sorted(x)` in a loop, where x is not what the loop hands out or makes anew."""
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    what: ast.expr | None = None
    if _method(call) == "sort" and isinstance(call.func, ast.Attribute):
        what = call.func.value
    elif isinstance(call.func, ast.Name) and call.func.id == "sorted" and call.args:
        what = call.args[0]
    if not isinstance(what, ast.Name | ast.Attribute):
        return ""
    handed = any(name in around.targets for around in loop.around() for name in _names(what))
    return "" if handed else "sort-in-loop"


def _searched_by_call(place: Place, loop: Loop) -> str:
    """`x.count(a)`, `x.index(a)`, `x.remove(a)` in a loop, of a list or of what the loop goes through."""
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    if _method(call) not in SEARCHES or len(call.args) != 1 or not isinstance(call.func, ast.Attribute):
        return ""
    what = call.func.value
    if not isinstance(what, ast.Name):
        return ""
    through = any(_named(around.iterated, what.id) for around in loop.around())
    return "list-searched" if through or _is_list(what.id, place.scope) else ""


def _searched(place: Place, loop: Loop) -> str:
    """`a in x` in a loop, where x is a list that grows or is long."""
    compare = place.node
    assert isinstance(compare, ast.Compare)  # noqa: S101 - by its key
    for operator, what in zip(compare.ops, compare.comparators, strict=True):
        if not isinstance(operator, ast.In | ast.NotIn):
            continue
        if isinstance(what, ast.Name) and _is_list(what.id, place.scope):
            return "list-searched"
        if _calls(what, "list") or _calls(what, "sorted") or isinstance(what, ast.ListComp):
            return "list-searched"
        if isinstance(what, ast.Subscript) and isinstance(what.slice, ast.Slice):
            return "slice-summed"
    return ""


def _slice_summed(place: Place, loop: Loop) -> str:
    """`sum(x[a:b])` in a loop."""
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    if isinstance(call.func, ast.Name) and call.func.id in SCANS and call.args:
        what = call.args[0]
        return "slice-summed" if isinstance(what, ast.Subscript) and isinstance(what.slice, ast.Slice) else ""
    return ""


def _compiled(place: Place, loop: Loop) -> str:
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    of_re = isinstance(call.func, ast.Attribute) and _named(call.func.value, "re")
    return "pattern-compiled" if of_re and _method(call) == "compile" else ""


def _row(place: Place, loop: Loop) -> str:
    """`frame.iloc[i]` in a loop that counts i."""
    node = place.node
    assert isinstance(node, ast.Subscript)  # noqa: S101 - by its key
    if isinstance(node.value, ast.Attribute) and node.value.attr in AT:
        counted = {name for around in loop.around() for name in around.targets}
        return "rows-one-by-one" if counted & set(_names(node.slice)) else ""
    return ""


def _queried(place: Place, loop: Loop) -> str:
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    method = _method(call)
    if method in QUERIES:
        return "query-in-loop"
    managed = isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Attribute)
    return "query-in-loop" if managed and method in FINDERS and call.func.value.attr == "objects" else ""  # type: ignore[attr-defined]


Looks = Callable[[Place, Loop], str]
LOOKED_FOR: dict[type[ast.AST], tuple[Looks, ...]] = {
    ast.Call: (_front, _sorted, _searched_by_call, _slice_summed, _compiled, _queried),
    ast.Delete: (_front_deleted,),
    ast.Assign: (_shifted, _grown),
    ast.AugAssign: (_grown,),
    ast.Compare: (_searched,),
    ast.Subscript: (_row,),
}


# --------------------------------------------------------------------------------- functions and frames


def _recounts(function: ast.AST, text: str) -> bool:
    """True where a function calls itself twice or more with a parameter made smaller, and keeps no answers."""
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 - by its key
    if text.count(function.name) < SELF_CALLS + 1 or any(_last_name(d) in CACHES for d in function.decorator_list):
        return False
    parameters = {a.arg for a in (*function.args.posonlyargs, *function.args.args)}
    calls, keeps = 0, False
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _last_name(node.func) == function.name:
            calls += any(_smaller(argument, parameters) for argument in node.args)
        else:
            keeps = keeps or _remembers(node)
    return calls >= SELF_CALLS and not keeps


def _remembers(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.ctx, ast.Store)
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn)


def _smaller(node: ast.AST, parameters: set[str]) -> bool:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub | ast.Add):
        return False
    return isinstance(node.left, ast.Name) and node.left.id in parameters


def _by_rows(iterated: ast.AST) -> bool:
    return any(isinstance(n, ast.Call) and _method(n) in ROWS for n in ast.walk(iterated))


# -------------------------------------------------------------------------------------- small questions


def _is_list(name: str, scope: Scope) -> bool:
    """True where a name is bound to a list and to nothing that finds faster."""
    values = scope.values(name)
    lists = bool(values) and all(isinstance(v, LISTS) or _calls(v, "list") or _calls(v, "sorted") for v in values)
    return lists and not all(map(_of_constants, values))


def _of_constants(node: ast.expr) -> bool:
    """True for a list written out, which is short."""
    return isinstance(node, ast.List) and bool(node.elts) and all(isinstance(e, ast.Constant) for e in node.elts)


def _is_text(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return _is_text(node.left) or _is_text(node.right)
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return constant or isinstance(node, ast.JoinedStr) or _calls(node, "str")


def _calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _method(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is(node: ast.AST, value: int) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value == value


def _named(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _target(node: ast.Assign) -> str:
    only = node.targets[0] if len(node.targets) == 1 else None
    return only.id if isinstance(only, ast.Name) else ""


def _names(node: ast.AST) -> Iterator[str]:
    return (n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def _leaves(node: ast.expr) -> list[ast.expr]:
    found: list[ast.expr] = [node]
    for part in found:  # grows while it is gone through
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Add):
            found += [part.left, part.right]
    return found


def _summands(node: ast.expr) -> set[str]:
    return {part.id for part in _leaves(node) if isinstance(part, ast.Name)}
