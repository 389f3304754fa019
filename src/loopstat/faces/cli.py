"""The command line, made of the lenses' tables of settings: no command of a lens has a body of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..errors import LoopstatError, OutputError
from ..lenses import LENSES, Command, Lens, lens, where
from ..parameters import Parameter
from .console import (
    color,
    command_line,
    deliver,
    drop_output,
    each_done,
    echo,
    end_progress,
    forgive_letters,
    progress_line,
)

INTERRUPTED = 130
JSON_HELP = "Write the result as JSON; - for standard output."
HTML_HELP = "Write a page with pictures and tables."
VERBOSE_HELP = "All figures, checks and how they were computed."


class _Group(click.Group):
    """Prints errors as sentences: loopstat's own exit 2, the system's 1, an interrupt 130; nothing else is caught."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except LoopstatError as error:
            ctx.exit(_said(error))
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

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List commands as they were added: those of our lenses in their order, our own, those of other packages."""
        del ctx
        add_others()
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; other packages are asked for those we do not have."""
        if cmd_name not in self.commands:
            add_others()
        return super().get_command(ctx, cmd_name)


def _said(error: LoopstatError) -> int:
    """Print an error of ours and return the exit code."""
    from ..results.words import clean_sentence

    end_progress()
    click.echo(
        f"{click.style('error', fg='red', bold=True)}: {clean_sentence(error.on_command_line())}",
        err=True,
        color=color(),
    )
    if not isinstance(error, OutputError):
        return 2
    drop_output()
    return 1


def _system_said(error: OSError) -> int:
    """Return the exit code after an error of the system; a reader that went away, as `head` does, is none."""
    drop_output()
    if isinstance(error, BrokenPipeError):
        return 0
    click.echo(f"error: {error.strerror or error}.", err=True)
    return 1


# ------------------------------------------------------------------- commands out of tables


