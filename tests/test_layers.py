"""The house rules on imports: storeys, arrows inside them, light starts, and the list of public names."""

from __future__ import annotations

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import loopstat

PACKAGE = Path(loopstat.__file__).parent

SCIENCE = "errors arrays parameters panel inference results lenses"
MAY_IMPORT = {
    "errors": "",
    "arrays": "",
    "parameters": "errors",
    "panel": "errors arrays",
    "inference": "errors arrays panel",
    "results": "errors arrays panel inference",
    "lenses": "errors parameters inference results",
    **dict.fromkeys(("decide", "drift", "balance", "moves"), SCIENCE),  # never one another
    "scoring": "errors parameters panel inference results lenses",
    "io": "errors arrays parameters panel results scoring",
    **dict.fromkeys(("systems", "analysis"), f"{SCIENCE} decide drift balance moves io"),
    "play": f"{SCIENCE} drift balance systems",
    "imports": f"{SCIENCE} io",
    "faces": f"{SCIENCE} io",  # a lens is found by its name, never imported
    "plots": f"{SCIENCE} drift balance moves faces",
    "__main__": "faces",
}
"""What each package, or module at the top, may import of its neighbours, for type checkers too."""

OF_RESULTS = {"io": {"results.record"}}
"""Where only a part of a neighbour may be imported."""

FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "core", "base", "misc", "tools"}
HEAVY = {
    "scipy",
    "moocore",
    "numba",
    "threadpoolctl",
    "duckdb",
    "narwhals",
    "click",
    "rich",
    "jinja2",
    "markupsafe",
    "matplotlib",
    "pandas",
    "polars",
    "pyarrow",
    "starlette",
    "uvicorn",
    "websockets",
    "latex2mathml",
    "ruff",
    "complexipy",
    "rapidfuzz",
    "zstandard",
}
AT_THE_TOP = {
    "click": {"faces.cli", "faces.console"},
    "numba": {"moves.engine", "moves.mean_engine"},
    "starlette": {"faces.web.server", "faces.web.tables"},
    "uvicorn": {"faces.web.server"},
}
"""The only heavy libraries a module may import outside a function, and where."""
FILES = {"pathlib", "os", "io"}
SEES_FILES = {"moves.files", "inference.workers", "results.document"}
"""Reads a settings file, counts processors, shortens names of files."""


