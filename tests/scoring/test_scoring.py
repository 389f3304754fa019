"""Scorers: what they give, what they never do, that nothing but the text and the rules decides a score."""

from __future__ import annotations

import json
import os
import random
import re
import sys
import textwrap
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import loopstat as ls
from conftest import invoke
from loopstat.errors import SettingsError
from loopstat.scoring import registry, tools, weights
from loopstat.scoring.batches import score_all
from loopstat.scoring.python import PythonSuite
from loopstat.scoring.registry import Joined, scorer_of
from loopstat.scoring.score import BASELINE, MOST_FINDINGS, Artefact, Finding, Score, Scorer, hash_of
from loopstat.scoring.sj2025 import PublishedSuite
from loopstat.scoring.text import TextSuite
from scoring_samples import DENSE, HOSTILE, PLAIN

SUITES = ("python", "sj2025", "text")
PROGRAMS = ("python", "sj2025")


def one(text: str, suite: str = "python") -> Score:
    return score_all([text], scorer_of(suite), workers=1)[0]


def rules_of(text: str, suite: str = "python") -> set[str]:
    return {f.rule for f in one(text, suite).findings}


# ------------------------------------------------------------------------------------- what is given


@pytest.mark.parametrize("suite", SUITES)
def test_values_lie_between_0_and_10_and_carry_their_hash(suite: str) -> None:
    scorer = scorer_of(suite)
    for score in score_all([PLAIN, "x = 1", "eval(x)\n" * 50, "for a in b:\n for c in d:\n  pass"], scorer):
        assert tuple(score.values) == scorer.objectives
        assert all(0 <= v <= 10 for v in score.values.values())
        assert score.hash == hash_of(scorer)
        assert set(scorer.minimize) <= set(scorer.objectives)


def test_findings_have_their_rule_line_weight_and_message() -> None:
    score = one("x = 1\ny = eval(x)\nfor i in y:\n    y.insert(0, i)\n")
    assert [(f.rule, f.line, f.weight, f.objective) for f in score.findings] == [
        ("S307", 2, 1.0, "security"),
        ("front-of-list", 4, 0.5, "efficiency"),
    ]
    assert all(f.message for f in score.findings)
    assert score.counts["severe"] == 1
    assert score.values["security"] == 5


def test_findings_are_no_more_than_a_hundred_and_counts_hold_all() -> None:
    score = one("eval(x)\n" * 300)
    assert len(score.findings) == MOST_FINDINGS
    assert score.counts["severe"] == 300
    assert 0 <= score.values["security"] < 1e-3


def test_asserts_do_not_count_and_suppressions_do() -> None:
    assert one("assert x\n" * 30).values["security"] == 10
    hidden = one("eval(x)  # noqa: S307\n")
    assert {"S307", "suppressed"} == {f.rule for f in hidden.findings}
    assert hidden.values["security"] == one("eval(x)\n").values["security"], "found behind the comment"
    assert hidden.counts["suppressions"] == 1


