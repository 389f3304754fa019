"""Laws of scores on real programs: what is worse never scores higher, what is only written otherwise as high."""

from __future__ import annotations

import ast
import random
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from changed import renamed, with_eval, with_loop  # type: ignore[import-not-found]
from hypothesis import given, settings
from hypothesis import strategies as st

import loopstat
from loopstat.scoring.batches import score_all
from loopstat.scoring.registry import scorer_of
from loopstat.scoring.score import Score

pytestmark = pytest.mark.slow

TOLERANCE = 0.2
PACKAGE = Path(loopstat.__file__).parent
STANDARD_LIBRARY = Path(ast.__file__).parent


def trees() -> tuple[list[ast.Module], list[str]]:
    """Return programs of this package and of the standard library, as they parse and as they are written."""
    paths = [*sorted(PACKAGE.rglob("*.py"))[::6], *sorted(STANDARD_LIBRARY.glob("[a-m]*.py"))[::4]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        texts = [p.read_text(encoding="utf-8") for p in paths if p.stat().st_size < 60_000]
        both = [(tree, text) for text in texts if len((tree := ast.parse(text)).body) > 1]
    return [tree for tree, _ in both], [text for _, text in both]


TREES, TEXTS = trees()
Changed = Callable[[ast.Module, random.Random], ast.Module | None]


def scored(programs: list[ast.Module]) -> list[Score]:
    return score_all([ast.unparse(p) for p in programs], scorer_of("python"), workers=1)


def pairs(change: Changed, seed: int) -> list[tuple[Score, Score]]:
    rng = random.Random(seed)  # noqa: S311 - which change
    made = [(t, changed) for t in TREES if (changed := change(t, rng)) is not None]
    scores = scored([p for pair in made for p in pair])
    both = list(zip(scores[::2], scores[1::2], strict=True))
    return [(a, b) for a, b in both if "unscored" not in a.counts]


@pytest.mark.parametrize("seed", [1, 2])
def test_an_added_eval_lowers_security(seed: int) -> None:
    found = pairs(with_eval, seed)
    assert len(found) > 40
    assert all(b.values["security"] < a.values["security"] for a, b in found)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_loop_around_a_loop_never_raises_efficiency(seed: int) -> None:
    found = pairs(with_loop, seed)
    assert len(found) > 20
    assert all(b.values["efficiency"] <= a.values["efficiency"] for a, b in found)


def test_other_names_change_nothing() -> None:
    for a, b in pairs(lambda tree, rng: renamed(tree), 0):
        named = {"S105", "S106", "S107"}  # a password is known by its name
        if not named & {f.rule for f in (*a.findings, *b.findings)}:
            assert all(abs(a.values[k] - b.values[k]) <= TOLERANCE for k in a.values), (a, b)


def test_another_layout_changes_nothing() -> None:
    rng = random.Random(4)  # noqa: S311 - which layout
    plain = [ast.unparse(t) for t in TREES]
    other = [laid_out(text, rng) for text in plain]
    assert sum(a != b for a, b in zip(plain, other, strict=True)) == len(plain)
    scorer = scorer_of("python")
    for a, b in zip(score_all(plain, scorer), score_all(other, scorer), strict=True):
        assert all(abs(a.values[k] - b.values[k]) <= TOLERANCE for k in a.values), (a, b)


def test_a_program_written_anew_from_its_tree_scores_the_same() -> None:
    """Comments, blank lines, quotes and brackets go; `renamed` and the others start from what is left."""
    for written, anew in zip(score_all(TEXTS, scorer_of("python")), scored(TREES), strict=True):
        assert all(abs(written.values[k] - anew.values[k]) <= TOLERANCE for k in written.values), (written, anew)


def laid_out(text: str, rng: random.Random) -> str:
    """Return a program with wider indentation, blank lines and comments: none inside texts of several lines."""
    tree = ast.parse(text)
    inside = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno is not None
        for line in range(node.lineno + 1, node.end_lineno + 1)
    }
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if number in inside:
            lines.append(line)
            continue
        bare = line.lstrip(" ")
        indent = " " * (2 * (len(line) - len(bare)))
        lines += ["", f"{indent}# what comes next"] if rng.random() < 0.2 else []
        lines.append(indent + bare)
    return "\n".join(["# laid out otherwise", *lines])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["x = 1", "eval(x)", "import os", "for a in b:\n    c()", "def f():\n    return 1"])))
def test_more_severe_findings_never_score_higher(parts: list[str]) -> None:
    texts = ["\n".join(["y = 2", *parts, *["eval(y)"] * k]) for k in range(4)]
    values = [s.values["security"] for s in score_all(texts, scorer_of("python"), workers=1)]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == 4
