"""Spans of OpenTelemetry with GenAI or OpenInference attributes: OTLP JSON, the console exporter's, lists of spans."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ...errors import InputError
from .log import Asked, Format, Imported, Look, Progress, Steps, made, number, reading_of
from .reading import json_values

FORMAT = Format(
    "otel",
    "OpenTelemetry GenAI spans: OTLP JSON (one or one a line), the console exporter's, lists; OpenInference too",
    {
        "conversations": "a call of a model in a conversation, or in a trace where none is named; by time",
        "traces": "a call of a model in a trace; by time",
    },
)
CALLS = ("chat", "text_completion", "generate_content", "completion", "call_llm", "responses")
TOOLS, AGENTS = ("execute_tool",), ("invoke_agent", "create_agent")
DROPPED = ("messages", "other attributes", "links", "resources")
NANO = 1e-9
CONVERSATION = ("gen_ai.conversation.id", "session.id", "langfuse.session.id")
MODEL = ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name")
TOKENS_IN = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt")
TOKENS_OUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion")
OUTPUT = ("gen_ai.output.messages", "gen_ai.output", "gen_ai.completion", "output.value")


@dataclass(frozen=True)
class Span:
    """A span, whatever wrote it."""

    trace: str
    id: str
    parent: str
    name: str
    start: float
    end: float
    failed: bool
    attributes: Mapping[str, Any]
    events: Sequence[tuple[float, str, Mapping[str, Any]]] = field(default=())

    def first(self, names: Sequence[str]) -> Any:
        """Return the first of some attributes that is there."""
        return next((self.attributes[n] for n in names if self.attributes.get(n) not in (None, "")), None)

    @property
    def kind(self) -> str:
        """`call` of a model, `tool`, `agent`, or nothing."""
        operation = str(self.attributes.get("gen_ai.operation.name") or "")
        other = str(self.attributes.get("openinference.span.kind") or "")
        if operation in CALLS or other == "LLM" or (not operation and not other and self.first(TOKENS_OUT) is not None):
            return "call"
        return "tool" if operation in TOOLS or other == "TOOL" else "agent" if operation in AGENTS else ""


def matches(look: Look) -> float:
    """Return how sure it is that these are spans."""
    if "resourceSpans" in look.keys or look.has("context.trace_id", "start_time"):
        return 0.9
    listed = look.has("spans", "spans[].attributes") and "spans[].start_time" in look.keys
    return 0.9 if listed or look.has("traceId", "spanId", "startTimeUnixNano") else 0.0


def read(path: Path, asked: Asked, progress: Progress | None = None) -> Imported:
    """Read spans."""
    del progress
    reading = reading_of(FORMAT, asked)
    spans = sorted((_span(raw) for raw in _raw(json_values(path))), key=lambda s: (s.start, s.end))
    groups: dict[str, list[Span]] = {}
    named = {s.trace: str(s.first(CONVERSATION)) for s in spans if s.first(CONVERSATION) is not None}
    for span in spans:
        own = span.first(CONVERSATION)
        key = span.trace if reading == "traces" else str(own) if own is not None else named.get(span.trace, span.trace)
        groups.setdefault(key, []).append(span)
    steps = Steps()
    for key, group in groups.items():
        for t, (cells, scores) in enumerate(_rows(group)):
            steps.add({"session": key, "step": t, **cells}, scores)
    if not steps.n:
        what = f"none of its {len(spans):,} spans is a call of a model."
        hint = "one has gen_ai.operation.name, or openinference.span.kind LLM."
        raise InputError(what, file=str(path), hint=hint)
    notes = [f"OpenTelemetry: {len(spans):,} spans, {steps.n:,} of them calls of a model; the next tool is the state."]
    report = steps.report(dropped=DROPPED)
    return made(FORMAT, steps, path=path, version="", step=FORMAT.readings[reading], selection=report, notes=notes)


# ---------------------------------------------------------------------------------------------- spans


def _raw(values: Iterator[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the spans of whatever holds them."""
    for value in values:
        if not isinstance(value, Mapping):
            continue
        if "resourceSpans" in value:
            for resource in value["resourceSpans"]:
                for scope in resource.get("scopeSpans") or resource.get("instrumentationLibrarySpans") or ():
                    yield from scope.get("spans") or ()
        elif isinstance(value.get("spans"), list):
            yield from value["spans"]
        elif "attributes" in value:
            yield value


