"""Scoring beside its peers: `python -m benchmarks.scoring [--files N]` prints CPU times and the agreement with bandit.

Programs are made of the standard library: definitions of its modules, packed to about 100 lines each. Every tool is run
as a command on the same folder, so that its start is part of the time. Agreement is the rank correlation of scores and
bandit's findings over real files of this environment; asserts count for neither.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loopstat.scoring.batches import score_all
from loopstat.scoring.registry import scorer_of

LINES, LARGEST = 80, 125  # of a program
SEVERITY = {"LOW": 0.3, "MEDIUM": 1.0, "HIGH": 3.0}
ASSERT = "B101"
LONGEST = 200_000


@dataclass(frozen=True)
class Peer:
    """A command and what it is called; None where it is not installed."""

    name: str
    command: tuple[str, ...] | None


def programs(n: int) -> list[str]:
    """Return programs of about 100 lines, made of definitions of the standard library in order."""
    found: list[str] = []
    part: list[str] = []
    for path in sorted(Path(ast.__file__).parent.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        for segment in _definitions(text):
            part += segment
            if len(part) >= LINES:
                found += ["\n".join(part)] if len(part) < LARGEST and _parses(part) else []
                part = []
    return [f"{found[k % len(found)]}\nround_{k} = {k}\n" for k in range(n)]


def _definitions(text: str) -> Iterator[list[str]]:
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and (node.end_lineno or 0) - node.lineno < LINES // 2:
            yield lines[node.lineno - 1 : node.end_lineno]


def _parses(lines: Sequence[str]) -> bool:
    try:
        ast.parse("\n".join(lines))
    except SyntaxError:
        return False
    return True


def cpu_of(command: Sequence[str]) -> float:
    """Return the seconds of CPU that a command and its children take."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def found(name: str) -> str | None:
    """Return where a command is: beside this interpreter, or on the path."""
    return shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def peers(folder: str) -> list[Peer]:
    """Return the commands that are timed."""
    bandit, radon = found("bandit"), found("radon")
    own = (sys.executable, "-m", "loopstat", "score", folder, "--json", os.devnull)
    return [
        Peer("loopstat score --suite python", own),
        Peer("loopstat score --suite sj2025", (*own, "--suite", "sj2025")),
        Peer("bandit", (bandit, "--quiet", "--recursive", "--ignore-nosec", "-f", "json", folder) if bandit else None),
        Peer("radon cc", (radon, "cc", "--json", folder) if radon else None),
    ]


def timed(n: int, runs: int) -> None:
    """Print the CPU of each command."""
    texts = programs(n)
    lines = sum(t.count("\n") + 1 for t in texts) / len(texts)
    print(
        f"{len(texts):,} programs of {lines:.0f} lines on average, {len(set(texts)):,} different; best of {runs} runs"
    )
    with tempfile.TemporaryDirectory() as folder:
        for k, text in enumerate(texts):
            Path(folder, f"p{k}.py").write_text(text, encoding="utf-8")
        for peer in peers(folder):
            if peer.command is None:
                print(f"{peer.name:32} not installed")
            else:
                print(f"{peer.name:32} {min(cpu_of(peer.command) for _ in range(runs)):6.2f} s of CPU")


def real_files(n: int) -> list[Path]:
    """Return files of the standard library and of the packages beside it, a fixed draw."""
    roots = (Path(ast.__file__).parent, Path(sysconfig.get_paths()["purelib"]))
    every = [p for root in roots for p in sorted(root.rglob("*.py")) if 200 < p.stat().st_size < LONGEST]
    every = [p for p in dict.fromkeys(every) if "test" not in str(p)]
    return random.Random(0).sample(every, min(n, len(every)))  # noqa: S311 - a fixed draw


def agreement(n: int) -> None:
    """Print the rank correlation with bandit."""
    bandit = found("bandit")
    if bandit is None:
        print("bandit is not installed: no agreement")
        return
    from scipy.stats import spearmanr

    paths = real_files(n)
    with tempfile.TemporaryDirectory() as folder:
        for k, path in enumerate(paths):
            shutil.copy(path, Path(folder, f"p{k}.py"))
        command = [bandit, "--quiet", "--recursive", "--ignore-nosec", "--format", "json", folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        texts = [Path(folder, f"p{k}.py").read_text(encoding="utf-8", errors="surrogateescape") for k in range(n)]
    weight = [0.0] * len(paths)
    for item in json.loads(done.stdout)["results"]:
        if item["test_id"] != ASSERT and not item["test_id"].startswith("B40"):  # imports alone: preview rules of ruff
            weight[int(Path(item["filename"]).stem[1:])] += SEVERITY.get(item["issue_severity"], 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = score_all(texts, scorer_of("python"))
    read = [k for k, s in enumerate(scores) if "unscored" not in s.counts]
    ours = [scores[k].counts["severe"] + scores[k].counts["style"] for k in read]
    theirs = [weight[k] for k in read]
    either = [j for j in range(len(read)) if ours[j] or theirs[j]]
    both = sum(bool(ours[j]) and bool(theirs[j]) for j in range(len(read)))
    print(f"{len(read):,} real files; findings of both in {both}, of neither in {len(read) - len(either)}, ", end="")
    print(f"of ours alone in {sum(map(bool, ours)) - both}, of bandit's alone in {sum(map(bool, theirs)) - both}")
    score = [-scores[k].values["security"] for k in read]
    some = spearmanr([ours[j] for j in either], [theirs[j] for j in either]).statistic
    print(f"rank correlation of weights {spearmanr(ours, theirs).statistic:.3f}, ", end="")
    print(f"of 10 - security and bandit's weights {spearmanr(score, theirs).statistic:.3f}; ", end="")
    print(f"of weights where either finds anything {some:.3f}")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=2)
    asked = parser.parse_args()
    timed(asked.files, asked.runs)
    agreement(asked.files)


if __name__ == "__main__":
    main()
