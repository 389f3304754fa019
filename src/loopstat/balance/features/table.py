"""What can be said of a state in numbers: features of texts, mean objectives, and the user's own columns."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arrays import Float, frozen, summed
from ...errors import SettingsError
from ...panel.panel import Panel

Describe = Callable[[list[str]], Any]  # state names to an array (n_states, n_features), or name -> column

IDEOGRAPHS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # written without blanks: each is a word
WORD = re.compile(rf"[{IDEOGRAPHS}]|[^\W{IDEOGRAPHS}]+")
TOKEN = re.compile(rf"[{IDEOGRAPHS}]|[^\W{IDEOGRAPHS}]+|\*\*|//|[-=!<>+*/%&|:]=|->|=>|&&|\|\||[^\w\s]")
VOWELS = frozenset("aeiou")
CUT = 180  # characters of a text that are described; longer ones often arrive shortened, as their beginning,
SHORTENED = re.compile(r"(.*)\.\.\. \[(\d+) characters, [0-9a-f]{16}\]", re.DOTALL)  # length and digest
FEWEST_HOLDERS, LEAST_SHARE = 3, 0.02  # states that must hold a token before its number is worth a feature
SHARES = ("letters", "vowels", "upper_case", "digits", "punctuation", "white_space", "non_ascii")


@dataclass(frozen=True)
class Features:
    """Named numbers of every state.

    Attributes
    ----------
    names : tuple of str
    values : float array, shape (n_states, n_features)
    """

    names: tuple[str, ...]
    values: Float

    def __post_init__(self) -> None:
        """Freeze the values and refuse columns that cannot be told apart."""
        object.__setattr__(self, "values", frozen(self.values, np.float64))
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise SettingsError(
                f"features must be an array (n_states, {len(self.names)}): one column for each of the names "
                f"{_listed(self.names)}. Got shape {self.values.shape}."
            )
        doubled = [name for name, k in Counter(self.names).items() if k > 1]
        if doubled:
            raise SettingsError(f"feature names must differ. Got {_listed(doubled)} more than once.")

    def __len__(self) -> int:
        return len(self.values)


# ----------------------------------------------------------------------------- of texts


def tokens_of(text: str) -> list[str]:
    """Return words, numbers, ideographs and operators of a text in lower case, in order.

    Examples
    --------
    >>> tokens_of("If x**2 >= Y: stop!")
    ['if', 'x', '**', '2', '>=', 'y', ':', 'stop', '!']
    """
    return TOKEN.findall(text.lower())


def beginning(text: str) -> tuple[str, int]:
    """Return the first 180 characters of a text and how many it has, also where it is shortened already.

    Examples
    --------
    >>> beginning("short"), beginning("a... [310 characters, 0123456789abcdef]")
    (('short', 5), ('a', 310))
    """
    found = SHORTENED.fullmatch(text)
    return (found[1], int(found[2])) if found else (text[:CUT], len(text))


def common_tokens(states: Sequence[str], n_tokens: int = 8) -> tuple[str, ...]:
    """Return the tokens found in most states, at least 3 and 2 % of them and not in all, most common first."""
    holders = Counter(token for text in states for token in set(tokens_of(beginning(text)[0])))
    least = max(FEWEST_HOLDERS, LEAST_SHARE * len(states))
    ranked = sorted(holders.items(), key=lambda item: (-item[1], item[0]))
    return tuple([token for token, k in ranked if least <= k][:n_tokens])


def text_features(states: Sequence[str], *, tokens: Sequence[str] = ()) -> Features:
    """Describe texts by length, words, kinds of characters, variety, and how often they hold some tokens.

    Parameters
    ----------
    states : sequence of str, shape (n_states,)
    tokens : sequence of str
        Tokens to count, such as `common_tokens(states)`.

    Returns
    -------
    Features
        `log_chars` = ln(1 + characters), `words`, `word_length` (mean, in characters), shares of the characters that
        are letters, vowels (aeiou without accents), upper case, digits, punctuation or symbols, white space, not
        ASCII; `type_token_ratio` = distinct words over words; `count:TOKEN`. 0 for an empty text.

    Notes
    -----
    *When it is wrong*: all but `log_chars` describe the first 180 characters; words are runs of letters and digits, and
    single ideographs; scripts that write without blanks and are neither Chinese nor Japanese come out as long words.
    The type-token ratio falls with length whatever is said.

    Examples
    --------
    >>> made = text_features(["Ab 1", ""], tokens=["ab"])
    >>> dict(zip(made.names, made.values[0].round(2).tolist()))["word_length"]
    1.5
    """
    names = ("log_chars", "words", "word_length", *SHARES, "type_token_ratio", *(f"count:{t}" for t in tokens))
    rows = np.array([_described(text, tokens) for text in states]).reshape(len(states), len(names))
    return Features(names, rows)


def _described(text: str, tokens: Sequence[str]) -> list[float]:
    text, length = beginning(text)
    words = WORD.findall(text)
    n, w = max(len(text), 1), max(len(words), 1)
    row = [float(np.log1p(length)), len(words), sum(map(len, words)) / w]
    row += [k / n for k in _kinds(text)]
    row.append(len({x.lower() for x in words}) / w if words else 0.0)
    if tokens:
        held = Counter(tokens_of(text))
        row += [held[t] for t in tokens]
    return row


def _kinds(text: str) -> tuple[int, ...]:
    """Return how many characters are of each kind in `SHARES`."""
    letters = [c for c in text if c.isalpha()]
    bare = unicodedata.normalize("NFD", "".join(letters).lower())
    return (
        len(letters),
        sum(c in VOWELS for c in bare),
        sum(c.isupper() for c in letters),
        sum(c.isdecimal() for c in text),
        sum(unicodedata.category(c)[0] in "PS" for c in text),
        sum(c.isspace() for c in text),
        sum(not c.isascii() for c in text),
    )


# ------------------------------------------------------------------------ of objectives


def objective_means(panel: Panel, states: Sequence[str], *, state: str = "state") -> Features:
    """Return the mean of every objective over the rows of each state.

    Parameters
    ----------
    panel : Panel
    states : sequence of str
        Values of the label, in the order wanted, such as `counts.states`.
    state : str
        Label column that holds the states.

    Returns
    -------
    Features
        One column per objective; NaN where every row of a state misses it.
    """
    if state not in panel.labels:
        raise SettingsError(f"there is no label `{state}`. Labels: {', '.join(panel.labels) or 'none'}.")
    labels = panel.labels[state]
    place = {name: k for k, name in enumerate(states)}
    code = np.array([place.get(name, len(states)) for name in labels.names] + [len(states)], dtype=np.int64)
    row = code[labels.codes]  # a row without a label has code -1, which reads the last entry
    columns = []
    for x in panel.x.T:
        known = np.isfinite(x)
        n = summed(row[known], np.ones(int(known.sum())), len(states) + 1)[:-1]
        total = summed(row[known], x[known], len(states) + 1)[:-1]
        columns.append(np.where(n > 0, total / np.maximum(n, 1), np.nan))
    return Features(panel.names, np.array(columns).T.reshape(len(states), panel.n_obj))


# ----------------------------------------------------------------------- the user's own


def read_features(given: Any, n_states: int, *, names: Sequence[str] | None = None, what: str = "values") -> Features:
    """Return features given as an array, as name -> column, or as `Features`, checked.

    Parameters
    ----------
    given : array of shape (n_states,) or (n_states, n_features), mapping of columns, or Features
    n_states : int
    names : sequence of str, optional
        Of the columns of an array; default x1, x2, ...
    what : str
        Whose shape and finiteness an error speaks of.

    Returns
    -------
    Features

    Raises
    ------
    SettingsError
        Wrong shape, wrong number of names, no column at all, or entries that are not finite numbers.
    """
    if isinstance(given, Features):
        found = given
    elif isinstance(given, Mapping):
        columns = [_column(name, column, n_states, what) for name, column in given.items()]
        found = Features(tuple(map(str, given)), np.array(columns).reshape(len(columns), n_states).T)
    else:
        values = _numbers(given, what)
        values = values[:, None] if values.ndim == 1 else values
        found = Features(_names(names, values, what, n_states), values)
    if len(found) != n_states or not found.names:
        raise SettingsError(
            f"{what} must have one row for each of the {n_states} states and at least one column. "
            f"Got shape {found.values.shape}. Hint: rows follow `counts.states`."
        )
    _check_finite(found, what)
    return found


def _names(names: Sequence[str] | None, values: Float, what: str, n_states: int) -> tuple[str, ...]:
    if values.ndim != 2:
        raise SettingsError(f"{what} must have shape ({n_states}, n_features). Got shape {values.shape}.")
    if names is None:
        return tuple(f"x{k + 1}" for k in range(values.shape[1]))
    return tuple(map(str, names))


def _column(name: Any, column: ArrayLike, n_states: int, what: str) -> Float:
    values = _numbers(column, f"{what}[{str(name)!r}]")
    if values.shape != (n_states,):
        raise SettingsError(f"{what}[{str(name)!r}] must have shape ({n_states},). Got shape {values.shape}.")
    return values


def _numbers(given: ArrayLike, what: str) -> Float:
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SettingsError(
            f"{what} must be numbers, one row per state, or a dict of columns. Got {type(given).__name__}: {error}."
        ) from None


def _check_finite(features: Features, what: str) -> None:
    bad = ~np.isfinite(features.values)
    if bad.any():
        row, column = (int(k[0]) for k in np.nonzero(bad))
        raise SettingsError(
            f"{what} must be finite. Got {features.values[row, column]} for feature `{features.names[column]}` of "
            f"state number {row}, and {int(bad.sum())} such entries in all. Hint: leave those states out with "
            f"`counts.part(codes)`, or fill them in."
        )


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")
