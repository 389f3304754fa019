"""Words and JSON keys of imported logs, a sentence each."""

from __future__ import annotations

TERMS: dict[str, str] = {
    "format": "The tool whose log was read, by its --format name, or `table`; of a run directory, the number of its "
    "store's form.",
    "format_version": "The version of its form that a log says it is of.",
    "selection": "What a log kept of what was tried: attempts, those missing, how sessions ended, fields left out.",
    "attempts": "Attempts seen in a log: its steps, and those of which no more than a trace is left.",
    "missing": "Attempts known to have been made whose scores are not in the log; null where nothing says.",
    "kept_only": "True where rejected or failed proposals were dropped before the log was written.",
    "ended": "How many sessions ended by themselves (target), by a limit (budget), by an error (failure), or unknown.",
    "dropped": "Fields of a log that have no place in the table.",
}
