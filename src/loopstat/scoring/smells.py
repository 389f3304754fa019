"""Loop smells: idioms that make a program slower than it need be, seen in its syntax tree; no tool flags them.

A static proxy: nothing is measured. Each rule is a function of one place and a row of `LOOKED_FOR`; none of them asks
how a name is spelt, and none is silenced by a further loop around what it saw.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from .source import FUNCTIONS, Loop, Place, Program, Scope, Spot, last_name, root_of

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
GATHERS = frozenset(("sum", "min", "max", "set", "frozenset", "Counter"))
FETCHERS = frozenset(("requests", "httpx"))
READS = frozenset(("urlopen", "read_csv", "read_json", "read_parquet", "read_excel"))
CACHES = frozenset(("cache", "lru_cache", "cached", "memoize", "memoized"))


def smells(program: Program) -> list[Spot]:
    """Return what is seen in a program, in its order."""
    found: list[Spot] = []
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
        for looks_alone in ANYWHERE.get(place.node.__class__, ()):
            rule = looks_alone(place.node, program)
            if rule:
                found.append((rule, place.node.lineno))  # type: ignore[attr-defined]
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
    if isinstance(value, ast.Dict) and any(
        k is None and _named(v, own) for k, v in zip(value.keys, value.values, strict=True)
    ):
        return "list-rebuilt"
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
    by_place = _method(call) != "remove" and _again(what.id, loop)  # sets have no index and no count
    return "list-searched" if through or by_place or _is_list(what.id, place.scope) else ""


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


def _gathered(place: Place, loop: Loop) -> str:
    """`min(x)`, `set(x)` in a loop that neither hands out x nor makes it."""
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    if not (isinstance(call.func, ast.Name) and call.func.id in GATHERS and len(call.args) == 1):
        return ""
    what = call.args[0]
    return "scan-in-loop" if isinstance(what, ast.Name) and _again(what.id, loop) else ""


def _again(name: str, loop: Loop) -> bool:
    """True where a name means the same in every round of a loop that has more than a few."""
    few = isinstance(loop.iterated, ast.List | ast.Tuple | ast.Set | ast.Constant)
    return not few and name not in loop.bound


def _read_again(place: Place, loop: Loop) -> str:
    """`open("a file")`, `requests.get("a page")` in a loop over data; a loop that counts or waits may try again."""
    call = place.node
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    if not call.args or not isinstance(call.args[0], ast.Constant) or not isinstance(call.args[0].value, str):
        return ""
    fetched = isinstance(call.func, ast.Attribute) and root_of(call.func) in FETCHERS and call.func.attr == "get"
    opened = _calls(call, "open") and not _writes(call)
    if not (fetched or opened or last_name(call.func) in READS):
        return ""
    through = (around.iterated for around in loop.around())
    return "read-in-loop" if any(i is not None and not _calls(i, "range") for i in through) else ""


def _writes(call: ast.Call) -> bool:
    modes = [*call.args[1:2], *(k.value for k in call.keywords if k.arg == "mode")]
    return any(not isinstance(m, ast.Constant) or set("wax+") & set(str(m.value)) for m in modes)


def _tried(place: Place, loop: Loop) -> str:
    """`n % d` in a loop over `range(2, n)`, `range(3, n // 2 + 1, 2)`."""
    node, counted = place.node, loop.iterated
    assert isinstance(node, ast.BinOp)  # noqa: S101 - by its key
    if not isinstance(node.op, ast.Mod) or not isinstance(node.left, ast.Name) or not isinstance(node.right, ast.Name):
        return ""
    if node.right.id not in loop.targets or not isinstance(counted, ast.Call) or not _calls(counted, "range"):
        return ""
    if len(counted.args) < 2 or not (_is(counted.args[0], 2) or _is(counted.args[0], 3)):
        return ""
    linear = not any(isinstance(n, ast.Call | ast.Pow) for n in ast.walk(counted.args[1]))
    return "trial-division" if linear and set(_names(counted.args[1])) == {node.left.id} else ""


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
    ast.Call: (_front, _sorted, _searched_by_call, _slice_summed, _gathered, _compiled, _queried, _read_again),
    ast.BinOp: (_tried,),
    ast.Delete: (_front_deleted,),
    ast.Assign: (_shifted, _grown),
    ast.AugAssign: (_grown,),
    ast.Compare: (_searched,),
    ast.Subscript: (_row,),
}


# ----------------------------------------------------------------------------------- in a loop or not


def _recursion(function: ast.AST, program: Program) -> str:
    """Calls of itself: two with a parameter made smaller and no answers kept, or one with the rest of a list."""
    assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 - by its key
    if id(function) not in program.recursive:
        return ""
    parameters = {a.arg for a in (*function.args.posonlyargs, *function.args.args)}
    smaller, rest, keeps = 0, False, any(last_name(d) in CACHES for d in function.decorator_list)
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and last_name(node.func) == function.name:
            smaller += any(_smaller(argument, parameters) for argument in node.args)
            rest = rest or any(_rest(argument, parameters) for argument in node.args)
        else:
            keeps = keeps or _remembers(node)
    if smaller >= SELF_CALLS and not keeps:
        return "recursion"
    return "rest-copied" if rest else ""


def _rest(node: ast.AST, parameters: set[str]) -> bool:
    """True for `x[1:]` and `x[:-1]` of a parameter: all of it but as many elements as a constant says."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.slice, ast.Slice):
        return False
    own = isinstance(node.value, ast.Name) and node.value.id in parameters
    ends = (node.slice.lower, node.slice.upper)
    return own and node.slice.step is None and any(ends) and _cuts(ends[0], 1) and _cuts(ends[1], -1)


