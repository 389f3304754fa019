"""`loopstat balance` end to end: tables of moves and of sessions, every option, the JSON's conventions, and manners."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_balance_page import wrong
from test_cli import CONTROL, HOSTILE
from test_page import read_page

from conftest import ROOT, invoke, strict_json, write_table
from loopstat.faces.explain import explain, terms
from test_docs import keys_of

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

DATA = ROOT.parent / "shared" / "data"
MOVES = ("state", "next_state", "count")
RING = [
    ("a", "b", 300),
    ("b", "c", 300),
    ("c", "a", 300),
    ("b", "a", 90),
    ("c", "b", 90),
    ("a", "c", 90),
    ("a", "a", 50),
]
EVEN = [(a, b, 100) for a, b, _ in RING]
TOP = {"schema", "version", "source", "settings", "notes", "n_transitions", "n_states", "groups", "common_potential"}
GROUP = {"label", "by", "n_transitions", "n_states", "n_sessions", "states", "visits", "visits_rule", "classes"}
GROUP |= {"transient", "absorbing", "potential", "potential_low", "potential_high", "potential_bound", "kernel"}
GROUP |= {"beta", "action", "action_per_state", "downhill", "test", "source_statistic", "entropy_production"}
GROUP |= {"stationary", "escape", "relaxation_times", "spectral_gap", "order_test", "homogeneity", "pairs"}
GROUP |= {"currents", "cycles", "traps", "checks", "verdict", "reasons"}
SETTINGS = {"by", "state", "lag", "visits", "kernel", "beta", "test", "bootstrap", "level", "cluster", "seed", "where"}
SETTINGS |= {"from_step", "command", "columns", "objectives", "size_draws"}


def moves(folder: Path, rows: list[Any], header: tuple[str, ...] = MOVES) -> Path:
    """Write a table of counted moves."""
    return write_table(folder / "moves.csv", rows, header)


def sessions(folder: Path, *, push: float = 0.0, n: int = 40, steps: int = 25) -> Path:
    """Write sessions of a walk round four states, pushed one way, with a score, by two models."""
    rng = np.random.default_rng(5)
    rows = []
    for i in range(n):
        k = int(rng.integers(4))
        for t in range(steps):
            rows.append((f"s{i}", t, f"m{i % 2}", "abcd"[k], round(k + 0.1 * rng.normal(), 4)))
            ways = np.array([np.exp(push / 2), 1.0, np.exp(-push / 2)])
            k = (k + int(rng.choice([1, 0, -1], p=ways / ways.sum()))) % 4
    return write_table(folder / "walk.csv", rows, ("session", "step", "model", "state", "score"))


def balanced(*arguments: object) -> dict[str, Any]:
    """Return the JSON of a successful `balance`."""
    done = invoke("balance", *arguments, "--json", "-", "--bootstrap", 99)
    assert done.exit_code == 0, done.stderr
    return strict_json(done.stdout)


def actions(data: dict[str, Any]) -> list[str]:
    """Return the verdict of every group."""
    return [g["verdict"]["action"] for g in data["groups"]]


# ---------------------------------------------------------------------------------- answers


def test_counted_moves(tmp_path: Path) -> None:
    driven = balanced(moves(tmp_path, RING))
    assert actions(driven) == ["driven"]
    [one] = driven["groups"]
    assert one["states"] == ["a", "b", "c"]
    assert one["visits"] == [440, 390, 390]
    assert {c["from"] + c["to"] for c in one["currents"]} == {"ab", "bc", "ca"}
    assert actions(balanced(moves(tmp_path, EVEN))) == ["balanced"]
    tree = balanced(moves(tmp_path, [r for r in RING if "c" not in r[:2]]))
    assert actions(tree) == ["cannot_tell"]


def test_sessions_and_groups(tmp_path: Path) -> None:
    data = balanced(sessions(tmp_path, push=1.5))
    assert [g["by"] for g in data["groups"]] == [{"model": "m0"}, {"model": "m1"}]
    assert actions(data) == ["driven", "driven"]
    assert [g["n_sessions"] for g in data["groups"]] == [20, 20]
    assert data["n_transitions"] == 40 * 24
    assert data["common_potential"]["n_groups"] == 2
    pooled = balanced(tmp_path / "walk.csv", "--by", "none")
    assert [g["label"] for g in pooled["groups"]] == ["all"]


def test_the_terminal_says_the_verdict_first(tmp_path: Path) -> None:
    done = invoke("balance", moves(tmp_path, RING), "--bootstrap", 99)
    assert done.exit_code == 0
    head, verdict = done.stdout.split("\n\n")[1].splitlines()[:2]
    assert head.startswith("all transitions   3 states, 1,220 transitions")
    assert verdict.startswith("  driven: goes round ")
    assert re.search(r"^  goes round +(a → b → c → a|b → c → a → b|c → a → b → c): ", done.stdout, re.MULTILINE)
    assert "Warning" not in done.stderr


def test_verbose_shows_the_tables(tmp_path: Path) -> None:
    short, long = (invoke("balance", moves(tmp_path, RING), "--bootstrap", 99, *more) for more in ((), ("--verbose",)))
    assert "Pairs of states" in long.stdout
    assert "Pairs of states" not in short.stdout


# ----------------------------------------------------------------------------------- options


def test_visits(tmp_path: Path) -> None:
    rows = [("a", "b", 400), ("b", "a", 20)]
    table = moves(tmp_path, rows)
    for rule, height in (("observed", 0.0), ("equal", np.log(20)), ("1000", np.log(20))):
        [one] = balanced(table, "--visits", rule)["groups"]
        assert one["visits_rule"] == rule
        assert abs(one["potential"][0] - one["potential"][1]) == pytest.approx(height, abs=1e-6)


@pytest.mark.parametrize("kernel", ["exp", "softplus"])
def test_kernel_and_beta(kernel: str, tmp_path: Path) -> None:
    table = moves(tmp_path, [("a", "b", 400), ("b", "a", 20)])
    [one] = balanced(table, "--visits", "equal", "--kernel", kernel, "--beta", 2)["groups"]
    assert (one["kernel"], one["beta"]) == (kernel, 2.0)
    assert max(one["potential"]) == pytest.approx(np.log(20) / 2, abs=1e-6)


@pytest.mark.parametrize(("asked", "method"), [("exact", "exact"), ("chi-square", "chi-square"), ("bootstrap",) * 2])
def test_method(asked: str, method: str, tmp_path: Path) -> None:
    data = balanced(moves(tmp_path, RING), "--test", asked)
    assert data["groups"][0]["test"]["method"] == method
    assert data["settings"]["test"] == asked


def test_where_by_columns_and_from_step(tmp_path: Path) -> None:
    table = sessions(tmp_path)
    every = balanced(table)["n_transitions"]
    assert balanced(table, "--where", "model=m0")["n_transitions"] == every / 2
    assert balanced(table, "--where", "model!=m0")["settings"]["where"] == {"model!": "m0"}
    assert balanced(table, "--from-step", 5)["n_transitions"] == 40 * 19
    renamed = write_table(tmp_path / "r.csv", RING, ("was", "became", "times"))
    data = balanced(renamed, "--columns", "state=was,next_state=became,count=times")
    assert data["n_transitions"] == 1220


def test_states_of_scores_and_lag(tmp_path: Path) -> None:
    table = sessions(tmp_path)
    for rule in ("bins:3", "kmeans:4"):
        data = balanced(table, "--state", rule, "--objectives", "score")
        assert data["settings"]["state"] == rule
        assert data["n_states"] == int(rule[-1])
    assert balanced(table, "--lag", 2)["n_transitions"] == 40 * 12
    assert balanced(table, "--cluster", "model", "--by", "none")["settings"]["cluster"] == "model"


def test_level_widens_intervals(tmp_path: Path) -> None:
    table = moves(tmp_path, RING)
    narrow, wide = (balanced(table, "--level", level)["groups"][0] for level in (0.5, 0.99))
    assert all(
        low > other
        for low, other in zip(narrow["potential_low"], wide["potential_low"], strict=True)
        if low is not None and low != 0
    )


def test_size_draws(tmp_path: Path) -> None:
    [one] = balanced(moves(tmp_path, RING), "--test", "chi-square", "--size-draws", 40)["groups"]
    assert 0 <= one["test"]["size_at_5_percent"] <= 0.3


# ----------------------------------------------------------------------------------- the JSON


def test_json_has_every_key(tmp_path: Path) -> None:
    data = balanced(sessions(tmp_path))
    assert set(data) == TOP
    assert data["schema"] == "loopstat.balance/1"
    assert set(data["settings"]) >= SETTINGS
    assert data["settings"]["command"].startswith("loopstat balance")
    for one in data["groups"]:
        assert set(one) >= GROUP
        for key in ("visits", "potential", "potential_low", "potential_bound", "stationary", "escape"):
            assert len(one[key]) == one["n_states"]


def test_every_json_key_is_in_the_glossary(tmp_path: Path) -> None:
    for table in (sessions(tmp_path, push=1.5), moves(tmp_path, RING)):
        data = balanced(table)
        keys = {re.sub(r"_(low|high)$", "", k) for k in keys_of(data)}
        assert sorted(keys - set(terms())) == []
        assert all(explain(key).startswith(f"{key}: ") for key in keys)
        assert {c["name"] for g in data["groups"] for c in g["checks"]} <= set(terms())


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    table = sessions(tmp_path)
    made = [invoke("balance", table, "--bootstrap", 99, "--json", "-", "--seed", s).stdout for s in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


def test_data_on_standard_output_notes_on_standard_error(tmp_path: Path) -> None:
    done = invoke("balance", sessions(tmp_path), "--bootstrap", 99, "--json", "-")
    data = strict_json(done.stdout)
    assert done.stderr.splitlines() == data["notes"]
    assert data["notes"]


def test_json_and_html_are_written_beside_the_summary(tmp_path: Path) -> None:
    table = sessions(tmp_path, push=1.0)
    done = invoke("balance", table, "--bootstrap", 99, "--json", tmp_path / "o.json", "--html", tmp_path / "o.html")
    assert done.exit_code == 0
    assert done.stderr == f"wrote {tmp_path / 'o.json'}\nwrote {tmp_path / 'o.html'}\n"
    data = strict_json((tmp_path / "o.json").read_text(encoding="utf-8"))
    text = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert len(read_page(text).figures) > 100
    assert wrong(data, text) == []
    for one in data["groups"]:
        assert one["verdict"]["sentence"] in " ".join(done.stdout.split())


@pytest.mark.skipif(not DATA.is_dir(), reason="needs tables that are not part of the repository")
@pytest.mark.parametrize(
    ("name", "options", "n_groups"),
    [
        ("detailed_balance_words/transition_counts.parquet", ["--visits", "equal"], 1),
        ("repeated_games/repeated_games.parquet", ["--by", "strategy"], 7),
    ],
)
def test_public_recordings(name: str, options: list[str], n_groups: int, tmp_path: Path) -> None:
    done = invoke(
        "balance",
        DATA / name,
        *options,
        "--bootstrap",
        99,
        "--json",
        tmp_path / "o.json",
        "--html",
        tmp_path / "o.html",
    )
    assert done.exit_code == 0, done.stderr
    data = strict_json((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert len(data["groups"]) == n_groups
    if n_groups == 1:
        [one] = data["groups"]
        height = dict(zip(one["states"], one["potential"], strict=True))
        assert height["PERSONAL"] == pytest.approx(4.07, abs=0.01)
        assert height["PROBLEMS"] == pytest.approx(5.18, abs=0.01)
        assert set(one["transient"]) == {"TURKEY", "BUZZY"}
    text = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert wrong(data, text) == []


# ----------------------------------------------------------------------------------- manners


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--visits", "many"], "visits"),
        (["--visits", "3"], "visits"),
        (["--state", "bins:zero"], "bins"),
        (["--state", "colour"], "colour"),
        (["--by", "modl"], "modl"),
        (["--where", "model"], "--where"),
        (["--where", "model=m9"], "m9"),
        (["--level", "95"], "level"),
        (["--beta", "-1"], "beta"),
        (["--cluster", "colour"], "colour"),
        (["--objectives", "colour", "--state", "bins:3"], "colour"),
        (["--columns", "state"], "--columns"),
    ],
)
def test_refused_in_a_sentence(arguments: list[str], words: str, tmp_path: Path) -> None:
    target = tmp_path / "o.json"
    target.write_text("kept")
    done = invoke("balance", sessions(tmp_path, n=4), *arguments, "--json", target)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not re.search(r"Traceback|numpy|Exception", done.stderr)
    assert target.read_text() == "kept"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "FILE"),
        (["x.csv", "--lag", "0"], "--lag"),
        (["x.csv", "--kernel", "magic"], "softplus"),
        (["x.csv", "--test", "magic"], "chi-square"),
        (["x.csv", "--bootstrap", "3"], "--bootstrap"),
        (["x.csv", "--seed", "-3"], "--seed"),
    ],
)
def test_usage_errors(arguments: list[str], words: str) -> None:
    done = invoke("balance", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    done = invoke("balance", tmp_path / "absent.csv")
    assert done.exit_code == 2
    assert "no such file" in done.stderr


def test_help_is_light_and_names_every_option() -> None:
    run = "try:\n    main(['balance', '--help'], prog_name='loopstat')\nexcept SystemExit:\n    pass"
    shown = "print(*sorted({m.split('.')[0] for m in sys.modules}))"
    program = f"import sys\nfrom loopstat.faces.cli import main\n{run}\n{shown}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not set(done.stdout.splitlines()[-1].split()) & {"numpy", "scipy", "numba", "duckdb", "jinja2", "matplotlib"}
    for option in ("state", "by", "lag", "visits", "kernel", "beta", "test", "bootstrap", "size-draws", "where"):
        assert f"--{option}" in done.stdout
    for option in ("from-step", "columns", "objectives", "cluster", "level", "seed", "json", "html"):
        assert f"--{option}" in done.stdout


def test_hostile_names_are_harmless(tmp_path: Path) -> None:
    names = [*HOSTILE.values(), "x" * 10_000, "שלום", "🙂"]
    rows = [(a, b, 20 + 7 * k) for k, a in enumerate(names) for b in names]
    done = invoke("balance", moves(tmp_path, rows), "--bootstrap", 99, "--html", tmp_path / "o.html")
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "o.html").read_text(encoding="utf-8")
    assert not CONTROL.search(done.stdout + page.replace("\xa0", " "))
    assert "<script>alert" not in page
    read_page(page)
    printed = invoke("balance", tmp_path / "moves.csv", "--bootstrap", 99, "--json", "-")
    assert not CONTROL.search(printed.stdout + printed.stderr)
    assert set(names) == set(json.loads(printed.stdout)["groups"][0]["states"])


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "a", 9)],
        [("a", "b", 5), ("b", "c", 4), ("c", "d", 6)],
        [("a", "b", 1)],
        [("a", "b", 5), ("b", "a", 5), ("c", "d", 5), ("d", "c", 5)],
    ],
    ids=["one state", "no pair both ways", "one move", "two classes"],
)
def test_small_recordings_have_all_faces(rows: list[Any], tmp_path: Path) -> None:
    target = tmp_path / "o.html"
    done = invoke("balance", moves(tmp_path, rows), "--bootstrap", 99, "--json", tmp_path / "o.json", "--html", target)
    assert done.exit_code == 0, done.stderr
    data = strict_json((tmp_path / "o.json").read_text(encoding="utf-8"))
    assert actions(data) == ["cannot_tell"]
    assert "\n  cannot tell" in done.stdout
    text = target.read_text(encoding="utf-8")
    assert wrong(data, text) == []
