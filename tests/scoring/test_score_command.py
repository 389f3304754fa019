"""`loopstat score` and `--score`: files, folders and tables in; scores, findings and a scored table out."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopstat as ls
from conftest import invoke, strict_json
from loopstat.errors import InputError
from loopstat.faces.explain import terms
from loopstat.panel.scorers import SCORER
from loopstat.results.document import walk
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import CAUTION, hash_of
from loopstat.scoring.scored import Scored
from loopstat.scoring.view import document
from scoring_samples import PLAIN

LINES = ("x = 1\n", "def f(a):\n    return eval(a)\n", "for a in b:\n    for c in d:\n        e(a, c)\n", "try:\n", "")


def program(session: int, step: int) -> str:
    """Return a program that differs between sessions and steps."""
    return "".join(f"def g{k}(x):\n    return x\n" for k in range(step + 1)) + LINES[(session + step) % 3]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of sessions with programs; one row of each session has none."""
    path = tmp_path_factory.mktemp("steps") / "steps.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("session", "step", "strategy", "tests", "artifact"))
        for i in range(12):
            for t in range(5):
                text = "" if t == 3 else program(i, t)
                writer.writerow((f"s{i}", t, "plain", (i + t) % 4 / 4, text))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of programs, one of which does not parse, beside what is no program."""
    inner = tmp_path / "code" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "code" / "plain.py").write_text(PLAIN)
    (inner / "bad.py").write_text("print 'two'\n")
    (inner / "unsafe.py").write_bytes(b"\xef\xbb\xbfeval(x)\n")
    (inner / "latin.py").write_bytes(b"x = '\xe9'\n")
    (tmp_path / "code" / "notes.txt").write_text("Not a program. It is prose.")
    (tmp_path / "code" / ".hidden").mkdir()
    (tmp_path / "code" / ".hidden" / "no.py").write_text("exec(x)")
    return tmp_path / "code"


def score(*words: Any) -> dict[str, Any]:
    done = invoke("score", *words, "--json", "-")
    assert done.exit_code == 0, done.stderr
    return strict_json(done.stdout)


# -------------------------------------------------------------------------------------------- files


def test_a_folder_is_scored(folder: Path) -> None:
    data = score(folder)
    assert data["schema"] == "loopstat.score/1"
    assert data["hash"] == hash_of(scorer_of("python"))
    found = {Path(t["path"]).name: t for t in data["texts"]}
    assert set(found) == {"plain.py", "bad.py", "unsafe.py", "latin.py"}
    assert found["bad.py"]["scores"] == {"security": 0, "efficiency": 0, "functionality": 0}
    assert [f["rule"] for f in found["bad.py"]["findings"]] == ["no-parse"]
    assert [f["rule"] for f in found["latin.py"]["findings"]] == ["no-text"]
    [finding] = found["unsafe.py"]["findings"]
    assert {"rule", "line", "weight", "message"} <= set(finding)
    assert (finding["rule"], finding["line"], finding["weight"]) == ("S307", 1, 1.0)
    assert data["unscored"] == 2


def test_one_file_and_several(folder: Path) -> None:
    assert len(score(folder / "plain.py")["texts"]) == 1
    assert len(score(folder / "plain.py", str(folder / "inner" / "*.py"))["texts"]) == 4
    assert len(score(folder, "--suite", "text")["texts"]) == 5
    empty = folder / "empty.py"
    empty.write_text("")
    assert score(empty)["texts"][0]["findings"][0]["rule"] == "no-code"


def test_what_cannot_be_scored_is_refused(folder: Path, steps: Path, tmp_path: Path) -> None:
    for words, said in (
        ((), "no file was named"),
        ((folder / "none.py",), "no such file"),
        ((folder, steps), "cannot be scored together"),
        ((steps, "--artifact", "code"), "there is no column `code`"),
        ((folder, "--suite", "pyton"), "did you mean `python`"),
        ((folder, "--lines", "0"), "`--lines` must lie in"),
        ((tmp_path / "code" / ".hidden", "--workers", "0"), "`--workers` must lie in"),
        ((folder, "-o", folder / "plain.py"), "would overwrite"),
    ):
        done = invoke("score", *words)
        assert done.exit_code == 2, words
        assert said in " ".join(done.stderr.split())
    (tmp_path / "nothing").mkdir()
    assert "holds no .py files" in invoke("score", tmp_path / "nothing").stderr


def test_the_terminal_and_the_page(folder: Path, tmp_path: Path) -> None:
    shown = invoke("score", folder, "--html", tmp_path / "page.html")
    assert shown.exit_code == 0, shown.stderr
    text = " ".join(shown.stdout.split())
    for words in ("4 texts by python", "not read", "S307", "never says that a program is secure", "Lowest first"):
        assert words in text
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "print &#39;two" not in page, "texts are not repeated"
    alone = " ".join(invoke("score", folder / "inner" / "unsafe.py").stdout.split())
    assert "Findings" in alone
    assert "security 5.00" in alone


# -------------------------------------------------------------------------------------------- tables


def test_a_table_is_scored_and_written_with_its_scores(steps: Path, tmp_path: Path) -> None:
    import duckdb

    out = tmp_path / "scored.parquet"
    data = score("--table", steps, "--artifact", "artifact", "-o", out)
    assert len(data["texts"]) == 48
    assert data["notes"] == ["12 of 60 rows have no text in `artifact`.", CAUTION]
    first = data["texts"][0]
    assert (first["session"], first["step"], first["row"], first["path"]) == ("s0", 0, 1, None)
    rows = duckdb.sql(f"FROM '{out}'").fetchnumpy()
    assert list(rows) == [
        *("session", "step", "strategy", "tests", "artifact"),
        *("security", "efficiency", "functionality", SCORER),
    ]
    assert len(rows["step"]) == 60
    assert rows["tests"].dtype == np.float64
    by_key = {(t["session"], t["step"]): t["scores"] for t in data["texts"]}
    for k in range(60):
        key = (rows["session"][k], int(rows["step"][k]))
        for name in ("security", "efficiency", "functionality"):
            value = np.ma.getdata(rows[name])[k] if not np.ma.getmaskarray(rows[name])[k] else None
            assert by_key.get(key, {}).get(name) == value
    assert set(rows[SCORER]) == {data["hash"]}


def test_a_scored_table_is_scored_again(steps: Path, tmp_path: Path) -> None:
    import duckdb

    once, twice, both, again = (tmp_path / f"{name}.parquet" for name in ("once", "twice", "both", "again"))
    own = score(steps, "-o", once)["hash"]
    notes = score(once, "-o", twice)["notes"]
    assert any("security, efficiency, functionality of its own" in note for note in notes)
    assert duckdb.sql(f"FROM '{once}' EXCEPT ALL FROM '{twice}'").fetchall() == []
    assert duckdb.sql(f"DESCRIBE FROM '{once}'").fetchall()[1][:2] == ("step", "BIGINT")
    text = score(once, "--suite", "text", "-o", both)["hash"]
    assert score(both, "-o", again)["hash"] == own
    for path in (both, again):  # the scores of one suite stay beside those of the other
        assert duckdb.sql(f"SELECT DISTINCT {SCORER} FROM '{path}'").fetchall() == [(f"{own}+{text}",)]
    assert invoke("score", once, "-o", once).exit_code == 2


def test_a_suite_named_twice_is_one(folder: Path) -> None:
    twice = score(folder, "--suite", "python,python")
    assert (twice["suite"], twice["hash"]) == ("python", score(folder)["hash"])
    assert "Lowest first" in invoke("score", folder, "--suite", "text,text").stdout


def test_what_says_nothing_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("y = 1)\n")
    (tmp_path / "b.py").write_text("x = (1\n")
    shown = invoke("score", tmp_path).stdout
    assert "does not parse: ..." in shown, "messages that differ are not taken for one another"
    assert "standard deviation 0.000" in shown
    (tmp_path / "b.py").write_text("y = 1\n")
    assert "What was found" not in invoke("score", tmp_path / "b.py").stdout


def test_scores_on_the_way_are_those_of_the_scored_table(steps: Path, tmp_path: Path) -> None:
    out = tmp_path / "scored.parquet"
    assert invoke("score", steps, "-o", out).exit_code == 0
    names = ["security", "efficiency", "functionality"]
    at_once, later = ls.read(steps, score="python", objectives=names), ls.read(out, objectives=names)
    np.testing.assert_array_equal(at_once.x, later.x)
    assert at_once.labels[SCORER].names == later.labels[SCORER].names
    assert "12 rows have no text and no score" in at_once.source.notes[0]


def test_analyze_and_decide_score_on_the_way(steps: Path) -> None:
    for command in ("analyze", "decide"):
        done = invoke(command, steps, "--score", "python", "--bootstrap", 20, "--json", "-")
        assert done.exit_code == 0, done.stderr
        data = strict_json(done.stdout)
        assert "functionality" in json.dumps(data["settings"])
        assert any("texts of `artifact` by python" in n for n in data["notes"])
    mixed = ls.read(steps, score="text", objectives=["tests", "repetition", "variety"])
    assert [o.maximize for o in mixed.objectives] == [True, False, True]


def test_a_constant_score_is_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    rows = ["session,step,artifact", *(f"s{i},{t},{'x = 1; ' * (1 + i + t)}" for i in range(6) for t in range(4))]
    path.write_text("\n".join(rows) + "\n")
    panel = ls.read(path, score="python")
    assert panel.names == ("functionality",)
    assert any("security (constant within every session)" in n for n in panel.source.notes)


def test_versions_before_are_those_of_the_session(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    texts = {("a", 0): "one two", ("a", 1): "one two three", ("a", 2): "one two", ("b", 0): "six", ("b", 1): "six"}
    path.write_text("session,step,artifact\n" + "".join(f"{s},{t},{x}\n" for (s, t), x in reversed(texts.items())))
    data = score(path, "--suite", "text")
    found = {(t["session"], t["step"]): t["scores"] for t in data["texts"]}
    first = {key: s["likeness_first"] == 10 for key, s in found.items()}
    previous = {key: s["likeness_previous"] == 10 for key, s in found.items()}
    assert first == {("a", 0): True, ("a", 1): False, ("a", 2): True, ("b", 0): True, ("b", 1): True}
    assert previous == {("a", 0): True, ("a", 1): False, ("a", 2): False, ("b", 0): True, ("b", 1): True}


LENGTHS = "session,step,task,takes,artifact\na,0,short,5,{0}\nb,0,long,200,{0}\nc,0,other,,{0}\nd,0,other,30,\n"


@pytest.mark.parametrize("suite", ["python", "sj2025"])
def test_each_task_has_its_own_length(suite: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(LENGTHS.format('"def f(a):\n    return a\n\n\ndef g(a):\n    return a\n"'))
    data = score(path, "--suite", suite, "--lines-from", "takes", "--lines", 40)
    found = [t["scores"]["functionality"] for t in data["texts"]]
    apart = {n: score(path, "--suite", suite, "--lines", n) for n in (5, 200, 40)}
    assert found == [apart[n]["texts"][0]["scores"]["functionality"] for n in (5, 200, 40)]
    assert found[0] > found[2] > found[1]
    assert data["settings"]["lines_from"] == "takes"
    assert data["hash"] not in {d["hash"] for d in apart.values()}, "scores of another scale"


@pytest.mark.parametrize(
    ("cell", "name", "said"),
    [
        ("0", "takes", "row 2, column `takes`: expected 1 line or more, got 0"),
        ("few", "takes", "but this one is 'few'"),
        ("5", "taken", "Did you mean `takes`"),
        ("5", "artifact", "expected numbers"),
    ],
)
def test_a_length_that_is_none_is_refused(cell: str, name: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"session,step,takes,artifact\na,0,9,x = 1\na,1,{cell},x = 1\n")
    done = invoke("score", path, "--lines-from", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_files_have_no_column_of_lengths(folder: Path) -> None:
    done = invoke("score", folder, "--lines-from", "takes")
    assert done.exit_code == 2
    assert "--lines-from names a column of a table" in done.stderr


# ------------------------------------------------------------------------------------ scorers apart


@pytest.fixture
def two_scorers(steps: Path, tmp_path: Path) -> list[Path]:
    paths = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    for path, lines in zip(paths, (30, 60), strict=True):
        assert invoke("score", steps, "--lines", lines, "-o", path).exit_code == 0
    return paths


def test_scores_of_different_scorers_are_not_pooled(two_scorers: list[Path]) -> None:
    names = ["functionality"]
    with pytest.raises(InputError, match=r"one\.parquet, .*two\.parquet, column `scorer_hash`: scores of one"):
        ls.read(two_scorers, objectives=names)
    one, two = (ls.read(p, objectives=names) for p in two_scorers)
    with pytest.raises(InputError, match="cannot be pooled"):
        ls.Panel.concat([one, two])
    both = ls.read(two_scorers, objectives=names, mixed_scorers=True)
    assert both.n_sessions == 24
    part = both.where(scorer_hash=one.labels[SCORER].names[0])
    np.testing.assert_array_equal(part.x, one.x)


def test_scorers_are_chosen_grouped_or_pooled_on_request(two_scorers: list[Path]) -> None:
    words = ("decide", *two_scorers, "--objectives", "functionality", "--bootstrap", 20)
    refused = invoke(*words)
    assert refused.exit_code == 2
    name = ls.read(two_scorers[0], objectives=["functionality"]).labels[SCORER].names[0]
    assert "--mixed-scorers" in refused.stderr
    assert f"{name} in " in refused.stderr
    assert invoke(*words, "--where", f"{SCORER}={name}").exit_code == 0
    assert invoke(*words, "--mixed-scorers").exit_code == 0
    grouped = strict_json(invoke(*words, "--by", SCORER, "--json", "-").stdout)
    assert len(grouped["groups"]) == 2


def test_a_row_of_an_unknown_scorer_is_another_scorer() -> None:
    with pytest.raises(InputError, match="unknown"):
        ls.Panel.from_arrays([[[1.0], [2.0]], [[1.0], [2.0]]], labels={SCORER: ["a", None]})


# ------------------------------------------------------------------------------------------- result


def test_a_result_reads_back_and_every_key_is_explained(folder: Path) -> None:
    text = invoke("score", folder, "--suite", "python,text", "--json", "-").stdout
    result = Scored.from_json(text)
    assert Scored.from_json(result.to_json()) == result
    data = json.loads(text)
    text_keys = {*data["texts"][0], *data["texts"][0]["scores"]}
    known = {*data, *data["spread"][0], *text_keys} - {"python", "text"}
    assert sorted({k.rpartition(".")[2] for k in known} - set(terms())) == []


def test_every_figure_has_its_place_in_the_json(folder: Path) -> None:
    text = invoke("score", folder, "--json", "-").stdout
    data, result = json.loads(text), Scored.from_json(text)
    found = 0
    for section in walk(document(result).sections):
        for block in section.blocks:
            for row in getattr(block, "rows", ()):
                for cell in row if isinstance(row, tuple) else row.said:
                    place = getattr(cell, "place", "")
                    if place:
                        at = data
                        for part in place.split("."):
                            at = at[int(part)] if isinstance(at, list) else at[part]
                        assert cell.value == pytest.approx(at)
                        found += 1
    assert found > 10
