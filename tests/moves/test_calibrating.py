"""Calibration of the moves lens from a table to the settings file, and what is refused on the way."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from conftest import write_table
from loopstat.errors import InputError, SettingsError
from loopstat.faces import terminal
from loopstat.faces.cli import main
from loopstat.faces.explain import terms
from loopstat.inference.estimate import Estimate
from loopstat.io import read_pool, template
from loopstat.moves.calibrate.fit import Calibration, calibrate
from loopstat.moves.calibrate.identified import Identified
from loopstat.moves.files import read_settings
from loopstat.moves.view import document
from loopstat.panel.pool import Pool
from loopstat.results.chart import Chart, Line
from loopstat.results.document import Facts
from loopstat.results.words import number, parts, percent

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HEADER = ("task", "candidate", "model", "quick", "full", "judge_a", "judge_b", "judge_c", "quality")


def rows(seed: int = 0, model: str = "m", tasks: int = 120, samples: int = 8) -> list[tuple[Any, ...]]:
    """Return candidates with r 0.8, gamma 0.25 and sigma_r 0.35."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(tasks), samples)
    mu = rng.lognormal(-0.5, 1.5, tasks)[task]
    u = rng.random(len(task))
    truth = rng.normal(0, 0.6, tasks)[task] + rng.normal(0, 0.31, len(task))
    error = 0.35 * (0.5 * rng.normal(size=(len(task), 1)) + np.sqrt(0.75) * rng.normal(size=(len(task), 3)))
    verdicts = np.stack([u < np.exp(-0.8 * mu), u < np.exp(-mu)], axis=1).astype(int)
    scores = np.round(np.column_stack([truth[:, None] + error, truth]), 6)
    return [
        (f"t{t}", i % samples, model, *v, *s)
        for i, (t, v, s) in enumerate(zip(task.tolist(), verdicts.tolist(), scores.tolist(), strict=True))
    ]


ALL: dict[str, Any] = {
    "coarse": "quick",
    "fine": "full",
    "judges": ["judge_a", "judge_b", "judge_c"],
    "truth": "quality",
}
OPTIONS = ("--coarse", "quick", "--fine", "full", "--judges", "judge_a,judge_b,judge_c", "--truth", "quality")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("pool") / "pool.csv", rows(), HEADER)


@pytest.fixture(scope="module")
def whole(table: Path) -> Calibration:
    found = read_pool(table, **ALL)
    return calibrate(found.parts, source=found.source, notes=found.notes, settings=found.used)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["moves", "calibrate", *map(str, arguments)], prog_name="loopstat")


# ------------------------------------------------------------------------- what is found


@pytest.mark.slow
def test_known_parameters_are_found(whole: Calibration) -> None:
    [group] = whole.groups
    for name, true in (("oracle_resolution", 0.8), ("correlation", 0.25), ("sigma_r", 0.35)):
        p = group.parameter(name)
        assert p.identifiable
        assert p.estimate.low <= true <= p.estimate.high
    assert group.settings.keys() == {"oracle_resolution", "correlation", "sigma_r"}
    assert (group.n_tasks, group.n_candidates) == (120, 960)
    assert group.k_eff["within"].at(5).value == pytest.approx(5, rel=0.15)


@pytest.mark.slow
def test_every_parameter_has_a_value_or_a_reason(whole: Calibration, table: Path) -> None:
    for kept in (ALL, {"coarse": "quick"}, {"judges": ["judge_a", "judge_b"]}, {"truth": "quality"}):
        [group] = calibrate(read_pool(table, **kept).parts).groups
        assert [p.name for p in group.parameters] == [p.name for p in whole.groups[0].parameters]
        for p in group.parameters:
            assert p.reason.endswith(".")
            assert p.identifiable == (p.name in group.settings) or p.name == "tau_h"


def test_the_json_form_is_complete_and_explained(whole: Calibration) -> None:
    data = whole.to_dict()
    assert data["schema"] == "loopstat.moves-calibration/1"
    assert json.loads(json.dumps(data, allow_nan=False)) == data

    def keys(value: Any) -> set[str]:
        if isinstance(value, list):
            return set().union(*map(keys, value))
        if not isinstance(value, dict):
            return set()
        return set(value) | {k for name, v in value.items() if name not in ("by", "where", "columns") for k in keys(v)}

    said = {re.sub(r"_(low|high)$", "", k) for k in keys(data) | keys(whole.settings_file())}
    assert sorted(said - set(terms())) == []
    for p in data["groups"][0]["parameters"]:
        assert Identified.from_dict(p).to_dict() == p


