"""Pictures of a balance fit: they draw whatever a fit can be, show its own figures, and take names as plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib
import pytest

matplotlib.use("agg")

from matplotlib import pyplot
from matplotlib.figure import Figure
from matplotlib.text import Text

import loopstat as ls
from balance_samples import edge_cases, everyday, group, words
from loopstat import plots

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "state_graph": plots.state_graph,
    "log_ratios": plots.log_ratios,
    "potentials": plots.potentials,
    "relaxation": plots.relaxation,
}
NAMES = ("one state", "no transitions", "no pair both ways", "two classes", "large")
GROUPS = {"driven": everyday().groups[0], "tree": everyday().groups[1]}
GROUPS |= {name: edge_cases()[name].groups[0] for name in NAMES}
NOTHING = {(name, function) for name in NAMES[:3] for function in FUNCTIONS}
NOTHING -= {("one state", "state_graph"), ("one state", "potentials"), ("no pair both ways", "state_graph")}


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Leave no figure to the next test."""
    pyplot.close("all")
    yield
    pyplot.close("all")


@pytest.fixture
def ax() -> Any:
    """Axes of a figure that pyplot knows nothing of."""
    return Figure(figsize=(6.8, 4.6)).add_subplot()


def shown(ax: Any) -> str:
    """Return all text in the axes."""
    return "\n".join(t.get_text() for t in ax.findobj(Text) if t.get_text())


@pytest.mark.parametrize("function", list(FUNCTIONS))
@pytest.mark.parametrize("name", list(GROUPS))
def test_every_picture_draws_or_says_why_not(name: str, function: str, ax: Any) -> None:
    if (name, function) in NOTHING:
        with pytest.raises(ls.SettingsError, match="there is nothing to draw: "):
            FUNCTIONS[function](GROUPS[name], ax=ax)
    else:
        assert FUNCTIONS[function](GROUPS[name], ax=ax) is ax
    ax.figure.canvas.draw()
    assert pyplot.get_fignums() == []


def test_axes_are_made_where_none_are_given() -> None:
    for k, function in enumerate(FUNCTIONS.values()):
        function(GROUPS["driven"]).figure.canvas.draw()
        assert len(pyplot.get_fignums()) == k + 1


def test_states_stand_at_their_potential(ax: Any) -> None:
    fit = GROUPS["driven"]
    plots.state_graph(fit, ax=ax)
    drawn = [line.get_ydata()[0] for line in ax.get_lines() if len(line.get_ydata()) == 1]
    assert sorted(drawn) == pytest.approx(sorted(fit.potential.value))
    low, high = ax.get_ylim()
    assert low < high, "low is at the bottom"
    assert all(name in shown(ax) for name in fit.states)


def test_at_most_some_states_are_drawn(ax: Any) -> None:
    plots.state_graph(GROUPS["large"], ax=ax, max_states=10)
    assert sum(len(line.get_ydata()) == 1 for line in ax.get_lines()) == 10
    assert ax.get_title("left").startswith("10 of 45 states")
    with pytest.raises(ls.SettingsError, match="max_states"):
        plots.state_graph(GROUPS["large"], max_states=0)


@pytest.mark.slow
def test_names_are_drawn_as_text(ax: Any) -> None:
    names = ["$x$", "$\\frac{$", "_private", "100%", "{}"]
    fit = group(names, words())
    with matplotlib.rc_context({"text.parse_math": True}):
        for function in FUNCTIONS.values():
            function(fit).figure.canvas.draw()
    plots.state_graph(fit, ax=ax)
    assert all(name in shown(ax) for name in names)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ls.SettingsError, match=re.escape("pip install 'loopstat[plots]'")):
        plots.state_graph(GROUPS["driven"])