def _span(raw: Mapping[str, Any]) -> Span:
    context = raw.get("context") or {}
    above = raw.get("parent") or {}
    parent = (
        raw.get("parentSpanId") or raw.get("parent_id") or (above.get("span_id") if isinstance(above, Mapping) else "")
    )
    status = raw.get("status") or {}
    events = [
        (_time(e.get("timeUnixNano") or e.get("timestamp")), str(e.get("name") or ""), _attributes(e.get("attributes")))
        for e in raw.get("events") or ()
    ]
    return Span(
        str(raw.get("traceId") or context.get("trace_id") or ""),
        str(raw.get("spanId") or context.get("span_id") or ""),
        str(parent or ""),
        str(raw.get("name") or ""),
        _time(raw.get("startTimeUnixNano") or raw.get("start_time")),
        _time(raw.get("endTimeUnixNano") or raw.get("end_time")),
        str(status.get("code") or status.get("status_code") or "").upper() in ("2", "ERROR", "STATUS_CODE_ERROR"),
        _attributes(raw.get("attributes")),
        events,
    )


def _time(value: Any) -> float:
    """Return a moment in seconds, from nanoseconds or a date."""
    nano = number(value)
    if nano is not None:
        return nano * NANO
    if isinstance(value, str):
        from datetime import datetime

        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return 0.0
    return 0.0


def _attributes(found: Any) -> dict[str, Any]:
    """Return attributes as they are, from a mapping or from OTLP's list of typed values."""
    if isinstance(found, Mapping):
        return dict(found)
    return {str(a["key"]): _value(a.get("value") or {}) for a in found or ()}


def _value(typed: Mapping[str, Any]) -> Any:
    kind, value = cast(tuple[str, Any], next(iter(typed.items()), ("", None)))
    if kind == "intValue":
        return int(value)
    if kind == "arrayValue":
        return [_value(v) for v in value.get("values") or ()]
    if kind == "kvlistValue":
        return _attributes(value.get("values"))
    return value


# ---------------------------------------------------------------------------------------------- rows


def _rows(group: Sequence[Span]) -> list[tuple[dict[str, Any], dict[str, float | None]]]:
    """Return the calls of a session, each with its scores: those it carries, and those given before the next."""
    calls = [s for s in group if s.kind == "call"]
    starts = [s.start for s in calls]
    agent = next((s for s in group if s.kind == "agent"), None)
    ended = "failure" if any(s.failed for s in group if not s.parent) else "unknown" if agent is None else "target"
    scores: list[dict[str, float | None]] = [{} for _ in calls]
    tools: list[str | None] = [None for _ in calls]
    place = {id(call): k for k, call in enumerate(calls)}
    for span in group:
        own = place.get(id(span))
        for moment, name, attributes in ((span.end, "", span.attributes), *span.events):
            for scored, value in _evaluations(name, attributes):
                at = own if own is not None else bisect_right(starts, moment) - 1
                if calls:
                    scores[max(at, 0)][scored] = value
        if span.kind == "tool" and calls:
            at = max(bisect_right(starts, span.start) - 1, 0)
            tools[at] = tools[at] or str(span.first(("gen_ai.tool.name", "tool.name")) or span.name)
    strategy = None if agent is None else agent.first(("gen_ai.agent.name",)) or agent.name
    rows = []
    for call, tool, found in zip(calls, tools, scores, strict=True):
        costs = [number(call.attributes.get(f"gen_ai.usage.{k}_cost")) for k in ("input", "output")]
        output = call.first(OUTPUT)
        cells = {
            "state": "error" if call.failed else tool or "answer",
            "strategy": strategy,
            "model": call.first(MODEL),
            "tokens_in": number(call.first(TOKENS_IN)),
            "tokens_out": number(call.first(TOKENS_OUT)),
            "cost": None if costs == [None, None] else sum(c or 0.0 for c in costs),
            "time": max(call.end - call.start, 0.0) or None,
            "artifact": output if isinstance(output, str) else None,
            "ended": ended,
        }
        rows.append((cells, found))
    return rows


def _evaluations(name: str, attributes: Mapping[str, Any]) -> Iterator[tuple[str, float | None]]:
    """Yield the scores of an event, or of a span that is an evaluation."""
    value = attributes.get("gen_ai.evaluation.score.value")
    if value is not None:
        yield str(attributes.get("gen_ai.evaluation.name") or name or "score"), number(value)
    for key, found in attributes.items():
        if key.startswith("evaluation.") and key.endswith(".score"):
            yield key.removeprefix("evaluation.").removesuffix(".score"), number(found)
        elif key == "evaluation.score":
            yield str(attributes.get("evaluation.name") or "score"), number(found)
