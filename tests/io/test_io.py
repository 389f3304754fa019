"""Reading tables: formats, keys, parents, labels, and every bad input refused in plain words."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import loopstat as ls
from loopstat.drift.settings import LinearDrift
from loopstat.errors import InputError, LoopstatError, SettingsError
from loopstat.io import read, read_pool, read_recording, read_scorer_noise, template
from loopstat.io.recordings import RECORDINGS
from loopstat.io.recordings import path as recording
from loopstat.io.sessions.parents import by_acceptance, by_step
from loopstat.io.sessions.scores import LARGEST
from loopstat.io.table.opening import without_progress_bar
from loopstat.io.versions import read_versions
from loopstat.panel.panel import Panel

HEADER = "session,step,strategy,a,b"
ROWS = [f"s{i},{j},x{i % 2},{(i * 7 + j * 3) % 11},{(i * 5 + j * j) % 13 + 0.5}" for i in range(4) for j in range(6)]
BASE = "\n".join([HEADER, *ROWS]) + "\n"
BAD_ROW = 10  # the data row that tests spoil: session s1, step 3
SPOILT = ROWS[BAD_ROW - 1]


@pytest.fixture
def put(tmp_path):
    """Write a file and return its path."""

    def write(content: str | bytes, name: str = "runs.csv") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def table(header: str, rows) -> str:
    return "\n".join([header, *(",".join("" if c is None else str(c) for c in row) for row in rows)]) + "\n"


def spoil(**cells: str) -> str:
    """Return BASE with some cells of one row replaced."""
    row = dict(zip(HEADER.split(","), SPOILT.split(","), strict=True)) | cells
    return BASE.replace(SPOILT, ",".join(row.values()))


def same(a: Panel, b: Panel) -> None:
    """Assert that two panels are equal but for their source."""
    np.testing.assert_array_equal(a.x, b.x)
    for name in ("session", "step", "parent"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
    assert a.session_names == b.session_names
    assert a.objectives == b.objectives
    assert (a.lineage, a.survivors_only) == (b.lineage, b.survivors_only)
    assert {n: v.values() for n, v in a.labels.items()} == {n: v.values() for n, v in b.labels.items()}
    assert (a.accepted is None) == (b.accepted is None)
    if a.accepted is not None:
        np.testing.assert_array_equal(a.accepted, b.accepted)
    assert (a.repeats is None) == (b.repeats is None)
    if a.repeats is not None:
        np.testing.assert_array_equal(a.repeats, b.repeats)
        np.testing.assert_array_equal(a.repeat_scatter, b.repeat_scatter)


# ---------------------------------------------------------------------------------------------------- formats


def cased() -> list[dict[str, object]]:
    """Rows in which two scores, and two labels, differ only in the case of their names."""
    return [
        {
            "session": f"s{i}",
            "step": t,
            "Score": i + t * t + 0.5,
            "score": 7 * i - t,
            "Kind": f"k{t % 2}",
            "kind": "x/y",
        }
        for i in range(3)
        for t in range(4)
    ]


@pytest.mark.parametrize("form", ["jsonl", "json", "gz", "csv", "parquet", "pandas", "polars", "arrow"])
def test_columns_that_differ_in_case_alone_are_kept_apart(form, put, tmp_path):
    rows = cased()
    lines = "\n".join(json.dumps(r) for r in rows)
    made = {
        "jsonl": lambda: put(lines, "runs.jsonl"),
        "json": lambda: put(json.dumps(rows), "runs.json"),
        "gz": lambda: put(gzip.compress(lines.encode()), "runs.jsonl.gz"),
        "csv": lambda: put(table(",".join(rows[0]), [r.values() for r in rows])),
        "pandas": lambda: pd.DataFrame(rows),
        "polars": lambda: pl.DataFrame(rows),
        "arrow": lambda: pa.Table.from_pylist(rows),
    }
    if form == "parquet":
        source = tmp_path / "runs.parquet"
        pl.DataFrame([{**r, "nested": {"Score": 1, "more": [2]}, "Score_1": None} for r in rows]).write_parquet(source)
    else:
        source = made[form]()
    panel = read(source)
    assert panel.names == ("Score", "score")
    np.testing.assert_array_equal(panel.x, [[r["Score"], r["score"]] for r in rows])
    assert panel.labels["Kind"].values() == [r["Kind"] for r in rows]
    assert set(panel.labels["kind"].values()) == {"x/y"}


def test_json_keys_that_differ_in_case_may_stand_in_different_rows(put):
    rows = [{k: v for k, v in r.items() if k != ("Score" if i % 4 == 1 else "kind")} for i, r in enumerate(cased())]
    panel = read(put("\n".join(map(json.dumps, rows)), "runs.jsonl"), objectives=["score", "Score"])
    assert int(np.isnan(panel.x[:, 1]).sum()) == 3
    assert not np.isnan(panel.x[:, 0]).any()
    plain = "\n".join(json.dumps({"session": "a", "step": t, "s": t * t, "s_1": -t % 3}) for t in range(5))
    assert read(put(plain, "runs.jsonl")).names == ("s", "s_1")


def test_a_dataframe_with_one_name_twice_is_refused():
    frame = pd.DataFrame([[0, 0, 1.0, 2.0], [0, 1, 2.0, 1.0]], columns=["session", "step", "a", "a"])
    with pytest.raises(InputError, match="column `a`: the header names this column twice"):
        read(frame)


def test_a_plain_table_becomes_a_plain_loop(put):
    path = put(BASE)
    panel = read(path)
    assert (panel.n_sessions, len(panel), panel.names, panel.lineage) == (4, 24, ("a", "b"), False)
    assert panel.session_names == ("s0", "s1", "s2", "s3")
    assert panel.labels["strategy"].values()[:7] == ["x0"] * 6 + ["x1"]
    np.testing.assert_array_equal(panel.x[7], [10, 6.5])
    assert len(panel.pairs()) == 20
    assert panel.source.files == (str(path),)
    assert panel.source.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert panel.source.notes == (
        "objectives: a, b (the numeric columns); use --objectives to choose.",
        "sessions: `session`; transitions: previous step -> row.",
    )


def frame() -> pl.DataFrame:
    return pl.read_csv(BASE.encode())


@pytest.mark.slow
def test_every_file_format_gives_the_same_panel(put, tmp_path):
    expected = read(put(BASE))
    records = frame().to_dicts()
    lines = "\n".join(json.dumps(r) for r in records)
    frame().write_parquet(tmp_path / "p.parquet")
    (tmp_path / "parquet_without_a_name").write_bytes((tmp_path / "p.parquet").read_bytes())
    paths = [
        put(BASE.replace(",", "\t"), "t.tsv"),
        put(BASE.replace(",", ";"), "t.csv"),
        put(BASE.replace("\n", "\r\n"), "crlf.csv"),
        put("\n\n" + BASE, "blank.csv"),
        put(BASE.encode("utf-8-sig"), "bom.csv"),
        put(gzip.compress(BASE.encode()), "t.csv.gz"),
        put(BASE, "t.unknown"),
        put(lines, "t.jsonl"),
        put(gzip.compress(lines.encode()), "t.jsonl.gz"),
        put(lines, "t.ndjson"),
        put(json.dumps(records), "t.json"),
        put(json.dumps(records, indent=2), "pretty.json"),
        tmp_path / "p.parquet",
        tmp_path / "parquet_without_a_name",
    ]
    for path in paths:
        same(read(path), expected)


@pytest.mark.parametrize("library", ["polars", "polars lazy", "pandas", "arrow", "duckdb", "narwhals"])
def test_every_dataframe_gives_the_same_panel(put, library):
    import narwhals as nw

    content = BASE.replace(SPOILT, SPOILT.rsplit(",", 1)[0] + ",").replace(HEADER, HEADER + ",ok,n")
    lines = content.splitlines()
    content = "\n".join([lines[0], *(f"{line},{('true', 'false')[i % 2]},{i % 3}" for i, line in enumerate(lines[1:]))])
    path = put(content)
    con = duckdb.connect()
    frames = {
        "polars": lambda: pl.read_csv(path),
        "polars lazy": lambda: pl.scan_csv(path),
        "pandas": lambda: pd.read_csv(path),
        "arrow": lambda: pl.read_csv(path).to_arrow(),
        "duckdb": lambda: con.sql(f"FROM '{path}'"),
        "narwhals": lambda: nw.from_native(pl.read_csv(path)),
    }
    panel = read(frames[library](), objectives=["a", "b"])
    same(panel, read(path, objectives=["a", "b"]))
    assert len(panel.source.digest) == 64
    assert panel.labels["ok"].names == ("false", "true")
    con.close()


def test_dataframes_of_other_types_are_refused():
    for source in (3, None, {"a": 1}, [1, 2]):
        with pytest.raises(SettingsError, match="must be a path, a glob"):
            read(source)
    with pytest.raises(SettingsError, match="empty list"):
        read([])
    with pytest.raises(InputError, match="at least one column"):
        read(pl.DataFrame())


@pytest.mark.slow
def test_large_files_keep_their_row_order(put):
    n = 400_000
    con = duckdb.connect()
    path = put("")
    con.execute(
        f"COPY (SELECT 's' || (i // 5) AS session, i % 5 AS step, hash(i) % 1000 AS a, md5(i::VARCHAR) AS junk "
        f"FROM range({n}) t(i)) TO '{path}' (HEADER)"
    )
    con.close()
    panel = read(path)
    assert panel.session_names[:3] == ("s0", "s1", "s2")
    assert panel.session_names[-1] == f"s{n // 5 - 1}"
    assert panel.names == ("a",)
    assert "junk" not in panel.labels


def test_importing_the_package_stays_light():
    code = "import sys, loopstat, loopstat.io; print({'duckdb', 'narwhals', 'pandas', 'polars'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# ---------------------------------------------------------------------------------------------------- several files


def test_several_files_get_a_label_and_keep_equal_sessions_apart(put, tmp_path):
    before, after = put(BASE, "before.csv"), put(BASE, "after.csv")
    panel = read([before, after])
    assert panel.n_sessions == 8
    assert panel.session_names[0] == "before.csv:s0"
    assert panel.label_values("file") == ["after.csv", "before.csv"]
    same_part = panel.where(file="before.csv")
    np.testing.assert_array_equal(same_part.x, read(before).x)
    whole = before.read_bytes() + after.read_bytes()
    assert panel.source.digest == hashlib.sha256(whole).hexdigest()
    assert len(read(str(tmp_path / "*.csv"))) == 48


def test_clashing_file_names_are_lengthened_and_repeats_read_once(put):
    paths = [put(BASE, "one/runs.csv"), put(BASE, "two/runs.csv")]
    panel = read([*paths, paths[0]])
    assert panel.label_values("file") == ["one/runs.csv", "two/runs.csv"]


def test_files_of_different_formats_and_columns_are_united(put, tmp_path):
    frame().with_columns(extra=pl.lit(2.5)).write_parquet(tmp_path / "p.parquet")
    panel = read([put(BASE), tmp_path / "p.parquet"], objectives=["a", "extra"])
    assert np.isnan(panel.x[:24, 1]).all()
    assert (panel.x[24:, 1] == 2.5).all()
    np.testing.assert_array_equal(panel.x[:24, 0], panel.x[24:, 0])


def test_row_numbers_count_within_the_file(put):
    bad = put(spoil(a="inf"), "z.csv")
    with pytest.raises(InputError) as raised:
        read([put(BASE, "y.csv"), bad])
    assert (raised.value.file, raised.value.row, raised.value.column) == (str(bad), BAD_ROW, "a")


def test_globs_are_in_natural_order_and_brackets_in_names_are_names(put, tmp_path):
    for name in ("r10.csv", "r9.csv"):
        put(BASE, name)
    assert read(str(tmp_path / "r*.csv")).session_names[0] == "r9.csv:s0"
    assert len(read(put(BASE, "a[1]'s *.csv"))) == 24


# ---------------------------------------------------------------------------------------------------- settings


def test_objectives_directions_bounds_and_transforms(put):
    panel = read(
        put(BASE),
        objectives=["b", "a"],
        minimize=["a"],
        bounds={"*": (0, 20), "a": (None, 15)},
        transform={"b": "log", "a": "log1p"},
    )
    b, a = panel.objectives
    assert (b.name, b.maximize, b.low, b.transform) == ("b", True, None, "log")
    assert b.high == pytest.approx(np.log(20))
    assert (a.maximize, a.low) == (False, None)
    assert a.high == pytest.approx(np.log(16))
    raw = read(put(BASE), objectives=["b", "a"]).x
    np.testing.assert_allclose(panel.x, np.column_stack([np.log(raw[:, 0]), np.log1p(raw[:, 1])]))


@pytest.mark.parametrize(
    ("kind", "value", "domain"),
    [
        ("log", "0", "above 0"),
        ("log1p", "-1", "above -1"),
        ("logit", "1", "between 0 and 1"),
        ("sqrt", "-4", "at least"),
    ],
)
def test_values_outside_a_transform_are_refused_with_a_hint(put, kind, value, domain):
    rows = [("s", i, 0.1 + 0.05 * (i * i % 7)) for i in range(9)]
    path = put(table("session,step,a", [*rows, ("s", 9, value)]))
    with pytest.raises(InputError, match=domain) as raised:
        read(path, objectives=["a"], transform={"a": kind})
    assert (raised.value.row, raised.value.column) == (10, "a")
    assert raised.value.hint


def test_values_outside_bounds_are_refused_but_rounding_is_not(put):
    with pytest.raises(InputError, match=r"row 3, column `a`: the value 6 lies outside the bounds \[0, 5\]"):
        read(put(BASE), objectives=["a"], bounds={"a": (0, 5)})
    rows = [("s", i, 1.0000001 if i == 3 else i * i % 7 / 7) for i in range(9)]
    assert read(put(table("session,step,a", rows)), objectives=["a"], bounds={"a": (0, 1)}).objectives[0].high == 1


@pytest.mark.parametrize(
    ("settings_", "error", "match"),
    [
        ({"objectives": ["a", "a"]}, SettingsError, "`a` is named twice"),
        ({"objectives": []}, SettingsError, "is empty"),
        ({"objectives": ["aa"]}, InputError, "no column `aa` .*Did you mean `a`.*Columns: session, step"),
        ({"objectives": ["step"]}, InputError, "cannot be an objective"),
        ({"objectives": ["strategy"]}, InputError, "expected numbers, got 'x0'"),
        ({"labels": ["Stratgy"]}, InputError, "no column `Stratgy` .*Did you mean `strategy`"),
        ({"minimize": ["zz"]}, InputError, "no column `zz` .minimize=."),
        ({"minimize": ["strategy"]}, InputError, "not an objective. Objectives: a, b"),
        ({"objectives": ["a"], "transform": {"b": "log"}}, InputError, "`b` in transform= is not an objective"),
        ({"transform": {"a": "ln"}}, SettingsError, "unknown transform `ln`.*log, log1p, logit, sqrt"),
        ({"bounds": {"a": (3, 1)}}, SettingsError, "low < high"),
        ({"columns": {"sesion": "run"}}, SettingsError, "Did you mean `session`"),
        ({"columns": {"session": "run"}}, InputError, "no column `run` .columns=."),
        ({"columns": {"task": "a", "model": "a"}}, SettingsError, "one of your columns for two"),
        ({"from_step": 9}, InputError, "no transition is left from step 9"),
    ],
)
def test_settings_that_cannot_be_met(put, settings_, error, match):
    with pytest.raises(error, match=match):
        read(put(BASE), **settings_)


def test_columns_are_renamed_and_a_hidden_namesake_disappears(put):
    text = BASE.replace("session,step,strategy", "run_id,iteration,step")
    panel = read(put(text), columns={"session": "run_id", "step": "iteration"})
    np.testing.assert_array_equal(panel.x, read(put(BASE)).x)
    assert "sessions: `run_id`" in panel.source.notes[1]
    with pytest.raises(InputError) as raised:
        read(put(text.replace("s1,3,x1", "s1,,x1")), columns={"session": "run_id", "step": "iteration"})
    assert raised.value.column == "iteration"


def test_from_step_cuts_the_panel_after_the_choice(put):
    panel = read(put(BASE), from_step=2)
    assert panel.step.min() == 2
    assert len(panel.pairs()) == 12


# ---------------------------------------------------------------------------------------------------- typing cells


@pytest.mark.parametrize("missing", ["", "NA", "N/A", "NaN", "nan", "null", "None", "  "])
def test_missing_cells(put, missing):
    panel = read(put(spoil(a=missing)))
    assert np.isnan(panel.x[BAD_ROW - 1, 0])
    assert np.isnan(panel.x).sum() == 1
    assert "a in 1" in panel.source.notes[-1] or "a in 1" in panel.source.notes[1]


@pytest.mark.parametrize("text", ["n/a?", "5,5", "1_000", "-", "five", "<b>"])
def test_a_column_that_is_nearly_numeric_is_refused(put, text):
    with pytest.raises(InputError, match=r"95.8 % of its cells are numbers") as raised:
        read(put(spoil(a=f'"{text}"')))
    assert (raised.value.row, raised.value.column) == (BAD_ROW, "a")
    assert repr(text) in str(raised.value)


def test_a_mostly_textual_column_is_a_label(put):
    rows = [("s", i, "v1" if i % 2 else i, i * i % 7) for i in range(12)]
    assert read(put(table("session,step,version,a", rows))).labels["version"].values()[:3] == ["0", "v1", "2"]


def test_standard_text_columns_stay_text(put):
    rows = [(f"{i // 5:03d}", i % 5, "007" if i < 10 else "x", i * i % 7) for i in range(20)]
    panel = read(put(table("session,step,model,a", rows)))
    assert panel.session_names == ("000", "001", "002", "003")
    assert panel.labels["model"].names == ("007", "x")


@pytest.mark.parametrize("huge", ["1e150", "-2e300"])
def test_scores_whose_products_would_overflow_are_refused_with_their_place(put, huge):
    with pytest.raises(InputError, match=r"row \d+, column `a`: .*beyond"):
        read(put(spoil(a=huge)))


@pytest.mark.parametrize("infinite", ["inf", "-inf", "Infinity", "1e999"])
def test_infinities_are_refused_in_text(put, infinite):
    with pytest.raises(InputError, match="infinite") as raised:
        read(put(spoil(a=infinite)))
    assert (raised.value.row, raised.value.column) == (BAD_ROW, "a")


def test_infinities_are_refused_in_typed_tables():
    spoilt = frame().with_columns(a=pl.when(pl.int_range(pl.len()) == 4).then(np.inf).otherwise("a"))
    with pytest.raises(InputError, match=r"row 5, column `a`: .*infinite"):
        read(spoilt)
    assert read(spoilt, objectives=["b"]).names == ("b",)


def test_text_numbers_in_typed_tables_are_numbers_where_named():
    text = frame().with_columns(a=pl.col("a").cast(pl.String))
    assert read(text).names == ("b",)
    np.testing.assert_array_equal(read(text, objectives=["a"]).x, read(frame(), objectives=["a"]).x)
    spoilt = text.with_columns(a=pl.when(pl.int_range(pl.len()) == 4).then(pl.lit("bad")).otherwise("a"))
    with pytest.raises(InputError, match=r"row 5, column `a`: 95\.8 %"):
        read(spoilt, objectives=["a"])


@pytest.mark.parametrize(
    ("cells", "match"),
    [
        ({"step": "1.5"}, r"column `step`: `step` must be a whole number, got '1.5'"),
        ({"step": "third"}, "got 'third'"),
        ({"step": "inf"}, "got 'inf'"),
        ({"step": ""}, "column `step`: `step` is missing"),
        ({"session": ""}, "column `session`: `session` is missing"),
        ({"session": " NA "}, "`session` is missing"),
    ],
)
def test_broken_keys_are_refused_with_their_row(put, cells, match):
    with pytest.raises(InputError, match=f"row {BAD_ROW}, .*{match}"):
        read(put(spoil(**cells)))


def test_two_rows_for_one_key_name_both_rows(put):
    with pytest.raises(InputError, match=r"row 25: same key as row 2 \(session 's0', step 1\)"):
        read(put(BASE + "s0,1,x0,3,4\n"))


def test_whole_valued_floats_are_steps_and_sessions_of_any_type():
    typed = frame().with_columns(
        step=pl.col("step").cast(pl.Float64), session=pl.col("session").str.slice(1).cast(float)
    )
    panel = read(typed)
    assert panel.session_names == ("0", "1", "2", "3")
    np.testing.assert_array_equal(panel.step, read(frame()).step)


# ---------------------------------------------------------------------------------------------------- labels


def test_which_columns_become_labels(put):
    rows = [
        (f"s{i // 5}", i % 5, i % 2, "yes" if i % 3 else "no", ("true", "FALSE")[i % 2], i / 8, f"t{i}" * 90, i * i % 7)
        for i in range(40)
    ]
    panel = read(put(table("session,step,arm,note,ok,temperature,essay,a", rows)), objectives=["a"])
    assert list(panel.labels) == ["arm", "note", "ok"]
    assert panel.labels["ok"].names == ("false", "true")
    forced = read(
        put(table("session,step,arm,note,ok,temperature,essay,a", rows)), objectives=["a"], labels=["temperature"]
    )
    assert forced.labels["temperature"].values()[:3] == ["0", "0.125", "0.25"]


def test_many_valued_columns_are_no_labels_unless_standard(put):
    rows = [(f"s{i // 5}", i % 5, f"n{i}", f"z{i}", i * i % 7) for i in range(2500)]
    panel = read(put(table("session,step,note,state,a", rows)))
    assert list(panel.labels) == ["state"]
    assert len(read(put(table("session,step,note,state,a", rows)), labels=["note"]).labels["note"].names) == 2500


def test_float32_labels_read_as_they_were_written():
    typed = frame().with_columns(temperature=pl.lit(0.4, dtype=pl.Float32))
    assert read(typed, labels=["temperature"]).labels["temperature"].names == ("0.4",)


def test_content_is_never_loaded(put):
    text = BASE.replace(HEADER, "session,step,artifact,a,b").replace("strategy", "artifact")
    panel = read(put(text))
    assert "artifact" not in panel.labels
    with pytest.raises(InputError, match="column `artifact`: cannot be a label"):
        read(put(text), labels=["artifact"])
    assert "input_text" not in read(put(BASE.replace("strategy", "input_text"))).labels


def test_nested_columns_are_left_alone():
    typed = frame().with_columns(trace=pl.struct("a", "b"), calls=pl.concat_list("a", "b"))
    assert read(typed).names == ("a", "b")
    with pytest.raises(InputError, match="nested"):
        read(typed, labels=["trace"])


# ---------------------------------------------------------------------------------------------------- parents

LINEAGE = [  # session, step, candidate, score
    *[("s", 0, "a", 1.0), ("s", 1, "a", 2.0), ("s", 1, "b", 3.5), ("s", 2, "a", 2.5), ("s", 2, "b", 1.5)],
    *[("s", 3, "a", 4.0)],
]


def lineage(header: str, *columns) -> str:
    return table(f"session,step,candidate,score,{header}", [(*r, *c) for r, *c in zip(LINEAGE, *columns, strict=True)])


def test_parents_by_step_and_candidate(put):
    text = lineage("parent_step,parent_candidate", [None, 0, 0, 1, 1, 2], [None, "a", "a", "b", "a", "b"])
    panel = read(put(text))
    assert panel.lineage
    assert panel.parent.tolist() == [-1, 0, 0, 2, 1, 4]


def test_parents_by_id(put):
    text = lineage("program_id,parent_id", ["p", "q", "r", "t", "u", "v"], [None, "p", "p", "r", "q", "u"])
    panel = read(put(text))
    assert panel.parent.tolist() == [-1, 0, 0, 2, 1, 4]
    assert "transitions: `parent_id` -> row" in panel.source.notes[1]


def test_parents_by_acceptance(put):
    panel = read(put(lineage("accepted", ["true", "false", "true", "false", "false", "true"])))
    assert panel.parent.tolist() == [-1, 0, 0, 2, 2, 2]
    assert panel.accepted.tolist() == [True, False, True, False, False, True]
    assert "last accepted row -> row" in panel.source.notes[1]


@pytest.mark.parametrize("words", [("true", "false"), ("True", "False"), ("1", "0"), ("1.0", "0.0")])
def test_acceptance_in_any_spelling(put, words):
    accepted = [True, False, True, False, True]
    rows = [("s", i, words[not a], i * i % 7) for i, a in enumerate(accepted)]
    panel = read(put(table("session,step,accepted,score", rows)))
    assert panel.accepted.tolist() == accepted
    assert panel.parent.tolist() == [-1, 0, 0, 2, 2]


def test_the_first_row_with_scores_counts_as_accepted(put):
    rows = [("s", 0, 0, None), ("s", 1, 0, 2.0), ("s", 2, 0, 3.0), ("s", 3, 1, 5.0), ("s", 4, 0, 4.0)]
    panel = read(put(table("session,step,accepted,score", rows)))
    assert panel.parent.tolist() == [-1, -1, 1, 1, 3]


def test_missing_acceptance_counts_as_rejected_and_is_said(put):
    rows = [("s", 0, 1, 1.0), ("s", 1, None, 2.0), ("s", 2, 0, 0.5)]
    panel = read(put(table("session,step,accepted,score", rows)))
    assert panel.parent.tolist() == [-1, 0, 0]
    assert any("`accepted` is missing in 1 rows" in note for note in panel.source.notes)


def test_all_accepted_is_a_plain_loop(put):
    rows = [("s", i, "true", i * i % 7) for i in range(5)]
    panel = read(put(table("session,step,accepted,score", rows)))
    assert not panel.lineage
    assert panel.accepted is None
    assert any("read as a plain loop" in note for note in panel.source.notes)


def test_parents_that_are_the_previous_step_make_a_plain_loop(put):
    rows = [("s", i, i - 1 if i else None, i * i % 7) for i in range(5)]
    assert not read(put(table("session,step,parent_step,score", rows))).lineage


def test_absent_parents_make_no_transition_and_are_counted(put):
    rows = [("s", i, i - 2, i * i % 7) for i in range(6)]
    panel = read(put(table("session,step,parent_step,score", rows)))
    assert panel.parent.tolist() == [-1, -1, 0, 1, 2, 3]
    assert any("2 rows name a parent that is not in the table" in note for note in panel.source.notes)


def test_parents_in_another_session_make_no_transition(put):
    rows = [("s", 0, "p", None, 1), ("s", 1, "q", "p", 2), ("t", 0, "r", "q", 3), ("t", 1, "u", "r", 5)]
    panel = read(put(table("session,step,program_id,parent_id,score", rows)), objectives=["score"])
    assert panel.parent.tolist() == [-1, 0, -1, 2]
    assert any("another session" in note for note in panel.source.notes) or not panel.lineage


def test_gaps_in_the_steps_make_no_transition(put):
    rows = [("s", i, i * i % 7) for i in (0, 1, 3, 4, 6)]
    assert read(put(table("session,step,score", rows))).parent.tolist() == [-1, 0, -1, 2, -1]


@pytest.mark.parametrize("parent", [2, 5])
def test_a_parent_at_the_same_or_a_later_step_is_refused(put, parent):
    rows = [("s", i, parent if i == 2 else None, i * i % 7) for i in range(6)]
    with pytest.raises(InputError, match="row 3, column `parent_step`: its parent is step"):
        read(put(table("session,step,parent_step,score", rows)))
    ids = [("s", i, f"p{i}", f"p{parent}" if i == 2 else None, i * i % 7) for i in range(6)]
    with pytest.raises(InputError, match="row 3, column `parent_id`"):
        read(put(table("session,step,program_id,parent_id,score", ids)))


def test_an_ambiguous_parent_step_is_refused(put):
    with pytest.raises(InputError, match="row 4, column `parent_step`: its parent's step has several rows"):
        read(put(lineage("parent_step", [None, 0, 0, 1, 1, 2])))


def test_a_program_id_used_twice_is_refused(put):
    with pytest.raises(InputError, match="column `program_id`: `program_id` stands twice"):
        read(put(lineage("program_id,parent_id", ["p", "q", "q", "t", "u", "v"], [None, "p", "p", "q", "q", "u"])))


def test_several_accepted_in_a_step_need_parents(put):
    with pytest.raises(InputError, match="row 3, column `accepted`: several rows of step 1 are accepted"):
        read(put(lineage("accepted", [1, 1, 1, 0, 0, 1])))


def test_populations_without_parents_are_refused(put):
    with pytest.raises(InputError, match=r"a population without parents.*`parent_step` and `parent_candidate`"):
        read(put(lineage("note", list("uvwxyz"))))


def test_candidates_are_in_natural_order(put):
    rows = [("s", 0, 0, None, 1.0), *[("s", 1, c, 0, v) for c, v in ((10, 5.0), (9, 4.0), (2, 3.0))]]
    panel = read(put(table("session,step,candidate,parent_step,score", rows)))
    assert panel.labels["candidate"].values() == ["0", "2", "9", "10"]
    assert panel.x[:, 0].tolist() == [1, 3, 4, 5]


def test_repeats_are_averaged_and_said(put):
    rows = [("s", i, r, i * i % 7 + r if (i, r) != (2, 1) else None, f"n{r}") for i in range(4) for r in range(2)]
    panel = read(put(table("session,step,repeat,score,note", rows)), objectives=["score"])
    assert panel.x[:, 0].tolist() == [0.5, 1.5, 4.0, 2.5]
    assert panel.labels["note"].values() == ["n0"] * 4
    assert any("4 repeated scorings" in note for note in panel.source.notes)


def test_survivors_only_is_kept(put):
    rows = [("s", i, "true" if i == 2 else "", i * i % 7) for i in range(5)]
    assert read(put(table("session,step,survivors_only,score", rows))).survivors_only


def test_rows_are_sorted_whatever_their_order_in_the_file(put):
    rows = ROWS[:]
    np.random.default_rng(3).shuffle(rows)
    panel = read(put("\n".join([HEADER, *rows])))
    first_seen = list(dict.fromkeys(r.split(",")[0] for r in rows))
    assert list(panel.session_names) == first_seen
    ordered = read(put(BASE))
    for i, name in enumerate(first_seen):
        j = ordered.session_names.index(name)
        np.testing.assert_array_equal(panel.x[panel.session == i], ordered.x[ordered.session == j])


def test_steps_far_apart_do_not_overflow(put):
    rows = [(f"s{i}", s, (i * s) % 11 + i) for i in range(3) for s in (-(10**14), 0, 1, 10**14)]
    assert read(put(table("session,step,a", rows))).parent.tolist() == [-1, -1, 1, -1] * 1 + [
        -1,
        -1,
        5,
        -1,
        -1,
        -1,
        9,
        -1,
    ]


@st.composite
def proposals(draw):
    """Rows of one or two sessions: (session, step, candidate, accepted, score)."""
    rows = []
    for session in range(draw(st.integers(1, 2))):
        for step in sorted(draw(st.sets(st.integers(0, 9), min_size=1, max_size=6))):
            n = draw(st.integers(1, 3))
            chosen = draw(st.integers(-1, n - 1))
            scores = draw(st.lists(st.sampled_from([None, 1.0, 2.5, 4.0]), min_size=n, max_size=n))
            rows += [(session, step, c, int(c == chosen), scores[c]) for c in range(n)]
    return rows


def parents_by_hand(rows) -> list[int]:
    """The last accepted row of an earlier step of the session; its first row with scores counts as accepted."""
    first = {}
    for i, (session, step, _, _, score) in enumerate(rows):
        if score is not None:
            first.setdefault(session, (i, step))
    held = []
    for i, (session, step, _, accepted, _) in enumerate(rows):
        rival = any(r[:2] == (session, step) and r[3] for r in rows)
        held.append(accepted or (first.get(session) == (i, step) and not rival))
    return [
        max((j for j, p in enumerate(rows[:i]) if held[j] and p[0] == r[0] and p[1] < r[1]), default=-1)
        for i, r in enumerate(rows)
    ]


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(rows=proposals())
def test_acceptance_equals_a_search_by_hand(rows):
    session, step, _, accepted, score = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    found = by_acceptance(session.astype(int), step.astype(int), accepted == 1, ~np.isnan(score), InputError)
    assert found.parent.tolist() == parents_by_hand(rows)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(rows=proposals(), data=st.data())
def test_parents_by_step_equal_a_search_by_hand(rows, data):
    keys = [r[:3] for r in rows]
    named = [data.draw(st.none() | st.tuples(st.integers(-2, r[1] - 1), st.integers(0, 2))) for r in rows]
    session, step, candidate = np.array(keys).T
    parent_step = np.array([np.nan if p is None else p[0] for p in named])
    parent_candidate = np.array([-1 if p is None else p[1] for p in named])
    found = by_step(session, step, parent_step, candidate, parent_candidate, InputError)
    by_hand = [keys.index((k[0], *p)) if p and (k[0], *p) in keys else -1 for k, p in zip(keys, named, strict=True)]
    assert found.parent.tolist() == by_hand
    assert found.n_absent == sum(p is not None and h < 0 for p, h in zip(named, by_hand, strict=True))


# ---------------------------------------------------------------------------------------------------- bad input


def refused(source, **settings_) -> str:
    with pytest.raises(InputError) as raised:
        read(source, **settings_)
    text = str(raised.value)
    assert "Error" not in text
    assert "Traceback" not in text
    return text


def test_no_such_file(put, tmp_path):
    put(BASE, "runs.csv")
    assert "no such file. Hint: did you mean" in refused(tmp_path / "rums.csv")
    assert "folder" in refused(tmp_path / "nowhere" / "runs.csv")
    assert "no file matches" in refused(str(tmp_path / "*.nothing"))


def test_a_directory(tmp_path):
    assert "is a directory" in refused(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(put):
    path = put(BASE)
    path.chmod(0)
    assert "no permission" in refused(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody who may not read")
def test_no_permission_as_another_user(put, tmp_path):
    path = put(BASE)
    path.chmod(0)
    for folder in [tmp_path, *tmp_path.parents][:-2]:
        folder.chmod(folder.stat().st_mode | 0o055)
    code = "import os, sys, duckdb; from loopstat.io import read; os.seteuid(65534); read(sys.argv[1])"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert "no permission to read this file" in done.stderr


@pytest.mark.parametrize("content", ["", "\n \n\n", "\ufeff"])
def test_empty_files(put, content):
    assert "the file is empty" in refused(put(content))


@pytest.mark.parametrize("content", ["session,step,a\n", "session,step,a"])
def test_header_only(put, content):
    assert "has column names but no rows" in refused(put(content))


def test_no_rows_in_parquet(tmp_path):
    frame().head(0).write_parquet(tmp_path / "e.parquet")
    assert "no rows" in refused(tmp_path / "e.parquet")


def test_not_a_table(put):
    assert "binary data" in refused(put(np.random.default_rng(0).bytes(5000)))
    assert "single cell" in refused(put("It was a dark night.\nThe rain fell in torrents, except at intervals.\n"))
    assert "line 2 has another number of cells (1) than the header (3)" in refused(put("Dear sir, I, write\nto you\n"))
    assert "ZIP" in refused(put(b"PK\x03\x04xxxxxxx", "t.xlsx"))
    assert "zstd" in refused(put(b"\x28\xb5\x2f\xfdxxxx", "t.csv.zst"))
    assert "unpacked" in refused(put(gzip.compress(BASE.encode())[:50], "t.csv.gz"))


def test_broken_csv(put):
    assert "line 26 has another number of cells (6) than the header (5)" in refused(put(BASE + "s9,0,x,1,2,3\n"))
    assert "line 26 opens a quote" in refused(put(BASE + 's9,0,"x,1,2\n'))
    assert "names this column twice" in refused(put(BASE.replace("a,b", "a,a")))


def test_wrong_encodings(put):
    latin = BASE.replace("x1", "café").encode("latin-1")
    assert "not encoded in UTF-8: byte 0xe9 in line 8" in refused(put(latin))
    late = BASE + "".join(f"s9,{i},x,{i % 7},2\n" for i in range(9000)) + "s9,9000,café,1,2\n"
    assert "line 9026 is not encoded in UTF-8" in refused(put(late.encode("latin-1")))
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        assert "UTF-16" in refused(put(BASE.encode(encoding)))


def test_broken_parquet(tmp_path):
    frame().write_parquet(tmp_path / "whole.parquet")
    content = (tmp_path / "whole.parquet").read_bytes()
    (tmp_path / "half.parquet").write_bytes(content[: len(content) // 2])
    assert "cut off" in refused(tmp_path / "half.parquet")
    (tmp_path / "odd.parquet").write_bytes(b"PAR1" + np.random.default_rng(1).bytes(900) + b"PAR1")
    refused(tmp_path / "odd.parquet")
    (tmp_path / "tiny.parquet").write_bytes(b"PAR1")
    refused(tmp_path / "tiny.parquet")


def test_broken_json(put):
    good = '{"session": 1, "step": 0, "a": 1}\n'
    assert "line 3 is not valid JSON: a string is cut off" in refused(put(good * 2 + '{"session": 1, "st', "a.jsonl"))
    assert "line 2 is not valid JSON" in refused(put(good + '{"a": 1,, }\n' + good, "b.jsonl"))
    nan = refused(put(good + '{"session": 1, "step": 1, "a": NaN}\n', "c.jsonl"))
    assert "row 2, column `a`: a bare NaN is not JSON" in nan
    infinite = good + '{"session": 1, "step": 1, "a": Infinity}\n' + good.replace("0,", "2,")
    assert "row 2, column `a`: the value inf is infinite" in refused(put(infinite, "d.jsonl"))
    assert "one JSON object per row" in refused(put("[1, 2]", "e.json"))
    assert "begins with" in refused(put("1\n2\n", "f.jsonl"))
    assert "no session or step column" in refused(put('{\n "a": 1\n}', "g.json")), "an object may go on over lines"


def test_json_text_that_looks_like_a_date_or_uuid_stays_text(put):
    lines = [{"session": f"2024-01-0{i}", "step": j, "a": (i * j) % 5 + i} for i in (1, 2) for j in range(4)]
    assert read(put("\n".join(map(json.dumps, lines)), "d.jsonl")).session_names == ("2024-01-01", "2024-01-02")
    name = "6F9619FF-8B86-D011-B42D-00C04FC964FF"
    lines = [{"session": name, "step": j, "a": j * j % 5} for j in range(5)]
    assert read(put("\n".join(map(json.dumps, lines)), "u.jsonl")).session_names == (name,)


@pytest.mark.parametrize(
    ("header", "ready"),
    [
        ("run_id,iteration", "--columns session=run_id,step=iteration"),
        ("Session,Round", "--columns session=Session,step=Round"),
        ("episode,t", "--columns session=episode,step=t"),
        ("run id,it er", "--columns 'session=run id,step=it er'"),
        ("kkk,jj", "--columns session=kkk,step=jj"),
        ("session,turn", "--columns step=turn"),
        ("conversation-id,step", "--columns session=conversation-id"),
    ],
)
def test_no_session_or_step_column_prints_a_ready_line(put, header, ready):
    path = put(BASE.replace("session,step", header))
    with pytest.raises(InputError) as raised:
        read(path)
    assert raised.value.on_command_line().endswith(ready)
    mapping = dict(pair.split("=") for pair in ready.removeprefix("--columns ").strip("'").split(","))
    assert str(raised.value).endswith(f"columns={mapping}")
    np.testing.assert_array_equal(read(path, columns=mapping).x, read(put(BASE, "base.csv")).x)


def test_tables_of_other_kinds_are_told_apart(put):
    assert "looks like a transition table" in refused(put(template("transitions")))
    assert "looks like a pool of candidates" in refused(put(template("pool")))


def test_tables_of_other_kinds_are_sent_to_the_command_that_reads_them(put):
    assert "loopstat balance " in refused(put(template("transitions")))
    assert "loopstat moves calibrate " in refused(put(template("pool")))
    assert "loopstat balance " in refused(put('{"cat": ["dog", "cow"], "dog": ["cat"]}', "words.json"))


@pytest.mark.parametrize(
    "reading",
    [
        lambda path: read(path, labels="artifact"),
        lambda path: read_pool(path, coarse="artifact"),
        lambda path: read_pool(path, judges="artifact"),
        lambda path: read_versions(path, mass="artifact"),
        lambda path: read_versions(path, mass="a", by="artifact"),
    ],
)
def test_columns_of_whole_texts_are_refused_in_one_way_for_every_kind(put, reading):
    path = put(table("session,step,task,artifact,a", [("s", t, "u", f"text {t}", t * t % 5) for t in range(6)]))
    with pytest.raises(InputError, match=r"column `artifact`: cannot .*: it holds whole texts or nested values"):
        reading(path)


def test_no_transition_at_all(put):
    assert "every session has one step" in refused(put(table("session,step,a", [(f"s{i}", 0, i) for i in range(9)])))
    gaps = table("session,step,a", [("s", 2 * i, i * i % 7) for i in range(9)])
    assert "holds no transition (previous step -> row)" in refused(put(gaps))


def test_no_objective_left(put):
    text = table("session,step,seed,ok", [("s", i, i * i % 7, i % 2) for i in range(9)])
    assert "no column is left that could be an objective. Left out: seed: named like" in refused(put(text))
    words = table("session,step,word", [("s", i, f"w{i}") for i in range(9)])
    assert "the table holds no numbers" in refused(put(words))
    empty = table("session,step,a,b", [("s", i, i * i % 7, None) for i in range(9)])
    assert "holds no value" in refused(put(empty), objectives=["b"])


@pytest.mark.slow
@pytest.mark.parametrize("n_chars", [1_000_000, 5_000_000])
def test_million_character_cells(put, n_chars):
    rows = [("s", i, i * i % 7, "x" * n_chars) for i in range(4)]
    panel = read(put(table("session,step,a,code", rows)))
    assert panel.x[:, 0].tolist() == [0, 1, 4, 2]
    assert not panel.labels
    lines = "\n".join(json.dumps(dict(zip(("session", "step", "a", "code"), r, strict=True))) for r in rows)
    same(read(put(lines, "t.jsonl")), panel)


HOSTILE = ["<script>alert(1)</script>", 'a";drop table t;--', "\x1b[31mred", "new\nline", "it's", "c0", "a\\b", "{x}"]


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(put, tmp_path, name):
    quoted = '"' + name.replace('"', '""') + '"'
    rows = [f"{quoted},{i},{quoted},{i * i % 7}" for i in range(6)]
    content = "\n".join([f"session,step,strategy,{quoted}", *rows])
    panel = read(put(content))
    assert panel.names == (name,)
    assert panel.session_names == (name,)
    assert panel.labels["strategy"].names == (name,)
    same(read(put(content), objectives=[name], bounds={name: (0, 9)}), read(put(content), bounds={"*": (0, 9)}))
    typed = pl.DataFrame({"session": [name] * 6, "step": range(6), "strategy": [name] * 6, name: [0, 1, 4, 2, 2, 4]})
    typed.write_parquet(tmp_path / "h.parquet")
    put(typed.write_ndjson(), "h.jsonl")
    for source in (typed, typed.to_pandas(), tmp_path / "h.parquet", tmp_path / "h.jsonl"):
        same(read(source), panel)


def test_hostile_file_names(put):
    panel = read([put(BASE, "it's \";drop.csv"), put(BASE, "<b>[x]*?.csv")])
    assert panel.session_names[0] == "it's \";drop.csv:s0"


# ---------------------------------------------------------------------------------------------------- round trip

values = st.one_of(st.none(), st.floats(-LARGEST, LARGEST))
names = st.text("abcXYZ é\"',;\n0<", min_size=1, max_size=6).filter(lambda s: s.strip() == s)


@st.composite
def panels(draw):
    n_obj = draw(st.integers(1, 3))
    n_sessions = draw(st.integers(1, 4))
    lengths = [draw(st.integers(1 if i else 2, 6)) for i in range(n_sessions)]
    sessions = [
        [[np.nan if v is None else v for v in draw(st.lists(values, min_size=n_obj, max_size=n_obj))] for _ in range(n)]
        for n in lengths
    ]
    if not any(v == v for v in np.array(sessions[0]).T[0]):
        sessions[0][0][0] = 1.0
    for j in range(n_obj):
        sessions[0][0][j] = 0.5  # every column has a value
    session_names = draw(st.lists(names, min_size=n_sessions, max_size=n_sessions, unique=True))
    strategy = draw(st.lists(names, min_size=n_sessions, max_size=n_sessions))
    return Panel.from_arrays(
        [np.array(s) for s in sessions],
        objectives=[f"o{j}" for j in range(n_obj)],
        labels={"strategy": strategy},
        session_names=session_names,
    )


def to_csv(panel: Panel) -> str:
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["session", "step", "strategy", *panel.names])
    for i in range(len(panel)):
        cells = ["" if np.isnan(v) else repr(float(v)) for v in panel.x[i]]
        name = panel.session_names[panel.session[i]]
        writer.writerow([name, int(panel.step[i]), panel.labels["strategy"].values()[i], *cells])
    return out.getvalue()


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(panel=panels())
def test_panel_to_csv_to_panel(tmp_path_factory, panel):
    path = tmp_path_factory.mktemp("trip") / "t.csv"
    path.write_text(to_csv(panel), encoding="utf-8", newline="")
    same(read(path, objectives=panel.names), panel)


# ---------------------------------------------------------------------------------------------------- what comes along


@pytest.mark.parametrize("kind", ["sessions", "lineage"])
def test_templates_are_read(put, kind):
    panel = read(put(template(kind)))
    assert panel.lineage == (kind == "lineage")
    assert template(kind) == template(kind)
    assert 2 <= panel.n_sessions <= 3


@pytest.mark.parametrize(("kind", "columns"), [("transitions", "state,next_state,count"), ("pool", "task,candidate")])
def test_templates_of_tables_without_sessions(kind, columns):
    lines = template(kind).splitlines()
    assert columns in lines[0]
    assert {line.count(",") for line in lines} == {lines[0].count(",")}


def test_unknown_template_and_recording():
    with pytest.raises(SettingsError, match="sessions, lineage, transitions, pool"):
        template("trees")
    with pytest.raises(SettingsError, match="llamea, llamea_programs, repeated_games"):
        recording("eoh")


@pytest.mark.slow
def test_bundled_recordings():
    llamea = read(recording("llamea"), objectives=["aocc_separable", "multimodal", "code_chars"])
    assert llamea.lineage
    assert (llamea.n_sessions, len(llamea.pairs())) == (416, 14701)
    assert llamea.label_values("model") == ["gpt-3.5-turbo", "gpt-4o"]
    games = read(recording("repeated_games"))
    assert games.names == ("points1", "points2")
    assert (games.n_sessions, len(games.pairs())) == (3600, 32400)
    assert len(games.label_values("strategy")) == 7
    programs = read(recording("llamea_programs"))
    assert (programs.names, programs.lineage) == (("efficiency", "functionality"), True)
    assert any("security (97 % of its values are 10)" in note for note in programs.source.notes)
    for name in ("session", "step", "parent"):
        np.testing.assert_array_equal(getattr(programs, name), getattr(llamea, name))
    assert sum(recording(name).stat().st_size for name in RECORDINGS) < 2_500_000
    assert "Niki van Stein" in (recording("llamea").parent / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("seed", range(40))
def test_no_foreign_exception_escapes(put, seed):
    rng = np.random.default_rng(seed)
    broken = np.frombuffer(BASE.encode(), np.uint8).copy()
    broken[rng.integers(len(broken), size=4)] = rng.integers(256, size=4)
    with contextlib.suppress(LoopstatError):
        assert len(read(put(broken.tobytes())))


def test_arrow_dictionaries_and_decimals_are_read():
    typed = pa.table(
        {
            "session": pa.array(["s"] * 5).dictionary_encode(),
            "step": pa.array(range(5), pa.int16()),
            "a": pa.array([1, 2, 4, 3, 5]).cast(pa.decimal128(24, 2)),
        }
    )
    assert read(typed).x[:, 0].tolist() == [1, 2, 4, 3, 5]


# ---------------------------------------------------------------------------------------------------- repeats

TWICE = [  # session, step, repeat, a, b; by hand: see the tests
    *[("s", 0, 1, 1.0, 10.0), ("s", 0, 2, 3.0, 14.0)],
    ("s", 1, 1, 5.0, 7.0),
    *[("s", 2, 1, 2.0, 1.0), ("s", 2, 2, 4.0, 4.0), ("s", 2, 3, 9.0, 1.0)],
]


def twice(rows=TWICE) -> str:
    return table("session,step,repeat,a,b", rows)


def read_twice(source, **settings_) -> Panel:
    return read(source, objectives=["a", "b"], **settings_)


def test_repeats_and_their_scatter_by_hand(put):
    panel = read_twice(put(twice()))
    assert panel.repeats.tolist() == [2, 1, 3]
    assert panel.x.tolist() == [[2, 12], [5, 7], [5, 2]]
    assert panel.repeat_scatter.tolist() == [
        [[2, 4], [4, 8]],  # (-1, -2) and (1, 2)
        [[0, 0], [0, 0]],
        [[26, -3], [-3, 6]],  # (-3, -1), (-1, 2) and (4, -1)
    ]
    [note] = [n for n in panel.source.notes if "repeated scorings" in n]
    assert note == (
        "3 repeated scorings were averaged into the 3 rows they belong to; the scorer's noise is measured from them."
    )


def test_repeats_are_transformed_before_they_are_averaged(put):
    panel = read_twice(put(twice()), transform={"a": "log"}, bounds={"a": (1, 9)})
    logs = np.log([2, 4, 9])
    np.testing.assert_allclose(panel.x[:, 0], [np.log(3) / 2, np.log(5), logs.mean()])
    np.testing.assert_allclose(panel.repeat_scatter[2, 0, 0], 3 * logs.var())
    np.testing.assert_allclose(panel.repeat_scatter[0], [[np.log(3) ** 2 / 2, 2 * np.log(3)], [2 * np.log(3), 8]])
    assert panel.x[:, 1].tolist() == [12, 7, 2]


def test_a_scoring_that_lacks_an_objective_counts_in_the_mean_alone(put):
    rows = [(*r[:4], None) if r[1:3] == (2, 2) else r for r in TWICE]
    panel = read_twice(put(twice(rows)))
    assert panel.x.tolist() == [[2, 12], [5, 7], [5, 1]]
    assert panel.repeats.tolist() == [2, 1, 2]
    assert panel.repeat_scatter[2].tolist() == [[24.5, 0], [0, 0]]  # about 5.5, the mean of the whole scorings


def test_rows_without_a_whole_scoring_count_once(put):
    rows = [*TWICE, ("s", 3, 1, 6.0, None), ("s", 3, 2, None, 3.0), ("s", 4, 1, None, 3.0), ("s", 4, 2, None, 5.0)]
    panel = read_twice(put(twice(rows)))
    assert panel.repeats.tolist() == [2, 1, 3, 1, 1]
    assert not panel.repeat_scatter[3:].any()
    np.testing.assert_array_equal(panel.x[3:], [[6, 3], [np.nan, 4]])


def test_nothing_is_measured_where_nothing_was_scored_twice(put):
    once = [r for r in TWICE if r[2] == 1]
    assert read_twice(put(twice(once))).repeats is None
    panel = read_twice(put(twice([*once, ("s", 2, 2, None, None)])))
    assert (panel.repeats, panel.repeat_scatter) == (None, None)
    [note] = [n for n in panel.source.notes if "repeated scorings" in n]
    assert note.endswith("they belong to.")


def test_equal_scorings_scatter_by_exactly_nothing(put):
    rows = [("s", i, r, 0.1 + 0.2 * i, 1e9 / 3 + i * i) for i in range(4) for r in range(3)]
    panel = read_twice(put(twice(rows)))
    assert panel.repeats.tolist() == [3] * 4
    assert not panel.repeat_scatter.any()


def test_scores_too_large_to_square_are_refused(put):
    rows = [("s", i, r, (1 + i + r) * 1e200, i * i % 7 + r) for i in range(4) for r in range(2)]
    with pytest.raises(InputError, match="squares and products of scores would overflow"):
        read_twice(put(twice(rows)))


@pytest.mark.parametrize("seed", range(5))
def test_scatter_equals_a_sum_by_hand_in_any_row_order(put, seed):
    rng = np.random.default_rng(seed)
    rows = [
        (f"s{i}", step, r, *(None if rng.random() < 0.1 else round(v, 6) for v in rng.normal(50, 3, 2).tolist()))
        for i in range(4)
        for step in range(5)
        for r in range(rng.integers(1, 5))
    ]
    by_key: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for session, step, _, a, b in rows:
        by_key.setdefault((session, step), []).extend([(a, b)] if a is not None and b is not None else [])
    shuffled = [rows[i] for i in rng.permutation(len(rows))]
    panel = read_twice(put(twice(shuffled)))
    for i in range(len(panel)):
        whole = np.array(by_key[panel.session_names[panel.session[i]], int(panel.step[i])]).reshape(-1, 2)
        apart = whole - whole.mean(axis=0) if len(whole) else whole
        assert panel.repeats[i] == max(len(whole), 1)
        np.testing.assert_allclose(panel.repeat_scatter[i], apart.T @ apart, atol=1e-9)


def test_dataframes_with_repeats_are_the_same(put):
    path = put(twice())
    expected = read_twice(path)
    for source in (pl.read_csv(path), pd.read_csv(path), pl.read_csv(path).to_arrow()):
        same(read_twice(source), expected)


def test_the_digest_of_a_dataframe_tells_repeats_apart():
    columns = ["session", "step", "repeat", "a", "b"]
    wider = [(*r[:3], r[3] + (-1, 1)[r[2] - 1], r[4]) if r[1] == 0 else r for r in TWICE]
    one, other = (read_twice(pl.DataFrame(rows, schema=columns, orient="row")) for rows in (TWICE, wider))
    np.testing.assert_array_equal(one.x, other.x)
    assert one.source.digest != other.source.digest


def test_a_lineage_with_repeats(put):
    rows = [
        ("s", 0, "p", 1, None, None, 1, 1.0),
        ("s", 0, "p", 2, None, None, 1, 2.0),
        ("s", 1, "p", 1, 0, "p", 0, 0.5),
        ("s", 1, "q", 1, 0, "p", 1, 3.0),
        ("s", 1, "q", 2, 0, "p", 1, 6.0),
        ("s", 2, "p", 1, 1, "q", 0, 1.0),
        ("s", 2, "p", 2, 1, "q", 0, 5.0),
    ]
    header = "session,step,candidate,repeat,parent_step,parent_candidate,accepted,score"
    panel = read(put(table(header, rows)), objectives=["score"])
    assert panel.lineage
    assert panel.x.ravel().tolist() == [1.5, 0.5, 4.5, 3.0]
    assert panel.parent.tolist() == [-1, 0, 0, 2]
    assert panel.repeats.tolist() == [2, 1, 2, 2]
    assert panel.repeat_scatter.ravel().tolist() == [0.5, 0, 4.5, 8]
    kept = panel.kept()  # the proposal of step 2 was rejected: the version of step 1 stays
    assert kept.x.ravel().tolist() == [1.5, 4.5, 4.5]
    assert kept.repeats.tolist() == [2, 2, 2]
    assert kept.repeat_scatter.ravel().tolist() == [0.5, 4.5, 4.5]


def test_repeats_follow_the_rows_from_a_step_on(put):
    panel = read_twice(put(twice()), from_step=1)
    assert panel.repeats.tolist() == [1, 3]
    assert panel.repeat_scatter[1].tolist() == [[26, -3], [-3, 6]]


# ---------------------------------------------------------------------------------------------------- scorer noise


def noise_json(objectives=("a", "b"), covariance=((2, 0.5), (0.5, 1)), **extra) -> str:
    return json.dumps({"objectives": objectives, "covariance": covariance, **extra})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_scorer_noise_is_read(put, encoding):
    path = put(noise_json(["é", "b"]).encode(encoding), "noise.json")
    for given_path in (path, str(path)):
        noise = read_scorer_noise(given_path)
        assert noise.objectives == ("é", "b")
        assert noise.covariance.tolist() == [[2, 0.5], [0.5, 1]]
    assert noise.of(("b", "é")).tolist() == [[1, 0.5], [0.5, 2]]


def test_no_noise_is_noise(put):
    assert not read_scorer_noise(put(noise_json(covariance=[[0, 0], [0, 0]]), "noise.json")).covariance.any()


NOT_NOISE = {
    "empty": ("", "is not valid JSON"),
    "not JSON": ('{"objectives": ["a"],\n "covariance": [[1]', "line 2 is not valid JSON"),
    "not text": (b"\xff\xfe\x00a", "is not encoded in UTF-8"),
    "too deep": ("[" * 200_000, "is not JSON that can be read"),
    "too long a number": ("1" * 9000, "is not JSON that can be read"),
    "no object": ("[[1, 0], [0, 1]]", "must hold a JSON object with the keys objectives and covariance. Got a list"),
    "null": ("null", "Got null"),
    "no objectives": ('{"covariance": [[1]]}', "lacks the key `objectives`"),
    "no covariance": ('{"objectives": ["a"]}', "lacks the key `covariance`"),
    "unknown key": (noise_json(units="points"), "unknown key 'units'"),
    "key twice": (
        '{"objectives": ["a"], "covariance": [[1]], "covariance": [[2]]}',
        "the key 'covariance' stands twice",
    ),
    "objectives no list": (noise_json("ab"), '`objectives` must be a list of at least one name. Got "ab"'),
    "objectives empty": (noise_json([], []), "at least one name. Got an empty list"),
    "objectives no names": (noise_json(["a", 3]), "must hold names. Got 3"),
    "objective null": (noise_json(["a", None]), "must hold names. Got null"),
    "objective empty": (noise_json(["a", ""]), "must hold names"),
    "objectives twice": (noise_json(["a", "a"]), "`objectives` names 'a' twice"),
    "too small": (noise_json(covariance=[[1]]), r"must have shape \(2, 2\)"),
    "too large": (noise_json(["a"]), r"must have shape \(1, 1\)"),
    "too few rows": (noise_json(covariance=[[1, 0]]), r"must have shape \(2, 2\)"),
    "no rows": (noise_json(covariance=[]), r"must have shape \(2, 2\)"),
    "ragged": (noise_json(covariance=[[1, 0], [0]]), "rows of one length. Got 1 and 2 numbers"),
    "a number": (noise_json(covariance=1), "`covariance` must be a list of rows"),
    "a flat list": (noise_json(covariance=[1, 0, 0, 1]), "`covariance` must be a list of rows"),
    "nested too deep": (
        noise_json(covariance=[[[1], 0], [0, 1]]),
        "row 1, column 1: expected a finite number. Got a l",
    ),
    "text": (noise_json(covariance=[[1, "0"], [0, 1]]), 'row 1, column 2: expected a finite number. Got "0"'),
    "null cell": (noise_json(covariance=[[1, 0], [None, 1]]), "row 2, column 1: .* Got null"),
    "true": (noise_json(covariance=[[True, 0], [0, 1]]), "row 1, column 1: .* Got true"),
    "NaN": (noise_json(covariance=[[1, 0], [0, float("nan")]]), "row 2, column 2: .* Got nan"),
    "infinite": (noise_json(covariance=[[float("inf"), 0], [0, 1]]), "row 1, column 1: .* Got inf"),
    "beyond floats": (noise_json(covariance=[[10**400, 0], [0, 1]]), "row 1, column 1: .* Got inf"),
    "not symmetric": (noise_json(covariance=[[1, 0.5], [0.4, 1]]), "must be symmetric"),
    "negative eigenvalue": (noise_json(covariance=[[1, 2], [2, 1]]), "negative eigenvalue"),
    "negative variance": (noise_json(["a"], [[-1]]), "negative eigenvalue"),
}


@pytest.mark.parametrize("case", NOT_NOISE)
def test_files_that_hold_no_noise_are_refused(put, case):
    content, match = NOT_NOISE[case]
    path = put(content, "noise.json")
    with pytest.raises(InputError, match=match) as raised:
        read_scorer_noise(path)
    assert raised.value.file == str(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "scorer noise:" not in str(raised.value)
    assert '"covariance": [[0.2, 0.0], [0.0, 0.1]]' in raised.value.hint


@pytest.mark.parametrize(
    ("name", "match"), [("", "is a directory"), ("none.json", "no such file"), ("\0", "a name that no file can have")]
)
def test_noise_that_is_no_file(tmp_path, name, match):
    with pytest.raises(InputError, match=match) as raised:
        read_scorer_noise(tmp_path / name)
    assert raised.value.file == str(tmp_path / name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.integers(),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["objectives", "covariance"]), inner)
        ),
        max_leaves=12,
    )
)
def test_any_other_json_is_refused_in_words(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("noise") / "noise.json"
    path.write_text(json.dumps(value))
    with contextlib.suppress(InputError):
        read_scorer_noise(path)


NOTEBOOK = """
import sys, types
ipython = types.ModuleType("IPython")
ipython.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"], sys.modules["ipywidgets"] = ipython, None
import duckdb
try:
    duckdb.connect().execute("SET enable_progress_bar = false")
