"""The tools that read programs for us: ruff as one process a batch, complexipy inside this one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ..errors import SettingsError

RUFF, COMPLEXIPY, RAPIDFUZZ = "ruff", "complexipy", "rapidfuzz"
PATIENCE = 120.0  # seconds for a batch; a text that takes longer alone is given up
ARGUMENTS = (
    "check",
    "--isolated",
    "--no-cache",
    "--ignore-noqa",
    "--no-respect-gitignore",
    "--exit-zero",
    "--quiet",
    "--select=S,C901",
    "--ignore=S101",
    "--config=lint.mccabe.max-complexity=0",
    "--config=extend-exclude=[]",
    "--output-format=json-lines",
)
COMPLEXITY = "C901"
_DEGREE = re.compile(r"\((\d+) > \d+\)")


@dataclass(frozen=True)
class Seen:
    """What ruff saw of one program: (rule, line, message) of each finding, and the complexity of each function.

    `refused` says why it gave up on the program, and on which line.
    """

    findings: tuple[tuple[str, int, str], ...] = ()
    complexities: tuple[int, ...] = ()
    refused: tuple[str, int] | None = None


@cache
def versions(*tools: str) -> Mapping[str, str]:
    """Return the installed versions of tools, and of the Python whose grammar is read.

    Raises
    ------
    SettingsError
        One of them is not installed.
    """
    found = {"python": f"{sys.version_info.major}.{sys.version_info.minor}"}
    for tool in tools:
        try:
            found[tool] = metadata.version(tool)
        except metadata.PackageNotFoundError:
            raise SettingsError(f"this scorer needs {tool}. Hint: pip install 'loopstat[score]'.") from None
    return found


def ruff_of(programs: Sequence[str]) -> list[Seen]:
    """Return what ruff sees of programs that parse, by one process; where it fails, of each half by another."""
    if not programs:
        return []
    found = _run(programs)
    if found is not None:
        return found
    if len(programs) == 1:
        return [Seen(refused=("ruff could not read the program, so nothing was looked for", 0))]
    half = len(programs) // 2
    return ruff_of(programs[:half]) + ruff_of(programs[half:])


def _run(programs: Sequence[str]) -> list[Seen] | None:
    """Return what one process of ruff sees; None where it crashes or does not come to an end."""
    with tempfile.TemporaryDirectory(prefix="loopstat-") as folder:
        for k, text in enumerate(programs):
            Path(folder, f"p{k}.py").write_bytes(text.encode())
        # The environment could hold options of ruff's: it gets what a process needs to start, and nothing else.
        environment = {k: v for k, v in os.environ.items() if k in ("SYSTEMROOT", "TEMP", "TMP", "TMPDIR")}
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments; the texts lie in files
                [_binary(), *ARGUMENTS, "."],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return None
    return _seen(done.stdout, len(programs)) if done.returncode == 0 else None


@cache
def _binary() -> str:
    from ruff import find_ruff_bin

    return str(find_ruff_bin())


def _seen(output: bytes, n: int) -> list[Seen]:
    findings: list[list[tuple[str, int, str]]] = [[] for _ in range(n)]
    complexities: list[list[int]] = [[] for _ in range(n)]
    refused: list[tuple[str, int] | None] = [None] * n
    for line in output.splitlines():
        said: dict[str, Any] = json.loads(line)
        k = int(Path(said["filename"]).stem[1:])
        code = said["code"]
        if code == COMPLEXITY:
            degree = _DEGREE.search(said["message"])
            complexities[k].append(int(degree.group(1)) if degree else 1)
        elif code and code.startswith("S"):
            findings[k].append((code, int(said["location"]["row"]), said["message"]))
        elif refused[k] is None:  # Python parses it and refuses it later: a keyword given twice, a parameter twice
            refused[k] = (f"does not parse: {said['message']}", int(said["location"]["row"]))
    return [
        Seen(tuple(sorted(f)), tuple(sorted(c)), bad) for f, c, bad in zip(findings, complexities, refused, strict=True)
    ]


def cognitive(text: str) -> int:
    """Return the cognitive complexity of a program that parses (Campbell 2018), all functions and the module."""
    from complexipy import code_complexity

    try:
        return int(code_complexity(text).complexity)
    except ValueError:  # a grammar newer or older than the tool's
        return 0
