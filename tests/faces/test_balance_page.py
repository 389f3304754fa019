"""The page of the balance lens: self-contained, harmless, the JSON's figures, and pictures that say what they show."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from loopstat.balance.layout import LETTER, WIDE
from loopstat.faces.balance_page import page
from loopstat.faces.moves_page import page_data
from test_browser import CHROMIUM, FLAGS, _missing
from test_cli import CONTROL
from test_page import read_page

from balance_samples import HOSTILE, WORDS, Sample, analysis, around, edge_cases, everyday, group, landscape, words
from loopstat.balance.features.held_out import NARROW
from loopstat.balance.view.layout import Layout, layout
from loopstat.faces import balance_page, svg_states
from loopstat.inference.estimate import number, show
from loopstat.results.chart import Node
from loopstat.results.words import counted

SAMPLES: dict[str, Sample] = {"everyday": everyday(), **edge_cases()}
COUNTS = {"visits", "n_transitions", "forward", "backward", "pairs", "cycles", "n_cycles", "df", "n_draws", "n"}
COUNTS |= {"one_way_pairs", "n_pairs", "size"}
WITHIN = {"value", "log_ratio", "affinity", "theta"}  # their interval stands beside them as `low` and `high`


def wanted(data: dict[str, Any], path: str) -> str:
    """Return the text of the figure at `path` of the JSON."""
    holder: Any = data
    parts = path.split(".")
    leaf = next(p for p in reversed(parts) if not p.isdigit())
    k = len(parts) - 1 - parts[::-1].index(leaf)
    for p in parts[:k]:
        holder = holder[int(p) if p.isdigit() else p]
    index = [int(p) for p in parts[k + 1 :]]

    def entry(key: str) -> Any:
        value = holder.get(key)
        for i in index:
            value = None if value is None else value[i]
        return value

    value = entry(leaf)
    assert value is not None, f"{path} is null and cannot be shown"
    if leaf in COUNTS and "downhill" not in parts:
        return counted(value)
    if leaf.endswith("p_value"):
        return "< 0.001" if value < 0.001 else number(value, 2)
    low, high = (entry(e) for e in (("low", "high") if leaf in WITHIN else (f"{leaf}_low", f"{leaf}_high")))
    if "traps" in parts and leaf != "escape":
        low = high = None
    if value == 0 and low in (None, 0) and high in (None, 0):
        stated = leaf == "escape" or (leaf in {*WITHIN, "potential", "stationary"} and "traps" not in parts)
        return "0" if stated else "0.000"
    if low is None or high is None:
        return number(0.0 if abs(value) < 1e-9 else value, 3)
    return show(value, low, high)


# -------------------------------------------------------------------------------- the whole page


@pytest.mark.parametrize("name", list(SAMPLES))
def test_every_result_has_its_page(name: str) -> None:
    sample = SAMPLES[name]
    text = page(sample)
    assert text == page(sample.data), "a result and its JSON form make the same page"
    reader = read_page(text)
    assert not CONTROL.search(text)
    assert not set(re.findall(r"[\w.]+", "".join(reader.text))) & {"None", "nan", "inf", "null"}
    wrong = [(path, shown, wanted(sample.data, path)) for _, path, shown in reader.figures]
    assert [w for w in wrong if w[1] != w[2]] == []
    assert len(text.encode()) < 200_000 + 40_000 * len(sample.data["groups"])


def test_there_are_figures_to_compare() -> None:
    figures = {path for _, path, _ in read_page(page(everyday())).figures}
    assert len(figures) > 250
    kinds = {re.sub(r"\.\d+", ".#", path) for path in figures}
    every = {
        *("potential.#", "potential_bound.#", "visits.#", "stationary.#", "escape.#", "action_per_state.#", "action"),
        *("test.p_value", "test.statistic", "test.df", "test.n_draws", "test.size_at_5_percent"),
        *("test.chi_square_p_value", "entropy_production.value", "entropy_production.one_way_pairs"),
        *("downhill.weighted", "downhill.pairs", "currents.#.value", "cycles.#.affinity", "cycles.#.n"),
        *("traps.#.escape", "order_test.p_value", "homogeneity.steps.p_value", "relaxation_times.#", "spectral_gap"),
        *("pairs.#.log_ratio", "pairs.#.potential_difference", "pairs.#.forward"),
        *("source_statistic.pair_chi2_ndf", "source_statistic.cycles"),
    }
    assert {f"groups.#.{path}" for path in every} <= kinds


def test_figures_stand_under_their_headings() -> None:
    # `wanted` trusts the place a cell names; these are looked up by their headings instead.
    data = everyday().data
    reader = read_page(page(data))
    for one, table in zip(data["groups"], reader.table("share of time")[::2], strict=True):
        for row in (dict(zip(table[0], cells, strict=True)) for cells in table[1:]):
            k = one["states"].index(row["state"])
            if one["potential"][k] is not None:
                assert row["potential"] == show(*(one[f"potential{end}"][k] for end in ("", "_low", "_high")))
            assert row["visits"] == f"{one['visits'][k]:,.0f}"
            assert row["left per visit"] == show(*(one[f"escape{end}"][k] for end in ("", "_low", "_high")))
    for one, table in zip(data["groups"], reader.table("a to b"), strict=False):
        assert [row[2:4] for row in table[1:]] == [
            [f"{p['forward']:,.0f}", f"{p['backward']:,.0f}"] for p in one["pairs"][: len(table) - 1]
        ]


def test_verdicts_checks_and_provenance_are_those_of_the_json() -> None:
    data = everyday().data
    reader = read_page(page(data))
    shown = "".join(reader.text)
    for one, table in zip(data["groups"], reader.table("what it means"), strict=True):
        assert one["verdict"]["sentence"] in shown
        for row, check in zip(table[1:], one["checks"], strict=True):
            assert (row[0], row[3]) == (check["name"], check["message"])
            assert ("failed" in row[1]) != check["passed"]
    for words_ in (data["source"]["digest"], data["version"], data["settings"]["command"], *data["notes"]):
        assert words_ in shown


def test_the_page_is_self_contained() -> None:
    text = page(everyday())
    reader = read_page(text)
    assert not re.search(r"https?:|[\"'(=\s]//[a-z0-9]|@import|url\(", text, re.I)
    assert reader.scripts == reader.blocks == []
    assert not {t for t, _ in reader.tags} & {"iframe", "object", "embed", "img", "form", "base", "use", "image"}
    policy = next(a["content"] for _, a in reader.tags if a.get("http-equiv"))
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    for tag, attributes in reader.tags:
        assert not any(n.startswith("on") or n in ("src", "srcset", "action", "data") for n in attributes)
        assert (attributes.get("href") or "#").startswith(("#", "data:")), f"<{tag} href>"


def test_links_anchors_headings_and_labels() -> None:
    reader = read_page(page(everyday()))
    names = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(names) == len(set(names)) == 3
    assert {(a["href"] or "")[1:] for t, a in reader.tags if t == "a"} == set(names)
    levels = [int(t[1]) for t, _ in reader.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels)), "no heading level is left out"
    scrolling = [a for t, a in reader.tags if "scroll" in (a.get("class") or "").split()]
    assert len(scrolling) == sum(t == "table" for t, _ in reader.tags)
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrolling)
    assert all(a.get("role") == "img" and a.get("aria-label") for t, a in reader.tags if t == "svg")


def test_hostile_names_are_text() -> None:
    sample = SAMPLES["hostile"]
    reader = read_page(page(sample))
    harmless = {t for t, _ in read_page(page(everyday())).tags}
    assert {t for t, _ in reader.tags} <= harmless | {"details", "summary", "ul", "li"}, "names make no tags"
    cells = {c for table in reader.tables for row in table for c in row}
    assert {HOSTILE[0], HOSTILE[1], "(empty)", "שלום עולם", "\\x1b[31mred\\x00"} <= cells
    assert "{{ 7*7 }}&amp;" in cells, "no template is run on what a table holds"
    assert not any("x" * 301 in word for word in reader.text)


def test_what_is_null_says_why() -> None:
    one = group(WORDS, words(), reasons={"test": "there is no cycle.", "p": "<b>"}, relaxation_times=None)
    shown = "".join(read_page(page(analysis(one))).text)
    assert "there is no cycle." in shown
    assert "<b>" in shown
    assert "no transition was found" in "".join(read_page(page(SAMPLES["no groups"])).text)
    assert "no state was seen" in "".join(read_page(page(SAMPLES["no transitions"])).text)
    assert "there is nothing to compare" in "".join(read_page(page(SAMPLES["no pair both ways"])).text)


@pytest.mark.parametrize("one", SAMPLES["everyday"].data["groups"][:2], ids=["driven", "words"])
def test_any_part_may_be_null(one: dict[str, Any]) -> None:
    for key, value in one.items():
        changes: list[Any] = [None]
        if isinstance(value, dict):
            changes += [{**value, name: None} for name in value]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            changes += [[{**item, name: None} for item in value] for name in value[0]]
        elif isinstance(value, list):
            changes += [[None] * len(value), value[:1]]
        for change in changes if key != "states" else [None]:
            assert page_data(analysis(one).data | {"groups": [{**one, key: change}]}).groups


# --------------------------------------------------------------------------------- the layout


def boxes(plan: Layout) -> list[tuple[float, float, float, float]]:
    """Return the rectangles that names take."""
    out = []
    for n in plan.nodes:
        if n.label is not None:
            x, y, anchor = n.label
            long = LETTER * len(n.name)
            left = {"start": x, "middle": x - long / 2, "end": x - long}[anchor]
            out.append((left, y - 9, left + long, y + 2))
    return out


def overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """True where two rectangles share ground."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("name", [n for n, s in SAMPLES.items() if s.data["groups"]])
def test_names_overlap_neither_names_nor_marks(name: str, width: float) -> None:
    for one in SAMPLES[name].data["groups"][:3]:
        plan = layout(one, width=width, most=40 if width == WIDE else 14)
        written = boxes(plan)
        assert not any(overlap(a, b) for a, b in itertools.combinations(written, 2))
        for n in plan.nodes:
            assert n.r - 1 <= n.x <= width - n.r + 1
            assert 0 <= n.y <= plan.height
        for left, top, right, bottom in written:
            assert left >= 0
            assert right <= width
            assert top >= 0
            assert bottom <= plan.height
        for n in plan.nodes:
            mark = (n.x - n.r + 1, n.y - n.r + 1, n.x + n.r - 1, n.y + n.r - 1)
            assert not any(overlap(mark, box) for box in written)


