"""The keyboard alone: Tab comes by everything that can be used, in order and without a trap, and shows where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .table_samples import many, rows, write
from .tabs import at

pytestmark = pytest.mark.slow

MOST = 600  # presses of a key, more than any desk has controls

USED = "a[href], button, input, select, textarea, summary, [role=button], [role=slider], [role=tab], canvas"
MARKED = """(used) => {
    const open = (e) => e.checkVisibility({ visibilityProperty: true, opacityProperty: false })
        && !e.disabled && !e.closest('[inert], [aria-hidden=true]') && e.getClientRects().length > 0;
    // One of several tabs or choices is come by; arrows lead on.
    const led = (e) => (e.role === 'tab' && e.getAttribute('aria-selected') !== 'true')
        || (e.type === 'radio' && !e.checked);
    const behind = (e) => e.type === 'file' && e.tabIndex < 0;  // a button before it opens it
    const drawn = (e) => e.tagName === 'CANVAS' && !e.hasAttribute('tabindex');  // its frame is what takes the keys
    const all = [...document.querySelectorAll(used)].filter((e) => open(e) && !led(e) && !drawn(e) && !behind(e));
    all.forEach((e, k) => { e.dataset.walk = k; });
    document.activeElement.blur();
    const said = (e) => e.ariaLabel || e.textContent.trim().slice(0, 30) || e.name || e.id;
    return all.map((e) => `${e.tagName.toLowerCase()} ${said(e)}`);
}"""
WHERE = """() => {
    const e = document.activeElement, seen = getComputedStyle(e);
    const ring = seen.outlineStyle !== 'none' && parseFloat(seen.outlineWidth) > 0;
    return [e === document.body ? 'body' : e.dataset.walk ?? '', ring || seen.boxShadow !== 'none'];
}"""


@pytest.fixture(scope="module")
def served_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """A table of a few sessions."""
    return (write(tmp_path_factory.mktemp("given") / "walk.csv", rows(many(6), steps=4)),)


def walk(tab: Any) -> tuple[list[str], list[str]]:
    """Press Tab once around the page; return what was never come by, and where the focus was not seen."""
    names = tab.evaluate(MARKED, USED)
    found, blind = set(), []
    for _ in range(MOST):
        tab.keyboard.press("Tab")
        place, ring = tab.evaluate(WHERE)
        if place == "body" or place in found:
            break
        if place:
            found.add(place)
            blind += [] if ring else [names[int(place)]]
    return [name for k, name in enumerate(names) if str(k) not in found], blind


@pytest.mark.parametrize("desk", ["moves simulate", "moves plan", "play loop", "play chain", "decide", "analyze"])
def test_tab_comes_by_everything(tab: Any, served: str, desk: str) -> None:
    at(tab, served, desk, "" if desk not in ("decide", "analyze") else "?bootstrap=200")
    missed, blind = walk(tab)
    assert missed == []
    assert blind == []
