"""The price of a step and the weights of objectives, moved by hand on the page: what it says is what Python says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from loopstat.faces.run import answer
from loopstat.faces.web.frames import Floats, document_data
from loopstat.lenses import Command, lens
from loopstat.results.document import view_of

from . import tabs
from .tabs import settled

pytestmark = pytest.mark.slow

COMMANDS = {"decide": lens("decide").commands[0], "analyze": lens("analysis").commands[0]}
QUICK = {"bootstrap": 200}
RULES = "rules=false"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions of two strategies and two objectives: one climbs, the other falls."""
    rng = np.random.default_rng(5)
    rows = []
    for g, gain in (("plain", 1.0), ("review", 1.6)):
        for i in range(24):
            start = rng.normal(5, 1, 2)
            for t in range(7):
                up, down = gain * (1 - 0.55**t), -0.08 * t
                x = start + np.array([up, down]) + rng.normal(0, 0.2, 2)
                rows.append((f"{g}{i}", t, g, *x.tolist()))
    path = tmp_path_factory.mktemp("table") / "two.csv"
    pl.DataFrame(rows, schema=["session", "step", "strategy", "tests", "speed"], orient="row").write_csv(path)
    return path


@pytest.fixture(scope="module")
def served_files(table: Path) -> tuple[Path, ...]:
    """What the server is started with."""
    return (table,)


def at(tab: Any, served: str, desk: str, *settings: str) -> Any:
    """Go to a desk and wait for its whole answer."""
    words = "&".join((f"bootstrap={QUICK['bootstrap']}", *settings))
    return tabs.at(tab, served, desk, f"?{words}")


def slider(tab: Any, handle: str) -> Any:
    return tab.locator(f'[data-handle="{handle}"] input[type=range]')


def held(tab: Any, handle: str, share: float) -> float:
    """Move a slider to a share of its range without letting go, wait until it is answered, and return its value."""
    value = slider(tab, handle).evaluate(
        """(e, share) => {
            e.value = Number(e.min) + share * (Number(e.max) - Number(e.min));
            const before = document.documentElement.dataset.painted;
            e.dispatchEvent(new Event("input", { bubbles: true }));
            return new Promise((done) => {
              const look = () => document.documentElement.dataset.painted !== before
                ? done(Number(e.value)) : setTimeout(look, 10);
              look();
            });
        }""",
        share,
    )
    return float(value)


def let_go(tab: Any, handle: str) -> None:
    slider(tab, handle).evaluate('(e) => e.dispatchEvent(new Event("change", { bubbles: true }))')
    settled(tab)


def document_of(command: Command, table: Path, **settings: Any) -> dict[str, Any]:
    """Return what Python says, as it is sent."""
    result = answer(command, [str(table)], {**QUICK, **settings})
    return document_data(view_of(result), Floats())


def figures(data: Any) -> dict[str, str]:
    """Return every figure with a place."""
    if isinstance(data, dict):
        own = {data["place"]: data["t"]} if "t" in data and data.get("place") else {}
        return own | {k: v for part in data.values() for k, v in figures(part).items()}
    return {k: v for part in data for k, v in figures(part).items()} if isinstance(data, list) else {}


