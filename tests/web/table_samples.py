"""Tables with texts, codes and hostile cells, for the tests of tables and sessions."""

from __future__ import annotations

import csv
import random
from pathlib import Path

HOSTILE = '<script>document.title="broken"</script>'
PICTURE = "<img src=x onerror=document.title=1>"
MARKS = "left \u202eright\u202c \u200bnothing"
FORMULA = '=HYPERLINK("http://example.org";"x")'
NAMES = (f"run {PICTURE}", "../../etc/passwd", "a&b=c?d#e %2e%2e/", "שלום \u202e run", "'; DROP TABLE t; --", "[x]*")
HEAD = ("session", "step", "strategy", "quality", "speed", "answer", f"odd {HOSTILE}")


def text_of(session: int, step: int) -> str:
    """Return the text of a version: every fourth line changes from step to step."""
    lines = [f"line {k} v{step if k % 4 == 0 else 0}" for k in range(30)]
    lines[2] = (MARKS, FORMULA, HOSTILE, "a \x07 bell")[session % 4]
    return "\n".join(lines)


def rows(sessions: tuple[str, ...] = NAMES, steps: int = 6, *, seed: int = 1) -> list[tuple[object, ...]]:
    """Return the rows of a table of sessions with texts."""
    draw = random.Random(seed)  # noqa: S311 - scores, not secrets
    made = []
    for s, name in enumerate(sessions):
        for t in range(steps):
            scores = (round(5 + 0.3 * t + draw.gauss(0, 0.5), 3), round(draw.random(), 3))
            made.append((name, t, "ab"[s % 2], *scores, text_of(s, t), "x"))
    return made


def write(path: Path, table: list[tuple[object, ...]], head: tuple[str, ...] = HEAD) -> Path:
    """Write a CSV."""
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([head, *table])
    return path


def many(n: int = 12) -> tuple[str, ...]:
    """Return plain names of sessions."""
    return tuple(f"run {k}" for k in range(n))
