"""Sums of parts of a recording: what they carry is what one run over all rows says, to 1e-10."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import loopstat as ls
from many_samples import carried, differences, loops, written

OBJECTIVES = ["p", "q"]
FEW_DRAWS = 220


def analyses(table: pl.DataFrame, folder: Path, estimator: str, cuts: tuple[int, ...], **asked: Any) -> tuple[Any, Any]:
    """Return the analysis of merged parts, in another order than that of the files, and of one run over all rows."""
    paths = written(table, folder, cuts)
    fit = ls.LinearDrift(estimator, n_boot=FEW_DRAWS, cluster=asked.get("cluster"))
    parts = [ls.stats(path, objectives=OBJECTIVES, **asked) for path in reversed(paths)]
    whole = ls.analyze(paths, objectives=OBJECTIVES, estimator=fit, by=asked.get("by", []))
    return ls.merge(parts, estimator=fit), whole


@pytest.mark.parametrize("estimator", ["pooled", "within"])
def test_merged_parts_say_what_one_run_over_all_rows_says(tmp_path: Path, estimator: str) -> None:
    merged, whole = analyses(loops(140), tmp_path, estimator, (20, 21, 100), by=["strategy"])
    assert list(differences(carried(merged), carried(whole))) == []
    assert merged.groups[0].decided.decision.sentence == whole.groups[0].decided.decision.sentence


def test_so_they_do_where_clusters_are_so_many_that_blocks_stand_for_them(tmp_path: Path) -> None:
    merged, whole = analyses(loops(2300, 4), tmp_path, "pooled", (150, 2200))
    assert merged.groups[0].clusters["sentence"] == "session, in 899 random blocks"
    assert merged.groups[0].clusters["n"] == 2300
    assert list(differences(carried(merged), carried(whole))) == []


def test_a_lineage_is_merged_as_one(tmp_path: Path, lineage_path: Path) -> None:
    table = pl.read_csv(lineage_path)
    paths = written(table, tmp_path, (7, 15))
    asked = {"objectives": ["score", "size"], "minimize": ["size"]}
    fit = ls.LinearDrift("pooled", n_boot=FEW_DRAWS)
    merged = ls.merge([ls.stats(path, **asked) for path in paths], estimator=fit)
    whole = ls.analyze(paths, estimator=fit, by=[], **asked)
    assert merged.groups[0].lineage
    assert list(differences(carried(merged), carried(whole))) == []


def test_instrument_slopes_are_those_of_the_rows(tmp_path: Path) -> None:
    merged, whole = analyses(loops(60, 8), tmp_path, "instrument", (11, 30), by=["strategy"])
    for name in ("drift.A", "drift.b", "drift.Q", "drift.fixed_point"):
        for end in ("value", "low", "high"):
            a, b = (getattr(r.groups[0].estimates[name], end) for r in (merged, whole))
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10)


def test_tasks_that_parts_share_are_one_cluster(tmp_path: Path) -> None:
    table = loops(60, tasks=12)
    merged, whole = analyses(table, tmp_path, "pooled", (17, 40))
    a, b = merged.groups[0], whole.groups[0]
    assert a.clusters == b.clusters == {"kind": "task", "n": 12, "sentence": "task: 60 sessions share 12 starts"}
    for name in ("drift.A", "drift.M", "kept_end.mean", "r2_levels"):
        np.testing.assert_allclose(a.estimates[name].value, b.estimates[name].value, rtol=1e-10)
        np.testing.assert_allclose(a.estimates[name].low, b.estimates[name].low, rtol=1e-9, atol=1e-10)


def test_the_order_of_parts_changes_nothing(tmp_path: Path) -> None:
    parts = [ls.stats(p, objectives=OBJECTIVES) for p in written(loops(40), tmp_path, (10, 25))]
    said = [ls.merge(list(order)).to_dict() for order in itertools.permutations(parts)]
    assert all(list(differences(said[0], other)) == [] for other in said[1:])
    left = ls.merge([parts[0] + parts[1], parts[2]]).to_dict()
    assert list(differences(left, said[0])) == []


def test_scores_far_from_zero_keep_their_digits(tmp_path: Path) -> None:
    table = loops(60, offset=1e6)
    merged, whole = analyses(table, tmp_path, "pooled", (10, 25))
    np.testing.assert_allclose(
        merged.groups[0].estimates["drift.A"].value, whole.groups[0].estimates["drift.A"].value, rtol=1e-7
    )


def test_mixed_sessions_are_put_in_order_and_parts_are_never_cut(tmp_path: Path) -> None:
    from loopstat.io.parts import read_parts
    from loopstat.io.settings import Wanted

    table = loops(30).sample(fraction=1.0, shuffle=True, seed=3)
    path = tmp_path / "mixed.parquet"
    table.write_parquet(path)
    panels = list(read_parts(path, Wanted(objectives=("p", "q")), None, 40))
    assert len(panels) > 3
    assert sum(p.n_sessions for p in panels) == 30
    assert [name for p in panels for name in p.session_names] == table["session"].unique(maintain_order=True).to_list()
    whole = ls.read(path, objectives=["p", "q"])
    np.testing.assert_array_equal(np.concatenate([p.x for p in panels]), whole.x)


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_text_tables_are_read_in_parts_and_name_the_row_of_a_bad_cell(tmp_path: Path, suffix: str) -> None:
    from loopstat.io.parts import read_parts
    from loopstat.io.settings import Wanted

    table, path = loops(20), tmp_path / f"t.{suffix}"
    (table.write_csv if suffix == "csv" else table.write_ndjson)(path)
    panels = list(read_parts(path, Wanted(objectives=("p", "q")), None, 30))
    assert sum(len(p) for p in panels) == 120
    if suffix != "csv":  # JSON has no infinity
        return
    infinite = pl.when(pl.int_range(pl.len()) == 101).then(float("inf")).otherwise(pl.col("p"))
    table.with_columns(p=infinite).write_csv(path)
    with pytest.raises(ls.InputError) as refused:
        list(read_parts(path, Wanted(objectives=("p", "q")), None, 30))
    assert (refused.value.row, refused.value.column) == (102, "p")


def test_sessions_cut_off_need_their_rows_and_those_that_ended_do_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    table = loops(80)
    length = {f"s{k}": int(n) for k, n in enumerate(rng.integers(3, 7, 80))}
    table = table.filter(pl.col("step") < pl.col("session").replace_strict(length)).with_columns(done=pl.lit(True))
    paths = written(table, tmp_path, (30,))
    parts = [ls.stats(p, objectives=["p"]) for p in paths]
    cut = ls.merge(parts)
    assert cut.groups[0].decided is None
    assert any("were cut off" in note and "--ended" in note for note in cut.notes)
    ended = ls.merge([ls.stats(p, objectives=["p"], ended="done") for p in paths], estimator=ls.LinearDrift("pooled"))
    whole = ls.analyze(
        paths, objectives=["p"], by=[], estimator=ls.LinearDrift("pooled"), decision=ls.MeanCurve(ended="done")
    )
    a, b = ended.groups[0].decided.to_dict(), whole.groups[0].decided.to_dict()
    assert list(differences(a, b)) == []


def test_what_needs_the_rows_is_named(tmp_path: Path) -> None:
    part = ls.stats(written(loops(30), tmp_path, ())[0], objectives=OBJECTIVES)
    found = ls.merge(part)
    assert any(note.startswith("Needs the rows") and "latent" in note for note in found.notes)
    said = {c.name: c.message for c in found.groups[0].checks}
    assert said["curved"] == said["duplicate_sessions"] == "Not tested: this needs the rows."
    with pytest.raises(ls.SettingsError, match="`latent` needs the rows"):
        ls.merge(part, estimator=ls.LinearDrift("latent"))


def test_parts_made_otherwise_are_refused(tmp_path: Path) -> None:
    a, b = written(loops(20), tmp_path, (10,))
    first = ls.stats(a, objectives=OBJECTIVES)
    for other, said in (
        ({"objectives": ["p"]}, r"objectives: p, q \(part0.parquet\) and p \(part1.parquet\)"),
        ({"objectives": OBJECTIVES, "by": "strategy"}, "--by"),
        ({"objectives": OBJECTIVES, "minimize": "q"}, "smaller is better"),
        ({"objectives": OBJECTIVES, "keep": "best"}, "--keep"),
        ({"objectives": OBJECTIVES, "from_step": 1}, "--from-step"),
    ):
        with pytest.raises(ls.InputError, match=said):
            first + ls.stats(b, **other)
    with pytest.raises(ls.InputError, match="is in both parts"):
        first + ls.stats(a, objectives=OBJECTIVES)


def test_labels_that_change_inside_sessions_are_refused(tmp_path: Path) -> None:
    table = loops(10).with_columns(strategy=pl.when(pl.col("step") > 2).then(pl.lit("a")).otherwise(pl.lit("b")))
    path = written(table, tmp_path, ())[0]
    with pytest.raises(ls.InputError, match="changes inside sessions"):
        ls.stats(path, objectives=OBJECTIVES, by="strategy")
    with pytest.raises(ls.InputError, match="changes inside sessions"):
        ls.stats(path, objectives=OBJECTIVES, where={"strategy": "a"})


def test_a_part_of_the_sessions(tmp_path: Path) -> None:
    paths = written(loops(50), tmp_path, (23,))
    fit = ls.LinearDrift("pooled", n_boot=FEW_DRAWS)
    merged = ls.merge(
        [ls.stats(p, objectives=OBJECTIVES, where={"strategy": "a"}, from_step=1) for p in paths], estimator=fit
    )
    whole = ls.analyze(ls.read(paths, objectives=OBJECTIVES, from_step=1).where(strategy="a"), by=[], estimator=fit)
    assert list(differences(carried(merged), carried(whole))) == []


def test_folders_named_column_value_are_labels(tmp_path: Path) -> None:
    for value, seed in (("a", 1), ("b 1", 2)):
        folder = tmp_path / f"model={value}" / "day=3"
        folder.mkdir(parents=True)
        loops(25, seed=seed).write_parquet(folder / "steps.parquet")
    pattern = str(tmp_path / "*" / "*" / "*.parquet")
    fit = ls.LinearDrift("pooled", n_boot=FEW_DRAWS)
    whole = ls.analyze(pattern, objectives=OBJECTIVES, by="model", estimator=fit)
    assert [g.label for g in whole.groups] == ["model=a", "model=b 1"]
    merged = ls.merge(ls.stats(pattern, objectives=OBJECTIVES, by="model"), estimator=fit)
    assert list(differences(carried(merged), carried(whole))) == []


def test_by_file(tmp_path: Path) -> None:
    paths = written(loops(50), tmp_path, (23,))
    fit = ls.LinearDrift("pooled", n_boot=FEW_DRAWS)
    merged = ls.merge([ls.stats(p, objectives=OBJECTIVES, by="file") for p in paths], estimator=fit)
    whole = ls.analyze(paths, objectives=OBJECTIVES, by="file", estimator=fit)
    assert [g.label for g in merged.groups] == ["file=part0.parquet", "file=part1.parquet"]
    assert list(differences(carried(merged), carried(whole))) == []


def test_parts_about_other_points_and_in_other_units_are_brought_together(tmp_path: Path) -> None:
    table = loops(90)
    far = pl.col("session").str.slice(1).cast(pl.Int64) >= 40
    table = table.with_columns(
        p=pl.when(far).then(8 * pl.col("p") + 30).otherwise(pl.col("p")),
        q=pl.when(far).then(pl.col("q") / 8 - 2).otherwise(pl.col("q")),
    )
    a, b = (ls.stats(path, objectives=OBJECTIVES) for path in written(table, tmp_path / "two", (40,)))
    assert not np.array_equal(a.centre, b.centre)
    assert not np.array_equal(a.scale, b.scale)
    for k, estimator in enumerate(("pooled", "within")):
        merged, whole = analyses(table, tmp_path / str(k), estimator, (40,))
        assert list(differences(carried(merged), carried(whole))) == []


def test_scores_at_their_bounds_are_counted(tmp_path: Path) -> None:
    table = loops(60).with_columns(p=pl.col("p").clip(-0.2, 1.0), q=pl.col("q").round(0))
    fit = ls.LinearDrift("pooled", n_boot=FEW_DRAWS)
    paths = written(table, tmp_path, (9, 30))
    for bounds in ({}, {"p": (None, 1.0), "q": (-5.0, 5.0)}):
        merged = ls.merge([ls.stats(p, objectives=OBJECTIVES, bounds=bounds) for p in paths], estimator=fit)
        whole = ls.analyze(paths, objectives=OBJECTIVES, bounds=bounds, by=[], estimator=fit)
        assert not merged.groups[0].check("at_bounds").passed
        assert list(differences(carried(merged), carried(whole))) == []


def test_missing_scores_are_left_out_as_from_rows(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    table = loops(70).with_columns(p=pl.when(pl.Series(rng.random(420) < 0.07)).then(None).otherwise(pl.col("p")))
    merged, whole = analyses(table, tmp_path, "within", (20, 50))
    assert merged.groups[0].counts["n_dropped"] > 20
    assert list(differences(carried(merged), carried(whole))) == []


@pytest.mark.parametrize("q", [5.0, 50.0, 95.0])
def test_percentiles_lie_within_what_bins_allow(q: float) -> None:
    from loopstat.drift.carried.sums import Bins

    rng = np.random.default_rng(3)
    values = np.concatenate([rng.standard_normal(500), 1e4 + 100 * rng.standard_normal(300)])
    for cut in (1, 200, 500, 799):
        low, high = (Bins.of(values[:cut]) + Bins.of(values[cut:])).percentile(q)
        assert low <= np.percentile(values, q) <= high
    low, high = Bins.of(values[:500]).percentile(q)
    assert high - low < 0.1


def test_a_file_without_transitions_is_a_part_of_one_that_has_some(tmp_path: Path) -> None:
    table = loops(30).filter((pl.col("step") == 0) | (pl.col("session").str.slice(1).cast(pl.Int64) >= 10))
    paths = written(table, tmp_path, (10,))
    fit = ls.LinearDrift("pooled", n_boot=FEW_DRAWS)
    merged = ls.merge(ls.stats(paths, objectives=OBJECTIVES), estimator=fit)
    whole = ls.analyze(paths, objectives=OBJECTIVES, by=[], estimator=fit)
    for name in ("drift.A", "drift.Q", "kept_end.mean"):
        np.testing.assert_allclose(merged.groups[0].estimates[name].low, whole.groups[0].estimates[name].low, rtol=1e-9)
    assert merged.groups[0].counts == whole.groups[0].counts
    with pytest.raises(ls.InputError, match="no transition"):
        ls.stats(paths[0], objectives=OBJECTIVES)


def test_one_session_alone_and_groups_that_say_nothing(tmp_path: Path) -> None:
    for k, table in enumerate((loops(1, 9), loops(6).with_columns(p=pl.lit(2.0)), loops(3, 2))):
        found = ls.merge(ls.stats(written(table, tmp_path / str(k), ())[0], objectives=OBJECTIVES))
        assert len(found.groups) == 1
        assert ls.Analysis.from_json(found.to_json()) == found


def test_scores_of_different_rules_are_not_pooled(tmp_path: Path) -> None:
    late = pl.col("session").str.slice(1).cast(pl.Int64) >= 10
    table = loops(30).with_columns(scorer_hash=pl.when(late).then(pl.lit("new")).otherwise(pl.lit("old")))
    a, b = written(table, tmp_path, (10,))
    parts = [ls.stats(path, objectives=OBJECTIVES) for path in (a, b)]
    with pytest.raises(ls.InputError, match="what made the scores"):
        ls.merge(parts)
    table.write_parquet(a)
    with pytest.raises(ls.InputError, match="scorer"):
        ls.stats(a, objectives=OBJECTIVES)
    assert len(ls.stats(a, objectives=OBJECTIVES, by="scorer_hash").groups) == 2
