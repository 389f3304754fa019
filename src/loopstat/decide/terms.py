"""What the words and JSON keys of decisions mean."""

from __future__ import annotations

TERMS: dict[str, str] = {
    "decision": "When to stop: the step after which the value held, less what the steps cost, is best.",
    "stop": "An action: after this step, what later steps add is worth less than they cost.",
    "go_on": "An action: the best step lies beyond the record; its number is extrapolated.",
    "cannot_tell": "An action: the record leaves the best step open; the step given is the best guess, with its loss.",
    "value held": "What a session would hand over if it were stopped after a step, on average over sessions.",
    "net": "Value held less what the steps have cost by then.",
    "price": "What one step costs, in units of the value; a step pays as long as it adds more.",
    "price map": "What a step is worth, stretch by stretch: at a price between two of these, stop where they meet.",
    "price_map": "What a step is worth, stretch by stretch, `from` one step `to` another, with its interval.",
    "worth": "What one step adds to the value held, on average over a stretch of steps.",
    "loss": "What is expected to be lost by stopping after the step, against the best step in hindsight.",
    "loss_high": "Upper limit of that loss, for all other steps at once, at the level of `loss_level`.",
    "recorded": "The last step that the record can judge.",
    "extrapolated": "Whether a step lies beyond the record.",
    "sessions_needed": "About how many sessions would settle it.",
    "running": "Share of sessions still running on arrival at a step.",
    "keep": "Which version is handed over: the last, the best so far, the accepted one, or success.",
    "task": "What sessions start from; sessions that share one are resampled together.",
}
