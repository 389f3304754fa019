"""The harness that judges decisions: answers of known worth get the figures they deserve."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from benchmarks.stopping import validate
from benchmarks.stopping.__main__ import main
from benchmarks.stopping.answers import Answer, answer
from benchmarks.stopping.kinds import KINDS, Recording, Truth
from benchmarks.stopping.page import Aim, Figure, excess, figure, over, read, readings
from benchmarks.stopping.validate import PRICES, REACH, SIZES, Scored, Size, score, size_of, try_panel

MAIN = SIZES["50x7"]
TRUTH = Truth(np.array([0.0, 2.0, 3.0, 3.0, 3.0]), np.arange(5.0), 2.0, 1.5)


def recording(sessions: int = 30, length: int = 4) -> Recording:
    return Recording(np.zeros((sessions, length)), np.zeros(sessions, bool), np.arange(sessions))


def scored(**values: object) -> Scored:
    plain = {"clusters": 30, "regret": [0.0] * 6, "loss_high": [0.1] * 6, "action": ["stop"] * 6}
    return Scored(**{**plain, **values})


def test_regret_by_hand() -> None:
    given = [Answer("stop", 0, 1.0, 1.0, 2.0), *(Answer("go_on", 4, 0.1, 1.0, 2.0) for _ in PRICES[1:])]
    s = score(recording(), TRUTH, given)
    # at 0.01 sd a step: best after 2 steps, 3 - 2 x 0.02, against 0; in sd of 2
    assert s.regret[0] == pytest.approx(1.48)
    assert s.regret[1:5] == pytest.approx([2 * p for p in PRICES[1:5]])
    assert s.regret[5] == pytest.approx(2 * 0.4), "at 0.4: the second step gains 1.0 for 0.8"
    assert s.loss_high[:2] == [0.5, 0.05]
    assert s.half_life_given is True
    assert s.half_life_holds is True


def test_half_life_is_asked_for_from_twenty_clusters_on() -> None:
    silent = [Answer("stop", 2, 0.0)] * 6
    wrong = [Answer("stop", 2, 0.0, 2.0, None)] * 6
    assert score(recording(19), TRUTH, wrong).half_life_given is None
    assert score(recording(20), TRUTH, silent).half_life_given is False
    assert score(recording(20), TRUTH, silent).half_life_holds is None
    assert score(recording(20), TRUTH, wrong).half_life_holds is False


def test_steps_out_of_reach_are_refused() -> None:
    with pytest.raises(ValueError, match="a step from 0 to 4"):
        score(recording(length=4), TRUTH, [Answer("go_on", 5, 0.0)] * 6)


@pytest.mark.parametrize("name", ["climb_4", "success_cut", "best_hidden", "late_jump"])
def test_whoever_knows_the_truth_has_no_regret(name: str) -> None:
    kind = KINDS[name]

    def oracle(r: Recording, keep: str, prices: Sequence[float]) -> list[Answer]:
        last = int(np.flatnonzero(np.isfinite(r.scores).any(axis=0))[-1])
        reach = int(REACH * last)
        truth = kind.truth(r.scores.shape[1] - 1, reach)
        return [Answer("stop", int(np.argmax(truth.value - p * truth.steps)), 0.0) for p in prices]

    for number in range(10):
        assert max(try_panel(kind, MAIN, number, oracle).regret) == pytest.approx(0.0, abs=0.002)


def test_advice_is_tried_on_a_recording_of_twice_the_size() -> None:
    sizes = []

    def unsure(r: Recording, keep: str, prices: Sequence[float]) -> list[Answer]:
        sizes.append(len(r.scores))
        action = "cannot_tell" if len(r.scores) < 100 else "stop"
        return [Answer(action, 0, 1.0, advised=70 if action == "cannot_tell" else None) for _ in prices]

    assert try_panel(KINDS["walk"], MAIN, 0, unsure).advice_decides is True
    assert sizes[1] == 140


def test_errors_name_the_panel() -> None:
    with pytest.raises(RuntimeError, match="kind 'walk', size '50x7', panel 3"):
        try_panel(KINDS["walk"], MAIN, 3, lambda r, keep, prices: [])


def test_panels_have_streams_of_their_own() -> None:
    one, again = (try_panel(KINDS["climb_1"], MAIN, 1, answer) for _ in range(2))
    assert one == again
    assert one != try_panel(KINDS["climb_1"], MAIN, 2, answer)
    assert size_of("33x4") == Size("33x4", (33, 33), (4, 4))


@pytest.mark.slow
def test_workers_do_not_change_the_figures() -> None:
    kind = KINDS["cut_level"]
    alone = [try_panel(kind, MAIN, k, answer) for k in range(6)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert validate.run(kind, MAIN, 6, pool) == alone


def test_figures_average_panels() -> None:
    panels = [scored(regret=[0.0] * 3 + [0.4] * 3, loss_high=[0.3] * 6), scored(), scored(), scored()]
    assert figure("regret", panels)[:3] == pytest.approx((0.05, 0.05, 4))
    assert figure("large", panels).value == pytest.approx(0.125)
    assert figure("covered", panels).value == pytest.approx(0.875)
    assert figure("limit", panels).value == pytest.approx(0.1)
    assert figure("half_life_given", panels).n == 0
    known = [scored(half_life_given=True, half_life_holds=False), scored(half_life_given=False)]
    assert figure("half_life_given", known).value == 0.5
    assert figure("half_life_holds", known)[::2] == (0.0, 1)
    both = {"walk": panels, "climb_1": [scored(regret=[0.15] * 6)] * 2}
    assert over("regret", both, [KINDS["walk"], KINDS["climb_1"]]).value == pytest.approx(0.1)


def test_aims_allow_two_monte_carlo_errors() -> None:
    aim = Aim("limit holds", "covered", ("50x7",), low=0.94, each=True)
    assert excess(aim, Figure(0.92, 0.011, 400)) == pytest.approx((0.02, 0.022))
    out, error = excess(aim, Figure(0.0, 0.0, 400))
    assert out > error
    good, bad = [scored()] * 50, [scored(regret=[0.2] * 6)] * 50
    found = read(aim, "50x7", {"walk": good, "climb_1": bad})
    assert found is not None
    assert not found.met
    assert found.missed == ("climb_1 0.000",)
    assert found.figure.value == 0.0
    assert all(r.met for r in readings({"50x7": {"walk": good, "climb_2": good}}))


@pytest.mark.slow
def test_the_page_is_written_and_a_run_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(validate, "KEPT", tmp_path / "kept")
    page = tmp_path / "page.md"
    command = ["--panels", "3", "--sizes", "20x7", "--kinds", "walk,plateaus", "--workers", "1", "--write", str(page)]
    main(command)
    text = page.read_text()
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "kept").iterdir()}
    assert len(kept) == 2
    assert "`plateaus` (not announced)" in text
    assert "| mean regret over all, sd | 20x7 | at most 0.06 |" in text
    main(command)
    assert page.read_text() == text
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    with pytest.raises(SystemExit):
        main(["--kinds", "no_such"])
    assert "kinds: climb_1" in capsys.readouterr().err
