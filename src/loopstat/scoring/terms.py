"""Words and JSON keys of scoring, a sentence each."""

from __future__ import annotations

TERMS: dict[str, str] = {
    "security": "Score of what a program's text shows to be unsafe, 10 where no rule sees anything; never a proof.",
    "functionality": "Score of a program's structure: functions, returns, documentation, handled errors, length; tests "
    "that pass say more.",
    "readability": "Score of two formulas of words and sentences, half at grade 12; text suite.",
    "variety": "Share of different words within 50 words, times 10; text suite.",
    "likeness_first": "How alike a text is to the first version of its session, 10 where nothing changed.",
    "likeness_previous": "How alike a text is to the version before it, 10 where nothing changed.",
    "repetition": "Share of four words in a row that have stood in the text before, times 10; smaller is better.",
    "scorer_hash": "Which rules and versions of tools made a row's scores; rows of different ones are not pooled.",
    "hash": "Stands for everything that decides a score: rules, weights, settings, versions; equal hash, equal scores.",
    "texts": "The texts that were scored, in the order of files and rows.",
    "candidate": "Which of several versions of one step it is.",
    "row": "Number of a row of the table, from 1.",
    "repeat": "Number of a repeated scoring of the same version.",
    "findings": "What rules saw in a text, by line, the heaviest hundred.",
    "line": "Line of a finding, from 1; 0 where it concerns the whole text.",
    "weight": "What a finding counts for, in the units of its scorer's table of weights.",
    "counts": "The raw counts that the scores of a text are made of.",
    "spread": "How each score spreads over the texts.",
    "average": "Mean over the texts scored.",
    "deviation": "Standard deviation over the texts scored.",
    "lowest": "Smallest score met.",
    "highest": "Largest score met.",
    "mode": "Score met most often, to two decimals.",
    "mode_share": "Share of the texts at the score met most often: near 1 a score says nothing.",
    "unscored": "Texts that do not parse or cannot be read; they have the low baseline of 0.",
}
