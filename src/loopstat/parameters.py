"""Settings, described once: flags, validation, help, settings files, sliders, `explain` and docs are made of rows.

Light on purpose: the command line reads every table before it does anything.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Literal

from .errors import SettingsError

Kind = Literal["number", "choice", "flag", "switch", "text", "list", "pairs", "path"]
"""`flag` is on or off; `switch` can also be turned off; `list` holds names, `pairs` NAME=VALUE."""

Of = Literal["", "column", "number", "objective", "group", "session"]
"""What is named: any column of the table, one of numbers, an objective analysed, a group shown, a session."""

OURS = "loopstat"  # where a default comes from, unless a source is named


@dataclass(frozen=True)
class Parameter:
    """One setting: what it is called, what it may be, and what it means.

    Attributes
    ----------
    name, symbol, unit, help, source : str
        `source` says where the default comes from.
    default : float, int, str, bool or None
        None where nothing is asked for.
    low, high : float or None
        What is accepted, ends included; None is no limit. `open_low` and `open_high` leave an end out.
    slider : (low, high) or None
        The range within which it is varied when levers and sensitivities are looked for.
    whole : bool
    choices : tuple of str
        Instead of numbers.
    kind : str
        What a value is; see `Kind`.
    metavar : str
        What stands for a value in the help.
    field : str
        Its name in the frozen settings, where it has another one.
    of : str
        What its names are names of; see `Of`.
    label : str
        What a page calls it, where its name does not say it.
    offers : str
        `module:name` of a function that returns the names it takes, where other packages may add some.
    """

    name: str
    symbol: str = ""
    default: Any = None
    unit: str = ""
    help: str = ""
    source: str = OURS
    low: float | None = None
    high: float | None = None
    slider: tuple[float, float] | None = None
    whole: bool = False
    open_low: bool = False
    choices: tuple[str, ...] = ()
    open_high: bool = False
    kind: Kind = "number"
    metavar: str = ""
    field: str = ""
    of: Of = ""
    label: str = ""
    offers: str = ""

    @property
    def flag(self) -> str:
        """How the command line spells it."""
        return "--" + self.name.replace("_", "-")

    def read(self, value: Any, name: str | None = None) -> Any:
        """Return a value as this setting takes it, from text or a number.

        Raises
        ------
        SettingsError
            Naming the setting, what was expected and what came.
        """
        name = name or self.name
        if self.choices:
            if value in self.choices:
                return str(value)
            raise SettingsError(f"`{name}` must be one of {', '.join(self.choices)}. Got {value!r}.")
        if self.kind != "number":
            return value
        number = self._number(value, name)
        low_broken = self.low is not None and (number <= self.low if self.open_low else number < self.low)
        high_broken = self.high is not None and (number >= self.high if self.open_high else number > self.high)
        if low_broken or high_broken:
            raise SettingsError(f"`{name}` must lie in {self.range}. Got {value!r}.")
        return int(number) if self.whole else number

    def _number(self, value: Any, name: str) -> float:
        kind = "a whole number" if self.whole else "a finite number"
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except OverflowError:  # a whole number no float can hold
            number = math.inf
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or (self.whole and number != int(number)):
            got = "a number above 1e308" if isinstance(value, int) and math.isinf(number) else repr(value)
            raise SettingsError(f"`{name}` must be {kind} in {self.range}. Got {got}.")
        return number

    @property
    def range(self) -> str:
        """What is accepted, in the notation of intervals."""
        low = "(-inf" if self.low is None else f"{'(' if self.open_low else '['}{self.low:g}"
        return f"{low}, {'inf)' if self.high is None else f'{self.high:.10g}' + (')' if self.open_high else ']')}"

    @property
    def whole_help(self) -> str:
        """What it means, with the names that it takes where other packages may add some."""
        if not self.offers:
            return self.help
        module, _, name = self.offers.partition(":")
        return f"{self.help} On offer: {', '.join(getattr(import_module(module), name)())}."

    @property
    def explained(self) -> str:
        """What it means as one sentence, with its symbol, choices and default."""
        said = self.whole_help.removesuffix(".")
        said = f"{self.symbol}: {said}" if self.symbol not in ("", self.name) else said[:1].upper() + said[1:]
        unit = f", in {self.unit}" if self.unit and self.unit.split()[0] not in said.lower() else ""
        one_of = f"; one of {', '.join(self.choices)}" if any(word not in said for word in self.choices) else ""
        default = "" if self.default is None or self.kind in ("flag", "switch") else f" (default {self.default})"
        return f"{said}{unit}{one_of}{default}" + ("" if said.endswith("?") and not default else ".")

    def described(self) -> dict[str, Any]:
        """Return the row as plain data: what lists of settings hold."""
        names = [item.name for item in fields(self)]
        row = {name: getattr(self, name) for name in names[: names.index("choices") + 1]}
        return {
            **row,
            "help": self.whole_help,
            "choices": list(self.choices),
            "slider": list(self.slider) if self.slider else None,
        }


def number(
    name: str,
    symbol: str,
    default: float | None,
    text: str,
    *ends: float,
    source: str = OURS,
    unit: str = "",
    slider: tuple[float, float] | None = None,
    above: bool = False,
    below: bool = False,
    metavar: str = "X",
) -> Parameter:
    """Return the row of a number; `ends` are its least and largest value, `above` and `below` leave them out."""
    low, high = (ends[0], ends[1] if len(ends) > 1 else None) if ends else (None, None)
    row = Parameter(name, symbol, default, unit, text, source, low, high, slider, metavar=metavar)
    return replace(row, open_low=above, open_high=below)


def whole(
    name: str,
    symbol: str,
    default: int | None,
    text: str,
    low: int | None = None,
    *,
    source: str = OURS,
    unit: str = "",
    slider: tuple[float, float] | None = None,
    field: str = "",
) -> Parameter:
    """Return the row of a whole number."""
    return Parameter(name, symbol, default, unit, text, source, low, None, slider, True, metavar="N", field=field)


def choice(
    name: str, default: str | None, text: str, choices: Iterable[str], source: str = OURS, *, metavar: str = ""
) -> Parameter:
    """Return the row of a word out of a few."""
    return Parameter(name, "", default, "", text, source, choices=tuple(choices), kind="choice", metavar=metavar)


def switch(name: str, text: str, default: bool = False) -> Parameter:
    """Return the row of what is on or off."""
    return Parameter(name, "", default, "", text, kind="switch" if default else "flag")


def words(
    name: str,
    text: str,
    kind: Kind = "text",
    default: str | None = None,
    *,
    metavar: str = "TEXT",
    field: str = "",
    of: Of = "",
    offers: str = "",
) -> Parameter:
    """Return the row of a text, a list of names, or pairs NAME=VALUE."""
    return Parameter(name, "", default, "", text, kind=kind, metavar=metavar, field=field, of=of, offers=offers)


def checked(settings: Any, rows: Iterable[Parameter]) -> None:
    """Read every field of frozen settings as its row takes it; the one `__post_init__` of all of them.

    Raises
    ------
    SettingsError
        Naming the field, its range and what came.
    """
    known = {row.field or row.name: row for row in rows}
    for item in fields(settings):
        value = getattr(settings, item.name)
        if item.name in known and not (value is None and known[item.name].default is None):
            object.__setattr__(settings, item.name, known[item.name].read(value, item.name))


def nearest(name: str, known: Iterable[str], what: str) -> SettingsError:
    """Return the error about an unknown name, with the nearest known one."""
    known = list(known)
    close = get_close_matches(str(name), known, n=1, cutoff=0.4)
    hint = f" Hint: did you mean `{close[0]}`?" if close else ""
    return SettingsError(f"unknown {what} {name!r}. Known: {', '.join(known)}.{hint}")


def pairs(items: Iterable[str], option: str, hint: str = "") -> dict[str, str]:
    """Read `NAME=VALUE` texts.

    Raises
    ------
    SettingsError
        A text without `=`, or a name that comes twice.
    """
    out: dict[str, str] = {}
    for item in items:
        name, _, value = (part.strip() for part in item.partition("="))
        if not (name and value):
            raise SettingsError(f"{option} expects NAME=VALUE. Got {item!r}.{hint}")
        if name in out:
            raise SettingsError(f"{option} names `{name}` twice: {out[name]} and {value}.")
        out[name] = value
    return out


def given(options: Mapping[str, Any], rows: Iterable[Parameter]) -> dict[str, Any]:
    """Return the values of options by field, those not asked for at their defaults."""
    found = {}
    for row in rows:
        value = options.get(row.name)
        empty = value is None or (row.kind in ("list", "pairs") and not value)
        found[row.field or row.name] = row.default if empty else value
    return found


def checked_values(options: Mapping[str, Any], rows: Iterable[Parameter]) -> dict[str, Any]:
    """Return the value of every row by name, read as the row reads it; those not asked for at their defaults.

    Raises
    ------
    SettingsError
        Naming the setting, its range and what came.
    """
    asked = {row.name: options.get(row.name) for row in rows}
    values = {row.name: row.default if asked[row.name] is None else asked[row.name] for row in rows}
    return {row.name: value if (value := values[row.name]) is None else row.read(value) for row in rows}


def how_read(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are kept with a result as they are."""
    log = {"format": options["format"]} if options.get("format") else {}
    return {**{name: options.get(name) for name in HOW_READ}, **log}


