"""What every finding counts for, in one table: the suite `python` reads nothing else.

    security      = 10 * 2^-(severe) / (1 + style / 10)
    efficiency    = 10 / (1 + smells) / (1 + complexity / 100)
    functionality = 10 * sum of part * n / (n + half) * (1 - exp(-logical lines / lines))

`severe` and `smells` are sums of weights, whatever the length of the program: an eval is no better in a long one.
`style` and `complexity` are densities per 100 logical lines: sums of weights, and cognitive complexity plus the
decisions of cyclomatic complexity. Every map is smooth and stays above 0, so that no mass piles up at 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["severe", "style", "smell", "note"]

HALVING_STYLE = 10.0  # weights of style per 100 logical lines that halve security
HALVING_COMPLEXITY = 100.0  # points of complexity per 100 logical lines that halve efficiency
FEWEST_LINES = 20  # a shorter program has the densities of one of this length
OTHER_RULE = 0.5  # a rule of ruff's that is not in the table


@dataclass(frozen=True)
class Rule:
    """A rule: its name, how it counts and for what; `message` where no tool gives one."""

    name: str
    severity: Severity
    weight: float
    message: str = ""


SECURITY = (
    # What runs a text as a program or a command: each halves the score.
    Rule("S102", "severe", 1.0),  # exec
    Rule("S307", "severe", 1.0),  # eval
    Rule("S602", "severe", 1.0),  # subprocess with a shell
    Rule("S604", "severe", 1.0),  # any call with shell=True
    Rule("S605", "severe", 1.0),  # os.system, os.popen
    Rule("S601", "severe", 1.0),  # a command over ssh
    Rule("S609", "severe", 0.7),  # wildcards in a command
    Rule("S612", "severe", 1.0),  # logging configuration from a socket
    Rule("hidden-eval", "severe", 1.0, "eval, exec or compile is reached under another name"),
    Rule("hidden-shell", "severe", 1.0, "a shell gets a command by way of a variable, a list or another call"),
    Rule("built-sql", "severe", 0.9, "an SQL statement that was put together from values is executed"),
    # What makes objects of bytes, or statements of texts.
    Rule("S608", "severe", 0.9),  # SQL put together
    Rule("S610", "severe", 0.7),
    Rule("S611", "severe", 0.7),
    Rule("S301", "severe", 0.8),  # pickle
    Rule("S302", "severe", 0.8),  # marshal
    Rule("S506", "severe", 0.8),  # yaml.load
    Rule("loaded-objects", "severe", 0.8, "what is loaded may hold objects, which can run code"),
    Rule("made-template", "severe", 0.8, "a template was put together from values: they can hold code"),
    Rule("S202", "severe", 0.6),  # tarfile.extractall
    Rule("S201", "severe", 0.8),  # a debugger for visitors
    Rule("S701", "severe", 0.6),
    Rule("S702", "severe", 0.5),
    Rule("S704", "severe", 0.5),
    Rule("S308", "severe", 0.5),
    # Secrets, broken ciphers, checks switched off.
    *(Rule(code, "severe", 0.6) for code in ("S105", "S106", "S107")),
    *(Rule(code, "severe", 0.7) for code in ("S501", "S507", "S323")),
    Rule("unverified", "severe", 0.7, "a token is taken without looking at its signature"),
    *(Rule(code, "severe", 0.5) for code in ("S303", "S304", "S305", "S324", "S502", "S503", "S504", "S505")),
    *(Rule(code, "severe", 0.4) for code in ("S508", "S509", "S312", "S321", "S103", "S306")),
    *(Rule(f"S{n}", "severe", 0.3) for n in (310, 313, 314, 315, 316, 317, 318, 319)),
    # What may be right: counted by density.
    Rule("S104", "style", 1.0),
    Rule("S108", "style", 0.7),
    Rule("S110", "style", 1.0),
    Rule("S112", "style", 1.0),
    Rule("S113", "style", 1.0),
    Rule("S311", "style", 0.1),  # random numbers that are not for keys: most programs mean no key
    Rule("S603", "style", 0.5),
    Rule("S606", "style", 0.5),
    Rule("S607", "style", 0.5),
    # Shown and counted; what it hides is found all the same, and a score does not hang on comments.
    Rule("suppressed", "note", 0.0, "a comment tells scanners to look away; it was not obeyed"),
)

SMELLS = (
    Rule("nested-loop", "smell", 0.25, "a loop inside a loop goes through its data again in every round"),
    Rule("deep-loop", "smell", 0.5, "a third loop, or one deeper, inside others"),
    Rule("front-of-list", "smell", 0.5, "a list is changed at its front in a loop: every element moves"),
    Rule("text-grown", "smell", 0.4, "a text is put together piece by piece in a loop; join the pieces"),
    Rule("list-rebuilt", "smell", 0.4, "a list or dict is made anew from itself in every round; extend it"),
    Rule("array-grown", "smell", 0.6, "an array or frame is copied to make it longer in every round"),
    Rule("sort-in-loop", "smell", 0.5, "the same collection is sorted in every round"),
    Rule("list-searched", "smell", 0.5, "a list is searched in a loop; a set or dict finds at once"),
    Rule("slice-summed", "smell", 0.5, "a slice is gone through in every round"),
    Rule("scan-in-loop", "smell", 0.25, "the same collection is gone through again in every round"),
    Rule("read-in-loop", "smell", 0.5, "the same file or page is read in every round"),
    Rule("trial-division", "smell", 0.4, "every number is tried as a divisor; those up to the square root suffice"),
    Rule("pattern-compiled", "smell", 0.3, "a regular expression is compiled in every round"),
    Rule("recursion", "smell", 1.0, "a function calls itself more than once on smaller numbers and remembers nothing"),
    Rule("rest-copied", "smell", 0.5, "a function calls itself with a copy of all but a few elements"),
    Rule("every-order", "smell", 1.0, "every order or combination is tried: their number explodes"),
    Rule("sorted-for-one", "smell", 0.2, "everything is sorted for its smallest or largest element"),
    Rule("rows-one-by-one", "smell", 0.6, "a frame is gone through row by row"),
    Rule("query-in-loop", "smell", 0.7, "a query is sent in every round"),
)

PARTS = (
    # part of functionality, its share, and how many give half of it
    ("functions", 0.28, 1.5),
    ("classes", 0.10, 0.5),
    ("imports", 0.10, 1.5),
    ("returns", 0.20, 1.5),
    ("docstrings", 0.14, 1.0),
    ("handlers", 0.14, 1.0),
    ("logical_lines", 0.04, 10.0),
)

RULES = {rule.name: rule for rule in (*SECURITY, *SMELLS)}


def rule_of(name: str) -> Rule:
    """Return the row of a rule; one that is not in the table counts as style."""
    return RULES.get(name) or Rule(name, "style", OTHER_RULE)