def test_more_parameters_can_be_added_later(whole: Calibration) -> None:
    more = Identified("a1", Estimate(0.9, 0.8, 1.0), True, "Given.", "told", 3, 4)
    group = whole.groups[0].plus([more], ["a1 was told."])
    assert group.settings["a1"] == pytest.approx(0.9)
    assert group.parameter("correlation") == whole.groups[0].parameter("correlation")
    with pytest.raises(SettingsError, match="no parameter `a2`"):
        group.parameter("a2")


def test_settings_stay_inside_their_ranges(whole: Calibration) -> None:
    below = Identified("correlation", Estimate(-0.1, -0.3, 0.1), True, "Given.", "told", 3, 4)
    assert whole.groups[0].plus([below]).settings["correlation"] == 0


@pytest.mark.slow
def test_same_seed_same_figures_whatever_the_other_groups(table: Path) -> None:
    parts = read_pool(table, **ALL).parts
    alone = calibrate(parts).groups[0].to_dict()
    other = ({"model": "z"}, Pool.of(["a", "b"], coarse=[1, 0]))
    assert calibrate([other, *parts]).groups[1].to_dict() == alone
    assert "calibrate" not in repr(calibrate(parts))


def test_refusals() -> None:
    pool = Pool.of(["a", "b"], coarse=[1, 0])
    with pytest.raises(SettingsError, match="`level`"):
        calibrate(pool, level=1.5)
    with pytest.raises(SettingsError, match="human_prior"):
        calibrate(pool, human_prior=2)
    with pytest.raises(SettingsError, match="no group"):
        calibrate([])


# ------------------------------------------------------------------------- tables


@pytest.mark.slow
def test_groups_conditions_and_gaps(tmp_path: Path) -> None:
    two = [*rows(0, "a", tasks=12, samples=3), *rows(1, "b", tasks=12, samples=3)]
    two[0] = (*two[0][:3], "", *two[0][4:])
    two[1] = ("", *two[1][1:])
    path = write_table(tmp_path / "p.csv", two, HEADER)
    found = read_pool(path, coarse="quick")
    assert [label["model"] for label, _ in found.parts] == ["a", "b"]
    assert [len(p) for _, p in found.parts] == [35, 36]
    assert any("1 rows have no `task`" in n for n in found.notes)
    assert len(read_pool(path, coarse="quick", where={"model": "b"}).parts) == 1
    assert len(read_pool(path, coarse="quick", unlike={"model": "b"}).parts[0][1]) == 35
    pooled = read_pool(path, coarse="quick", by=["none"])
    assert pooled.parts[0][0] == {}
    assert any("repeat a candidate of their task" in n for n in pooled.notes)
    group = calibrate(found.parts).groups[0]
    assert any("lack a value" in n for n in group.notes)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_other_formats_say_the_same(table: Path, tmp_path: Path, kind: str) -> None:
    import duckdb

    path = tmp_path / f"pool.{kind}"
    how = "" if kind == "parquet" else " (FORMAT json)"
    with duckdb.connect() as con:
        con.execute(f"COPY (FROM read_csv('{table}')) TO '{path}'{how}")
    ours, theirs = (calibrate(read_pool(p, **ALL).parts).groups[0].to_dict() for p in (table, path))
    assert ours == theirs


def test_columns_are_guessed_and_the_guess_is_said(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(template("pool"))
    found = read_pool(path)
    assert found.used["coarse"] == "passed"
    assert found.used["judges"] == ["judge_a", "judge_b"]
    assert "by their names" in found.notes[0]
    plain = write_table(tmp_path / "q.csv", [("a", 1, "x")], ("task", "candidate", "model"))
    with pytest.raises(InputError, match="which columns are verdicts or scores"):
        read_pool(plain)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"coarse": "judge_a"}, "must hold verdicts, true or false"),
        ({"coarse": "model"}, "must be true or false"),
        ({"truth": "model"}, "expected numbers"),
        ({"coarse": "quikc"}, r"no column `quikc` \(coarse=\). Did you mean `quick`"),
        ({"coarse": "quick", "pool": "tsk"}, r"no column `tsk` \(pool=, by= or where=\)"),
        ({"coarse": "quick", "where": {"model": "x"}}, "no row has model = 'x'. Values: m"),
        ({"coarse": "quick", "unlike": {"model": "m"}}, "leaves no row"),
        ({"coarse": "quick", "fine": "quick"}, "same column"),
        ({"judges": ["judge_a", "judge_a"]}, "twice"),
    ],
)
def test_tables_that_cannot_be_used(table: Path, how: dict[str, Any], words: str) -> None:
    with pytest.raises((InputError, SettingsError), match=words):
        read_pool(table, **how)


