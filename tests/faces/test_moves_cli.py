"""`loopstat moves` end to end: settings from every source, bad input in sentences, the JSON's conventions."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from test_cli import CONTROL, HOSTILE

from conftest import ROOT, invoke, strict_json, write_table
from loopstat.faces.cli import main
from loopstat.faces.explain import explain, terms
from loopstat.moves.files import SCHEMA, asked_for
from loopstat.moves.settings import FREQUENT, PARAMETERS, POLICY_DEFAULTS, PRESETS, SCENARIOS, MoveSettings
from test_docs import keys_of

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

FEW = ("--replicates", 40, "--max-moves", 30)
PROMISED = {"settings", "ceiling", "levers", "moves_to_target", "cost_to_target", "false_pass_at_stop", "path"}
PROMISED |= {"schema", "version", "command", "notes", "verdict", "moves_to_good", "arrived", "checks"}


def simulated(*arguments: object) -> dict[str, Any]:
    """Return the JSON of a successful `moves simulate`."""
    done = invoke("moves", "simulate", *FEW, *arguments, "--json", "-")
    assert done.exit_code == 0, done.stderr
    return strict_json(done.stdout)


def settings_of(*arguments: object) -> dict[str, Any]:
    """Return the settings that a command line comes to."""
    simulate = main.commands["moves"].commands["simulate"]
    with simulate.make_context("simulate", list(map(str, arguments))) as context:
        return asked_for(context.params).settings.to_dict()


def expected(**values: Any) -> dict[str, Any]:
    """Return the defaults with some changed."""
    return MoveSettings.of(values=values).to_dict()


def written(folder: Path, content: object, name: str = "settings.json") -> Path:
    """Write a settings file."""
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def whole(**values: Any) -> dict[str, Any]:
    """Return what a settings file holds."""
    return {"schema": SCHEMA, "settings": values}


# --------------------------------------------------------------------------------- settings


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets(name: str) -> None:
    assert settings_of("--preset", name).items() >= PRESETS[name].items()


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_scenarios(name: str) -> None:
    assert settings_of("--scenario", name) == expected(**SCENARIOS[name])


@pytest.mark.parametrize("name", list(POLICY_DEFAULTS))
def test_a_policy_loads_its_row_however_it_is_named(name: str) -> None:
    row = settings_of("--policy", name)
    assert row.items() >= POLICY_DEFAULTS[name].items()
    assert settings_of("--set", f"policy={name}") == row


def test_the_later_wins(tmp_path: Path) -> None:
    file = written(tmp_path, whole(difficulty=7.0, human_prior=0.5, correlation=0.4))
    found = settings_of(
        "--preset", "noob-vibe", "--scenario", "legacy-refactor", "--settings", file, "--set", "tau=0.1"
    )
    assert (found["candidates"], found["oracle_resolution"], found["difficulty"]) == (1, 0.6, 7.0)
    assert (found["target_reliability"], found["human_prior"], found["tau"]) == (0.98, 0.5, 0.1)
    over = settings_of("--settings", file, "--difficulty", 9, "--set", "correlation=0.9")
    assert (over["difficulty"], over["correlation"], over["human_prior"]) == (9.0, 0.9, 0.5)
    assert settings_of("--difficulty", 9, "--set", "difficulty=8")["difficulty"] == 8.0


@pytest.mark.parametrize("name", FREQUENT)
def test_every_flag_is_the_setting_of_its_name(name: str) -> None:
    value = {"target_reliability": 0.5}.get(name, 3)
    assert settings_of(f"--{name.replace('_', '-')}", value)[name] == value
    assert PARAMETERS[name].help[1:] in re.sub(r"\s+", " ", invoke("moves", "simulate", "--help").stdout)


def test_every_setting_can_be_set() -> None:
    for name, p in PARAMETERS.items():
        value = p.choices[-1] if p.choices else p.default
        assert asked_for({"set": [f"{name}={value}"]}).settings.to_dict()[name] == value


def test_what_is_saved_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    first = simulated("--preset", "planner-spec", "--set", "sigma_r=0.1", "--save", file)["settings"]
    assert settings_of("--settings", file) == first
    assert (first["tau"], first["sigma_r"], first["policy"]) == (0.4, 0.1, "planner")
    assert json.loads(file.read_text())["schema"] == SCHEMA


def test_groups_of_a_settings_file(tmp_path: Path) -> None:
    groups = [{"label": f"model={m}", "settings": {"candidates": k}} for k, m in enumerate("ab", 2)]
    file = written(tmp_path, {"schema": SCHEMA, "groups": groups})
    assert settings_of("--settings", file, "--group", "model=b")["candidates"] == 3
    refused = invoke("moves", "simulate", "--settings", file)
    assert refused.exit_code == 2
    assert "holds 2 groups: model=a, model=b. Hint: --group LABEL" in refused.stderr
    objects = {"model=a": {"candidates": 7}, "model=b": {}}
    mapped = written(tmp_path, {"schema": SCHEMA, "groups": objects}, "mapped.json")
    assert settings_of("--settings", mapped, "--group", "model=a")["candidates"] == 7
    asked = asked_for({"settings": str(mapped), "group": "model=b"})
    assert asked.settings == MoveSettings()
    assert asked.notes == (f"{mapped} identifies no setting of model=b: all defaults stay.",)
    wrong = invoke("moves", "simulate", "--settings", file, "--group", "model=c")
    assert "did you mean" in wrong.stderr
    only = written(tmp_path, {"schema": SCHEMA, "groups": groups[:1]}, "one.json")
    assert settings_of("--settings", only)["candidates"] == 2


def test_what_a_file_does_not_know_stays_the_default_and_is_said(tmp_path: Path) -> None:
    file = written(tmp_path, whole(correlation=None, sigma_r=0.2))
    data = simulated("--settings", file)
    assert (data["settings"]["correlation"], data["settings"]["sigma_r"]) == (0.2, 0.2)
    assert data["notes"] == [f"correlation is not known by {file}: the default stays."]
    assert data["notes"][0] in " ".join(invoke("moves", "simulate", *FEW, "--settings", file).stdout.split())


def test_the_list_has_everything(tmp_path: Path) -> None:
    shown = invoke("moves", "settings").stdout
    for name in (*PARAMETERS, *PRESETS, *SCENARIOS, *POLICY_DEFAULTS):
        assert re.search(rf"^ +{re.escape(name)}\b", shown, re.MULTILINE), name
    data = strict_json(invoke("moves", "settings", "--json", "-").stdout)
    assert [p["name"] for p in data["parameters"]] == list(PARAMETERS)
    assert data["presets"] == PRESETS
    invoke("moves", "settings", "--json", tmp_path / "all.json")
    assert json.loads((tmp_path / "all.json").read_text()) == data


# --------------------------------------------------------------------------------- bad input

BAD: dict[str, tuple[list[str], str]] = {
    "no candidates": (["--candidates", "0"], "`candidates` must lie in [1, inf). Got '0'."),
    "half a candidate": (["--candidates", "2.5"], "`candidates` must be a whole number in [1, inf)"),
    "no number": (["--set", "sigma_r=nan"], "`sigma_r` must be a finite number in [0, inf). Got 'nan'."),
    "infinite": (["--difficulty", "inf"], "`difficulty` must be a finite number in (0, inf). Got 'inf'."),
    "out of range": (["--set", "oracle_resolution=1.2"], "`oracle_resolution` must lie in [0, 1]. Got '1.2'."),
    "no defects": (["--difficulty", "0"], "`difficulty` must lie in (0, inf)"),
    "certainty": (["--target-reliability", "1"], "`target_reliability` must lie in (0, 0.999999999]"),
    "unknown name": (["--set", "candidats=3"], "did you mean `candidates`?"),
    "unknown before its value": (["--set", "corelation=7"], "did you mean `correlation`?"),
    "unknown preset": (["--preset", "noob"], "did you mean `noob-vibe`?"),
    "unknown scenario": (["--scenario", "green-field"], "did you mean `greenfield`?"),
    "unknown policy": (["--policy", "trustregion"], "did you mean `trust-region`?"),
    "unknown policy set": (["--set", "policy=vibes"], "`policy` must be one of vibe, planner, trust-region."),
    "unknown process": (["--set", "process=splitt"], "`process` must be one of split, single, integer"),
    "no equals": (["--set", "candidates"], "--set expects NAME=VALUE. Got 'candidates'."),
    "no value": (["--set", "candidates="], "--set expects NAME=VALUE"),
    "twice": (["--set", "b=1", "--set", "b=2"], "--set names `b` twice: 1 and 2."),
    "both rows": (["--policy", "vibe", "--preset", "noob-vibe"], "name one of them"),
    "contradiction": (["--preset", "noob-vibe", "--set", "policy=planner"], "is a vibe policy, not planner"),
    "empty band": (["--set", "tr_a_low=0.5"], "the band would be empty"),
    "outside": (["--set", "edit_radius=3"], "starts outside the trust region"),
    "group of nothing": (["--group", "a"], "Hint: --settings FILE."),
    "missing file": (["--settings", "nowhere.json"], "nowhere.json: no such file."),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_settings_are_refused_in_a_sentence(name: str) -> None:
    arguments, said = BAD[name]
    done = invoke("moves", "simulate", *arguments)
    assert done.exit_code == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr


FILES: dict[str, tuple[object, str]] = {
    "a result": ({"schema": "loopstat.moves/1", "settings": {}}, "is a file of the kind loopstat.moves/1"),
    "an analysis": ({"schema": "loopstat.analysis/1"}, "not a settings file"),
    "no schema": ({"candidates": 3}, "is JSON of another kind, not a settings file"),
    "a number": ("3", "must hold a JSON object"),
    "no settings": ({"schema": SCHEMA}, "lacks `settings`"),
    "a list of settings": ({"schema": SCHEMA, "settings": [1]}, "must be an object of names and values"),
    "groups without labels": ({"schema": SCHEMA, "groups": [{}]}, "must have a `label`"),
    "an unknown name": (whole(candidats=3), "did you mean `candidates`?"),
    "out of range": (whole(candidates=0), "`candidates` must lie in [1, inf)"),
    "a truth value": (whole(candidates=True), "`candidates` must be a whole number"),
    "a text": (whole(difficulty="many"), "`difficulty` must be a finite number"),
    "twice": ('{"schema": "x", "schema": "y"}', "holds the key 'schema' twice"),
    "half a file": ('{"schema": ', "is not JSON"),
    "deep": ("[" * 100_000, "is not JSON"),
    "a policy of its own": (whole(policy="planner", candidates=3), "--set policy=vibe overrules the file"),
}


@pytest.mark.parametrize("name", list(FILES))
def test_settings_files_of_the_wrong_kind(name: str, tmp_path: Path) -> None:
    content, said = FILES[name]
    done = invoke("moves", "simulate", "--settings", written(tmp_path, content), "--policy", "vibe")
    assert done.exit_code == 2
    assert said in done.stderr
    assert "settings.json" in done.stderr


def test_recordings_are_no_settings(tmp_path: Path) -> None:
    for path in (write_table(tmp_path / "runs.csv", [("a", 1)], ("x", "y")), tmp_path / "bytes", tmp_path):
        if path.name == "bytes":
            path.write_bytes(b"\xff\xfe\x00PAR1")
        done = invoke("moves", "simulate", "--settings", path)
        assert done.exit_code == 2
        assert path.is_dir() or "Hint: recordings are read by `loopstat moves calibrate`" in done.stderr


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_names_are_harmless(name: str, tmp_path: Path) -> None:
    text = HOSTILE[name]
    groups = [{"label": text, "settings": {text: 1}}, {"label": "b", "settings": {}}]
    file = written(tmp_path, {"schema": SCHEMA, "groups": groups})
    for arguments in (("--set", f"{text}=1"), ("--settings", file), ("--settings", file, "--group", text)):
        done = invoke("moves", "simulate", *arguments)
        assert done.exit_code == 2
        assert not CONTROL.search(done.stderr.replace("\x1b[31m\x1b[1merror\x1b[0m", ""))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "a plan needs --budget or --reliability."),
        (["--budget", "0.5"], "`budget` must pay at least one move of the cheapest plan, 1.1. Got 0.5."),
        (["--budget", "nan"], "`--budget` must be a finite number in (0, inf). Got 'nan'."),
        (["--budget", "-3"], "`--budget` must lie in (0, inf). Got '-3'."),
        (["--budget", "50", "--search", "tau=0.1"], "unknown setting to search 'tau'"),
        (["--budget", "50", "--search", "candidates=0,1"], "`candidates` must lie in [1, inf). Got '0'."),
        (["--budget", "50", "--search", "candidates"], "--search expects NAME=VALUE."),
        (["--reliability", "1"], "`--reliability` must lie in (0, 1). Got '1'."),
    ],
)
def test_impossible_plans_are_refused(arguments: list[str], said: str) -> None:
    done = invoke("moves", "plan", *arguments)
    assert done.exit_code == 2
    assert said in done.stderr


# ----------------------------------------------------------------------------------- answers


def test_the_json_has_what_is_promised() -> None:
    data = simulated()
    assert set(data) >= PROMISED
    assert set(data["ceiling"]) >= {"p_pass", "p_good", "mu", "delta", "reachable"}
    assert {x["name"] for x in data["levers"]} >= {"human_prior", "candidates", "correlation", "tr_max_radius"}
    assert len(data["arrived"]["target"]) == len(data["path"]["t"]) == 31
    assert data["command"] == "loopstat moves simulate"
    assert simulated() == data, "the same figures"
    assert simulated("--seed", 1)["path"]["mu"] != data["path"]["mu"]


@pytest.fixture(scope="module")
def plan_json(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("plan")
    done = invoke("moves", "plan", "--budget", 60, "--replicates", 24, "--max-moves", 20, "--json", folder / "p.json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = strict_json((folder / "p.json").read_text()) | {"terminal": done.stdout}
    return found


def test_a_plan_says_what_to_buy(plan_json: dict[str, Any]) -> None:
    text = plan_json["terminal"]
    assert text.startswith("What to buy for a budget of 60: ")
    for title in (
        "best under the budget: ",
        "The plan and the next ones",
        "Speed against quality",
        "One more reviewer",
        "Next: ",
    ):
        assert title in text
    assert {"frontier", "reviewer_value", "best", "best_settings", "command", "notes", "version"} <= set(plan_json)
    assert plan_json["best"]["cost"] <= 60
    assert len(plan_json["frontier"]["points"]) == 3 * 12 * 9


def test_a_plan_can_be_saved_and_simulated(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    fast = ("--replicates", 20, "--max-moves", 10, "--no-frontier", "--save", file, "--search", "candidates=2,3")
    done = invoke("moves", "plan", "--reliability", 0.5, "--judge", "p_pass", *fast, "--json", "-")
    data = strict_json(done.stdout)
    assert data["reliability"] == 0.5
    assert data["judge"] == "p_pass"
    assert "frontier" not in data
    assert 1 <= data["best"]["candidates"] <= 4, "those searched, or the next ones"
    assert (
        simulated("--settings", file)["settings"].items()
        >= {k: v for k, v in data["best_settings"].items() if k not in ("replicates", "max_moves")}.items()
    )


def test_every_json_key_and_check_is_in_the_glossary(plan_json: dict[str, Any]) -> None:
    run = simulated("--sensitivity")
    keys = keys_of(run) | keys_of({k: v for k, v in plan_json.items() if k != "terminal"}) | set(PARAMETERS)
    keys = {re.sub(r"_(low|high)$", "", k) for k in keys}
    assert sorted(keys - set(terms())) == []
    assert {c["name"] for c in run["checks"]} | {"good", "passes_only", "stalls"} <= set(terms())
    for key in keys:
        assert explain(key).startswith(f"{key}: ")


def test_output_can_be_piped(tmp_path: Path) -> None:
    done = invoke("moves", "simulate", *FEW, "--json", "-", "--html", tmp_path / "a.html")
    assert strict_json(done.stdout)["schema"] == "loopstat.moves/1"
    assert "wrote" in done.stderr
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")
    blocked = invoke("moves", "simulate", *FEW, "--html", tmp_path / "a.html" / "b.html")
    assert blocked.exit_code == 2
    assert "cannot be written" in blocked.stderr


def test_the_documentation_shows_what_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    blocks = re.findall(
        r"```console\n\$ loopstat (moves simulate[^\n]*)\n```\n\n```text\n(.*?)```",
        (ROOT / "docs" / "moves.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    assert len(blocks) == 3
    for command, shown in blocks:
        assert shown.strip() in invoke(*shlex.split(command)).stdout, command