def _cuts(end: ast.expr | None, sign: int) -> bool:
    """True where an end of a slice is missing or a constant of a sign."""
    if isinstance(end, ast.UnaryOp) and isinstance(end.op, ast.USub):
        end, sign = end.operand, -sign
    return end is None or (isinstance(end, ast.Constant) and isinstance(end.value, int) and sign * end.value > 0)


def _every_order(call: ast.AST, program: Program) -> str:
    """`permutations(x)`, `product(x, repeat=n)`; not of constants."""
    assert isinstance(call, ast.Call)  # noqa: S101 - by its key
    name = last_name(call.func)
    if name == "permutations":
        told = call.args if len(call.args) == 1 else []
    elif name == "product":
        told = [k.value for k in call.keywords if k.arg == "repeat"]
    else:
        return ""
    return "every-order" if any(isinstance(n, ast.Name) for a in told for n in ast.walk(a)) else ""


def _one_of_sorted(node: ast.AST, program: Program) -> str:
    """`sorted(x)[0]`, `sorted(x)[-1]`."""
    assert isinstance(node, ast.Subscript)  # noqa: S101 - by its key
    index = node.slice
    last = isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub) and _is(index.operand, 1)
    return "sorted-for-one" if _calls(node.value, "sorted") and (last or _is(index, 0)) else ""


def _by_rows(node: ast.AST, program: Program) -> str:
    assert isinstance(node, ast.For)  # noqa: S101 - by its key
    rows = any(isinstance(n, ast.Call) and _method(n) in ROWS for n in ast.walk(node.iter))
    return "rows-one-by-one" if rows else ""


LooksAlone = Callable[[ast.AST, Program], str]
ANYWHERE: dict[type[ast.AST], tuple[LooksAlone, ...]] = {
    **dict.fromkeys(FUNCTIONS, (_recursion,)),
    ast.For: (_by_rows,),
    ast.Call: (_every_order,),
    ast.Subscript: (_one_of_sorted,),
}


def _remembers(node: ast.AST) -> bool:
    if isinstance(node, ast.Subscript):
        return isinstance(node.ctx, ast.Store)
    return isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn)


def _smaller(node: ast.AST, parameters: set[str]) -> bool:
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub | ast.Add):
        return False
    return isinstance(node.left, ast.Name) and node.left.id in parameters


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