def test_shares_are_refused_with_what_they_can_say(tmp_path: Path) -> None:
    path = write_table(tmp_path / "s.csv", [("a", 80.0, 60.0), ("b", 50.0, 45.0)], ("task", "low", "high"))
    with pytest.raises(InputError, match="r needs single samples") as error:
        read_pool(path, coarse="low", fine="high")
    assert "0.175 a row on average" in str(error.value)


def stopping(tmp_path: Path) -> Path:
    """Write sessions that end with the first version that passes."""
    rng = np.random.default_rng(0)
    out = []
    for session in range(60):
        for step in range(4):
            passed = rng.random() < 0.4
            out.append((f"s{session}", step, f"t{session % 20}", int(passed), int(passed and rng.random() < 0.8)))
            if passed:
                break
    return write_table(tmp_path / "l.csv", out, ("session", "step", "task", "quick", "full"))


def test_loops_that_stop_on_their_tests_are_seen(tmp_path: Path) -> None:
    path = stopping(tmp_path)
    found = read_pool(path, coarse="quick", fine="full")
    assert any("stop at the first version that passes" in n for n in found.notes)
    [group] = calibrate(found.parts).groups
    assert "selected by their coarse verdicts" in group.parameter("oracle_resolution").reason
    assert group.pass_at_k == {}
    assert 0.1 < group.false_pass.value < 0.35
    first = read_pool(path, coarse="quick", fine="full", where={"step": "0"})
    assert not first.parts[0][1].selected
    assert not any("stop at the first" in n for n in first.notes)


# ------------------------------------------------------------------------- the command


@pytest.mark.slow
def test_the_command_answers_first_and_writes_settings(table: Path, tmp_path: Path) -> None:
    done = run(table, *OPTIONS, "--out", tmp_path / "s.json", "--json", tmp_path / "c.json")
    assert done.exit_code == 0, done.output
    assert "identified for the simulator: oracle_resolution 0.8" in done.output
    assert "tau H" in done.output
    data = json.loads((tmp_path / "s.json").read_text())
    assert (data["schema"], set(data)) == (
        "loopstat.moves-settings/1",
        {"schema", "settings", "calibration", "loopstat"},
    )
    values, _ = read_settings(str(tmp_path / "s.json"))
    assert values == pytest.approx(data["settings"])
    assert json.loads((tmp_path / "c.json").read_text())["groups"] == data["calibration"]["groups"]


def test_several_groups_share_one_settings_file(tmp_path: Path) -> None:
    two = [*rows(0, "a", tasks=40, samples=3), *rows(1, "b", tasks=40, samples=3)]
    path = write_table(tmp_path / "p.csv", two, HEADER)
    done = run(path, "--judges", "judge_a,judge_b", "--truth", "quality", "--by", "model", "--out", tmp_path / "s.json")
    assert done.exit_code == 0, done.output
    data = json.loads((tmp_path / "s.json").read_text())
    assert data["groups"].keys() == {"model=a", "model=b"}
    values, _ = read_settings(str(tmp_path / "s.json"), group="model=b")
    assert values == pytest.approx(data["groups"]["model=b"])


def test_json_goes_to_standard_output_and_notes_beside_it(table: Path) -> None:
    done = run(table, "--coarse", "quick", "--json", "-")
    assert json.loads(done.stdout)["groups"][0]["label"] == "model=m"
    assert "groups: by model" in done.stderr


def test_all_or_none_passing_is_a_sentence(tmp_path: Path) -> None:
    for verdict, words in ((1, "Every sample passes the fine tests"), (0, "No sample passes the fine tests")):
        path = write_table(
            tmp_path / f"{verdict}.csv", [(f"t{k // 2}", verdict, verdict) for k in range(40)], ("task", "a", "b")
        )
        done = run(path, "--coarse", "a", "--fine", "b")
        assert done.exit_code == 0, done.output
        assert words in " ".join(done.output.split())


