"""Adding one of each: a lens with its reader, setting, quantity, check, chart and words; a check rule; a quantity."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import analysed, invoke, loop_rows, strict_json, write_table
from loopstat import lenses
from loopstat.drift import checks, fit, quantities, terms
from loopstat.faces import explain as glossary
from loopstat.faces.cli import main
from loopstat.inference.estimate import Estimate

OURS = ["analysis", "decide", "drift", "balance", "moves", "scoring", "play", "imports"]
LENS = '''
from pathlib import Path

from loopstat.lenses import Command, Lens
from loopstat.parameters import SEED, WHERE, number

LENS = Lens(
    "lengths",
    "how long the lines of a file are",
    (
        Command(
            "lengths",
            "Say how long the lines of a file are.",
            (number("most", "m", 80.0, "Characters a line may have.", 1, unit="characters"), WHERE, SEED),
            run="lengths.lens:run",
            view="lengths.view:document",
            reads="lengths.lens:lines",
        ),
    ),
    terms="lengths.terms:TERMS",
)


def lines(files, options):
    """Return the lengths of the lines."""
    return [len(line) for name in files for line in Path(name).read_text(encoding="utf-8").splitlines()]


def run(recording, options, *, progress=None):
    """Return what there is to say of lengths."""
    from .fit import lengths_fit

    return lengths_fit(recording, options["most"], options["command"])
'''
FIT = """
from dataclasses import dataclass

import numpy as np

from loopstat.inference.estimate import Estimate
from loopstat.results.check import Check
from loopstat.results.record import Record


@dataclass(frozen=True, eq=False)
class LengthsFit(Record):
    KEYS = ("schema", "version", "mean_length", "most", "checks", "notes", "command")
    SCHEMA = "lengths/1"

    mean_length: Estimate
    most: float
    checks: tuple[Check, ...]
    notes: tuple[str, ...]
    command: str


def lengths_fit(lengths, most, command):
    mean, error = float(np.mean(lengths)), float(np.std(lengths, ddof=1) / len(lengths) ** 0.5)
    longest = max(lengths)
    check = Check("long_lines", float(longest), most, longest <= most, f"The longest line has {longest} characters.")
    found = Estimate(mean, mean - 2 * error, mean + 2 * error)
    return LengthsFit(found, most, (check,), ("Lines were counted.",), command)
"""
VIEW = """
from loopstat.results.chart import Axis, Chart, Dot, Dots
from loopstat.results.document import Answer, Checks, Document, Fact, Facts, Provenance, Section, figure


def document(result):
    said = figure(result.mean_length, place="mean_length", unit="characters")
    chart = Chart("mean", "Mean length", (Dots((Dot("all", said, "c0", "circle"),)),), Axis("characters"))
    blocks = (Facts((Fact("mean length", (said,)),)), chart, Checks(result.checks))
    return Document(
        "lengths",
        "Lengths of lines",
        Provenance(result.version, result.command),
        sections=(Section("all", "All lines", blocks, answer=Answer("fine", "fine", (", as far as lines go",))),),
        notes=result.notes,
    )
"""
TERMS = """
TERMS = {"mean_length": "Characters of a line, on average.", "long_lines": "Check that fails where a line is too long."}
"""
ENTRY_POINTS = f"[{lenses.GROUP}]\nlengths = lengths.lens:LENS\n"


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave no trace of what a test adds to the command line and the glossary."""
    monkeypatch.setattr(main, "commands", dict(main.commands))
    glossary.terms.cache_clear()
    yield
    glossary.terms.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: None) -> Path:
    """An installed package that brings a lens."""
    texts = {"__init__": "", "lens": LENS, "fit": FIT, "view": VIEW, "terms": TERMS}
    for name, text in texts.items():
        path = tmp_path / "site" / "lengths" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    metadata = tmp_path / "site" / "lengths-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lengths\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return metadata


