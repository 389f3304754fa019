"""Programs changed in ways that must lower a score, or must leave it: written by way of their syntax tree."""

from __future__ import annotations

import ast
import builtins
import random


def with_eval(tree: ast.Module, rng: random.Random) -> ast.Module:
    """Add a statement `eval(...)` at a random place."""
    tree = _copy(tree)
    bodies = [
        body
        for node in ast.walk(tree)
        for name in ("body", "orelse", "finalbody")
        if isinstance(body := getattr(node, name, None), list) and body and isinstance(body[0], ast.stmt)
    ]
    body = rng.choice(bodies)
    made = rng.choice(["eval(source)", "value = eval(source)", "print(eval(source, {}))", "if eval(source):\n    pass"])
    body.insert(rng.randrange(1, len(body) + 1), ast.parse(made).body[0])
    return tree


def with_loop(tree: ast.Module, rng: random.Random) -> ast.Module | None:
    """Put a loop around a random loop, or around a statement with a comprehension; None where there is none."""
    tree = _copy(tree)
    places = [
        (body, k)
        for node in ast.walk(tree)
        for name in ("body", "orelse", "finalbody")
        if isinstance(body := getattr(node, name, None), list)
        for k, item in enumerate(body)
        if isinstance(item, ast.For | ast.AsyncFor | ast.While) or _comprehends(item)
    ]
    if not places:
        return None
    body, k = rng.choice(places)
    outer = ast.parse(rng.choice(["for again in range(3):\n    pass", "while going:\n    pass"])).body[0]
    outer.body = [body[k]]  # type: ignore[attr-defined]
    body[k] = outer
    return tree


def _comprehends(item: ast.AST) -> bool:
    simple = isinstance(item, ast.Assign | ast.AugAssign | ast.Return | ast.Expr)
    return simple and any(isinstance(n, ast.comprehension) for n in ast.walk(item))


def renamed(tree: ast.Module) -> ast.Module:
    """Give every variable and parameter of functions another name; keyword arguments, attributes, imports stay."""
    tree = _copy(tree)
    kept = {k.arg for n in ast.walk(tree) if isinstance(n, ast.Call) for k in n.keywords} | set(dir(builtins))
    kept |= {name for n in ast.walk(tree) if isinstance(n, ast.Global | ast.Nonlocal) for name in n.names}
    for node in ast.walk(tree):  # what belongs to the module or a class is known outside
        if isinstance(node, ast.Import | ast.ImportFrom):
            kept |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            kept.add(node.name)
    own = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    names = {name: f"v{k}" for k, name in enumerate(sorted(own - kept))}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names.get(node.arg, node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            node.name = names.get(node.name, node.name)
    return tree


def _copy(tree: ast.Module) -> ast.Module:
    return ast.parse(ast.unparse(tree))