def _split(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> list[str]:
    return [part.strip() for item in value for part in item.split(",") if part.strip()]


def _read(row: Parameter, _: click.Context, __: click.Parameter, value: str | None) -> Any:
    return None if value is None else row.read(value, row.flag)


def option(row: Parameter) -> Callable[[Any], Any]:
    """Return the option of one row; values are checked by the row, as everywhere."""
    shown: dict[str, Any] = {"help": row.whole_help, "metavar": row.metavar or None}
    if row.kind == "flag":
        return click.option(row.flag, row.name, is_flag=True, help=row.whole_help)
    if row.kind == "switch":
        return click.option(f"{row.flag}/--no-{row.flag[2:]}", row.name, default=row.default, help=row.whole_help)
    if row.kind == "list":
        return click.option(row.flag, row.name, multiple=True, callback=_split, **shown)
    if row.kind == "pairs":
        return click.option(row.flag, row.name, multiple=True, **shown)
    if row.default is not None:
        shown["help"] = f"{row.whole_help}  [default: {row.default}]"
    if row.choices:
        shown["metavar"] = shown["metavar"] or f"[{'|'.join(row.choices)}]"
    return click.option(row.flag, row.name, callback=partial(_read, row), **shown)


def made(command: Command) -> click.Command:
    """Return the click command of a lens's command."""
    options = [option(row) for row in command.settings]
    options.append(click.option("--json", "json_path", metavar="PATH|-", help=JSON_HELP))
    if command.pages:
        options.append(click.option("--html", "html_path", metavar="PATH", help=HTML_HELP))
        options.append(click.option("--verbose", is_flag=True, help=VERBOSE_HELP))
    for save in command.saves:
        spelled = [f"-{save.short}"] if save.short else []
        options.append(click.option(*spelled, f"--{save.name}", f"{save.name}_path", metavar="FILE", help=save.help))
    if command.reads != "nothing":
        options.insert(0, click.argument("files", nargs=-1, required=command.least_files > 0, metavar="FILE..."))

    def body(files: tuple[str, ...] = (), verbose: bool = False, **values: Any) -> None:
        _answer(command, files, values, verbose=verbose)

    for decorate in reversed(options):
        body = decorate(body)
    return click.command(command.name.rpartition(" ")[2], help=command.help)(body)


def _answer(command: Command, files: tuple[str, ...], values: dict[str, Any], *, verbose: bool) -> None:
    """Answer one command: outputs are looked at first, then everything is computed, then written."""
    from ..io.write import check_targets
    from ..lenses import load
    from .run import answer, json_text, page_text, shown

    outputs: dict[str, Callable[[Any], str | bytes]] = {"json": json_text}
    if command.pages:
        outputs["html"] = partial(page_text, command)
    saves = {save.name: save for save in command.saves}
    targets = {name: values.pop(f"{name}_path") for name in (*outputs, *saves)}
    for name, save in saves.items():
        make = load(save.text)
        outputs[name] = partial(make, path=targets[name]) if save.file else make
    read = [values[row.name] for row in command.settings if row.kind == "path" and values.get(row.name)]
    check_targets({f"--{name}": path for name, path in targets.items()}, [*files, *read])
    values["command"] = command_line(command.name)
    result = answer(command, files, values, progress=progress_line())
    show = partial(shown, command, depth="long" if verbose or values.get("group") else command.depth)
    deliver(result, [(targets[name], make) for name, make in outputs.items()], show=show)
    if command.exits and (code := load(command.exits)(result)):
        click.get_current_context().exit(code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="loopstat")
def main() -> None:
    """Measure loops in which a language model changes something step after step.

    \b
    loopstat demo                     see it work on bundled recordings, offline
    loopstat analyze runs.parquet     your own table, one row per step of a session, or a log as it is
    loopstat import run.eval          what a log of another tool holds, and the table of it
    loopstat stats day1/*.parquet     more than memory, or than one machine: sums that `merge` puts together
    loopstat balance runs.parquet     does it go in circles? states instead of scores
    loopstat view runs.parquet        the same and more on a page that answers while you change it
    loopstat moves simulate           candidates, reviewers, tests: how far would that loop get?
    loopstat play loop                loops and chains with known answers, to play with
    loopstat template                 what such a table looks like
    """


def add(group: click.Group, found: Iterable[Lens]) -> None:
    """Add the commands of lenses; those of two words go into a group of the first. No name is taken twice."""
    for item in found:
        for command in item.commands:
            first, _, rest = command.name.partition(" ")
            if rest and first not in group.commands:
                group.add_command(click.Group(first, help=item.help or item.summary))
            inner = group.commands[first] if rest else group
            made_here = made(command)
            if isinstance(inner, click.Group) and made_here.name not in inner.commands:
                inner.add_command(made_here)


def add_others() -> None:
    """Add the commands of lenses of other packages; they are looked for only where ours do not do."""
    add(main, [lens(name) for name in where() if name not in LENSES])


add(main, map(lens, LENSES))


@main.command()
@click.option("--output", "folder", default="loopstat-demo", show_default=True, help="Folder for the report.")
def demo(folder: str) -> None:
    """Analyse the bundled recordings of real loops, offline; the last line is the report's path."""
    from ..io.write import write_file
    from .demo import COMMAND, run_demo
    from .html import page
    from .run import written

    documents, report = run_demo(Path(folder), progress=progress_line())
    said = "".join(f"{written(document, COMMAND.depth)}\n\n" for document in documents)
    each_done(
        [
            lambda: echo(said, nl=False, color=color()),
            lambda: write_file(report, page(documents)),
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
@click.argument("files", nargs=-1, metavar="[FILE]...")
@click.option(
    "--port", type=click.IntRange(1, 65535), metavar="N", help="Serve there. Default: 8321, or the next free."
)
@click.option("--no-open", is_flag=True, help="Open no browser.")
def view(files: tuple[str, ...], port: int | None, no_open: bool) -> None:
    """Pull the levers, look at your own loop: a page of this machine alone; prints its address.

    FILES are tables to begin with; more can be opened on the page. Ends with Ctrl-C.
    """
    from .web.server import serve

    serve(files, port, browser=not no_open, say=echo)


@main.command()
@click.argument("term", required=False)
def explain(term: str | None) -> None:
    """Say in one plain sentence what a term or JSON key means; without TERM, list them all."""
    from .explain import explain as look_up

    click.echo(look_up(term))
