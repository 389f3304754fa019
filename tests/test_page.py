"""The page and the terminal summary: self-contained, harmless, the JSON's figures, and compared with stored copies.

`LOOPSTAT_REGENERATE=1 pytest tests/test_page.py` writes the stored copies anew; read the difference before keeping it.
"""

from __future__ import annotations

import os
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from conftest import invoke, lineage_table, loop_rows, plain_table, strict_json, write_table
from loopstat.result import number, show

GOLDEN = Path(__file__).parent / "golden"
VOID = {"meta", "br", "hr", "img", "input", "link", "wbr", "col"}
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</title></style><script>1</script>",
    "a\" onmouseover='x' b",
    "{{ 7*7 }}&amp;",
)


class _Reader(HTMLParser):
    """Collects tags, attributes, text and tables; fails where tags do not nest."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.tables: list[list[list[str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.text.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1] += data

    def table(self, head: str) -> list[list[list[str]]]:
        """Return every table that has a column of this name."""
        return [t for t in self.tables if head in t[0]]


def read_page(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == [], "every tag is closed"
    return reader


def _made(folder: Path, *arguments: object) -> tuple[str, dict[str, Any]]:
    done = invoke("analyze", *arguments, "--html", folder / "p.html", "--json", folder / "p.json")
    assert done.exit_code == 0, done.stderr
    return (folder / "p.html").read_text(encoding="utf-8"), strict_json((folder / "p.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, plain_path: Path) -> tuple[str, dict[str, Any]]:
    return _made(tmp_path_factory.mktemp("page"), plain_path, "--by", "strategy", "--bootstrap", 100)


@pytest.fixture(scope="module")
def lineage(tmp_path_factory: pytest.TempPathFactory, lineage_path: Path) -> tuple[str, dict[str, Any]]:
    return _made(tmp_path_factory.mktemp("page"), lineage_path, "--minimize", "size", "--bootstrap", 100)


# -------------------------------------------------------------------------------- self-contained


def test_the_page_is_self_contained(plain: tuple[str, dict[str, Any]], lineage: tuple[str, dict[str, Any]]) -> None:
    for text, _ in (plain, lineage):
        reader = read_page(text)
        assert not re.search(r"https?://|//[a-z]+\.|@import|url\(", text)
        assert not {t for t, _ in reader.tags} & {"script", "link", "iframe", "object", "embed", "img", "form", "base"}
        for tag, attributes in reader.tags:
            for name, value in attributes.items():
                assert not name.startswith("on")
                assert name != "src"
                assert name != "href" or (value or "").startswith("#"), f"<{tag} href={value}>"
        assert len(text) < 200_000


def test_the_page_can_be_read_by_everyone(plain: tuple[str, dict[str, Any]]) -> None:
    reader = read_page(plain[0])
    named = dict(reader.tags)
    assert named["html"]["lang"] == "en"
    assert "width=device-width" in (next(a for t, a in reader.tags if a.get("name") == "viewport")["content"] or "")
    levels = [int(t[1]) for t, _ in reader.tags if re.fullmatch(r"h[1-6]", t)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels)), "no heading level is left out"
    assert all(a.get("scope") in ("col", "row") for t, a in reader.tags if t == "th")
    assert {"prefers-color-scheme: dark", "@media print"} <= set(
        re.findall(r"prefers-color-scheme: dark|@media print", plain[0])
    )
    tables = sum(t == "table" for t, _ in reader.tags)
    scrolling = [a for t, a in reader.tags if "scroll" in (a.get("class") or "").split()]
    assert len(scrolling) == tables, "every table scrolls in a box of its own"
    assert all(a.get("tabindex") == "0" and a.get("aria-label") for a in scrolling), "a keyboard can scroll it"


# ------------------------------------------------------------------------------------- harmless


def test_hostile_names_are_text(tmp_path: Path, plain: tuple[str, dict[str, Any]]) -> None:
    rows = [
        (f"{HOSTILE[2]}{s}", t, HOSTILE[k % 2], *x)
        for k in range(2)
        for s, t, *x in loop_rows(14, 5, seed=k, name=f"{k}")
    ]
    header = ("session", "step", "strategy", HOSTILE[0], HOSTILE[3])
    text, data = _made(tmp_path, write_table(tmp_path / "<b>t.csv", rows, header), "--by", "strategy")
    reader = read_page(text)
    harmless = {t for t, _ in read_page(plain[0]).tags} | {"ul", "li", "b", "details", "summary"}
    assert {t for t, _ in reader.tags} <= harmless, "names make no tags"
    assert not any(n.startswith("on") for _, attributes in reader.tags for n in attributes)
    shown = "".join(reader.text)
    for name in (*HOSTILE[:2], HOSTILE[3], "<b>t.csv"):
        assert name in shown, "they are read as they were written"
    cells = {c for table in reader.tables for row in table for c in row}
    assert {HOSTILE[0], HOSTILE[3]} <= cells
    assert any(HOSTILE[2] in c for c in cells), "sessions are named where they move an answer"
    assert {g["by"]["strategy"] for g in data["groups"]} == set(HOSTILE[:2])


# --------------------------------------------------------------------------------- same figures


def _shown(part: dict[str, Any], key: str, *index: int, beside: tuple[str, str] | None = None) -> str:
    values = [part[k] for k in (key, *(beside or (f"{key}_low", f"{key}_high")))]
    if values[0] is None:
        return "–"
    for i in index:
        values = [v[i] for v in values]
    nan = float("nan")
    value, low, high = (nan if v is None else v for v in values)
    low, high = (-float("inf") if low != low else low), (float("inf") if high != high else high)
    return show(value, low, high)


def _measured(value: float | None) -> str:
    if value is None:
        return "–"
    if value == round(value) and abs(value) < 1e6:
        return str(round(value))
    return "< 0.001" if 0 < value < 0.001 else number(value, 3)


def test_figures_are_those_of_the_json(plain: tuple[str, dict[str, Any]], lineage: tuple[str, dict[str, Any]]) -> None:
    for text, data in (plain, lineage):
        reader = read_page(text)
        shown = "".join(reader.text)
        groups = data["groups"]
        checks = reader.table("what it means")
        ends = reader.table("kept end" if groups[0]["lineage"] else "ends at")
        maps = reader.table("at zero")
        skills = reader.table("held-out error saved against")
        assert len(checks) == len(ends) == len(maps) == len(skills) == len(groups)
        for k, group in enumerate(groups):
            assert group["verdict"]["sentence"] in shown
            for row, check in zip(checks[k][1:], group["checks"], strict=True):
                assert row[0] == check["name"]
                assert row[2:] == [_measured(check["value"]), check["message"]]
                assert ("failed" in row[1]) != check["passed"]
            for j, name in enumerate(group["objectives"]):
                row = dict(zip(ends[k][0], ends[k][1 + j], strict=True))
                assert row["objective"] == name
                end = row["kept end" if group["lineage"] else "ends at"]
                assert end == _shown(group["kept_end"], "mean", j, beside=("low", "high"))
                assert row["R² of changes"] == _shown(group, "r2_increments", j)
                assert ("heads for" in row) != group["lineage"], "proposals head nowhere"
                where = (
                    ("proposals alone would rest at", "fixed_point")
                    if group["lineage"]
                    else ("heads for", "equilibrium")
                )
                assert row[where[0]] == _shown(group["drift"], where[1], j)
                n = range(len(group["objectives"]))
                assert maps[k][1 + j][1:] == [
                    *(_shown(group["drift"], "A", j, i) for i in n), _shown(group["drift"], "b", j)
                ]  # fmt: skip
            assert skills[k][2][1] == _shown(group["skill"], "mean")
        assert data["source"]["digest"] in shown


def test_regimes_and_trade_offs_are_those_of_the_json(plain: tuple[str, dict[str, Any]]) -> None:
    reader = read_page(plain[0])
    for k, group in enumerate(plain[1]["groups"]):
        for row, regime in zip(reader.table("regime")[k][1:], group["regimes"], strict=True):
            assert row[1] == show(regime["modulus"], regime["modulus_low"], regime["modulus_high"])
            assert row[2] == regime["regime"]
        pairs = reader.table("p (Holm)")[k][1:]
        assert [row[0] for row in pairs] == ["quality and speed", "quality and length", "speed and length"]
        for row, (i, j) in zip(pairs, ((0, 1), (0, 2), (1, 2)), strict=True):
            assert row[1] == _shown(group["interference"], "total", i, j, beside=("low", "high"))
            assert row[3] == _shown(group["interference"], "drift", i, j)
    assert reader.table("regime"), "there is something to compare"


def test_a_group_without_a_fit_says_why(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.csv", [(s, t, 1 + t % 2, 2) for s, t, *_ in loop_rows(12, 5)])
    text, data = _made(tmp_path, table, "--objectives", "quality,speed")
    shown = "".join(read_page(text).text)
    for sentence in data["groups"][0]["reasons"].values():
        assert sentence in shown


# --------------------------------------------------------------------------------- stored copies


def _scrubbed(text: str) -> str:
    import loopstat

    text = re.sub(r"\b[0-9a-f]{64}\b", "DIGEST", text)
    return text.replace(f"loopstat {loopstat.__version__}", "loopstat VERSION")


def _compare(name: str, text: str) -> None:
    stored = GOLDEN / name
    if os.environ.get("LOOPSTAT_REGENERATE"):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(text, encoding="utf-8")
    assert stored.is_file(), "LOOPSTAT_REGENERATE=1 pytest tests/test_page.py writes it"
    assert text == stored.read_text(encoding="utf-8"), "LOOPSTAT_REGENERATE=1 pytest tests/test_page.py writes it anew"


def test_the_page_is_the_stored_one(tmp_path: Path) -> None:
    text, _ = _made(tmp_path, plain_table(tmp_path / "runs.csv"), "--by", "strategy", "--bootstrap", 100)
    _compare("page.html", _scrubbed(text))


def test_the_terminal_summary_is_the_stored_one(tmp_path: Path) -> None:
    plain = invoke("analyze", plain_table(tmp_path / "runs.csv"), "--by", "strategy", "--bootstrap", 100)
    lineage = invoke("analyze", lineage_table(tmp_path / "lineage.csv"), "--minimize", "size", "--bootstrap", 100)
    small = invoke("analyze", write_table(tmp_path / "one.csv", loop_rows(1, 30)), "--bootstrap", 100)
    _compare("terminal.txt", _scrubbed("\n".join(r.stdout for r in (plain, lineage, small))))
