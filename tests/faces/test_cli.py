"""The command line end to end: bad input in sentences, the JSON's conventions, every option, and manners."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopstat as ls
from conftest import (
    HEADER,
    OBJECTIVES,
    Row,
    analysed,
    executable,
    invoke,
    loop_rows,
    shell,
    strict_json,
    write_table,
)
from loopstat.results.decision import ACTIONS

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

CONTROL = re.compile(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
HOSTILE = {
    "html": "<script>alert('x')</script>",
    "ansi": "\x1b[31mred\x1b[0m\x07",
    "c1": "\x9b2Jgone",
    "bidi": "\u202etxt.exe",
    "quote": "\"'&amp;{{ 7*7 }}",
}

# ------------------------------------------------------------------------------------------ refused


def _changed(rows: list[Row], row: int, column: int, value: object) -> list[Row]:
    cells = list(rows[row])
    cells[column] = value
    return [*rows[:row], tuple(cells), *rows[row + 1 :]]


def _text(folder: Path, name: str, content: str | bytes) -> list[object]:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [path]


def _table(folder: Path, rows: list[Row], header: tuple[str, ...] = HEADER, *options: object) -> list[object]:
    return [write_table(folder / "table.csv", rows, header), *options]


def _half_parquet(folder: Path) -> list[object]:
    import duckdb

    whole = folder / "whole.parquet"
    table = write_table(folder / "table.csv", loop_rows())
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM read_csv('{table}')) TO '{whole}'")
    content = whole.read_bytes()
    return _text(folder, "half.parquet", content[: len(content) // 2])


def _population(folder: Path, header: tuple[str, ...]) -> list[object]:
    rows = [(f"s{s}", t, k, s + 0.3 * t + 0.1 * s * k) for s in range(3) for t in range(3) for k in range(2)]
    return _table(folder, rows, header)


def _directory(folder: Path) -> list[object]:
    (folder / "runs").mkdir()
    return [folder / "runs"]


ROWS = loop_rows()
MANY = [(s, t, *(x * k + y for k in range(1, 8))) for s, t, x, y in ROWS]
LATIN = "session,step,quality\ncafé,0,1\n".encode("latin-1")

REFUSED: dict[str, tuple[Callable[[Path], list[object]], list[str]]] = {
    "no such file": (lambda d: [d / "absent.csv"], ["absent.csv", "no such file"]),
    "no such file, one like it": (lambda d: [*_table(d, ROWS)[1:], d / "tabel.csv"], ["tabel.csv", "did you mean"]),
    "glob without a match": (lambda d: [d / "*.parquet"], ["*.parquet", "no file matches"]),
    "empty file": (lambda d: _text(d, "empty.csv", ""), ["empty.csv", "empty"]),
    "blank file": (lambda d: _text(d, "blank.csv", " \n\n"), ["blank.csv", "empty"]),
    "header alone": (lambda d: _text(d, "head.csv", "session,step,quality\n"), ["head.csv", "no rows"]),
    "prose": (lambda d: _text(d, "a.txt", "Dear all,\nthis is a letter.\n"), ["a.txt", "table", "line 2"]),
    "one word": (lambda d: _text(d, "a.txt", "hello\n"), ["a.txt", "not a table"]),
    "binary": (lambda d: _text(d, "a.csv", bytes(range(256)) * 8), ["a.csv", "not a table"]),
    "spreadsheet": (lambda d: _text(d, "a.xlsx", b"PK\x03\x04" + bytes(60)), ["a.xlsx", "spreadsheet"]),
    "ragged": (lambda d: _text(d, "a.csv", "session,step,q\na,0,1\na,1,2,3,4\n"), ["a.csv", "line 3"]),
    "JSON that breaks off": (
        lambda d: _text(d, "a.jsonl", '{"session": "a", "step": 0, "q": 1}\n{"session": "a", "st'),
        ["a.jsonl", "JSON"],
    ),
    "no session and step column": (
        lambda d: _table(d, ROWS, ("run_id", "iteration", "quality", "speed")),
        ["table.csv", "no session or step column", "--columns session=run_id,step=iteration"],
    ),
    "no session column": (
        lambda d: _table(d, ROWS, ("chain", "step", "quality", "speed")),
        ["table.csv", "no session column", "--columns session=chain"],
    ),
    "no step column": (
        lambda d: _table(d, ROWS, ("session", "turn", "quality", "speed")),
        ["table.csv", "no step column", "--columns step=turn"],
    ),
    "step missing": (lambda d: _table(d, _changed(ROWS, 4, 1, "")), ["table.csv, row 5, column `step`"]),
    "step with a fraction": (lambda d: _table(d, _changed(ROWS, 4, 1, 4.5)), ["row 5, column `step`", "whole"]),
    "session missing": (lambda d: _table(d, _changed(ROWS, 9, 0, "")), ["table.csv, row 10, column `session`"]),
    "two rows for one key": (
        lambda d: _table(d, [*ROWS[:5], ROWS[3], *ROWS[5:]]),
        ["table.csv, row 6", "row 4", "session 's0', step 3"],
    ),
    "text among numbers": (
        lambda d: _table(d, _changed(ROWS, 7, 2, "n/a?")),
        ["table.csv, row 8, column `quality`", "'n/a?'"],
    ),
    "text in a column asked for": (
        lambda d: _table(d, [(*r, "word") for r in ROWS], (*HEADER, "mood"), "--objectives", "mood"),
        ["table.csv, row 1, column `mood`", "'word'"],
    ),
    "infinity": (lambda d: _table(d, _changed(ROWS, 9, 3, "inf")), ["table.csv, row 10, column `speed`", "inf"]),
    "minus infinity": (lambda d: _table(d, _changed(ROWS, 9, 3, "-Infinity")), ["row 10, column `speed`", "-inf"]),
    "unknown objective": (
        lambda d: _table(d, ROWS, HEADER, "--objectives", "qualty"),
        ["table.csv", "`qualty`", "--objectives", "`quality`"],
    ),
    "unknown grouping": (lambda d: _table(d, ROWS, HEADER, "--by", "modl"), ["table.csv", "`modl`", "--by"]),
    "unknown condition": (lambda d: _table(d, ROWS, HEADER, "--where", "modl=a"), ["`modl`", "--where"]),
    "unknown cluster": (lambda d: _table(d, ROWS, HEADER, "--cluster", "modl"), ["`modl`", "--cluster"]),
    "unknown minimised": (lambda d: _table(d, ROWS, HEADER, "--minimize", "spead"), ["`spead`", "--minimize"]),
    "unknown bounded": (lambda d: _table(d, ROWS, HEADER, "--bounds", "spead=0:1"), ["`spead`", "--bounds"]),
    "unknown transformed": (lambda d: _table(d, ROWS, HEADER, "--transform", "spead=log"), ["`spead`", "--transform"]),
    "unknown column renamed": (lambda d: _table(d, ROWS, HEADER, "--columns", "step=tern"), ["`tern`", "--columns"]),
    "renamed to nothing standard": (
        lambda d: _table(d, ROWS, HEADER, "--columns", "stepp=step"),
        ["`stepp`", "not a standard column", "`step`"],
    ),
    "objective named twice": (
        lambda d: _table(d, ROWS, HEADER, "--objectives", "quality,speed,quality"),
        ["`quality`", "twice"],
    ),
    "header names a column twice": (
        lambda d: _table(d, ROWS, ("session", "step", "quality", "quality")),
        ["table.csv, column `quality`", "twice"],
    ),
    "Latin-1": (lambda d: _text(d, "latin.csv", LATIN), ["latin.csv", "UTF-8", "line 2"]),
    "UTF-16": (lambda d: _text(d, "wide.csv", LATIN.decode("latin-1").encode("utf-16")), ["wide.csv", "UTF-16"]),
    "directory": (_directory, ["runs", "is a directory"]),
    "Parquet cut in half": (_half_parquet, ["half.parquet", "cut off"]),
    "population": (
        lambda d: _population(d, ("session", "step", "candidate", "quality")),
        ["table.csv, row 2, column `candidate`", "population without parents", "loopstat template --kind lineage"],
    ),
    "no transition": (
        lambda d: _table(d, [r for r in ROWS if r[1] == 0]),
        ["table.csv", "no transition", "every session has one step"],
    ),
    "steps that never follow": (lambda d: _table(d, [(s, 2 * t, *x) for s, t, *x in ROWS]), ["no transition"]),
    "no objective left": (
        lambda d: _table(d, [(s, t, s, i) for i, (s, t, *_) in enumerate(ROWS)], ("session", "step", "who", "seed")),
        ["table.csv", "no column is left", "seed"],
    ),
    "too many objectives": (
        lambda d: _table(
            d,
            [(s, t, *np.sin(np.arange(1, 9) * (7 * i + 1))) for i, (s, t, *_) in enumerate(ROWS)],
            ("session", "step", *"abcdefgh"),
        ),
        ["table.csv", "8 columns", "--objectives a,b,c,d,e,f"],
    ),
    "bounds without a span": (lambda d: _table(d, ROWS, HEADER, "--bounds", "quality=1"), ["--bounds", "'quality=1'"]),
    "bounds upside down": (lambda d: _table(d, ROWS, HEADER, "--bounds", "quality=5:1"), ["--bounds", "5:1"]),
    "bounds in words": (lambda d: _table(d, ROWS, HEADER, "--bounds", "quality=low:high"), ["--bounds", "low:high"]),
    "bounds not numbers": (lambda d: _table(d, ROWS, HEADER, "--bounds", "quality=nan:1"), ["--bounds", "nan:1"]),
    "outside the bounds": (
        lambda d: _table(d, ROWS, HEADER, "--bounds", "quality=0:1"),
        ["table.csv, row", "column `quality`", "[0, 1]"],
    ),
    "unknown transform": (lambda d: _table(d, ROWS, HEADER, "--transform", "speed=cube"), ["cube", "log1p"]),
    "log of a negative": (
        lambda d: _table(d, _changed(ROWS, 3, 2, -1), HEADER, "--transform", "quality=log"),
        ["table.csv, row", "column `quality`", "log needs values above 0"],
    ),
    "transform without a kind": (lambda d: _table(d, ROWS, HEADER, "--transform", "speed"), ["--transform", "'speed'"]),
    "condition without a value": (lambda d: _table(d, ROWS, HEADER, "--where", "session"), ["--where", "'session'"]),
    "condition that holds nowhere": (
        lambda d: _table(d, ROWS, HEADER, "--where", "session=zz"),
        ["session = 'zz'", "s0, s1"],
    ),
    "from a step past the end": (lambda d: _table(d, ROWS, HEADER, "--from-step", 99), ["step 99", "last step is 7"]),
    "level above one": (lambda d: _table(d, ROWS, HEADER, "--level", 95), ["level", "95"]),
    "level not a number": (lambda d: _table(d, ROWS, HEADER, "--level", "nan"), ["level", "nan"]),
    "cluster inside sessions": (
        lambda d: _table(d, [(*r, r[1] % 2) for r in ROWS], (*HEADER, "odd"), "--cluster", "odd"),
        ["`odd`", "changes inside sessions"],
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_refused_in_a_sentence(case: str, tmp_path: Path) -> None:
    make, words = REFUSED[case]
    arguments = make(tmp_path)
    targets = [tmp_path / "out.json", tmp_path / "out.html"]
    for target in targets:
        target.write_text("kept")
    before = sorted(tmp_path.iterdir())
    result = invoke("analyze", *arguments, "--json", targets[0], "--html", targets[1])
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, "one or two sentences on one line"
    assert len(result.stderr) < 700
    assert not re.search(r"Traceback|duckdb|numpy|Error:|Exception", result.stderr)
    for word in words:
        assert word in result.stderr
    assert [t.read_text() for t in targets] == ["kept", "kept"]
    assert sorted(tmp_path.iterdir()) == before, "nothing else is written"


def test_refusal_of_a_real_process(tmp_path: Path) -> None:
    for case in ("infinity", "Parquet cut in half"):
        arguments = REFUSED[case][0](tmp_path)
        done = shell("analyze", *arguments, "--json", "-")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {arguments[0]}")
        assert done.stderr.count("\n") == 1


@pytest.fixture
def as_nobody() -> Iterator[Path]:
    """Yield a folder owned by root while this process acts as a user without rights; as is, for an ordinary user."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        mighty = os.geteuid() == 0
        invoke("analyze", write_table(folder / "loops.csv", loop_rows()))  # everything needed is imported by now
        (folder / "closed.csv").write_text("session,step,q\n")
        (folder / "closed.csv").chmod(0)
        (folder / "closed").mkdir(mode=0)
        try:
            if mighty:
                os.seteuid(65534)
            yield folder
        finally:
            if mighty:
                os.seteuid(0)
            (folder / "closed").chmod(0o755)


