"""The command line of the moves lens: simulate, plan, calibrate, settings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from ..moves.options import FREQUENT
from ..moves.settings import PARAMETERS, POLICIES, PRESETS, SCENARIOS
from .terminal import command_line, deliver, progress_bar, progress_line, write

if TYPE_CHECKING:
    from ..moves.calibrate.fit import Calibration
    from ..moves.commands import Listing, Purchase, Simulation
    from .terminal import Style


@click.group()
def moves() -> None:
    """Simulate a loop of candidates, reviewers and tests, and say what to buy.

    \b
    loopstat moves simulate                      the defaults: how far does that loop get, and what would help?
    loopstat moves simulate --preset noob-vibe   a published setting
    loopstat moves plan --budget 300             the best team under a budget
    loopstat moves settings                      every setting, preset and scenario
    loopstat moves calibrate pool.parquet        what recorded candidates say of tests and reviewers
    """


def _flag(name: str) -> Any:
    """Return the flag of one parameter; its values are checked where all settings are."""
    p = PARAMETERS[name]
    text = f"{p.help[:1].upper()}{p.help[1:]}{f', {p.symbol}' if p.symbol else ''} [{p.default}]."
    return click.option(f"--{name.replace('_', '-')}", name, metavar="N" if p.whole else "X", help=text)


def _settings_options(function: Any) -> Any:
    """Options that say what is simulated; shared by every command that does."""
    for option in reversed(
        [
            click.option("--policy", metavar="|".join(POLICIES), help="Load this policy's published row."),
            click.option("--preset", metavar="|".join(PRESETS), help="Load a published setting."),
            click.option("--scenario", metavar="|".join(SCENARIOS), help="Lay a kind of task over it."),
            click.option("--settings", "settings_file", metavar="FILE", help="Lay a settings file over that."),
            click.option("--group", metavar="LABEL", help="Which group of the settings file."),
            *(_flag(name) for name in FREQUENT),
            click.option(
                "--set",
                "sets",
                multiple=True,
                metavar="NAME=VALUE",
                help="Any setting; wins over all others. `loopstat moves settings` lists them.",
            ),
            click.option("--json", "json_path", metavar="PATH|-", help="Write the result as JSON; - prints it."),
            click.option("--html", "html_path", metavar="PATH", help="Write a page with pictures and tables."),
            click.option("--save", "save_path", metavar="FILE", help="Write the settings, for --settings."),
        ]
    ):
        function = option(function)
    return function


@moves.command()
@_settings_options
@click.option("--sensitivity", is_flag=True, help="Also step every setting up and down: what does it hang on?")
def simulate(json_path: str | None, html_path: str | None, save_path: str | None, **options: Any) -> None:
    """Say when the tests would pass, when nothing is wrong, at what cost and risk, and what would help.

    Later options win: policy or preset, then scenario, settings file, flags, --set.
    """
    from ..moves.commands import settings_text
    from ..moves.commands import simulate as run

    _check(options, json_path, html_path, save_path)
    found = run(None, {**options, "command": command_line("moves simulate")})
    _deliver(found, json_path, html_path, (save_path, lambda _: settings_text(found)))


@moves.command()
@click.option("--budget", type=float, metavar="COST", help="Best plan that costs no more.")
@click.option("--reliability", type=float, metavar="SHARE", help="Cheapest plan of which this share of runs succeeds.")
@click.option(
    "--judge",
    type=click.Choice(["p_good", "p_pass"]),
    default="p_good",
    show_default=True,
    help="What succeeding means: nothing is wrong, or the tests would pass.",
)
@click.option(
    "--search",
    multiple=True,
    metavar="NAME=V,V",
    help="Search only these values of policy, candidates, reviewers, reviewer_proposals or edit_radius.",
)
@click.option("--frontier/--no-frontier", default=True, help="Also speed against quality over teams. [frontier]")
@_settings_options
def plan(json_path: str | None, html_path: str | None, save_path: str | None, **options: Any) -> None:
    """Say what to buy: policy, candidates, reviewers and edit radius under a budget or for a reliability.

    Settings give all that is not searched: priors, tests, difficulty, costs. --save writes those of the plan.
    """
    from ..moves.commands import buy, settings_text

    _check(options, json_path, html_path, save_path)
    found = buy(None, {**options, "command": command_line("moves plan")}, progress=progress_bar())
    _deliver(found, json_path, html_path, (save_path, lambda _: settings_text(found)))


@moves.command()
@click.option("--json", "json_path", metavar="PATH|-", help="Write them as JSON; - for standard output.")
def settings(json_path: str | None) -> None:
    """List every setting with its range, default and meaning, and the policies, presets and scenarios."""
    from ..io.write import check_targets
    from ..moves.commands import listed
    from .commands import json_text

    check_targets({"--json": json_path})
    deliver(Viewed(listed(None, {})), [(json_path, json_text)])


def _split(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> list[str]:
    return [part.strip() for item in value for part in item.split(",") if part.strip()]


_LISTED: dict[str, Any] = {"multiple": True, "callback": _split}


@moves.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--pool", metavar="COL", default="task", show_default=True, help="What candidates share: the prompt.")
@click.option("--coarse", metavar="COL", help="Verdicts of the tests a loop sees: true or false.")
@click.option("--fine", metavar="COL", help="Verdicts of finer tests on the same candidates.")
@click.option("--judges", metavar="COL,COL", **_LISTED, help="Scores of two judges or more.")
@click.option("--truth", metavar="COL", help="True quality; a verdict gives upper bounds only.")
@click.option("--progress", "progress_column", metavar="COL", help="Defects of every version: how fast are they fixed?")
@click.option("--share", is_flag=True, help="--progress and --instrument are shares of passing tests.")
@click.option("--tests", type=click.FloatRange(1), metavar="N", help="Tests behind each share. [10]")
@click.option("--parent", metavar="COL", help="Step of the version it was made from. [parent_step, else the last]")
@click.option("--radius", metavar="COL", help="Size of the change that made it.")
@click.option("--instrument", metavar="COL", help="A second measurement of the defects, with errors of its own.")
@click.option("--by", metavar="COL,COL", **_LISTED, help="One group per value; `none` pools. [model, strategy]")
@click.option("--where", metavar="COL=VALUE", multiple=True, help="Only this part; COL!=VALUE leaves it out.")
@click.option("--columns", metavar="task=COL,model=COL", **_LISTED, help="Your names for our columns.")
@click.option("--level", type=float, default=0.95, show_default=True, help="Coverage of intervals.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same figures.")
@click.option("--json", "json_path", metavar="PATH|-", help="Write the result as JSON; - for standard output.")
@click.option("--html", "html_path", metavar="PATH", help="Write a page with pictures and tables.")
@click.option("--out", "settings_path", metavar="FILE", help="Write what was identified, for --settings.")
def calibrate(
    files: tuple[str, ...], json_path: str | None, html_path: str | None, settings_path: str | None, **options: Any
) -> None:
    """Say what recorded candidates show of oracle, reviewers and candidates, and what they cannot.

    FILE has one row per candidate: its task, verdicts of coarse and fine tests, scores of judges, a truth, whatever of
    these there is.
    """
    from ..io.write import check_targets
    from .calibration_commands import run_calibration, settings_json

    check_targets({"--json": json_path, "--html": html_path, "--out": settings_path}, files)
    found = run_calibration(list(files), options, command=command_line("moves calibrate"), progress=progress_line())
    _deliver(found, json_path, html_path, (settings_path, lambda _: settings_json(found)))


def _check(options: dict[str, Any], json_path: str | None, html_path: str | None, save_path: str | None) -> None:
    from ..io.write import check_targets

    file = options["settings_file"]
    check_targets({"--json": json_path, "--html": html_path, "--save": save_path}, [file] if file else [])


def _deliver(
    found: Simulation | Purchase | Calibration,
    json_path: str | None,
    html_path: str | None,
    saved: tuple[str | None, Callable[[Any], str]],
) -> None:
    from .commands import json_text, page_text

    deliver(Viewed(found), [(json_path, json_text), (html_path, page_text), saved])


@dataclass(frozen=True)
class Viewed:
    """A result of the moves lens with the faces that its view gives it."""

    result: Simulation | Purchase | Listing | Calibration

    @property
    def notes(self) -> Sequence[str]:
        """What was guessed, left out or assumed."""
        return self.result.notes

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return self.result.to_dict()

    def render(self, *, width: int, style: Style) -> str:
        """Return what the terminal shows."""
        from ..moves.view import document

        return write(document(self.result), width=width, style=style)

    def page(self) -> str:
        """Return the page."""
        from ..moves.view import document
        from .html import page

        return page(document(self.result))
