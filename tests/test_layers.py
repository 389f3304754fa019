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

# From the ground up. Inside a storey a module may import only those that stand before it.
STOREYS: dict[str, tuple[str, ...]] = {
    "ground": ("errors", "arrays", "panel", "model", "result", "resample"),
    "science": (
        *("grams", "products", "slopes", "within", "noisy"),
        *("counts", "states", "passage", "stationary", "spectrum", "transitions", "chain"),
        *("least_action", "potential", "exact", "shuffles", "order"),
        *("cycles", "balance", "currents", "one_potential"),
        *("feature_table", "pairwise", "pair_errors", "held_out"),
        *("expressions", "symbolic", "feature_fit", "features"),
        *("balance_fit", "reversible", "balancing", "systems"),
        *(
            "order_statistics",
            "move_settings",
            "moves",
            *("move_engine", "move_runs"),
            *("ceilings", "move_path", "levers", "arrivals", "move_verdict"),
            *(
                "identified",
                "shares",
                "mixtures",
                "verdict_mixture",
                "oracles",
                "judges",
                "pools",
                "effective",
                "calibrating",
            ),
            *(
                "defect_masses",
                "progress",
                "recorded_progress",
                "assumptions",
                "pool_assumptions",
                "move_prediction",
                "round_prediction",
            ),
            *("pairing", "batches", "sensitivity", "reviewer_value", "plan_goals", "planning"),
            "move_run",
        ),
        *("sde", "paths", "regimes", "equilibrium", "skill", "interference"),
        *("latent", "latent_fit", "thorough", "curvature", "reversibility", "censored", "derive", "choose"),
        *("checks", "verdict", "pareto", "fit", "compare", "fitting", "drift", "analysis"),
        *("frontier", "claim_points", "claim_speed", "claim_effects", "claims"),
    ),
    "world": ("io", "reading"),
    "faces": (
        *("glossary_moves", "glossary", "text", "svg", "balance_text", "state_layout", "svg_states"),
        *("moves_text", "plan_text", "claims_text", "calibration_text", "svg_moves", "svg_plans"),
        *("plots", "sheets", "balance_sheets", "report", "balance_page", "moves_page"),
        *(
            "writing",
            "move_options",
            "commands",
            "move_commands",
            "calibration_commands",
            "terminal",
            "cli_moves",
            "cli",
            "__main__",
        ),
    ),
}
INSIDE_IO = (
    *("io.columns", "io.settings", "io.files", "io.frames", "io.cells", "io.choice", "io.kinds", "io.parents"),
    *("io.rows", "io.links", "io.scores", "io.template", "io.recordings", "io.noise", "io.tables"),
    *(
        "io.naming",
        "io.transitions",
        "io.grouping",
        "io.chains",
        "io.jsonforms",
        "io.states",
        "io.pools",
        "io.versions",
        "io",
    ),
)
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
}
AT_THE_TOP = {
    "click": {"cli", "cli_moves", "terminal"},
    "numba": {"move_engine"},
}  # the only heavy library a module may import outside a function, and where


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

    Imports for type checkers alone are left out.
    """
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    package = [p for p in package if p]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = _nodes(tree, functions=not top_only)
    found: set[str] = set()
    for node in nodes:
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


def _nodes(node: ast.AST, *, functions: bool) -> list[ast.AST]:
    out: list[ast.AST] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and not functions:
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        out += [child, *_nodes(child, functions=functions)]
    return out


def _own(name: str) -> set[str]:
    return {i[1:] for i in _imports(name) if i.startswith(".") and i[1:] in MODULES}


def _storey(name: str) -> str:
    first = name.split(".")[0]
    return next(storey for storey, modules in STOREYS.items() if first in modules)


def test_every_module_has_a_storey() -> None:
    listed = {m for modules in STOREYS.values() for m in modules}
    assert {m.split(".")[0] for m in MODULES if m} == listed, "list every module in STOREYS, and nothing else"
    assert {m for m in MODULES if m.split(".")[0] == "io"} == set(INSIDE_IO)


def test_imports_point_one_way() -> None:
    order = list(STOREYS)
    for name in filter(None, MODULES):
        for other in _own(name):
            assert order.index(_storey(other)) <= order.index(_storey(name)), f"{name} imports {other}: never up"


@pytest.mark.parametrize("order", [*STOREYS.values(), INSIDE_IO], ids=[*STOREYS, "io"])
def test_arrows_inside_a_storey(order: tuple[str, ...]) -> None:
    for position, name in enumerate(order):
        beside = _own(name) & set(order)
        assert beside <= set(order[:position]), f"{name} imports {sorted(beside - set(order[:position]))}"


def test_no_cycles() -> None:
    # The package's own __init__ names modules without importing them, and is no part of the graph.
    graph = {name: _own(name) - {name} for name in MODULES if name}
    list(graphlib.TopologicalSorter(graph).static_order())


def test_no_rooms_for_everything() -> None:
    parts = {p for name in MODULES for p in name.split(".")}
    assert not parts & FORBIDDEN


def test_heavy_libraries_are_imported_where_used() -> None:
    for name in MODULES:
        for library in _imports(name, top_only=True) & HEAVY:
            assert name in AT_THE_TOP.get(library, set()), f"{name} imports {library} at its top"


@pytest.mark.parametrize("storey", ["ground", "science"])
def test_estimators_see_neither_files_nor_faces(storey: str) -> None:
    allowed = {"numpy", "numba", "scipy", "moocore", "markupsafe", "threadpoolctl", *sys.stdlib_module_names}
    for name in STOREYS[storey]:
        foreign = {i for i in _imports(name) if not i.startswith(".")}
        assert not foreign - allowed, f"{name} imports {sorted(foreign - allowed)}"
        assert not foreign & {"pathlib", "os", "io"}, f"{name}: estimators never see a path"


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
    "arguments", [["--help"], ["--version"], ["analyze", "--help"], ["moves", "settings"], ["explain", "lag"]]
)
def test_small_commands_are_light(arguments: list[str]) -> None:
    code = (
        f"from loopstat.cli import main\n"
        f"try:\n    main({arguments!r}, prog_name='loopstat')\nexcept SystemExit as end:\n    assert not end.code"
    )
    assert not _loaded(code) & (HEAVY - {"click"} | {"numpy"})


COMMANDS = ("cli", "cli_moves", "commands", "move_commands", "calibration_commands", "move_options")


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
