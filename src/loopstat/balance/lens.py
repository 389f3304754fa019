"""The balance lens as a command: its settings and where its parts are; light, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..lenses import Command, Controls, Desk, Lens, Progress
from ..parameters import FORMAT, FROM_STEP, SEED, WHERE, choice, given, switch, words
from .rows import FIT

if TYPE_CHECKING:
    from .analysis import BalanceAnalysis

BALANCE = (
    words(
        "state",
        "What a state is: a column, exact or normalised texts, or scores in K bins or clusters.",
        default="state",
        metavar="COL|text:COL|normal:COL|bins:K|kmeans:K",
        of="column",
    ),
    words("by", "One chain per value; `none` pools. Default: model, strategy.", "list", metavar="COL,COL", of="column"),
    words(
        "visits",
        "How often each state was tried, where the table leaves out answers that stayed or failed.",
        default="observed",
        metavar="observed|equal|N",
    ),
    *FIT,
    choice(
        "features",
        None,
        "Also fit the potential as a function of the states' texts, or of their mean --objectives.",
        ("text", "objectives"),
    ),
    switch("symbolic", "Search a formula of the --features for the potential."),
    WHERE,
    FROM_STEP,
    words("columns", "Your names for our columns.", "list", metavar="state=COL,next_state=COL", of="column"),
    FORMAT,
    words("objectives", "Scores for bins, kmeans and --features.", "list", metavar="A,B", of="number"),
    SEED,
)

DESK = Desk(
    "Balance",
    controls=(
        Controls("Columns", ("state", "by", "objectives", "visits", "columns", "where", "from_step", "format")),
        Controls("Potential", ("kernel", "beta", "features", "symbolic")),
        Controls("Estimate", ("lag", "test", "bootstrap", "size_draws", "cluster", "level", "seed"), open=False),
    ),
)

LENS = Lens(
    "balance",
    "states instead of scores: does it go in circles?",
    (
        Command(
            "balance",
            "Say whether recorded states are in detailed balance, where the loop rests, and what it circles through."
            "\n\nFILE holds sessions (session, step, state), counted moves (state, next_state, count), or one of two "
            "JSON forms: records with `target_expression` and `source_expressions`, or a word with the list of its "
            "successors; or it is the log of another tool, whose states are tools or commands.",
            BALANCE,
            run="loopstat.balance.lens:run",
            view="loopstat.balance.view:document",
            reads="states",
            desk=DESK,
        ),
    ),
    terms="loopstat.balance.terms:TERMS",
)


def run(recording: Any, options: Mapping[str, Any], *, progress: Progress | None = None) -> BalanceAnalysis:
    """Test every group of a recording as it was asked for.

    Parameters
    ----------
    recording : Recording
        Its `parts`, `visits`, `by`, `source` and `notes`.
    options : mapping
        Values of `BALANCE` by name, and `command`, the command line.
    progress : callable, optional
    """
    from .analysis import analyze_balance
    from .settings import ReversibleChain

    kept = ("state", "where", "from_step", "columns", "objectives", "command")
    return analyze_balance(
        recording.parts,
        estimator=replace(ReversibleChain(**given(options, FIT)), visits=recording.visits),
        features=options.get("features"),
        symbolic=bool(options.get("symbolic")),
        seed=int(options.get("seed") or 0),
        source=recording.source,
        settings={"by": recording.by, **{name: options.get(name) for name in kept}},
        notes=recording.notes,
        progress=progress,
    )