@pytest.mark.parametrize("name", ["everyday", "two classes", "no pair both ways", "hostile", "large"])
def test_marks_do_not_overlap_where_there_is_room(name: str) -> None:
    for one in SAMPLES[name].data["groups"]:
        plan = layout(one)
        for a, b in itertools.combinations(plan.nodes, 2):
            assert (a.x - b.x) ** 2 + (a.y - b.y) ** 2 > 0.8 * (a.r + b.r) ** 2, (a.name, b.name)


def test_height_is_potential_and_area_is_time() -> None:
    for one in everyday().data["groups"]:
        plan = layout(one)
        graph = [n for n in plan.nodes if n.row == "graph"]
        for n in graph:
            share = (one["potential"][n.place] - plan.low) / (plan.high - plan.low)
            assert n.y == pytest.approx(plan.bottom + share * (plan.top + 15 - plan.bottom))
        largest = max(graph, key=lambda n: n.r)
        for n in graph:
            if n.r > 4:
                time = one["stationary"][n.place] / one["stationary"][largest.place]
                assert (n.r / largest.r) ** 2 == pytest.approx(time)


def test_states_without_a_height_stand_apart() -> None:
    plan = layout(SAMPLES["no pair both ways"].data["groups"][0])
    where = {n.name: n for n in plan.nodes}
    assert [where[s].row for s in "abcd"] == ["transient"] * 3 + ["absorbing"]
    assert all(where[s].y < plan.top for s in "abc")
    assert where["d"].y > plan.bottom
    assert layout(group((), landscape(2, 9)[:0, :0])).nodes == ()


