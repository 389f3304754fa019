"""Kill -9 at some of every kind of write: `python -m benchmarks.crashes` does it two hundred times."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from conftest import ROOT

sys.path.insert(0, str(ROOT))

from benchmarks.crashes.harness import WITHIN, kill_once
from benchmarks.crashes.victims import VICTIMS

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", VICTIMS)
def test_nothing_is_lost_that_a_call_returned_from(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    rng = random.Random(kind)  # noqa: S311
    for within in (False, *((True, True) if kind in WITHIN else ())):
        fate = kill_once(kind, tmp_path / f"ü {rng.random()}", rng, within=within)
        assert fate.faults == []
