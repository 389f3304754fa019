"""The page and the terminal summary: self-contained, harmless, the JSON's figures, and compared with stored copies.

`LOOPSTAT_REGENERATE=1 pytest tests/faces/test_page.py` writes the stored copies anew; read what differs before.
"""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import loopstat
from conftest import invoke, lineage_table, loop_rows, plain_table, strict_json, write_table
from loopstat.analysis.analyze import analyze
from loopstat.analysis.view import document
from loopstat.faces.html import page
from loopstat.io import read
from loopstat.results.chart import Chart, Line, Rule
from loopstat.results.document import Document, Provenance, Section
from loopstat.results.words import FORMS, show

GOLDEN = Path(__file__).parent.parent / "golden"
VOID = {"meta", "br", "hr", "img", "input", "link", "wbr", "col"}
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</title></style></script><script>1</script><!--",
    "a\" onmouseover='x' b",
    "{{ 7*7 }}&amp;",
)
MATCH = "LOOPSTAT_REGENERATE=1 pytest tests/faces/test_page.py writes it anew"

Made = tuple[str, dict[str, Any]]


class _Reader(HTMLParser):
    """Collects tags, attributes, text, tables, figures and scripts; fails where tags do not nest."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []
        self.figures: list[list[str]] = []  # report, place in its JSON, form, unit, text
        self.blocks: list[str] = []  # JSON for the charts
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.report = ""
        self.named: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        if tag not in VOID:
            self.open.append(tag)
        self.report = named.get("data-report") or self.report
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        elif tag == "script":
            (self.blocks if named.get("type") == "application/json" else self.scripts).append("")
        elif tag == "style":
            self.styles.append("")
        if "data-json" in named:
            figure = (named["data-json"] or "", named.get("data-form") or "figure", named.get("data-unit") or "")
            self.figures.append([self.report, *figure, ""])
        self.named = named

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"
        self.named = {}

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "style":
            self.styles[-1] += data
        elif inside == "script":
            (self.blocks if self.named.get("type") == "application/json" else self.scripts)[-1] += data
        else:
            self.text.append(data)
            if {"td", "th"} & set(self.open):
                self.tables[-1][-1][-1] += data
            if "data-json" in self.named:
                self.figures[-1][-1] += data

    def table(self, head: str) -> list[list[list[str]]]:
        """Return every table that has a column of this name."""
        return [t for t in self.tables if head in t[0]]


def read_page(text: str) -> _Reader:
    """Read a page; every tag must nest and be closed."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [], "every tag is closed"
    return reader


def expected(data: dict[str, Any], path: str, form: str, unit: str) -> str:
    """Return the text of the figure at `path` of the JSON, with its interval where the JSON has one beside it."""
    holder: Any = data
    parts = path.split(".")
    while not (isinstance(holder, dict) and not isinstance(holder[parts[0]], dict) and _numeric(holder[parts[0]])):
        holder = holder[int(parts[0]) if isinstance(holder, list) else parts[0]]
        parts = parts[1:]
    key, index = parts[0], [int(p) for p in parts[1:]]
    beside = next((p for p in ((f"{key}_low", f"{key}_high"), ("low", "high")) if p[0] in holder), ("", ""))
    beside = ("", "") if form in ("number", "rough", "p", "signed") else beside
    value, low, high = (_entry(holder, k, index) for k in (key, *beside))
    assert value is not None, f"{path} is null and cannot be shown"
    said = FORMS[form](value, low, high).replace(" [", f" {unit} [" if unit else " [")
    return said.replace(" ", "\xa0")