def test_the_layout_is_always_the_same_and_takes_the_most_visited() -> None:
    one = SAMPLES["large"].data["groups"][0]
    assert layout(one) == layout(one)
    order = sorted(one["visits"], reverse=True)
    assert [one["visits"][n.place] for n in layout(one, most=25).nodes] == order[:25]


# --------------------------------------------------------------------------------- pictures


def tree(picture: str) -> ElementTree.Element:
    """Read a picture."""
    return ElementTree.fromstring(picture)  # noqa: S314 - our own


def graph(one: dict[str, Any], **size: Any) -> str:
    """Draw the states of a group."""
    return svg_states.graph(one, layout(one, **size))


def looks(picture: str, look: str) -> list[ElementTree.Element]:
    """Return the elements that have a class."""
    return [e for e in tree(picture).iter() if look in (e.get("class") or "").split()]


@pytest.mark.parametrize("name", list(SAMPLES))
def test_pictures_are_well_formed_and_described(name: str) -> None:
    for one in SAMPLES[name].data["groups"][:3]:
        made = [graph(one), graph(one, width=NARROW, most=14), svg_states.ratios(one)]
        for picture in filter(None, [*made, svg_states.potentials(one), svg_states.relaxation(one)]):
            root = tree(picture)
            assert root.get("role") == "img"
            assert len(root.get("aria-label") or "") > 20
            assert float(root.get("width") or 0) <= WIDE
            numbers = [v for e in root.iter() for v in e.attrib.values()]
            assert not any({"nan", "inf"} & set(re.split(r"[\s,LMQ]", v)) for v in numbers)
        if made[1]:
            assert float(tree(made[1]).get("width") or 0) <= 340, "fits a telephone"


