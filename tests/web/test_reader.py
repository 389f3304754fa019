"""Sessions to be read: steps equal the table, changes equal difflib, what was kept, and the dialog by keyboard."""

from __future__ import annotations

import difflib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import duckdb
import pytest

from conftest import NARROW
from loopstat import read
from loopstat.faces.web.changes import changes
from loopstat.io.described import describe
from loopstat.io.sessions.one import NoSessionError, list_sessions, read_session

from .conftest import Serve
from .table_samples import HEAD, HOSTILE, NAMES, many, rows, text_of, write
from .wire import got

LLAMEA = Path("/work/shared/data/llamea/llamea_code.parquet")
OPEN = "async ([source, name, columns]) => { (await import('./static/reader.js')).openReader(source, name, columns); }"


def sessions_of(address: str, ids: str = "s1", **query: Any) -> Any:
    """Ask for sessions."""
    return json.loads(got(f"{address}sources/{ids}/sessions?{urlencode(query)}")[2])


def session_of(address: str, name: str, ids: str = "s1", **query: Any) -> Any:
    """Ask for one session."""
    return json.loads(got(f"{address}sources/{ids}/session?{urlencode({'name': name, **query})}")[2])


@pytest.fixture(scope="module")
def served_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Return a table whose sessions have hostile names and texts."""
    return (write(tmp_path_factory.mktemp("given") / "hostile.csv", rows()),)


# ------------------------------------------------------------------------------------ changes


def joined(found: Sequence[Sequence[str]], signs: str) -> str:
    """Return the lines with some signs."""
    return "\n".join(lines for sign, lines in found if sign in signs)


@pytest.mark.parametrize("seed", range(6))
def test_changes_are_those_of_difflib(seed: int) -> None:
    import random

    draw = random.Random(seed)  # noqa: S311 - texts, not secrets
    before = [draw.choice("abcdefgh") for _ in range(draw.randrange(1, 60))]
    after = [line for line in before if draw.random() < 0.8] + [draw.choice("xyz") for _ in range(5)]
    found = changes("\n".join(before), "\n".join(after))
    assert found is not None
    assert joined(found, "=-") == "\n".join(before)
    assert joined(found, "=+") == "\n".join(after)
    marked = [sign + line for sign, lines in found for line in lines.split("\n")]
    codes = difflib.SequenceMatcher(None, before, after).get_opcodes()
    wanted = []
    for kind, i, j, k, m in codes:
        if kind == "equal":
            wanted += ["=" + line for line in before[i:j]]
        else:
            wanted += ["-" + line for line in before[i:j]] + ["+" + line for line in after[k:m]]
    assert marked == wanted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a\n" * 150_000, "a\nb\n" * 90_000),
        ("\n".join(map(str, range(19_000))), "\n".join(str((7 * k) % 19_001) for k in range(19_000))),
        ("x\ny\n" * 9_000, "y\nx\n" * 9_000),
        ("\n".join("ab"[k % 3 % 2] for k in range(199)) * 60, "\n".join("ba"[k % 5 % 2] for k in range(199)) * 60),
    ],
)
def test_changes_never_take_long(before: str, after: str) -> None:
    began = time.perf_counter()
    found = changes(before, after)
    assert time.perf_counter() - began < 3  # 0.3 s and one look for the longest match, on a busy machine
    assert found is None or joined(found, "=+") == after


# ------------------------------------------------------------------------------------ one session


@pytest.mark.slow
def test_steps_are_those_of_the_table(served: str) -> None:
    for s, name in enumerate(NAMES):
        found = session_of(served, name)
        assert found["session"] == name
        assert found["labels"] == {"strategy": "ab"[s % 2], HEAD[-1]: "x"}
        assert [step["step"] for step in found["steps"]] == list(range(6))
        for t, (step, row) in enumerate(zip(found["steps"], rows()[6 * s :], strict=False)):
            assert step["scores"] == {"quality": row[3], "speed": row[4]}
            assert step["kept"] is None, "a plain loop: nothing says what was kept"
            assert step["parent"] == (t - 1 if t else None)
            held = step["texts"]["answer"]
            assert (held["text"], held["shortened"]) == (text_of(s, t), False)
            assert held["changes"] == (changes(text_of(s, t - 1), text_of(s, t)) if t else None)


@pytest.mark.slow
def test_sessions_are_listed_found_and_surrounded(serve: Serve, tmp_path: Path) -> None:
    address = serve(write(tmp_path / "many.csv", rows(many(450), steps=3))).address
    found = sessions_of(address)
    assert [s["name"] for s in found["sessions"]] == [f"run {k}" for k in range(200)]
    assert (found["more"], found["total"]) == (250, 450)
    assert found["sessions"][0] == {"name": "run 0", "steps": 3, "labels": {"strategy": "a", HEAD[-1]: "x"}}
    assert [s["name"] for s in sessions_of(address, find="RUN 44")["sessions"]] == [
        "run 44",
        *(f"run {k}" for k in range(440, 450)),
    ]
    around = sessions_of(address, around="run 300")
    assert (around["sessions"][around["at"]]["name"], around["number"]) == ("run 300", 301)
    status, _, body = got(f"{address}sources/s1/session?name=run+4400")
    assert status == 404
    assert json.loads(body)["error"] == "there is no session 'run 4400'. Did you mean 'run 440'?"


@pytest.mark.slow
def test_a_table_that_changes_on_disk_is_listed_anew(serve: Serve, tmp_path: Path) -> None:
    path = write(tmp_path / "grows.csv", rows(many(3), steps=2))
    address = serve(path).address
    assert sessions_of(address)["total"] == 3
    write(path, rows(many(5), steps=2))
    assert sessions_of(address)["total"] == 5


def test_several_tables_name_their_sessions(serve: Serve, tmp_path: Path) -> None:
    first, second = (write(tmp_path / name, rows(many(3), seed=k)) for k, name in enumerate(("a.csv", "b.csv")))
    address = serve(first, second).address
    names = [s["name"] for s in sessions_of(address, "s1,s2")["sessions"]]
    assert names == list(read([first, second]).session_names)
    found = session_of(address, "b.csv:run 1", "s1,s2")
    assert found["steps"][2]["scores"]["quality"] == rows(many(3), seed=1)[8][3]
    assert found["labels"]["file"] == str(second)


def test_what_was_kept_is_as_a_panel_says_it(tmp_path: Path) -> None:
    head = ("session", "step", "accepted", "q")
    table = [(f"r{s}", t, (s + t) % 3 == 0, (s * 5 + t * 7) % 11) for s in range(6) for t in range(8)]
    path = write(tmp_path / "a.csv", table, head)
    panel = read(path)
    seen = describe(path)
    for s, name in enumerate(panel.session_names):
        inside = panel.session == s
        held = panel.kept_rows[inside] - int(inside.argmax())
        found = read_session(path, name, seen).steps
        assert [step.kept for step in found] == [int(k) == i for i, k in enumerate(held)]
        parents = panel.parent[inside] - int(inside.argmax())
        assert [step.source for step in found] == [int(p) if p >= 0 else None for p in parents]
        best = read_session(path, name, seen, best="-q").steps
        lowest = [step.scores["q"] for step in best]
        assert [step.kept for step in best] == [v < min([99, *lowest[:i]]) for i, v in enumerate(lowest)]


def test_the_list_is_that_of_the_panel(tmp_path: Path) -> None:
    head = ("run", "t", "strategy", "mood", "q")
    table = [(f"r{9 - s}", t, "ab"[s % 2], "xy"[t % 2], (s * 5 + t * 7) % 11) for t in range(4) for s in range(9)]
    path = write(tmp_path / "a.csv", table, head)
    names = {"session": "run", "step": "t"}
    panel = read(path, columns=names)
    found = list_sessions(path, describe(path), names)
    assert [s.name for s in found] == list(panel.session_names)
    assert [s.steps for s in found] == [4] * 9
    assert [dict(s.labels) for s in found] == [{"strategy": "ab"[s % 2]} for s in range(9)]


@pytest.mark.skipif(not LLAMEA.exists(), reason="needs the shared recordings")
def test_recorded_code_is_read_with_its_parents() -> None:
    seen = describe(LLAMEA)
    name = "supers/_exp-prompt9-gpt-4o/5/exp-11-07_045133-LLaMEA-gpt-4o-5"
    found = read_session(LLAMEA, name, seen)
    asked = "SELECT step, artifact, accepted, parent_step FROM read_parquet(?) WHERE session = ? ORDER BY step"
    table = duckdb.connect().execute(asked, [str(LLAMEA), name]).fetchall()
    assert [(s.step, s.texts["artifact"]) for s in found.steps] == [row[:2] for row in table]
    assert [s.kept for s in found.steps] == [row[2] for row in table]
    parents = [None if s.source is None else found.steps[s.source].step for s in found.steps]
    there = {row[0] for row in table}
    assert parents == [row[3] if row[3] in there else None for row in table]


@pytest.mark.slow
def test_long_texts_are_shortened_and_fetched_whole(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    made = "SELECT 's' || i // 3 AS session, i % 3 AS step, i * 0.5 AS q, "
    made += "CASE WHEN i % 3 = 2 THEN repeat('x', 10000000) ELSE repeat('line ' || i || chr(10), 4000) END AS artifact"
    duckdb.connect().execute(f"COPY ({made} FROM range(6) r(i)) TO '{path}'")
    address = serve(path).address
    found = session_of(address, "s1")
    held = [step["texts"]["artifact"] for step in found["steps"]]
    assert [(len(h["text"]), h["shortened"]) for h in held] == [(20_000, True)] * 3
    assert held[2]["changes"] is None, "ten million letters are not compared"
    assert sum(len(lines) for _, lines in held[1]["changes"]) <= 40_000
    whole = session_of(address, "s1", whole="2:artifact")
    assert whole["text"] == "x" * 10_000_000
    assert session_of(address, "s1", whole="1:artifact")["changes"][-1][0] in "=+"
    for place in ("9:artifact", "0:nothing", "x:artifact", ":", "-1:artifact", "9" * 5000 + ":artifact"):
        assert got(f"{address}sources/s1/session?{urlencode({'name': 's1', 'whole': place})}")[0] == 404


def test_null_bytes_in_names_are_letters(tmp_path: Path) -> None:
    path = tmp_path / "null.parquet"
    made = "SELECT 'a' || chr(0) || i // 3 AS session, i % 3 AS step, i * 0.5 AS q FROM range(9) r(i)"
    duckdb.connect().execute(f"COPY ({made}) TO '{path}'")
    seen = describe(path)
    assert [s.name for s in list_sessions(path, seen)] == ["a\x000", "a\x001", "a\x002"]
    assert [s.scores["q"] for s in read_session(path, "a\x001", seen).steps] == [1.5, 2.0, 2.5]
    with pytest.raises(NoSessionError):
        read_session(path, "a", seen)


@pytest.mark.slow
def test_many_long_texts_come_in_parts(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    made = "SELECT 's' || i // 300 AS session, i % 300 AS step, i * 0.5 AS q"
    text = "repeat('v' || i || chr(10), 3000) AS artifact"
    duckdb.connect().execute(f"COPY ({made}, {text} FROM range(600) r(i)) TO '{path}'")
    address = serve(path).address
    found = session_of(address, "s1")["steps"]
    sent = [step["texts"] is not None for step in found]
    assert len(found) == 300
    assert sent == sorted(sent, reverse=True)
    first = sent.index(False)
    assert 100 <= first < 300
    later = session_of(address, "s1", **{"from": first})["steps"]
    assert later[first]["texts"]["artifact"]["text"].startswith(f"v{300 + first}\n")
    assert later[first - 1]["texts"] is None


def test_tables_without_sessions_are_refused_in_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", [(1, 2), (3, 4)], ("a", "b"))
    with pytest.raises(ValueError, match="no session or step column; a session is read by its name and its steps"):
        read_session(path, "x", describe(path))
    with pytest.raises(ValueError, match="no session or step column; a session is read by its name and its steps"):
        list_sessions(path, describe(path))


def test_refusals_name_no_row_they_did_not_count(tmp_path: Path) -> None:
    head = ("session", "step", "q")
    table = [("a", 0, 1), ("a", 1, 2), ("b", 0, 1), ("b", 1, 2), ("b", 1, 3)]
    path = write(tmp_path / "a.csv", table, head)
    with pytest.raises(ValueError, match="session 'b': ") as caught:
        read_session(path, "b", describe(path))
    assert "row " not in str(caught.value).split("'b'")[0]


# ------------------------------------------------------------------------------------ the dialog


def opened(tab: Any, name: str, source: Any = "s1", columns: Sequence[str] = ()) -> Any:
    """Open the reader and return its dialog."""
    tab.evaluate(OPEN, [source, name, list(columns)])
    dialog = tab.locator("dialog.reader")
    dialog.locator("[role=option]").first.wait_for()
    return dialog


@pytest.mark.slow
def test_a_session_is_read_by_keyboard_alone(tab: Any) -> None:
    tab.locator("#theme").focus()
    dialog = opened(tab, NAMES[1])
    assert dialog.locator("h2").inner_text() == f"Session {NAMES[1]}"
    assert tab.evaluate("document.activeElement.getAttribute('role')") == "listbox"
    assert "Nothing before it" in dialog.locator(".reader-text").text_content()
    tab.keyboard.press("ArrowDown")
    assert dialog.locator("h3").inner_text().startswith("Step 1 made from step 0")
    went, came = (dialog.locator(f".diff-line.{kind}").all_inner_texts() for kind in ("went", "came"))
    assert went == [f"−\nline {k} v0" for k in range(0, 30, 4)]
    assert came == [f"+\nline {k} v1" for k in range(0, 30, 4)]
    tab.keyboard.press("d")
    assert dialog.locator(".reader-text pre").text_content() == text_of(1, 1)
    tab.keyboard.press("End")
    assert dialog.locator("[aria-selected=true]").get_attribute("aria-label") == f"step 5, quality {rows()[11][3]:.4g}"
    tab.keyboard.press("n")
    tab.wait_for_selector(f"dialog h2:has-text('{NAMES[2]}')")
    tab.wait_for_selector("dialog >> text=3 of 6")
    tab.keyboard.press("p")
    tab.wait_for_selector("dialog h2:has-text('passwd')")
    for _ in range(40):  # the focus does not leave the dialog for the page
        tab.keyboard.press("Tab")
        assert tab.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    tab.keyboard.press("Escape")
    tab.locator("dialog").wait_for(state="detached")
    assert tab.evaluate("document.activeElement.id") == "theme"


@pytest.mark.slow
def test_hostile_names_and_texts_stay_text(tab: Any) -> None:
    for name in NAMES:
        dialog = opened(tab, name)
        assert dialog.locator("h2 bdi").text_content() == name
        tab.keyboard.press("d")
        tab.keyboard.press("End")
        tab.keyboard.press("Escape")
    dialog = opened(tab, NAMES[0])
    tab.keyboard.press("d")
    assert dialog.locator(".odd-letter").all_inner_texts() == ["U+202E", "U+202C", "U+200B"]
    tab.keyboard.press("Escape")
    dialog = opened(tab, NAMES[2])
    tab.keyboard.press("d")
    assert HOSTILE in dialog.locator(".reader-text").text_content()
    assert tab.locator("script:not([src]), dialog img").count() == 0
    assert "loopstat" in tab.title()


@pytest.mark.slow
def test_a_session_is_found_by_its_name(tab: Any) -> None:
    dialog = opened(tab, NAMES[0])
    find = dialog.get_by_label("Find a session by name")
    find.focus()
    tab.keyboard.type("drop table")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog h2:has-text('DROP TABLE')")
    find.fill("no such session")
    find.press("Enter")
    dialog.get_by_role("alert").filter(has_text="there is no session 'no such session'").wait_for()
    tab.said[:] = [text for text in tab.said if "404" not in text]  # the browser tells of every refusal


@pytest.mark.slow
def test_the_chosen_sessions_are_gone_through(tab: Any) -> None:
    picked = [NAMES[5], NAMES[3], NAMES[4]]
    tab.evaluate("async (names) => (await import('./static/charts.js')).chosen.set('session', names)", picked)
    dialog = opened(tab, NAMES[3])
    tab.wait_for_selector("dialog >> text=2 of 3 chosen")
    dialog.get_by_role("button", name="Next").click()
    tab.wait_for_selector("dialog h2:has-text('DROP TABLE')")
    dialog.get_by_label("only the 3 chosen").uncheck()
    tab.wait_for_selector("dialog >> text=5 of 6")


@pytest.mark.slow
def test_the_best_so_far_is_marked(tab: Any) -> None:
    dialog = opened(tab, NAMES[1])
    assert dialog.locator(".dropped").count() == 0
    dialog.get_by_label("Kept").select_option("quality")
    dialog.locator(".dropped").first.wait_for()
    scores = [row[3] for row in rows()[6:12]]
    best = [v > max([-1.0, *scores[:i]]) for i, v in enumerate(scores)]
    marks = dialog.locator("[role=option] .reader-mark").all_inner_texts()
    assert marks == ["●" if kept else "○" for kept in best]


@pytest.mark.slow
@pytest.mark.parametrize(("size", "scheme"), [((1280, 900), "dark"), (NARROW, "light")])
def test_axe_finds_nothing_serious(served: str, chromium: Any, size: tuple[int, int], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(served)
    opened(page, NAMES[1])
    page.keyboard.press("ArrowDown")
    found = Axe().run(page, context="dialog").response["violations"]
    width = page.evaluate("document.querySelector('dialog').scrollWidth")
    context.close()
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in serious] == []
    assert width <= size[0]
