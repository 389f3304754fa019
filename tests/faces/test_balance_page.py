"""The page of the balance lens: self-contained, harmless, the JSON's figures; and in a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_cli import CONTROL
from test_page import expected, read_page

from balance_samples import analysis, edge_cases, everyday
from conftest import NARROW, WIDE, Open
from loopstat.balance.analysis import BalanceAnalysis
from loopstat.balance.view import document
from loopstat.faces.html import page

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

SAMPLES: dict[str, BalanceAnalysis] = {"everyday": everyday(), **edge_cases()}


def wrong(data: dict[str, Any], text: str) -> list[tuple[str, str, str]]:
    """Return (place, text, text wanted) of figures of a page that are not those of the JSON."""
    found = []
    for _, place, form, unit, shown in read_page(text).figures:
        wanted = expected(data, place, form, unit).replace("\xa0", " ")
        if shown.replace("\xa0", " ") != wanted:
            found.append((place, shown, wanted))
    return found


@pytest.mark.parametrize("name", list(SAMPLES))
def test_every_result_has_its_page(name: str) -> None:
    result = SAMPLES[name]
    text = page(document(result))
    reader = read_page(text)
    assert not CONTROL.search(text.replace("\xa0", " "))
    assert not set(re.findall(r"[\w.]+", "".join(reader.text))) & {"None", "nan", "inf"}
    assert wrong(result.to_dict(), text) == []
    assert len(text.encode()) < 150_000 + 110_000 * len(result.groups)


def test_there_are_figures_to_compare() -> None:
    figures = {place for _, place, *_ in read_page(page(document(everyday()))).figures}
    assert len(figures) > 250
    kinds = {re.sub(r"\.\d+", ".#", place) for place in figures}
    every = {
        *("potential.#", "potential_bound.#", "visits.#", "stationary.#", "escape.#", "action_per_state.#", "action"),
        *("test.p_value", "test.statistic", "test.df", "test.n_draws", "test.chi_square_p_value"),
        *("entropy_production.value", "entropy_production.one_way_pairs", "downhill.weighted", "downhill.pairs"),
        *("currents.#.value", "cycles.#.affinity", "cycles.#.n", "relaxation_times.#", "spectral_gap"),
        *("pairs.#.log_ratio", "pairs.#.potential_difference", "pairs.#.forward", "checks.#.value"),
        *("source_statistic.pair_chi2_ndf", "source_statistic.cycles"),
    }
    assert {f"groups.#.{path}" for path in every} | {"common_potential.correlation"} <= kinds


def test_figures_stand_under_their_headings() -> None:
    # Figures are compared by the places that cells name; here they are looked up by their headings instead.
    fit = everyday().groups[2]
    for head, *rows in read_page(page(document(everyday()))).table("left per visit"):
        for row in rows:
            if row[0] in fit.states:
                assert row[head.index("visits")] == f"{fit.counts.visits[fit.states.index(row[0])]:,.0f}"


# --------------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def report_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page with a group of every kind."""
    names = ("two classes", "hostile", "no pair both ways", "one state", "large")
    found = [g for result in (everyday(), *(SAMPLES[n] for n in names)) for g in result.groups]
    every = [replace(g, label=f"{k}={g.label}") for k, g in enumerate(found)]
    path = tmp_path_factory.mktemp("balance") / "balance.html"
    path.write_text(page(document(analysis(*every))), encoding="utf-8")
    return path


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_the_page_is_sound_in_a_browser(opened: Open, size: tuple[int, int], scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    tab = opened(size, color_scheme=scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= size[0], "nothing scrolls sideways"
    found = axe.Axe().run(tab).response["violations"]
    assert {v["id"]: [n["html"][:160] for n in v["nodes"]] for v in found} == {}
