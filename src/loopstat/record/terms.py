"""Words and JSON keys of the log, a sentence each."""

from __future__ import annotations

TERMS: dict[str, str] = {
    "run directory": "A directory in which loops record themselves; read like any table.",
    "recorded_sessions": "One entry for every recorded session, in the order in which they began.",
    "directory": "Run directory, as it was named.",
    "started": "When a recorded session began, in UTC.",
    "last_at": "When the last step of a session was recorded, in UTC; null before any.",
    "recorded_at": "When a step was recorded, in UTC.",
    "note": "What was said when a session ended, such as the error it failed with.",
    "labels": "Columns of a recorded session or step that are no scores, by name.",
    "sizes": "Sizes in bytes of the texts of a recorded step, by column.",
    "artifacts": "Whole texts of the step that was asked for, one entry for each candidate.",
    "parent_step": "Step of the version that a recorded version was made from; null where it was made from nothing.",
    "parent_candidate": "Candidate of the version that a recorded version was made from.",
    "sound": "Whether every page, link, row and text of a store is as it was written.",
    "stores": "One entry for every run directory that was checked.",
    "n_texts": "Number of different texts that are kept.",
    "problems": "What is not as it was written, a sentence each.",
    "accepted": "Whether the loop took a version over; null where nobody said.",
}