def groups_asked(options: Mapping[str, Any]) -> list[str] | None:
    """Return the columns that `--by` names, none for `none`; None where it was not asked for."""
    by = list(options.get("by") or [])
    return ([] if by == ["none"] else by) if by else None


# ------------------------------------------------------------------ rows that several lenses share

HOW_READ = ("columns", "transform", "from_step", "where", "command", "group")
"""Options kept with a result as they are: how the table was read, and what is shown of it."""

OBJECTIVES = words("objectives", "Columns to analyse. Default: the numeric ones.", "list", metavar="A,B", of="number")
BY = words("by", "One group per value; `none` pools. Default: strategy.", "list", metavar="COL,COL", of="column")
MINIMIZE = words("minimize", "Objectives where smaller is better.", "list", metavar="A,B", of="objective")
BOUNDS = words("bounds", "Limits scores cannot leave; LOW:HIGH for all.", "pairs", metavar="A=LOW:HIGH", of="objective")
TRANSFORM = words("transform", "log, log1p, logit or sqrt of an objective.", "list", metavar="A=log", of="objective")
WHERE = words("where", "Only this part; COL!=VALUE leaves it out.", "pairs", metavar="COL=VALUE", of="column")
FROM_STEP = whole("from_step", "", None, "Leave out the steps before N.")
COLUMNS = words("columns", "Your names for our columns.", "list", metavar="session=COL,step=COL", of="column")
SCORERS = "loopstat.scoring.registry:names"
SCORE = words("score", "Score the texts of --artifact on the way.", "list", metavar="SUITE", offers=SCORERS)
ARTIFACT = words("artifact", "Column of texts to score. Default: artifact.", metavar="COL", of="column")
MIXED_SCORERS = switch("mixed_scorers", "Pool scores made by different rules or versions (column scorer_hash).")
FORMAT = words("format", "Which log it is, where that is not seen; table: none.", metavar="NAME[:READING]")
CLUSTER = words("cluster", "What shares a start. Default: task, else session.", metavar="COL", of="column")
BOOTSTRAP = whole("bootstrap", "", 1000, "Replicates.", 0, field="n_boot")
LEVEL = number("level", "", 0.95, "Coverage of intervals.", 0.5, 1, below=True)
GROUP = words("group", "Show this group alone, with everything said of it.", metavar="LABEL", of="group")
SEED = whole("seed", "", 0, "Same seed, same figures.", 0)
