"""The record as commands, `loopstat log ...`: their settings and where their parts are; light."""

from __future__ import annotations

from ..lenses import Command, Lens, Save
from ..parameters import whole, words

HELP = """Look at what loops recorded of themselves: `loopstat.Session` writes it.

\b
loopstat log list runs/                          which sessions, how long, how they ended
loopstat log show runs/ --session NAME --step 3  one session, step by step; the texts of a step
loopstat log verify runs/                        is everything as it was written?
loopstat log export runs/ -o steps.parquet       the table, for other tools
"""
SESSION = words("session", "Name of the session. Default: the last that began.", metavar="NAME")
ONE_SESSION = words("session", "Only the session of this name.", metavar="NAME")
STEP = whole("step", "", None, "Only this step, with its texts.", 0)
READS = "loopstat.record.commands:paths"
LENS = Lens(
    "record",
    "what loops recorded of themselves",
    (
        Command(
            "log list",
            "List the sessions of run directories: when they began, how many steps, how they ended.\n\n"
            "FILE is a directory that `loopstat.Session` writes to, also while it does.",
            (),
            run="loopstat.record.commands:listed",
            view="loopstat.record.view:listing",
            reads=READS,
            pages=False,
        ),
        Command(
            "log show",
            "Show one session step by step: scores, what came from what, what was accepted, what it cost.\n\n"
            "FILE is a directory that `loopstat.Session` writes to, also while it does.",
            (SESSION, STEP),
            run="loopstat.record.commands:shown",
            view="loopstat.record.view:session",
            reads=READS,
            pages=False,
        ),
        Command(
            "log verify",
            "Check that every page, link, row and text is as it was written; exit 2 where one is not.\n\n"
            "FILE is a directory that `loopstat.Session` writes to.",
            (),
            run="loopstat.record.commands:verified",
            view="loopstat.record.view:verified",
            reads=READS,
            pages=False,
            exits="loopstat.record.commands:exit_of",
        ),
        Command(
            "log export",
            "Write the record as a table with a row for every proposal, texts and all.\n\n"
            "FILE is a directory that `loopstat.Session` writes to, also while it does.",
            (ONE_SESSION,),
            run="loopstat.record.commands:exported",
            view="loopstat.record.view:exported",
            reads="loopstat.io.exported:stored",
            saves=(
                Save(
                    "output",
                    "Write the steps as a table: .parquet, .csv, .tsv, .jsonl or .json.",
                    "loopstat.io.exported:table",
                    short="o",
                    title="Table of steps",
                    file="steps.csv",
                ),
            ),
            pages=False,
        ),
    ),
    terms="loopstat.record.terms:TERMS",
    help=HELP,
)