except duckdb.Error as error:
    print("ipywidgets" in str(error))
from loopstat.io import read
from loopstat.io.table.opening import opened

print(len(read(sys.argv[1])))
with opened(sys.argv[1]) as cells:
    print(cells._con.execute("SELECT current_setting('enable_progress_bar')").fetchall())
"""


def test_a_notebook_without_ipywidgets_can_read(put):
    words = [sys.executable, "-c", NOTEBOOK, str(put(BASE))]  # a kernel runs no file, and DuckDB looks at that
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:3] == ["True", "24", "[(False,)]"], done.stderr


def test_the_progress_bar_is_switched_off_where_it_is_on():
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = true")
        without_progress_bar(con)
        assert con.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(False,)]


def test_one_name_may_be_given_as_a_text(put):
    path = put(BASE.replace("strategy", "Prompt Variant"))
    panel = read(path, objectives="a", minimize="a", labels="Prompt Variant")
    same(panel, read(path, objectives=["a"], minimize=["a"], labels=["Prompt Variant"]))
    by = "Prompt Variant"
    assert [values for values, _ in panel.split(by)] == [{by: "x0"}, {by: "x1"}]
    assert ls.analyze(panel, by=by, estimator=LinearDrift("pooled", n_boot=0)).settings["by"] == [by]
    parts = read_recording(path, state="a", by=by, labels="b", objectives="b").parts
    assert [values for values, _ in parts] == [{by: "x0"}, {by: "x1"}]
    assert [values for values, _ in read_versions(path, mass="a", by=by)[0]] == [{by: "x0"}, {by: "x1"}]
    assert len(read_pool(path, pool="session", judges="a", by=by).parts) == 2
    assert Panel.from_arrays([[1.0, 2.0]], objectives="score").names == ("score",)


@pytest.mark.parametrize("made", [pd.read_csv, pl.read_csv, str])
def test_a_table_is_analysed_as_the_panel_read_from_it(made, put):
    path = put(BASE.replace("strategy", "heat").replace(",x0,", ",0.5,").replace(",x1,", ",1.5,"))
    few = LinearDrift("pooled", n_boot=9)
    found = ls.analyze(made(path), by="heat", estimator=few, objectives="b", minimize="b")
    panel = read(path, objectives="b", minimize="b", labels="heat")
    assert found.to_dict()["groups"] == ls.analyze(panel, by=["heat"], estimator=few).to_dict()["groups"]
    assert [g.label for g in found.groups] == ["heat=0.5", "heat=1.5"]


def test_a_panel_is_not_read_twice(put):
    with pytest.raises(SettingsError, match=r"a Panel is read already: give objectives, bounds to `loopstat\.read`"):
        ls.analyze(read(put(BASE)), objectives="a", bounds={})
    with pytest.raises(SettingsError, match=r"or a dataframe\. Got int"):
        ls.analyze(3)
