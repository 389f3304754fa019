"""`benchmarks.same_figures`: two records are the same, or it is said what differs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.same_figures import COMMANDS, Recorder, compare, difference, record

BEFORE: dict[str, Any] = {
    "n": 3,
    "verdict": "go on",
    "settled": True,
    "rate": 0.25,
    "low": None,
    "notes": ["one", "two"],
    "groups": [{"label": "a", "A": [[0.5, 0.0], [1e-17, 2.0]]}, {"label": "b", "A": []}],
}


def changed(**keys: Any) -> dict[str, Any]:
    """Return the tree with some keys replaced."""
    return BEFORE | keys


def test_the_same_tree_has_no_difference():
    found = difference(BEFORE, json.loads(json.dumps(BEFORE)))
    assert found.same
    assert (found.numbers, found.largest, found.words) == (6, 0.0, [])


def test_words_are_counted_and_forgiven():
    found = difference(BEFORE, changed(verdict="stop", notes=["one"]))
    assert found.same
    assert found.words == ["/verdict: 'go on' -> 'stop'", "/notes: ['one', 'two'] -> ['one']"]


def test_numbers_differ_beyond_the_tolerance_only():
    near, far = changed(rate=0.25 * (1 + 1e-12)), changed(rate=0.3)
    assert difference(BEFORE, near).same
    assert not difference(BEFORE, near, rtol=1e-13).same
    found = difference(BEFORE, far)
    assert found.figures == ["/rate: 0.25 -> 0.3"]
    assert found.largest == pytest.approx(1 / 6)


def test_rounding_around_zero_needs_an_absolute_tolerance():
    groups = [{"label": "a", "A": [[0.5, 0.0], [-1e-17, 2.0]]}, {"label": "b", "A": []}]
    assert difference(BEFORE, changed(groups=groups)).figures == ["/groups/0/A/1/0: 1e-17 -> -1e-17"]
    assert difference(BEFORE, changed(groups=groups), atol=1e-15).same


@pytest.mark.parametrize("value", [None, "0.25", True, [0.25]])
def test_a_number_that_became_something_else_differs(value: object):
    assert not difference(BEFORE, changed(rate=value)).same


def test_true_is_no_number():
    assert difference(BEFORE, changed(settled=1)).others == ["/settled: True -> 1"]
    assert difference(BEFORE, changed(settled=False)).others == ["/settled: True -> False"]


def test_keys_in_one_tree_only_are_named():
    after = {key: value for key, value in BEFORE.items() if key != "low"} | {"high": 1.0}
    found = difference(BEFORE, after)
    assert (found.only_before, found.only_after) == (["/low"], ["/high"])
    assert not found.same


def keep(place: Path, name: str, result: object, exit_code: int = 0) -> None:
    """Write a record of one command by hand."""
    for part, content in (("json", result), ("runs", {"exit_code": exit_code, "cpu_seconds": 1.5})):
        (place / part).mkdir(parents=True, exist_ok=True)
        (place / part / f"{name}.json").write_text(json.dumps(content))


def test_compare_prints_a_line_per_command_and_exits_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    before, after = tmp_path / "before", tmp_path / "after"
    for name, result in (("alike", BEFORE), ("moved", changed(rate=0.3))):
        keep(before, name, BEFORE)
        keep(after, name, result)
    assert compare(before, after, "alike") == 0
    assert compare(before, after) == 1
    assert "    /rate: 0.25 -> 0.3\n" in capsys.readouterr().out
    keep(before, "gone", BEFORE)
    assert compare(before, after, "gone") == 1
    assert f"not recorded in {after}" in capsys.readouterr().out
    keep(after, "gone", BEFORE, exit_code=2)
    assert compare(before, after, "gone") == 1
    assert "exit code: 0 -> 2" in capsys.readouterr().out


@pytest.mark.slow
def test_a_record_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    recorder = Recorder(tmp_path, Path(__file__).parents[1] / "src", tmp_path, sys.executable)
    assert record(recorder, "settings") == 0
    ran = json.loads((tmp_path / "runs/settings.json").read_text())
    assert (ran["command"], ran["exit_code"]) == (f"loopstat {COMMANDS['settings']}", 0)
    assert json.loads((tmp_path / "json/settings.json").read_text())
    assert record(recorder, "settings") == 0
    assert "recorded before" in capsys.readouterr().out
    assert compare(tmp_path, tmp_path) == 0
