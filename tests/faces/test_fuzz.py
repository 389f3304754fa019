"""Random valid tables with random valid options through every command; `python -m benchmarks.fuzz` runs any number."""

from __future__ import annotations

import time
from types import ModuleType

import pytest

from conftest import ROOT

pytestmark = pytest.mark.slow  # commands, pages or processes: left out of `make quick`

SEED = 2
ROOM = 20  # seconds that cases are started in
CASES = 120  # at most, so that a fast machine ends too


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The generator, which lies beside the package."""
    monkeypatch.syspath_prepend(str(ROOT))
    from benchmarks import fuzz

    return fuzz


@pytest.mark.slow
def test_random_tables_through_every_command(fuzz: ModuleType) -> None:
    end, found = time.monotonic() + ROOM, []
    while time.monotonic() < end and len(found) < CASES:
        found.append(fuzz.run(len(found), seed=SEED))
    failed = [f"{fuzz.again(SEED, o)}  {o.command}: {o.failure}: {o.detail}" for o in found if o.failure]
    assert not failed, "\n".join(failed)
    refused = sum(o.code == fuzz.REFUSED for o in found)
    assert refused <= max(3, 0.3 * len(found)), fuzz.table_of(found)


def test_a_case_is_its_seed_and_number(fuzz: ModuleType) -> None:
    assert [fuzz.case_of(3, k) for k in range(50)] == [fuzz.case_of(3, k) for k in range(50)]
    assert fuzz.case_of(3, 0) != fuzz.case_of(4, 0)
    assert len({fuzz.case_of(3, k).command for k in range(200)}) == len(fuzz.COMMANDS), "every command has its turn"


def test_failures_are_told_apart(fuzz: ModuleType) -> None:
    assert fuzz._judged(0, ("", ""), None, []) == ("", "")
    assert fuzz._judged(2, ("", "error: no.\n"), None, []) == ("", "")
    assert fuzz._judged(2, ("", ""), None, [])[0] == "exit"
    assert fuzz._judged(0, ("", "x.py:3: RuntimeWarning: overflow"), None, [])[0] == "stderr"
    assert fuzz._judged(0, ("", ""), None, ["overflow"])[0] == "warning"
    assert fuzz._judged(0, ("", "Exception ignored: TooSlowError"), None, [])[0] == "slow"
    assert fuzz._strict('{"a": NaN}')[0] == "json"
    with pytest.raises(fuzz.TooSlowError), fuzz.limited(0.01):
        time.sleep(5)
