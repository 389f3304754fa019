"""Figures, counts, chances and names in words: every form of a cell, on figures chosen by hand."""

from __future__ import annotations

import numpy as np
import pytest

from loopstat.inference.estimate import Estimate
from loopstat.results import words
from loopstat.results.document import Cell, Form, figure, word

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("form", "triple", "said"),
    [
        ("figure", (0.71234, 0.69, 0.74), "0.71 [0.69, 0.74]"),
        ("figure", (0.71234, NAN, NAN), "0.712"),
        ("figure", (0.71234, 0.69, NAN), "0.71 [0.69, ∞]"),
        ("figure", (0.71234, 0.69, INF), "0.71 [0.69, ∞]"),
        ("figure", (8.0, 8.0 - 1e-12, 8.0 + 1e-12), "8.0 [8.0, 8.0]"),
        ("open", (1.5, NAN, NAN), "1.50 [-∞, ∞]"),
        ("number", (1234.5, NAN, NAN), "1234"),
        ("rough", (0.0123, NAN, NAN), "0.012"),
        ("percent", (0.314, 0.28, 0.35), "31 % [28, 35]"),
        ("percent", (0.0, NAN, NAN), "0 %"),
        ("count", (12345.0, NAN, NAN), "12,345"),
        ("whole", (12.0, 9.0, INF), "12 [9, ∞]"),
        ("p", (0.0004, NAN, NAN), "< 0.001"),
        ("p", (0.032, NAN, NAN), "0.032"),
        ("chance", (0.032, NAN, NAN), "p 0.032"),
        ("probability", (0.99951, NAN, NAN), "0.9995"),
        ("signed", (0.124, NAN, NAN), "+0.12"),
        ("signed", (-0.124, NAN, NAN), "-0.12"),
        ("times", (1.318, 1.1, 1.6), "1.32 [1.10, 1.60]"),
        ("setting", (0.00005, NAN, NAN), "5e-05"),
    ],
)
def test_every_form_of_a_figure(form: Form, triple: tuple[float, float, float], said: str) -> None:
    assert words.cell(figure(Estimate(*triple), form=form)) == said


def test_a_figure_that_is_not_known_is_a_dash() -> None:
    for value in (None, NAN, INF, Estimate(NAN, 0.0, 1.0)):
        assert words.cell(figure(value, place="a.b")) == "–"
    assert figure(NAN, place="a.b").place == "", "and stands nowhere in the JSON"
    assert words.cell(figure(INF, form="whole")) == "–"


def test_an_entry_of_an_estimate_knows_its_place() -> None:
    e = Estimate([[1.0, 2.0], [3.0, 4.0]], [[0.0, 1.0], [2.0, 3.0]], [[2.0, 3.0], [4.0, 5.0]])
    found = figure(e, 1, 0, place="groups.0.drift.A", unit="steps")
    assert found.place == "groups.0.drift.A.1.0"
    assert found.figures == (3.0, 2.0, 4.0)
    assert words.cell(found) == "3.0 steps [2.0, 4.0]"


def test_cells_in_a_line_are_not_wrapped_apart() -> None:
    line = words.parts(("heads for ", figure(Estimate(2.0, 1.0, 3.0)), " and ", word("a b")))
    assert line == "heads for 2.0\xa0[1.0,\xa03.0] and a\xa0b"


def test_names_are_harmless() -> None:
    assert words.clean("a\x1b[31mb") == "a\\x1b[31mb"
    assert len(words.clean("x" * 500)) == words.MAX_NAME
    assert words.cell(Cell("a\nb", "text")) == "a\\nb"
    assert words.shorten("a-long-name-of-a-model, strategy", 12) == "a-long…ategy"
    assert words.clean_sentence(f"about {'x' * 400} here").split()[1].endswith("…")


def test_counts_and_lists() -> None:
    assert [words.plural(n, "step") for n in (0, 1, 2, 1234)] == ["no steps", "1 step", "2 steps", "1,234 steps"]
    assert words.counted(None, "state") == "no states known"
    assert words.counted(1.5, "move") == "1.5 moves"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert np.all([words.chance(p) == "p not known" for p in (None, NAN)])
