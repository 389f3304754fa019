"""A program as its syntax tree, its nodes with the scope and the loops around them; or why it cannot be read.

Names, constants and attributes are passed over: they have nothing inside.

Nothing is compiled to code, imported or run. Size and depth are bounded before any tool sees a text.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, NamedTuple

from .score import Finding

MOST_CHARACTERS = 400_000  # some 10,000 lines; a longer program is not scored
MOST_DEPTH = 200  # of the syntax tree; tools written in other languages recurse without asking
BOM = "\ufeff"

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(eq=False)
class Scope:
    """A module, class or function, what the names bound in it are bound to, and what is added to them by `+=`."""

    node: ast.AST
    outer: Scope | None = None
    bound: dict[str, list[ast.expr]] = field(default_factory=dict)
    added: dict[str, list[ast.expr]] = field(default_factory=dict)

    def values(self, name: str) -> list[ast.expr]:
        """Return what a name is bound to where it is bound: here or in the nearest scope around."""
        return self._binding(name).bound.get(name, [])

    def additions(self, name: str) -> list[ast.expr]:
        """Return what is added to a name where it is bound."""
        return self._binding(name).added.get(name, [])

    def _binding(self, name: str) -> Scope:
        scope = self
        while name not in scope.bound and scope.outer is not None:
            scope = scope.outer
        return scope


@dataclass(frozen=True, eq=False)
class Loop:
    """A loop or a comprehension's `for`, and the one around it in the same function.

    `depth` counts the loops around it and itself, but not those that go through what the loop around them hands out:
    the rows of a table and the cells of each row are one scan of the table.
    """

    node: ast.AST
    targets: frozenset[str]
    iterated: ast.expr | None
    outer: Loop | None
    depth: int

    @cached_property
    def bound(self) -> frozenset[str]:
        """Names that every round binds anew."""
        names = (n for n in ast.walk(self.node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        return self.targets.union(n.id for n in names)

    def around(self) -> Iterator[Loop]:
        """Yield this loop and those around it, from the inside."""
        loop: Loop | None = self
        while loop is not None:
            yield loop
            loop = loop.outer


Spot = tuple[str, int]
"""A rule and the line on which it sees something."""


class Place(NamedTuple):
    """A node with what is around it."""

    node: ast.AST
    parent: ast.AST
    scope: Scope
    loop: Loop | None


@dataclass(frozen=True)
class Program:
    """A text that parses."""

    text: str
    tree: ast.Module
    depth: int
    places: tuple[Place, ...]

    @cached_property
    def kinds(self) -> Counter[type[ast.AST]]:
        """How many nodes there are of each kind."""
        return Counter([p.node.__class__ for p in self.places])

    @cached_property
    def docstrings(self) -> int:
        """Number of docstrings."""
        holders = [p.node for p in self.places if p.node.__class__ in SCOPES]
        return sum(map(_documented, [self.tree, *holders]))

    @cached_property
    def logical_lines(self) -> int:
        """Number of statements; docstrings are none."""
        return sum(n for kind, n in self.kinds.items() if issubclass(kind, ast.stmt)) - self.docstrings

    @cached_property
    def recursive(self) -> frozenset[int]:
        """Identities of the functions that hold a call of their own name."""
        found = set()
        for place in self.places:
            if isinstance(place.node, ast.Call):
                called, scope = last_name(place.node.func), place.scope
                while scope.outer is not None:
                    if scope.node.name == called:  # type: ignore[attr-defined]
                        found.add(id(scope.node))
                    scope = scope.outer
        return frozenset(found)

    def count(self, *kinds: type[ast.AST]) -> int:
        """Return the number of nodes of some kinds."""
        return sum(map(self.kinds.__getitem__, kinds))


def program_of(text: str) -> Program | Finding:
    """Return a text as a program, or the finding that says why it is none.

    Parameters
    ----------
    text : str
        A byte-order mark at its start is no part of it.
    """
    text = text.removeprefix(BOM)
    if len(text) > MOST_CHARACTERS:
        return _refused("too-long", f"longer than {MOST_CHARACTERS:,} characters, the most that is scored")
    if any("\ud800" <= c <= "\udfff" for c in text) if not text.isascii() else False:
        return _refused("no-text", "holds what is no text: expected UTF-8")
    try:
        tree = ast.parse(text)
    except (RecursionError, MemoryError):
        return _refused("too-deep", "nested too deeply to be parsed")
    except SyntaxError as error:
        return _refused("no-parse", f"does not parse: {error.msg}", error.lineno or 0)
    except ValueError:
        return _refused("no-parse", "does not parse: it holds null bytes")
    depth, places = _placed(tree)
    if depth > MOST_DEPTH:
        return _refused("too-deep", f"the syntax tree is over {MOST_DEPTH} deep")
    program = Program(text, tree, depth, tuple(places))
    return program if program.logical_lines else _refused("no-code", "holds no code")


def _refused(rule: str, message: str, line: int = 0) -> Finding:
    return Finding(rule, line, 0.0, message)


def _documented(node: ast.AST) -> bool:
    body = getattr(node, "body", [])
    first = body[0] if body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


# ------------------------------------------------------------------------------------------- placing

_Pending = tuple[ast.AST, ast.AST, Scope, Loop | None, int]


def _placed(tree: ast.Module) -> tuple[int, list[Place]]:
    """Return how deep the tree is, and its nodes in order with their surroundings; stops where it is too deep."""
    top = Scope(tree)
    places: list[Place] = []
    stack: list[_Pending] = [(child, tree, top, None, 1) for child in reversed(tree.body)]
    deepest = 1
    while stack:
        node, parent, scope, loop, depth = stack.pop()
        if depth > deepest:
            deepest = depth
            if depth > MOST_DEPTH:
                break
        places.append(Place(node, parent, scope, loop))
        if node.__class__ in _LEAVES:
            continue
        special = SPECIAL.get(node.__class__)
        if special is not None:
            children = special(node, scope, loop)
            stack += [(child, node, s, inside, depth + 1) for child, s, inside in reversed(children)]
            continue
        children_of = _children(node)
        if children_of:
            children_of.reverse()
            stack += [(child, node, scope, loop, depth + 1) for child in children_of]
    return deepest, places


_LEAVES: frozenset[Any] = frozenset((type(None), str, int, bool, ast.Name, ast.Constant, ast.alias))
_HANDLES: frozenset[Any] = frozenset((ast.Attribute, ast.keyword, ast.Starred))
LONGEST_HANDLE = 20  # attributes of attributes that are passed over; more of them count as depth


def _children(node: ast.AST) -> list[ast.AST]:
    found: list[ast.AST] = []
    kind: Any = node.__class__
    for name in _branches(kind):
        value: Any = getattr(node, name, None)
        for item in value if value.__class__ is list else (value,):
            held, steps = item, 0
            while held.__class__ in _HANDLES and steps < LONGEST_HANDLE:
                held, steps = held.value, steps + 1
            if held.__class__ not in _LEAVES:
                found.append(held if steps < LONGEST_HANDLE else item)
    return found


@cache
def _branches(kind: Any) -> tuple[str, ...]:
    """Return the fields of a kind of node that hold other nodes; operators are none."""
    return tuple(f for f in kind._fields if f not in ("ctx", "op", "ops", "kind", "type_comment"))


_Inside = list[tuple[ast.AST, Scope, Loop | None]]


def _of_scope(node: ast.AST, scope: Scope, loop: Loop | None) -> _Inside:
    """Decorators, defaults and annotations belong to the scope around; a body is in no loop of that scope."""
    inner = Scope(node, scope)
    body = set(map(id, getattr(node, "body", ())))
    return [(c, *((inner, None) if id(c) in body else (scope, loop))) for c in _children(node)]


def _of_for(node: ast.AST, scope: Scope, loop: Loop | None) -> _Inside:
    assert isinstance(node, ast.For | ast.AsyncFor)  # noqa: S101 - by its key
    inner = _loop(node, node.target, node.iter, loop)
    around: _Inside = [(node.target, scope, loop), (node.iter, scope, loop)]
    return around + [(c, scope, inner) for c in node.body] + [(c, scope, loop) for c in node.orelse]


def _of_while(node: ast.AST, scope: Scope, loop: Loop | None) -> _Inside:
    assert isinstance(node, ast.While)  # noqa: S101 - by its key
    taken = {name for statement in node.body for name in _taken(statement)}
    inner = Loop(node, frozenset(taken), None, loop, 1 + (loop.depth if loop else 0))
    inside: list[ast.AST] = [node.test, *node.body]
    return [*((c, scope, inner) for c in inside), *((c, scope, loop) for c in node.orelse)]


def _of_comprehension(node: ast.AST, scope: Scope, loop: Loop | None) -> _Inside:
    found: _Inside = []
    inner = loop
    for part in node.generators:  # type: ignore[attr-defined]
        found.append((part.iter, scope, inner))
        inner = _loop(part, part.target, part.iter, inner)
        found += [(c, scope, inner) for c in (part.target, *part.ifs)]
    made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]  # type: ignore[attr-defined]
    return found + [(c, scope, inner) for c in made]


def _of_assignment(node: ast.AST, scope: Scope, loop: Loop | None) -> _Inside:
    value = getattr(node, "value", None)
    if value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]
        for target in targets:
            if isinstance(target, ast.Name):
                scope.bound.setdefault(target.id, []).append(value)
                if isinstance(node, ast.AugAssign):
                    scope.added.setdefault(target.id, []).append(value)
    return [(c, scope, loop) for c in _children(node)]


SPECIAL: dict[type[ast.AST], Callable[[ast.AST, Scope, Loop | None], _Inside]] = {
    **dict.fromkeys(SCOPES, _of_scope),
    **dict.fromkeys((ast.For, ast.AsyncFor), _of_for),
    ast.While: _of_while,
    **dict.fromkeys(COMPREHENSIONS, _of_comprehension),
    **dict.fromkeys((ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr), _of_assignment),
}


def _loop(node: ast.AST, target: ast.AST, iterated: ast.expr, outer: Loop | None) -> Loop:
    targets = frozenset(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
    around = outer.depth if outer else 0
    handed = outer is not None and any(name in outer.targets for name in _roots(iterated))
    return Loop(node, targets, iterated, outer, max(around, 1) if handed else around + 1)


TAKES = frozenset(("pop", "popleft", "popitem", "heappop", "get", "get_nowait"))


def _taken(statement: ast.stmt) -> Iterator[str]:
    """Yield the names of what a round of a `while` takes from a queue: it hands them out as a `for` does."""
    if (
        isinstance(statement, ast.Assign)
        and isinstance(statement.value, ast.Call)
        and last_name(statement.value) in TAKES
    ):
        yield from (n.id for t in statement.targets for n in ast.walk(t) if isinstance(n, ast.Name))


def last_name(node: ast.AST) -> str:
    """Return `c` of `a.b.c`, of `c` and of a call of either; nothing of anything else."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def root_of(node: ast.AST) -> str:
    """Return the name an expression of attributes, items and methods starts from: `a` of `a.b[0].items()`."""
    while True:
        if isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        elif isinstance(node, ast.Call):
            node = node.func
        else:
            return node.id if isinstance(node, ast.Name) else ""


HANDS_ON = frozenset(("enumerate", "zip", "reversed", "iter", "list", "tuple", "sorted"))


def _roots(iterated: ast.expr) -> list[str]:
    """Return the names whose content is gone through: `graph` and `node` of `graph[node]`, `graph.get(node)`."""
    if isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Name) and iterated.func.id in HANDS_ON:
        return [name for a in iterated.args for name in _roots(a)]
    names = [root_of(iterated)]
    if isinstance(iterated, ast.Subscript) and isinstance(iterated.slice, ast.Name):
        names.append(iterated.slice.id)
    elif isinstance(iterated, ast.Call) and isinstance(iterated.func, ast.Attribute) and iterated.func.attr == "get":
        names += [a.id for a in iterated.args[:1] if isinstance(a, ast.Name)]
    return names
