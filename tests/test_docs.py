"""Documentation that cannot rot: docstrings, the glossary, and every block of code in README and docs."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib.util
import inspect
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import loopstat
from conftest import ROOT, executable, plain_table
from loopstat.faces.explain import explain, markdown, terms
from loopstat.lenses import lenses, load
from loopstat.results.terms import TERMS as SHARED

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

DATA = ROOT.parent / "shared" / "data"
SAMPLED = 8_000  # rows of a large table that the commands of a page are run on
PUBLIC = [n for n in loopstat.__all__ if not n.startswith("_")]

# --------------------------------------------------------------------------------- docstrings


def _functions() -> Iterator[tuple[str, Any]]:
    """Yield every public function and every public method that is the package's own."""
    for name in PUBLIC:
        found = getattr(loopstat, name)
        if not inspect.isclass(found):
            yield name, found
            continue
        for attribute, value in vars(found).items():
            inner = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            inner = value.fget if isinstance(value, property) else getattr(inner, "func", inner)
            if not attribute.startswith("_") and inspect.isfunction(inner):
                yield f"{name}.{attribute}", inner


FUNCTIONS = dict(_functions())
DATACLASSES = [n for n in PUBLIC if dataclasses.is_dataclass(getattr(loopstat, n))]


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name: str) -> None:
    text = inspect.getdoc(getattr(loopstat, name)) or ""
    assert len(text) > 20
    assert text.splitlines()[0].rstrip().endswith((".", ",", ":", ";")) or "\n" in text
    assert not text.startswith(f"{name}("), "the docstring a dataclass writes itself says nothing"


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_every_public_method_is_documented(name: str) -> None:
    assert len(inspect.getdoc(FUNCTIONS[name]) or "") > 10


@pytest.mark.parametrize("name", [n for n in PUBLIC if inspect.isfunction(getattr(loopstat, n))])
def test_functions_name_their_parameters(name: str) -> None:
    function = getattr(loopstat, name)
    text = inspect.getdoc(function) or ""
    assert re.search(r"^Parameters\n-+$", text, re.MULTILINE)
    section = re.split(r"^Parameters\n-+$", text, flags=re.MULTILINE)[1]
    named = " ".join(line.split(":")[0] for line in section.splitlines() if line and not line.startswith(" "))
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"\b{parameter}\b", named), f"{parameter} is not described"
    if inspect.signature(function).return_annotation not in (None, "None", "str"):
        assert re.search(r"^Returns\n-+$", text, re.MULTILINE)


@pytest.mark.parametrize("name", DATACLASSES)
def test_fields_are_described(name: str) -> None:
    described = inspect.getdoc(getattr(loopstat, name)) or ""
    for field in dataclasses.fields(getattr(loopstat, name)):
        name = re.sub(r"_(low|high)$", "", field.name)
        known = re.search(rf"\b{name}\b", described) or name in terms()
        assert known or field.name.startswith("_"), f"{field.name} is described neither there nor in the glossary"


MODULES = [m.name for m in pkgutil.walk_packages(loopstat.__path__, "loopstat.")]


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings(module: str) -> None:
    found = importlib.import_module(module)
    assert inspect.getdoc(found), "every module says what it is for"
    assert doctest.testmod(found, optionflags=doctest.ELLIPSIS).failed == 0


# ----------------------------------------------------------------------------------- glossary

OPEN = {"reasons", "where", "transform", "columns", "by", "weights"}  # their keys are the user's names, or other keys