def test_a_lens_of_another_package_is_met_everywhere(package: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("one\nthree\nsixteen letters.\n", encoding="utf-8")
    assert "lengths   Say how long the lines of a file are." in invoke("--help").stdout
    assert "--most X" in invoke("lengths", "--help").stdout
    shown = invoke("lengths", text, "--most", 10, "--html", tmp_path / "page.html")
    assert shown.exit_code == 0, shown.stderr
    assert "fine, as far as lines go" in shown.stdout
    assert "characters [" in shown.stdout
    long = invoke("lengths", text, "--most", 10, "--verbose").stdout
    assert "The longest line has 16 characters." in " ".join(long.split())
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Mean length" in page
    assert "<svg" in page
    data = strict_json(invoke("lengths", text, "--json", "-").stdout)
    assert data["mean_length_low"] < data["mean_length"] == 8 < data["mean_length_high"]
    assert data["most"] == 80
    assert data["checks"][0]["passed"]
    assert data["command"] == "loopstat lengths"


def test_a_lens_of_another_package_is_checked_and_explained(package: Path, tmp_path: Path) -> None:
    refused = invoke("lengths", tmp_path / "text.txt", "--most", "0")
    assert refused.exit_code == 2
    assert "`--most` must lie in [1, inf). Got '0'." in refused.stderr
    assert invoke("explain", "mean-length").stdout == "mean-length: Characters of a line, on average.\n"
    said = "most: m: Characters a line may have (default 80.0). [--most of lengths]\n"
    assert invoke("explain", "most").stdout == said
    assert "- **long_lines**: Check that fails" in glossary.markdown()


def test_a_lens_that_cannot_be_loaded_says_so(package: Path) -> None:
    (package / "entry_points.txt").write_text(f"[{lenses.GROUP}]\nbroken = lengths.nothing:LENS\n", encoding="utf-8")
    refused = invoke("broken")
    assert refused.exit_code == 2
    assert "the lens `broken` cannot be loaded from lengths.nothing:LENS" in refused.stderr
    assert invoke("explain", "lag").exit_code == 2
    assert invoke("analyze", "--help").exit_code == 0, "our own commands do not need it"


def test_a_lens_of_ours_is_one_line(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (package / "entry_points.txt").unlink()
    monkeypatch.setitem(lenses.LENSES, "lengths", "lengths.lens:LENS")
    assert [item.name for item in lenses.lenses()] == [*OURS, "lengths"]
    with pytest.raises(lenses.SettingsError, match="did you mean `lengths`"):
        lenses.lens("length")


@pytest.mark.slow
def test_a_check_rule_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forgotten: None) -> None:
    def test(evidence: checks.Evidence) -> checks.Outcome:
        return checks.Outcome(float(len(evidence.panel)), False, "There are rows at all.")

    rule = checks.CheckRule("any_rows", 0.0, "Rows are doubtful.", test)
    monkeypatch.setattr(checks, "RULES", (*checks.RULES, rule))
    monkeypatch.setitem(terms.TERMS, "any_rows", "Check that fails where there are rows.")
    table = write_table(tmp_path / "t.csv", loop_rows())
    shown = invoke("analyze", table, "--bootstrap", 20, "--verbose", "--html", tmp_path / "page.html")
    for text in (shown.stdout, (tmp_path / "page.html").read_text(encoding="utf-8")):
        assert "There are rows at all." in text
    group = analysed(table, "--bootstrap", 20)["groups"][0]
    assert group["checks"][-1]["name"] == "any_rows"
    assert invoke("explain", "any_rows").stdout == "any_rows: Check that fails where there are rows.\n"


def test_a_quantity_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(found: quantities.Found, row: quantities.Quantity) -> quantities.QuantityValue:
        del row
        return quantities.QuantityValue(Estimate(float(found.group.panel.n_obj), 1.0, 3.0))

    row = quantities.Quantity("n_scores", owner="data", needs="nothing", unit="1", words="scores a row", read=read)
    monkeypatch.setattr(quantities, "QUANTITIES", (*quantities.QUANTITIES, row))
    monkeypatch.setitem(fit.LAYOUT, "n_scores", ("{}_low", "{}_high"))
    group = analysed(write_table(tmp_path / "t.csv", loop_rows()), "--bootstrap", 20)["groups"][0]
    assert (group["n_scores"], group["n_scores_low"], group["n_scores_high"]) == (2.0, 1.0, 3.0)
