"""Tables of the page: given, uploaded, chosen, read as settings name their parts; and what cannot be a table."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from conftest import NARROW
from loopstat.faces.web.sources import MOST_BYTES, Sources, clean_name, file_name
from loopstat.io.described import describe

from .conftest import Serve
from .table_samples import HEAD, HOSTILE, many, rows, write
from .wire import got

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Return one table of sessions with texts."""
    return (write(tmp_path_factory.mktemp("given") / "runs.csv", rows(many())),)


def sources(address: str) -> list[dict[str, Any]]:
    """Return the tables of a server, all of them read."""
    while True:
        found = json.loads(got(f"{address}sources")[2])["sources"]
        if not any(source.get("reading") for source in found):
            return list(found)


def sent(address: str, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """Upload a table."""
    status, _, answer = got(f"{address}sources?name={quote(name)}", body=body, method="POST")
    return status, json.loads(answer)


# ------------------------------------------------------------------------------------ columns


def test_columns_are_said_as_the_reader_takes_them(served: str) -> None:
    [table] = sources(served)
    assert (table["rows"], table["uploaded"]) == (72, False)
    roles = {c["name"]: (c["kind"], c["role"], c["values"]) for c in table["columns"]}
    assert roles["session"][:2] == ("text", "session")
    assert roles["step"][:2] == ("number", "step")
    assert roles["strategy"] == ("text", "label", ["a", "b"])
    assert roles["quality"][:2] == ("number", "objective")
    assert roles["answer"][:2] == ("text", "text")
    assert tuple(roles) == HEAD


def test_columns_without_our_names_are_guessed(tmp_path: Path) -> None:
    head = ("run_id", "iteration", "score")
    path = write(tmp_path / "a.csv", [(f"r{k // 4}", k % 4, (k * 7) % 5) for k in range(40)], head)
    seen = describe(path)
    assert seen.guess == {"session": "run_id", "step": "iteration"}
    assert [(c.name, c.role) for c in seen.columns] == [
        ("run_id", "session"),
        ("iteration", "step"),
        ("score", "objective"),
    ]


def test_times_and_flags_have_kinds_of_their_own(tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "a.parquet"
    made = "SELECT 's' || i // 3 AS session, i % 3 AS step, TIMESTAMP '2026-01-01' + INTERVAL (i) DAY AS at"
    duckdb.connect().execute(f"COPY ({made}, i % 2 = 0 AS accepted, i * 0.5 AS q FROM range(30) r(i)) TO '{path}'")
    kinds = {c.name: (c.kind, c.role) for c in describe(path).columns}
    assert kinds["at"][0] == "time"
    assert kinds["accepted"] == ("bool", "accepted")


# ------------------------------------------------------------------------------------ uploads


def test_a_table_is_taken_analysed_and_forgotten(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    body = write(tmp_path / "x.csv", rows(many())).read_bytes()
    status, table = sent(server.address, "runs.csv", body)
    assert (status, table["name"], table["rows"], table["uploaded"]) == (201, "runs.csv", 72, True)
    assert [s["id"] for s in sources(server.address)] == [table["id"]]
    assert got(f"{server.address}sources/{table['id']}", method="DELETE")[0] == 204
    assert sources(server.address) == []
    status, _, said = got(f"{server.address}sources/{table['id']}/sessions")
    assert (status, json.loads(said)["error"]) == (400, "no table is open: add one first.")


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("empty.csv", b"", "the file is empty"),
        ("ls", b"\x7fELF" + bytes(range(256)) * 9, "binary data"),
        ("a.xlsx", b"PK\x03\x04" + b"x" * 90, "ZIP archive or spreadsheet"),
        ("a.json", b'[{"a": 1', "JSON"),
        ("a.parquet", b"PAR1 and no more", "cut off"),
        ("a.csv", b"a,b\n1,2\n3\n", "another number of cells"),
        ("a.csv", "größe,b\n1,2\n".encode("latin-1"), "not encoded in UTF-8"),
        ("a.csv", b"session,step,q\ns,0,1\n" + b"s,1,2\n" * 20 + b"s,2,oops\n", "row 22, column `q`"),
        ("words.csv", b"only one cell\nanother\n", "single cell"),
        ("nulls.csv", b"a,b\n" + b"1,\0 and more\n" * 40, "binary data"),
    ],
)
def test_what_is_no_table_is_refused_in_the_readers_words(served: str, name: str, body: bytes, said: str) -> None:
    before = len(sources(served))
    status, answer = sent(served, name, body)
    assert status == 400
    assert said in answer["error"]
    assert answer["error"].startswith(name)
    assert "/tmp" not in answer["error"]  # noqa: S108 - where uploads lie is nobody's business
    assert len(sources(served)) == before


def test_bytes_are_counted_whatever_a_header_says(serve: Serve) -> None:
    server = serve()
    place = urlsplit(server.address)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
    block = b"0123456789abcde\n" * 65_536
    blocks: Iterator[bytes] = (block for _ in range(MOST_BYTES // len(block) + 1))
    connection.request("POST", f"{place.path}sources?name=big.csv", body=blocks, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 413
    said = json.loads(answer.read())["error"]
    connection.close()
    assert said == "big.csv is larger than 200 MB: name it on the command line, loopstat view big.csv."
    assert sources(server.address) == []


def test_uploads_go_with_the_server(serve: Serve, tmp_path: Path) -> None:
    server = serve(TMPDIR=str(tmp_path))
    assert sent(server.address, "a.csv", b"a,b\n1,2\n")[0] == 201
    [folder] = tmp_path.glob("loopstat-view-*")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert server.stop() == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    ("name", "shown", "kept"),
    [
        ("runs.csv", "runs.csv", "runs.csv"),
        ("../../etc/passwd", "passwd", "passwd"),
        ("C:\\data\\runs.tsv", "runs.tsv", "runs.tsv"),
        ("a\u202egpj.csv", "a_gpj.csv", "a_gpj.csv"),
        ("<script>.csv", "script_.csv", "script_.csv"),
        ("a\0b.parquet", "a_b.parquet", "a_b.parquet"),
        ("sheet.xlsx", "sheet.xlsx", "sheet_xlsx"),
        ("deep.jsonl.gz", "deep.jsonl.gz", "deep.jsonl.gz"),
        ("..", "table", "table"),
        ("x" * 300 + ".csv", "x" * 76 + ".csv", "x" * 76 + ".csv"),
        ("*?[a].csv", "a_.csv", "a_.csv"),
    ],
)
def test_names_of_uploads_are_cleaned(name: str, shown: str, kept: str) -> None:
    assert clean_name(name) == shown
    assert file_name(shown) == kept


# ------------------------------------------------------------------------- nothing else is read


def test_only_ids_name_tables(served: str) -> None:
    for key in ("..", "%2e%2e", "s1%2f..", "etc", "s1,s9", "/etc/passwd", "%2fetc%2fpasswd", "s1%00"):
        for what in ("sessions", "session?name=run+1"):
            status, _, body = got(f"{served}sources/{key}/{what}")
            assert status in (400, 404), key
            assert b"root:" not in body


def test_a_file_replaced_by_a_link_is_not_followed(tmp_path: Path) -> None:
    given, secret = tmp_path / "runs.csv", tmp_path / "secret.csv"
    write(given, rows(many()))
    write(secret, rows(("secret",)))
    held = Sources([str(given)])
    assert held.paths(["s1"]) == [str(given)]
    given.unlink()
    given.symlink_to(secret)
    with pytest.raises(ValueError, match="replaced by a link"):
        held.paths(["s1"])


def test_a_link_given_is_resolved_once(tmp_path: Path) -> None:
    given = write(tmp_path / "runs.csv", rows(many()))
    other = write(tmp_path / "other.csv", rows(("other",)))
    link = tmp_path / "link.csv"
    link.symlink_to(given)
    held = Sources([str(link)])
    link.unlink()
    link.symlink_to(other)
    assert held.paths(["s1"]) == [os.path.realpath(given)]


# ------------------------------------------------------------------------------------ the page


def ready(tab: Any) -> None:
    """Wait until the first answer is painted."""
    tab.wait_for_selector("html[data-painted]", state="attached", timeout=20_000)


def desk(tab: Any, name: str = "decide") -> None:
    """Turn to a desk that reads tables."""
    tab.evaluate(f"location.hash = '#{name}'")
    tab.wait_for_selector(".tables:not([hidden])")


def test_tables_are_dropped_anywhere(tab: Any, tmp_path: Path) -> None:
    desk(tab)
    drop = """([name, text]) => {
      const data = new DataTransfer();
      data.items.add(new File([text], name));
      const fire = (kind) => document.querySelector("main").dispatchEvent(
        new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
      fire("dragenter"); fire("dragover");
      const shown = !document.querySelector(".drop-here").hidden;
      fire("drop");
      return shown;
    }"""
    text = write(tmp_path / "x.csv", rows(many(5))).read_text(encoding="utf-8")
    assert tab.evaluate(drop, ["dropped.csv", text])
    tab.wait_for_selector("text=30 rows, 7 columns")
    assert not tab.locator(".drop-here").is_visible()
    boxes = tab.locator(".table-list input[type=checkbox]")
    tab.locator(".table-list input[type=checkbox]:not(:checked)").wait_for(state="attached")  # once it is taken in
    assert [box.is_checked() for box in boxes.all()] == [False, True], "what was dropped is what is read now"
    tab.wait_for_selector("#document:has-text('dropped.csv')", timeout=20_000)
    tab.get_by_role("button", name="Remove dropped.csv").click()
    tab.wait_for_selector(".table-list li:has-text('dropped.csv')", state="detached")


def test_several_tables_are_read_as_one(tab: Any, tmp_path: Path) -> None:
    desk(tab)
    body = write(tmp_path / "second.csv", rows(many(12), seed=2))
    tab.set_input_files(".tables input[type=file]", str(body))
    tab.wait_for_selector(".table-list li:has-text('second.csv') >> text=72 rows")
    first = tab.locator(".table-list input[type=checkbox]").first
    first.check()
    tab.wait_for_selector("#document:has-text('24 sessions')", timeout=20_000)
    assert tab.locator("[data-setting=by] button:text-is('+ file')").count() == 1
    tab.get_by_role("button", name="Remove second.csv").click()


def test_errors_are_said_beside_the_table(tab: Any, tmp_path: Path) -> None:
    desk(tab)
    path = tmp_path / f"{HOSTILE.replace('/', '')}.csv"
    path.write_bytes(b"\0\1\2" * 100)
    tab.set_input_files(".tables input[type=file]", str(path))
    line = tab.get_by_role("alert").filter(has_text="binary data")
    line.wait_for()
    assert tab.title() != "broken"
    line.get_by_role("button", name="Close").click()
    assert not line.is_visible()
    tab.said[:] = [text for text in tab.said if "400" not in text]  # the browser tells of every refusal


def test_a_table_that_is_too_large_is_not_sent(tab: Any) -> None:
    desk(tab)
    tab.evaluate(
        """() => {
          const file = new File(["x"], "huge.csv");
          Object.defineProperty(file, "size", { value: 3e8 });
          const data = { types: ["Files"], files: [file] };
          const event = new Event("drop", { bubbles: true, cancelable: true });
          Object.defineProperty(event, "dataTransfer", { value: data });
          document.body.dispatchEvent(event);
        }"""
    )
    said = tab.get_by_role("alert").filter(has_text="huge.csv")
    assert said.locator("p").inner_text() == (
        "huge.csv is larger than 200 MB. Name it on the command line instead: loopstat view huge.csv"
    )


def test_columns_are_picked_by_keyboard(tab: Any) -> None:
    desk(tab)
    ready(tab)
    box = tab.locator("[data-setting=objectives] input")
    box.focus()
    tab.keyboard.type("speed")
    tab.keyboard.press("Enter")
    tab.keyboard.type("quality")
    tab.keyboard.press("Enter")
    assert "objectives=speed&objectives=quality" in tab.url
    tab.locator("[data-setting=objectives] .chip-name").nth(1).focus()
    tab.keyboard.press("Alt+ArrowLeft")
    assert "objectives=quality&objectives=speed" in tab.url
    assert tab.evaluate("document.activeElement.textContent") == "quality", "the focus goes with the column"
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Delete")
    assert "objectives=speed" not in tab.url
    tab.keyboard.press("Backspace")
    assert "objectives" not in tab.url
    assert tab.evaluate("document.activeElement.matches('[data-setting=objectives] input')")


def test_conditions_offer_the_values_there_are(tab: Any) -> None:
    desk(tab)
    ready(tab)
    tab.locator("[data-setting=where] select").select_option("strategy")
    values = tab.get_by_label("Value of strategy")
    assert values.locator("option").all_inner_texts() == ["a", "b"]
    values.select_option("b")
    assert tab.url.endswith("where=strategy%3Db")
    tab.get_by_role("button", name="strategy is; press for is not").click()
    assert tab.url.endswith("where=strategy%21%3Db")
    tab.get_by_role("button", name="Remove strategy").click()
    assert "where" not in tab.url


def test_our_names_are_given_to_their_columns(serve: Serve, chromium: Any, tmp_path: Path) -> None:
    head = ("run_id", "iteration", "strategy", "quality", "speed", "answer", "odd")
    server = serve(write(tmp_path / "their.csv", rows(many()), head))
    page = chromium.new_page()
    page.goto(f"{server.address}#decide")
    page.get_by_role("button", name="Use this").click()
    page.wait_for_selector("#document:has-text('12 sessions')", timeout=20_000)
    assert page.get_by_label("Your column for session").input_value() == "run_id"
    assert "columns=session%3Drun_id&columns=step%3Diteration" in page.url
    assert page.locator("[data-setting=cluster] option[value=session]").count() == 1, "they now go by our names"
    assert page.locator("[data-setting=cluster] option[value=run_id]").count() == 0
    page.close()


def test_names_of_columns_stay_text(tab: Any) -> None:
    desk(tab)
    ready(tab)
    tab.locator(".table-list summary").first.click()
    tab.locator(".columns th bdi").first.wait_for()
    assert tab.locator(".columns th bdi", has_text=HOSTILE).count() == 1
    tab.locator("[data-setting=by] button", has_text="+ odd").click()
    assert tab.locator("[data-setting=by] .chip-name", has_text=HOSTILE).count() == 1
    assert tab.locator("script:not([src])").count() == 0
    assert tab.title() != "broken"


@pytest.mark.parametrize("size", [(1280, 900), NARROW])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(served: str, chromium: Any, size: tuple[int, int], scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(f"{served}#decide?objectives=quality&where=strategy%3Da&columns=artifact%3Danswer")
    ready(page)
    if size == NARROW:
        page.locator("#drawer").click()
    page.locator(".table-list summary").first.click()
    found = Axe().run(page, context="#tables, #panel").response["violations"]
    context.close()
    assert [
        (v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found if v["impact"] in ("serious", "critical")
    ] == []
