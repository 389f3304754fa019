"""The command line: reads options, calls one function, prints. No logic lives here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..errors import LoopstatError, OutputError
from .cli_moves import moves
from .terminal import (
    color,
    command_line,
    deliver,
    drop_output,
    each_done,
    echo,
    end_progress,
    forgive_letters,
    progress_line,
    rendered,
)

INTERRUPTED = 130


class _Group(click.Group):
    """Prints errors as sentences: loopstat's own exit 2, the system's 1, an interrupt 130; nothing else is caught."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LoopstatError as error:
            from ..results.words import clean_sentence

            head = click.style("error", fg="red", bold=True)
            end_progress()
            click.echo(f"{head}: {clean_sentence(error.on_command_line())}", err=True, color=color())
            refused = isinstance(error, OutputError)
            if refused:
                drop_output()
            ctx.exit(1 if refused else 2)
        except KeyboardInterrupt:
            end_progress()
            click.echo("interrupted.", err=True)
            ctx.exit(INTERRUPTED)
        except OSError as error:
            ctx.exit(_system_said(error))

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; what the system refuses outside a command (printing help, say) ends as it does inside one."""
        forgive_letters()
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            sys.exit(_system_said(error))


def _system_said(error: OSError) -> int:
    """Return the exit code after an error of the system; a reader that went away, as `head` does, is none."""
    drop_output()
    if isinstance(error, BrokenPipeError):
        return 0
    click.echo(f"error: {error.strerror or error}.", err=True)
    return 1


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="loopstat")
def main() -> None:
    """Measure loops in which a language model changes something step after step.

    \b
    loopstat demo                     see it work on bundled recordings, offline
    loopstat analyze runs.parquet     your own table, one row per step of a session
    loopstat balance runs.parquet     does it go in circles? states instead of scores
    loopstat moves simulate           candidates, reviewers, tests: how far would that loop get?
    loopstat template                 what such a table looks like
    """


def _split(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> list[str]:
    return [part.strip() for item in value for part in item.split(",") if part.strip()]


def _options(function: Any) -> Any:
    """Options that say how to read and analyse; shared by every command that does."""
    listed: dict[str, Any] = {"multiple": True, "callback": _split}
    for option in reversed(
        [
            click.option(
                "--objectives", metavar="A,B", **listed, help="Columns to analyse. Default: the numeric ones."
            ),
            click.option(
                "--by", metavar="COL,COL", **listed, help="One group per value; `none` pools. Default: strategy."
            ),
            click.option("--minimize", metavar="A,B", **listed, help="Objectives where smaller is better."),
            click.option(
                "--bounds", metavar="A=LOW:HIGH", multiple=True, help="Limits scores cannot leave; LOW:HIGH for all."
            ),
            click.option(
                "--where", metavar="COL=VALUE", multiple=True, help="Only this part; COL!=VALUE leaves it out."
            ),
            click.option("--from-step", type=int, metavar="N", help="Leave out the steps before N."),
            click.option("--transform", metavar="A=log", **listed, help="log, log1p, logit or sqrt of an objective."),
            click.option("--columns", metavar="session=COL,step=COL", **listed, help="Your names for our columns."),
            click.option("--reference", metavar="LABEL", help="Compare every group with this one."),
            click.option("--cluster", metavar="COL", help="What shares a start. Default: task, else session."),
            click.option(
                "--estimator",
                type=click.Choice(["auto", "pooled", "within", "instrument", "eiv", "latent"]),
                default="auto",
                show_default=True,
                help="How drift is fitted; `auto` says what it saw and why it chose.",
            ),
            click.option(
                "--scorer-noise",
                metavar="FILE.json",
                help="Covariance of the scorer's noise: objectives, covariance. A `repeat` column measures it.",
            ),
            click.option(
                "--stops-at-bounds",
                is_flag=True,
                help="The loop itself stops at --bounds (not: is read through a clip); fits a censored likelihood.",
            ),
            click.option("--thorough", is_flag=True, help="Slow extras of the latent fit: seconds to minutes a group."),
            click.option("--bootstrap", type=click.IntRange(0), default=1000, show_default=True, help="Replicates."),
            click.option("--level", type=float, default=0.95, show_default=True, help="Coverage of intervals."),
            click.option(
                "--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same figures."
            ),
            click.option(
                "--json", "json_path", metavar="PATH|-", help="Write the result as JSON; - for standard output."
            ),
            click.option("--html", "html_path", metavar="PATH", help="Write a page with pictures and tables."),
            click.option("--verbose", is_flag=True, help="All figures, checks and how they were computed."),
        ]
    ):
        function = option(function)
    return function


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_options
def analyze(
    files: tuple[str, ...], json_path: str | None, html_path: str | None, verbose: bool, **options: Any
) -> None:
    """Say where recorded loops go, how fast, what trades off, and whether to go on.

    FILE is CSV, TSV, JSONL or Parquet with a session and a step column; several files or a glob are read as one table
    with a `file` label (compare them with --by file).
    """
    from ..io.write import check_targets
    from .commands import json_text, page_text, run_analysis

    noise = options["scorer_noise"]
    check_targets({"--json": json_path, "--html": html_path}, [*files, *([noise] if noise else [])])
    result = run_analysis(list(files), options, command=command_line("analyze"), progress=progress_line())
    deliver(result, [(json_path, json_text), (html_path, page_text)], depth="long" if verbose else "short")


def _balance_options(function: Any) -> Any:
    """Options that say how to read recorded states and how to test them."""
    listed: dict[str, Any] = {"multiple": True, "callback": _split}
    shown: dict[str, Any] = {"show_default": True}
    for option in reversed(
        [
            click.option(
                "--state",
                default="state",
                metavar="COL|text:COL|normal:COL|bins:K|kmeans:K",
                help="What a state is: a column, exact or normalised texts, or scores in K bins or clusters.",
                **shown,
            ),
            click.option(
                "--by", metavar="COL,COL", **listed, help="One chain per value; `none` pools. Default: model, strategy."
            ),
            click.option("--lag", type=click.IntRange(1), default=1, help="Steps between two states.", **shown),
            click.option(
                "--visits",
                default="observed",
                metavar="observed|equal|N",
                help="How often each state was tried, where the table leaves out answers that stayed or failed.",
                **shown,
            ),
            click.option(
                "--kernel",
                type=click.Choice(["likelihood", "exp", "softplus"]),
                default="likelihood",
                help="What the potential is fitted by; the last two are least actions, for comparison.",
                **shown,
            ),
            click.option("--beta", type=float, default=1.0, help="Potentials are in units of 1/beta nats.", **shown),
            click.option(
                "--test",
                type=click.Choice(["auto", "exact", "chi-square", "bootstrap"]),
                default="auto",
                help="How balance is tested; `auto` is exact where counts are whole numbers.",
                **shown,
            ),
            click.option("--bootstrap", type=click.IntRange(19), default=999, help="Draws of the test.", **shown),
            click.option(
                "--size-draws",
                type=click.IntRange(0),
                default=0,
                help="Simulate N balanced recordings to learn how often the test would reject them.",
                **shown,
            ),
            click.option(
                "--features",
                type=click.Choice(["text", "objectives"]),
                help="Also fit the potential as a function of the states' texts, or of their mean --objectives.",
            ),
            click.option("--symbolic", is_flag=True, help="Search a formula of the --features for the potential."),
            click.option(
                "--where", metavar="COL=VALUE", multiple=True, help="Only this part; COL!=VALUE leaves it out."
            ),
            click.option("--from-step", type=int, metavar="N", help="Leave out the steps before N."),
            click.option("--columns", metavar="state=COL,next_state=COL", **listed, help="Your names for our columns."),
            click.option("--objectives", metavar="A,B", **listed, help="Scores for bins, kmeans and --features."),
            click.option("--cluster", metavar="COL", help="What shares a start. Default: task, else session."),
            click.option("--level", type=float, default=0.95, help="Coverage of intervals.", **shown),
            click.option("--seed", type=click.IntRange(0), default=0, help="Same seed, same figures.", **shown),
            click.option(
                "--json", "json_path", metavar="PATH|-", help="Write the result as JSON; - for standard output."
            ),
            click.option("--html", "html_path", metavar="PATH", help="Write a page with pictures and tables."),
            click.option("--verbose", is_flag=True, help="All figures, checks and how they were computed."),
        ]
    ):
        function = option(function)
    return function


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@_balance_options
def balance(
    files: tuple[str, ...], json_path: str | None, html_path: str | None, verbose: bool, **options: Any
) -> None:
    """Say whether recorded states are in detailed balance, where the loop rests, and what it circles through.

    FILE holds sessions (session, step, state), counted moves (state, next_state, count), or one of two JSON forms:
    records with `target_expression` and `source_expressions`, or a word with the list of its successors.
    """
    from ..io.write import check_targets
    from .commands import json_text, page_text, run_balance

    check_targets({"--json": json_path, "--html": html_path}, files)
    result = run_balance(list(files), options, command=command_line("balance"), progress=progress_line())
    deliver(result, [(json_path, json_text), (html_path, page_text)], depth="long" if verbose else "short")


@main.command()
@click.option("--output", "folder", default="loopstat-demo", show_default=True, help="Folder for the report.")
def demo(folder: str) -> None:
    """Analyse the bundled recordings of real loops, offline; the last line is the report's path."""
    from ..io.write import write_file
    from .commands import page_text, run_demo

    results, report = run_demo(Path(folder), progress=progress_line())
    shown = "".join(f"{rendered(result)}\n\n" for result in results)
    each_done(
        [
            lambda: echo(shown, nl=False, color=color()),
            lambda: write_file(report, page_text(results)),
            lambda: echo(str(report)),
        ]
    )


@main.command()
@click.option(
    "--kind",
    type=click.Choice(["sessions", "lineage", "transitions", "pool"]),
    default="sessions",
    show_default=True,
    help="What the table records.",
)
def template(kind: str) -> None:
    """Print a small valid table to start from."""
    from ..io import template as make

    click.echo(make(kind), nl=False)


@main.command()
@click.argument("term", required=False)
def explain(term: str | None) -> None:
    """Say in one plain sentence what a term or JSON key means; without TERM, list them all."""
    from .glossary import explain as look_up

    click.echo(look_up(term))


main.add_command(moves)
