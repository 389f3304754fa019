"""The balance lens in the terminal: verdict first, true figures, and nothing that a name or a null can break."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from test_cli import CONTROL

from balance_samples import WORDS, Sample, analysis, around, edge_cases, everyday, group, landscape, words
from loopstat.faces import balance_text as text
from loopstat.inference.estimate import show

EDGES = list(edge_cases())
SAMPLES: dict[str, Sample] = {"everyday": everyday(), **edge_cases()}


def story(group_: dict[str, Any], *, width: int = 100) -> list[str]:
    """Return the lines about one group."""
    lines = text.render(analysis(group_).data, width=width).splitlines()
    return lines[lines.index("") + 1 :]


def said(group_: dict[str, Any], key: str) -> str:
    """Return what stands under a key, one line for each row."""
    found, now = [], ""
    for k, line in text.rows_of(group_):
        now = k or now
        found += [line.replace("\xa0", " ")] if now == key else []
    return "\n".join(found)


# ------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(("p", "head"), [(0.001, "so far in"), (0.4, "rests in"), (None, "rests in")])
def test_a_transient_is_not_called_rest(p: float | None, head: str) -> None:
    group = {
        "states": ["low", "high"],
        "classes": [{"states": ["low", "high"]}],
        "potential": [1.0, 0.0],
        "stationary": [0.27, 0.73],
        "homogeneity": {"steps": {"p_value": p}, "sessions": {"p_value": 0.01}},
    }
    rows = text.rows_of(group)
    assert rows[0][0] == head
    assert any("no rest: early and late steps differ" in words for _, words in rows) == (head == "so far in")


def test_the_verdict_comes_first() -> None:
    for one in everyday().data["groups"]:
        head, verdict, *_ = story(one, width=200)
        assert head.startswith(one["label"])
        assert verdict == f"  Verdict: {one['verdict']['sentence']}"


def test_many_groups_start_with_their_verdicts() -> None:
    data = everyday().data
    lines = text.render(data, width=200).splitlines()
    first = lines.index("Verdict") + 1
    for line, one in zip(lines[first:], data["groups"], strict=False):
        assert line.split(maxsplit=1) == [one["label"], one["verdict"]["sentence"]]
    assert "Verdict" not in text.render(analysis(data["groups"][0]).data).splitlines(), "one group needs no list"


def test_heading_names_files_and_sizes() -> None:
    data = analysis(group(WORDS, words())).data
    assert text.render(data).startswith("runs.parquet: 5 states, 20,610 transitions\n")
    assert data["notes"][0] in text.render(data)
    several = {**data, "source": {"files": [f"d/{k}.csv" for k in range(5)]}}
    assert text.title_of(several) == "0.csv, 1.csv, 2.csv and 2 more"


def test_it_says_where_the_loop_rests() -> None:
    one = group(WORDS, words())
    shown = said(one, "rests in").splitlines()
    for line, k in zip(shown, range(3), strict=True):
        share = [100 * one[f"stationary{end}"][k] for end in ("", "_low", "_high")]
        assert line.startswith(f"{WORDS[k]} ({show(*share).replace(' [', '% [')} of the time, potential ")
    height = show(*(one[f"potential{end}"][1] for end in ("", "_low", "_high")))
    assert shown[1].endswith(f"potential {height})")
    assert said(one, "only left") == "TURKEY (potential above 7.4)   BUZZY (potential above 7.7)"


def test_the_lowest_states_come_first_in_each_class() -> None:
    one = SAMPLES["two classes"].data["groups"][0]
    label, order = text.class_of(one), text.lowest(one)
    assert sorted(order) == [k for k, v in enumerate(one["potential"]) if v is not None]
    assert [label[k] for k in order] == sorted(label[k] for k in order)
    for c in set(label.values()):
        heights = [one["potential"][k] for k in order if label[k] == c]
        assert heights == sorted(heights)
    assert said(one, "rests in")
    assert said(one, "or in")
    assert "2 sets of states do not lead to each other" in "\n".join(story(one))


def test_at_most_eight_states_are_named() -> None:
    one = SAMPLES["large"].data["groups"][0]
    assert (said(one, "rests in") + said(one, "or in")).count(" of the time, potential ") == text.MAX_STATES
    assert story(one)[-1] == "    (292 more states in --json and --html)"


def test_how_sure_gives_the_test() -> None:
    one = around(("a", "b", "c"))
    assert said(one, "how sure").startswith(
        "test of detailed balance (exact within sessions): p 0.0010; statistic 88.1"
    )
    tree = group(WORDS, words(), test={"p_value": None, "reason": "there is no cycle."})
    assert said(tree, "how sure") == "there is no cycle."
    assert said({**tree, "test": None, "reasons": {"test": "too few."}}, "how sure") == "too few."


def test_a_driven_loop_says_which_way_it_goes_round() -> None:
    one = around(("a", "b", "c", "d"))
    cycle = one["cycles"][0]
    times = show(*(math.exp(cycle[k]) for k in ("affinity", "low", "high")))
    assert said(one, "goes round") == f"a → b → c → d → a: {times} times as often as back"
    unsure = {**one, "cycles": [{**cycle, "low": -0.1}]}
    assert said(unsure, "goes round") == "", "a cycle that may be none is not claimed"
    endless = {**one, "cycles": [{**cycle, "affinity": None, "low": None, "high": None}]}
    assert said(endless, "goes round").endswith("never seen the other way")
    assert said(group(WORDS, words()), "goes round") == ""
    long = {**cycle, "states": [f"s{k}" for k in range(30)]}
    assert "(25 more)" in text.cycle_words(long)


def test_irreversibility_is_at_least_what_is_known() -> None:
    one = around(("a", "b", "c"))
    assert said(one, "irreversible") == "0.132 [0.118, 0.147] nats per step"
    bound = group(WORDS, words())
    assert said(bound, "irreversible") == "at least 0.003 [0.000, 0.007] nats per step; 1 pair was seen one way only"


def test_forgetting_is_given_in_steps() -> None:
    one = {**around(("a", "b", "c")), "relaxation_times": [10.0, 3.0]}
    assert said(one, "forgets") == "half of where it started in 6.9 steps (relaxation time 10)"
    assert said({**one, "relaxation_times": [None, 3.0]}, "forgets").startswith("half of where it started in 2.1")
    assert said({**one, "relaxation_times": [None]}, "forgets") == ""


def test_one_chain_or_several_is_said() -> None:
    one = around(("a", "b", "c"))
    assert said(one, "one chain?") == "the last state is enough (p 0.42); early and late steps agree (p 0.30)"
    bad = {"order_test": {"p_value": 0.0002}, "homogeneity": {"steps": None, "sessions": {"p_value": 0.01}}}
    words_ = said({**one, **bad}, "one chain?")
    assert words_ == "the state before the last matters too (p < 0.001); sessions differ (p 0.010)"


def test_failed_checks_are_warnings() -> None:
    lines = [line for line in story(around(("a", "b", "c")), width=300) if line.startswith("  !")]
    assert lines == ["  ! Sessions follow different chains (p < 0.001): pooled, they may look driven where none is."]


def test_the_published_statistic_is_for_comparison() -> None:
    assert said(group(WORDS, words()), "the source's way") == (
        "chi²/ndf 1.24 over 52 pairs, chi²/ndf 0.760 over 140 cycles; for comparison with published figures only"
    )
    tiny = {"pair_chi2_ndf": 3e-21, "pairs": 2, "cycle_chi2_ndf": None, "cycles": 0}
    assert said(group(WORDS, words(), source_statistic=tiny), "the source's way").startswith("chi²/ndf 0.000 over 2")


def test_groups_against_each_other() -> None:
    data = everyday().data
    assert text.common_words(data) == (
        "groups have potentials of their own (p 0.030, 9 states shared by 3 groups); "
        "they correlate by 0.91 [0.80, 0.96]"
    )
    common = {**data["common_potential"], "p_value": 0.5, "correlation": None}
    assert text.common_words({**data, "common_potential": common}) == (
        "one potential would do for all groups (p 0.50, 9 states shared by 3 groups)"
    )
    assert text.common_words({**data, "common_potential": None}) == ""


# ------------------------------------------------------------------------------- whatever comes


@pytest.mark.parametrize("name", list(SAMPLES))
def test_every_result_is_rendered(name: str) -> None:
    shown = text.render(SAMPLES[name].data)
    assert not CONTROL.search(shown)
    assert not set(re.findall(r"[\w.]+", shown)) & {"None", "nan", "inf", "null"}
    assert len(shown) < 1_600 * max(len(SAMPLES[name].data["groups"]), 2) + 1_000


@pytest.mark.parametrize("width", [60, 80, 110])
def test_lines_keep_to_the_width(width: int) -> None:
    for name in ("everyday", "two classes", "large", "many groups"):
        lines = text.render(SAMPLES[name].data, width=width).splitlines()
        assert max(map(len, lines)) <= max(width, 75), "figures of one state stay together"


@pytest.mark.parametrize("group_", SAMPLES["everyday"].data["groups"], ids=["driven", "words", "landscape"])
def test_any_part_may_be_null_or_missing(group_: dict[str, Any]) -> None:
    for key in group_:
        for changed in ({**group_, key: None}, {k: v for k, v in group_.items() if k != key}):
            shown = text.render(analysis(group_).data | {"groups": [changed]})
            assert "Verdict: " in shown
            assert "None" not in shown.replace("label", "") or key == "label"
    inner: dict[str, Any]
    for key, value in group_.items():
        if isinstance(value, dict):
            for name in value:
                inner = {**group_, key: {**value, name: None}}
                assert text.render(analysis(group_).data | {"groups": [inner]})
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for name in value[0]:
                inner = {**group_, key: [{**item, name: None} for item in value]}
                assert text.render(analysis(group_).data | {"groups": [inner]})


def test_style_marks_heads_keys_doubts_and_answers() -> None:
    seen: list[str] = []

    def style(words_: str, role: str) -> str:
        seen.append(role)
        return words_

    text.render(everyday().data, style=style)
    assert set(seen) == {"head", "key", "doubt", "answer"}


def test_names_are_shortened_in_their_middle() -> None:
    assert text.state_name("x" * 10_000, 24) == "x" * 12 + "…" + "x" * 10 + "…"
    assert text.state_name(" ") == "(empty)"
    assert text.state_name("a\x00b") == "a\\x00b"


def test_counts_and_shares_in_words() -> None:
    assert text.counted(1, "pair") == "1 pair"
    assert text.counted(2.5, "pair") == "2.5 pairs"
    assert text.counted(None, "pair") == "no pairs known"
    assert text.counted(12_345) == "12,345"
    assert text.percent(0.123, 0.1, 0.15) == "12% [10, 15]"
    assert text.percent(0.5) == "50%"
    assert text.percent(None) == "–"
    assert text.chance(None) == "p not known"


def test_states_are_chosen_by_visits_then_by_time() -> None:
    one = group(("a", "b", "c"), landscape(3, 900), visits=[5.0, 9.0, 5.0], stationary=[0.1, 0.2, 0.7])
    assert text.by_visits(one, 2) == [1, 2]
    assert text.by_visits({**one, "visits": None, "stationary": None}, 9) == [0, 1, 2]