def test_the_graph_draws_every_state_pair_and_sure_current() -> None:
    driven, tree_, balanced = everyday().data["groups"]
    for one in (driven, tree_, balanced):
        picture = graph(one)
        assert len(looks(picture, "mark")) == len(one["states"])
        sure = sum(c["low"] > 0 for c in one["currents"])
        assert len([e for e in looks(picture, "flow") if "unsure" not in (e.get("class") or "")]) == sure
        both = sum(p["forward"] > 0 < p["backward"] for p in one["pairs"])
        links = [e for e in looks(picture, "link") if "one" not in (e.get("class") or "").split()]
        assert sum((e.get("d") or "").count("M") for e in links) == both
    assert len(looks(graph(tree_), "one")) == 1
    words_ = "".join(tree(graph(tree_)).itertext())
    assert "TURKEY: only left, potential above 7.4" in words_
    assert "only left, never entered again" in words_


def test_currents_are_as_wide_as_they_are_large() -> None:
    one = everyday().data["groups"][0]
    sure = [e for e in looks(graph(one), "flow") if "unsure" not in (e.get("class") or "")]
    widths = [float(e.get("stroke-width") or 0) for e in sure]
    values = [float((e[0].text or "").split(": ")[1].split()[0]) for e in sure]
    assert [w for _, w in sorted(zip(values, widths, strict=True))] == sorted(widths)


def test_tooltips_hold_the_figures() -> None:
    one = group(WORDS, words())
    shown = "".join(tree(graph(one)).itertext())
    for k in range(3):
        assert f"{WORDS[k]}: potential {show(*(one[f'potential{e}'][k] for e in ('', '_low', '_high')))}" in shown


def test_log_ratios_go_downhill_and_stand_with_their_intervals() -> None:
    for one in everyday().data["groups"]:
        points = svg_states.ratio_points(one)
        known = [p for p in one["pairs"] if p["log_ratio"] is not None]
        assert len(points) == len(known) == len(looks(svg_states.ratios(one), "mark"))
        for (x, y, low, high, _), pair in zip(points, known, strict=True):
            assert x == abs(pair["potential_difference"])
            assert abs(y) == abs(pair["log_ratio"])
            assert low is not None
            assert high is not None
            assert low < y < high
        off = sum(map(svg_states.off_line, points))
        assert f"{off} have intervals off the line" in svg_states.ratios(one)
    assert svg_states.ratios(SAMPLES["no pair both ways"].data["groups"][0]) == ""


def test_few_potentials_are_dots_and_many_a_histogram() -> None:
    few, many = everyday().data["groups"][2], SAMPLES["large"].data["groups"][0]
    assert len(looks(svg_states.potentials(few), "mark")) == 12
    columns = looks(svg_states.potentials(many), "column")
    known = sum(v is not None for v in many["potential"])
    assert sum(int((e[0].text or "").split()[0]) for e in columns) == known
    assert f"Potentials of {known} states" in svg_states.potentials(many)