def test_an_error_is_a_sentence_and_exit_status_2(table: Path) -> None:
    done = run(table, "--coarse", "judge_a")
    assert done.exit_code == 2
    assert "must hold verdicts" in done.stderr
    assert run(table, "--coarse", "quick", "--level", "2").exit_code == 2


def test_the_document_of_a_calibration(whole: Calibration, table: Path, tmp_path: Path) -> None:
    doc = document(whole)
    for width in (60, 100):
        assert max(map(len, terminal.write(doc, width=width).splitlines())) <= width
    [group] = doc.answers()
    known = whole.groups[0].settings
    assert group.answer is not None
    said = parts(group.answer.why).replace("\xa0", " ")
    assert said == f": {', '.join(f'{name} {number(value)}' for name, value in known.items())}."
    charts = [b for b in group.blocks if isinstance(b, Chart)]
    assert [c.title for c in charts] == [
        "One of k candidates passes", "The best of k candidates", "What k candidates are worth"
    ]  # fmt: skip
    lines = [m for m in charts[0].marks if isinstance(m, Line)]
    assert [m.label for m in lines] == ["coarse tests", "fine tests"]
    assert np.asarray(lines[0].y).tolist() == whole.groups[0].pass_at_k["coarse"].estimate.value.tolist()


def test_nothing_identified_is_said_and_what_was_not_asked_for_is_grouped() -> None:
    pool = Pool.of(["a", "a", "b", "b"] * 5, coarse=[1, 1, 1, 0] * 5)
    [group] = document(calibrate(pool)).answers()
    assert group.answer is not None
    assert group.answer.said == "none of the simulator's settings is identified"
    facts = {f.key: parts(f.said) for b in group.blocks if isinstance(b, Facts) for f in b.rows}
    named = "oracle_resolution (--coarse and --fine); correlation, sigma_r (--judges and --truth)"
    assert facts["not asked for"] == named
    assert "Verdicts alone cannot show it" in facts["tau H, tau"]


def test_the_page_has_the_figures_of_the_json(table: Path, tmp_path: Path) -> None:
    done = run(table, *OPTIONS, "--html", tmp_path / "c.html", "--json", tmp_path / "c.json")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "c.html").read_text(encoding="utf-8")
    data = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))["groups"][0]
    settings = dict(re.findall(r'data-json="groups\.0\.settings\.(\w+)"[^>]*>([^<]*)<', text))
    assert settings == {name: number(value) for name, value in data["settings"].items()}
    value, low, high = (data["false_pass"][k] for k in ("value", "low", "high"))
    assert f">{percent(value, low, high)}</span> of what passes" in text


# ------------------------------------------------------------------------- recordings


@pytest.mark.skipif(not DATA.is_dir(), reason="recordings are not part of the repository")
def test_published_pools_give_their_figures() -> None:
    path = DATA / "humaneval_pool" / "humaneval_k10.parquet"
    found = calibrate(read_pool(path, coarse="base_pass", fine="plus_pass", by=["model"]).parts)
    expected = {"codellama": (0.157, 0.82, 0.34), "gpt-3.5": (0.082, 0.75, 0.35), "gpt-4": (0.081, 0.66, 0.27)}
    for group in found.groups:
        false, logs, mixture = next(v for k, v in expected.items() if k in group.label)
        assert group.false_pass.value == pytest.approx(false, abs=0.001)
        assert group.resolution is not None
        assert float(group.resolution.logarithms.value) == pytest.approx(logs, abs=0.006)
        assert float(group.resolution.mixture.value) == pytest.approx(mixture, abs=0.01)
        assert not group.parameter("oracle_resolution").identifiable
        assert group.settings == {}


@pytest.mark.skipif(not DATA.is_dir(), reason="recordings are not part of the repository")
def test_a_verdict_as_truth_bounds_the_correlation_of_reward_models() -> None:
    path = DATA / "judgebench" / "judgebench_candidates.parquet"
    judges = ["skywork_reward_gemma_2_27b", "skywork_reward_llama_3_1_8b", "internlm2_20b_reward"]
    [group] = calibrate(read_pool(path, judges=judges, truth="correct").parts).groups
    gamma = group.parameter("correlation")
    assert gamma.bound == "upper"
    assert 0.5 < gamma.estimate.high < 0.8
    assert "correlation" not in group.settings