def test_settings_of_a_folder_or_the_environment_do_not_reach_ruff(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = one("eval(x)\n")
    (tmp_path / "ruff.toml").write_text('lint.ignore = ["S307"]\nexclude = ["*"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("RUFF_OUTPUT_FORMAT", "full")
    assert one("eval(x)\n") == before


# ---------------------------------------------------------------------------------------- never run


@pytest.mark.parametrize("suite", SUITES)
def test_nothing_is_run(suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = tmp_path / "ran"
    ran = f"open({str(mark)!r}, 'w').close()"
    (tmp_path / "planted.py").write_text(ran)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    texts = [
        ran,
        f"import planted\n{ran}",
        f"class A(metaclass=type):\n    {ran}\n",
        f"def f(x={ran.replace(chr(10), '')}): pass\n",
        f"@({ran})\ndef f(): pass\n",
        f"f'{{{ran!r}}}'",
        f"# -*- coding: planted -*-\n{ran}",
        f">>> {ran}\n",
    ]
    before = set(sys.modules)
    score_all(texts, scorer_of(suite), workers=1)
    assert not mark.exists()
    assert "planted" not in sys.modules
    assert not {m for m in set(sys.modules) - before if m.startswith("planted")}


# -------------------------------------------------------------------------- nothing else decides a score


def corpus() -> list[str]:
    """Return programs of this repository, whole and cut."""
    paths = sorted(Path(registry.__file__).parent.glob("*.py"))
    texts = [p.read_text(encoding="utf-8") for p in paths]
    return texts + [t[: len(t) // 2] for t in texts] + [PLAIN, "eval(x)", ""]


@pytest.mark.parametrize("suite", SUITES)
def test_order_company_and_workers_change_nothing(suite: str) -> None:
    texts = corpus()
    scorer = scorer_of(suite)
    together = dict(zip(texts, score_all(texts, scorer, workers=1), strict=True))
    shuffled = random.Random(3).sample(texts, len(texts))  # noqa: S311 - an order
    assert score_all(shuffled, scorer, workers=2) == [together[t] for t in shuffled]
    assert [score_all([t], scorer)[0] for t in texts[:5]] == [together[t] for t in texts[:5]]


def test_where_a_batch_ends_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    texts, scorer = corpus(), scorer_of("python,sj2025")
    whole = score_all(texts, scorer, workers=1)
    monkeypatch.setattr("loopstat.scoring.batches.BATCH_TEXTS", 3)
    assert score_all(texts, scorer, workers=1) == whole


SETTINGS = {
    "ruff.toml": 'exclude = ["*"]\n[lint]\nignore = ["S307"]\n',
    "pyproject.toml": '[project]\nrequires-python = ">=3.7"\n[tool.ruff]\nexclude = ["*"]\n',
    ".editorconfig": "root = true\n[*]\ncharset = latin1\n",
    ".gitignore": "*\n",
    ".ignore": "*\n",
}
ELSEWHERE = {
    "hash seed": {"PYTHONHASHSEED": "1"},
    "locale": {"LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "0"},
    "time zone": {"TZ": "Pacific/Auckland"},
    "settings of ruff": {"RUFF_CONFIG": "{folder}/ruff.toml", "RUFF_CACHE_DIR": "{folder}", "FORCE_COLOR": "1"},
    "home": {"HOME": "{folder}", "XDG_CONFIG_HOME": "{folder}"},
    "temporary folder": {"TMPDIR": "{folder}/build/venv"},
}


@pytest.mark.slow
@pytest.mark.parametrize("what", ELSEWHERE)
def test_another_process_in_another_place_gives_the_same(what: str, tmp_path: Path) -> None:
    """Run in a folder whose settings forbid everything; its subfolder has names that ruff passes over."""
    import subprocess

    (tmp_path / "build" / "venv").mkdir(parents=True)
    for name, text in SETTINGS.items():
        (tmp_path / name).write_text(text)
    code = (
        "import json, sys; from loopstat.scoring.batches import score_all; "
        "from loopstat.scoring.registry import scorer_of\n"
        "print(score_all(json.load(open('texts.json')), scorer_of('python,sj2025,text')))"
    )
    texts = [*corpus()[:8], PLAIN, "eval(x)\n", "größe = 'ı'\nexec(größe)\n"]
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    given = {name: value.format(folder=tmp_path) for name, value in ELSEWHERE[what].items()}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={"PYTHONPATH": ":".join(map(os.path.abspath, sys.path)), "PYTHONIOENCODING": "utf-8", **given},
    )
    assert done.stdout.strip() == str(score_all(texts, scorer_of("python,sj2025,text"), workers=1))


def test_the_hash_stands_for_rules_settings_and_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {s: hash_of(scorer_of(s)) for s in (*SUITES, "python,text")}
    assert len(set(names.values())) == 4
    assert hash_of(PythonSuite(lines=31)) != names["python"] == hash_of(PythonSuite())
    monkeypatch.setattr("loopstat.scoring.python.versions", lambda *_: {"ruff": "0"})
    assert hash_of(PythonSuite()) != names["python"]
    monkeypatch.undo()
    monkeypatch.setattr("loopstat.scoring.python.SECURITY", weights.SECURITY[1:])
    assert hash_of(PythonSuite()) != names["python"]


class Rules:
    """A scorer with rules of its own."""

    name, objectives, minimize = "own", ("calm",), ()

    def __init__(self, rules: dict[str, object]) -> None:
        self.given = rules

    def rules(self) -> dict[str, object]:
        return self.given

    def score(self, artefacts: Sequence[Artefact]) -> list[Score]:
        return [Score({"calm": 1.0}) for _ in artefacts]


def test_a_hash_is_the_same_in_every_process_or_refused() -> None:
    assert hash_of(Rules({"words": {"b", "a"}})) == hash_of(Rules({"words": ["a", "b"]}))
    for unstable in (object(), print, Rules):
        with pytest.raises(SettingsError, match="the rules of the scorer `own` must be numbers, texts"):
            hash_of(Rules({"how": unstable}))


def test_what_a_function_was_made_with_is_in_its_hash() -> None:
    def at_least(n: int) -> Callable[[str], float]:
        return lambda text: float(len(text) > n)

    def more_than(text: str, n: int = 0) -> float:
        return float(len(text) > n)

    class Longer:
        def __init__(self, n: int) -> None:
            self.n = n

        def __call__(self, text: str) -> float:
            return float(len(text) > self.n)

    def patterned(n: int) -> Callable[[str], float]:
        pattern, array = re.compile(f"a{{{n}}}"), np.array([float(n)])
        return lambda text: float(pattern.match(text) is not None) + float(array[0])

    for make in (at_least, lambda n: partial(more_than, n=n), Longer, patterned):
        names = [hash_of(scorer_of(make(n))) for n in (1, 2, 1)]
        assert names[0] == names[2] != names[1]


def test_the_tools_are_those_that_are_pinned() -> None:
    import tomllib

    extra = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    pins = dict(r.split("==") for r in extra["optional-dependencies"]["score"])
    assert tools.versions(*pins) == {**pins, "python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def test_a_missing_tool_is_said() -> None:
    with pytest.raises(SettingsError, match=r"needs nonesuch. Hint: pip install 'loopstat\[score\]'"):
        tools.versions("nonesuch")


# --------------------------------------------------------------------------------------- hostile texts


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("suite", PROGRAMS)
def test_hostile_texts_get_the_baseline_and_a_finding(suite: str, name: str) -> None:
    begun = time.process_time()
    before, bad, after = score_all([PLAIN, HOSTILE[name], "eval(x)"], scorer_of(suite), workers=1)
    assert set(bad.values.values()) == {BASELINE}, bad.findings
    assert len(bad.findings) == 1
    assert bad.findings[0].message
    assert bad.counts == {"unscored": 1}
    assert (before, after) == (one(PLAIN, suite), one("eval(x)", suite)), "the batch goes on"
    assert time.process_time() - begun < 20


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_do_not_stop_the_text_suite(name: str) -> None:
    score = one(HOSTILE[name], "text")
    assert all(0 <= v <= 10 for v in score.values.values())


@pytest.mark.slow
@pytest.mark.parametrize("name", DENSE)
def test_dense_texts_take_bounded_time(name: str) -> None:
    begun = time.process_time()
    score = one(DENSE[name])
    assert "unscored" not in score.counts
    assert score.findings
    assert time.process_time() - begun < 20


def test_the_largest_texts_take_bounded_memory() -> None:
    dense = "x = [" + "a+b," * 95_000 + "]"  # as many nodes as the longest text can have
    tracemalloc.start()
    one(dense)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.5e9


@pytest.mark.parametrize("text", ["f(a=1, a=2)", "def f(a, a): pass", "nonlocal x\neval(x)"])
def test_what_python_parses_and_then_refuses_has_the_baseline(text: str) -> None:
    score = one(f"y = 1\n{text}\n")
    assert set(score.values.values()) == {BASELINE}
    assert [(f.rule, f.line) for f in score.findings] == [("no-parse", 2)]


def test_an_integer_that_can_be_read_and_not_written() -> None:
    assert "unscored" not in one(f"x = 0x{'f' * 5000}\nif a:\n    b\nelse:\n    if c:\n        d\n").counts


def test_a_byte_order_mark_changes_nothing() -> None:
    assert one("\ufeff" + PLAIN) == one(PLAIN)


def test_a_batch_on_which_ruff_fails_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tools._run

    def fails(programs: Sequence[str]) -> list[tools.Seen] | None:
        return None if any("crash" in p for p in programs) else whole(programs)

    monkeypatch.setattr(tools, "_run", fails)
    good, bad, also = score_all(["eval(x)", "crash = eval(x)", PLAIN], PythonSuite(), workers=1)
    assert set(bad.values.values()) == {BASELINE}, "what nothing could look at is no 10"
    assert "nothing was looked for" in bad.findings[0].message
    assert good.values["security"] == 5
    assert also.values["security"] == 10


# ------------------------------------------------------------------------------------------- registry


def test_a_function_is_a_scorer() -> None:
    def shortness(text: str) -> float:
        return max(0.0, 10 - len(text))

    scorer = scorer_of(shortness)
    [score] = score_all(["abc"], scorer)
    assert score.values == {"shortness": 7.0}
    assert score.hash == hash_of(scorer)

    def other(text: str) -> float:
        return max(0.0, 9 - len(text))

    other.__qualname__, other.__name__ = shortness.__qualname__, "shortness"
    assert hash_of(scorer_of(other)) != score.hash, "another body, another hash"


def test_a_function_that_no_other_process_can_have_scores_many_texts() -> None:
    texts = [str(k) for k in range(600)]
    scores = score_all(texts, scorer_of(lambda text: float(len(text))), workers=2)
    assert [s.values["<lambda>"] for s in scores] == [float(len(t)) for t in texts]


def test_a_function_may_give_several_values_or_a_score() -> None:
    found = Finding("shout", 1, 1.0, "loud", "calm")
    scorer = scorer_of(lambda text: Score({"calm": 10.0 - text.count("!")}, (found,), {"shouts": text.count("!")}))
    [score] = score_all(["a!!"], scorer)
    assert (score.values, score.findings, score.counts) == ({"calm": 8.0}, (found,), {"shouts": 2})
    assert scorer_of(lambda text: {"a": 1, "b": 2}).objectives == ("a", "b")


def test_a_function_that_gives_no_score_is_refused() -> None:
    for bad in (11.0, -1, float("nan"), "high", None):
        with pytest.raises(SettingsError, match="must give numbers in \\[0, 10\\]"):
            score_all(["x"], scorer_of(lambda text, bad=bad: bad))
    with pytest.raises(SettingsError, match="of an empty text it gave a"):
        score_all(["x"], scorer_of(lambda text: {"b": 1} if text else {"a": 1}))


def test_scorers_join_into_one_vector() -> None:
    joined = scorer_of("python,sj2025,text")
    assert isinstance(joined, Joined)
    assert joined.name == "python+sj2025+text"
    assert joined.objectives[:4] == (
        "python.security",
        "python.efficiency",
        "python.functionality",
        "sj2025.security",
    )
    assert joined.objectives[-1] == "repetition" == joined.minimize[0]
    score = one(PLAIN, "python,sj2025,text")
    assert score.values["python.security"] == one(PLAIN).values["security"]
    assert score.values["sj2025.efficiency"] == one(PLAIN, "sj2025").values["efficiency"]
    assert score.counts["text.words"] == one(PLAIN, "text").counts["words"]
    assert scorer_of([scorer_of("python"), scorer_of("text")]).objectives == (
        *PythonSuite.objectives,
        *TextSuite.objectives,
    )


def test_unknown_scorers_are_refused() -> None:
    with pytest.raises(SettingsError, match="did you mean `python`"):
        scorer_of("pyton")
    with pytest.raises(SettingsError, match="no scorer was named"):
        scorer_of("")
    with pytest.raises(SettingsError, match="unknown scorer 'os:system'"):
        scorer_of("os:system")
    with pytest.raises(SettingsError, match="Got int"):
        scorer_of([3])  # type: ignore[list-item]


def test_a_scorer_of_another_package_is_one_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "shout"
    package.mkdir(parents=True)
    package.joinpath("__init__.py").write_text(
        textwrap.dedent(
            """
            def calm(text):
                return max(0.0, 10.0 - text.count("!"))
            """
        )
    )
    metadata = tmp_path / "site" / "shout-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: shout\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{registry.GROUP}]\ncalm = shout:calm\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert one("a!", "calm").values == {"calm": 9.0}
    assert one("a!", "text,calm").values["calm"] == 9.0
    import loopstat.parameters
    from loopstat.faces.cli import option
    from loopstat.scoring.rows import SUITE

    for row in (SUITE, loopstat.parameters.SCORE):
        assert row.whole_help.endswith("On offer: python, sj2025, text, calm.")
        made = option(row)(lambda: None)
        assert made.__click_params__[0].help == row.whole_help
    loud = tmp_path / "loud.txt"
    loud.write_text("a!!")
    done = invoke("score", loud, "--suite", "calm", "--json", "-")
    assert json.loads(done.stdout)["texts"][0]["scores"] == {"calm": 8.0}
    rows = [f"s{s},{t},{'a!' * (1 + (s + t) % 3)}" for s in range(6) for t in range(4)]
    table = tmp_path / "steps.csv"
    table.write_text("\n".join(["session,step,artifact", *rows]))
    assert ls.read(table, score="calm").objectives[0].name == "calm"
    assert invoke("decide", table, "--score", "calm").exit_code == 0


@pytest.mark.parametrize("suite", [PythonSuite(), PublishedSuite()])
def test_settings_are_frozen_and_checked(suite: Scorer) -> None:
    with pytest.raises(FrozenInstanceError):
        suite.lines = 3  # type: ignore[attr-defined]
    with pytest.raises(SettingsError, match="`lines` must lie in"):
        replace(suite, lines=0)  # type: ignore[type-var]


def test_the_task_s_length_moves_functionality_alone() -> None:
    short, long = PythonSuite(lines=5), PythonSuite(lines=500)
    [a], [b] = short.score([Artefact(PLAIN)]), long.score([Artefact(PLAIN)])
    assert a.values["functionality"] > b.values["functionality"]
    assert a.values["security"] == b.values["security"]
    assert a.values["efficiency"] == b.values["efficiency"]