@pytest.mark.parametrize("name", ["closed.csv", "closed/table.csv", "closed"])
def test_no_permission(name: str, as_nobody: Path) -> None:
    result = invoke("analyze", as_nobody / name)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {as_nobody / name}: ")
    assert "permission" in result.stderr or "no such file" in result.stderr or "directory" in result.stderr


def test_targets_that_cannot_be_written(loops: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for option in ("--json", "--html"):
        for target in (tmp_path / "folder", loops / "below.out"):
            result = invoke("analyze", loops, option, target)
            assert result.exit_code == 2
            assert f"error: {target}: cannot be written" in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder", "loops.csv"], "no half-written file stays"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "FILE"),
        (["x.csv", "--bootstrap", "-1"], "--bootstrap"),
        (["x.csv", "--bootstrap", "many"], "--bootstrap"),
        (["x.csv", "--seed", "-3"], "--seed"),
        (["x.csv", "--from-step", "two"], "--from-step"),
        (["x.csv", "--estimator", "magic"], "pooled"),
        (["x.csv", "--objectivs", "a"], "--objectives"),
    ],
)
def test_usage_errors(arguments: list[str], words: str) -> None:
    result = invoke("analyze", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


# ---------------------------------------------------------------------------- analysed all the same


def _failed(group: dict[str, Any]) -> set[str]:
    return {c["name"] for c in group["checks"] if not c["passed"]}


def _all_three(tmp_path: Path, *arguments: object) -> tuple[dict[str, Any], str, str]:
    """Analyse into a page and JSON; return the JSON, the terminal's text and the page."""
    result = invoke("analyze", *arguments, "--json", tmp_path / "o.json", "--html", tmp_path / "o.html")
    assert result.exit_code == 0, result.stderr
    assert "Warning" not in result.stderr
    assert "nan" not in result.stdout.lower().split(), "no NaN in the summary"
    return strict_json((tmp_path / "o.json").read_text()), result.stdout, (tmp_path / "o.html").read_text()


@pytest.mark.parametrize("n_steps", [60, 12, 4, 3, 2])
def test_one_single_session(n_steps: int, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", loop_rows(1, n_steps))
    [group] = _all_three(tmp_path, table)[0]["groups"]
    assert "few_sessions" in _failed(group)
    assert group["clusters"]["kind"] == "block"
    assert group["verdict"]["action"] == "cannot_tell"
    assert group["step_90"] is None
    assert "step_90" in group["reasons"]
    if n_steps == 60:
        assert group["drift"]["A"] is not None
        assert np.isfinite(np.array(group["drift"]["A_low"], dtype=float)).all()
    if n_steps == 2:
        assert group["drift"] is None
        assert group["reasons"]["drift"]
    _check_nulls(group)


def test_one_step_sessions_among_longer_ones(tmp_path: Path) -> None:
    longer = loop_rows(15, 6)
    table = write_table(tmp_path / "t.csv", longer + [(f"short{i}", 0, 0.1 * i, 0.2) for i in range(5)])
    [group] = _all_three(tmp_path, table)[0]["groups"]
    assert (group["n_sessions"], group["n_transitions"], group["clusters"]["n"]) == (20, 75, 15)
    alone = analysed(write_table(tmp_path / "longer.csv", longer))["groups"][0]
    np.testing.assert_allclose(group["drift"]["A"], alone["drift"]["A"], rtol=1e-9)
    mostly = loop_rows(2, 6) + [(f"short{i}", 0, 0.1 * i, 0.2) for i in range(30)]
    [group] = _all_three(tmp_path, write_table(tmp_path / "m.csv", mostly))[0]["groups"]
    assert "few_sessions" in _failed(group)


BAD_GROUPS: dict[str, tuple[list[Row], str]] = {
    "small": (loop_rows(1, 2, seed=3), "few_sessions"),
    "few": (loop_rows(3, 4, seed=9), "few_sessions"),
    "constant": ([(s, t, 1.0, 2.0) for s, t, *_ in loop_rows(12, 5)], "constant"),
    "half constant": ([(s, t, 1.0, y) for s, t, _, y in loop_rows(12, 5)], "constant"),
    "constant within": ([(s, t, int(s[1:]), y) for s, t, _, y in loop_rows(12, 5)], "unit_root"),
    "singular": ([(s, t, x, 2 * x + 1) for s, t, x, _ in loop_rows(12, 5)], "collinear"),
    "gaps": ([(s, 2 * t, x, y) for s, t, x, y in loop_rows(12, 5)], "constant"),
    "holes": ([(s, t, x if t % 2 else "", y if not t % 2 else "") for s, t, x, y in loop_rows(12, 5)], "constant"),
    "huge": ([(s, t, x * 1e12, y * 1e-12) for s, t, x, y in loop_rows(3, 4, seed=2)], "few_sessions"),
}


def _strategy(name: str, rows: list[Row]) -> list[Row]:
    return [(f"{name}-{s}", t, name, *x) for s, t, *x in rows]


def test_bad_groups_beside_good_ones(tmp_path: Path) -> None:
    rows = _strategy("good", loop_rows())
    for name, (more, _) in BAD_GROUPS.items():
        rows += _strategy(name, more)
    header = ("session", "step", "strategy", "quality", "speed")
    data, text, _ = _all_three(tmp_path, write_table(tmp_path / "t.csv", rows, header), "--by", "strategy")
    groups = {g["by"]["strategy"]: g for g in data["groups"]}
    assert set(groups) == {"good", *BAD_GROUPS}
    assert groups["good"]["verdict"]["action"] in ("stop", "go_on")
    alone = analysed(write_table(tmp_path / "g.csv", _strategy("good", loop_rows()), header), "--by", "strategy")
    np.testing.assert_allclose(groups["good"]["drift"]["A"], alone["groups"][0]["drift"]["A"], rtol=1e-12)
    for name, (_, check) in BAD_GROUPS.items():
        assert check in _failed(groups[name]), name
        verdict = groups[name]["verdict"]
        assert verdict is None or verdict["action"] in ACTIONS, name
        _check_nulls(groups[name])
    for name in ("constant", "half constant", "singular", "gaps", "holes"):
        assert groups[name]["drift"] is None
        assert groups[name]["regimes"] is None
        assert groups[name]["reasons"]["drift"].startswith("No drift could be fitted")
    assert len(_stories(text)) == sum(g["verdict"] is not None for g in groups.values())


def test_a_group_is_found_beside_one_without_scores(tmp_path: Path) -> None:
    empty = _strategy("a", [(s, t, "", "") for s, t, *_ in loop_rows(6, 4)])
    rows = [*empty, *_strategy("b", loop_rows(6, 4, name="b-")), *_strategy("c", loop_rows(6, 4, name="c-"))]
    table = write_table(tmp_path / "t.csv", rows, ("session", "step", "strategy", "quality", "speed"))
    done = invoke("analyze", table, "--by", "strategy", "--bootstrap", 20, "--group", "strategy=b")
    assert done.exit_code == 0
    assert "strategy=b" in done.stdout
    assert "strategy=c" not in done.stdout


def test_singular_draws_are_counted(tmp_path: Path) -> None:
    data = analysed(write_table(tmp_path / "t.csv", loop_rows(3, 3)), "--bootstrap", 300)
    assert 0 < data["groups"][0]["n_singular_draws"] < 300


def test_million_character_cells(tmp_path: Path) -> None:
    long = "x" * 1_000_000
    header = (*HEADER, "artifact", "strategy")
    rows = [(*r, long if r[1] == 3 else "y", long if r[0] == "s1" else "z") for r in loop_rows(12, 5)]
    table = write_table(tmp_path / "t.csv", rows, header)
    data, text, page = _all_three(tmp_path, table)
    assert data["groups"][0]["n_transitions"] == 48
    assert len(text) < 5_000
    assert len(page) < 140_000
    data, text, page = _all_three(tmp_path, table, "--by", "strategy")
    assert len(data["groups"]) == 2
    assert "few_sessions" in _failed(data["groups"][0])
    assert len(text) < 10_000
    assert len(page) < 200_000
    result = invoke("analyze", write_table(tmp_path / "b.csv", _changed(loop_rows(), 5, 2, long)))
    assert result.exit_code == 2
    assert "row 6, column `quality`" in result.stderr
    assert len(result.stderr) < 500


def hostile_table(folder: Path) -> Path:
    """Write a table whose sessions, strategies and objectives are named by an enemy."""
    names = list(HOSTILE.values())
    rows = [
        (f"{names[i % 5]}{i}", t, names[i % 2 + 2 * (i % 4 == 3)], x, y)
        for i in range(24)
        for _, t, x, y in loop_rows(1, 5, seed=i)
    ]
    header = (
        "session",
        "step",
        "strategy",
        f"q{HOSTILE['html']}{HOSTILE['quote']}",
        f"e{HOSTILE['ansi']}{HOSTILE['c1']}",
    )
    return write_table(folder / "t.csv", rows, header)


def test_hostile_names_are_harmless_in_a_terminal(tmp_path: Path) -> None:
    table = hostile_table(tmp_path)
    data, text, page = _all_three(tmp_path, table, "--by", "strategy")
    assert [o["name"] for o in data["settings"]["objectives"]] == data["groups"][0]["objectives"]
    assert data["groups"][0]["objectives"][1] == f"e{HOSTILE['ansi']}{HOSTILE['c1']}", "the JSON keeps the name"
    assert not CONTROL.search(text)
    assert not CONTROL.search(page)
    assert HOSTILE["html"] not in page
    assert "<script>alert" not in page
    printed = invoke("analyze", table, "--json", "-")
    assert not CONTROL.search(printed.stdout)
    assert not CONTROL.search(printed.stderr)
    assert strict_json(printed.stdout)["groups"][0]["objectives"] == data["groups"][0]["objectives"]
    for option in ("--objectives", "--by", "--minimize", "--cluster"):
        refused = invoke("analyze", table, option, HOSTILE["ansi"])
        assert refused.exit_code == 2
        assert not CONTROL.search(refused.stderr)


def test_hostile_file_names(tmp_path: Path) -> None:
    table = write_table(tmp_path / "a\x1b[31m<b>'\".csv", loop_rows())
    data, text, page = _all_three(tmp_path, table)
    assert data["source"]["files"] == [str(table)]
    assert not CONTROL.search(text + page)
    assert "<b>'" not in page
    other = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    os.rename(table, other)
    result = invoke("analyze", os.fsdecode(other))
    assert result.exit_code in (0, 2), "read it or refuse it, but say so"
    assert result.stdout or result.stderr.startswith("error: ")


# ------------------------------------------------------------------------------------------ the JSON

SHAPES: dict[str, str] = {
    # path in a group -> shape: "" a number, v a vector and m a matrix over objectives
    "drift.A": "m",
    "drift.b": "v",
    "drift.Q": "m",
    "drift.M": "m",
    "drift.fixed_point": "v",
    "drift.equilibrium": "v",
    "rate_euler": "",
    "rate_exact": "",
    "half_life": "",
    "step_90": "",
    "r2_increments": "v",
    "r2_levels": "v",
    **{f"skill.{k}": "" for k in ("persistence", "mean", "constant_drift", "running_mean")},
    **{f"skill_by_objective.{k}": "v" for k in ("persistence", "mean", "constant_drift", "running_mean")},
    **{f"interference.{k}": "m" for k in ("drift", "noise", "transient", "rest", "start_spread", "misfit")},
}
TOP = {"schema", "version", "source", "settings", "notes", "groups"}
SOURCE = {"files", "digest", "n_sessions", "n_steps"}
GROUP = {"label", "by", "n_sessions", "n_transitions", "objectives", "drift", "kept_end", "regimes", "skill", "checks"}
GROUP |= {"skill_by_objective", "interference", "r2_increments", "r2_levels", "rate_euler", "rate_exact", "half_life"}
GROUP |= {"estimator", "estimators", "r2_estimator", "skill_estimator", "reversibility"}
GROUP |= {"verdict", "influential", "reasons", "clusters", "path"}
REGIME = {"re", "im", "modulus", "regime", "probability", "p_oscillation", "period", "half_life"}
CHECK = {"name", "value", "limit", "passed", "message"}
CHECKS = ["white_scores", "few_sessions", "collinear", "unit_root", "at_bounds", "time_varying", "curved"]
CHECKS += ["sessions_differ", "noisy_scorer", "stops_on_success", "survivors_only", "duplicate_sessions", "constant"]
CHECKS += ["tasks_on_scales"]
REGIMES = {"unstable", "slow", "monotone", "alternating", "oscillatory"}
SETTINGS = {"objectives", "by", "where", "from_step", "transform", "columns", "cluster", "estimator", "bootstrap"}
SETTINGS |= {"level", "seed", "command", "scorer_noise", "stops_at_bounds", "thorough"}


def _at(group: dict[str, Any], path: str) -> Any:
    value: Any = group
    for part in path.split("."):
        value = value[part] if value is not None else None
    return value


def _shape(code: str, n: int) -> tuple[int, ...]:
    return {"": (), "v": (n,), "m": (n, n)}[code]


def _numbers(value: Any) -> Any:
    return np.array(value, dtype=object).astype(float)


def _check_nulls(group: dict[str, Any]) -> None:
    """Assert that every key that is null has its sentence, and every sentence belongs to a null key."""
    missing = []
    for path in [*SHAPES, "drift", "regimes", "skill", "skill_by_objective", "interference", "interference.total"]:
        above = path.split(".")[0]
        known = {path, path.split(".")[-1] if above == "drift" else path, above}
        if _at(group, path) is None and not known & set(group["reasons"]):
            missing.append(path)
    assert not missing, "null without a reason"
    for key, sentence in group["reasons"].items():
        path = key if key in group or "." in key else f"drift.{key}"
        assert _at(group, path) in (None, {}) or key == "kept_end", f"{key} has a reason but is not null"
        assert sentence.endswith(".")


@pytest.fixture(params=["plain", "lineage"])
def data(request: pytest.FixtureRequest) -> dict[str, Any]:
    found: dict[str, Any] = request.getfixturevalue(f"{request.param}_json")
    return found


def test_json_has_every_key(data: dict[str, Any]) -> None:
    assert set(data) >= TOP
    assert set(data["source"]) >= SOURCE
    assert set(data["settings"]) >= SETTINGS
    assert re.fullmatch(r"[0-9a-f]{64}", data["source"]["digest"])
    for group in data["groups"]:
        assert set(group) >= GROUP
        assert [c["name"] for c in group["checks"]] == CHECKS
        assert all(set(c) == CHECK for c in group["checks"])
        assert all(set(r) >= REGIME for r in group["regimes"] or [])
        assert set(group["kept_end"]) == {"mean", "low", "high"}
        assert set(group["interference"]) >= {"total", "low", "high", "p_value", "p_adjusted", "variance_shares"}
        assert set(group["verdict"]) >= {"action", "step", "sentence", "sessions_needed"}
        assert all(set(i) >= {"cluster", "quantity", "shift"} for i in group["influential"])
        assert set(group["path"]) >= {"step", "n", "mean", "low", "high"}
        assert len({len(part) for part in group["path"].values() if isinstance(part, list)}) == 1


def test_json_shapes_follow_the_objectives(data: dict[str, Any]) -> None:
    for group in data["groups"]:
        n = len(group["objectives"])
        assert group["objectives"] == [o["name"] for o in data["settings"]["objectives"]]
        for path, code in SHAPES.items():
            value = _at(group, path)
            for end in ("", "_low", "_high"):
                beside = _at(group, path + end)
                assert (beside is None) == (value is None), f"{path}{end}"
                if value is not None:
                    assert _numbers(beside).shape == _shape(code, n), f"{path}{end}"
        assert _numbers(group["kept_end"]["mean"]).shape == (n,)
        assert group["regimes"] is None or len(group["regimes"]) == n
        assert len(group["influential"]) <= 5
        _check_nulls(group)


def test_json_intervals_hold_their_values(data: dict[str, Any]) -> None:
    for group in data["groups"]:
        triples = [(_at(group, p), _at(group, p + "_low"), _at(group, p + "_high")) for p in SHAPES if "rest" not in p]
        triples += [tuple(group["kept_end"][k] for k in ("mean", "low", "high"))]
        triples += [tuple(group["interference"][k] for k in ("total", "low", "high"))]
        for value, low, high in triples:
            if value is not None:
                low, high = np.nan_to_num(_numbers(low), nan=-np.inf), np.nan_to_num(_numbers(high), nan=np.inf)
                assert np.all(low <= _numbers(value) + 1e-12)
                assert np.all(_numbers(value) <= high + 1e-12)


def test_json_conventions(data: dict[str, Any]) -> None:
    for group in data["groups"]:
        assert group["label"] == (", ".join(f"{k}={v}" for k, v in group["by"].items()) or "all")
        assert group["verdict"]["action"] in ("go_on", "stop", "cannot_tell")
        assert (group["verdict"]["step"] is not None) == (group["verdict"]["action"] == "stop")
        assert (group["verdict"]["sessions_needed"] is not None) <= (group["verdict"]["action"] == "cannot_tell")
        np.testing.assert_allclose(
            _numbers(group["drift"]["M"]), _numbers(group["drift"]["A"]) + np.eye(len(group["drift"]["A"]))
        )
        _check_p_values(group["interference"], upper=True)
        _check_p_values({k.removeprefix("A_"): v for k, v in group["drift"].items()}, upper=False)


def _check_p_values(part: dict[str, Any], *, upper: bool) -> None:
    raw, adjusted = _numbers(part["p_value"]), _numbers(part["p_adjusted"])
    n = len(raw)
    tested = np.triu_indices(n, 1) if upper else np.where(~np.eye(n, dtype=bool))
    assert np.all((raw[tested] >= 0) & (adjusted[tested] <= 1))
    assert np.all(adjusted[tested] >= raw[tested])
    assert np.isnan(np.diag(adjusted)).all()
    # Holm: the smallest is multiplied by the number of tests.
    np.testing.assert_allclose(adjusted[tested].min(), min(1.0, raw[tested].min() * len(tested[0])))


def test_regimes_by_modulus_with_pairs_twice(plain_json: dict[str, Any]) -> None:
    for group in plain_json["groups"]:
        moduli = [r["modulus"] for r in group["regimes"]]
        assert all(a >= b - 1e-9 for a, b in pairwise(moduli))
        assert {r["regime"] for r in group["regimes"]} <= REGIMES
        eigenvalues = np.linalg.eigvals(np.array(group["drift"]["M"]))
        found = [complex(r["re"], r["im"]) for r in group["regimes"]]
        np.testing.assert_allclose(np.sort_complex(found), np.sort_complex(eigenvalues), atol=1e-9)
        for r in group["regimes"]:
            assert r["modulus_low"] <= r["modulus"] <= r["modulus_high"]
            turning = r["regime"] == "oscillatory"
            assert (r["probability"] is None) == turning
            assert (r["period"] is not None) == turning
            assert turning <= (r["p_oscillation"] is not None)
    swing = next(g for g in plain_json["groups"] if g["by"] == {"strategy": "swing"})
    first, second = swing["regimes"][:2]
    assert first["regime"] == second["regime"] == "oscillatory"
    assert first["im"] == -second["im"] > 0
    assert first["p_oscillation"] < 0.05


def test_interference_adds_up(plain_json: dict[str, Any], lineage_json: dict[str, Any]) -> None:
    for group in plain_json["groups"]:
        part = {k: _numbers(v) for k, v in group["interference"].items()}
        off = ~np.eye(len(OBJECTIVES), dtype=bool)
        total = part["drift"] + part["noise"] + part["transient"] + part["rest"]
        np.testing.assert_allclose(total[off], part["total"][off], atol=1e-10)
        np.testing.assert_allclose((part["start_spread"] + part["misfit"])[off], part["rest"][off], atol=1e-10)
        np.testing.assert_allclose(part["variance_shares"].sum(axis=0), 1, atol=1e-10)
        assert np.all(np.diag(part["total"]) == 0)
        np.testing.assert_allclose(part["total"], part["total"].T, atol=1e-12)
    proposals = lineage_json["groups"][0]
    assert proposals["interference"]["transient"] is None
    assert proposals["regimes"] is None
    assert proposals["drift"]["equilibrium"] is None
    assert proposals["drift"]["fixed_point"] is not None


def test_units_are_the_files_whatever_is_minimised(loops: Path) -> None:
    plain, turned = analysed(loops), analysed(loops, "--minimize", "speed")
    assert turned["settings"]["objectives"][1]["direction"] == "minimize"
    assert turned["groups"][0]["drift"] == plain["groups"][0]["drift"]
    assert turned["groups"][0]["kept_end"] == plain["groups"][0]["kept_end"]


def test_json_on_standard_output_alone(loops: Path, tmp_path: Path) -> None:
    done = shell("analyze", loops, "--json", "-", cwd=tmp_path)
    assert done.returncode == 0
    data = strict_json(done.stdout)
    assert done.stderr.splitlines() == data["notes"], "messages are on standard error"
    assert data["settings"]["command"] == f"loopstat analyze {loops} --json -"
    invoke("analyze", loops, "--json", tmp_path / "new" / "o.json")
    written = strict_json((tmp_path / "new" / "o.json").read_text())
    assert written["groups"] == data["groups"]


# ---------------------------------------------------------------------------------------- the words


ANSWERS = "stop after|go on to|cannot tell"


def _stories(text: str) -> list[list[str]]:
    """Return the lines of each group's story, the heading left out."""
    parts = text.split("\n\n")
    return [p.splitlines() for p in parts if re.search(ANSWERS, " ".join(p.splitlines()[:2]))]


def test_every_group_says_its_verdict_first(plain_path: Path, plain_json: dict[str, Any]) -> None:
    text = invoke("analyze", plain_path, "--by", "strategy", "--bootstrap", 200).stdout
    stories = _stories(text)
    assert len(stories) == len(plain_json["groups"])
    for story, group in zip(stories, plain_json["groups"], strict=True):
        assert story[0].startswith(group["label"])
        answer = group["verdict"]["sentence"].partition(":")[0].partition(".")[0]
        assert answer in " ".join(line.strip() for line in story[:3])
        assert len(story) <= 5


@pytest.mark.parametrize("columns", [70, 80, 200])
def test_lines_keep_to_the_width(plain_path: Path, columns: int) -> None:
    done = shell("analyze", plain_path, "--bootstrap", 0, COLUMNS=str(columns))
    assert done.returncode == 0
    assert max(len(line) for line in done.stdout.splitlines()[1:]) <= min(columns, 110)


# --------------------------------------------------------------------------------------- the options


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """24 sessions of 8 steps: `model` belongs to the session, `mood` to the row, four sessions share each `task`."""
    rows = [
        (*r, f"m{int(r[0][1:]) % 2}", "calm" if r[1] < 4 else "wild", f"t{int(r[0][1:]) % 6}") for r in loop_rows(24)
    ]
    return write_table(tmp_path / "labelled.csv", rows, (*HEADER, "model", "mood", "task"))


def test_by(labelled: Path, plain_path: Path) -> None:
    assert [g["label"] for g in analysed(labelled)["groups"]] == ["all"]
    two = analysed(labelled, "--by", "model,mood")
    assert [g["label"] for g in two["groups"]] == [f"model=m{i}, mood={m}" for i in "01" for m in ("calm", "wild")]
    assert [g["n_transitions"] for g in two["groups"]] == [36, 48, 36, 48]
    assert two["settings"]["by"] == ["model", "mood"]
    again = analysed(labelled, "--by", "model", "--by", "mood")
    assert again["groups"] == two["groups"]
    guessed = analysed(plain_path, "--bootstrap", 0)
    assert [g["label"] for g in guessed["groups"]] == ["strategy=straight", "strategy=swing"]
    assert any("use --by" in n for n in guessed["notes"]), "guessing is announced"
    assert [g["label"] for g in analysed(plain_path, "--by", "none", "--bootstrap", 0)["groups"]] == ["all"]


def test_by_file_compares_two_runs(tmp_path: Path) -> None:
    before = write_table(tmp_path / "before.csv", loop_rows(20, seed=1))
    after = write_table(tmp_path / "after.csv", loop_rows(15, seed=2))
    data = analysed(before, after, "--by", "file")
    assert [(g["label"], g["n_sessions"]) for g in data["groups"]] == [("file=after.csv", 15), ("file=before.csv", 20)]
    assert data["source"]["n_sessions"] == 35, "equal names in two files are two sessions"
    assert data["source"]["files"] == [str(before), str(after)]
    alone = analysed(before)["groups"][0]
    np.testing.assert_allclose(data["groups"][1]["drift"]["A"], alone["drift"]["A"], rtol=1e-9)
    assert analysed(tmp_path / "*.csv", "--by", "none")["source"]["n_sessions"] == 35
    assert invoke("analyze", before, "--by", "file").exit_code == 2


def test_where(labelled: Path) -> None:
    [group] = analysed(labelled, "--where", "model=m1")["groups"]
    assert (group["n_sessions"], group["n_transitions"]) == (12, 84)
    assert analysed(labelled, "--where", "model!=m0")["groups"][0]["drift"] == group["drift"]
    [calm] = analysed(labelled, "--where", "mood=calm")["groups"]
    assert (calm["n_sessions"], calm["n_steps"], calm["n_transitions"]) == (24, 96, 72)
    [wild] = analysed(labelled, "--where", "mood!=calm")["groups"]
    assert (wild["n_steps"], wild["n_transitions"]) == (120, 96), "the transition into the first wild row is wild"
    both = analysed(labelled, "--where", "mood=calm", "--where", "model=m1")
    assert both["groups"][0]["n_transitions"] == 36
    assert both["settings"]["where"] == {"mood": "calm", "model": "m1"}
    for condition in ("model=m9", "model!=m9"):
        refused = invoke("analyze", labelled, "--where", condition)
        assert refused.exit_code == 2
        assert "m0, m1" in refused.stderr


def test_from_step(loops: Path) -> None:
    data = analysed(loops, "--from-step", 3)
    assert data["groups"][0]["n_transitions"] == 20 * 4
    assert data["groups"][0]["path"]["step"] == [3, 4, 5, 6, 7]
    assert data["settings"]["from_step"] == 3
    assert analysed(loops, "--from-step", 0)["groups"] == analysed(loops)["groups"]


def test_transform(tmp_path: Path) -> None:
    rows = [(s, t, float(np.exp(x)), y) for s, t, x, y in loop_rows()]
    table = write_table(tmp_path / "t.csv", rows)
    data = analysed(table, "--transform", "quality=log", "--bounds", "quality=0.001:1000")
    ends = [x for _, t, x, _ in loop_rows() if t == 7]
    np.testing.assert_allclose(data["groups"][0]["kept_end"]["mean"][0], np.mean(ends), rtol=1e-9)
    first = data["settings"]["objectives"][0]
    assert first["transform"] == "log"
    np.testing.assert_allclose([first["low"], first["high"]], [np.log(0.001), np.log(1000)])
    assert data["settings"]["transform"] == {"quality": "log"}


def test_bounds(tmp_path: Path) -> None:
    rows = [(s, t, min(max(x, 0.0), 2.0), y) for s, t, x, y in loop_rows()]
    table = write_table(tmp_path / "t.csv", rows)
    data = analysed(table, "--bounds", "quality=0:2", "--bounds", "speed=:9")
    spans = [(o["low"], o["high"]) for o in data["settings"]["objectives"]]
    assert spans == [(0.0, 2.0), (None, 9.0)]
    assert "at_bounds" in _failed(data["groups"][0])
    everything = analysed(table, "--bounds", "-9:9")
    assert [(o["low"], o["high"]) for o in everything["settings"]["objectives"]] == [(-9.0, 9.0)] * 2


def test_columns(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", loop_rows(), ("run id", "iteration", "quality", "speed"))
    hint = invoke("analyze", table).stderr
    assert "--columns 'session=run id,step=iteration'" in hint
    data = analysed(table, "--columns", "session=run id,step=iteration")
    assert data["groups"][0]["n_transitions"] == 140
    assert data["settings"]["columns"] == {"session": "run id", "step": "iteration"}
    once = invoke("analyze", table, "--columns", "step=iteration", "--columns", "step=iteration")
    assert once.exit_code == 2
    assert "twice" in once.stderr


def test_cluster(labelled: Path) -> None:
    shared = analysed(labelled)["groups"][0]["clusters"]
    assert (shared["kind"], shared["n"]) == ("task", 6)
    asked = analysed(labelled, "--cluster", "session")
    assert (asked["groups"][0]["clusters"]["kind"], asked["groups"][0]["clusters"]["n"]) == ("session", 24)
    assert asked["settings"]["cluster"] == "session"
    model = invoke("analyze", labelled, "--cluster", "model", "--verbose")
    assert "model" in model.stdout
    assert "(2 clusters)" in model.stdout


def test_bootstrap_zero(plain_path: Path) -> None:
    data = analysed(plain_path, "--bootstrap", 0)
    for group in data["groups"]:
        assert np.isfinite(_numbers(group["drift"]["A_low"])).all()
        assert all(r["probability"] is None for r in group["regimes"]), "no draws, no share of draws"


def test_level(loops: Path) -> None:
    narrow, wide = (analysed(loops, "--level", level)["groups"][0] for level in (0.8, 0.99))
    spans = [np.subtract(g["drift"]["A_high"], g["drift"]["A_low"]) for g in (narrow, wide)]
    assert np.all(spans[0] < spans[1])
    assert narrow["drift"]["A"] == wide["drift"]["A"]


def test_same_seed_same_bytes(plain_path: Path) -> None:
    arguments = ("analyze", plain_path, "--bootstrap", 150, "--json", "-")
    first, second = (invoke(*arguments, "--seed", 3).stdout for _ in range(2))
    assert first == second
    other = strict_json(invoke(*arguments, "--seed", 4).stdout)
    known = strict_json(first)
    assert other["groups"][1]["drift"]["A"] == known["groups"][1]["drift"]["A"]
    # Below 100 clusters the seed moves what is drawn: shares of draws and the folds of the skill.
    assert other["groups"][1]["skill"] != known["groups"][1]["skill"]


# ------------------------------------------------------------------------------------------ manners


def _on_a_terminal(*args: object, **env: str) -> str:
    """Run the command with a pseudo-terminal as output and return everything written to it."""
    leader, follower = pty.openpty()
    command = [executable(), *(str(a) for a in args)]
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    with subprocess.Popen(command, stdout=follower, stderr=follower, env={**kept, "TERM": "xterm", **env}) as process:
        os.close(follower)
        written = b""
        try:
            while block := os.read(leader, 4096):
                written += block
        except OSError:  # the other end is closed: Linux says EIO
            pass
        process.wait(timeout=60)
    os.close(leader)
    return written.decode()


def test_colour_where_it_is_wanted(loops: Path) -> None:
    colour = "\x1b["
    assert colour not in shell("analyze", loops).stdout, "a pipe is no terminal"
    assert colour in shell("analyze", loops, FORCE_COLOR="1").stdout
    assert colour not in shell("analyze", loops, FORCE_COLOR="1", NO_COLOR="1").stdout
    assert colour not in shell("analyze", loops, FORCE_COLOR="1", TERM="dumb").stdout
    assert "\x1b[1m" in _on_a_terminal("analyze", loops)


def test_no_colour_on_a_terminal(loops: Path) -> None:
    assert "\x1b[1m" not in _on_a_terminal("analyze", loops, NO_COLOR="1")
    assert "\x1b[31m" in _on_a_terminal("analyze", "absent.csv")
    assert "\x1b[" not in _on_a_terminal("analyze", "absent.csv", NO_COLOR="1")


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    rows = [(f"{k}-{s}", t, k, *x) for k in range(40) for s, t, *x in loop_rows(3, 4, seed=k)]
    table = write_table(tmp_path / "t.csv", rows, ("session", "step", "model", "quality", "speed"))
    command = [executable(), "analyze", str(table), "--by", "model", "--bootstrap", "0", "--json", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(10)
        process.stdout.close()
        said = process.stderr.read().decode()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_interrupted(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    process = subprocess.Popen([executable(), "analyze", str(pipe)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for _ in range(600):  # until the command waits for what nobody writes
        try:
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:
            time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    os.close(writer)
    assert process.returncode == 130
    assert out == b""
    assert b"interrupted" in err
    assert b"Traceback" not in err


def test_version_and_help() -> None:
    import loopstat

    assert invoke("--version").stdout == f"loopstat, version {loopstat.__version__}\n"
    for arguments in (["--help"], ["-h"], ["analyze", "--help"], ["demo", "-h"], ["template", "-h"], ["explain", "-h"]):
        result = invoke(*arguments)
        assert result.exit_code == 0
        assert result.stdout.startswith("Usage: loopstat")
    text = invoke("analyze", "--help").stdout
    for option in ("objectives", "by", "minimize", "bounds", "where", "from-step", "transform", "columns", "cluster",
                   "estimator", "bootstrap", "level", "seed", "json", "html"):  # fmt: skip
        assert f"--{option} " in text
    unknown = invoke("analyse", "x.csv")
    assert unknown.exit_code == 2
    assert "No such command" in unknown.stderr


def test_explain() -> None:
    assert invoke("explain", "lag").stdout.startswith("lag: ")
    assert invoke("explain", "unit-root").stdout.startswith("unit-root: Check that fails")
    assert "Lower end of the interval of: " in invoke("explain", "rate_exact_low").stdout
    everything = invoke("explain").stdout.splitlines()
    assert len(everything) > 90
    refused = invoke("explain", "equilibium")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "Did you mean: equilibrium" in refused.stderr
    assert "`loopstat explain` lists every term" in invoke("explain", "zzzzzz").stderr


@pytest.mark.parametrize("kind", ["sessions", "lineage"])
def test_templates_that_can_be_analysed(kind: str, tmp_path: Path) -> None:
    printed = invoke("template", "--kind", kind)
    assert printed.exit_code == 0
    (tmp_path / "t.csv").write_text(printed.stdout)
    [group] = _all_three(tmp_path, tmp_path / "t.csv")[0]["groups"]
    assert group["lineage"] == (kind == "lineage")
    assert group["verdict"]["action"] in ACTIONS
    assert "few_sessions" in _failed(group)


@pytest.mark.parametrize(("kind", "word"), [("transitions", "transition table"), ("pool", "pool of candidates")])
def test_templates_without_sessions_are_refused(kind: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(invoke("template", "--kind", kind).stdout)
    result = invoke("analyze", tmp_path / "t.csv")
    assert result.exit_code == 2
    assert f"looks like a {word}" in result.stderr


def test_template_of_no_kind() -> None:
    assert invoke("template").stdout == invoke("template", "--kind", "sessions").stdout
    assert invoke("template", "--kind", "logs").exit_code == 2


def test_demo(tmp_path: Path) -> None:
    began = time.perf_counter()
    nowhere = "http://127.0.0.1:9"  # offline: whoever asks for anything meets a closed door
    done = shell("demo", cwd=tmp_path, http_proxy=nowhere, https_proxy=nowhere)
    print(f"demo: {time.perf_counter() - began:.1f} s (goal: under 20 s)")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    last = done.stdout.splitlines()[-1]
    assert Path(last).is_file()
    assert Path(last).is_relative_to(tmp_path)
    assert len(_stories(done.stdout)) >= 4
    assert "efficiency, functionality (larger is better). The same sessions by what `loopstat score`" in " ".join(
        done.stdout.split()
    )
    other = tmp_path / "other"
    assert Path(shell("demo", "--output", other, cwd=tmp_path).stdout.splitlines()[-1]).parent == other


DEEP = 100_000


@pytest.mark.parametrize("name", ["analyze", "balance", "moves calibrate", "moves simulate --settings", "scorer noise"])
@pytest.mark.parametrize("start", ["", '{"session":"a","step":0,"x":'])
@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_json_nested_too_deeply_is_refused(name, start, pair, tmp_path):
    path = tmp_path / "deep.json"
    opening = pair[0] if pair == "[]" else '{"a":'
    path.write_text(start + opening * DEEP + "1" + pair[1] * DEEP + ("}" if start else ""))
    table = tmp_path / "runs.csv"
    table.write_text(ls.template("sessions"))
    words = ["analyze", str(table), "--scorer-noise"] if name == "scorer noise" else name.split()
    done = invoke(*words, path)
    assert done.exit_code == 2
    assert str(path) in done.stderr
    assert "JSON" in done.stderr or "nested too deeply" in done.stderr


@pytest.mark.parametrize("name", ["candidates", "difficulty", "seed"])
def test_a_setting_no_float_can_hold_is_refused(name, tmp_path):
    path = tmp_path / "settings.json"
    path.write_text(f'{{"schema": "loopstat.moves-settings/1", "settings": {{"{name}": 1{"0" * 400}}}}}')
    done = invoke("moves", "simulate", "--settings", path)
    assert done.exit_code == 2
    assert "settings.json" in done.stderr
    assert "Got a number above 1e308." in done.stderr
