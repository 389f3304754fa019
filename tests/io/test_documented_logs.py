"""Logs written as their documentation has them, because no real export could be made here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import loopstat as ls
from conftest import invoke, strict_json
from loopstat.io.described import describe
from loopstat.io.sessions.one import read_session


def imported(*args: object) -> dict[str, Any]:
    """Return the JSON of a successful `import`."""
    done = invoke("import", *args, "--json", "-")
    assert done.exit_code == 0, done.stderr
    return strict_json(done.stdout)


def openinference(session: int, call: int) -> dict[str, Any]:
    """Return a span of OpenInference, as OTLP JSON."""
    begun = (session * 100 + call) * 1_000_000_000
    told = {
        "openinference.span.kind": {"stringValue": "LLM"},
        "session.id": {"stringValue": f"conversation {session}"},
        "llm.model_name": {"stringValue": "a-model"},
        "llm.token_count.prompt": {"intValue": "120"},
        "llm.token_count.completion": {"intValue": str(10 + call)},
        "output.value": {"stringValue": f"draft {call}"},
        "evaluation.quality.score": {"doubleValue": session + 0.5 * call},
    }
    return {
        "traceId": f"{session:032x}",
        "spanId": f"{100 * session + call:016x}",
        "name": "ChatCompletion",
        "startTimeUnixNano": str(begun),
        "endTimeUnixNano": str(begun + 500_000_000),
        "attributes": [{"key": key, "value": value} for key, value in told.items()],
    }


def test_spans_of_openinference(tmp_path: Path) -> None:
    spans = [openinference(session, call) for session in range(3) for call in range(4)]
    path = tmp_path / "spans.json"
    path.write_text(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}))
    found = imported(path)
    assert (found["format"], found["n_sessions"], found["n_steps"]) == ("otel", 3, 12)
    panel = ls.read(path)
    assert panel.names == ("quality",)
    assert panel.x[:, 0].tolist() == [s + 0.5 * k for s in range(3) for k in range(4)]
    assert panel.session_names == tuple(f"conversation {s}" for s in range(3))
    session = read_session(path, "conversation 1", describe(path))
    assert [step.texts["artifact"] for step in session.steps] == [f"draft {k}" for k in range(4)]


def langfuse(call: int, **more: Any) -> dict[str, Any]:
    """Return an observation as Langfuse documents it."""
    return {
        "id": f"o{call}",
        "traceId": f"t{call // 4}",
        "sessionId": f"s{call // 4}",
        "type": "GENERATION",
        "name": "draft",
        "startTime": f"2026-01-01T00:{call:02}:00.000Z",
        "model": "a-model",
        "output": f"draft {call}",
        **more,
    }


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "parquet"])
def test_exports_of_langfuse(tmp_path: Path, form: str) -> None:
    rows = [langfuse(k, quality=0.5 * (k % 4) + k // 4) for k in range(12)]
    path = tmp_path / f"export.{form}"
    if form in ("json", "jsonl"):
        listed = [langfuse(k, scores=[{"name": "quality", "value": row["quality"]}]) for k, row in enumerate(rows)]
        path.write_text(json.dumps(listed) if form == "json" else "\n".join(map(json.dumps, listed)))
    elif form == "csv":
        pl.DataFrame(rows).write_csv(path)
    else:
        pl.DataFrame(rows).write_parquet(path)
    found = imported(path, "--format", "langfuse")
    assert (found["n_sessions"], found["n_steps"], found["objectives"]) == (3, 12, ["quality"])
    assert any("not tested on a real export" in note for note in found["notes"])
    if form != "parquet":  # a Parquet file is a table unless it is said to be an export
        assert imported(path)["format"] == "langfuse"
    panel = ls.read(path, format="langfuse")
    assert panel.x[:, 0].tolist() == [0.5 * (k % 4) + k // 4 for k in range(12)]