def _modules() -> dict[str, Path]:
    """Return every module of the package by its dotted name below it; the package itself is the empty name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = _modules()


def _imports(name: str, *, top_only: bool = False) -> set[str]:
    """Return what a module imports: own modules as `.name` below the package, others by their first part.

    With `top_only`, only what is imported when the module is: neither inside functions nor for type checkers.
    """
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [p for p in package if p]
    found: set[str] = set()
    for node in _nodes(ast.parse(path.read_text(encoding="utf-8")), top_only=top_only):
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            stem = package[: len(package) - node.level + 1]
            full = ".".join([*stem, *([node.module] if node.module else [])])
            inner = {".".join(p for p in (full, a.name) if p) for a in node.names}
            found |= {f".{m}" for m in inner if m in MODULES} or {f".{full}"}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found - {".", "__future__"}


def _nodes(node: ast.AST, *, top_only: bool) -> list[ast.AST]:
    out: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if top_only and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if top_only and isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        out += [child, *_nodes(child, top_only=top_only)]
    return out


def _own(name: str) -> set[str]:
    return {i[1:] for i in _imports(name) if i.startswith(".") and i[1:] in MODULES}


def test_imports_point_one_way() -> None:
    assert {m.split(".")[0] for m in MODULES if m} == set(MAY_IMPORT), "every package has its row, and nothing else"
    for name in filter(None, MODULES):
        room = name.split(".")[0]
        beside = {other for other in _own(name) if other.split(".")[0] != room}
        wrong = {other for other in beside if other.split(".")[0] not in MAY_IMPORT[room].split()}
        wrong |= {o for o in beside if o.split(".")[0] == "results" and o not in OF_RESULTS.get(room, {o})}
        assert not wrong, f"{name} imports {sorted(wrong)}"


def test_no_cycles() -> None:
    # The package's own __init__ names modules without importing them, and is no part of the graph.
    arrows = {(name, other) for name in MODULES if name for other in _own(name) - {name}}
    graph: dict[str, set[str]] = {}
    for name, other in arrows:
        graph.setdefault(name, set()).add(other)
    list(graphlib.TopologicalSorter(graph).static_order())


def test_no_rooms_for_everything() -> None:
    assert not {name.split(".")[0] for name in MODULES} & FORBIDDEN


def test_heavy_libraries_are_imported_where_used() -> None:
    for name in MODULES:
        for library in _imports(name, top_only=True) & HEAVY:
            assert name in AT_THE_TOP.get(library, set()), f"{name} imports {library} at its top"


@pytest.mark.parametrize("room", ["panel", "inference", "results", "drift", "balance", "moves"])
def test_estimators_see_neither_files_nor_faces(room: str) -> None:
    allowed = {"numpy", "numba", "scipy", "moocore", "markupsafe", "threadpoolctl", *sys.stdlib_module_names}
    for name in MODULES:
        if name.split(".")[0] == room:
            foreign = {i for i in _imports(name) if not i.startswith(".")}
            assert not foreign - allowed, f"{name} imports {sorted(foreign - allowed)}"
            assert not foreign & FILES or name in SEES_FILES, f"{name}: estimators never see a path"


# -------------------------------------------------------------------------------- public names


def test_public_names() -> None:
    assert loopstat.__all__ == sorted(loopstat.__all__)
    assert len(loopstat.__all__) <= 40
    assert set(dir(loopstat)) == set(loopstat.__all__)
    for name in loopstat.__all__:
        assert getattr(loopstat, name) is not None
    # Once everything public is loaded, whatever has no underscore and is no module of the package must be listed.
    own = {m.split(".")[0] for m in MODULES}
    loaded = {n for n in vars(loopstat) if not n.startswith("_")} - own
    assert loaded - set(loopstat.__all__) <= {"annotations", "import_module", "TYPE_CHECKING", "Any"}
    with pytest.raises(AttributeError, match="no attribute 'LinearDrit'"):
        loopstat.LinearDrit  # noqa: B018


def test_names_for_readers_of_types_are_the_same() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8"))
    typed = next(n for n in tree.body if isinstance(n, ast.If))
    seen = {a.name: n.module or a.name for n in typed.body if isinstance(n, ast.ImportFrom) for a in n.names}
    assert seen == loopstat._HOME


# --------------------------------------------------------------------------------- light starts


def _loaded(code: str) -> set[str]:
    """Return the first parts of all modules loaded by running some code in a fresh interpreter."""
    program = f"import sys\n{code}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_is_light() -> None:
    assert not _loaded("import loopstat") & {*HEAVY, "numpy"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["analyze", "--help"],
        ["moves", "plan", "--help"],
        ["view", "--help"],
        ["explain", "lag"],
    ],
)
def test_small_commands_are_light(arguments: list[str]) -> None:
    code = (
        f"from loopstat.faces.cli import main\n"
        f"try:\n    main({arguments!r}, prog_name='loopstat')\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert not _loaded(code) & (HEAVY - {"click"} | {"numpy"})


COMMANDS = ("faces.cli", "io.asked", "moves.commands", "moves.files", "parameters")


def _flags(node: ast.AST) -> list[str]:
    """Return the flags in the texts of an expression, but for those that have a Python spelling beside them."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "either":
        return []
    own = [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
    return [t for t in own if re.search(r"--[a-z]", t)] + [
        t for child in ast.iter_child_nodes(node) for t in _flags(child)
    ]


@pytest.mark.parametrize("name", [m for m in MODULES if m not in COMMANDS])
def test_errors_spell_options_for_python_too(name: str) -> None:
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("Error")
        if made or isinstance(node, ast.Raise):
            assert _flags(node) == [], f"{name}, line {node.lineno}: use `argument` or `either` of errors"