def shown(tab: Any) -> dict[str, str]:
    """Return every figure on the page with a place."""
    tab.locator("#document details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
    tab.wait_for_timeout(100)
    tab.locator("#document details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
    tab.wait_for_timeout(100)
    return dict(
        tab.evaluate(
            "[...document.querySelectorAll('#document [data-json]')].map((e) => [e.dataset.json, e.textContent])"
        )
    )


def answers(tab: Any) -> list[str]:
    """Return what is said of each group, in the table under the sliders."""
    text = tab.locator("#document table").first.inner_text()
    return [line.strip() for line in text.splitlines() if line.strip()]


def said(data: dict[str, Any]) -> list[str]:
    """Return what Python says of each group."""
    return [s["answer"]["said"] for s in data["sections"] if s["answer"]]


def worded(text: str) -> str:
    """Return a text in which settings are called as their controls are."""
    return re.sub(r"--([a-z-]+)", lambda m: f"“{m[1].replace('-', ' ')}”", text)


def same(tab: Any, data: dict[str, Any]) -> None:
    """Check answers, the note on the price and every figure of the page."""
    page = " ".join(answers(tab))
    for words in said(data):
        assert worded(words) in page
    assert worded(data["first"][0]) in tab.locator("#document").inner_text()
    theirs, mine = figures(data), shown(tab)
    assert len(mine) > 20
    assert {k: v for k, v in mine.items() if theirs.get(k) != v and ".checks." not in k} == {}


@pytest.mark.parametrize("desk", ["decide", "analyze"])
def test_the_price_moves_answers_figures_and_the_marked_step(tab: Any, served: str, table: Path, desk: str) -> None:
    asked = {"rules": False} if desk == "decide" else {}
    at(tab, served, desk, *([RULES] if asked else []))
    first = answers(tab)
    marked = []
    for share in (0.02, 0.7):
        price = held(tab, "price", share)
        data = document_of(COMMANDS[desk], table, price=price, **asked)
        tab.get_by_text(worded(data["first"][0])).first.wait_for()
        assert tab.evaluate("document.documentElement.dataset.exact") == "1", "nothing is left out"
        assert f"price={price}" not in tab.url
        same(tab, data)
        marked.append(said(data))
    assert marked[0] != marked[1]
    assert answers(tab) != first
    let_go(tab, "price")
    assert f"price={price:g}" in tab.url
    same(tab, document_of(COMMANDS[desk], table, price=price, **asked))
    tab.go_back()
    tab.wait_for_timeout(300)
    settled(tab)
    assert answers(tab) == first


def test_rules_wait_for_the_hand_to_let_go(tab: Any, served: str, table: Path) -> None:
    at(tab, served, "decide")
    price = held(tab, "price", 0.4)
    rough = tab.locator("#document .rough")
    rough.get_by_text("rules as of the last price").wait_for()
    assert not tab.evaluate("document.documentElement.dataset.exact")
    let_go(tab, "price")
    assert rough.inner_text() == ""
    same(tab, document_of(COMMANDS["decide"], table, price=price))


def test_weights_move_together_and_the_answer_with_them(tab: Any, served: str, table: Path) -> None:
    at(tab, served, "decide", RULES)
    others = float(tab.locator('[data-handle="weights.speed"] input[type=number]').input_value())
    weight = held(tab, "weights.tests", 0.15)
    let_go(tab, "weights.tests")
    given = dict(
        pair.split("=") for pair in tab.evaluate("new URLSearchParams(location.hash.split('?')[1]).getAll('weights')")
    )
    assert float(given["tests"]) == weight
    assert float(given["speed"]) == pytest.approx(others, rel=1e-4)
    pairs = [f"{name}={value}" for name, value in given.items()]
    same(tab, document_of(COMMANDS["decide"], table, weights=pairs, rules=False))
    speed = held(tab, "weights.speed", 0.9)
    now = [f"tests={weight}", f"speed={speed}"]
    data = document_of(COMMANDS["decide"], table, weights=now, rules=False)
    tab.get_by_text(worded(data["first"][0])).first.wait_for()
    same(tab, data)


def test_the_keyboard_moves_the_price(tab: Any, served: str, table: Path) -> None:
    at(tab, served, "decide", RULES)
    slider(tab, "price").focus()
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    settled(tab)
    price = float(slider(tab, "price").input_value())
    data = document_of(COMMANDS["decide"], table, price=price, rules=False)
    tab.get_by_text(worded(data["first"][0])).first.wait_for()
    same(tab, data)


def test_the_default_price_stands_inside_its_slider_however_little_steps_are_worth(tab: Any, served: str) -> None:
    at(tab, served, "decide", RULES, "objectives=speed")
    box = slider(tab, "price")
    low, high = (float(box.get_attribute(name) or 0) for name in ("min", "max"))
    assert low < float(box.input_value()) < 0.5 * high
