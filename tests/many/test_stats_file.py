"""The file of sums: there and back, without names or texts, and refused where it is not whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import loopstat as ls
from conftest import invoke, strict_json
from loopstat.many.file import DIGEST, MAGIC, WORD, load_stats, packed, save_stats
from many_samples import differences, loops, written

CANARY = "a-secret-remark"


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """Two tables with names and texts that nobody is to learn."""
    table = loops(30, tasks=7).with_columns(
        session=pl.lit(CANARY) + pl.col("session"), task=pl.lit(CANARY) + pl.col("task"), note=pl.lit(CANARY)
    )
    return written(table, tmp_path, (12,))


def test_there_and_back(parts: list[Path], tmp_path: Path) -> None:
    made = ls.stats(parts[0], objectives=["p", "q"], by="strategy")
    save_stats(made, tmp_path / "a.stats")
    read = load_stats(tmp_path / "a.stats")
    assert packed(read) == packed(made) == (tmp_path / "a.stats").read_bytes()
    assert ls.merge(tmp_path / "a.stats").to_json() == ls.merge(read).to_json() == ls.merge(made).to_json()


def test_names_and_texts_are_not_in_the_file(parts: list[Path], tmp_path: Path) -> None:
    for kind in ({}, {"cluster": "task"}, {"cluster": "session"}):
        made = ls.stats(parts, objectives=["p", "q"], **kind)
        assert CANARY.encode() not in packed(made)
        assert CANARY not in ls.merge(made).to_json()


def forged(data: bytes, **changed: object) -> bytes:
    """Return a file of sums with another header and a digest that fits."""
    start = len(MAGIC) + WORD
    size = int.from_bytes(data[len(MAGIC) : start], "little")
    text = json.dumps({**json.loads(data[start : start + size]), **changed}).encode()
    body = MAGIC + len(text).to_bytes(WORD, "little") + text + data[start + size : -DIGEST]
    return body + hashlib.sha256(body).digest()


def test_files_that_are_not_whole_are_refused(parts: list[Path], tmp_path: Path) -> None:
    data = packed(ls.stats(parts[0], objectives=["p", "q"]))
    path = tmp_path / "bad.stats"
    turned = data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]
    for content, said in (
        (b"session,step\n", "holds no sums"),
        (data[:500], "damaged or cut off"),
        (turned, "damaged or cut off"),
        (MAGIC, "damaged or cut off"),
        (forged(data, version=2), "form 2, and this version of loopstat reads form 1"),
        (forged(data, groups=[{}]), "no whole file"),
        (forged(data, reference=["f", [2, 10**12], 0]), "numbers are missing"),
        (forged(data, reference=["f", [2, -5], 0]), "numbers are missing"),
    ):
        path.write_bytes(content)
        with pytest.raises(ls.InputError, match=said):
            load_stats(path)
        refused = invoke("merge", path)
        assert refused.exit_code == 2
        assert said in refused.stderr.replace("\n", " ")


def test_the_commands(parts: list[Path], tmp_path: Path) -> None:
    files = [tmp_path / f"{k}.stats" for k in range(2)]
    for path, file in zip(parts, files, strict=True):
        made = invoke("stats", path, "--objectives", "p,q", "--by", "strategy", "-o", file, "--json", "-")
        assert made.exit_code == 0, made.stderr
        listed = strict_json(made.stdout)
        assert listed["schema"] == "loopstat.stats/1"
        assert [g["label"] for g in listed["groups"]] == ["strategy=a", "strategy=b"]
    merged = invoke("merge", *reversed(files), "--price", "0.01", "--bootstrap", 220, "--json", "-")
    assert merged.exit_code == 0, merged.stderr
    found = strict_json(merged.stdout)
    whole = ls.merge(
        ls.stats(parts, objectives=["p", "q"], by="strategy"),
        estimator=ls.LinearDrift("pooled", n_boot=220),
        decision=ls.MeanCurve(price=0.01, n_boot=220),
    )
    said = json.loads(whole.to_json())
    for data in (found, said):
        del data["settings"]
    assert list(differences(found, said)) == []
    shown = invoke("merge", *files)
    assert "strategy=a" in shown.stdout
    assert ls.Analysis.from_json(whole.to_json()) == whole
    page = tmp_path / "page.html"
    assert invoke("merge", *files, "--html", page).exit_code == 0
    assert "strategy=b" in page.read_text(encoding="utf-8")


def test_objectives_are_chosen_by_the_first_rows(parts: list[Path]) -> None:
    found = invoke("stats", parts[0], "--json", "-")
    assert [o["name"] for o in strict_json(found.stdout)["objectives"]] == ["p", "q"]
    assert "by the first rows" in found.stderr


def test_long_recordings_stay_small(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 40_000
    table = pl.DataFrame({"session": np.repeat(np.arange(n // 4), 4), "step": np.tile(np.arange(4), n // 4)})
    table = table.with_columns(p=rng.standard_normal(n))
    path = tmp_path / "long.parquet"
    table.write_parquet(path)
    assert len(packed(ls.stats(path, objectives="p"))) < 1_000_000, "1,000 blocks, whatever the number of sessions"
