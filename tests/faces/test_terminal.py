"""The terminal writes documents: a small one made by hand, at three depths."""

from __future__ import annotations

from dataclasses import replace

from loopstat.faces.html import fragment, page
from loopstat.faces.terminal import write
from loopstat.inference.estimate import Estimate
from loopstat.results.chart import Axis, Chart, Line
from loopstat.results.check import Check
from loopstat.results.document import (
    Answer,
    Checks,
    Document,
    Fact,
    Facts,
    Provenance,
    Section,
    Sheet,
    Text,
    figure,
    word,
)

END = Estimate([2.0, 3.0], [1.5, 2.5], [2.5, 3.5])
CHART = Chart("mean", "mean", (Line([0.0, 1.0, 2.0], [1.0, 2.0, 2.5], label="mean"),), Axis("step"), live=True)
SHEET = Sheet("Ends", ("objective", "ends at"), tuple((word(n), figure(END, j)) for j, n in enumerate("ab")))


def group(key: str, said: str) -> Section:
    blocks = (
        Text((("Few sessions.",),), tone="doubt"),
        CHART,
        Facts((Fact("ends at", ("a ", figure(END, 0), "   b ", figure(END, 1))), Fact("by", ("session",), "long"))),
        Section(f"{key}-all", "All figures", (SHEET,), depth="long", folded=True),
        Checks((Check("few", 3.0, 10.0, False, "Only three."),)),
    )
    return Section(key, f"group {key}", blocks, ("3 sessions",), Answer("stop", said, (": it rests.",)))


DOCUMENT = Document(
    "drift",
    "runs.csv",
    Provenance("1.0", "loopstat analyze runs.csv", "abc", (("seed", "0"),)),
    ("6 sessions",),
    (
        replace(group("a", "stop at step 3"), depth="front"),
        replace(group("b", "go on"), depth="front"),
        Section("against", "Against each other", (Text(tuple((f"Difference {k}.",) for k in range(5)), brief=2),)),
    ),
    notes=("Larger counts as better.",),
    hints=("Next: --verbose",),
)


def test_the_front_is_a_line_for_every_answer() -> None:
    assert write(DOCUMENT, depth="front").splitlines() == [
        "runs.csv: 6 sessions",
        "",
        "group a   stop at step 3: it rests.",
        "",
        "group b   go on: it rests.",
        "",
        "Next: --verbose",
    ]


def test_short_says_facts_and_doubts() -> None:
    assert write(DOCUMENT).splitlines()[2:8] == [
        "group a   3 sessions",
        "  stop at step 3: it rests.",
        "  ! Few sessions.",
        "  ends at          a 2.0 [1.5, 2.5]   b 3.0 [2.5, 3.5]",
        "",
        "group b   3 sessions",
    ]
    text = write(DOCUMENT)
    assert "Only three." not in text
    assert "  Difference 1.\n  (3 more: --verbose)" in text
    assert "Difference 2." not in text


def test_long_says_everything() -> None:
    text = write(DOCUMENT, depth="long")
    for words in ("by               session", "All figures", "few", "failed (3.00): Only three.", "Difference 4."):
        assert words in text
    assert "    objective   ends at\n    a           2.0 [1.5, 2.5]" in text
    assert "more:" not in text


def test_roles_are_styled() -> None:
    text = write(DOCUMENT, style=lambda text, role: f"<{role}>{text}</{role}>")
    assert "<head>runs.csv: 6 sessions</head>" in text
    assert "  <doubt>!</doubt> Few sessions." in text
    assert "<answer>go on: it rests.</answer>" in text


def test_lines_are_as_wide_as_asked_and_figures_stay_whole() -> None:
    facts = Facts((Fact("ends at", tuple(p for _ in range(9) for p in ("a\xa0", figure(END, 0), "   "))),))
    narrow = write(Document("drift", "t", Provenance("1.0"), sections=(Section("s", "s", (facts,)),)), width=50)
    lines = narrow.splitlines()
    assert max(map(len, lines)) <= 50
    assert sum(line.count("a 2.0 [1.5, 2.5]") for line in lines) == 9


def test_a_wide_table_is_laid_out_row_by_row() -> None:
    rows = tuple((word(f"row {k}"), figure(END, 0), word("x" * 40)) for k in range(2))
    sheet = Sheet("Wide", ("what", "figure", "words"), rows)
    text = write(Document("t", "t", Provenance("1"), sections=(Section("s", "s", (sheet,)),)), depth="long", width=50)
    assert "figure 2.0 [1.5, 2.5], words" in text


def test_page_and_notebook_say_the_same() -> None:
    for text in (page(DOCUMENT), fragment(DOCUMENT)):
        assert "stop at step 3</b>: it rests." in text
        assert "2.0\xa0[1.5,\xa02.5]" in text.replace("2.0 [1.5, 2.5]", "2.0\xa0[1.5,\xa02.5]")
    assert "<script" not in fragment(DOCUMENT)
    assert str(DOCUMENT) == write(DOCUMENT)
    assert DOCUMENT._repr_html_() == fragment(DOCUMENT)


def test_one_answer_of_the_whole_comes_first() -> None:
    alone = Document("moves", "a run", Provenance("1"), answer=Answer("stop", "stop", (" after 12 moves.",)))
    assert write(alone).splitlines()[:2] == ["a run", "  stop after 12 moves."]
    assert '<p class="verdict e-ours"><b class="act t-ours">stop</b> after 12 moves.</p>' in page(alone)