def keys_of(value: Any) -> set[str]:
    """Return every key of the JSON below a value, without names that come from the data."""
    if isinstance(value, list):
        return {k for v in value for k in keys_of(v)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {k for name, v in value.items() if name not in OPEN for k in keys_of(v)}


@pytest.mark.parametrize("result", ["plain_json", "lineage_json"])
def test_every_json_key_is_in_the_glossary(result: str, request: pytest.FixtureRequest) -> None:
    keys = {re.sub(r"_(low|high)$", "", k) for k in keys_of(request.getfixturevalue(result))}
    assert sorted(keys - set(terms())) == []
    for key in keys:
        assert explain(key).startswith(f"{key}: ")


def test_every_check_and_regime_is_in_the_glossary(plain_json: dict[str, Any]) -> None:
    said = {c["name"] for g in plain_json["groups"] for c in g["checks"]}
    assert said | {"unstable", "slow", "monotone", "alternating", "oscillatory"} <= set(terms())


def test_every_term_is_one_sentence() -> None:
    for term, sentences in terms().items():
        for sentence in sentences:
            said = sentence.partition(" [")[0]
            assert said.endswith((".", "?")), term
            assert "\n" not in said
            assert len(said) < 200, term
    lower = {t.lower() for t in terms()} - {"a", "b", "q", "m", "n"}
    assert len(lower) >= len(terms()) - 6, "found whatever its case"


def test_no_term_is_explained_twice() -> None:
    places = (SHARED, *(load(lens.terms) for lens in lenses()))
    tables = [(name, said) for place in places for name, said in place.items()]
    assert len({name for name, _ in tables}) == len(tables)
    settings = [row for lens in lenses() for c in lens.commands[:1] for row in c.settings]
    rows = {row.help.rstrip(".").lower() for row in (*settings, *(row for lens in lenses() for row in lens.rows))}
    assert not [name for name, said in tables if said.rstrip(".").lower() in rows]


def test_pages_made_from_the_code_are_current() -> None:
    spec = importlib.util.spec_from_file_location("build", ROOT / "docs" / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    for page, text in (("glossary.md", markdown()), ("python.md", build.reference())):
        assert (ROOT / "docs" / page).read_text(encoding="utf-8").strip() == text.strip(), "run: python docs/build.py"


# ------------------------------------------------------------------------------ blocks of code


@dataclass(frozen=True)
class Block:
    """One fenced block of a page: its language, its text and the line it starts in."""

    language: str
    text: str
    line: int

    @property
    def commands(self) -> list[str]:
        """The lines that run loopstat: after `$ ` in a console block, as they stand in an indented one."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        prompt = "" if self.language == "indented" else r"\$ "
        found = re.findall(rf"^\s*{prompt}(loopstat\b.*)$", joined, re.MULTILINE)
        return [re.sub(r"\s{2,}#.*$", "", c) for c in found]


def blocks_of(page: Path) -> list[Block]:
    """Return the fenced and the indented blocks of a Markdown page, in order."""
    text = page.read_text(encoding="utf-8")
    fence = re.compile(r"^( *)(`{3,})([\w+-]*)[^\n]*\n(.*?)^\1\2[ ]*$", re.MULTILINE | re.DOTALL)
    found = [
        Block(m[3], re.sub(rf"^{m[1]}", "", m[4], flags=re.MULTILINE), text.count("\n", 0, m.start()) + 2)
        for m in fence.finditer(text)
    ]
    prose = fence.sub(lambda m: "\n" * m[0].count("\n"), text)
    indented = re.compile(r"(?<=\n\n)(?: {4}[^\n]*\n)+")
    found += [Block("indented", m[0], prose.count("\n", 0, m.start()) + 1) for m in indented.finditer(prose)]
    return sorted(found, key=lambda b: b.line)


PAGES = [p for p in (ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))) if p.is_file()]


def _recordings(folder: Path) -> None:
    """Put the recordings that pages speak of into a folder: runs.*, before.csv, after.csv, and what the demo copies."""
    import duckdb

    from loopstat.io.recordings import RECORDINGS, path

    (folder / "loopstat-demo").mkdir()
    (folder / "tests").symlink_to(ROOT / "tests")
    for name in RECORDINGS:
        shutil.copy(path(name), folder / "loopstat-demo")

    rows = plain_table(folder / "runs.csv").read_text()
    named = rows.replace("quality,speed,length", "security,efficiency,functionality")
    named = named.replace("straight", "security-first").replace("swing", "feature-first")
    for name in ("runs.csv", "before.csv", "after.csv"):
        (folder / name).write_text(named)
    with duckdb.connect() as con:
        for name in ("runs.parquet", "day1.parquet"):
            con.execute(f"COPY (FROM read_csv('{folder / 'runs.csv'}')) TO '{folder / name}'")
    shutil.copy(ROOT / "tests" / "io" / "logs" / "inspect" / "refine.eval", folder / "run.eval")


def _some_sessions(table: Path, out: Path) -> None:
    """Write a k-th of the sessions of a table, so that it is read, grouped and fitted as the whole, and sooner."""
    import duckdb

    with duckdb.connect() as con:
        rows = con.read_parquet(str(table)) if table.suffix == ".parquet" else None
        k = 0 if rows is None or "session" not in rows.columns else len(rows) // SAMPLED
        if k < 2:
            out.symlink_to(table)
            return
        con.sql(f"FROM rows WHERE hash(session) % {k} = 0").write_parquet(str(out))


def _fetch(block: Block, folder: Path) -> bool:
    """Link the public tables a block names into its folder; False where they are not to be had here."""
    made = set(re.findall(r"(?:>|--json|--html) *(\S+)", block.text))
    names = set(re.findall(r"[\w./-]+\.(?:parquet|csv|jsonl)\b", block.text)) - made
    for name in sorted(n for n in names if block.commands and not (folder / n).exists()):
        found = sorted(DATA.rglob(Path(name).name)) if DATA.is_dir() else []
        if found and name == Path(name).name:
            _some_sessions(found[0], folder / name)
        elif not DATA.is_dir():
            return False
    return "shared/data" not in block.text or DATA.is_dir()


def _run_command(command: str, folder: Path) -> None:
    for name in ("analyze", "balance"):
        if command.startswith(f"loopstat {name} ") and "--bootstrap" not in command:
            command = command.replace(name, f"{name} --bootstrap 20", 1)  # figures are not compared
    if re.match(r"loopstat moves (simulate|plan) ", f"{command} ") and "--replicates" not in command:
        command = re.sub(r"(moves \w+)", r"\1 --replicates 40", command, count=1)
    if command.startswith("loopstat view"):  # it serves until it is told to end
        words = command.partition("#")[0].strip()
        command = f"timeout --preserve-status --signal=INT 6 {words} --no-open"
    path = f"{Path(executable()).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"$ {command}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_code_on_pages_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a page's Python blocks in one namespace, and its `$ loopstat` lines, in order, in one folder.

    The folder holds small recordings under the names that pages use. Blocks that need tables which are not part of
    the repository run where those are found beside it.
    """
    blocks = [b for b in blocks_of(page) if b.language == "python" or b.commands]
    folder = tmp_path / "repository"
    folder.mkdir()
    if blocks:
        _recordings(folder)
    if DATA.is_dir():
        (tmp_path / "shared").mkdir()
        (tmp_path / "shared" / "data").symlink_to(DATA)
    monkeypatch.chdir(folder)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    skipped = 0
    for block in blocks:
        if not _fetch(block, folder):
            skipped += 1
            continue
        if block.language == "python":
            code = compile(ast.parse(block.text), f"{page.name}:{block.line}", "exec")
            exec(code, namespace)  # noqa: S102 - it is our own documentation
            continue
        for command in block.commands:
            _run_command(command, folder)
    if skipped and skipped == len(blocks):
        pytest.skip(f"{skipped} blocks need tables that are not part of the repository")


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)", prose):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_blocks_are_found(tmp_path: Path) -> None:
    page = tmp_path / "p.md"
    fenced = "```console\n$ loopstat analyze a.csv \\\n    --by x   # why\nout\n$ ls\n```\n\n```python\nx = 1\n```\n"
    page.write_text(f"# T\n\n{fenced}\nMore:\n\n    make demo\n    loopstat template  # a table\n")
    found = blocks_of(page)
    assert [b.language for b in found] == ["console", "python", "indented"]
    assert [b.commands for b in found] == [["loopstat analyze a.csv --by x"], [], ["loopstat template"]]
    assert [b.line for b in found] == [4, 11, 16]
    assert found[1].text == "x = 1\n"


# ---------------------------------------------------------------------------------- whole tree

REGISTRIES = [  # in halves, so that this file names none either
    r"\bpy" + r"pi\.org",
    "python" + "hosted",
    "anaconda" + r"\.org",
    "conda-" + "forge",
    r"registry\." + "npm",
    "crates" + r"\.io",
]


def _texts() -> Iterator[tuple[Path, str]]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if path.is_file() and path.suffix not in (".parquet", ".png", ".gif", ".eval", ".db", ".sqlite"):
            yield path, path.read_text(encoding="utf-8")


def test_no_text_names_a_package_registry() -> None:
    for path, text in _texts():
        for pattern in REGISTRIES:
            assert not re.search(pattern, text), f"{path.relative_to(ROOT)}: {pattern}"


def test_stored_json_is_valid() -> None:
    for path, text in _texts():
        if path.suffix == ".json":
            json.loads(text)


def test_no_warning_is_hidden() -> None:
    hidden = [p for p, text in _texts() if p.suffix == ".py" and "filterwarnings(" + '"ignore"' in text]
    assert hidden == []
    assert warnings.filters, "pytest turns warnings into errors"


@pytest.mark.parametrize("page", ["tutorial.md", "stopping.md"])
def test_pages_show_what_is_printed(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A figure in the text that the commands no longer print would be a lie.
    monkeypatch.chdir(tmp_path)
    _recordings(tmp_path)
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    commands = re.findall(r"^\$ (loopstat (?:demo|(?:analyze|decide) loopstat-demo.*))$", text, re.MULTILINE)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "100"}
    run = [subprocess.run(c.split(), capture_output=True, text=True, check=True, env=environment) for c in commands]
    printed = "".join(done.stdout for done in run)
    for block in re.findall(r"```text\n(.*?)```", text, re.DOTALL):
        assert block.strip() in printed