def test_captions_say_what_is_left_out() -> None:
    large = page_data(SAMPLES["large"]).groups[0]
    assert large.caption.startswith("40 of 300 states, those with most visits: ")
    assert large.caption_narrow.startswith("14 of 300 states")
    split = page_data(SAMPLES["two classes"]).groups[0]
    assert "each has a zero of its own" in split.caption
    crowd = SAMPLES["many states"]
    hidden = sum(n.label is None for n in layout(crowd.data["groups"][0]).nodes)
    assert f"{hidden} names found no room" in page_data(crowd).groups[0].caption
    tree_ = page_data(everyday()).groups[1]
    assert "3 pairs seen one way only have no point" in tree_.ratios_caption
    assert "Dashed grey: seen one way only" in tree_.caption


def test_many_groups_make_a_page_that_can_be_sent() -> None:
    one = around([f"s{k}" for k in range(14)])
    many = analysis(*[one] * (balance_page.MANY + 1))
    assert len(page(many).encode()) < 14 * 80_000
    assert len(page_data(many).groups[0].ratios) < len(page_data(analysis(one)).groups[0].ratios)
    assert balance_page.FEW_POINTS < svg_states.MAX_POINTS


def test_two_states_side_by_side_do_not_hide_an_arrow() -> None:
    a, b = Node(0, "a", 100, 100, 8, "graph", 0), Node(1, "b", 200, 100, 8, "graph", 0)
    there, back = svg_states._arrow(a, b, 2, 0.16), svg_states._arrow(b, a, 2, 0.16)
    middle = [float(d.split("Q")[1].split(",")[1].split()[0]) for d in (there, back)]
    assert middle == [116.0, 84.0], "each bends to its right"


# --------------------------------------------------------------------------------- in a browser

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright")
    if not CHROMIUM.exists():
        _missing(str(CHROMIUM))
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One page with a group of every kind."""
    names = ("two classes", "hostile", "nulls", "one state", "all transient")
    every = [g for s in (everyday(), *(SAMPLES[n] for n in names)) for g in s.data["groups"]]
    groups = [{**g, "label": f"{k}={g['label']}"} for k, g in enumerate(every)]
    path = tmp_path_factory.mktemp("balance") / "balance.html"
    path.write_text(page(analysis(*groups)), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Open]:
    said: list[str] = []
    asked: list[str] = []
    contexts = []

    def open_(width: int, **settings: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **settings)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(message.text))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto(report.as_uri())
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert said == [], "the console is silent"
    assert {u.split("#")[0] for u in asked if not u.startswith("data:")} == {report.as_uri()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_serious_is_found_by_axe(opened: Open, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    found = axe.Axe().run(opened(width, color_scheme=scheme)).response["violations"]
    assert {v["id"]: [n["html"][:160] for n in v["nodes"]] for v in found} == {}


@pytest.mark.parametrize("width", [320, 400, 768])
def test_the_page_does_not_scroll_sideways(opened: Open, width: int) -> None:
    tab = opened(width)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    wide = tab.evaluate(
        """[...document.querySelectorAll("main *")].filter((e) => !e.closest(".scroll, svg")
          && e.getBoundingClientRect().right > innerWidth + 0.5).map((e) => e.outerHTML.slice(0, 100))"""
    )
    assert wide == [], "nothing is cut off either"


@pytest.mark.parametrize(("width", "seen", "hidden"), [(1280, ".wide", ".narrow"), (400, ".narrow", ".wide")])
def test_one_graph_of_the_two_is_seen(opened: Open, width: int, seen: str, hidden: str) -> None:
    tab = opened(width)
    assert tab.locator(f"{seen} svg").first.is_visible()
    assert tab.locator(f"{hidden} svg").first.is_hidden()
    box = tab.locator(f"{seen} svg").first.bounding_box()
    assert box["width"] == float(tab.locator(f"{seen} svg").first.get_attribute("width")), (
        "not shrunk: text stays 12 px"
    )


def test_every_table_can_be_reached_by_keyboard(opened: Open) -> None:
    tab = opened(1280)
    reached = set()
    for _ in range(20):
        tab.keyboard.press("Tab")
        reached.add(tab.evaluate("document.activeElement.className || document.activeElement.tagName"))
    assert {"A", "scroll"} <= reached


def test_the_page_prints_on_white(opened: Open, tmp_path: Path) -> None:
    tab = opened(1280, color_scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(tab.pdf(path=str(tmp_path / "balance.pdf"))) > 30_000
