"""The pages of adapters, run against the real packages where they are installed: `python -m benchmarks.adapters`."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from conftest import ROOT
from loopstat.record.reading import Reader, SessionRow, StepRow
from loopstat.record.verify import problems
from rule_samples import saved_rule

pytestmark = pytest.mark.slow

PAGES = {
    "plain": ("loopstat", "quality"),
    "optuna": ("optuna", "value"),
    "gepa": ("gepa", "validation"),
    "inspect_ai": ("inspect_ai", "score"),
    "langgraph": ("langchain", "score"),
    "openevolve": ("openevolve", "combined_score"),
}
"""What a page needs, and what the rule of its loop looks at."""

ADVISED = "on the advice of the rule"


def run_page(name: str, folder: Path) -> None:
    """Run the code of a page as a script, beside a rule for its objective."""
    package, objective = PAGES[name]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed here")
    saved_rule(folder / "rule.json", objectives=(objective,))
    [code] = re.findall(r"```py\n(.*?)^```$", (ROOT / "docs" / "adapters" / f"{name}.md").read_text(), re.S | re.M)
    (folder / "page.py").write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def read(runs: Path) -> tuple[list[SessionRow], list[StepRow]]:
    with Reader(runs) as reader:
        assert problems(reader) == ()
        return reader.sessions(), list(reader.steps())


def test_there_is_a_page_for_every_adapter() -> None:
    modules = {path.stem for path in (ROOT / "src" / "loopstat" / "adapters").glob("[a-z]*.py")}
    assert modules == set(PAGES) == {path.stem for path in (ROOT / "docs" / "adapters").glob("*.md")}


@pytest.mark.parametrize("name", ["plain", "optuna", "gepa", "langgraph", "openevolve"])
def test_a_rule_ends_the_loop_of_the_page(name: str, tmp_path: Path) -> None:
    run_page(name, tmp_path)
    [session], steps = read(tmp_path / "runs")
    assert (session.ended, session.note) == ("budget", ADVISED)
    assert 2 < len(steps) < 40
    assert all("artifact" in row.texts for row in steps)
    assert sum(bool(row.scores) for row in steps) >= 2, "the others failed or were pruned"


def test_trials_are_told_apart(tmp_path: Path) -> None:
    run_page("optuna", tmp_path)
    _, steps = read(tmp_path / "runs")
    assert [row.fields["trial"] for row in steps] == list(range(len(steps)))
    assert {row.fields["trial_state"] for row in steps} <= {"complete", "pruned"}
    assert all(isinstance(row.fields["param_x"], float) for row in steps)


def test_rejected_proposals_are_recorded_with_their_parents(tmp_path: Path) -> None:
    run_page("gepa", tmp_path)
    _, steps = read(tmp_path / "runs")
    told = Counter(row.accepted for row in steps)
    assert told[True] > 1
    assert told[False] > 0
    by_id = {row.id: row for row in steps}
    assert steps[0].fields["strategy"] == "seed"
    for row in steps[1:]:
        assert row.parent is not None
        assert by_id[row.parent].accepted
        assert (row.scores["validation"] is None) is (row.accepted is False)
        assert row.scores["minibatch"] is not None
        assert row.fields["cost"] > 0
        assert row.accepted or "not better" in str(row.fields["reason"])


def test_programs_know_their_parents(tmp_path: Path) -> None:
    run_page("openevolve", tmp_path)
    _, steps = read(tmp_path / "runs")
    assert steps[0].fields["iteration"] == 0
    assert all(row.parent is not None for row in steps[1:])
    assert all(row.accepted for row in steps)


def test_attempts_end_by_the_rule_and_epochs_are_recorded(tmp_path: Path) -> None:
    run_page("inspect_ai", tmp_path)
    sessions, steps = read(tmp_path / "runs" / "attempts")
    assert [(row.ended, row.note, row.n_steps) for row in sessions] == [("budget", ADVISED, 3)] * 4
    assert {row.fields["task"] for row in sessions} == {"s0", "s1", "s2", "s3"}
    assert all(row.scores == {"score": 1.0} for row in steps)
    sessions, steps = read(tmp_path / "runs" / "epochs")
    assert [(row.ended, row.n_steps) for row in sessions] == [("budget", 8)] * 4
    assert {int(str(row.fields["epoch"])) for row in steps} == set(range(1, 9))
