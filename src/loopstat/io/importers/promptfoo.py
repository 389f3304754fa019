"""Results of promptfoo (`-o results.json`): prompts in their order tried on the same tests, each with its scores."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of
from .reading import json_file

FORMAT = Format(
    "promptfoo",
    "promptfoo results as JSON",
    {
        "prompts": "a prompt in its order, tried on a test by a provider: versions of one prompt",
        "repeats": "a repeated try of one prompt on one test: candidates, for a pool",
    },
)
NEWEST = 3
DROPPED = ("variables", "assertions' reasons", "prompts' texts")


def matches(look: Look) -> float:
    """Return how sure it is that these are results of promptfoo."""
    return 0.9 if look.has("evalId", "results") or look.has("results.results[].promptIdx") else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read results."""
    del progress
    reading = reading_of(FORMAT, asked)
    data = json_file(path)
    found = data["results"] if isinstance(data["results"], Mapping) else {"results": data["results"]}
    steps, tried, failed = Steps(), dict[tuple[str, int], int](), 0
    for result in found["results"]:
        provider = result.get("provider") or {}
        model = str(provider.get("id") if isinstance(provider, Mapping) else provider)
        test, prompt = int(result.get("testIdx") or 0), int(result.get("promptIdx") or 0)
        session = f"test {test} · {model}" if reading == "prompts" else f"test {test} · {model} · prompt {prompt}"
        key = (session, prompt)
        again = tried[key] = tried.get(key, -1) + 1
        failed += bool(result.get("error"))
        cells = {"session": session, "step": prompt if reading == "prompts" else again}
        cells |= {"repeat": again} if reading == "prompts" else {"candidate": again}
        cells |= {"task": f"test {test}", "model": model, **_cells(result)}
        steps.add(cells, _scores(result))
    version = str(found.get("version") or "")
    notes = [f"promptfoo results of form {version or 'unknown'}: {steps.n:,} tries."]
    if number(version) is not None and float(version) > NEWEST:
        notes.append(f"the form {version} of these results is newer than {NEWEST}, the newest known.")
    step, report = FORMAT.readings[reading], steps.report(missing=failed, dropped=DROPPED)
    return made(FORMAT, steps, path=path, version=version, step=step, selection=report, notes=notes)


def _cells(result: Mapping[str, Any]) -> dict[str, Any]:
    response = result.get("response") or {}
    used = response.get("tokenUsage") or result.get("tokenUsage") or {}
    output, seconds = response.get("output"), number(result.get("latencyMs"))
    return {
        "state": "error" if result.get("error") else "passed" if result.get("success") else "failed",
        "oracle_pass": bool(result.get("success")),
        "artifact": output if isinstance(output, str) else None,
        "tokens_in": number(used.get("prompt")),
        "tokens_out": number(used.get("completion")),
        "cost": number(result.get("cost") if result.get("cost") is not None else response.get("cost")),
        "time": None if seconds is None else seconds / 1000,
        "ended": "budget",
    }


def _scores(result: Mapping[str, Any]) -> dict[str, float | None]:
    named = result.get("namedScores") or {}
    return {"score": number(result.get("score")), **{str(k): number(v) for k, v in named.items()}}
