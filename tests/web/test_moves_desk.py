"""The simulator of moves on the page: every control, preset and scenario; its figures are those of Python."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest

from loopstat.faces.web.frames import Floats, document_data
from loopstat.moves import desks
from loopstat.moves.calibrate.fit import calibrate
from loopstat.moves.commands import identified_text, simulate
from loopstat.moves.view import simulation
from loopstat.panel.pool import Pool
from loopstat.parameters import Parameter

from .tabs import at, settled

pytestmark = pytest.mark.slow

DESK = "moves simulate"
FEW = {"replicates": 40, "max_moves": 60}
ROW = {row.name: row for row in desks.SIMULATE.settings}


@pytest.fixture
def desk(tab: Any, served: str) -> Any:
    """A tab on the simulator with few runs, its first whole answer there."""
    query = "&".join(f"{name}={value}" for name, value in FEW.items())
    at(tab, served, DESK, f"?{query}")
    tab.locator("#panel details").evaluate_all("all => all.forEach((d) => { d.open = true; })")
    return tab


def asked(tab: Any) -> dict[str, Any]:
    """Return the settings of the address, as their rows take them."""
    fragment = str(tab.evaluate("location.hash")).partition("?")[2]
    return {name: _typed(ROW[name], value) for name, value in parse_qsl(fragment)}


def _typed(row: Parameter, value: str) -> Any:
    return value == "true" if row.kind in ("flag", "switch") else row.read(value)


def figures(settings: dict[str, Any]) -> set[tuple[str, str]]:
    """Return place and words of every figure that Python says for settings of the desk."""
    found = simulate(None, {**{name: row.default for name, row in ROW.items()}, **settings})
    return {(c["place"], c["t"]) for c in _cells(document_data(simulation(found), Floats())) if "place" in c}


def _cells(data: Any) -> Iterator[dict[str, Any]]:
    if isinstance(data, dict):
        if "t" in data:
            yield data
        for value in data.values():
            yield from _cells(value)
    elif isinstance(data, list):
        for value in data:
            yield from _cells(value)


def same_as_python(tab: Any, settings: dict[str, Any]) -> None:
    """Every figure on the page is one that Python says."""
    settled(tab)
    rows = tab.locator("main [data-json], [role=tabpanel] [data-json]").evaluate_all(
        "all => all.map((e) => [e.dataset.json, e.textContent])"
    )
    shown = {(place, text.replace("\xa0", " ")) for place, text in rows if not place.startswith("checks")}
    known = {(place, text.replace("\xa0", " ")) for place, text in figures(settings)}
    assert len(shown) > 20
    assert shown - known == set()


def field(tab: Any, name: str) -> Any:
    return tab.locator(f'#panel [data-setting="{name}"]')


# ------------------------------------------------------------------------------------ controls


def other(row: Parameter) -> float:
    """Return a value that is not the default, a third of the way along the slider or beside the default."""
    low, high = row.slider or (row.default, row.default * 2 + 1)
    value = low + (high - low) / 3
    value = round(value) if row.whole else round(value, 3)
    return float(value if value != row.default else value + 1 if row.whole else value / 2)


def test_every_control_moves_what_python_says(desk: Any) -> None:
    held = {*FEW, "tr_max_radius", "tr_a_high", "tr_a_low", "difficulty"}
    numbers = [row for row in desks.SETTINGS if not row.choices and row.name not in held]
    for row in numbers:
        box = field(desk, row.name).locator("input[type=number]")
        box.fill(f"{other(row):g}")
        box.press("Enter")
        assert (field(desk, row.name).locator("input[type=range]").count() == 1) == bool(ROW[row.name].slider)
    desk.wait_for_timeout(200)
    found = asked(desk)
    assert {name for name in found if name not in FEW} == {row.name for row in numbers}
    for row in numbers:
        assert found[row.name] == pytest.approx(other(row))
    same_as_python(desk, found)


@pytest.mark.parametrize("policy", ["vibe", "planner"])
def test_a_policy_is_chosen_and_all_else_stays(desk: Any, policy: str) -> None:
    field(desk, "policy").get_by_text(policy, exact=True).click()
    settled(desk)
    assert asked(desk) == {**FEW, "policy": policy}
    same_as_python(desk, asked(desk))


def test_the_verdict_changes_under_the_hand(desk: Any) -> None:
    said = desk.locator(".act").first.text_content()
    slider = field(desk, "model_prior").locator("input[type=range]")
    slider.evaluate("e => { e.value = '0'; e.dispatchEvent(new Event('input', { bubbles: true })); }")
    desk.locator("html:not([data-exact='1'])").wait_for(state="attached")
    assert "mean paths for levers, teams and reviewers" in desk.locator("body").text_content()
    field(desk, "human_prior").locator("input[type=range]").evaluate(
        "e => { e.value = '0'; e.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    for name in ("model_prior", "human_prior"):
        field(desk, name).locator("input[type=range]").dispatch_event("change")
    same_as_python(desk, asked(desk))
    assert asked(desk) == {**FEW, "model_prior": 0.0, "human_prior": 0.0}
    assert desk.locator(".act").first.text_content() == said == "stalls"


# ------------------------------------------------------------------ presets, scenarios and files


@pytest.mark.parametrize("button", desks.BUTTONS, ids=lambda b: b.name)
def test_buttons_load_their_values(desk: Any, button: Any) -> None:
    desk.locator(f'.preset[data-preset="{button.name}"]').click()
    settled(desk)
    stay = FEW if button.over else {}
    wanted = {name: v for name, v in {**stay, **button.values}.items() if v != ROW[name].default}
    assert asked(desk) == wanted
    same_as_python(desk, wanted)


def test_scenarios_lie_over_presets(desk: Any) -> None:
    for name in ("noob-vibe", "greenfield"):
        desk.locator(f'.preset[data-preset="{name}"]').click()
        settled(desk)
    found = asked(desk)
    assert (found["policy"], found["difficulty"], found["edit_radius"]) == ("vibe", 6.0, 0.05)


def test_a_calibrated_file_is_loaded(desk: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    mass = rng.gamma(1.0, 1.0, 60).repeat(12)
    seen, hidden = rng.poisson(0.7 * mass) > 0, rng.poisson(0.3 * mass) > 0
    pool = Pool.of(np.arange(60).repeat(12), coarse=~seen, fine=~(seen | hidden))
    found = calibrate(pool)
    known = dict(found.groups[0].settings)
    assert known
    path = tmp_path / "calibrated.json"
    path.write_text(identified_text(found), encoding="utf-8")
    desk.get_by_role("button", name="Load settings").click()
    dialog = desk.locator("dialog")
    dialog.locator("input[type=file]").set_input_files(path)
    desk.wait_for_timeout(300)
    settled(desk)
    shown = asked(desk)
    for name, value in known.items():
        assert shown[name] == pytest.approx(value, rel=1e-6)


def test_the_command_line_is_that_of_the_view(desk: Any, served: str) -> None:
    body = {"desk": DESK, "settings": {"policy": "vibe", "human_prior": 0.7}, "sources": [], "what": "command"}
    request = urllib.request.Request(
        f"{served}download",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Origin": served.rsplit("/", 2)[0]},
    )
    with urllib.request.urlopen(request) as answer:
        text = answer.read().decode()
    assert text.startswith("loopstat moves simulate --policy vibe ")
    assert " --teams" in text
    assert "human_prior=0.7" in text
    assert re.search(r"--set edit_radius=0\.2\b", text), "the policy's own row says otherwise"
