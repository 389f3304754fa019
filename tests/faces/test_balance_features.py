"""`loopstat balance --features`: the potential by features in the JSON, the terminal and the page, and its errors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from test_balance_cli import MOVES, RING, balanced, moves, sessions
from test_balance_page import wrong
from test_page import read_page

from balance_samples import chain
from conftest import ROOT, invoke, strict_json, write_table
from loopstat import Counts, SettingsError, analyze_balance, read_recording
from loopstat.faces.explain import terms
from test_docs import keys_of

DATA = ROOT.parent / "shared" / "data"
PARAMETRIC = {"settings", "features", "error_unit", "potential", "downhill", "skill", "correlation", "n_transitions"}
PARAMETRIC |= {"n_pairs", "n_folds", "checks", "sentence", "symbolic"}


def lengths(folder: Path, n: int = 40) -> Path:
    """Write counted moves between texts, V = 2 ln(1 + characters)."""
    rng = np.random.default_rng(3)
    names = ["".join(rng.choice(list("bcdfg"), k)) for k in rng.integers(2, 40, n)]
    P = chain(rng, 2 * np.log1p([len(s) for s in names]))
    drawn = np.array([rng.multinomial(300, row) for row in P])
    rows = [(names[i], names[j], int(drawn[i, j])) for i, j in zip(*np.nonzero(drawn), strict=True)]
    return write_table(folder / "texts.csv", rows, MOVES)


def test_features_of_texts_and_their_formula(tmp_path: Path) -> None:
    table = lengths(tmp_path)
    data = balanced(table, "--features", "text", "--symbolic", "--html", tmp_path / "o.html")
    assert (data["settings"]["features"], data["settings"]["symbolic"]) == ("text", True)
    [one] = data["groups"]
    found = one["parametric"]
    assert set(found) == PARAMETRIC
    assert len(found["potential"]) == one["n_states"]
    weight = {f["name"]: f for f in found["features"]}
    assert weight["log_chars"]["low"] < 2 < weight["log_chars"]["high"]
    assert weight["upper_case"]["reason"] == "the same in all states"
    assert found["skill"]["low"] > 0.1
    assert found["downhill"]["pairs"]["low"] > 0.5
    assert found["symbolic"]["chosen"]["expression"] == "log_chars"
    assert found["symbolic"]["chosen"]["low"] < 2 < found["symbolic"]["chosen"]["high"]
    text = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert wrong(data, text) == []
    assert {"groups.0.parametric.features.0.theta", "groups.0.parametric.skill.value"} <= {
        f[1] for f in read_page(text).figures
    }


def test_the_terminal_says_what_the_features_tell(tmp_path: Path) -> None:
    done = invoke("balance", lengths(tmp_path), "--bootstrap", 99, "--features", "text", "--symbolic")
    assert re.search(r"^  features +the features tell which way is down: held-out skill \d", done.stdout, re.MULTILINE)
    assert re.search(r"^  per sd +log_chars \d", done.stdout, re.MULTILINE)
    assert re.search(r"^  formula +V = \S+ \[.*\] \* log_chars", done.stdout, re.MULTILINE)


def test_mean_objectives_of_sessions(tmp_path: Path) -> None:
    table = sessions(tmp_path)
    asked = ("--features", "objectives", "--objectives", "score")
    for one in balanced(table, *asked)["groups"]:
        assert [f["name"] for f in one["parametric"]["features"]] == ["score"]
        assert one["parametric"]["symbolic"] is None
        assert one["reasons"]["symbolic"] == "not asked for."
    [binned] = balanced(table, *asked, "--state", "bins:10", "--by", "none", "--symbolic")["groups"]
    assert binned["parametric"]["symbolic"]["front"][0]["expression"] == "constant"


def test_nothing_changes_where_it_is_not_asked_for(tmp_path: Path) -> None:
    table = moves(tmp_path, RING)
    plain, more = balanced(table), balanced(table, "--features", "text")
    [one], [other] = plain["groups"], more["groups"]
    assert one["parametric"] is None
    assert one["reasons"]["parametric"].startswith("not asked for")
    assert {k: v for k, v in one.items() if k not in ("parametric", "reasons")} == {
        k: v for k, v in other.items() if k not in ("parametric", "reasons")
    }


def test_a_group_that_gives_nothing_says_why(tmp_path: Path) -> None:
    one_way = balanced(moves(tmp_path, [("a", "b", 5), ("a", "c", 5)]), "--features", "text")
    [one] = one_way["groups"]
    assert one["parametric"] is None
    assert "no transition joins" in one["reasons"]["parametric"]
    gaps = [(s, t, "ab"[t % 2], 1.0 if t % 2 else "") for s in range(9) for t in range(6)]
    table = write_table(tmp_path / "gaps.csv", gaps, ("session", "step", "state", "score"))
    [lost] = balanced(table, "--features", "objectives", "--objectives", "score")["groups"]
    assert "1 of 2 states" in lost["reasons"]["parametric"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--symbolic"], "`symbolic` needs `features`"),
        (["--features", "objectives"], "--objectives"),
        (["--features", "colour"], "objectives"),
    ],
)
def test_refused_in_a_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    done = invoke("balance", sessions(tmp_path, n=4), *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_counted_moves_have_no_objectives(tmp_path: Path) -> None:
    done = invoke("balance", moves(tmp_path, RING), "--features", "objectives")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "counted moves have no objectives" in done.stderr


def test_every_key_and_check_is_in_the_glossary(tmp_path: Path) -> None:
    data = balanced(lengths(tmp_path), "--features", "text", "--symbolic")
    assert sorted({re.sub(r"_(low|high)$", "", k) for k in keys_of(data)} - set(terms())) == []
    assert {c["name"] for g in data["groups"] for c in g["parametric"]["checks"]} <= set(terms())


def test_a_function_of_states_from_python(tmp_path: Path) -> None:
    parts = read_recording(lengths(tmp_path)).parts
    made = analyze_balance(parts, features=lambda states: {"log": np.log1p([len(s) for s in states])}, symbolic=True)
    fit = made.groups[0].parametric
    assert fit is not None
    assert fit.theta.low[0] < 2 < fit.theta.high[0]
    assert made.settings["features"] == "function"
    assert strict_json(json.dumps(made.to_dict(), allow_nan=False))["settings"]["symbolic"] is True
    with pytest.raises(SettingsError, match="what `features` returns"):
        analyze_balance([({}, Counts.of_matrix(np.ones((3, 3))))], features=lambda states: [1.0])


@pytest.mark.skipif(not DATA.is_dir(), reason="needs tables that are not part of the repository")
def test_associations_lead_to_shorter_words() -> None:
    table = DATA / "word_association_gpt" / "word_association_gpt.parquet"
    [one] = balanced(table, "--features", "text", "--where", "model=gpt-4o-2024-05-13")["groups"]
    found = one["parametric"]
    assert found["skill"]["low"] > 0.02
    assert found["downhill"]["pairs"]["low"] > 0.57
    assert not next(c for c in found["checks"] if c["name"] == "separated")["passed"]


def test_help_names_both_options() -> None:
    shown = invoke("balance", "--help").stdout
    assert "--features" in shown
    assert "--symbolic" in shown
