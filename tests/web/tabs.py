"""What tests of the page do in a tab: go to a desk, wait until it is painted, find a control and a figure."""

from __future__ import annotations

from typing import Any

PAINTED = 90_000  # milliseconds in which an answer is there, of long runs on a busy machine too
REST = 80  # milliseconds in which an answer that is on its way would be there


def at(tab: Any, served: str, desk: str, settings: str = "") -> Any:
    """Go to a desk by its address and wait until its whole answer is painted."""
    tab.goto("about:blank")
    tab.goto(f"{served}#{desk.replace(' ', '%20')}{settings}")
    tab.locator(f'[role="tab"][data-desk="{desk}"][aria-selected="true"]').wait_for(timeout=PAINTED)
    settled(tab)
    return tab


def settled(tab: Any) -> None:
    """Wait until what is painted leaves nothing out."""
    for _ in range(2):
        tab.locator('html[data-exact="1"]').wait_for(state="attached", timeout=PAINTED)
        tab.wait_for_timeout(REST)


def control(tab: Any, name: str) -> Any:
    """Return the control of a setting."""
    return tab.locator(f'#panel [data-setting="{name}"]')


def shown(tab: Any, place: str) -> str:
    """Return what is painted of a figure of the result."""
    return str(tab.locator(f'[data-json="{place}"]').first.text_content())
