"""Traces of MLflow (form 3) as JSON: one, a list, or one a line; scores are the feedback given to them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of
from .reading import json_values

FORMAT = Format(
    "mlflow",
    "MLflow traces (Trace.to_json()): one, a list, or one a line",
    {
        "traces": "a trace of a session, by time, with the feedback given to it",
        "calls": "a call of a model in a trace; the feedback to the trace is the score of its last call",
    },
)
NEWEST = 3
CALLS = ("CHAT_MODEL", "LLM")
DROPPED = ("inputs", "expectations", "tags", "rationales")
SESSION = ("mlflow.trace.session", "mlflow.trace.user")
WORDS = {"yes": 1.0, "no": 0.0}  # what the tool's own judges say


def matches(look: Look) -> float:
    """Return how sure it is that these are MLflow's traces."""
    timed = "info.request_time" in look.keys or "data" in look.keys
    return 0.9 if look.has("info", "info.trace_id") and timed else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read traces."""
    del progress
    reading = reading_of(FORMAT, asked)
    traces = [t for t in json_values(path) if isinstance(t, Mapping) and "info" in t]
    traces.sort(key=lambda t: str(t["info"].get("request_time") or ""))
    steps, at = Steps(), dict[str, int]()
    versions = set()
    for trace in traces:
        info, spans = trace["info"], (trace.get("data") or {}).get("spans") or ()
        about = info.get("trace_metadata") or {}
        versions.add(str(about.get("mlflow.trace_schema.version") or ""))
        named = next((str(about[k]) for k in SESSION if about.get(k)), None)
        scores = dict(_feedback(info.get("assessments") or ()))
        rows: list[tuple[dict[str, Any], dict[str, float | None]]]
        if reading == "calls":
            rows = [(_call(span), {}) for span in spans if _attribute(span, "mlflow.spanType") in CALLS]
            rows[-1:] = [(rows[-1][0], scores)] if rows else []
            key = str(info["trace_id"])
        else:
            rows = [(_whole(info, about, spans), scores)]
            key = named or str((info.get("tags") or {}).get("mlflow.traceName") or "traces")
        for cells, found in rows:
            steps.add({"session": key, "step": at.get(key, 0), **cells}, found)
            at[key] = at.get(key, 0) + 1
    version = max(versions, default="")
    notes = [f"MLflow: {len(traces):,} traces of form {version or 'unknown'}."]
    if number(version) is not None and float(version) > NEWEST:
        notes.append(f"the form {version} of these traces is newer than {NEWEST}, the newest known.")
    step, report = FORMAT.readings[reading], steps.report(dropped=DROPPED)
    return made(FORMAT, steps, path=path, version=version, step=step, selection=report, notes=notes)


def _feedback(assessments: Any) -> Iterator[tuple[str, float | None]]:
    """Yield the feedback of a trace by its name, the last one that counts."""
    for found in assessments:
        feedback = found.get("feedback")
        if isinstance(feedback, Mapping) and found.get("valid", True):
            value = feedback.get("value")
            word = WORDS.get(value.lower()) if isinstance(value, str) else None
            yield str(found.get("assessment_name") or "feedback"), number(value) if word is None else word


def _whole(info: Mapping[str, Any], about: Mapping[str, Any], spans: Any) -> dict[str, Any]:
    used = _decoded(about.get("mlflow.trace.tokenUsage"))
    used = used if isinstance(used, Mapping) else {}
    first = spans[0] if spans else {}
    output = about.get("mlflow.traceOutputs") or info.get("response_preview")
    failed = str(info.get("state")) == "ERROR"
    return {
        "state": "error" if failed else str(first.get("name") or "trace"),
        "artifact": _decoded(output) if isinstance(_decoded(output), str) else output,
        "tokens_in": number(used.get("input_tokens")),
        "tokens_out": number(used.get("output_tokens")),
        "time": _seconds(info.get("execution_duration_ms"), 1e-3),
        "ended": "failure" if failed else "unknown",
    }


def _call(span: Mapping[str, Any]) -> dict[str, Any]:
    used = _attribute(span, "mlflow.chat.tokenUsage")
    used = used if isinstance(used, Mapping) else {}
    output = _attribute(span, "mlflow.spanOutputs")
    start, end = number(span.get("start_time_unix_nano")), number(span.get("end_time_unix_nano"))
    return {
        "state": str(span.get("name") or "call"),
        "artifact": output if isinstance(output, str) else None,
        "tokens_in": number(used.get("input_tokens")),
        "tokens_out": number(used.get("output_tokens")),
        "time": None if start is None or end is None else (end - start) * 1e-9,
        "ended": "unknown",
    }


def _attribute(span: Mapping[str, Any], name: str) -> Any:
    return _decoded((span.get("attributes") or {}).get(name))


def _decoded(text: Any) -> Any:
    """Return what a text of JSON stands for; other texts as they are."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _seconds(value: Any, unit: float) -> float | None:
    found = number(value)
    return None if found is None else found * unit
