"""The automatic choice of objectives: every rule on its own, and the choice on every recorded table."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from loopstat.errors import InputError
from loopstat.io import read
from loopstat.io.sessions.guess import Choice, choose, correlations

HERE = Path(__file__).resolve().parent.parent
GOLDEN = HERE / "golden" / "choice.json"
DATA = HERE.parent.parent / "shared" / "data"
N_SESSIONS, N_STEPS = 20, 10
SESSION = np.repeat(np.arange(N_SESSIONS), N_STEPS)
STEP = np.tile(np.arange(N_STEPS), N_SESSIONS)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=len(SESSION))


def choose_of(booleans: tuple[str, ...] = (), **columns: np.ndarray) -> Choice:
    return choose(list(columns), columns.__getitem__, session=SESSION, step=STEP, booleans=booleans)


def reasons(choice: Choice) -> dict[str, str]:
    return dict(choice.left_out)


def test_keeps_numbers_in_file_order():
    assert choose_of(b=noise(1), a=noise(2)).kept == ("b", "a")


def test_a_score_of_texts_that_is_nearly_constant_is_left_out():
    flat = np.where(np.arange(len(SESSION)) % 20 == 0, 3.0, 10.0)
    chosen = choose(["a", "b"], {"a": flat, "b": noise(1)}.__getitem__, session=SESSION, step=STEP, scored=True)
    assert (chosen.kept, reasons(chosen)) == (("b",), {"a": "95 % of its values are 10"})
    assert choose_of(a=flat, b=noise(1)).kept == ("a", "b"), "of other tables nothing is known"


@pytest.mark.parametrize(
    "name",
    ["seed", "Seed", "text_id", "RUN_ID", "parent_fitness", "generation", "island", "attempt", "n_tokens", "Tokens"],
)
def test_bookkeeping_is_left_out_by_name(name):
    choice = choose_of(score=noise(1), **{name: noise(2)})
    assert choice.kept == ("score",)
    assert reasons(choice)[name].startswith("named like")


@pytest.mark.parametrize("name", ["id_of_test", "seeded", "generations", "attempts", "identity"])
def test_names_that_only_resemble_bookkeeping_stay(name):
    assert choose_of(score=noise(1), **{name: noise(2)}).kept == ("score", name)


@pytest.mark.parametrize("name", ["cost", "step", "parent_step", "tokens_in", "weight", "input_length"])
def test_standard_columns_are_left_out_and_not_read(name):
    columns = {"score": noise(1)}
    choice = choose(["score", name], columns.__getitem__, session=SESSION, step=STEP)
    assert reasons(choice) == {name: "standard column"}
    assert "standard" not in choice.sentence()


def test_booleans_by_type_and_by_value():
    flag = (noise(2) > 0).astype(float)
    choice = choose_of(booleans=("ok",), score=noise(1), ok=noise(3), passed=flag)
    assert reasons(choice) == {"ok": "boolean", "passed": "only 0 and 1"}


def test_a_share_that_leaves_0_and_1_stays():
    share = (noise(2) > 0).astype(float)
    share[7] = 0.5
    assert choose_of(score=noise(1), share=share).kept == ("score", "share")


def test_constant_within_every_session():
    temperature = SESSION * 0.1 + 0.05
    once = np.where(STEP == N_STEPS - 1, noise(3), np.nan)
    choice = choose_of(score=noise(1), temperature=temperature, final=once, empty=np.full(len(SESSION), np.nan))
    assert reasons(choice) == {
        "temperature": "constant within every session",
        "final": "constant within every session",
        "empty": "no value",
    }


def test_constant_is_judged_in_any_row_order():
    order = np.random.default_rng(5).permutation(len(SESSION))
    columns = {"score": noise(1), "temperature": (SESSION * 0.1 + 0.05)[order]}
    choice = choose(list(columns), columns.__getitem__, session=SESSION[order], step=STEP[order])
    assert choice.kept == ("score",)


def test_mostly_missing_columns_are_left_out():
    rare = np.where(np.arange(len(SESSION)) % 2, noise(2), np.nan)
    choice = choose_of(score=noise(1), rare=rare)
    assert reasons(choice) == {"rare": "50 % missing where at least half of the columns have values"}


def test_failed_attempts_that_keep_a_length_do_not_count_as_missing_scores():
    failed = np.random.default_rng(0).random(len(SESSION)) < 0.7
    scores = {name: np.where(failed, np.nan, noise(i)) for i, name in enumerate("abc")}
    assert choose_of(length=noise(9), **scores).kept == ("length", "a", "b", "c")


def test_twins_and_clocks_are_left_out():
    a = noise(1)
    choice = choose_of(a=a, b=-3 * a + 1e6, best=STEP * 2.0 + 1, c=noise(2))
    assert choice.kept == ("a", "c")
    assert reasons(choice) == {"b": "correlation 1.000 with a", "best": "correlation 1.000 with step"}


def test_a_twin_of_a_column_left_out_stays():
    clock = STEP + 0.02 * noise(1)
    late = STEP + 0.45 * noise(2)
    assert abs(np.corrcoef(clock, late)[0, 1]) < 0.995
    assert "late" in choose_of(clock=clock, late=late).kept


def test_more_than_six_print_a_ready_line():
    with pytest.raises(InputError, match=r"7 columns could be .*objectives=\['c0', 'c1', 'c2', 'c3', 'c4', 'c5'\]$"):
        choose_of(**{f"c{i}": noise(i) for i in range(7)})


def test_the_ready_line_prefers_complete_columns_and_quotes_for_the_shell():
    columns = {f"it's {i}": noise(i) for i in range(7)}
    columns["it's 0"] = np.where(np.arange(len(SESSION)) % 10, columns["it's 0"], np.nan)
    with pytest.raises(InputError) as raised:
        choose_of(**columns)
    ready = raised.value.on_command_line().split("--objectives ")[1]
    assert ready == "'it'\\''s 1,it'\\''s 2,it'\\''s 3,it'\\''s 4,it'\\''s 5,it'\\''s 6'"


def test_none_left_names_every_reason():
    with pytest.raises(InputError, match=r"seed: named like `seed`; ok: only 0 and 1"):
        choose_of(seed=noise(1), ok=(noise(2) > 0).astype(float))


def test_infinities_do_not_hide_a_column_from_the_choice():
    score = noise(1)
    score[3] = np.inf
    assert choose_of(score=score).kept == ("score",)


def test_correlations_equal_numpy_on_common_rows():
    a, b = noise(1), noise(2) + 1e9
    b[::3] = np.nan
    seen = ~np.isnan(b)
    expected = np.corrcoef(a[seen], b[seen])[0, 1]
    assert correlations([a, b])[0, 1] == pytest.approx(expected, abs=1e-6)
    assert np.isnan(correlations([a, np.ones_like(a)])[0, 1])


# ---------------------------------------------------------------------------------------------------- recorded tables


def recorded(path: Path) -> dict[str, str]:
    """Return the sentence in which reading a table says what it chose and left out, or why it refused."""
    try:
        panel = read(path)
    except InputError as error:
        hint = (error.hint or "").replace(str(path), path.name)
        return {"refused": error.message + (f" Hint: {hint}" if hint else "")}
    return {"kept": ", ".join(panel.names), "chosen": panel.source.notes[0]}


def tables() -> list[Path]:
    return sorted(DATA.glob("*/*.parquet"))


@pytest.mark.skipif(not DATA.is_dir(), reason="the recorded tables are not beside this checkout (../shared/data)")
def test_choice_on_every_recorded_table():
    """Golden; after a wanted change: `REGENERATE=1 python -m pytest tests/test_choice.py -k recorded`."""
    got = {f"{p.parent.name}/{p.name}": recorded(p) for p in tables()}
    if os.environ.get("REGENERATE"):
        GOLDEN.write_text(json.dumps(got, indent=1) + "\n", encoding="utf-8")
    assert got == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_golden_file_covers_kept_and_refused_tables():
    stored = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert len(stored) >= 20
    assert {"refused"} in [set(v) for v in stored.values()]
    assert stored["telephone_game/telephone_game.parquet"]["kept"] == "toxicity, positivity, difficulty, length"


def ending(n_sessions: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return session, step and a verdict that ends its session when it is 1; every third session gives up at step 5."""
    lengths = [6 if i % 3 == 0 else 2 + i % 4 for i in range(n_sessions)]
    session = np.repeat(np.arange(n_sessions), lengths)
    step = np.concatenate([np.arange(n) for n in lengths])
    passed = ((step == np.array(lengths)[session] - 1) & (session % 3 > 0)).astype(float)
    return session, step, passed


def test_numbers_of_0_and_1_that_end_the_sessions_are_an_objective():
    session, step, passed = ending()
    others = {f"x{k}": np.random.default_rng(k).normal(size=len(step)) for k in range(6)}
    some = {"passed": passed, "x0": others["x0"]}
    keys = {"session": session, "step": step}
    assert choose(list(some), some.__getitem__, **keys).kept == ("passed", "x0")
    late = {**some, "passed": np.where(session == 1, 1.0, passed)}  # goes on after a 1
    assert choose(list(late), late.__getitem__, **keys).kept == ("x0",)
    over = {**some, "passed": (np.append(np.diff(session), 1) != 0).astype(float)}  # marks every end: no score
    assert choose(list(over), over.__getitem__, **keys).kept == ("x0",)
    many = {"passed": passed, **others}
    assert choose(list(many), many.__getitem__, **keys).kept == tuple(others)
