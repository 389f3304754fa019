"""JSON keys of the verdicts on published statements, a sentence each."""

from __future__ import annotations

TERMS: dict[str, str] = {
    # --- published statements
    "claims": "Verdicts on the published statements about loops of moves.",
    "key": "Short name of a statement.",
    "meaning": "What a figure measures; of a statement, from when on it is said to hold.",
    "answer": "What the simulation says about a statement, with the figures.",
    "right": "What a statement gets right.",
    "effect": "The figure of a statement, as its median over the ranges of the controls.",
    "effect_meaning": "What the figure of a statement is.",
    "figures": "Figures behind a verdict on a statement.",
    "share": "Share of the points over the ranges of the controls at which a statement holds.",
    "undecided": "Share of the points at which nothing can be said about a statement.",
    "cases": "The figure of a statement at named settings.",
    "holds": "Whether a statement holds there; null where that cannot be told.",
    "by_control": "Share of the points at which a statement holds, by ranges of each control.",
    "map": "Share of the points at which a statement holds, over the two controls that matter most.",
    "across": "Control along a map.",
    "down": "Control down a map.",
    "edges": "Ends of the ranges of a control.",
    "shares": "Shares of the points at which a statement holds, range by range.",
    "counts": "Points in each range.",
}
