"""Chains that are set: exact figures against closed forms, power against drawn recordings, and every corner."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from loopstat import MarkovChain, ReversibleChain, SettingsError, systems
from loopstat.faces.web.frames import frame
from loopstat.play.chain import ChainPlay, live, play_chain
from loopstat.play.chains import System, two_wells, words
from loopstat.play.power import RecordingJob, drawn_power, power_of
from loopstat.play.rows import CHAIN, CHAIN_PRESETS
from loopstat.play.view import document

OPTIONS = {row.name: row.default for row in CHAIN}


def system(**settings: object) -> System:
    return System.of({**OPTIONS, **settings})


def test_a_driven_ring_is_its_closed_form() -> None:
    found = play_chain({"system": "ring", "states": 5, "drive": 3.0, "stay": 0.1}, whole=False).known
    a = 3.0 / 5
    assert found.entropy_production.value == pytest.approx(0.9 * math.tanh(a / 2) * a)
    np.testing.assert_allclose(found.stationary_free, 0.2)
    assert found.verdict.action == "driven"
    assert found.cycles[0].affinity == pytest.approx(3.0)
    assert found.currents[0].value == pytest.approx(0.9 * math.tanh(a / 2) / 5)
    back = play_chain({"system": "ring", "states": 5, "drive": -3.0}, whole=False).known
    way = back.cycles[0].states
    assert way[(way.index("r3") + 1) % 5] == "r2", "a negative drive runs it the other way"


def test_the_walk_knows_its_potential() -> None:
    found = play_chain({"depth": 3.0, "temperature": 1.5, "states": 8}, whole=False).known
    V = two_wells(8, 3.0) / 1.5
    np.testing.assert_allclose(found.potential.value, V - V.min(), atol=1e-8)
    assert found.entropy_production.value == 0
    assert found.verdict.action == "balanced"
    law = np.exp(-V) / np.exp(-V).sum()
    np.testing.assert_allclose(found.stationary.value, law, atol=1e-8)


def test_a_trap_holds_as_long_as_it_was_told() -> None:
    found = play_chain({"system": "trap", "escape": 0.02, "stay": 0.2, "states": 5}, whole=False).known
    assert found.stationary_free[0] == pytest.approx(40 / 44)
    assert found.escape.value[0] == pytest.approx(0.02)
    assert found.traps[0].state == "trap"
    np.testing.assert_allclose(found.potential.value[1:], math.log(40))


def test_the_published_words_are_as_checked() -> None:
    # MODEL 4: ATTITUDE 0, PERSONAL 4.07 (0.12), PROBLEMS 5.18 (0.22); TURKEY and BUZZY transient.
    found = play_chain({"system": "words", "transitions": 5 * 4122, "sessions": 0}, whole=False).known
    np.testing.assert_allclose(found.potential.value[:3], [0.0, 4.07, 5.18], atol=0.005)
    np.testing.assert_allclose(found.potential.standard_error[1:3], [0.12, 0.22], atol=0.005)
    assert found.recorded.transient == ("TURKEY", "BUZZY")
    result = play_chain({"system": "words", "sessions": 0})
    assert result.power.df == 0
    assert math.isnan(result.power.approximate)
    assert "no recording could show a drive" in result.verdict.sentence
    assert not document(result).rough


def test_the_noncentrality_is_the_divergence_of_truth_from_balance() -> None:
    # On a symmetric ring the nearest reversible chain steps both ways alike: 2 n KL per transition.
    ring = system(system="ring", states=6, drive=2.0, stay=0.2, transitions=1000, sessions=0)
    up = 1 / (1 + math.exp(-2.0 / 6))
    each = 0.8 * (up * math.log(2 * up) + (1 - up) * math.log(2 * (1 - up)))
    from scipy.stats import chi2, ncx2

    found = power_of(ring, ring.expected())
    limit = chi2.ppf(0.95, 1)
    assert found.df == 1
    assert found.approximate == pytest.approx(ncx2.sf(limit, 1, 2 * 1000 * each), rel=1e-6)
    assert ncx2.sf(limit, 1, 2 * found.enough * each) == pytest.approx(0.8, abs=2e-3)
    np.testing.assert_allclose(found.power_at, ncx2.sf(limit, 1, 2 * found.n * each), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("sessions", [0, 4])
def test_the_approximation_is_what_drawn_recordings_show(sessions: int) -> None:
    # 100 recordings: five standard errors of a share of 0.7 are 0.23.
    ring = system(system="ring", drive=1.5, transitions=600, sessions=sessions)
    found, recordings = drawn_power(ring, seed=1)
    assert recordings == 100
    assert abs(found.value - power_of(ring, ring.expected()).approximate) < 0.23


@pytest.mark.slow
def test_a_chain_in_balance_is_found_driven_in_one_recording_of_twenty() -> None:
    found, _ = drawn_power(system(), seed=2)
    assert found.low <= 0.05, "the exact test holds its level"
    assert power_of(system(), system().expected()).approximate == pytest.approx(0.05)


def test_recordings_are_the_same_for_the_same_seed() -> None:
    ring = system(system="ring", transitions=200)
    assert [RecordingJob(ring, 5, k).run() for k in range(4)] == [RecordingJob(ring, 5, k).run() for k in range(4)]
    one, two = (ring.counted(np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one.count, two.count)
    assert one.total == 200


def test_expected_counts_are_the_mean_of_drawn_ones() -> None:
    for sessions in (0, 10):
        ring = system(system="ring", transitions=60, sessions=sessions)
        rng = np.random.default_rng(4)
        total = np.zeros((6, 6))
        for _ in range(400):
            c = ring.counted(rng)
            total[c.source, c.target] += c.count
        e = ring.expected()
        mean = np.zeros((6, 6))
        mean[e.source, e.target] = e.count
        np.testing.assert_allclose(total / 400, mean, atol=0.6)


EDGES = {
    "no depth": {"depth": 0.0},
    "deep and cold": {"depth": 10.0, "temperature": 0.5},
    "three states": {"states": 3},
    "many states": {"states": 40, "system": "ring"},
    "no drive": {"system": "ring", "drive": 0.0},
    "hardly driven": {"system": "ring", "drive": 0.01},
    "driven hard": {"system": "ring", "drive": 20.0},
    "hardly moves": {"system": "ring", "stay": 0.99},
    "never stays": {"system": "ring", "states": 4, "stay": 0.0},
    "a trap for ever": {"system": "trap", "escape": 1e-6},
    "no trap": {"system": "trap", "escape": 0.8},
    "few": {"transitions": 10, "sessions": 0},
    "more sessions than transitions": {"transitions": 10, "sessions": 50},
    "words in sessions": {"system": "words"},
    "words by hand": {"system": "words", "sessions": 0, "transitions": 50},
}


@pytest.mark.parametrize("settings", EDGES.values(), ids=EDGES.keys())
def test_every_corner_has_an_answer(settings: dict[str, object]) -> None:
    result = play_chain({"transitions": 60, **settings}, whole=True)
    assert ChainPlay.from_json(result.to_json()) == result
    quick = live(None, {**OPTIONS, "transitions": 60, **settings, "command": ""}, result)
    for found in (result, quick):
        doc = document(found)
        assert "nan" not in str(doc).lower().split()
        assert len(frame({}, doc)) > 1000
    assert quick.known == result.known


def test_one_recording_is_what_the_package_fits() -> None:
    result = play_chain({"system": "ring", "transitions": 300, "seed": 3})
    rng = np.random.default_rng([3, 0])
    panel = system(system="ring", transitions=300).recorded(rng)
    again = ReversibleChain(n_draws=199).fit(panel, rng=rng, label="one recording")
    assert result.one_recording == again


def test_presets_name_settings_there_are() -> None:
    known = {row.name for row in CHAIN}
    for preset in CHAIN_PRESETS:
        assert set(preset.values) <= known
        assert play_chain(preset.values, whole=False).verdict.action in ("balanced", "driven")


def test_refusals() -> None:
    for settings in ({"system": "cube"}, {"states": 2}, {"stay": 1.0}, {"escape": 0.0}, {"transitions": 5}):
        with pytest.raises(SettingsError):
            play_chain(settings)
    with pytest.raises(SettingsError, match="at least 2"):
        systems.trap(1, escape=0.1)
    with pytest.raises(SettingsError, match=r"in \(0, 1\]"):
        systems.trap(3, escape=0.0)


def test_the_words_are_a_chain() -> None:
    chain = words()
    assert isinstance(chain, MarkovChain)
    np.testing.assert_allclose(np.asarray(chain.P).sum(axis=1), 1.0)
    assert chain.P[3, 0] == 1.0, "TURKEY was left whenever it was asked"


@pytest.mark.parametrize("name", ["equilibrium", "ring", "trap", "words"])
def test_a_live_answer_is_quick(name: str) -> None:
    # CPU time, the best of ten: 4 to 8 ms where measured.
    options, took = {**OPTIONS, "system": name, "command": ""}, []
    for _ in range(10):
        begun = time.process_time()
        document(live(None, options, None))
        took.append(time.process_time() - begun)
    assert min(took) < 0.03
