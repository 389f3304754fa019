"""The desks of known loops and chains in a real browser: figures are those of Python, sliders and presets move them."""

from __future__ import annotations

from typing import Any

import pytest

from loopstat.play.chain import play_chain
from loopstat.play.loop import play_loop
from loopstat.results.document import figure
from loopstat.results.words import cell

from .tabs import at, settled, shown

pytestmark = pytest.mark.slow

LOOP, CHAIN = "play loop", "play chain"


def told(tab: Any) -> str:
    return str(tab.locator("main").inner_text())


def test_figures_on_the_page_are_those_of_python(tab: Any, served: str) -> None:
    at(tab, served, LOOP, "?schedule=FF:3,SF&price=0.2&sessions=60")
    result = play_loop({"schedule": "FF:3,SF", "price": 0.2, "sessions": 60})
    assert shown(tab, "stages.1.rest.0") == cell(figure(float(result.last.rest[0])))
    assert shown(tab, "pays.gained") == cell(figure(result.pays.gained))
    assert shown(tab, "estimable.sessions") == cell(figure(result.estimable.sessions, form="count"))
    assert shown(tab, "estimable.rest.2") == cell(figure(float(result.estimable.rest[2]), form="rough"))
    assert result.verdict.sentence.split(": ")[1] in told(tab)
    assert tab.locator("main canvas, main svg").count() >= 6


def test_a_slider_moves_the_loop_before_it_is_let_go(tab: Any, served: str) -> None:
    at(tab, served, LOOP, "?clip=false")
    slider = tab.locator('#panel [data-setting="security_drift"] input[type="range"]')
    before = shown(tab, "stages.0.rest.0")
    slider.focus()
    for _ in range(10):
        slider.press("ArrowRight")
    tab.wait_for_function(
        "(t) => document.querySelector('[data-json=\"stages.0.rest.0\"]').textContent !== t", arg=before
    )
    settled(tab)
    value = float(slider.input_value())
    result = play_loop({"security_drift": value, "clip": False}, whole=False)
    assert shown(tab, "stages.0.rest.0") == cell(figure(float(result.last.rest[0])))


@pytest.mark.parametrize(("name", "rest"), [("SF", "5.75"), ("AI", "4.00"), ("C.1", "4.00")])
def test_presets_load_the_published_loops(tab: Any, served: str, name: str, rest: str) -> None:
    at(tab, served, LOOP)
    tab.get_by_role("button", name=name, exact=True).click()
    tab.wait_for_function("() => location.hash.includes('?')")
    settled(tab)
    places = tab.locator('[data-json^="stages."][data-json$=".rest.0"]')
    assert places.last.text_content() == rest


def test_a_schedule_that_cannot_be_is_said_beside_it(tab: Any, served: str) -> None:
    at(tab, served, LOOP)
    field = tab.locator('#panel [data-setting="schedule"] input')
    field.fill("FX:3,AI")
    field.press("Enter")
    tab.get_by_text("unknown strategy").first.wait_for()
    field.fill("FF:3,AI")
    field.press("Enter")
    tab.get_by_text("then AI").first.wait_for()
    settled(tab)


def test_systems_change_what_is_said_of_a_chain(tab: Any, served: str) -> None:
    at(tab, served, CHAIN, "?system=ring&transitions=200")
    result = play_chain({"system": "ring", "transitions": 200})
    assert shown(tab, "known.entropy_production.value") == cell(figure(result.known.entropy_production.value))
    assert shown(tab, "power.drawn") == cell(figure(result.power.drawn, form="percent"))
    tab.get_by_role("button", name="Published words", exact=True).click()
    tab.get_by_text("no recording could show a drive").first.wait_for()
    settled(tab)
    assert "PERSONAL" in told(tab)


def test_the_command_of_a_view_reproduces_it(tab: Any, served: str) -> None:
    at(tab, served, LOOP, "?clip=false&security_to_itself=-0.4&schedule=own:3,AI")
    asked = {
        "desk": LOOP,
        "settings": {"clip": False, "security_to_itself": -0.4, "schedule": "own:3,AI"},
        "sources": [],
        "what": "command",
    }
    line = tab.evaluate(
        "(body) => fetch('download', {method: 'POST', body: JSON.stringify(body),"
        " headers: {'Content-Type': 'application/json'}}).then((r) => r.text())",
        asked,
    )
    assert line.split()[:3] == ["loopstat", "play", "loop"]
    assert {"--no-clip", "--security-to-itself", "--schedule"} <= set(line.replace("=", " ").split())