def _numeric(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = next((v for v in value if v is not None), None)
    return value is None or isinstance(value, int | float)


def _entry(holder: dict[str, Any], key: str, index: list[int]) -> float | None:
    value = holder.get(key)
    for i in index:
        value = None if value is None else value[i]
    return value


def _made(folder: Path, *arguments: object) -> Made:
    done = invoke("analyze", *arguments, "--html", folder / "p.html", "--json", folder / "p.json")
    assert done.exit_code == 0, done.stderr
    return (folder / "p.html").read_text(encoding="utf-8"), strict_json((folder / "p.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, plain_path: Path) -> Made:
    return _made(tmp_path_factory.mktemp("page"), plain_path, "--by", "strategy", "--bootstrap", 100)


@pytest.fixture(scope="module")
def lineage(tmp_path_factory: pytest.TempPathFactory, lineage_path: Path) -> Made:
    return _made(tmp_path_factory.mktemp("page"), lineage_path, "--minimize", "size", "--bootstrap", 100)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A table whose file, columns, labels, sessions and cluster names are all attacks."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [
        (f"{HOSTILE[2]}{HOSTILE[1]}{s}", t, HOSTILE[k % 2], *x)
        for k in range(2)
        for s, t, *x in loop_rows(14, 5, seed=k, name=f"{k}")
    ]
    header = ("session", "step", "strategy", HOSTILE[0], HOSTILE[1])
    table = write_table(folder / "<b>t<!--.csv", rows, header)
    return _made(folder, table, "--by", "strategy", "--bootstrap", 50)


# -------------------------------------------------------------------------------- self-contained


def _without_levels(text: str) -> str:
    """Leave out the sessions' packed scores: base64 has slashes of its own."""
    return re.sub(r'"levels": "[A-Za-z0-9+/=]*"', "", text)


def test_the_page_is_self_contained(plain: Made, lineage: Made) -> None:
    for text, _ in (plain, lineage):
        reader = read_page(text)
        assert not re.search(r"https?:|[\"'(=\s]//[a-z0-9]|@import|url\(", _without_levels(text), re.I)
        assert not {t for t, _ in reader.tags} & {"iframe", "object", "embed", "img", "form", "base", "use", "image"}
        for tag, attributes in reader.tags:
            for name, value in attributes.items():
                assert not name.startswith("on")
                assert name not in ("src", "srcset", "action", "xlink:href", "data")
                assert name != "href" or (value or "").startswith(("#", "data:")), f"<{tag} href={value}>"


def test_the_policy_lets_nothing_in(plain: Made) -> None:
    policy = next(a["content"] for _, a in read_page(plain[0]).tags if a.get("http-equiv"))
    assert policy is not None
    allowed = dict(part.split(maxsplit=1) for part in policy.split("; "))
    assert allowed.pop("default-src") == "'none'"
    assert all(set(value.split()) <= {"'unsafe-inline'", "data:"} for value in allowed.values())


def test_links_lead_somewhere_and_anchors_are_distinct(plain: Made, lineage: Made) -> None:
    for text, _ in (plain, lineage):
        reader = read_page(text)
        names = [a["id"] for _, a in reader.tags if "id" in a]
        assert len(names) == len(set(names))
        goals = {(a["href"] or "")[1:] for t, a in reader.tags if t == "a"}
        assert goals <= set(names)


def test_the_page_can_be_read_by_everyone(plain: Made) -> None:
    reader = read_page(plain[0])
    named = dict(reader.tags)
    assert named["html"]["lang"] == "en"
    assert "width=device-width" in (next(a for t, a in reader.tags if a.get("name") == "viewport")["content"] or "")
    levels = [int(t[1]) for t, _ in reader.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), "no heading level is left out"
    assert all(a.get("scope") in ("col", "row") for t, a in reader.tags if t == "th")
    assert {"prefers-color-scheme: dark", "@media print"} <= set(
        re.findall(r"prefers-color-scheme: dark|@media print", "".join(reader.styles))
    )
    tables = sum(t == "table" and a.get("class") != "answers" for t, a in reader.tags)
    scrolling = [a for t, a in reader.tags if "scroll" in (a.get("class") or "").split()]
    assert len(scrolling) == tables, "every table but that of the answers scrolls in a box of its own"
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrolling), "a keyboard can scroll it"
    pictures = [a for t, a in reader.tags if t == "svg"]
    assert pictures
    assert all(a.get("role") == "img" and a.get("aria-label") for a in pictures)


# ------------------------------------------------------------------------------------- harmless


def test_hostile_names_are_text(hostile: Made, plain: Made) -> None:
    reader = read_page(hostile[0])
    harmless = {t for t, _ in read_page(plain[0]).tags} | {"ul", "li", "b", "details", "summary", "a"}
    assert {t for t, _ in reader.tags} <= harmless, "names make no tags"
    assert not any(n.startswith("on") for _, attributes in reader.tags for n in attributes)
    shown = "".join(reader.text)
    for name in (*HOSTILE[:2], "<b>t<!--.csv"):
        assert name in shown, "they are read as they were written"
    cells = {c for table in reader.tables for row in table for c in row}
    assert set(HOSTILE[:2]) <= cells
    assert any(HOSTILE[2] in c for c in cells), "sessions are named where they move an answer"
    assert {g["by"]["strategy"] for g in hostile[1]["groups"]} == set(HOSTILE[:2])
    assert "49" not in {c.strip() for c in cells}, "no template is run on what a table holds"


def test_hostile_names_stay_in_the_charts_data(hostile: Made, plain: Made) -> None:
    reader = read_page(hostile[0])
    assert len(reader.scripts) == len(read_page(plain[0]).scripts), "no name starts a script"
    found = [json.loads(block) for block in reader.blocks]
    assert {f["described"].split(": the mean")[0] for f in found} == set(HOSTILE[:2])
    assert all(n.startswith(f"{HOSTILE[2]}{HOSTILE[1][:20]}") for f in found for n in f["paths"]["names"])
    assert all("<" not in block and ">" not in block for block in re.findall(r'json">(.*?)</script>', hostile[0], re.S))


def test_hostile_names_stay_in_labels(hostile: Made) -> None:
    labels = [a.get("aria-label") or "" for _, a in read_page(hostile[0]).tags]
    for name in HOSTILE[:2]:
        assert any(name in label for label in labels), "pictures are described by the names as they are"


def test_hostile_names_of_a_lineage_and_of_several_files(tmp_path: Path) -> None:
    rows = [(s, t, HOSTILE[3], *x) for s, t, *x in loop_rows(12, 6)]
    names = [f"{k}{HOSTILE[2]}.csv" for k in range(2)]
    paths = [write_table(tmp_path / n, rows, ("session", "step", HOSTILE[0], "a", "b")) for n in names]
    reader = read_page(_made(tmp_path, *paths, "--by", "file", "--bootstrap", 20)[0])
    assert all(any(n in c for t in reader.tables for row in t for c in row) for n in names)


# --------------------------------------------------------------------------------- same figures


def test_every_figure_is_that_of_the_json(plain: Made, lineage: Made, hostile: Made) -> None:
    for (text, data), least in ((plain, 100), (lineage, 20), (hostile, 50)):
        reader = read_page(text)
        said = [(figure, text, expected(data, *figure)) for _, *figure, text in reader.figures]
        assert not [row for row in said if row[1].replace(" ", "\xa0") != row[2]]
        assert len(reader.figures) >= least, "there is something to compare"


def test_figures_are_where_they_are_said_to_be(plain: Made) -> None:
    # `expected` trusts the place a cell names; these are looked up by their headings instead.
    reader, data = read_page(plain[0]), plain[1]
    for k, group in enumerate(data["groups"]):
        names = group["objectives"]
        for j, name in enumerate(names):
            row = dict(zip(reader.table("ends at")[k][0], reader.table("ends at")[k][1 + j], strict=True))
            ends, drift = group["kept_end"], group["drift"]
            assert row["objective"] == name
            assert row["ends at"] == show(ends["mean"][j], ends["low"][j], ends["high"][j])
            rest = (drift[f"equilibrium{end}"][j] for end in ("", "_low", "_high"))
            assert row["heads for"] == show(*rest)
            slopes = [
                show(*(drift[f"A{end}"][j][i] for end in ("", "_low", "_high"))) for i in range(len(names))
            ]  # fmt: skip
            assert reader.table("at zero")[k][1 + j][1:-1] == slopes
        for row, regime in zip(reader.table("regime")[k][1:], group["regimes"], strict=True):
            assert row[1] == show(regime["modulus"], regime["modulus_low"], regime["modulus_high"])
            assert row[2] == regime["regime"]
        total = group["interference"]
        order = {"quality and speed": (0, 1), "quality and length": (0, 2), "speed and length": (1, 2)}
        assert {row[0] for row in reader.table("correlation of changes")[k][1:]} == set(order)
        for row in reader.table("correlation of changes")[k][1:]:
            i, j = order[row[0]]
            assert row[1] == show(*(total[end][i][j] for end in ("total", "low", "high")))


def test_verdicts_checks_and_provenance_are_those_of_the_json(plain: Made, lineage: Made) -> None:
    for text, data in (plain, lineage):
        reader = read_page(text)
        shown = "".join(reader.text)
        checks = reader.table("what it means")
        assert len(checks) == len(data["groups"])
        for table, group in zip(checks, data["groups"], strict=True):
            assert group["verdict"]["sentence"] in shown
            for row, check in zip(table[1:], group["checks"], strict=True):
                assert row[0] == check["name"]
                assert row[-1] == check["message"]
                assert ("failed" in row[1]) != check["passed"]
        assert data["source"]["digest"] in shown
        assert loopstat.__version__ in shown
        assert all(note in shown for note in data["notes"])


def test_the_key_shows_strokes_as_they_are_drawn() -> None:
    x = np.arange(3.0)
    marks = (
        Line(x, x, label="mean"),
        Line(x, x + 1, label="forecast", stroke="dashed"),
        Line(x, x + 2, label="limit", stroke="dotted"),
        Rule("y", 1.0, label="target", stroke="dotted"),
        Rule("y", 2.0, label="now"),
    )
    section = Section("g0", "group", (Chart("g0-lines", "Lines", marks, live=True),))
    text = page(Document("analyze", "x", Provenance("0"), sections=(section,)))
    [key] = re.findall(r'<p class="key">(<span>.*?)</p>', text)
    assert re.findall(r"k-(\w+) s-(\w+) t-\w+\"></i>(\w+)", key) == [
        *(("line", "solid", "mean"), ("line", "dashed", "forecast"), ("line", "dotted", "limit")),
        *(("rule", "dotted", "target"), ("rule", "dashed", "now")),
    ]
    for stroke in ("dashed", "dotted"):
        assert f".key .s-{stroke} {{ border-top-style: {stroke}; }}" in text


def test_a_group_without_a_fit_says_why(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", [(s, t, 1 + t % 2, 2) for s, t, *_ in loop_rows(12, 5)])
    text, data = _made(tmp_path, table, "--objectives", "quality,speed")
    shown = "".join(read_page(text).text)
    for sentence in data["groups"][0]["reasons"].values():
        assert sentence in shown


def test_several_reports_on_one_page(plain_path: Path, lineage_path: Path) -> None:
    results = [
        analyze(read([str(p)]), by=[], estimator=loopstat.LinearDrift("pooled", n_boot=30))
        for p in (plain_path, lineage_path)
    ]
    reader = read_page(page([document(r) for r in results]))
    names = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(names) == len(set(names))
    assert {(a["href"] or "")[1:] for t, a in reader.tags if t == "a"} <= set(names)
    data = [r.to_dict() for r in results]
    assert {r for r, *_ in reader.figures} == {"0", "1"}
    shown = [(text.replace(" ", "\xa0"), expected(data[int(r)], *figure)) for r, *figure, text in reader.figures]
    assert all(a == b for a, b in shown)


# --------------------------------------------------------------------------------- stored copies


def _scrubbed(text: str) -> str:
    """Take out what changes with the version, the data's digest and the look."""
    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    text = re.sub(r"<style>.*?</style>", "<style>STYLE</style>", text, flags=re.S)
    text = re.sub(r"<script>.*?</script>", "<script>SCRIPT</script>", text, flags=re.S)
    return text.replace(f"loopstat {loopstat.__version__}", "loopstat VERSION")


def _compare(name: str, text: str) -> None:
    stored = GOLDEN / name
    if os.environ.get("LOOPSTAT_REGENERATE"):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(text, encoding="utf-8")
    assert stored.is_file(), MATCH
    assert text == stored.read_text(encoding="utf-8"), MATCH


def _small_table(path: Path) -> Path:
    """Write 24 sessions of two groups and two objectives: everything the page has, and short."""
    rows = [(s, t, k, *x) for k in "ab" for s, t, *x in loop_rows(12, 5, seed=ord(k), name=k)]
    return write_table(path, rows, ("session", "step", "strategy", "quality", "speed"))


def test_the_page_is_the_stored_one(tmp_path: Path) -> None:
    text, _ = _made(tmp_path, _small_table(tmp_path / "runs.csv"), "--by", "strategy", "--bootstrap", 20)
    _compare("page.html", _scrubbed(text))


def test_the_terminal_summary_is_the_stored_one(tmp_path: Path) -> None:
    plain = invoke("analyze", plain_table(tmp_path / "runs.csv"), "--by", "strategy", "--bootstrap", 100)
    lineage = invoke("analyze", lineage_table(tmp_path / "lineage.csv"), "--minimize", "size", "--bootstrap", 100)
    small = invoke("analyze", write_table(tmp_path / "one.csv", loop_rows(1, 30)), "--bootstrap", 100)
    _compare("terminal.txt", _scrubbed("\n".join(r.stdout for r in (plain, lineage, small))))
